package report_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/network"
	"github.com/trifecta-scanner/trifecta/scanner"
)

func ptr[T any](v T) *T { return &v }

func at(path string, line int) inventory.Location { return inventory.Location{Path: path, Line: line} }

// sample is a result with every kind of finding and every optional part, made by hand.
func sample() *scanner.Result {
	lodash := inventory.Package{
		ID: "pkg:npm/lodash@4.17.15", Name: "lodash", Version: "4.17.15", Ecosystem: "npm", PURL: "pkg:npm/lodash@4.17.15",
		Licenses: []string{"MIT"},
		Hashes:   []inventory.Hash{{Algorithm: "SHA-512", Value: "f2c1d3" + fmt.Sprintf("%0122d", 7)}},
		Locations: []inventory.PackageLocation{{
			Location: inventory.Location{Path: "web/package-lock.json", Line: 120, Column: 5, EndLine: 124, EndColumn: 6},
			LockFile: true, Scope: inventory.ScopeRuntime, Origin: inventory.OriginRegistry,
			Chain: []string{"shop", "express", "async", "lodash"}, Manifest: &inventory.Location{Path: "web/package.json", Line: 12, Column: 5, EndLine: 12, EndColumn: 26},
		}},
	}
	express := inventory.Package{
		ID: "pkg:npm/express@4.17.1", Name: "express", Version: "4.17.1", Ecosystem: "npm", PURL: "pkg:npm/express@4.17.1",
		Licenses: []string{"MIT"}, Dependencies: []inventory.ID{"pkg:npm/lodash@4.17.15"},
		Locations: []inventory.PackageLocation{{
			Location: inventory.Location{Path: "web/package-lock.json", Line: 80, Column: 5, EndLine: 92, EndColumn: 6},
			LockFile: true, Direct: true, Scope: inventory.ScopeRuntime, Origin: inventory.OriginRegistry,
			Chain: []string{"shop", "express"}, Manifest: &inventory.Location{Path: "web/package.json", Line: 12, Column: 5, EndLine: 12, EndColumn: 26},
		}},
	}
	evil := inventory.Package{
		ID: "pkg:npm/%40acme/pad-lef@1.0.1", Name: "@acme/pad-lef", Version: "1.0.1", Ecosystem: "npm", PURL: "pkg:npm/%40acme/pad-lef@1.0.1",
		Licenses: []string{"(MIT OR Apache-2.0)"},
		Locations: []inventory.PackageLocation{{
			Location: at("web/package-lock.json", 14), LockFile: true, Direct: true, Scope: inventory.ScopeDevelopment, Origin: inventory.OriginRegistry,
			Chain: []string{"shop", "@acme/pad-lef"},
		}},
	}
	django := inventory.Package{
		ID: "pkg:pypi/django@3.2.0", Name: "django", Version: "3.2.0", Ecosystem: "PyPI", PURL: "pkg:pypi/django@3.2.0",
		Licenses: []string{"BSD-3-Clause", "Some licence of our own"},
		Hashes:   []inventory.Hash{{Algorithm: "SHA-256", Value: fmt.Sprintf("%064x", 12)}},
		Locations: []inventory.PackageLocation{
			{Location: at("services/billing/requirements.txt", 3), LockFile: true, Direct: true, Scope: inventory.ScopeRuntime, Origin: inventory.OriginRegistry},
			{Location: at("services/ledger/requirements.txt", 9), LockFile: true, Direct: true, Scope: inventory.ScopeUnknown, Origin: inventory.OriginRegistry},
		},
	}
	shop := inventory.Package{
		ID: "pkg:npm/shop@1.0.0", Name: "shop", Version: "1.0.0", Ecosystem: "npm", PURL: "pkg:npm/shop@1.0.0",
		Dependencies: []inventory.ID{"pkg:npm/express@4.17.1", "pkg:npm/%40acme/pad-lef@1.0.1"},
		Locations:    []inventory.PackageLocation{{Location: at("web/package-lock.json", 2), LockFile: true, Scope: inventory.ScopeRuntime, Origin: inventory.OriginWorkspace}},
	}
	inv := &inventory.Inventory{
		Packages: []inventory.Package{lodash, express, evil, django, shop},
		Images: []inventory.Image{
			{ID: "registry.example/shop/api:1.4", Digest: "sha256:" + fmt.Sprintf("%064x", 99), Locations: []inventory.Location{at("k8s/api.yaml", 21)}, Workloads: []inventory.ID{"Deployment/default/api"}},
		},
		Notices: []inventory.Notice{
			{Code: "unreadable-file", Message: "services/old/poetry.lock ends in the middle of a table; the packages behind line 40 are missing", Location: ptr(at("services/old/poetry.lock", 40))},
			{Code: "database-incomplete", Message: "the database has no advisories for Packagist; 3 packages were not matched"},
		},
	}
	inv.Sort()
	res, err := scanner.Run(context.Background(), inv, fixed{&scanner.Judgement{Rules: sampleRules(), Findings: sampleFindings()}})
	if err != nil {
		panic(err)
	}
	// The tiers are set here and not by Rank: these tests are about how a result is shown.
	for i := range res.Findings {
		f := &res.Findings[i]
		f.Tier, f.Score, f.Reason, f.EnvironmentalVector = scanner.TierTrack, 100, "Nobody outside can reach it", ""
		f.SSVC = &scanner.SSVC{Exploitation: "none", Exposure: "small", Automatable: "no", Impact: "medium"}
		switch {
		case f.Advisory != nil && f.Advisory.KEV, f.Kind == scanner.KindMalware, f.Kind == scanner.KindExposure:
			f.Tier, f.Score, f.SSVC.Exploitation, f.SSVC.Exposure = scanner.TierAct, 950, "active", "open"
			f.Reason = "A stranger can reach it, and it is exploited"
		case f.Severity == scanner.Critical, f.Kind == scanner.KindEndOfLife:
			f.Tier, f.Score, f.Reason = scanner.TierAttend, 700, "A fix is known and the damage would be great"
		case f.Severity == scanner.High:
			f.Tier, f.Score = scanner.TierTrackStar, 500
		}
		f.ScoreRange = [2]int{f.Score, f.Score}
	}
	res.Fixed = []scanner.Finding{{
		RuleID: "CVE-2020-0001", Kind: scanner.KindVulnerability, Severity: scanner.Low, Pillar: scanner.PillarVulnerability, Tier: scanner.TierTrack,
		Message: "minimist 1.2.0 is affected by CVE-2020-0001", Subject: "pkg:npm/minimist@1.2.0", Location: at("web/package-lock.json", 300),
		Exposure: scanner.Exposure{Level: scanner.ExposureUnknown}, Fingerprint: "0123456789abcdef0123456789abcdef", FingerprintVersion: 1, Status: scanner.StatusExisting,
	}}
	res.Sort()
	res.AttackSurface = scanner.AttackSurface{
		EntryPoints:      []scanner.EntryPoint{{Address: "aws_lb.web", Ports: []string{"tcp/443"}, Sources: []string{"0.0.0.0/0"}, Shields: []string{"waf:aws_wafv2_web_acl.main"}}},
		ExposedWorkloads: []inventory.ID{"Deployment/default/api", "aws_instance.bastion"},
		ExposedPackages:  4,
		Exploitable:      1,
		Evaluated:        true,
	}
	way := &network.Path{
		Nodes:  []inventory.ID{network.Internet, "aws_internet_gateway.main", "aws_lb.web", "Deployment/default/api"},
		Guards: []network.Guard{{At: "aws_security_group.web", Rule: "ingress tcp/443 from 0.0.0.0/0", File: "infra/main.tf", Line: 30, Effect: "allow"}},
	}
	res.AttackSurface.Change = &scanner.SurfaceChange{
		Opened: []scanner.Opening{{Address: "Deployment/default/api", Was: "no", Ports: []string{"tcp/443"}, Breadth: "any", Removed: []string{}, Path: way, Location: at("k8s/api.yaml", 3)}},
		Closed: []inventory.ID{"aws_instance.old"}, EntryPoints: 1,
	}
	res.Summarize()
	res.Normalize()
	res.Tool = scanner.Tool{Name: "trifecta", Version: "0.1.0", Commit: "0123456789abcdef0123456789abcdef01234567"}
	res.Target = scanner.Target{Path: "shop", Repository: "https://git.example/acme/shop", Ref: "refs/heads/main", Commit: "89abcdef0123456789abcdef0123456789abcdef"}
	res.Run = scanner.RunInfo{
		StartedAt: "2026-11-20T08:15:30Z", DurationMS: 412, Offline: true, AsOf: "2026-11-20",
		Advisories: scanner.DataInfo{Source: "osv", AsOf: "2026-11-19T22:00:00Z", Digest: "sha256:" + fmt.Sprintf("%064x", 5), Count: 325200},
	}
	return res
}

