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
