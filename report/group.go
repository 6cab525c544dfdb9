package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/trifecta-scanner/trifecta/advisory"
	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/scanner"
)

// group is what reports for people show as one entry: the findings of one package in one file, or those of one rule
// in one file. A thousand advisories in one old lock file then read as the few packages that they are about.
type group struct {
	findings []*scanner.Finding       // worst first, never empty
	pkg      *inventory.Package       // nil where the findings are about something else
	rules    map[string]*scanner.Rule // those of the result by id
}

// groups gathers the findings that count, in the order of their worst ones.
func groups(res *scanner.Result) []*group {
	packages := make(map[inventory.ID]*inventory.Package, len(res.Packages))
	for i := range res.Packages {
		packages[res.Packages[i].ID] = &res.Packages[i]
	}
	rules := make(map[string]*scanner.Rule, len(res.Rules))
	for i := range res.Rules {
		rules[res.Rules[i].ID] = &res.Rules[i]
	}
	type key struct {
		what, path string
	}
	byKey := map[key]*group{}
	var all []*group
	for i := range res.Findings {
		f := &res.Findings[i]
		if f.Status == scanner.StatusSuppressed {
			continue
		}
		k := key{"rule " + f.RuleID, f.Location.Path}
		if f.Advisory != nil {
			k.what = "package " + string(f.Subject)
		}
		g := byKey[k]
		if g == nil {
			g = &group{rules: rules}
			if f.Advisory != nil {
				g.pkg = packages[f.Subject]
			}
			byKey[k] = g
			all = append(all, g)
		}
		g.findings = append(g.findings, f)
	}
	return all
}

// worst is the finding that the others of the group stand behind.
func (g *group) worst() *scanner.Finding { return g.findings[0] }

// severity is the worst one; the first finding may be in front for its exposure alone.
func (g *group) severity() scanner.Severity {
	worst := scanner.Unknown
	for _, f := range g.findings {
		if f.Severity != scanner.Unknown && (worst == scanner.Unknown || f.Severity.AtLeast(worst)) {
			worst = f.Severity
		}
	}
	return worst
}

// subject names what the group is about: a package with its version, or what is wrong.
func (g *group) subject() string {
	var name string
	switch f := g.worst(); {
	case g.pkg != nil:
		name = strings.TrimSpace(g.pkg.Name + " " + g.pkg.Version)
	case f.Advisory != nil:
		name = string(f.Subject)
	case g.rules[f.RuleID] != nil && g.rules[f.RuleID].Title != "":
		name = g.rules[f.RuleID].Title
	default:
		name = f.RuleID
	}
	if n := len(g.findings); n > 1 && g.worst().Advisory == nil {
		name += fmt.Sprintf(" (%d times)", n)
	}
	return clean(name)
}

// urgent counts the findings that share the tier of the worst one; the others stand with it because the same upgrade or
// edit clears them.
func (g *group) urgent() int {
	n := 0
	for _, f := range g.findings {
		if f.Tier == g.worst().Tier {
			n++
		}
	}
	return n
}

// ids returns the rules behind the group, worst first, each once.
func (g *group) ids() []string {
	var ids []string
	seen := make(map[string]bool, len(g.findings))
	for _, f := range g.findings {
		if !seen[f.RuleID] {
			seen[f.RuleID] = true
			ids = append(ids, f.RuleID)
		}
	}
	return ids
}

// upgrade returns the version that the findings of a package go away with, and how many of them do. It is the highest
// of the versions that each of them needs; where these can't be compared it is the one that the worst needs.
func (g *group) upgrade() (version string, cleared int) {
	for _, f := range g.findings {
		to := ""
		switch {
		case f.Fix != nil && f.Fix.Upgrade != nil:
			to = f.Fix.Upgrade.To
		case f.Advisory != nil && len(f.Advisory.FixedVersions) > 0:
			to = f.Advisory.FixedVersions[0]
		}
		if to == "" {
			continue
		}
		cleared++
		if version == "" {
			version = to
		} else if g.pkg != nil {
			if order, err := advisory.Compare(g.pkg.Ecosystem, to, version); err == nil && order > 0 {
				version = to
			}
		}
	}
	return clean(version), cleared
}

// location returns the place of the package's entry for the group, nil where the inventory has none.
func (g *group) location() *inventory.PackageLocation {
	if g.pkg == nil {
		return nil
	}
	at := g.worst().Location
	var inFile *inventory.PackageLocation
	for i := range g.pkg.Locations {
		l := &g.pkg.Locations[i]
		if l.Path != at.Path {
			continue
		}
		if l.Line == at.Line {
			return l
		}
		if inFile == nil {
			inFile = l
		}
	}
	return inFile
}

