package ami

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/trifecta-scanner/trifecta/internal/cvss"
	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/machine"
	"github.com/trifecta-scanner/trifecta/scanner"
)

var missing = rule("aws-patches-missing", scanner.Medium, "Machine that runs without patches which are there",
	"Patch Manager has compared the machine with its baseline: patches are missing, or installing them failed. Run AWS-RunPatchBaseline with the operation Install on it, or replace it by one of a newer image. "+
		"The finding is of high severity where patches that the baseline or an advisory calls critical or of security are among them.")

// Vulnerability is what Inspector found in an image.
type Vulnerability struct {
	ID       string // CVE-2024-0727, KB5023697
	Severity scanner.Severity
	Fixable  bool
	Exploit  bool // one is known to exist
	Vectors  []string
	Packages []Package
}

// Package is a package that has a vulnerability. Versions are empty where they are not known.
type Package struct{ Name, Version, Fixed string }

// Patches is the state of the patches of declared machines, in sums over the machines that Patch Manager knows.
type Patches struct {
	Addresses []inventory.ID // of what declares the machines; the first one is what a finding is about
	At        inventory.Location
	Region    string
	Group     string // the patch group that was asked for; empty where the machines themselves were
	// Registered says whether a baseline is registered for the group; nil: not known.
	Registered                                            *bool
	Machines, Reporting, Behind                           int
	Missing, Failed, Reboot, Critical, Security, Installs int
	Since                                                 string // the day of the last operation on the machine where that is longest ago
}

// Evidence says in one sentence what AWS knows of the patches of the machines, for findings about what the code says of them.
func (s Patches) Evidence() string {
	who := fmt.Sprintf("%d of the %d machines in %s", s.Reporting, s.Machines, s.Region)
	switch {
	case s.Group != "":
		who = fmt.Sprintf("%d machines of its patch group %q in %s", s.Reporting, s.Group, s.Region)
	case s.Machines == 0:
		return "AWS runs none of it in " + s.Region
	case s.Machines == 1:
		who = "the machine in " + s.Region
	}
	switch {
	case s.Reporting == 0:
		return fmt.Sprintf("Patch Manager has never looked at %s either", strings.Replace(who, "0 of", "any of", 1))
	case s.Installs > 0:
		return fmt.Sprintf("something outside of the code patches: Patch Manager knows the state of %s, of %s or later, and installed patches on %d", who, cmp.Or(s.Since, "an unknown day"), s.Installs)
	}
	return fmt.Sprintf("Patch Manager knows the state of %s, of %s or later, and installed nothing", who, cmp.Or(s.Since, "an unknown day"))
}

// Support is how long EKS supports a version of Kubernetes; days are empty where they are not known.
type Support struct{ StandardEnd, ExtendedEnd string }

// Key is what the answers about a reference are kept under: its id; for a search with its form, as the same name can be searched
// for in several ways.
func Key(r *machine.Reference) inventory.ID {
	if len(r.Searches) > 0 {
		return inventory.ID(r.Form + " " + string(r.ID))
	}
	return r.ID
}

// next returns the newest image of the series as the code would write it: by its id, or in a search for one whole name by its
// name. It is empty where there is none, and where the code has a pattern.
func (a *Answer) next(r *machine.Reference) inventory.ID {
	if len(r.Searches) == 0 || a.Newest == "" {
		return a.Newest
	}
	if before, ok := strings.CutSuffix(string(r.ID), a.Name); ok && a.Name != "" && a.NewestName != "" { // kops has the owner in front of it
		return inventory.ID(before + a.NewestName)
	}
	return ""
}

// leads says in the middle of a sentence which image a search or a parameter leads to; it is empty for an id.
func leads(r *machine.Reference, a *Answer) string {
	if a.Image == "" || a.Image == r.ID {
		return ""
	}
	name := ""
	if a.Name != "" && !strings.HasSuffix(string(r.ID), a.Name) {
		name = " (" + a.Name + ")"
	}
	return fmt.Sprintf("leads to %s%s in %s, which ", a.Image, name, a.Region)
}

// today says whose image a search without an owner finds.
func (p *pass) today(r *machine.Reference) string {
	a, ok := p.Account[Key(r)]
	if !ok || a.Image == "" || a.Owner == "" {
		return ""
	}
	return fmt.Sprintf(": in %s today %s of %s", a.Region, a.Image, a.Owner)
}

// all returns an answer with those of other regions.
func (a *Answer) all() []*Answer {
	list := []*Answer{a}
	for i := range a.Others {
		list = append(list, &a.Others[i])
	}
	return list
}