// fixed is a Scanner whose judgement is known before.
type fixed struct{ judgement *scanner.Judgement }

func (fixed) Name() string { return "fixed" }

func (f fixed) Scan(context.Context, *inventory.Inventory) (*scanner.Judgement, error) {
	return f.judgement, nil
}

func sampleRules() []scanner.Rule {
	return []scanner.Rule{
		{ID: "GHSA-aaaa-bbbb-cccc", Title: "Prototype pollution in lodash", Severity: scanner.Critical, URL: "https://osv.example/GHSA-aaaa-bbbb-cccc",
			Help: "Versions of lodash before 4.17.21 let a request change the prototype of every object.\n\nUpgrade to 4.17.21.", Tags: []string{"npm"}},
		{ID: "GHSA-dddd-eeee-ffff", Title: "Slow regular expression in lodash", Severity: scanner.Medium, URL: "https://osv.example/GHSA-dddd-eeee-ffff"},
		{ID: "MAL-2026-17", Title: "Malicious code in @acme/pad-lef", Severity: scanner.Critical, URL: "https://osv.example/MAL-2026-17"},
		{ID: "PYSEC-2022-9", Title: "SQL injection in Django", Severity: scanner.High, URL: "https://osv.example/PYSEC-2022-9"},
		{ID: "CVE-2023-11111", Title: "Log injection in Django", Severity: scanner.Unknown, URL: "https://osv.example/CVE-2023-11111"},
		{ID: "aws-open-admin-port", Aliases: []string{"NET-004"}, Title: "Administration port open to the internet", Severity: scanner.High,
			Help: "A security group lets everybody reach an administration port. Allow a known range only.", URL: "https://docs.example/rules#aws-open-admin-port", Tags: []string{"aws", "network"}},
		{ID: "aws-unencrypted-volume", Aliases: []string{"HOST-007"}, Title: "Volume is not encrypted", Severity: scanner.Low, Tags: []string{"aws"}},
		{ID: "ami-end-of-life", Title: "Machine image is past its end of life", Severity: scanner.High},
		{ID: "image-latest", Title: "Container image without a fixed version", Severity: scanner.Low},
		{ID: "runtime-end-of-life", Title: "Runtime is past its end of life", Severity: scanner.Medium},
		{ID: "license-denied", Title: "Licence is not allowed", Severity: scanner.Medium},
		{ID: "secret-in-code", Title: "Secret in the code", Severity: scanner.Critical},
	}
}

