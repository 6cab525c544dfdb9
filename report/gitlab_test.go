package report_test

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trifecta-scanner/trifecta/internal/gitlabtest"
	"github.com/trifecta-scanner/trifecta/internal/shared"
	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/report"
	"github.com/trifecta-scanner/trifecta/scanner"
)

// gitlabFormats are the names of the security reports, each with its type of scan and the keys of a place in it.
var gitlabFormats = []struct {
	name, kind string
	keys       []string
}{
	{"gitlab-dependency", "dependency_scanning", []string{"dependency", "file"}},
	{"gitlab-container", "container_scanning", []string{"dependency", "image", "operating_system"}},
	{"gitlab-sast", "sast", []string{"file", "start_line"}},
}

type gitlabDocument struct {
	Version string
	Scan    struct {
		Type      string
		StartTime string `json:"start_time"`
		Messages  []struct{ Level, Value string }
	}
	Vulnerabilities []struct {
		ID, Name, Severity, Solution string
		Identifiers                  []struct{ Type, Value, URL string }
		Location                     map[string]any
	}
	DependencyFiles []struct {
		Path           string
		PackageManager string `json:"package_manager"`
	} `json:"dependency_files"`
}

func gitlab(tb testing.TB, name string, res *scanner.Result) gitlabDocument {
	tb.Helper()
	format, err := report.Lookup(name)
	if err != nil {
		tb.Fatal(err)
	}
	var doc gitlabDocument
	if err := json.Unmarshal(render(tb, format, res, report.Options{}), &doc); err != nil {
		tb.Fatal(err)
	}
	return doc
}

func TestGitLabSchemas(t *testing.T) {
	reports, err := gitlabtest.LoadReports(shared.Dir(t))
	if err != nil {
		t.Fatal(err)
	}
	for name, file := range map[string]string{
		"gitlab-dependency": "gl-dependency-scanning-report.json", "gitlab-container": "gl-container-scanning-report.json",
		"gitlab-sast": "gl-sast-report.json", "codequality": "gl-code-quality-report.json", "cyclonedx": "gl-sbom.cdx.json",
	} {
		format, err := report.Lookup(name)
		if err != nil {
			t.Fatal(err)
		}
		all := results(t)
		all["image"] = imageResult(t)
		for which, res := range all {
			if err := reports.Check(file, render(t, format, res, report.Options{})); err != nil {
				t.Errorf("%s of %s: %v", name, which, err)
			}
		}
	}
}

// Every finding that counts is in one of the three reports, and what was not looked at is said in each.
func TestGitLabReports(t *testing.T) {
	all := results(t)
	all["image"] = imageResult(t)
	for which, res := range all {
		total := 0
		ids := map[string]bool{}
		for _, f := range gitlabFormats {
			doc := gitlab(t, f.name, res)
			if doc.Version != "15.0.7" || doc.Scan.Type != f.kind || doc.Vulnerabilities == nil {
				t.Errorf("%s of %s: version %q, type %q", f.name, which, doc.Version, doc.Scan.Type)
			}
			warnings := 0
			for _, m := range doc.Scan.Messages {
				if m.Level == "warn" {
					warnings++
				}
			}
			if warnings != len(res.Notices) {
				t.Errorf("%s of %s: %d warnings, want %d", f.name, which, warnings, len(res.Notices))
			}
			for _, v := range doc.Vulnerabilities {
				total++
				if ids[v.ID] {
					t.Errorf("%s of %s: the id %s is there twice", f.name, which, v.ID)
				}
				ids[v.ID] = true
				for _, key := range f.keys {
					if _, ok := v.Location[key]; !ok {
						t.Errorf("%s of %s: %s has no %s", f.name, which, v.Name, key)
					}
				}
			}
		}
		if want := counted(res); total != want {
			t.Errorf("%s: %d vulnerabilities, want %d", which, total, want)
		}
	}
}

func counted(res *scanner.Result) int {
	n := 0
	for i := range res.Findings {
		if res.Findings[i].Status != scanner.StatusSuppressed {
			n++
		}
	}
	return n
}

