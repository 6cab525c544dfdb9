// Package scanner turns an inventory into findings, ranks them and puts them into one Result.
//
// A Scanner judges one thing (known vulnerabilities, declared infrastructure, machine images) and lives in a directory
// below this one. Run asks all of them, gives each finding its fingerprint, tier and score, and sorts. A Result
// survives a trip through JSON, so that one scan feeds every report later.
package scanner

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// Severity is how bad a finding is by itself, wherever it stands. Exposure never changes it.
type Severity string

// The severities, worst first.
const (
	Critical Severity = "critical"
	High     Severity = "high"
	Medium   Severity = "medium"
	Low      Severity = "low"
	Info     Severity = "info"
	Unknown  Severity = "unknown"
)

// Severities lists all severities, worst first.
var Severities = []Severity{Critical, High, Medium, Low, Info, Unknown}

// AtLeast reports whether s is as bad as t or worse. Unknown is as bad as nothing but itself.
func (s Severity) AtLeast(t Severity) bool {
	if s == Unknown || t == Unknown {
		return s == t
	}
	return slices.Index(Severities, s) <= slices.Index(Severities, t)
}

// Tier is when a finding wants attention: the decision of design section "Ranking", modelled on SSVC.
type Tier string

// The tiers, most urgent first.
const (
	TierAct       Tier = "act"    // now
	TierAttend    Tier = "attend" // this week
	TierTrackStar Tier = "track*" // next cycle
	TierTrack     Tier = "track"  // otherwise
)

// Tiers lists all tiers, most urgent first.
var Tiers = []Tier{TierAct, TierAttend, TierTrackStar, TierTrack}

// AtLeast reports whether t is as urgent as u or more so.
func (t Tier) AtLeast(u Tier) bool { return slices.Index(Tiers, t) <= slices.Index(Tiers, u) }

// Kind is what sort of trouble a finding is.
type Kind string

// The kinds of findings.
const (
	KindVulnerability    Kind = "vulnerability"
	KindMalware          Kind = "malware"
	KindMisconfiguration Kind = "misconfiguration"
	KindExposure         Kind = "exposure"
	KindMachineImage     Kind = "machine-image"
	KindImage            Kind = "image"
	KindEndOfLife        Kind = "end-of-life"
	KindLicense          Kind = "license"
	KindSecret           Kind = "secret"
)

// Pillar is the part of the infrastructure protection trifecta that a finding belongs to.
type Pillar string

// The pillars.
const (
	PillarLayer         Pillar = "layer"
	PillarFirewall      Pillar = "firewall"
	PillarVulnerability Pillar = "vulnerability"
)

// Status says how a finding stands to the base of the comparison.
type Status string

// The statuses of a finding.
const (
	StatusNew        Status = "new"
	StatusExisting   Status = "existing"
	StatusSuppressed Status = "suppressed"
)

// Rule is what a finding is an instance of: a check of ours, or an advisory.
type Rule struct {
	ID       string   `json:"id"`
	Aliases  []string `json:"aliases,omitempty"`
	Title    string   `json:"title"`
	Help     string   `json:"help,omitempty"`
	Severity Severity `json:"severity"`
	URL      string   `json:"url,omitempty"`
	Tags     []string `json:"tags,omitempty"`
}

// CVSS is one rating of an advisory. Score is the base score computed from Vector (https://www.first.org/cvss/).
type CVSS struct {
	Version string  `json:"version"` // 2.0, 3.0, 3.1 or 4.0
	Vector  string  `json:"vector"`
	Score   float64 `json:"score"`
}

