package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/trifecta-scanner/trifecta/diagram"
	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/network"
	"github.com/trifecta-scanner/trifecta/scanner"
)

// surface fills the first section.
func (v *view) surface(res *scanner.Result) {
	at := map[string]string{}
	for i := range v.Answers {
		link := fmt.Sprintf("answer-%d", i)
		if n := v.Answers[i].Number; n >= 0 {
			link = fmt.Sprintf("node-%d", n)
		}
		for _, r := range v.Answers[i].Results {
			at[r.Name] = link
		}
	}
	of := func(id inventory.ID) string { return at[clean(string(id))] }
	s := res.AttackSurface
	if !s.Evaluated {
		return
	}
	v.Undeclared = len(res.Workloads) == 0
	ways, workloads := "", ""
	if c := s.Change; c != nil {
		ways, workloads = signed(c.EntryPoints), signed(c.ExposedWorkloads)
	}
	number := func(n int, change, one, many string) *figure {
		words := many
		if n == 1 {
			words = one
		}
		v.Figures = append(v.Figures, figure{Number: fmt.Sprintf("%d%s", n, change), Words: words})
		return &v.Figures[len(v.Figures)-1]
	}
	number(len(s.EntryPoints), ways, "way in", "ways in")
	number(len(s.ExposedWorkloads), workloads, "workload that strangers reach", "workloads that strangers reach")
	number(s.ExposedPackages, "", "package behind them", "packages behind them")
	number(s.Exploitable, "", "exploitable", "exploitable").Hot = s.Exploitable > 0
	for _, e := range s.EntryPoints {
		shields := inLine(e.Shields, ", ")
		if shields == "" {
			shields = "nothing"
		}
		v.Entries = append(v.Entries, entry{clean(string(e.Address)), inLine(e.Ports, ", "), inLine(e.Sources, ", "), shields, of(e.Address)})
	}
	if s.Change == nil {
		return
	}
	for i := range s.Change.Opened {
		o := &s.Change.Opened[i]
		shown := opening{Words: opened(o), Where: where(o.Location), Link: of(o.Address)}
		if o.Path != nil {
			p := pathOf(o.Path)
			shown.Way, shown.Guards = p.Way, p.Guards
		}
		v.Opened = append(v.Opened, shown)
	}
	for _, id := range s.Change.Closed {
		v.Closed = append(v.Closed, clean(string(id)))
	}
}

// first fills what to do first: the urgent groups, worst first.
func (v *view) first(res *scanner.Result, ids []string) {
	byFinding := make(map[*scanner.Finding]string, len(ids))
	for i := range res.Findings {
		byFinding[&res.Findings[i]] = ids[i]
	}
	for _, g := range groups(res) {
		f := g.worst()
		if !f.Tier.AtLeast(scanner.TierAttend) {
			continue
		}
		if len(v.First) == maxFirst {
			v.More++
			continue
		}
		fix := ""
		version, cleared := g.upgrade()
		helps := f.Advisory == nil || cleared > 0 || f.Kind == scanner.KindMalware
		switch {
		case f.Advisory == nil && f.Fix != nil:
			fix = capital(cut(clean(f.Fix.Message), 300))
		case f.Advisory == nil:
		case cleared == 0:
			fix = capital(g.fixWord())
		default:
			fix = "Upgrade to " + version
			if cleared < len(g.findings) {
				fix += fmt.Sprintf(", which clears %d of %d", cleared, len(g.findings))
			}
		}
		v.First = append(v.First, todo{
			Tier: string(f.Tier), Severity: clean(string(g.severity())), Subject: g.subject(), Fix: fix, Reason: capital(cut(g.reason(), 500)), Where: where(f.Location),
			ID: byFinding[f], Count: len(g.findings), Helps: helps,
		})
	}
}

