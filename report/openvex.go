package report

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/scanner"
)

// OpenVEX writes what is known about each advisory in each package as OpenVEX 0.2.0
// (https://github.com/openvex/spec/blob/main/OPENVEX-SPEC.md): affected, with the fix as the action; not_affected where
// every place is suppressed for a reason that OpenVEX has a word for or that a person gave; under_investigation where a
// decision was made without one or the vulnerable code is known not to be called. The identifier of a document is that
// of its statements, so that equal results give equal documents.
//
// # Limitations
//
// Findings without an advisory have no place in OpenVEX. A document needs a statement by the specification's schema:
// one without findings to speak of has an empty list, which says the same.
func OpenVEX(w io.Writer, res *scanner.Result, _ Options) error {
	doc := vexDocument{
		Context: "https://openvex.dev/ns/v0.2.0", Author: "trifecta", Role: "Document Creator", Timestamp: vexTimestamp(res),
		Version: 1, Tooling: strings.TrimSpace("trifecta " + res.Tool.Version), Statements: vexStatements(res),
	}
	content, err := json.Marshal(doc.Statements)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(content)
	doc.ID = "urn:sha256:" + hex.EncodeToString(sum[:])
	return writeJSON(w, doc)
}

type vexDocument struct {
	Context    string         `json:"@context"`
	ID         string         `json:"@id"`
	Author     string         `json:"author"`
	Role       string         `json:"role"`
	Timestamp  string         `json:"timestamp"`
	Version    int            `json:"version"`
	Tooling    string         `json:"tooling"`
	Statements []vexStatement `json:"statements"`
}

type vexStatement struct {
	Vulnerability   vexVulnerability `json:"vulnerability"`
	Products        []vexProduct     `json:"products"`
	Status          string           `json:"status"`
	StatusNotes     string           `json:"status_notes,omitempty"`
	Justification   string           `json:"justification,omitempty"`
	ImpactStatement string           `json:"impact_statement,omitempty"`
	ActionStatement string           `json:"action_statement,omitempty"`
}

type vexVulnerability struct {
	Name        string   `json:"name"`
	Description string   `json:"description,omitempty"`
	Aliases     []string `json:"aliases,omitempty"`
}

type vexProduct struct {
	ID          string         `json:"@id"`
	Identifiers vexIdentifiers `json:"identifiers"`
}

type vexIdentifiers struct {
	PURL string `json:"purl"`
}

// vexTimestamp is the day by which the scan judged, so that equal scans give equal documents.
func vexTimestamp(res *scanner.Result) string {
	if day, err := time.Parse(time.DateOnly, res.Run.AsOf); err == nil {
		return day.Format(time.RFC3339)
	}
	if t, err := time.Parse(time.RFC3339, res.Run.StartedAt); err == nil {
		return t.UTC().Format(time.RFC3339)
	}
	return time.Unix(0, 0).UTC().Format(time.RFC3339)
}

// vexStatements makes one statement for each advisory in each package, from its findings in all lock files.
func vexStatements(res *scanner.Result) []vexStatement {
	type key struct {
		id   string
		purl string
	}
	groups := map[key][]*scanner.Finding{}
	var order []key
	byID := make(map[inventory.ID]*inventory.Package, len(res.Packages))
	for i := range res.Packages {
		byID[res.Packages[i].ID] = &res.Packages[i]
	}
	for i := range res.Findings {
		f := &res.Findings[i]
		p := byID[f.Subject]
		if f.Advisory == nil || p == nil || !strings.HasPrefix(p.PURL, "pkg:") {
			continue
		}
		k := key{f.Advisory.ID, valid(p.PURL)}
		if len(groups[k]) == 0 {
			order = append(order, k)
		}
		groups[k] = append(groups[k], f)
	}
	slices.SortFunc(order, func(a, b key) int { return cmp.Or(strings.Compare(a.id, b.id), strings.Compare(a.purl, b.purl)) })
	statements := make([]vexStatement, 0, len(order))
	for _, k := range order {
		findings := groups[k]
		s := vexStatement{Products: []vexProduct{{ID: iri(k.purl), Identifiers: vexIdentifiers{k.purl}}}}
		a := findings[0].Advisory
		s.Vulnerability = vexVulnerability{Name: clean(a.ID), Description: clean(a.Summary)}
		for _, alias := range a.Aliases {
			if alias = clean(alias); alias != s.Vulnerability.Name {
				s.Vulnerability.Aliases = append(s.Vulnerability.Aliases, alias)
			}
		}
		slices.Sort(s.Vulnerability.Aliases)
		s.Vulnerability.Aliases = slices.Compact(s.Vulnerability.Aliases)
		s.judge(findings)
		statements = append(statements, s)
	}
	return statements
}

// iri keeps what the specification lets stand in an identifier; the package URL stands beside it as it is.
func iri(purl string) string {
	var b strings.Builder
	for _, c := range []byte(purl) {
		if c <= ' ' || c >= 0x7f || strings.IndexByte("<>\"{}|\\^`", c) >= 0 {
			fmt.Fprintf(&b, "%%%02X", c)
			continue
		}
		b.WriteByte(c)
	}
	return b.String()
}

// vexJustifications are the words of the specification for not_affected.
var vexJustifications = []string{
	"component_not_present", "vulnerable_code_not_present", "vulnerable_code_not_in_execute_path",
	"vulnerable_code_cannot_be_controlled_by_adversary", "inline_mitigations_already_exist",
}

// judge sets the status from the findings of one advisory in one package: affected as soon as one place counts.
func (s *vexStatement) judge(findings []*scanner.Finding) {
	for _, f := range findings {
		if f.Status == scanner.StatusSuppressed {
			continue
		}
		if f.Called == "not-called" || f.Called == "not-imported" {
			continue
		}
		s.Status, s.ActionStatement = "affected", vexAction(f)
		return
	}
	var reasons []string
	for _, f := range findings {
		if f.Status != scanner.StatusSuppressed || f.Suppression == nil {
			s.Status = "under_investigation"
			s.StatusNotes = "The vulnerable code is not known to be called"
			return
		}
		reason := clean(f.Suppression.Reason)
		if f.Suppression.Until != "" {
			reason += " (until " + clean(f.Suppression.Until) + ")"
		}
		if !slices.Contains(reasons, reason) {
			reasons = append(reasons, reason)
		}
	}
	slices.Sort(reasons)
	text := strings.Join(reasons, "; ")
	if text == "" || strings.HasPrefix(text, "no reason is given") {
		s.Status, s.StatusNotes = "under_investigation", text
		return
	}
	s.Status, s.ImpactStatement = "not_affected", text
	for _, j := range vexJustifications {
		if len(reasons) == 1 && (strings.Contains(text, j) || strings.Contains(text, strings.ReplaceAll(j, "_", " "))) {
			s.Justification = j
		}
	}
}

// vexAction says what is to be done about a finding.
func vexAction(f *scanner.Finding) string {
	if f.Fix != nil && f.Fix.Message != "" {
		return clean(f.Fix.Message)
	}
	if len(f.Advisory.FixedVersions) > 0 {
		return "Upgrade to " + clean(f.Advisory.FixedVersions[0])
	}
	return "No fixed version is known; replace the package, or keep the vulnerable code from being reached"
}