// Advisory is a group of advisories that are aliases of each other, shown under one id.
type Advisory struct {
	ID            string   `json:"id"`
	Aliases       []string `json:"aliases"`
	Summary       string   `json:"summary"`
	Details       string   `json:"details,omitempty"`
	CWE           []string `json:"cwe"`
	CVSS          []CVSS   `json:"cvss"`
	EPSS          *float64 `json:"epss"` // probability of exploitation within 30 days; nil where unknown
	KEV           bool     `json:"kev"`  // in CISA's catalogue of known exploited vulnerabilities
	FixedVersions []string `json:"fixed_versions"`
	Published     string   `json:"published,omitempty"`
	Modified      string   `json:"modified,omitempty"`
	References    []string `json:"references,omitempty"`
	// Rating is the severity word of the database where there is no vector.
	Rating string `json:"rating,omitempty"`
	// Exploited says that a vendor or a reference in the advisory reports exploitation or a public exploit:
	// "active", "poc" or empty.
	Exploited string `json:"exploited,omitempty"`
}

// Related is a further place that explains a finding.
type Related struct {
	Location inventory.Location `json:"location"`
	Message  string             `json:"message"`
}

// Step is one step of the way from a stranger to what is wrong: a hop of the network, an image, a file.
type Step struct {
	Address  inventory.ID        `json:"address"` // of a resource, an image, a package
	Message  string              `json:"message,omitempty"`
	Location *inventory.Location `json:"location,omitempty"`
}

// Exposure is the network's answer for the workloads that a finding touches. The optional parts describe the most
// exposed of them and are empty where the network was not evaluated.
type Exposure struct {
	Level     ExposureLevel  `json:"level"`
	Workloads []inventory.ID `json:"workloads"`
	// Entry is what a stranger dials to get to the first workload, on Ports (tcp/443).
	Entry inventory.ID `json:"entry,omitempty"`
	Ports []string     `json:"ports,omitempty"`
	// Breadth is how much of the internet gets through: any, wide or restricted.
	Breadth string `json:"breadth,omitempty"`
	// Shields stand in the way without closing it: waf, firewall, auth.
	Shields []string `json:"shields,omitempty"`
	// Link says how the subject is known to run in the workload: declared, resolved or inferred.
	Link string `json:"link,omitempty"`
	// Criticality is what the workload is worth: low, medium, high or very high; empty is medium.
	Criticality string `json:"criticality,omitempty"`
}

// ExposureLevel is how far from a stranger on the internet something is.
type ExposureLevel string

// The levels of exposure, most exposed first; see docs/ranking.md.
const (
	ExposureOpen       ExposureLevel = "open"
	ExposureControlled ExposureLevel = "controlled"
	ExposureAdjacent   ExposureLevel = "adjacent"
	ExposureInternal   ExposureLevel = "internal"
	ExposureIsolated   ExposureLevel = "isolated"
	ExposureUnknown    ExposureLevel = "unknown"
)

// SSVC holds the decision points behind a tier (https://certcc.github.io/SSVC/).
type SSVC struct {
	Exploitation string `json:"exploitation"` // active, likely, none
	Exposure     string `json:"exposure"`     // open, controlled, small
	Automatable  string `json:"automatable"`  // yes, no
	Impact       string `json:"impact"`       // low, medium, high, very high
}

// Upgrade is a change that a package manager makes.
type Upgrade struct {
	Ecosystem string   `json:"ecosystem"`
	Package   string   `json:"package"`
	From      string   `json:"from"`
	To        string   `json:"to"`
	Files     []string `json:"files"`
}

// Edit replaces the lines from Line to EndLine, both included, by Text.
type Edit struct {
	Path    string `json:"path"`
	Line    int    `json:"line"`
	EndLine int    `json:"end_line"`
	Text    string `json:"text"`
}

// Fix is how a finding goes away.
type Fix struct {
	Message string   `json:"message"`
	Upgrade *Upgrade `json:"upgrade,omitempty"`
	Edits   []Edit   `json:"edits,omitempty"`
	Bump    *Bump    `json:"bump,omitempty"` // what the edits do to a machine image
}

// Bump says which machine image takes the place of which.
type Bump struct {
	// Series is what stays the same of the images' names, or the name itself: what is bumped together.
	Series string       `json:"series"`
	From   inventory.ID `json:"from"` // as the code writes it: an id, a name pattern, a parameter's path, a family
	To     inventory.ID `json:"to"`
	Region string       `json:"region,omitempty"` // of the ids
	// Major says that the new image has another release of the system.
	Major bool `json:"major"`
}