// findings fills the list of findings: the tiers, and last what somebody decided not to count.
func (v *view) findings(res *scanner.Result, ids []string) {
	packages := make(map[inventory.ID]string, len(res.Packages))
	for i := range res.Packages {
		p := &res.Packages[i]
		packages[p.ID] = clean(strings.TrimSpace(p.Name + " " + p.Version))
	}
	rules := make(map[string]*scanner.Rule, len(res.Rules))
	for i := range res.Rules {
		rules[res.Rules[i].ID] = &res.Rules[i]
	}
	tiers := map[string]*tierView{}
	for _, t := range scanner.Tiers {
		tiers[string(t)] = &tierView{Name: string(t), Words: tierWords[t], Class: strings.TrimSuffix(string(t), "*")}
	}
	tiers["suppressed"] = &tierView{Name: "suppressed", Words: "decided not to count"}
	counts := map[string]map[string]int{"severity": {}, "tier": {}, "level": {}, "kind": {}}
	compared := comparing(res)
	for i := range res.Findings {
		f := &res.Findings[i]
		shown := findingOf(f, ids[i], packages, rules)
		if compared && f.Status == scanner.StatusNew {
			shown.New = "new"
		}
		tier := tiers[shown.Tier]
		if tier == nil {
			tier = tiers[string(scanner.TierTrack)]
			shown.Tier = tier.Name
		}
		tier.Findings = append(tier.Findings, shown)
		counts["severity"][shown.Severity]++
		counts["tier"][shown.Tier]++
		counts["level"][shown.Level]++
		counts["kind"][shown.Kind]++
	}
	v.Count = len(res.Findings)
	v.Bar = shares(res)
	choose := func(of string, value, words string) []choice {
		if n := counts[of][value]; n > 0 {
			return []choice{{value, words, n}}
		}
		return nil
	}
	for _, s := range scanner.Severities {
		v.Severities = append(v.Severities, choose("severity", string(s), string(s))...)
	}
	for _, t := range append(slices.Clone(scanner.Tiers), "suppressed") {
		name := string(t)
		v.TierChoices = append(v.TierChoices, choose("tier", name, name+", "+tiers[name].Words)...)
		if len(tiers[name].Findings) > 0 {
			v.Tiers = append(v.Tiers, *tiers[name])
		}
	}
	for _, l := range levels {
		v.Levels = append(v.Levels, choose("level", string(l), levelWords(l))...)
	}
	for _, k := range kinds {
		v.Kinds = append(v.Kinds, choose("kind", string(k), strings.ReplaceAll(string(k), "-", " "))...)
	}
	for i := range res.Fixed {
		f := &res.Fixed[i]
		v.Gone = append(v.Gone, clean(f.RuleID)+"  "+clean(string(f.Subject))+"  "+where(f.Location))
	}
}

// shares returns what each severity has of the findings that count, the worst first. What there is has a width.
func shares(res *scanner.Result) []share {
	counts := map[scanner.Severity]int{}
	total := 0
	for i := range res.Findings {
		if res.Findings[i].Status != scanner.StatusSuppressed {
			counts[res.Findings[i].Severity]++
			total++
		}
	}
	var out []share
	at, before := 0, 0
	for _, s := range scanner.Severities {
		if counts[s] == 0 {
			continue
		}
		before += counts[s]
		next := max(1000*before/total, at+1)
		out = append(out, share{Severity: string(s), At: at, Width: next - at, Count: counts[s]})
		at = next
	}
	return out
}

// nearWords are the exposures that a line of the list shows: those that a stranger has something of.
var nearWords = map[scanner.ExposureLevel][2]string{
	scanner.ExposureOpen:       {"open", "open"},
	scanner.ExposureControlled: {"behind a control", "shielded"},
	scanner.ExposureAdjacent:   {"one hop behind", ""},
}

// fixInShort says in a word or two how a finding goes away; ok is false where there is no way, and the words are empty
// where the fix wants a sentence.
func fixInShort(f *scanner.Finding) (words string, ok bool) {
	switch {
	case f.Fix != nil && f.Fix.Upgrade != nil && f.Fix.Upgrade.To != "":
		return "→ " + cut(clean(f.Fix.Upgrade.To), 24), true
	case f.Fix != nil && len(f.Fix.Edits) > 0:
		return "edit at hand", true
	case f.Kind == scanner.KindMalware:
		return "remove it", true
	case f.Advisory == nil:
		return "", false
	case len(f.Advisory.FixedVersions) > 0:
		return "→ " + cut(clean(f.Advisory.FixedVersions[0]), 24), true
	}
	return "no fix", false
}