func sampleFindings() []scanner.Finding {
	vulnerability := func(id, summary string, severity scanner.Severity, pkg inventory.ID, place inventory.Location) scanner.Finding {
		return scanner.Finding{
			RuleID: id, Kind: scanner.KindVulnerability, Severity: severity, Pillar: scanner.PillarVulnerability,
			Message: fmt.Sprintf("%s is affected by %s: %s", pkg, id, summary), Subject: pkg, Location: place,
			Advisory:       &scanner.Advisory{ID: id, Summary: summary, Published: "2022-04-01T00:00:00Z", Modified: "2024-01-01T00:00:00Z"},
			FingerprintKey: []string{id, string(pkg), place.Path},
		}
	}
	lodashAt := inventory.Location{Path: "web/package-lock.json", Line: 120, Column: 5, EndLine: 124, EndColumn: 6}
	kev := vulnerability("GHSA-aaaa-bbbb-cccc", "Prototype pollution in lodash", scanner.Critical, "pkg:npm/lodash@4.17.15", lodashAt)
	kev.Advisory.Aliases = []string{"CVE-2021-23337"}
	kev.Advisory.CWE = []string{"CWE-1321", "CWE-94"}
	kev.Advisory.CVSS = []scanner.CVSS{
		{Version: "4.0", Vector: "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N", Score: 9.3},
		{Version: "3.1", Vector: "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", Score: 9.8},
	}
	kev.Advisory.EPSS, kev.Advisory.KEV, kev.Advisory.Exploited = ptr(0.94421), true, "active"
	kev.Advisory.FixedVersions = []string{"4.17.21"}
	kev.Advisory.References = []string{"https://advisories.example/CVE-2021-23337"}
	kev.Related = []scanner.Related{{Location: inventory.Location{Path: "web/package.json", Line: 12, Column: 5, EndLine: 12, EndColumn: 26}, Message: "express asks for it"}}
	kev.Exposure = scanner.Exposure{Level: scanner.ExposureOpen, Workloads: []inventory.ID{"Deployment/default/api"}}
	kev.SSVC = &scanner.SSVC{Exploitation: "active", Exposure: "open", Automatable: "yes", Impact: "high"}
	kev.EnvironmentalVector = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H/MAV:N"
	kev.Called = "called"
	kev.Path = []scanner.Step{
		{Address: "internet"},
		{Address: "aws_lb.web", Message: "ingress tcp/443 from 0.0.0.0/0", Location: ptr(at("infra/main.tf", 30))},
		{Address: "Deployment/default/api", Location: ptr(at("k8s/api.yaml", 3))},
	}
	kev.Scope = inventory.ScopeRuntime
	kev.Fix = &scanner.Fix{Message: "upgrade lodash to 4.17.21", Upgrade: &scanner.Upgrade{Ecosystem: "npm", Package: "lodash", From: "4.17.15", To: "4.17.21", Files: []string{"web/package-lock.json"}}}

	redos := vulnerability("GHSA-dddd-eeee-ffff", "Slow regular expression in lodash", scanner.Medium, "pkg:npm/lodash@4.17.15", lodashAt)
	redos.Advisory.CVSS = []scanner.CVSS{{Version: "2.0", Vector: "AV:N/AC:M/Au:N/C:N/I:N/A:P", Score: 4.3}}
	redos.Advisory.FixedVersions = []string{"4.17.20"}
	redos.Exposure.Level = scanner.ExposureOpen
	redos.Status = scanner.StatusExisting

	malware := vulnerability("MAL-2026-17", "Malicious code in @acme/pad-lef", scanner.Critical, "pkg:npm/%40acme/pad-lef@1.0.1", at("web/package-lock.json", 14))
	malware.Kind, malware.Scope = scanner.KindMalware, inventory.ScopeDevelopment
	malware.Fix = &scanner.Fix{Message: "remove the package"}

	sql := vulnerability("PYSEC-2022-9", "SQL injection in Django", scanner.High, "pkg:pypi/django@3.2.0", at("services/billing/requirements.txt", 3))
	sql.Advisory.CVSS = []scanner.CVSS{{Version: "3.0", Vector: "CVSS:3.0/AV:N/AC:H/PR:N/UI:N/S:U/C:H/I:H/A:N", Score: 7.4}}
	sql.Advisory.FixedVersions = []string{"3.2.13", "4.0.4"}
	sqlElsewhere := vulnerability("PYSEC-2022-9", "SQL injection in Django", scanner.High, "pkg:pypi/django@3.2.0", at("services/ledger/requirements.txt", 9))
	sqlElsewhere.Status = scanner.StatusSuppressed
	sqlElsewhere.Suppression = &scanner.Suppression{Reason: "the ledger builds no queries", Until: "2027-01-31", Source: ".trifecta.yaml:8"}
	unknown := vulnerability("CVE-2023-11111", "Log injection in Django", scanner.Unknown, "pkg:pypi/django@3.2.0", at("services/billing/requirements.txt", 3))

	other := func(rule string, kind scanner.Kind, severity scanner.Severity, pillar scanner.Pillar, subject inventory.ID, place inventory.Location, message string) scanner.Finding {
		return scanner.Finding{RuleID: rule, Kind: kind, Severity: severity, Pillar: pillar, Subject: subject, Location: place, Message: message,
			FingerprintKey: []string{rule, string(subject), place.Path}}
	}
	ssh := other("aws-open-admin-port", scanner.KindExposure, scanner.High, scanner.PillarFirewall, "aws_security_group.ssh",
		inventory.Location{Path: "infra/main.tf", Line: 44, Column: 3, EndLine: 49, EndColumn: 4}, "aws_security_group.ssh lets 0.0.0.0/0 reach port 22; allow a known range only")
	ssh.Exposure = scanner.Exposure{Level: scanner.ExposureOpen, Workloads: []inventory.ID{"aws_instance.bastion"}}
	ssh.Fix = &scanner.Fix{Message: "allow a known range only", Edits: []scanner.Edit{{Path: "infra/main.tf", Line: 47, EndLine: 47, Text: "    cidr_blocks = [\"10.0.0.0/8\"]\n"}, {Path: "infra/main.tf", Line: 48, EndLine: 48}}}
	return []scanner.Finding{
		redos, kev, malware, sql, sqlElsewhere, unknown, ssh,
		other("aws-unencrypted-volume", scanner.KindMisconfiguration, scanner.Low, scanner.PillarLayer, "aws_ebs_volume.data", at("infra/data.tf", 3), "aws_ebs_volume.data is not encrypted; set encrypted = true"),
		other("aws-unencrypted-volume", scanner.KindMisconfiguration, scanner.Low, scanner.PillarLayer, "aws_ebs_volume.logs", at("infra/data.tf", 12), "aws_ebs_volume.logs is not encrypted; set encrypted = true"),
		other("ami-end-of-life", scanner.KindMachineImage, scanner.High, scanner.PillarVulnerability, "ami-0123456789abcdef0", at("infra/main.tf", 8), "ami-0123456789abcdef0 (Ubuntu 18.04) is past its end of life since 2023-05-31; use Ubuntu 24.04"),
		other("image-latest", scanner.KindImage, scanner.Low, scanner.PillarVulnerability, "registry.example/shop/api", at("k8s/api.yaml", 21), "registry.example/shop/api has no fixed version; name a digest"),
		other("runtime-end-of-life", scanner.KindEndOfLife, scanner.Medium, scanner.PillarVulnerability, "python@3.7", at("services/billing/Dockerfile", 1), "Python 3.7 is past its end of life since 2023-06-27; use 3.13"),
		other("license-denied", scanner.KindLicense, scanner.Medium, scanner.PillarVulnerability, "pkg:pypi/django@3.2.0", at("services/billing/requirements.txt", 3), "django 3.2.0 is under a licence that the policy does not allow"),
		other("secret-in-code", scanner.KindSecret, scanner.Critical, scanner.PillarVulnerability, "config/prod.env", at("config/prod.env", 0), "config/prod.env holds an access key; revoke it and take it out of the history"),
	}
}

