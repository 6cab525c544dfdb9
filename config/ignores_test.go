package config

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/scanner"
)

var today = time.Date(2026, 6, 15, 0, 0, 0, 0, time.UTC)

// sample is a result with one advisory in a package in two folders, a licence and a resource.
func sample() *scanner.Result {
	at := func(path string, line, end int) inventory.Location {
		return inventory.Location{Path: path, Line: line, EndLine: end}
	}
	advisory := &scanner.Advisory{ID: "GHSA-aaaa-bbbb-cccc", Aliases: []string{"CVE-2026-0001", "SNYK-JS-LODASH-1"}}
	res := &scanner.Result{
		Packages: []inventory.Package{
			{ID: "pkg:npm/lodash@4.17.0", Name: "lodash", Version: "4.17.0", Ecosystem: "npm", PURL: "pkg:npm/lodash@4.17.0", Licenses: []string{"MIT"}, Locations: []inventory.PackageLocation{
				{Location: at("package-lock.json", 5, 8), Chain: []string{"shop", "express", "async", "lodash"}},
				{Location: at("web/yarn.lock", 7, 9), Chain: []string{"web", "lodash"}, Manifest: &inventory.Location{Path: "web/Manifest.toml", Line: 3}},
			}},
		},
		Rules: []scanner.Rule{{ID: "aws-open-admin-port", Aliases: []string{"NET-004", "AWS-0107", "CKV_AWS_24"}}},
		Findings: []scanner.Finding{
			{RuleID: "GHSA-aaaa-bbbb-cccc", Kind: scanner.KindVulnerability, Subject: "pkg:npm/lodash@4.17.0", Location: at("package-lock.json", 5, 8), Advisory: advisory, Fingerprint: "root", Scope: inventory.ScopeRuntime},
			{RuleID: "GHSA-aaaa-bbbb-cccc", Kind: scanner.KindVulnerability, Subject: "pkg:npm/lodash@4.17.0", Location: at("web/yarn.lock", 7, 9), Advisory: advisory, Fingerprint: "web", Scope: inventory.ScopeDevelopment},
			{RuleID: "license-denied", Kind: scanner.KindLicense, Subject: "pkg:npm/lodash@4.17.0", Location: at("package-lock.json", 5, 8), Fingerprint: "license"},
			{RuleID: "aws-open-admin-port", Kind: scanner.KindExposure, Subject: "aws_security_group.ssh", Location: at("infra/main.tf", 3, 6), Fingerprint: "port"},
		},
	}
	for i := range res.Findings {
		res.Findings[i].Status = scanner.StatusNew
	}
	return res
}

