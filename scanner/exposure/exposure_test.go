package exposure

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/network"
	"github.com/trifecta-scanner/trifecta/scanner"
)

const (
	web    inventory.ID = "aws_ecs_service.web"
	api    inventory.ID = "aws_ecs_service.api"
	worker inventory.ID = "aws_autoscaling_group.worker"
)

func open(id inventory.ID, shields ...string) network.Result {
	return network.Result{
		Address: id, Kind: network.KindWorkload, Reachable: network.Yes, Breadth: network.BreadthAny, Ports: []string{"tcp/443"}, Sources: []string{"0.0.0.0/0"},
		Shields: shields, Location: inventory.Location{Path: "services.tf", Line: 3},
		Paths: []network.Path{{
			Nodes:  []inventory.ID{network.Internet, "aws_internet_gateway.main", "aws_lb.public", "aws_lb_target_group.web", id},
			Guards: []network.Guard{{At: "aws_security_group.lb", Rule: "ingress tcp/443 from 0.0.0.0/0", File: "security.tf", Line: 9, Effect: "allow"}},
		}},
	}
}

func closed(id inventory.ID, hops int) network.Result {
	return network.Result{Address: id, Kind: network.KindWorkload, Reachable: network.No, Hops: hops, Layers: 1}
}

func proxy() network.Result {
	r := open("aws_lb.public")
	r.Kind = network.KindProxy
	r.Paths[0].Nodes = []inventory.ID{network.Internet, "aws_internet_gateway.main", "aws_lb.public"}
	return r
}

func TestLevels(t *testing.T) {
	restricted := open(web)
	restricted.Breadth = network.BreadthRestricted
	for _, tt := range []struct {
		result network.Result
		want   scanner.ExposureLevel
	}{
		{open(web), scanner.ExposureOpen},
		{open(web, "waf:aws_wafv2_web_acl.main"), scanner.ExposureControlled},
		{restricted, scanner.ExposureControlled},
		{network.Result{Reachable: network.Unknown}, scanner.ExposureUnknown},
		{closed(api, 1), scanner.ExposureAdjacent},
		{closed(api, 2), scanner.ExposureInternal},
		{closed(api, network.NoHops), scanner.ExposureIsolated},
	} {
		if got := Of(&tt.result).Level; got != tt.want {
			t.Errorf("%+v is %s, want %s", tt.result, got, tt.want)
		}
	}
}

// vulnerable returns a result with one package in web/package-lock.json, with a vulnerability as bad as can be.
func vulnerable(workloads ...network.Result) *scanner.Result {
	at := inventory.PackageLocation{Location: inventory.Location{Path: "web/package-lock.json", Line: 7}, LockFile: true}
	finding := scanner.Finding{
		RuleID: "CVE-2026-1", Kind: scanner.KindVulnerability, Severity: scanner.Critical, Subject: "pkg:npm/a@1", Location: at.Location, FingerprintKey: []string{"1"},
		Advisory: &scanner.Advisory{ID: "CVE-2026-1", Summary: "Code runs", CVSS: []scanner.CVSS{{Version: "3.1", Vector: "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", Score: 9.8}}},
		Fix:      &scanner.Fix{Message: "upgrade a from 1 to 2"},
	}
	return &scanner.Result{
		Packages: []inventory.Package{{ID: "pkg:npm/a@1", Name: "a", Version: "1", PURL: "pkg:npm/a@1", Locations: []inventory.PackageLocation{at}, Workloads: []inventory.ID{web, api}}},
		Links: []inventory.Link{
			{From: web, To: "shop/web:1", Confidence: inventory.Declared, Evidence: []inventory.Location{{Path: "services.tf", Line: 5}}},
			{From: "build:web/Dockerfile", To: "web/package-lock.json", Confidence: inventory.Resolved, Evidence: []inventory.Location{{Path: "web/Dockerfile", Line: 2}}},
			{From: "shop/web:1", To: "build:web/Dockerfile", Confidence: inventory.Resolved, Evidence: []inventory.Location{{Path: "ci.yml", Line: 9}}},
		},
		Workloads: workloads, Findings: []scanner.Finding{finding},
	}
}

func judge(res *scanner.Result, deployed Deployed) {
	Apply(res, deployed, nil)
	res.Rank()
	res.Add(Trifecta(res, deployed))
	res.Rank()
	Surface(res, deployed)
}