// facts says in a few words what moves the group up or down in the order. Those that the reason tells in full are left
// out where it is shown.
func (g *group) facts(reasonShown bool) []string {
	var facts []string
	f := g.worst()
	if slices.ContainsFunc(g.findings, func(f *scanner.Finding) bool { return f.Kind == scanner.KindMalware }) {
		facts = append(facts, "malware")
	}
	if !reasonShown {
		if slices.ContainsFunc(g.findings, func(f *scanner.Finding) bool { return f.Advisory != nil && f.Advisory.KEV }) {
			facts = append(facts, "known exploited")
		}
		epss := 0.0
		for _, f := range g.findings {
			if f.Advisory != nil && f.Advisory.EPSS != nil {
				epss = max(epss, *f.Advisory.EPSS)
			}
		}
		if epss >= 0.01 {
			facts = append(facts, fmt.Sprintf("EPSS %.0f %%", 100*epss))
		}
		if words := exposureWords[f.Exposure.Level]; words != "" {
			facts = append(facts, words)
		}
	}
	if less := len(g.findings) - g.urgent(); less > 0 {
		facts = append(facts, fmt.Sprintf("%d of them less urgent", less))
	}
	if f.Scope == inventory.ScopeDevelopment {
		facts = append(facts, "development only")
	}
	if f.Called != "" && f.Called != "not-analysed" {
		facts = append(facts, strings.ReplaceAll(clean(f.Called), "-", " "))
	}
	return facts
}

// noticeText is a notice with its place, told once: most messages begin with the file.
func noticeText(n inventory.Notice) string {
	s := clean(n.Message)
	if n.Location == nil || n.Location.Path == "" {
		return s
	}
	if rest, ok := strings.CutPrefix(s, clean(n.Location.Path)+" "); ok {
		return where(*n.Location) + " " + rest
	}
	return where(*n.Location) + ": " + s
}

// exposureWords says the levels of exposure in a reader's words; nothing is said about what is not known.
var exposureWords = map[scanner.ExposureLevel]string{
	scanner.ExposureOpen:       "open to the internet",
	scanner.ExposureControlled: "reachable from the internet behind a control",
	scanner.ExposureAdjacent:   "one hop behind an exposed workload",
	scanner.ExposureInternal:   "reachable from inside",
	scanner.ExposureIsolated:   "reached by nothing in the code",
}

// reason is why the worst finding has its tier.
func (g *group) reason() string { return reasonOf(g.worst(), g.subject()) }

// reasonOf is why a finding has its tier, without what stands beside it: the tier, the subject, the fix.
func reasonOf(f *scanner.Finding, subject string) string {
	reason := clean(f.Reason)
	if tier, rest, ok := strings.Cut(reason, ": "); ok && strings.EqualFold(tier, string(f.Tier)) {
		reason = rest
	}
	if subject == "" && f.Fix != nil && f.Fix.Upgrade != nil {
		subject = clean(f.Fix.Upgrade.Package + " " + f.Fix.Upgrade.From)
	}
	parts := slices.DeleteFunc(strings.Split(reason, "; "), func(part string) bool {
		return part == subject || strings.HasPrefix(part, "fix ")
	})
	return strings.Join(parts, "; ")
}

// chain names the packages that bring the group's package in, the project itself left out; empty for a direct package.
func (g *group) chain() []string {
	l := g.location()
	if l == nil || len(l.Chain) < 3 {
		return nil
	}
	through := make([]string, 0, len(l.Chain)-2)
	for _, name := range l.Chain[1 : len(l.Chain)-1] {
		through = append(through, clean(name))
	}
	return through
}

// comparing reports whether the result was compared with a base: only then is it news that a finding is new.
func comparing(res *scanner.Result) bool {
	return len(res.Fixed) > 0 || slices.ContainsFunc(res.Findings, func(f scanner.Finding) bool { return f.Status == scanner.StatusExisting })
}

// splitNew returns the findings that are new and all others, each in a result of their own.
func splitNew(res *scanner.Result) (fresh, before *scanner.Result) {
	a, b := *res, *res
	a.Findings, b.Findings = nil, nil
	for i := range res.Findings {
		if res.Findings[i].Status == scanner.StatusNew {
			a.Findings = append(a.Findings, res.Findings[i])
		} else {
			b.Findings = append(b.Findings, res.Findings[i])
		}
	}
	return &a, &b
}

// where writes a location as editors and terminals understand it: path, line.
func where(l inventory.Location) string {
	switch {
	case l.Path == "":
		return ""
	case l.Line == 0:
		return clean(l.Path)
	}
	return fmt.Sprintf("%s:%d", clean(l.Path), l.Line)
}