// levelWords says a level, and that it is not known.
func levelWords(l scanner.ExposureLevel) string {
	if words, ok := exposureWords[l]; ok {
		return words
	}
	return "not known"
}

func findingOf(f *scanner.Finding, id string, packages map[inventory.ID]string, rules map[string]*scanner.Rule) findingView {
	v := findingView{
		ID: id, Tier: string(f.Tier), Severity: clean(string(f.Severity)), Level: clean(string(f.Exposure.Level)), Kind: clean(string(f.Kind)),
		Rule: clean(f.RuleID), Where: where(f.Location), Message: cut(clean(f.Message), maxText), Reason: capital(cut(reasonOf(f, ""), maxText)),
	}
	v.Open = f.Tier == scanner.TierAct
	v.Near, v.NearClass = nearWords[f.Exposure.Level][0], nearWords[f.Exposure.Level][1]
	v.Short, v.Fixable = fixInShort(f)
	if f.Status == scanner.StatusSuppressed {
		v.Tier, v.Open = "suppressed", false
		if s := f.Suppression; s != nil {
			v.Suppressed = clean(s.Reason) + " (" + clean(s.Source)
			if s.Until != "" {
				v.Suppressed += ", until " + clean(s.Until)
			}
			v.Suppressed += ")"
		}
	}
	rule := rules[f.RuleID]
	if rule != nil {
		v.Title, v.URL = cut(clean(rule.Title), 300), httpURL(rule.URL)
	}
	v.Subject = packages[f.Subject]
	if v.Subject == "" {
		v.Subject = clean(string(f.Subject))
	}
	if a := f.Advisory; a != nil {
		if a.Summary != "" {
			v.Title = cut(clean(a.Summary), 300)
		}
		v.advisory(a)
	}
	if v.Title == "" {
		v.Title = v.Rule
	}
	if words := exposureWords[f.Exposure.Level]; words != "" {
		v.Exposed = capital(words)
		if f.Exposure.Entry != "" {
			v.Exposed += " through " + clean(string(f.Exposure.Entry))
		}
		if len(f.Exposure.Ports) > 0 {
			v.Exposed += " on " + inLine(f.Exposure.Ports, ", ")
		}
		if n := len(f.Exposure.Workloads); n > 0 {
			v.Exposed += ": " + inLine(f.Exposure.Workloads[:min(n, 5)], ", ")
			if n > 5 {
				v.Exposed += fmt.Sprintf(" and %d more", n-5)
			}
		}
	}
	if f.Called != "" && f.Called != "not-analysed" {
		v.Facts = append(v.Facts, strings.ReplaceAll(clean(f.Called), "-", " "))
	}
	if f.Scope == inventory.ScopeDevelopment {
		v.Facts = append(v.Facts, "development only")
	}
	if f.Fix != nil {
		v.Fix = capital(cut(clean(f.Fix.Message), maxText))
		for _, e := range f.Fix.Edits[:min(len(f.Fix.Edits), 10)] {
			v.Edits = append(v.Edits, fmt.Sprintf("%s:%d-%d\n%s", clean(e.Path), e.Line, e.EndLine, cut(cleanLines(e.Text), maxText)))
		}
	}
	for _, s := range f.Path {
		step := clean(string(s.Address))
		if s.Message != "" {
			step += ": " + clean(s.Message)
		}
		if s.Location != nil && s.Location.Path != "" {
			step += "  " + where(*s.Location)
		}
		v.Steps = append(v.Steps, step)
	}
	for _, r := range f.Related[:min(len(f.Related), 10)] {
		v.Related = append(v.Related, where(r.Location)+"  "+cut(clean(r.Message), 300))
	}
	return v
}

