package config

import (
	"path"
	"slices"
	"strings"
	"time"

	"github.com/bmatcuk/doublestar/v4"
	"gopkg.in/yaml.v3"

	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/scanner"
)

// readTrivyIgnore reads a .trivyignore (https://trivy.dev/latest/docs/configuration/filtering/#trivyignore): an id a
// line, with the day from which it no longer holds as exp:DATE. It holds for its folder and those below it. The comment
// above an id, or behind it, is the reason.
func readTrivyIgnore(ig *Ignores, name string, data []byte) {
	folder := path.Dir(name)
	var above []string
	n := 0
	for line := range strings.Lines(string(data)) {
		n++
		line = strings.TrimSpace(line)
		if comment, ok := strings.CutPrefix(line, "#"); ok {
			above = append(above, strings.TrimSpace(comment))
			continue
		}
		line, behind, _ := strings.Cut(line, "#")
		fields := strings.Fields(line)
		if len(fields) == 0 {
			above = nil
			continue
		}
		reason := strings.TrimSpace(behind)
		if reason == "" {
			reason = strings.TrimSpace(strings.Join(above, " "))
		}
		above = nil
		w := waiver{
			at: inventory.Location{Path: name, Line: n}, name: "of " + fields[0], reason: orNoReason(reason, name), keys: []string{keyID + idKey(fields[0])},
			matches: func(_ *scanner.Result, f *scanner.Finding) bool { return below(folder, f.Location.Path) },
		}
		wrong := false
		for _, field := range fields[1:] {
			if day, ok := strings.CutPrefix(field, "exp:"); ok {
				var err error
				if w.ends, err = time.Parse(time.DateOnly, day); err != nil {
					ig.malformed(name, n, "%s has no effect: exp: wants a day such as 2027-01-31, not %q", fields[0], short(day))
					wrong = true
				}
			}
		}
		if !wrong {
			ig.add(w)
		}
	}
}

// trivyKinds are the sections of a .trivyignore.yaml and the findings that each speaks of.
var trivyKinds = map[string][]scanner.Kind{
	"vulnerabilities":   {scanner.KindVulnerability, scanner.KindMalware, scanner.KindEndOfLife},
	"misconfigurations": {scanner.KindMisconfiguration, scanner.KindExposure, scanner.KindImage, scanner.KindMachineImage},
	"secrets":           {scanner.KindSecret},
	"licenses":          {scanner.KindLicense},
}

// readTrivyYAML reads a .trivyignore.yaml
// (https://trivy.dev/latest/docs/configuration/filtering/#trivyignoreyaml). It holds for its folder and those below it.
func readTrivyYAML(ig *Ignores, name string, data []byte) {
	root, ok := yamlRoot(ig, name, data)
	if !ok {
		return
	}
	folder := path.Dir(name)
	for section, list := range pairsOf(root) {
		kinds, ok := trivyKinds[section.Value]
		if !ok {
			continue
		}
		if list.Kind != yaml.SequenceNode {
			ig.malformed(name, list.Line, "%s is no list and has no effect", section.Value)
			continue
		}
		for _, item := range list.Content {
			trivyEntry(ig, name, folder, kinds, item)
		}
	}
}

func trivyEntry(ig *Ignores, name, folder string, kinds []scanner.Kind, item *yaml.Node) {
	var id, statement string
	var paths, purls []string
	var ends time.Time
	for key, value := range pairsOf(item) {
		switch key.Value {
		case "id":
			id = value.Value
		case "statement":
			statement = value.Value
		case "paths":
			paths = scalarsOf(value)
		case "purls":
			purls = scalarsOf(value)
		case "expired_at":
			var ok bool
			if ends, ok = moment(value.Value); !ok {
				ig.malformed(name, value.Line, "%s has no effect: expired_at wants a day such as 2027-01-31, not %q", id, short(value.Value))
				return
			}
		}
	}
	if id == "" {
		ig.malformed(name, item.Line, "an entry without an id has no effect")
		return
	}
	for _, pattern := range paths {
		if !doublestar.ValidatePattern(pattern) {
			ig.malformed(name, item.Line, "%s has no effect: %q is no pattern", id, short(pattern))
			return
		}
	}
	w := waiver{at: inventory.Location{Path: name, Line: item.Line}, name: "of " + id, reason: orNoReason(statement, name), ends: ends}
	license := slices.Contains(kinds, scanner.KindLicense)
	if !license {
		w.keys = []string{keyID + idKey(id)}
	}
	w.matches = func(res *scanner.Result, f *scanner.Finding) bool {
		if !slices.Contains(kinds, f.Kind) || !below(folder, f.Location.Path) {
			return false
		}
		p := res.Package(f.Subject)
		if license && (p == nil || !slices.ContainsFunc(p.Licenses, func(l string) bool { return strings.EqualFold(l, id) })) {
			return false
		}
		if len(purls) > 0 && (p == nil || !slices.ContainsFunc(purls, func(purl string) bool { return purlMatches(purl, p.PURL) })) {
			return false
		}
		within := strings.TrimPrefix(f.Location.Path, strings.TrimPrefix(folder+"/", "./"))
		return len(paths) == 0 || slices.ContainsFunc(paths, func(pattern string) bool {
			return doublestar.MatchUnvalidated(pattern, within) || doublestar.MatchUnvalidated(pattern, f.Location.Path)
		})
	}
	ig.add(w)
}