func TestTrifecta(t *testing.T) {
	in := func(c inventory.Confidence, ids ...inventory.ID) Deployed {
		m := map[inventory.ID]inventory.Confidence{}
		for _, id := range ids {
			m[id] = c
		}
		return Deployed{"web/package-lock.json": m}
	}
	development := vulnerable(open(web))
	development.Findings[0].Scope = inventory.ScopeDevelopment
	suppressed := vulnerable(open(web))
	suppressed.Findings[0].Status = scanner.StatusSuppressed
	minor := vulnerable(open(web))
	minor.Findings[0].Advisory.CVSS = []scanner.CVSS{{Version: "3.1", Vector: "CVSS:3.1/AV:N/AC:L/PR:L/UI:N/S:U/C:L/I:L/A:L", Score: 6.3}}
	for _, tt := range []struct {
		name     string
		res      *scanner.Result
		deployed Deployed
		rules    string // of the findings that are not the vulnerability itself
		level    scanner.ExposureLevel
		entries  int
		exploit  int
	}{
		{"open", vulnerable(open(web), proxy()), in(inventory.Declared, web), exploitable, scanner.ExposureOpen, 1, 1},
		{"open, inferred only", vulnerable(open(web)), in(inventory.Inferred, web), nearly, scanner.ExposureOpen, 1, 0},
		{"behind a web ACL", vulnerable(open(web, "waf:a")), in(inventory.Resolved, web), nearly, scanner.ExposureControlled, 1, 0},
		{"one hop behind", vulnerable(closed(api, 1)), in(inventory.Declared, api), nearly, scanner.ExposureAdjacent, 0, 0},
		{"further behind", vulnerable(closed(api, 2)), in(inventory.Declared, api), "", scanner.ExposureInternal, 0, 0},
		{"isolated", vulnerable(closed(api, network.NoHops)), in(inventory.Declared, api), "", scanner.ExposureIsolated, 0, 0},
		{"not deployed", vulnerable(open(web)), nil, "", scanner.ExposureUnknown, 1, 0},
		{"the most exposed of two", vulnerable(closed(api, 2), open(web)), in(inventory.Declared, web, api), exploitable, scanner.ExposureOpen, 1, 1},
		{"development only", development, in(inventory.Declared, web), "", scanner.ExposureOpen, 1, 0},
		{"suppressed", suppressed, in(inventory.Declared, web), "", scanner.ExposureOpen, 1, 0},
		{"not bad enough", minor, in(inventory.Declared, web), "", scanner.ExposureOpen, 1, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			judge(tt.res, tt.deployed)
			var rules []string
			var level scanner.ExposureLevel
			for _, f := range tt.res.Findings {
				if f.Subject == "pkg:npm/a@1" {
					level = f.Exposure.Level
				} else {
					rules = append(rules, f.RuleID)
				}
			}
			if got := strings.Join(rules, " "); got != tt.rules || level != tt.level {
				t.Errorf("rules %q, exposure %s; want %q, %s", got, level, tt.rules, tt.level)
			}
			if s := tt.res.AttackSurface; len(s.EntryPoints) != tt.entries || s.Exploitable != tt.exploit || !s.Evaluated {
				t.Errorf("attack surface %+v; want %d ways in, %d exploitable", s, tt.entries, tt.exploit)
			}
		})
	}
}

func TestWay(t *testing.T) {
	res := vulnerable(open(web), proxy())
	judge(res, Deployed{"web/package-lock.json": {web: inventory.Resolved}})
	var got []string
	for _, f := range res.Findings {
		if f.RuleID != exploitable {
			continue
		}
		if f.Exposure.Entry != "aws_lb.public" {
			t.Errorf("a stranger dials %s", f.Exposure.Entry)
		}
		for _, s := range f.Path {
			line := string(s.Address)
			if s.Location != nil {
				line += " " + s.Location.Path
			}
			got = append(got, line)
		}
	}
	want := []string{
		"internet", "aws_internet_gateway.main", "aws_lb.public", "aws_lb_target_group.web", "aws_ecs_service.web",
		"aws_security_group.lb security.tf", "aws_ecs_service.web services.tf", "shop/web:1 services.tf", "build:web/Dockerfile ci.yml",
		"web/package-lock.json web/Dockerfile", "pkg:npm/a@1 web/package-lock.json", "CVE-2026-1",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestApplyToOthers(t *testing.T) {
	res := &scanner.Result{
		Workloads: []network.Result{open(web), closed(worker, 1)},
		Images:    []inventory.Image{{ID: "shop/web:1", Workloads: []inventory.ID{web, worker}}},
		Findings: []scanner.Finding{
			{Subject: "shop/web:1"}, {Subject: worker}, {Subject: "aws_security_group.a"},
			{Subject: "aws_security_group.b", Exposure: scanner.Exposure{Workloads: []inventory.ID{worker}}},
		},
	}
	Apply(res, nil, nil)
	var got []scanner.ExposureLevel
	for _, f := range res.Findings {
		got = append(got, f.Exposure.Level)
	}
	want := []scanner.ExposureLevel{scanner.ExposureOpen, scanner.ExposureAdjacent, "", scanner.ExposureAdjacent}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestCriticality takes what a workload is worth from its environment.
func TestCriticality(t *testing.T) {
	production := open(web)
	production.Environment = "prod"
	res := vulnerable(production)
	Apply(res, Deployed{"web/package-lock.json": {web: inventory.Declared}}, map[string]string{"prod": "high"})
	if got := res.Findings[0].Exposure.Criticality; got != "high" {
		t.Errorf("criticality %q", got)
	}
}

func TestEqualAddresses(t *testing.T) {
	at := func(r network.Result, path string) network.Result {
		r.Location.Path = path
		return r
	}
	res := &scanner.Result{
		Workloads: []network.Result{at(closed(web, network.NoHops), "closed/main.tf"), at(open(web), "open/main.tf"), at(closed(web, 1), "module/main.tf"), at(open(web), "module/main.tf")},
		Findings: []scanner.Finding{
			{RuleID: "a", Subject: web, Location: inventory.Location{Path: "closed/main.tf"}},
			{RuleID: "b", Subject: web, Location: inventory.Location{Path: "closed/network.tf"}},
			{RuleID: "c", Subject: web, Location: inventory.Location{Path: "open/main.tf"}},
			{RuleID: "d", Subject: web, Location: inventory.Location{Path: "module/main.tf"}},
			{RuleID: "e", Subject: web, Location: inventory.Location{Path: "elsewhere.tf"}},
		},
	}
	Apply(res, nil, nil)
	var got []scanner.ExposureLevel
	for _, f := range res.Findings {
		got = append(got, f.Exposure.Level)
	}
	want := []scanner.ExposureLevel{scanner.ExposureIsolated, scanner.ExposureIsolated, scanner.ExposureOpen, scanner.ExposureOpen, scanner.ExposureOpen}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
