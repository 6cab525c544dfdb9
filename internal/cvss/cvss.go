// Package cvss reads the vectors of the Common Vulnerability Scoring System, versions 2.0, 3.0, 3.1 and 4.0
// (https://www.first.org/cvss/), computes their base scores and rewrites them for one environment.
//
// The arithmetic is go-cvss's; this package makes its four types one, and never lets a malformed vector through.
package cvss

import (
	"strings"

	cvss20 "github.com/pandatix/go-cvss/20"
	cvss30 "github.com/pandatix/go-cvss/30"
	cvss31 "github.com/pandatix/go-cvss/31"
	cvss40 "github.com/pandatix/go-cvss/40"
)

// Versions lists the versions of the standard, the one to trust most first.
var Versions = []string{"4.0", "3.1", "3.0", "2.0"}

// Vector is one valid vector. The zero value is no vector: it has no metrics and scores 0.
type Vector struct {
	Version string // one of Versions
	Text    string // as it was written

	metrics metrics // never changed after Parse
}

// metrics is what the types of go-cvss have in common.
type metrics interface {
	Get(name string) (string, error)
	Set(name, value string) error
	Vector() string
}

// maxVector is far above the longest vector of any version, about 250 bytes with every metric set.
const maxVector = 1024

// Parse reads a vector. The version of a vector without the prefix CVSS: is 2.0, which has none.
func Parse(text string) (Vector, bool) {
	text = strings.TrimSpace(text)
	v := Vector{Version: "2.0", Text: text}
	if rest, ok := strings.CutPrefix(text, "CVSS:"); ok {
		v.Version, _, _ = strings.Cut(rest, "/")
	}
	if len(text) > maxVector {
		return Vector{}, false
	}
	m, ok := v.parse()
	if !ok {
		return Vector{}, false
	}
	v.metrics = m
	return v, true
}

// parse turns a panic of the parser into false: vectors come from whoever wrote the advisory.
func (v Vector) parse() (m metrics, ok bool) {
	defer func() {
		if recover() != nil {
			m, ok = nil, false
		}
	}()
	var err error
	switch v.Version {
	case "4.0":
		m, err = cvss40.ParseVector(v.Text)
	case "3.1":
		m, err = cvss31.ParseVector(v.Text)
	case "3.0":
		m, err = cvss30.ParseVector(v.Text)
	case "2.0":
		m, err = cvss20.ParseVector(v.Text)
	default:
		return nil, false
	}
	return m, err == nil
}

// Base returns the base score from 0 to 10. Threat and environmental metrics of the vector do not count.
func (v Vector) Base() float64 {
	switch m := v.metrics.(type) {
	case *cvss40.CVSS40:
		base := *m
		for _, name := range notBase40 {
			if base.Set(name, "X") != nil {
				return 0
			}
		}
		return base.Score()
	case *cvss31.CVSS31:
		return m.BaseScore()
	case *cvss30.CVSS30:
		return m.BaseScore()
	case *cvss20.CVSS20:
		return m.BaseScore()
	}
	return 0
}

// notBase40 are the metrics of version 4.0 that change the score and are not in its base group; in that version one
// formula serves every group.
var notBase40 = []string{"E", "CR", "IR", "AR", "MAV", "MAC", "MAT", "MPR", "MUI", "MVC", "MVI", "MVA", "MSC", "MSI", "MSA"}

// Metric returns the value of a metric by its short name (AV, PR, VC, ...), empty where the version has no such metric.
func (v Vector) Metric(name string) string {
	if v.metrics == nil {
		return ""
	}
	value, err := v.metrics.Get(name)
	if err != nil {
		return ""
	}
	return value
}

// Environmental returns the vector with metrics set on top, as pairs of name and value, and its environmental score.
// A metric that the version does not have makes ok false.
func (v Vector) Environmental(set ...[2]string) (vector string, score float64, ok bool) {
	m, ok := v.parse()
	if !ok {
		return "", 0, false
	}
	for _, s := range set {
		if m.Set(s[0], s[1]) != nil {
			return "", 0, false
		}
	}
	switch m := m.(type) {
	case *cvss40.CVSS40:
		score = m.Score()
	case *cvss31.CVSS31:
		score = m.EnvironmentalScore()
	case *cvss30.CVSS30:
		score = m.EnvironmentalScore()
	case *cvss20.CVSS20:
		score = m.EnvironmentalScore()
	}
	return m.Vector(), score, true
}

// Rating returns the word for a base score: the qualitative severity rating scale of versions 3 and 4, and the scale
// of the National Vulnerability Database for version 2.0, whose standard has none.
func Rating(version string, score float64) string {
	if version == "2.0" {
		switch {
		case score >= 7:
			return "high"
		case score >= 4:
			return "medium"
		}
		return "low"
	}
	switch {
	case score >= 9:
		return "critical"
	case score >= 7:
		return "high"
	case score >= 4:
		return "medium"
	case score > 0:
		return "low"
	}
	return "none"
}