// known puts what the account knows of a reference into the result, and reports the vulnerabilities of its images.
func (p *pass) known(r *machine.Reference, a *Answer) {
	if a.Region == "" {
		return
	}
	for _, one := range a.all() {
		replacement := one.Newest
		if replacement == one.Image {
			replacement = ""
		}
		r.Regions = append(r.Regions, inventory.RegionalImage{
			Region: one.Region, ID: cmp.Or(one.Image, r.ID), Name: one.Name, CreatedAt: one.CreatedAt, DeprecatedAt: one.DeprecatedAt, Replacement: replacement,
		})
	}
	slices.SortFunc(r.Regions, func(x, y inventory.RegionalImage) int { return strings.Compare(x.Region, y.Region) })
	p.vulnerable(r, a)
}

// old reports an image that is old although the reference leads to newer ones by itself: there are none.
func (p *pass) old(r *machine.Reference, a *Answer) {
	if !r.Moving {
		return
	}
	for _, one := range a.all() {
		t, err := time.Parse(time.DateOnly, one.CreatedAt)
		if err != nil {
			continue
		}
		if age := int(p.AsOf.Sub(t).Hours() / 24); age > p.StaleDays {
			p.report(r, stale, leads(r, one)+fmt.Sprintf("was made on %s, %d days ago: there is no newer one", one.CreatedAt, age),
				"refer to an image that is kept up to date")
			return
		}
	}
}

// vulnerable reports what Inspector found, each vulnerability once with all regions in which it is.
func (p *pass) vulnerable(r *machine.Reference, a *Answer) {
	regions := map[string][]string{}
	var order []*Vulnerability
	images := map[string]*Answer{}
	for _, one := range a.all() {
		for i := range one.Findings {
			v := &one.Findings[i]
			if images[v.ID] == nil {
				images[v.ID] = one
				order = append(order, v)
			}
			regions[v.ID] = append(regions[v.ID], one.Region)
		}
	}
	if len(order) == 0 {
		return
	}
	var cves []string
	for _, v := range order {
		if strings.HasPrefix(v.ID, "CVE-") {
			cves = append(cves, v.ID)
		}
	}
	threats, notices := p.Intel.Threats(cves)
	p.out.Notices = append(p.out.Notices, notices...)
	at := r.Text
	if len(r.Locations) > 0 && at.IsZero() {
		at = r.Locations[0]
	}
	bumped := scanner.Finding{Fix: &scanner.Fix{}}
	p.newest(&bumped, r, *a)
	for _, v := range order {
		one := images[v.ID]
		threat := threats[v.ID]
		advisory := &scanner.Advisory{ID: v.ID, Summary: summary(v), Rating: string(v.Severity), KEV: threat.KEV, EPSS: threat.EPSS}
		if v.Exploit {
			advisory.Exploited = "poc"
		}
		for _, vector := range v.Vectors {
			if parsed, ok := cvss.Parse(vector); ok {
				advisory.CVSS = append(advisory.CVSS, scanner.CVSS{Version: parsed.Version, Vector: parsed.Text, Score: parsed.Base()})
			}
		}
		for _, pkg := range v.Packages {
			if pkg.Fixed != "" && !slices.Contains(advisory.FixedVersions, pkg.Fixed) {
				advisory.FixedVersions = append(advisory.FixedVersions, pkg.Fixed)
			}
		}
		subject := string(r.ID)
		if way := leads(r, one); way != "" {
			subject += " " + strings.TrimSuffix(way, " ")
		}
		advice := fix(r, v, one)
		p.out.Findings = append(p.out.Findings, scanner.Finding{
			RuleID: v.ID, Kind: scanner.KindVulnerability, Severity: v.Severity, Pillar: scanner.PillarVulnerability,
			Message: fmt.Sprintf("%s has %s%s, as Inspector found in %s; %s", subject, v.ID, packages(v), strings.Join(slices.Compact(slices.Sorted(slices.Values(regions[v.ID]))), ", "), advice),
			Subject: r.ID, Location: at, Advisory: advisory, Fix: &scanner.Fix{Message: advice},
			FingerprintKey: []string{v.ID, "ami", cmp.Or(one.Series, string(r.ID)), at.Path}, Exposure: scanner.Exposure{Workloads: slices.Clone(r.Workloads)},
		})
		if bumped.Fix.Bump != nil { // whether it goes away with it the scan of the changed tree tells
			p.out.Findings[len(p.out.Findings)-1].Fix = &scanner.Fix{Message: advice, Edits: bumped.Fix.Edits, Bump: bumped.Fix.Bump}
		}
		p.advisory(v, advisory)
	}
}