// hostile is a result whose every string was written by somebody who wants to be more than data.
func hostile() *scanner.Result {
	const evil = "a\x1b[2J\x1b]0;own\x07\r\n::error::x|y`<img src=x onerror=alert(1)>[l](https://evil.example) @all #1 \u202egnp\xff,\"';=1+1\t"
	pkg := inventory.Package{
		ID: inventory.ID("pkg:npm/" + evil), Name: evil, Version: evil, Ecosystem: evil, PURL: "pkg:npm/" + evil, Licenses: []string{evil, "MIT"},
		Hashes: []inventory.Hash{{Algorithm: evil, Value: evil}, {Algorithm: "SHA-256", Value: "zz"}}, Dependencies: []inventory.ID{"pkg:npm/" + evil, "pkg:npm/missing"},
		Locations: []inventory.PackageLocation{{Location: at(evil, 3), LockFile: true, Direct: true, Scope: evil, Origin: evil, Chain: []string{evil, evil, evil, evil}, Manifest: ptr(at(evil, 1))}},
	}
	inv := &inventory.Inventory{
		Packages: []inventory.Package{pkg},
		Images:   []inventory.Image{{ID: evil, Digest: evil, Locations: []inventory.Location{at(evil, 1)}}},
		Notices:  []inventory.Notice{{Code: evil, Message: evil, Location: ptr(at(evil, 9))}},
	}
	finding := scanner.Finding{
		RuleID: evil, Kind: scanner.KindVulnerability, Severity: scanner.High, Pillar: scanner.PillarVulnerability, Reason: evil, Message: evil, Subject: pkg.ID,
		Location: at(evil, 3), Related: []scanner.Related{{Location: at(evil, 1), Message: evil}},
		Advisory: &scanner.Advisory{ID: evil, Aliases: []string{evil}, Summary: evil, Details: evil, CWE: []string{evil}, CVSS: []scanner.CVSS{{Version: evil, Vector: evil, Score: 99}},
			FixedVersions: []string{evil}, Published: evil, Modified: evil, References: []string{evil, "javascript:alert(1)"}, Rating: evil},
		Exposure: scanner.Exposure{Workloads: []inventory.ID{evil}}, Path: []scanner.Step{{Address: evil, Message: evil, Location: ptr(at(evil, 2))}}, Called: evil,
		Fix:         &scanner.Fix{Message: evil, Upgrade: &scanner.Upgrade{Ecosystem: evil, Package: evil, From: evil, To: evil, Files: []string{evil}}},
		Suppression: &scanner.Suppression{Reason: evil, Until: evil, Source: evil}, FingerprintKey: []string{evil},
	}
	infra := finding
	infra.Advisory, infra.Kind, infra.RuleID, infra.Location = nil, scanner.KindMisconfiguration, "rule "+evil, inventory.Location{}
	infra.Related = nil
	rule := scanner.Rule{ID: evil, Aliases: []string{evil}, Title: evil, Help: evil, Severity: scanner.High, URL: "javascript:alert(1)//" + evil, Tags: []string{evil}}
	res, err := scanner.Run(context.Background(), inv, fixed{&scanner.Judgement{Rules: []scanner.Rule{rule}, Findings: []scanner.Finding{finding, infra}}})
	if err != nil {
		panic(err)
	}
	for i := range res.Findings {
		res.Findings[i].Tier, res.Findings[i].Reason = scanner.TierAct, evil
	}
	res.Tool = scanner.Tool{Name: evil, Version: evil, Commit: evil}
	res.Target = scanner.Target{Path: evil, Repository: evil, Ref: evil, Commit: evil}
	res.Run = scanner.RunInfo{StartedAt: evil, AsOf: evil, Advisories: scanner.DataInfo{Source: evil, AsOf: evil}}
	return res
}