func TestGitLabDependencyFiles(t *testing.T) {
	var got []string
	for _, f := range gitlab(t, "gitlab-dependency", sample()).DependencyFiles {
		got = append(got, f.Path+" "+f.PackageManager)
	}
	want := []string{"services/billing/requirements.txt pip", "services/ledger/requirements.txt pip", "web/package-lock.json npm"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// imageResult is a result with a container image, a package of its system, and a finding about each.
func imageResult(tb testing.TB) *scanner.Result {
	tb.Helper()
	res := empty(tb)
	const image, openssl = "registry.example/shop/api:1.4@sha256:00", "pkg:deb/debian/openssl@3.0.1?distro=debian-12"
	res.Images = []inventory.Image{{ID: image}}
	res.Packages = []inventory.Package{{ID: openssl, Name: "openssl", Version: "3.0.1", Ecosystem: "Debian:12", PURL: openssl}}
	res.Links = []inventory.Link{{From: image, To: openssl}}
	res.Findings = []scanner.Finding{
		{
			RuleID: "CVE-2024-0001", Kind: scanner.KindVulnerability, Severity: scanner.High, Subject: openssl, Fingerprint: "a", Message: "openssl 3.0.1 is affected",
			Advisory: &scanner.Advisory{ID: "CVE-2024-0001", CVSS: []scanner.CVSS{{Version: "3.1", Vector: "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", Score: 9.8}}},
		},
		{RuleID: "image-end-of-life", Kind: scanner.KindEndOfLife, Severity: scanner.Medium, Subject: image, Fingerprint: "b", Message: "the base is old"},
	}
	return res
}

func TestGitLabContainer(t *testing.T) {
	var got []string
	for _, v := range gitlab(t, "gitlab-container", imageResult(t)).Vulnerabilities {
		dependency := v.Location["dependency"].(map[string]any)
		got = append(got, strings.Join([]string{
			v.Location["image"].(string), v.Location["operating_system"].(string), dependency["package"].(map[string]any)["name"].(string), dependency["version"].(string),
		}, " "))
	}
	want := []string{
		"registry.example/shop/api:1.4@sha256:00 Debian:12 openssl 3.0.1",
		"registry.example/shop/api:1.4@sha256:00 unknown registry.example/shop/api 1.4",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if doc := gitlab(t, "gitlab-dependency", imageResult(t)); len(doc.Vulnerabilities) != 0 {
		t.Errorf("%d of them are in the dependency report too", len(doc.Vulnerabilities))
	}
}

// Nothing is longer than the schema allows.
func TestGitLabLimits(t *testing.T) {
	res := sample()
	for i := range res.Findings {
		f := &res.Findings[i]
		f.Fix = &scanner.Fix{Message: strings.Repeat("ä", 9000)}
		if f.Advisory != nil {
			f.Advisory.Summary = strings.Repeat("ö", 900)
			for n := range 40 {
				f.Advisory.Aliases = append(f.Advisory.Aliases, "CVE-2024-"+strings.Repeat("1", n+1))
			}
		}
	}
	for _, f := range gitlabFormats {
		for _, v := range gitlab(t, f.name, res).Vulnerabilities {
			if n := len([]rune(v.Name)); n > 255 {
				t.Errorf("%s: a name of %d characters", f.name, n)
			}
			if n := len([]rune(v.Solution)); n != 7000 {
				t.Errorf("%s: a solution of %d characters, want 7000", f.name, n)
			}
			if n := len(v.Identifiers); n < 1 || n > 20 {
				t.Errorf("%s: %d identifiers", f.name, n)
			}
		}
	}
}

func TestCodeQuality(t *testing.T) {
	severities := []string{"info", "minor", "major", "critical", "blocker"}
	for which, res := range results(t) {
		var b bytes.Buffer
		if err := report.CodeQuality(&b, res, report.Options{}); err != nil {
			t.Fatal(err)
		}
		var issues []struct {
			Description, Fingerprint, Severity string
			CheckName                          string `json:"check_name"`
			Location                           struct {
				Path  string
				Lines struct{ Begin int }
			}
		}
		if err := json.Unmarshal(b.Bytes(), &issues); err != nil {
			t.Fatal(err)
		}
		if got, want := len(issues), counted(res)+len(res.Notices); got != want {
			t.Errorf("%s: %d issues, want %d", which, got, want)
		}
		seen := map[string]bool{}
		for _, issue := range issues {
			if seen[issue.Fingerprint] {
				t.Errorf("%s: the fingerprint %s is there twice", which, issue.Fingerprint)
			}
			seen[issue.Fingerprint] = true
			if !slices.Contains(severities, issue.Severity) || issue.Description == "" || issue.CheckName == "" || issue.Location.Path == "" || issue.Location.Lines.Begin < 1 {
				t.Errorf("%s: GitLab does not take %+v", which, issue)
			}
		}
	}
}