// advisory adds the rule that findings of a vulnerability are instances of.
func (p *pass) advisory(v *Vulnerability, a *scanner.Advisory) {
	if slices.ContainsFunc(p.out.Rules, func(r scanner.Rule) bool { return r.ID == v.ID }) {
		return
	}
	url := "https://docs.aws.amazon.com/inspector/latest/user/findings-types.html"
	if strings.HasPrefix(v.ID, "CVE-") {
		url = "https://www.cve.org/CVERecord?id=" + v.ID
	}
	p.out.Rules = append(p.out.Rules, scanner.Rule{
		ID: v.ID, Title: cmp.Or(a.Summary, v.ID), Severity: v.Severity, URL: url, Tags: []string{"security", string(scanner.KindVulnerability)},
		Help: fmt.Sprintf("**%s**\n\nAmazon Inspector found it in a machine image that the code refers to.", v.ID),
	})
}

func summary(v *Vulnerability) string {
	names := make([]string, 0, len(v.Packages))
	for _, pkg := range v.Packages {
		names = append(names, pkg.Name)
	}
	if len(names) == 0 {
		return v.ID + " in a machine image"
	}
	return fmt.Sprintf("%s in %s", v.ID, strings.Join(names, ", "))
}

// packages names what is vulnerable, and where it is fixed.
func packages(v *Vulnerability) string {
	if len(v.Packages) == 0 {
		return ""
	}
	parts := make([]string, 0, 3)
	for _, pkg := range v.Packages[:min(len(v.Packages), 3)] {
		text := pkg.Name
		if pkg.Version != "" {
			text += " " + pkg.Version
		}
		if pkg.Fixed != "" {
			text += " (fixed in " + pkg.Fixed + ")"
		}
		parts = append(parts, text)
	}
	if more := len(v.Packages) - len(parts); more > 0 {
		parts = append(parts, fmt.Sprintf("%d more", more))
	}
	return " in " + strings.Join(parts, ", ")
}

// fix says what a person does about a vulnerability of an image.
func fix(r *machine.Reference, v *Vulnerability, a *Answer) string {
	switch {
	case a.Newest != "" && a.Newest != a.Image:
		return newer(r, *a) + ", the newest of its series, or patch machines when they start"
	case v.Fixable:
		return "patch machines when they start, until an image has the fix"
	}
	return "no fix is known; keep it out of reach"
}

// patches reports machines that miss patches.
func (p *pass) patches() {
	for i := range p.Patches {
		s := &p.Patches[i]
		if s.Behind == 0 || len(s.Addresses) == 0 {
			continue
		}
		severity := missing.Severity
		if s.Critical > 0 || s.Security > 0 {
			severity = scanner.High
		}
		who := fmt.Sprintf("%d of its %d machines in %s", s.Behind, s.Machines, s.Region)
		switch {
		case s.Group != "":
			who = fmt.Sprintf("%d of the %d machines of patch group %q in %s", s.Behind, s.Machines, s.Group, s.Region)
		case s.Machines == 1:
			who = "its machine in " + s.Region
		}
		var what []string
		for _, c := range []struct {
			n    int
			text string
		}{{s.Missing, "missing"}, {s.Failed, "failed to install"}, {s.Critical, "critical and not compliant"}, {s.Security, "of security and not compliant"}, {s.Reboot, "waiting for a restart"}} {
			if c.n > 0 {
				what = append(what, fmt.Sprintf("%d %s", c.n, c.text))
			}
		}
		advice := "run AWS-RunPatchBaseline with the operation Install on it, or replace it by a newer image"
		if s.Registered != nil && !*s.Registered {
			advice += "; no baseline is registered for the group, so that the account's default one counts"
		}
		f := scanner.Finding{
			RuleID: missing.ID, Kind: scanner.KindMisconfiguration, Severity: severity, Pillar: scanner.PillarVulnerability,
			Message: fmt.Sprintf("%s misses patches: on %s, seen on %s or later, patches are %s; %s", s.Addresses[0], who, cmp.Or(s.Since, "an unknown day"), strings.Join(what, ", "), advice),
			Subject: s.Addresses[0], Location: s.At, Fix: &scanner.Fix{Message: advice},
			FingerprintKey: []string{missing.ID, string(s.Addresses[0]), s.Group, s.At.Path}, Exposure: scanner.Exposure{Workloads: slices.Clone(s.Addresses)},
		}
		p.out.Findings = append(p.out.Findings, f)
	}
}
