package report

import (
	"io"
	"slices"
	"strconv"

	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/scanner"
)

// OSVJSON writes known vulnerabilities in the shape of osv-scanner's own JSON output
// (https://google.github.io/osv-scanner/output/#json), so that what reads that can read this. Only packages with findings
// that count are listed, as osv-scanner does.
//
// # Limitations
//
// A group of aliases has one record, the one it is shown under, with the facts of the group; its affected part names the
// version that was found and not the ranges of the database. The smallest fixing versions stand in
// database_specific.fixed_versions. Paths are relative to the root of the tree.
func OSVJSON(w io.Writer, res *scanner.Result, _ Options) error {
	doc := osvDocument{Results: []osvSource{}}
	type key struct {
		path string
		id   inventory.ID
	}
	sources := map[string]int{}
	packages := map[key]int{}
	byID := make(map[inventory.ID]*inventory.Package, len(res.Packages))
	for i := range res.Packages {
		byID[res.Packages[i].ID] = &res.Packages[i]
	}
	for i := range res.Findings {
		f := &res.Findings[i]
		p := byID[f.Subject]
		if p == nil || f.Advisory == nil || f.Status == scanner.StatusSuppressed {
			continue
		}
		at, ok := sources[f.Location.Path]
		if !ok {
			at = len(doc.Results)
			sources[f.Location.Path] = at
			doc.Results = append(doc.Results, osvSource{Source: osvPlace{Path: f.Location.Path, Type: "lockfile"}})
		}
		source := &doc.Results[at]
		k := key{f.Location.Path, f.Subject}
		n, ok := packages[k]
		if !ok {
			n = len(source.Packages)
			packages[k] = n
			pkg := osvPackage{Package: osvName{Name: p.Name, Version: p.Version, Ecosystem: p.Ecosystem}}
			if f.Scope == inventory.ScopeDevelopment {
				pkg.DependencyGroups = []string{"dev"}
			}
			source.Packages = append(source.Packages, pkg)
		}
		pkg := &source.Packages[n]
		pkg.Vulnerabilities = append(pkg.Vulnerabilities, osvRecordOf(f, p))
		pkg.Groups = append(pkg.Groups, osvGroupOf(f))
	}
	slices.SortStableFunc(doc.Results, func(a, b osvSource) int {
		return inventory.Location{Path: a.Source.Path}.Compare(inventory.Location{Path: b.Source.Path})
	})
	return writeJSON(w, doc)
}

// The structs below follow pkg/models/results.go of github.com/google/osv-scanner and the OSV schema
// (https://ossf.github.io/osv-schema/); a test reads what they make with osv-scanner's own types.
type (
	osvDocument struct {
		Results            []osvSource `json:"results"`
		ExperimentalConfig struct {
			Licenses struct {
				Summary   bool     `json:"summary"`
				Allowlist []string `json:"allowlist"`
			} `json:"licenses"`
		} `json:"experimental_config"`
	}
	osvSource struct {
		Source   osvPlace     `json:"source"`
		Packages []osvPackage `json:"packages"`
	}
	osvPlace struct {
		Path string `json:"path"`
		Type string `json:"type"`
	}
	osvPackage struct {
		Package          osvName     `json:"package"`
		DependencyGroups []string    `json:"dependency_groups,omitempty"`
		Vulnerabilities  []osvRecord `json:"vulnerabilities"`
		Groups           []osvGroup  `json:"groups"`
	}
	osvName struct {
		Name      string `json:"name"`
		Version   string `json:"version,omitempty"`
		Ecosystem string `json:"ecosystem"`
		PURL      string `json:"purl,omitempty"`
	}
	osvGroup struct {
		IDs         []string `json:"ids"`
		Aliases     []string `json:"aliases"`
		MaxSeverity string   `json:"max_severity"`
	}
	osvRecord struct {
		SchemaVersion    string         `json:"schema_version"`
		ID               string         `json:"id"`
		Modified         string         `json:"modified,omitempty"`
		Published        string         `json:"published,omitempty"`
		Aliases          []string       `json:"aliases,omitempty"`
		Summary          string         `json:"summary,omitempty"`
		Details          string         `json:"details,omitempty"`
		Severity         []osvSeverity  `json:"severity,omitempty"`
		Affected         []osvAffected  `json:"affected"`
		References       []osvReference `json:"references,omitempty"`
		DatabaseSpecific osvSpecific    `json:"database_specific"`
	}
	osvSeverity struct {
		Type  string `json:"type"`
		Score string `json:"score"`
	}
	osvAffected struct {
		Package  osvName  `json:"package"`
		Versions []string `json:"versions,omitempty"`
	}
	osvReference struct {
		Type string `json:"type"`
		URL  string `json:"url"`
	}
	osvSpecific struct {
		Severity      scanner.Severity `json:"severity"`
		CWEs          []string         `json:"cwe_ids,omitempty"`
		FixedVersions []string         `json:"fixed_versions,omitempty"`
		Tier          scanner.Tier     `json:"trifecta_tier"`
	}
)

// osvSchemaVersion is the version of the OSV schema that the records keep to.
const osvSchemaVersion = "1.7.3"

var osvSeverityTypes = map[string]string{"2.0": "CVSS_V2", "3.0": "CVSS_V3", "3.1": "CVSS_V3", "4.0": "CVSS_V4"}

func osvRecordOf(f *scanner.Finding, p *inventory.Package) osvRecord {
	a := f.Advisory
	r := osvRecord{
		SchemaVersion: osvSchemaVersion,
		ID:            f.RuleID,
		Modified:      timestamp(a.Modified),
		Published:     timestamp(a.Published),
		Aliases:       a.Aliases,
		Summary:       a.Summary,
		Details:       a.Details,
		Affected:      []osvAffected{{Package: osvName{Name: p.Name, Ecosystem: p.Ecosystem, PURL: p.PURL}}},
		DatabaseSpecific: osvSpecific{
			Severity: f.Severity, CWEs: a.CWE, FixedVersions: a.FixedVersions, Tier: f.Tier,
		},
	}
	if p.Version != "" {
		r.Affected[0].Versions = []string{p.Version}
	}
	for _, c := range a.CVSS {
		if t, ok := osvSeverityTypes[c.Version]; ok {
			r.Severity = append(r.Severity, osvSeverity{Type: t, Score: c.Vector})
		}
	}
	for _, address := range a.References {
		if u := httpURL(address); u != "" {
			r.References = append(r.References, osvReference{Type: "WEB", URL: u})
		}
	}
	return r
}

func osvGroupOf(f *scanner.Finding) osvGroup {
	aliases := append([]string{f.RuleID}, f.Advisory.Aliases...)
	slices.Sort(aliases)
	g := osvGroup{IDs: []string{f.RuleID}, Aliases: slices.Compact(aliases)}
	if c := baseScore(f.Advisory); c != nil {
		g.MaxSeverity = strconv.FormatFloat(c.Score, 'f', 1, 64)
	}
	return g
}
