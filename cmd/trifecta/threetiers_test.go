package main

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/report"
	"github.com/trifecta-scanner/trifecta/scanner"
)

// scanExample copies the example, changes one file of it and returns the result of its scan and the first line of the text.
func scanExample(t *testing.T, file, from, to string) (*scanner.Result, string) {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Join("..", "..", "examples", "three-tier"))); err != nil {
		t.Fatal(err)
	}
	if file != "" {
		name := filepath.Join(dir, filepath.FromSlash(file))
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		changed := strings.Replace(string(text), from, to, 1)
		if changed == string(text) {
			t.Fatalf("%s does not say %q", file, from)
		}
		if err := os.WriteFile(name, []byte(changed), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	result := filepath.Join(t.TempDir(), "result.json")
	var out, errs bytes.Buffer
	code := run(t.Context(), []string{"scan", dir, "--offline", "--fail-on", "none", "--as-of", "2026-11-22", "-o", "text", "-o", "json=" + result},
		streams{in: strings.NewReader(""), out: &out, err: &errs}, func(string) string { return "" })
	if code != exitOK {
		t.Fatalf("exit %d: %s", code, errs.String())
	}
	f, err := os.Open(result)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	res, err := report.ReadJSON(f)
	if err != nil {
		t.Fatal(err)
	}
	line, _, _ := strings.Cut(out.String(), "\n")
	return res, line
}

func findingOf(res *scanner.Result, rule string, subject inventory.ID) *scanner.Finding {
	for i := range res.Findings {
		if f := &res.Findings[i]; f.RuleID == rule && (subject == "" || f.Subject == subject) {
			return f
		}
	}
	return nil
}

// TestThreeTiers follows the whole chain of the example: from the internet through the rule that lets it in to the line
// of the lock file; and what one change of a security group does to it.
func TestThreeTiers(t *testing.T) {
	const web = "aws_ecs_service.web"
	res, line := scanExample(t, "", "", "")
	trifecta := findingOf(res, "exposed-and-exploitable", web)
	if trifecta == nil {
		t.Fatal("nothing says that the web service is exposed and exploitable")
	}
	var way []string
	for _, s := range trifecta.Path {
		way = append(way, string(s.Address))
	}
	want := []string{
		"internet", "aws_internet_gateway.main", "aws_lb.public", "aws_lb_target_group.web", web, "aws_vpc_security_group_ingress_rule.load_balancer_https",
		"build:web/Dockerfile", "web/package-lock.json", "pkg:npm/ejs@2.7.4", "CVE-2026-90001",
	}
	for _, step := range want { // in this order
		i := slices.Index(way, step)
		if i < 0 {
			t.Fatalf("%s is not on the way, or too early: %v", step, way)
		}
		way = way[i+1:]
	}
	if trifecta.Tier != scanner.TierAct || trifecta.Severity != scanner.Critical || trifecta.Exposure.Entry != "aws_lb.public" {
		t.Errorf("%s %s through %s", trifecta.Tier, trifecta.Severity, trifecta.Exposure.Entry)
	}
	ejs := findingOf(res, "CVE-2026-90001", "")
	if ejs == nil || ejs.Exposure.Level != scanner.ExposureOpen || ejs.Tier != scanner.TierAct {
		t.Fatalf("ejs: %+v", ejs)
	}

	// The load balancer takes connections of an office only, from where nobody else comes.
	closed, closedLine := scanExample(t, "terraform/security.tf", `cidr_ipv4         = "0.0.0.0/0"`, `cidr_ipv4         = "192.168.0.0/24"`)
	if f := findingOf(closed, "exposed-and-exploitable", web); f != nil {
		t.Errorf("still: %s", f.Message)
	}
	less := findingOf(closed, "CVE-2026-90001", "")
	if less == nil || less.Tier.AtLeast(scanner.TierAct) || less.Score >= ejs.Score || less.Exposure.Level == scanner.ExposureOpen {
		t.Fatalf("ejs is %s %d with exposure %s, and was %s %d", less.Tier, less.Score, less.Exposure.Level, ejs.Tier, ejs.Score)
	}
	if cmp.Equal(line, closedLine) {
		t.Errorf("the attack surface stays the same: %s", line)
	}
	if a, b := len(res.AttackSurface.ExposedWorkloads), len(closed.AttackSurface.ExposedWorkloads); b != a-1 {
		t.Errorf("%d workloads are exposed, before %d", b, a)
	}
}

// TestThreeTiersImages: an ended image on the host that everyone reaches, a deprecated one behind it, who patches both, and what
// takes their place.
func TestThreeTiersImages(t *testing.T) {
	dir := filepath.Join("..", "..", "examples", "three-tier")
	res := scanAMIs(t, dir, "--only", "amis,network,infrastructure", "--offline", "--as-of", "2026-11-22", "--aws-snapshot", filepath.Join(dir, "aws.json"))
	for _, tt := range []struct {
		rule, from, to string
		exposure       scanner.ExposureLevel
		major          bool
	}{
		{"ami-end-of-life", "amzn2-ami-hvm-2.0.*-x86_64-gp2", "al2023-ami-2023.*-kernel-*-x86_64", scanner.ExposureOpen, true},
		{"aws-stale-ami", "ami-0a5c3558529277641", "ami-0e1f5a9c27d84b360", scanner.ExposureIsolated, false},
	} {
		f := findingOf(res, tt.rule, inventory.ID(tt.from))
		if f == nil || f.Fix == nil || f.Fix.Bump == nil || len(f.Fix.Edits) != 1 {
			t.Fatalf("%s of %s: %+v", tt.rule, tt.from, f)
		}
		if b := f.Fix.Bump; string(b.To) != tt.to || b.Major != tt.major || f.Exposure.Level != tt.exposure {
			t.Errorf("%s of %s, %s: %+v", tt.rule, tt.from, f.Exposure.Level, b)
		}
	}
	for _, address := range []inventory.ID{"aws_instance.admin", "aws_launch_template.worker"} {
		if f := findingOf(res, "aws-not-patched", address); f == nil || !strings.Contains(f.Message, "Patch Manager") {
			t.Errorf("who patches %s: %+v", address, f)
		}
	}
	for _, n := range res.Notices {
		if strings.HasPrefix(n.Code, "aws-") {
			t.Errorf("the example's file is not complete: %s", n.Message)
		}
	}
}