// judged applies the decisions in files to the sample and tells what became of it: "fingerprint: reason, until (source)"
// for suppressed findings and "code path:line" for notices.
func judged(t *testing.T, cfg *Config, files map[string]string) []string {
	t.Helper()
	fsys := fstest.MapFS{}
	for name, text := range files {
		fsys[name] = &fstest.MapFile{Data: []byte(text)}
	}
	tree, err := inventory.NewTree(t.Context(), fsys, inventory.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	res := sample()
	cfg.Apply(res, today, cfg.Comments(tree, res, []string{"aws-open-admin-port", "license-denied"}, nil), cfg.Ignores(tree))
	var got []string
	for _, f := range res.Findings {
		if s := f.Suppression; s != nil {
			got = append(got, strings.TrimSpace(fmt.Sprintf("%s: %s (%s) %s", f.Fingerprint, s.Reason, s.Source, s.Until)))
		}
	}
	slices.Sort(got)
	for _, n := range res.Notices {
		got = append(got, fmt.Sprintf("%s %s:%d", n.Code, n.Location.Path, n.Location.Line))
	}
	return got
}

func TestIgnores(t *testing.T) {
	const override = "[[PackageOverrides]]\nname = \"lodash\"\nreason = \"r\"\n"
	for _, tt := range []struct {
		name string
		file string
		text string
		want []string
	}{
		{"osv: own folder only", "osv-scanner.toml", "[[IgnoredVulns]]\nid = \"CVE-2026-0001\"\nreason = \"r\"\n", []string{"root: r (osv-scanner.toml:1)"}},
		{"osv: folder below", "web/osv-scanner.toml", "\n[[IgnoredVulns]]\nid = \"CVE-2026-0001\"\n", []string{"web: no reason is given in osv-scanner.toml (web/osv-scanner.toml:2)"}},
		{"osv: inline", "osv-scanner.toml", "\nIgnoredVulns = [{id = \"CVE-2026-0001\", reason = \"r\"}]\n", []string{"root: r (osv-scanner.toml:2)"}},
		{"osv: a day", "osv-scanner.toml", "[[IgnoredVulns]]\nid = \"CVE-2026-0001\"\nignoreUntil = 2026-12-01\nreason = \"r\"\n", []string{"root: r (osv-scanner.toml:1) 2026-11-30"}},
		{"osv: a time", "osv-scanner.toml", "[[IgnoredVulns]]\nid = \"CVE-2026-0001\"\nignoreUntil = 2026-12-01T10:00:00Z\nreason = \"r\"\n", []string{"root: r (osv-scanner.toml:1) 2026-12-01"}},
		{"osv: ended", "osv-scanner.toml", "[[IgnoredVulns]]\nid = \"CVE-2026-0001\"\nignoreUntil = 2026-06-15\n", []string{"suppression-expired osv-scanner.toml:1"}},
		{"osv: ends soon", "osv-scanner.toml", "[[IgnoredVulns]]\nid = \"CVE-2026-0001\"\nignoreUntil = 2026-06-16\nreason = \"r\"\n", []string{"root: r (osv-scanner.toml:1) 2026-06-15", "suppression-expiring osv-scanner.toml:1"}},
		{"osv: first of equal ids", "osv-scanner.toml", "[[IgnoredVulns]]\nid = \"CVE-2026-0001\"\nignoreUntil = 2020-01-01\n[[IgnoredVulns]]\nid = \"CVE-2026-0001\"\n", []string{"suppression-expired osv-scanner.toml:1"}},
		{"osv: something else", "osv-scanner.toml", "[[IgnoredVulns]]\nid = \"CVE-2026-0009\"\n", nil},
		{"osv: unknown key", "osv-scanner.toml", "[[IgnoredVulns]]\nid = \"CVE-2026-0001\"\nwhy = \"r\"\n", []string{"suppression-malformed osv-scanner.toml:3"}},
		{"osv: not toml", "osv-scanner.toml", "[[IgnoredVulns]]\nid = \n", []string{"suppression-malformed osv-scanner.toml:2"}},
		{"osv: no date", "osv-scanner.toml", "[[IgnoredVulns]]\nid = \"CVE-2026-0001\"\nignoreUntil = \"soon\"\n", []string{"suppression-malformed osv-scanner.toml:1"}},
		{"osv: package", "osv-scanner.toml", override + "ignore = true\n", []string{"license: r (osv-scanner.toml:1)", "root: r (osv-scanner.toml:1)"}},
		{"osv: vulnerabilities of a package", "osv-scanner.toml", override + "vulnerability.ignore = true\n", []string{"root: r (osv-scanner.toml:1)"}},
		{"osv: licence of a package", "osv-scanner.toml", override + "license.ignore = true\n", []string{"license: r (osv-scanner.toml:1)"}},
		{"osv: another version", "osv-scanner.toml", override + "version = \"4.17.1\"\nignore = true\n", nil},
		{"osv: another ecosystem", "osv-scanner.toml", override + "ecosystem = \"PyPI\"\nignore = true\n", nil},
		{"osv: group", "web/osv-scanner.toml", override + "group = \"dev\"\nignore = true\n", []string{"web: r (web/osv-scanner.toml:1)"}},
		{"osv: other group", "osv-scanner.toml", override + "group = \"dev\"\nignore = true\n", nil},
		{"osv: pattern", "osv-scanner.toml", "[[PackageOverrides]]\nname = \"lo.*\"\nnameIsRegex = true\nvulnerability.ignore = true\nreason = \"r\"\n", []string{"root: r (osv-scanner.toml:1)"}},
		{"osv: pattern of a part", "osv-scanner.toml", "[[PackageOverrides]]\nname = \"lo\"\nnameIsRegex = true\nignore = true\n", nil},
		{"osv: no pattern", "osv-scanner.toml", "[[PackageOverrides]]\nname = \"(\"\nnameIsRegex = true\nignore = true\n", []string{"suppression-malformed osv-scanner.toml:1"}},
		{"osv: everything", "osv-scanner.toml", "[[PackageOverrides]]\necosystem = \"npm\"\nignore = true\nreason = \"r\"\neffectiveUntil = 2026-12-01\n", []string{"license: r (osv-scanner.toml:1) 2026-11-30", "root: r (osv-scanner.toml:1) 2026-11-30"}},

		{"trivy: an id", ".trivyignore", "CVE-2026-0001\n", []string{"root: no reason is given in .trivyignore (.trivyignore:1)", "web: no reason is given in .trivyignore (.trivyignore:1)"}},
		{"trivy: comments", "web/.trivyignore", "# x\n\n# we know\n# it\nCVE-2026-0001 exp:2026-12-01\n", []string{"web: we know it (web/.trivyignore:5) 2026-11-30"}},
		{"trivy: behind", "web/.trivyignore", "CVE-2026-0001 # because\n", []string{"web: because (web/.trivyignore:1)"}},
		{"trivy: old name of a rule", ".trivyignore", "AVD-AWS-0107 # because\n", []string{"port: because (.trivyignore:1)"}},
		{"trivy: ended", "web/.trivyignore", "CVE-2026-0001 exp:2026-06-15\n", []string{"suppression-expired web/.trivyignore:1"}},
		{"trivy: no day", ".trivyignore", "CVE-2026-0001 exp:tomorrow\n", []string{"suppression-malformed .trivyignore:1"}},
		{"trivy yaml", ".trivyignore.yaml", "vulnerabilities:\n  - id: CVE-2026-0001\n    paths: [\"web/**\"]\n    statement: r\n    expired_at: 2026-12-01\n", []string{"web: r (.trivyignore.yaml:2) 2026-11-30"}},
		{"trivy yaml: purl", "web/.trivyignore.yaml", "vulnerabilities:\n  - id: CVE-2026-0001\n    purls: [\"pkg:npm/lodash\"]\n    statement: r\n", []string{"web: r (web/.trivyignore.yaml:2)"}},
		{"trivy yaml: other purl", ".trivyignore.yaml", "vulnerabilities:\n  - id: CVE-2026-0001\n    purls: [\"pkg:npm/lodash@5\"]\n", nil},
		{"trivy yaml: other section", ".trivyignore.yaml", "misconfigurations:\n  - id: CVE-2026-0001\n  - id: AWS-0107\n    statement: r\n", []string{"port: r (.trivyignore.yaml:3)"}},
		{"trivy yaml: licence", ".trivyignore.yaml", "licenses:\n  - id: MIT\n    statement: r\n", []string{"license: r (.trivyignore.yaml:2)"}},
		{"trivy yaml: no id", ".trivyignore.yaml", "licenses:\n  - statement: r\n", []string{"suppression-malformed .trivyignore.yaml:2"}},
		{"trivy yaml: no mapping", ".trivyignore.yaml", "[a]\n", []string{"suppression-malformed .trivyignore.yaml:1"}},

		{"snyk", ".snyk", "ignore:\n  CVE-2026-0001:\n    - '*':\n        reason: r\n        expires: 2026-12-01T00:00:00.000Z\n", []string{"root: r (.snyk:3) 2026-11-30"}},
		{"snyk: its own id", ".snyk", "ignore:\n  SNYK-JS-LODASH-1:\n    - '*': {reason: r}\n", []string{"root: r (.snyk:3)"}},
		{"snyk: path", ".snyk", "ignore:\n  CVE-2026-0001:\n    - express > async > lodash: {reason: r}\n", []string{"root: r (.snyk:3)"}},
		{"snyk: path with version", ".snyk", "ignore:\n  CVE-2026-0001:\n    - express > async > lodash@4.17.0: {reason: r}\n", []string{"root: r (.snyk:3)"}},
		{"snyk: path with other version", ".snyk", "ignore:\n  CVE-2026-0001:\n    - express > async > lodash@4.17.1: {reason: r}\n", nil},
		{"snyk: star in path", ".snyk", "ignore:\n  CVE-2026-0001:\n    - express > * > lodash: {reason: r}\n", []string{"root: r (.snyk:3)"}},
		{"snyk: other path", ".snyk", "ignore:\n  CVE-2026-0001:\n    - express > lodash: {reason: r}\n", nil},
		{"snyk: ended", ".snyk", "ignore:\n  CVE-2026-0001:\n    - '*': {reason: r, expires: 2020-01-01}\n", []string{"suppression-expired .snyk:3"}},
		{"snyk: no date", ".snyk", "ignore:\n  CVE-2026-0001:\n    - '*': {reason: r, expires: never}\n", []string{"suppression-malformed .snyk:3"}},
		{"snyk: no list", ".snyk", "ignore:\n  CVE-2026-0001: yes\n", []string{"suppression-malformed .snyk:2"}},

		{"vex", "a.openvex.json", vex(`{"vulnerability": {"name": "CVE-2026-0001"}, "products": [{"@id": "pkg:npm/lodash@4.17.0"}], "status": "not_affected", "justification": "component_not_present"}`), []string{
			"root: not affected, component not present (a.openvex.json:3)", "web: not affected, component not present (a.openvex.json:3)",
		}},
		{"vex: first version of the format", ".vex/a.json", vex(`{"vulnerability": "CVE-2026-0001", "products": ["pkg:npm/lodash"], "status": "fixed", "status_notes": "by a patch"}`), []string{
			"root: fixed: by a patch (.vex/a.json:3)", "web: fixed: by a patch (.vex/a.json:3)",
		}},
		{"vex: subcomponent", "a.vex.json", vex(`{"vulnerability": {"name": "X", "aliases": ["GHSA-aaaa-bbbb-cccc"]}, "products": [{"@id": "https://shop.example", "subcomponents": [{"identifiers": {"purl": "pkg:npm/lodash"}}]}], "status": "fixed"}`), []string{
			"root: fixed (a.vex.json:3)", "web: fixed (a.vex.json:3)",
		}},
		{"vex: other version", "a.vex.json", vex(`{"vulnerability": {"name": "CVE-2026-0001"}, "products": [{"@id": "pkg:npm/lodash@4.17.1"}], "status": "fixed"}`), nil},
		{"vex: other type", "a.vex.json", vex(`{"vulnerability": {"name": "CVE-2026-0001"}, "products": [{"@id": "pkg:pypi/lodash"}], "status": "fixed"}`), nil},
		{"vex: other qualifier", "a.vex.json", vex(`{"vulnerability": {"name": "CVE-2026-0001"}, "products": [{"@id": "pkg:npm/lodash@4.17.0?arch=arm64"}], "status": "fixed"}`), nil},
		{"vex: without a reason", "a.vex.json", vex(`{"vulnerability": {"name": "CVE-2026-0001"}, "products": [{"@id": "pkg:npm/lodash"}], "status": "not_affected"}`), []string{"suppression-without-reason a.vex.json:3"}},
		{"vex: affected", "a.vex.json", vex(`{"vulnerability": {"name": "CVE-2026-0001"}, "products": [{"@id": "pkg:npm/lodash"}], "status": "affected"}`), nil},
		{"vex: affected after all", "a.vex.json", vex(`{"vulnerability": {"name": "CVE-2026-0001"}, "products": [{"@id": "pkg:npm/lodash"}], "status": "fixed"},
{"vulnerability": {"name": "CVE-2026-0001"}, "products": [{"@id": "pkg:npm/lodash@4.17.0"}], "status": "affected"}`), nil},
		{"vex: no status", "a.vex.json", vex(`{"vulnerability": {"name": "CVE-2026-0001"}, "products": [{"@id": "pkg:npm/lodash"}], "status": "fine"}`), []string{"suppression-malformed a.vex.json:3"}},
		{"vex: another format", ".vex/a.json", `{"document": {"category": "csaf_vex"}}`, nil},
		{"vex: a list", ".vex/a.json", `[1]`, nil},
		{"vex: broken", ".vex/a.json", `{`, []string{"suppression-malformed .vex/a.json:0"}},

		{"of vendored code", "vendor/shop/.trivyignore", "CVE-2026-0001\n", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, judged(t, &Config{}, map[string]string{tt.file: tt.text})); diff != "" {
				t.Errorf("judged (-want +got):\n%s", diff)
			}
		})
	}
}

