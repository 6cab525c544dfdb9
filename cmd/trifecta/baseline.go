package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/scanner"
)

// baselineFile records the findings that a repository started with. A scan without --base takes them for existing ones.
const baselineFile = ".trifecta.baseline.json"

// baseline is what is kept of a result: enough to know its findings again, also where a file moved.
type baseline struct {
	Version     string            `json:"version"`
	Fingerprint int               `json:"fingerprint_version"`
	Recorded    string            `json:"recorded"` // the day, as 2006-01-02
	Findings    []baselineFinding `json:"findings"`
}

type baselineFinding struct {
	Fingerprint string       `json:"fingerprint"`
	Rule        string       `json:"rule_id"`
	Subject     inventory.ID `json:"subject"`
	Path        string       `json:"path"`
}

const baselineVersion = "1"

// newBaseline records the findings of a result that count, in an order that does not change with their rank.
func newBaseline(res *scanner.Result) *baseline {
	b := &baseline{Version: baselineVersion, Recorded: res.Run.AsOf, Findings: []baselineFinding{}}
	for i := range res.Findings {
		f := &res.Findings[i]
		b.Fingerprint = f.FingerprintVersion
		if f.Status != scanner.StatusSuppressed {
			b.Findings = append(b.Findings, baselineFinding{f.Fingerprint, f.RuleID, f.Subject, f.Location.Path})
		}
	}
	slices.SortFunc(b.Findings, func(a, b baselineFinding) int {
		return strings.Compare(a.Path+"\x00"+a.Rule+"\x00"+a.Fingerprint, b.Path+"\x00"+b.Rule+"\x00"+b.Fingerprint)
	})
	return b
}

// encode writes one finding a line, so that a change of the file reads well.
func (b *baseline) encode() ([]byte, error) {
	var out bytes.Buffer
	fmt.Fprintf(&out, "{\n  \"version\": %q,\n  \"fingerprint_version\": %d,\n  \"recorded\": %q,\n  \"findings\": [", b.Version, b.Fingerprint, b.Recorded)
	separator := "\n    "
	for _, f := range b.Findings {
		line, err := json.Marshal(f)
		if err != nil {
			return nil, err
		}
		out.WriteString(separator)
		out.Write(line)
		separator = ",\n    "
	}
	out.WriteString("\n  ]\n}\n")
	return out.Bytes(), nil
}

// decodeBaseline reads what encode wrote.
func decodeBaseline(data []byte) (*baseline, error) {
	var b baseline
	if err := json.Unmarshal(data, &b); err != nil {
		return nil, err
	}
	if b.Version != baselineVersion {
		return nil, fmt.Errorf("its version is %q, not %s", b.Version, baselineVersion)
	}
	return &b, nil
}

// applyBaseline takes the findings of the tree that its baseline records for existing ones. Recorded ones that are gone are
// told: they would hide it if they came back.
func applyBaseline(tree *inventory.Tree, res *scanner.Result) {
	if !tree.Has(baselineFile) {
		return
	}
	notice := func(code, format string, args ...any) {
		res.Notices = append(res.Notices, inventory.Notice{Code: code, Message: fmt.Sprintf(format, args...), Location: &inventory.Location{Path: baselineFile}})
	}
	data, err := tree.ReadFile(baselineFile)
	var b *baseline
	if err == nil {
		b, err = decodeBaseline(data)
	}
	if err != nil {
		notice(baselineUnreadable, "%s can't be read, and every finding counts as new: %v; record it anew with trifecta init --baseline --force", baselineFile, err)
		return
	}
	if len(res.Findings) > 0 && len(b.Findings) > 0 && b.Fingerprint != res.Findings[0].FingerprintVersion {
		notice(baselineUnreadable, "%s is of another version of trifecta, and every finding counts as new; record it anew with trifecta init --baseline --force", baselineFile)
		return
	}
	base := &scanner.Result{}
	for _, f := range b.Findings {
		base.Findings = append(base.Findings, scanner.Finding{
			RuleID: f.Rule, Subject: f.Subject, Location: inventory.Location{Path: f.Path}, Fingerprint: f.Fingerprint,
		})
	}
	res.Compare(base)
	if n := len(res.Fixed); n > 0 {
		notice(baselineOutdated, "%s recorded in %s and no longer found; record anew with trifecta init --baseline --force, so that what comes back counts", plural(n, "finding"), baselineFile)
	}
	res.Fixed = []scanner.Finding{}
}

// Codes of notices about the baseline.
const (
	baselineUnreadable = "baseline-unreadable"
	baselineOutdated   = "baseline-outdated"
)
