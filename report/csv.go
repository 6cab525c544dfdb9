package report

import (
	"encoding/csv"
	"io"
	"regexp"
	"strconv"
	"strings"

	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/scanner"
)

// csvHeader names the columns. New ones are added at the end: scripts count from the left.
var csvHeader = []string{
	"tier", "severity", "score", "kind", "rule_id", "aliases", "package", "version", "ecosystem", "fixed_versions", "subject", "path", "line",
	"exposure", "workloads", "cvss", "epss", "known_exploited", "scope", "direct", "status", "message", "url", "fingerprint",
}

// CSV writes one line for each finding (RFC 4180, with a header), suppressed ones included and marked so. A field that a
// spreadsheet would take for a formula has an apostrophe before it.
func CSV(w io.Writer, res *scanner.Result, _ Options) error {
	byID := make(map[inventory.ID]*inventory.Package, len(res.Packages))
	for i := range res.Packages {
		byID[res.Packages[i].ID] = &res.Packages[i]
	}
	urls := make(map[string]string, len(res.Rules))
	for _, r := range res.Rules {
		urls[r.ID] = httpURL(r.URL)
	}
	out := csv.NewWriter(w)
	if err := out.Write(csvHeader); err != nil {
		return err
	}
	for i := range res.Findings {
		f := &res.Findings[i]
		fields := csvFields(f, byID[f.Subject], urls[f.RuleID])
		for i, field := range fields {
			fields[i] = harmless(clean(field))
		}
		if err := out.Write(fields); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

func csvFields(f *scanner.Finding, p *inventory.Package, address string) []string {
	var name, version, ecosystem, direct string
	if p != nil {
		name, version, ecosystem = p.Name, p.Version, p.Ecosystem
		for _, l := range p.Locations {
			if l.Path == f.Location.Path && l.Line == f.Location.Line {
				direct = strconv.FormatBool(l.Direct)
			}
		}
	}
	var aliases, fixed, cvss, epss, exploited string
	if a := f.Advisory; a != nil {
		aliases, fixed, exploited = strings.Join(a.Aliases, " "), strings.Join(a.FixedVersions, " "), strconv.FormatBool(a.KEV)
		if c := baseScore(a); c != nil {
			cvss = strconv.FormatFloat(c.Score, 'f', 1, 64)
		}
		if a.EPSS != nil {
			epss = strconv.FormatFloat(*a.EPSS, 'f', -1, 64)
		}
	}
	line := ""
	if f.Location.Line > 0 {
		line = strconv.Itoa(f.Location.Line)
	}
	workloads := make([]string, len(f.Exposure.Workloads))
	for i, w := range f.Exposure.Workloads {
		workloads[i] = string(w)
	}
	return []string{
		string(f.Tier), string(f.Severity), strconv.Itoa(f.Score), string(f.Kind), f.RuleID, aliases, name, version, ecosystem, fixed, string(f.Subject),
		f.Location.Path, line, string(f.Exposure.Level), strings.Join(workloads, " "), cvss, epss, exploited, string(f.Scope), direct, string(f.Status),
		f.Message, address, f.Fingerprint,
	}
}

// scoped is a name with an npm scope, the one harmless text that begins with an at sign.
var scoped = regexp.MustCompile(`^@[\w.~-]+/[\w.~-]+( |$)`)

// harmless puts an apostrophe before what spreadsheets run as a formula
// (https://owasp.org/www-community/attacks/CSV_Injection).
func harmless(s string) string {
	if s == "" || !strings.ContainsAny(s[:1], "=+-@\t\r") || scoped.MatchString(s) {
		return s
	}
	return "'" + s
}
