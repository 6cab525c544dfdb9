package config

import (
	"errors"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/scanner"
)

func TestRead(t *testing.T) {
	cfg, err := parse(FileName, []byte(`
fail_on: [high, act]
advisories: advisories
private: ["@shop/*"]
skip:
  paths: [third-party/]
  scanners: images
severity: {aws-open-admin-port: medium}
ignore:
  - id: GHSA-aaaa-bbbb-cccc
    path: web
    reason: not used on the server
    until: 2027-01-31
environments: {prod: {paths: [env/prod], criticality: high}}
policy: rules
`))
	if err != nil {
		t.Fatal(err)
	}
	want := &Config{
		Path: FileName, FailOn: []string{"high", "act"}, Advisories: "advisories", Private: []string{"@shop/*"},
		Skip:     Skip{Paths: []string{"third-party/"}, Scanners: []string{"images"}},
		Severity: map[string]scanner.Severity{"aws-open-admin-port": scanner.Medium},
		Ignore: []Ignore{{
			ID: "GHSA-aaaa-bbbb-cccc", Path: "web", Reason: "not used on the server",
			Until: time.Date(2027, 1, 31, 0, 0, 0, 0, time.UTC), Line: 10,
		}},
		Environments: []Environment{{Name: "prod", Paths: []string{"env/prod"}, Criticality: "high"}},
		Policy:       "rules",
		Unused:       []Key{{"policy", 15}},
		RuleIDs:      []Key{{"aws-open-admin-port", 8}, {"GHSA-aaaa-bbbb-cccc", 10}},
	}
	if diff := cmp.Diff(want, cfg); diff != "" {
		t.Errorf("parse (-want +got):\n%s", diff)
	}
}

func TestMistakes(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"unknown key", "fail-on: high\n", `.trifecta.yaml:1: "fail-on" is no key of the file; did you mean "fail_on"?`},
		{"nothing near", "x: 1\n", "known are advisories"},
		{"inner key", "ignore:\n- id: A\n  resaon: x\n", `.trifecta.yaml:3: "resaon" is no key of an entry of ignore; did you mean "reason"?`},
		{"no reason", "ignore:\n- id: A\n", ".trifecta.yaml:2: an entry of ignore needs a reason"},
		{"nothing named", "ignore:\n- reason: x\n", "needs an id, a path or a package"},
		{"bad day", "ignore:\n- id: A\n  reason: x\n  until: tomorrow\n", "until wants a day"},
		{"bad severity", "severity: {a: hihg}\n", "is no severity"},
		{"not a mapping", "- a\n", "the file is a mapping"},
		{"not yaml", "a: [\n", "did not find expected"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := parse(FileName, []byte(tt.text))
			var mistake *Error
			if !errors.As(err, &mistake) {
				t.Fatalf("parse = %v, want an *Error", err)
			}
			if !strings.Contains(err.Error(), tt.want) {
				t.Errorf("parse = %q, want it to contain %q", err, tt.want)
			}
		})
	}
}

func TestReadFile(t *testing.T) {
	fsys := fstest.MapFS{"big": {Data: make([]byte, maxSize+1)}, "empty": {}}
	if _, err := Read(fsys, "absent"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("absent file: %v", err)
	}
	if _, err := Read(fsys, "big"); err == nil {
		t.Error("a file of more than 1 MiB was read")
	}
	if _, err := Read(fsys, "empty"); err != nil {
		t.Errorf("empty file: %v", err)
	}
}

func TestApply(t *testing.T) {
	finding := func(rule, path string, subject inventory.ID, aliases ...string) scanner.Finding {
		return scanner.Finding{
			RuleID: rule, Severity: scanner.High, Status: scanner.StatusNew, Tier: scanner.TierTrack, Subject: subject,
			Location: inventory.Location{Path: path, Line: 1}, Advisory: &scanner.Advisory{ID: rule, Aliases: aliases},
		}
	}
	res := &scanner.Result{
		Packages: []inventory.Package{{ID: "pkg:npm/a@1", Name: "a"}, {ID: "pkg:npm/b@1", Name: "b"}},
		Findings: []scanner.Finding{
			finding("GHSA-1", "web/package-lock.json", "pkg:npm/a@1", "CVE-1"),
			finding("GHSA-1", "package-lock.json", "pkg:npm/a@1", "CVE-1"),
			finding("GHSA-2", "package-lock.json", "pkg:npm/b@1"),
		},
	}
	for i := range res.Findings {
		scanner.Rank(&res.Findings[i])
	}
	cfg := &Config{Path: FileName, Severity: map[string]scanner.Severity{"GHSA-2": scanner.Low}, Ignore: []Ignore{
		{ID: "CVE-1", Path: "web", Reason: "an alias and a folder", Line: 2},
		{ID: "GHSA-2", Reason: "over", Until: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), Line: 3},
		{Package: "gone", Reason: "matches nothing", Line: 4},
	}}
	cfg.Apply(res, time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC))
	var got []string
	for _, f := range res.Findings {
		got = append(got, f.RuleID+" "+f.Location.Path+" "+string(f.Severity)+" "+string(f.Status))
	}
	want := []string{
		"GHSA-1 package-lock.json high new",
		"GHSA-2 package-lock.json low new",
		"GHSA-1 web/package-lock.json high suppressed",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
	var codes []string
	for _, n := range res.Notices {
		codes = append(codes, n.Code)
	}
	if diff := cmp.Diff([]string{"suppression-expired", "suppression-unused"}, codes); diff != "" {
		t.Errorf("notices (-want +got):\n%s", diff)
	}
	if res.Summary.Suppressed != 1 || res.Summary.BySeverity[scanner.High] != 1 {
		t.Errorf("summary = %+v", res.Summary)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("fail_on: [high]\nignore:\n- {id: A, reason: b, until: 2027-01-31}\n"))
	f.Add([]byte("skip: {paths: [a], scanners: b}\n"))
	f.Fuzz(func(_ *testing.T, data []byte) { _, _ = parse(FileName, data) })
}
