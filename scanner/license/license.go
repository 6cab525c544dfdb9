// Package license judges the licences of packages by a policy: which are allowed, and which are denied.
//
// A package says its licence as an SPDX expression (https://spdx.github.io/spdx-spec/v2.3/SPDX-license-expressions/). It
// is in order when some choice that the expression leaves is: of MIT OR GPL-3.0-only one needs to be allowed, of MIT AND
// GPL-3.0-only both. Several licences that are listed without an expression all apply.
//
// # Limitations
//
// Licences are those that lock files and package metadata state. A package that states none, or words that are no SPDX
// expression, is counted in a notice and is no finding.
package license

import (
	"context"
	"fmt"
	"strings"

	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/scanner"
)

// Policy says which licences are in order, as identifiers of SPDX. An empty Allow allows whatever Deny does not name. A
// license with an exception (GPL-2.0-only WITH Classpath-exception-2.0) is named as a whole, or by the licence alone.
type Policy struct {
	Allow []string
	Deny  []string
}

// The rules of this scanner.
const (
	ruleDenied     = "license-denied"
	ruleNotAllowed = "license-not-allowed"
)

// Rules are the rules of this scanner, in order of their ids.
var Rules = []scanner.Rule{
	{
		ID: ruleDenied, Title: "Package under a denied licence", Severity: scanner.High, Tags: []string{"license"},
		Help: "The licence of the package is one that `licenses.deny` names, and there is no other that could be chosen. Replace the package, or change the policy.",
	},
	{
		ID: ruleNotAllowed, Title: "Package under a licence that is not allowed", Severity: scanner.High, Tags: []string{"license"},
		Help: "The licence of the package is none that `licenses.allow` names. Replace the package, or add the licence to the policy.",
	},
}

// Scanner judges packages by a policy. Make it with New.
type Scanner struct{ policy policy }

// New returns a scanner for a policy. The error names a licence that SPDX does not know.
func New(p Policy) (*Scanner, error) {
	var s Scanner
	for _, list := range []struct {
		name string
		from []string
		to   *[]term
	}{{"licenses.allow", p.Allow, &s.policy.allow}, {"licenses.deny", p.Deny, &s.policy.deny}} {
		for _, id := range list.from {
			t, ok := parseTerm(id)
			if !ok {
				return nil, fmt.Errorf("%s: %q is no licence of SPDX%s", list.name, id, suggestion(id))
			}
			*list.to = append(*list.to, t)
		}
	}
	return &s, nil
}

// Name implements scanner.Scanner.
func (s *Scanner) Name() string { return "license" }

// Scan implements scanner.Scanner. A package is one finding in each lock file.
func (s *Scanner) Scan(ctx context.Context, inv *inventory.Inventory) (*scanner.Judgement, error) {
	out := &scanner.Judgement{}
	cache := map[string]verdict{}
	var unknown []string
	for i := range inv.Packages {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		p := &inv.Packages[i]
		foreign := foreignLocations(p)
		if len(foreign) == 0 {
			continue
		}
		stated := strings.Join(p.Licenses, "\n")
		v, ok := cache[stated]
		if !ok {
			v = s.policy.judge(p.Licenses)
			cache[stated] = v
		}
		switch v {
		case unclear:
			unknown = append(unknown, p.Name)
		case denied, notAllowed:
			for _, l := range foreign {
				out.Findings = append(out.Findings, finding(p, l, v))
			}
		}
	}
	used := map[string]bool{}
	for i := range out.Findings {
		used[out.Findings[i].RuleID] = true
	}
	for _, r := range Rules {
		if used[r.ID] {
			out.Rules = append(out.Rules, r)
		}
	}
	if n := len(unknown); n > 0 {
		packages := "packages state"
		if n == 1 {
			packages = "package states"
		}
		out.Notices = append(out.Notices, inventory.Notice{
			Code:    "licenses-unknown",
			Message: fmt.Sprintf("%d %s no licence that the policy could judge, the first is %s", n, packages, unknown[0]),
		})
	}
	return out, nil
}

// foreignLocations returns the first place of a package in each file, without those where it is the repository's own.
func foreignLocations(p *inventory.Package) []inventory.PackageLocation {
	var list []inventory.PackageLocation
	seen := map[string]bool{}
	for _, l := range p.Locations {
		if !l.Origin.Own() && !seen[l.Path] {
			seen[l.Path] = true
			list = append(list, l)
		}
	}
	return list
}

func finding(p *inventory.Package, l inventory.PackageLocation, v verdict) scanner.Finding {
	rule, why := Rules[0], "which the policy denies; replace the package, or change licenses.deny"
	if v == notAllowed {
		rule, why = Rules[1], "which is not among the allowed licences; replace the package, or add it to licenses.allow"
	}
	f := scanner.Finding{
		RuleID: rule.ID, Kind: scanner.KindLicense, Severity: rule.Severity, Pillar: scanner.PillarVulnerability,
		Message: fmt.Sprintf("%s %s is licensed %s, %s", p.Name, p.Version, strings.Join(p.Licenses, " and "), why),
		Subject: p.ID, Location: l.Location, Scope: l.Scope,
		FingerprintKey: []string{rule.ID, p.Ecosystem, p.Name, l.Path},
	}
	if l.Manifest != nil {
		f.Related = []scanner.Related{{Location: *l.Manifest, Message: "brings it in"}}
	}
	return f
}