// surface is the sentence that every report for people opens with.
func surface(res *scanner.Result) string {
	s := res.AttackSurface
	if res.Target.Kind != "" {
		return system(res)
	}
	if !s.Evaluated {
		return "Attack surface: not evaluated; which of these a stranger can reach is not known"
	}
	behind := "behind them"
	if len(s.ExposedWorkloads) == 1 {
		behind = "behind it"
	}
	ways, workloads := "", ""
	if c := s.Change; c != nil {
		ways, workloads = signed(c.EntryPoints), signed(c.ExposedWorkloads)
	}
	return fmt.Sprintf("Attack surface: %s%s, %s%s, %s %s, %d exploitable", count(len(s.EntryPoints), "way in", "ways in"), ways,
		count(len(s.ExposedWorkloads), "workload"), workloads, count(s.ExposedPackages, "package"), behind, s.Exploitable)
}

// system says in a sentence what system an image carries, and how long it is supported.
func system(res *scanner.Result) string {
	name, end := "a system that is not known", "its end of life is not known"
	if len(res.MachineImages) > 0 {
		m := res.MachineImages[0]
		name = cmp.Or(m.Name, name)
		switch {
		case m.EndOfLife == "":
		case m.EndOfLife <= res.Run.AsOf:
			end = "no security updates since " + m.EndOfLife
		default:
			end = "security updates until " + m.EndOfLife
		}
	}
	return fmt.Sprintf("%s: %s, %s; %s installed", projectName(res.Target), name, end, count(len(res.Packages), "package", "packages"))
}

// signed is a difference in brackets, and nothing where there is none.
func signed(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf(" (%+d)", n)
}

// opened says in a sentence what a change opens.
func opened(o *scanner.Opening) string {
	ports := clean(strings.Join(o.Ports, ", "))
	who := "a known range"
	switch o.Breadth {
	case "any":
		who = "any address"
	case "wide":
		who = "a wide part of the internet"
	}
	switch {
	case len(o.Removed) > 0:
		return fmt.Sprintf("%s loses %s in front of %s", clean(string(o.Address)), clean(strings.Join(o.Removed, ", ")), ports)
	case o.Was == "yes":
		return fmt.Sprintf("%s opens %s more widely, to %s", clean(string(o.Address)), ports, who)
	case o.Was == "absent":
		return fmt.Sprintf("%s is new and open to %s on %s", clean(string(o.Address)), who, ports)
	}
	return fmt.Sprintf("%s becomes reachable: %s from %s", clean(string(o.Address)), ports, who)
}

// tierWords say when a tier wants attention.
var tierWords = map[scanner.Tier]string{
	scanner.TierAct:       "now",
	scanner.TierAttend:    "this week",
	scanner.TierTrackStar: "next cycle",
	scanner.TierTrack:     "when convenient",
}

// totals is the closing line: how many findings there are, by severity, and what else there is to know.
func totals(res *scanner.Result) string {
	bySeverity := map[scanner.Severity]int{}
	suppressed := 0
	for i := range res.Findings {
		if res.Findings[i].Status == scanner.StatusSuppressed {
			suppressed++
			continue
		}
		bySeverity[res.Findings[i].Severity]++
	}
	var parts []string
	switch n := len(res.Findings) - suppressed; {
	case n > 0:
		var counts []string
		for _, s := range scanner.Severities {
			if c := bySeverity[s]; c > 0 {
				counts = append(counts, fmt.Sprintf("%d %s", c, s))
			}
		}
		parts = append(parts, count(n, "finding")+": "+strings.Join(counts, ", "))
	case len(res.Packages) == 0:
		parts = append(parts, "No findings, and no packages were found to look at")
	default:
		parts = append(parts, "No findings")
	}
	if len(res.Fixed) > 0 {
		parts = append(parts, fmt.Sprintf("%d fixed", len(res.Fixed)))
	}
	if suppressed > 0 {
		parts = append(parts, fmt.Sprintf("%d suppressed", suppressed))
	}
	if len(res.Notices) > 0 {
		parts = append(parts, count(len(res.Notices), "notice"))
	}
	if len(res.Packages) > 0 {
		parts = append(parts, count(len(res.Packages), "package")+" looked at")
	}
	return strings.Join(parts, "; ")
}

// sources says which data and which day the findings rest on, and what nobody wanted to be looked at.
func sources(res *scanner.Result) string {
	var parts []string
	if a := res.Run.Advisories; a.Source != "" {
		s := "advisories"
		if a.Count > 0 {
			s = fmt.Sprintf("%d advisories", a.Count)
		}
		s += " from " + clean(a.Source)
		if a.AsOf != "" {
			s += " as of " + clean(day(a.AsOf))
		}
		parts = append(parts, s)
	}
	if res.Run.AsOf != "" {
		parts = append(parts, "judged by "+clean(res.Run.AsOf))
	}
	if len(res.Run.Skipped) > 0 {
		parts = append(parts, "left out by request: "+clean(strings.Join(res.Run.Skipped, ", ")))
	}
	return strings.Join(parts, "; ")
}

// day returns the date of an RFC 3339 time.
func day(t string) string {
	d, _, _ := strings.Cut(t, "T")
	return d
}