// advisory adds what is known about a vulnerability.
func (v *findingView) advisory(a *scanner.Advisory) {
	if len(a.Aliases) > 0 {
		v.Facts = append(v.Facts, inLine(a.Aliases[:min(len(a.Aliases), 5)], ", "))
	}
	for _, c := range a.CVSS {
		v.Facts = append(v.Facts, fmt.Sprintf("CVSS %s %.1f (%s)", clean(c.Version), c.Score, clean(c.Vector)))
	}
	if a.KEV {
		v.Facts = append(v.Facts, "known exploited (CISA)")
	}
	if a.EPSS != nil {
		v.Facts = append(v.Facts, fmt.Sprintf("EPSS %.1f %%", 100**a.EPSS))
	}
	switch {
	case len(a.FixedVersions) > 0:
		v.Facts = append(v.Facts, "fixed in "+inLine(a.FixedVersions, ", "))
	default:
		v.Facts = append(v.Facts, "no fixed version is known")
	}
}

// answers fills what stands behind the nodes of the drawing, or where there is none behind each answer of the network.
func (v *view) answers(res *scanner.Result, d *diagram.Drawing, ids []string) {
	results := map[string][]*network.Result{}
	for i := range res.Workloads {
		name := clean(string(res.Workloads[i].Address))
		results[name] = append(results[name], &res.Workloads[i])
	}
	found := map[string][]link{}
	for i := range res.Findings {
		f := &res.Findings[i]
		if f.Status == scanner.StatusSuppressed {
			continue
		}
		about := []string{clean(string(f.Subject))}
		for _, w := range f.Exposure.Workloads {
			if name := clean(string(w)); !slices.Contains(about, name) {
				about = append(about, name)
			}
		}
		for _, name := range about {
			found[name] = append(found[name], link{ids[i], cut(clean(f.Message), 200), clean(string(f.Severity))})
		}
	}
	shown := map[string]bool{}
	if d != nil {
		for i := range d.Nodes {
			n := &d.Nodes[i]
			if n.Kind == "internet" {
				continue
			}
			a := answer{Number: i, Name: n.Label, Kind: n.Kind, Exposure: string(n.Exposure)}
			if n.Location != nil {
				a.Where = where(*n.Location)
			}
			members := []string{string(n.ID)}
			if len(n.Members) > 0 {
				members = nil
				for _, m := range n.Members {
					members = append(members, string(m))
				}
			}
			for _, m := range members {
				shown[m] = true
			}
			v.answer(a, members, results, found)
		}
	}
	for i := range res.Workloads {
		r := &res.Workloads[i]
		name := clean(string(r.Address))
		if shown[name] {
			continue
		}
		shown[name] = true
		v.answer(answer{Number: -1, Name: name, Kind: clean(string(r.Kind)), Where: where(r.Location)}, []string{name}, results, found)
	}
}

func (v *view) answer(a answer, members []string, results map[string][]*network.Result, found map[string][]link) {
	seen := map[string]bool{}
	for _, m := range members {
		for _, r := range results[m] {
			a.Exposed = a.Exposed || r.Reachable == network.Yes
			if len(a.Results) == maxAnswers {
				a.More++
				continue
			}
			a.Results = append(a.Results, resultOf(m, r))
		}
		for _, l := range found[m] {
			switch {
			case seen[l.ID]:
			case len(a.Findings) == maxFound:
				a.MoreFound++
			default:
				a.Findings = append(a.Findings, l)
			}
			seen[l.ID] = true
		}
	}
	a.Words = exposedWords[a.Exposure]
	if a.Words == "" && len(a.Results) > 0 {
		a.Words = a.Results[0].Verdict
	}
	v.Answers = append(v.Answers, a)
}

// exposedWords say the exposures of a drawing.
var exposedWords = map[string]string{
	string(diagram.Open):     "open to strangers",
	string(diagram.Shielded): "reached behind a control, or by few",
	string(diagram.Possible): "not known whether strangers reach it",
	string(diagram.Closed):   "not reached by strangers",
}

var verdictWords = map[network.Verdict]string{
	network.Yes:     "The internet reaches it.",
	network.No:      "The internet does not reach it.",
	network.Unknown: "It is not known whether the internet reaches it.",
}