func vex(statements string) string {
	return "{\"@context\": \"https://openvex.dev/ns/v0.2.0\", \"timestamp\": \"2026-01-01T00:00:00Z\",\n \"statements\": [\n" + statements + "]}"
}

func TestComments(t *testing.T) {
	for _, tt := range []struct {
		name string
		file string
		text string
		want []string
	}{
		{"behind the line", "web/yarn.lock", "\n\n\n\n\n\nlodash: # trifecta:ignore CVE-2026-0001 r\n", []string{"web: r (web/yarn.lock:7)"}},
		{"above the line", "web/yarn.lock", "\n\n\n\n\n# trifecta:ignore CVE-2026-0001 r and more\nlodash:\n", []string{"web: r and more (web/yarn.lock:6)"}},
		{"several above", "web/yarn.lock", "\n\n\n\n// trifecta:ignore CVE-2026-0001 r\n// why\nlodash:\n", []string{"web: r (web/yarn.lock:5)"}},
		{"behind the line above", "web/yarn.lock", "\n\n\n\n\nunderscore: # trifecta:ignore CVE-2026-0001 r\nlodash:\n", []string{"suppression-unused web/yarn.lock:6"}},
		{"an empty line between", "web/yarn.lock", "\n\n\n\n# trifecta:ignore CVE-2026-0001 r\n\nlodash:\n", []string{"suppression-unused web/yarn.lock:5"}},
		{"in the manifest", "web/Manifest.toml", "\n\nlodash = 1 -- trifecta:ignore CVE-2026-0001 r\n", []string{"web: r (web/Manifest.toml:3)"}},
		{"markup", "web/yarn.lock", "\n\n\n\n\n<!-- trifecta:ignore CVE-2026-0001 r -->\nlodash:\n", []string{"web: r (web/yarn.lock:6)"}},
		{"until", "infra/main.tf", "\n\nresource \"a\" { // trifecta:ignore NET-004 until=2026-12-01 r\n", []string{"port: r (infra/main.tf:3) 2026-12-01"}},
		{"ended", "infra/main.tf", "\n\nresource \"a\" { // trifecta:ignore NET-004 until=2026-06-14 r\n", []string{"suppression-expired infra/main.tf:3"}},
		{"last day", "infra/main.tf", "\n\nresource \"a\" { // trifecta:ignore NET-004 until=2026-06-15 r\n", []string{"port: r (infra/main.tf:3) 2026-06-15", "suppression-expiring infra/main.tf:3"}},
		{"several rules", "infra/main.tf", "\n\nresource { // trifecta:ignore CVE-1, aws-open-admin-port r\n", []string{"port: r (infra/main.tf:3)"}},
		{"no reason", "infra/main.tf", "\n\nresource { // trifecta:ignore NET-004\n", []string{"suppression-without-reason infra/main.tf:3"}},
		{"no reason but a day", "infra/main.tf", "\n\nresource { // trifecta:ignore NET-004 until=2027-01-01\n", []string{"suppression-without-reason infra/main.tf:3"}},
		{"no rule", "infra/main.tf", "\n\nresource { // trifecta:ignore\n", []string{"suppression-malformed infra/main.tf:3"}},
		{"no day", "infra/main.tf", "\n\nresource { // trifecta:ignore NET-004 until=soon r\n", []string{"suppression-malformed infra/main.tf:3"}},
		{"unknown rule", "infra/main.tf", "\n\nresource { // trifecta:ignore aws-open-admin-prt r\n", []string{"suppression-unused infra/main.tf:3", "suppression-unknown-rule infra/main.tf:3"}},
		{"no comment", "infra/main.tf", "\n\nresource trifecta:ignore NET-004 r\n", nil},
		{"another word", "infra/main.tf", "\n\nresource { # trifecta:ignored NET-004 r\n", nil},
		{"not in JSON", "package-lock.json", "\n\n\n\n# trifecta:ignore CVE-2026-0001 r\n", nil},
		{"no text", "infra/main.tf", "\x00\n\nresource { # trifecta:ignore NET-004 r\n", nil},
		{"checkov in the block", "infra/main.tf", "\n\nresource {\n  # checkov:skip=CKV_AWS_24:the bastion\n}\n", []string{"port: the bastion (infra/main.tf:4)"}},
		{"checkov outside", "infra/main.tf", "# checkov:skip=CKV_AWS_24:the bastion\n\nresource {\n\n}\n", nil},
		{"tfsec", "infra/main.tf", "\n#tfsec:ignore:aws-x:exp:2026-12-01 tfsec:ignore:AWS-0107\nresource {\n", []string{"port: no reason is given in the comment for tfsec (infra/main.tf:2)"}},
		{"trivy", "infra/main.tf", "\n\nresource { #trivy:ignore:avd-aws-0107:exp:2026-12-01\n", []string{"port: no reason is given in the comment for trivy (infra/main.tf:3) 2026-11-30"}},
		{"trivy in a workspace", "infra/main.tf", "\n\nresource { #trivy:ignore:avd-aws-0107:ws:prod\n", nil},
		{"trivy everything", "infra/main.tf", "\n\nresource { #trivy:ignore:*\n", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := judged(t, &Config{}, map[string]string{tt.file: tt.text})
			slices.Sort(got)
			slices.Sort(tt.want)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("judged (-want +got):\n%s", diff)
			}
		})
	}
}