// Suppression says who decided that a finding does not count, and why.
type Suppression struct {
	Reason string `json:"reason"`
	Until  string `json:"until,omitempty"` // the last day it holds, as 2006-01-02
	Source string `json:"source"`          // the file and line of the decision
}

// File returns the file of Source, without the line.
func (s *Suppression) File() string {
	if i := strings.LastIndexByte(s.Source, ':'); i >= 0 && strings.Trim(s.Source[i+1:], "0123456789") == "" {
		return s.Source[:i]
	}
	return s.Source
}

// Finding is one thing that is wrong in one place. The optional parts are nil where they have no meaning.
type Finding struct {
	RuleID              string             `json:"rule_id"`
	Kind                Kind               `json:"kind"`
	Severity            Severity           `json:"severity"`
	Pillar              Pillar             `json:"pillar"`
	Tier                Tier               `json:"tier"`
	Score               int                `json:"score"`
	ScoreRange          [2]int             `json:"score_range"`
	Reason              string             `json:"reason"`
	Message             string             `json:"message"`
	Subject             inventory.ID       `json:"subject"`
	Location            inventory.Location `json:"location"`
	Related             []Related          `json:"related"`
	Advisory            *Advisory          `json:"advisory,omitempty"`
	Exposure            Exposure           `json:"exposure"`
	SSVC                *SSVC              `json:"ssvc,omitempty"`
	EnvironmentalVector string             `json:"environmental_vector,omitempty"`
	Called              string             `json:"called,omitempty"` // called, imported, not-imported, not-called, not-analysed
	Path                []Step             `json:"path,omitempty"`
	Fix                 *Fix               `json:"fix,omitempty"`
	Fingerprint         string             `json:"fingerprint"`
	FingerprintVersion  int                `json:"fingerprint_version"`
	Status              Status             `json:"status"`
	Suppression         *Suppression       `json:"suppression,omitempty"`

	// FingerprintKey is what the fingerprint is computed from: everything that stays the same when lines move,
	// versions change or files are sorted anew. The scanner that makes the finding sets it; Run hashes it.
	FingerprintKey []string `json:"-"`
	// Scope is that of the package in the lock file; it lowers the rank of what is only used in development.
	Scope inventory.Scope `json:"scope,omitempty"`
}

// Compare orders findings as they are reported: tier, score, then the cheapest fix, EPSS, path, place and rule.
func (f Finding) Compare(g Finding) int {
	bySuppressed := cmp.Compare(suppressedLast(f), suppressedLast(g))
	epss := func(f Finding) float64 {
		if f.Advisory == nil || f.Advisory.EPSS == nil {
			return 0
		}
		return *f.Advisory.EPSS
	}
	return cmp.Or(
		bySuppressed,
		cmp.Compare(slices.Index(Tiers, f.Tier), slices.Index(Tiers, g.Tier)),
		cmp.Compare(g.Score, f.Score),
		cmp.Compare(effort(f.Fix), effort(g.Fix)),
		cmp.Compare(epss(g), epss(f)),
		f.Location.Compare(g.Location),
		strings.Compare(f.RuleID, g.RuleID),
		strings.Compare(string(f.Subject), string(g.Subject)),
		strings.Compare(f.Fingerprint, g.Fingerprint),
	)
}

func suppressedLast(f Finding) int {
	if f.Status == StatusSuppressed {
		return 1
	}
	return 0
}

// IDs returns every name under which the finding's rule or advisory is known, the rule's own first.
func (f *Finding) IDs() []string {
	ids := []string{f.RuleID}
	if f.Advisory != nil {
		ids = append(append(ids, f.Advisory.ID), f.Advisory.Aliases...)
	}
	return ids
}

// ParseSeverity returns the severity that a word names.
func ParseSeverity(word string) (Severity, error) {
	s := Severity(strings.ToLower(word))
	if !slices.Contains(Severities, s) {
		return "", fmt.Errorf("%q is no severity", word)
	}
	return s, nil
}