func resultOf(name string, r *network.Result) resultView {
	v := resultView{
		Name: name, Verdict: verdictWords[r.Reachable], Ports: inLine(r.Ports, ", "), Possible: inLine(r.PossiblePorts, ", "), Sources: inLine(r.Sources, ", "), Shields: inLine(r.Shields, ", "),
	}
	v.Root = clean(r.Root)
	if r.Environment != "" {
		v.Root = strings.TrimSpace(v.Root + " (" + clean(r.Environment) + ")")
	}
	switch {
	case r.Hops == 1:
		v.Hops = "one hop behind an exposed workload"
	case r.Hops > 1:
		v.Hops = fmt.Sprintf("%d hops behind an exposed workload", r.Hops)
	}
	for i := range r.Paths[:min(len(r.Paths), maxPaths)] {
		v.Paths = append(v.Paths, pathOf(&r.Paths[i]))
	}
	if n := len(r.Paths) - maxPaths; n > 0 {
		v.Paths = append(v.Paths, pathView{Way: fmt.Sprintf("and %d more", n)})
	}
	for _, b := range r.Blocked {
		v.Blocked = append(v.Blocked, clean(b.Code)+" at "+clean(string(b.At)))
	}
	for _, u := range r.Unknown {
		v.Unknown = append(v.Unknown, strings.TrimSpace(clean(u.Code)+" "+clean(u.Ref)))
	}
	for _, s := range r.Assumptions {
		v.Assumptions = append(v.Assumptions, clean(s))
	}
	for _, run := range r.Runs {
		v.Runs = append(v.Runs, clean(string(run.ID))+" ("+clean(string(run.Confidence))+")")
	}
	return v
}

func pathOf(p *network.Path) pathView {
	v := pathView{Way: inLine(p.Nodes, " → ")}
	for _, g := range p.Guards {
		v.Guards = append(v.Guards, clean(string(g.At))+": "+clean(g.Rule)+"  "+where(inventory.Location{Path: g.File, Line: g.Line}))
	}
	return v
}

// things fills the tables of packages and images, and what was not looked at.
func (v *view) things(res *scanner.Result) {
	found := map[inventory.ID]int{}
	for i := range res.Findings {
		if res.Findings[i].Status != scanner.StatusSuppressed {
			found[res.Findings[i].Subject]++
		}
	}
	for i := range res.Packages {
		p := &res.Packages[i]
		shown := packageView{Name: clean(p.Name), Version: clean(p.Version), Ecosystem: clean(p.Ecosystem), Licenses: inLine(p.Licenses, ", "), Workloads: inLine(p.Workloads, ", "), Findings: found[p.ID]}
		if len(p.Locations) > 0 {
			shown.Where, shown.Scope = firstOf(p.Locations[0].Location, len(p.Locations)), clean(string(p.Locations[0].Scope))
		}
		v.Packages = append(v.Packages, shown)
	}
	v.NoPackages = slices.Contains(res.Run.Skipped, "dependencies")
	at := func(all []inventory.Location) string {
		if len(all) == 0 {
			return ""
		}
		return firstOf(all[0], len(all))
	}
	for i := range res.Images {
		m := &res.Images[i]
		scanned := "no"
		if m.Scanned {
			scanned = "yes"
		}
		v.Images = append(v.Images, imageView{clean(string(m.ID)), clean(m.Digest), at(m.Locations), inLine(m.Workloads, ", "), scanned})
	}
	for i := range res.MachineImages {
		m := &res.MachineImages[i]
		name := clean(string(m.ID))
		if m.Name != "" && m.Name != string(m.ID) {
			name += " (" + clean(m.Name) + ")"
		}
		ends := clean(m.EndOfLife)
		if m.DeprecatedAt != "" {
			ends = strings.TrimPrefix(ends+", deprecated "+clean(m.DeprecatedAt), ", ")
		}
		v.Machines = append(v.Machines, machineView{name, clean(m.Form), clean(m.CreatedAt), ends, clean(string(m.Replacement)), at(m.Locations), inLine(m.Workloads, ", ")})
	}
	for _, n := range res.Notices {
		v.Notices = append(v.Notices, noticeText(n))
	}
}

// firstOf is the first place and how many more there are.
func firstOf(first inventory.Location, n int) string {
	if n > 1 {
		return fmt.Sprintf("%s and %d more", where(first), n-1)
	}
	return where(first)
}