// import_ignores: false leaves our own comments and OpenVEX documents.
func TestOwnIgnoresOnly(t *testing.T) {
	got := judged(t, &Config{OwnIgnoresOnly: true}, map[string]string{
		"osv-scanner.toml": "[[IgnoredVulns]]\nid = \"CVE-2026-0001\"\n", ".trivyignore": "CVE-2026-0001\n",
		"infra/main.tf": "\n\nresource { #trivy:ignore:avd-aws-0107\n",
		"a.vex.json":    vex(`{"vulnerability": {"name": "CVE-2026-0001"}, "products": [{"@id": "pkg:npm/lodash"}], "status": "fixed"}`),
		"web/yarn.lock": "\n\n\n\n\n\nlodash: # trifecta:ignore CVE-2026-0001 r\n",
	})
	if diff := cmp.Diff([]string{"root: fixed (a.vex.json:3)", "web: r (web/yarn.lock:7)"}, got); diff != "" {
		t.Errorf("judged (-want +got):\n%s", diff)
	}
}

// A comment of a change counts for the finding that the base suppresses in the same words from the same file, and for
// no other.
func TestTrust(t *testing.T) {
	held := func(fingerprint, reason, source string) *scanner.Result {
		return &scanner.Result{Findings: []scanner.Finding{{Fingerprint: fingerprint, Suppression: &scanner.Suppression{Reason: reason, Source: source}}}}
	}
	for _, tt := range []struct {
		name string
		base *scanner.Result
		want scanner.Status
	}{
		{"the same", held("web", "r", "web/yarn.lock:1"), scanner.StatusSuppressed},
		{"another finding", held("root", "r", "web/yarn.lock:1"), scanner.StatusNew},
		{"another reason", held("web", "s", "web/yarn.lock:1"), scanner.StatusNew},
		{"another file", held("web", "r", "yarn.lock:1"), scanner.StatusNew},
		{"no base", nil, scanner.StatusNew},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tree, err := inventory.NewTree(t.Context(), fstest.MapFS{"web/yarn.lock": {Data: []byte("\n\n\n\n\n\nlodash: # trifecta:ignore CVE-2026-0001 r\n")}}, inventory.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			res, cfg := sample(), &Config{}
			comments := cfg.Comments(tree, res, nil, new(CommentCache))
			comments.Trust(tt.base)
			cfg.Apply(res, today, comments)
			i := slices.IndexFunc(res.Findings, func(f scanner.Finding) bool { return f.Fingerprint == "web" })
			if got := res.Findings[i].Status; got != tt.want {
				t.Errorf("status = %s, want %s", got, tt.want)
			}
			if len(res.Notices) > 0 {
				t.Errorf("notices = %v", res.Notices)
			}
		})
	}
}