// many is a result with n findings in n/5 packages.
func many(tb testing.TB, n int) *scanner.Result {
	tb.Helper()
	inv := &inventory.Inventory{}
	judgement := &scanner.Judgement{}
	for i := range n {
		path := fmt.Sprintf("services/team-%d/app/package-lock.json", i/500)
		name := fmt.Sprintf("some-package-%d", i/5)
		id := inventory.ID("pkg:npm/" + name + "@1.2.3")
		place := inventory.Location{Path: path, Line: i + 1, Column: 5, EndLine: i + 4, EndColumn: 6}
		if i%5 == 0 {
			inv.Packages = append(inv.Packages, inventory.Package{ID: id, Name: name, Version: "1.2.3", Ecosystem: "npm", PURL: string(id), Licenses: []string{"MIT"},
				Locations: []inventory.PackageLocation{{Location: place, LockFile: true, Scope: inventory.ScopeRuntime, Origin: inventory.OriginRegistry, Chain: []string{"app", "express", name}}}})
		}
		rule := scanner.Rule{ID: fmt.Sprintf("GHSA-%04d-%04d-xxxx", i%7000/100, i%7000), Title: "A weakness in " + name, Severity: scanner.High, URL: "https://osv.example/x",
			Help: "A long explanation of what the weakness is, how it comes about and what is to be done. It has a few sentences, as most have."}
		judgement.Rules = append(judgement.Rules, rule)
		judgement.Findings = append(judgement.Findings, scanner.Finding{
			RuleID: rule.ID, Kind: scanner.KindVulnerability, Severity: scanner.Severities[i%5], Pillar: scanner.PillarVulnerability, Message: name + " 1.2.3 is affected by " + rule.ID,
			Subject: id, Location: place, FingerprintKey: []string{rule.ID, name, path},
			Advisory: &scanner.Advisory{ID: rule.ID, Aliases: []string{fmt.Sprintf("CVE-2024-%05d", i)}, Summary: rule.Title, CWE: []string{"CWE-79"},
				CVSS: []scanner.CVSS{{Version: "3.1", Vector: "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", Score: 9.8}}, FixedVersions: []string{"1.2.4"}},
		})
	}
	inv.Sort()
	res, err := scanner.Run(context.Background(), inv, fixed{judgement})
	if err != nil {
		tb.Fatal(err)
	}
	return res
}

// empty is the result of a tree without anything.
func empty(tb testing.TB) *scanner.Result {
	tb.Helper()
	res, err := scanner.Run(context.Background(), &inventory.Inventory{})
	if err != nil {
		tb.Fatal(err)
	}
	res.Tool = scanner.Tool{Name: "trifecta", Version: "0.1.0"}
	res.Target.Path = "."
	res.Run.AsOf = "2026-11-20"
	return res
}