// A file that two trees share is read once; one that changed is read again.
func TestCommentCache(t *testing.T) {
	tree := func(text string) *inventory.Tree {
		tree, err := inventory.NewTree(t.Context(), fstest.MapFS{"infra/main.tf": {Data: []byte(text)}}, inventory.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		return tree
	}
	cache, cfg := new(CommentCache), &Config{}
	reasons := func(text string) []string {
		var list []string
		for _, w := range cfg.Comments(tree(text), sample(), nil, cache).waivers {
			list = append(list, w.reason)
		}
		return list
	}
	for _, tt := range []struct{ text, want string }{
		{"# trifecta:ignore NET-004 one\n", "one"}, {"# trifecta:ignore NET-004 two\n", "two"}, {"# trifecta:ignore NET-004 one\n", "one"},
	} {
		if diff := cmp.Diff([]string{tt.want}, reasons(tt.text)); diff != "" {
			t.Errorf("reasons (-want +got):\n%s", diff)
		}
	}
}

// What a hostile tree writes costs no more than its size, and is told where it has no effect.
func TestHostileIgnores(t *testing.T) {
	files := map[string]string{
		".trivyignore":     strings.Repeat("CVE-2026-0001\n", 200_000),
		"osv-scanner.toml": strings.Repeat("[[PackageOverrides]]\necosystem = \"x\"\nignore = true\n", 50_000),
		".snyk":            "ignore:\n  CVE-2026-0001:\n    - '" + strings.Repeat("* > ", 10_000) + "x': {reason: r}\n",
		"infra/main.tf":    strings.Repeat("# trifecta:ignore NET-004 r\n", 100_000),
		".vex/deep.json":   strings.Repeat("[", 100_000),
		"a/.trivyignore":   strings.Repeat("x", maxIgnoreFile+1),
		"b/.snyk":          "a: &a [1]\nb: &b [*a,*a]\nignore: *b\n",
	}
	got := judged(t, &Config{}, files)
	for _, want := range []string{"suppression-malformed a/.trivyignore:0", "suppression-malformed .vex/deep.json:0"} {
		if !slices.Contains(got, want) {
			t.Errorf("no notice %q", want)
		}
	}
}

func fuzzIgnores(f *testing.F, name string, seeds ...string) {
	for _, seed := range seeds {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		ig := &Ignores{}
		if read := readerOf(name, true); read != nil {
			read(ig, name, data)
		} else {
			ig.comments(name, data, true, []string{"aws-open-admin-port"})
		}
		res := sample()
		(&Config{}).Apply(res, today, ig)
		for _, f := range res.Findings {
			if f.Suppression != nil && (f.Suppression.Reason == "" || f.Suppression.File() != name) {
				t.Errorf("suppression without reason or source: %+v", f.Suppression)
			}
		}
	})
}

func FuzzOSVScanner(f *testing.F) {
	fuzzIgnores(f, "osv-scanner.toml", "[[IgnoredVulns]]\nid = \"CVE-2026-0001\"\nignoreUntil = 2026-12-01\n", "[[PackageOverrides]]\nname = \"lo.*\"\nnameIsRegex = true\nignore = true\n")
}

func FuzzTrivyIgnore(f *testing.F) {
	fuzzIgnores(f, ".trivyignore", "# a\nCVE-2026-0001 exp:2026-12-01 # b\n")
}

func FuzzTrivyYAML(f *testing.F) {
	fuzzIgnores(f, ".trivyignore.yaml", "vulnerabilities:\n  - id: CVE-2026-0001\n    paths: [\"web/**\"]\n    purls: [\"pkg:npm/lodash\"]\n    expired_at: 2026-12-01\n")
}

func FuzzSnyk(f *testing.F) {
	fuzzIgnores(f, ".snyk", "ignore:\n  CVE-2026-0001:\n    - express > * > lodash@4.17.0: {reason: r, expires: 2026-12-01}\n")
}

func FuzzVEX(f *testing.F) {
	fuzzIgnores(f, "a.vex.json", vex(`{"vulnerability": {"name": "CVE-2026-0001"}, "products": [{"@id": "pkg:npm/lodash"}], "status": "fixed"}`), vex(`{"vulnerability": "CVE-2026-0001", "products": ["pkg:npm/lodash"], "status": "not_affected", "impact_statement": "x"}`))
}

func FuzzComments(f *testing.F) {
	fuzzIgnores(f, "infra/main.tf", "\n\nresource { // trifecta:ignore CVE-1, aws-open-admin-port until=2026-12-01 r\n", "\n\nresource {\n  # checkov:skip=CKV_AWS_24:x\n #tfsec:ignore:a:exp:2026-01-01 tfsec:ignore:b\n")
}
