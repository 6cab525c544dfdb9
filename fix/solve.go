package fix

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/trifecta-scanner/trifecta/scanner"
)

// solver finds the changes of one project.
type solver struct {
	*planner
	project  *Project
	manager  *Manager
	registry Registry // nil where none is asked
	asked    map[string][]Release
	planned  map[string]string // name\x00version -> version that a direct package is raised to
}

// solution is one way to clear a trouble.
type solution struct {
	version candidate
	how     How
	main    string // the package that the change is named after
	targets []Target
	reasons []string
	major   bool
}

// solve plans the change for one trouble, or says why there is none.
func (s *solver) solve(t *trouble) {
	if len(t.nodes) == 0 && len(t.lines) == 0 {
		s.unfixed("not-found", fmt.Sprintf("%s %s is not where %s could change it", t.name, t.from, s.manager.Name), t.findings...)
		return
	}
	if s.external(t) {
		s.unfixed("not-published", "it comes from a repository, an archive or a folder and not from a registry", t.findings...)
		return
	}
	list, no, err := s.candidates(t)
	if err != nil {
		s.unfixed("registry-not-asked", plain(err.Error()), t.findings...)
		return
	}
	if list = s.beside(t, list, &no); len(list) == 0 {
		code, why := s.nothing(t, no)
		s.unfixed(code, why, t.findings...)
		return
	}
	all, why := s.solutions(t, list)
	usable := s.permitted(t, all)
	if len(usable) == 0 {
		if len(all) > 0 {
			s.unfixed("only-major", fmt.Sprintf("only a new major version clears it: %s", all[0].describe(t)), t.findings...)
			return
		}
		s.unfixed("conflict", why, t.findings...)
		return
	}
	// The most findings first; of equals the least invasive way, which is their order.
	slices.SortStableFunc(usable, func(a, b solution) int { return cmp.Compare(len(b.version.clears), len(a.version.clears)) })
	s.take(t, usable, no)
}

func (sol *solution) describe(t *trouble) string {
	for _, u := range sol.targets {
		if u.Package == sol.main {
			return fmt.Sprintf("%s %s", u.Package, u.To)
		}
	}
	return fmt.Sprintf("%s %s", t.name, sol.version.version)
}

// external reports whether no place of the package is that of a registry.
func (s *solver) external(t *trouble) bool {
	for _, i := range t.nodes {
		switch s.project.Packages[i].Origin {
		case "", "registry", "private":
			return false
		}
	}
	return len(t.nodes) > 0
}

// nothing says why no version is a candidate.
func (s *solver) nothing(t *trouble, no rejected) (code, why string) {
	switch {
	case len(no.fresh) > 0:
		c := no.fresh[0]
		return "too-fresh", fmt.Sprintf("%s %s clears it and was published %s ago; the cool-down is %s", t.name, c.version,
			days(s.opts.Env.Now.Sub(c.release.Published)), days(s.opts.CoolDown))
	case len(no.engine) > 0:
		return "engine", no.engine[0]
	case len(no.peer) > 0:
		return "conflict", no.peer[0]
	case no.worse > 0:
		return "worse", fmt.Sprintf("every version of %s that clears it has other advisories", t.name)
	case no.withdrawn > 0:
		return "withdrawn", fmt.Sprintf("every version of %s that clears it is withdrawn", t.name)
	}
	if slices.ContainsFunc(t.findings, func(f *scanner.Finding) bool { return f.Kind == scanner.KindMalware }) {
		return "malware", fmt.Sprintf("%s is malware; remove it", t.name)
	}
	return "no-fixed-version", fmt.Sprintf("no published version of %s clears it", t.name)
}

// beside leaves out candidates that want peers which the project has in other versions.
func (s *solver) beside(t *trouble, list []candidate, no *rejected) []candidate {
	if s.registry == nil || s.manager.Admits == nil {
		return list
	}
	var kept []candidate
	var have map[string]bool // peers that the present version misses, too
	for _, c := range list {
		why := ""
		for _, peer := range c.release.Peers {
			if s.met(peer) {
				continue
			}
			if have == nil {
				have = map[string]bool{}
				if now, err := s.registry.Describe(s.ctx, t.name, t.from); err == nil {
					for _, p := range now.Peers {
						if !s.met(p) {
							have[p.Name] = true
						}
					}
				}
			}
			if !have[peer.Name] {
				why = fmt.Sprintf("%s %s wants %s %s beside it", t.name, c.version, peer.Name, peer.Constraint)
				break
			}
		}
		if why != "" {
			no.peer = append(no.peer, why)
			continue
		}
		kept = append(kept, c)
	}
	return kept
}

// met reports whether the project has a version that a peer asks for. What it has not at all is somebody else's affair
// where the peer may be missing.
func (s *solver) met(peer Need) bool {
	found := false
	for i := range s.project.Packages {
		if l := &s.project.Packages[i]; s.manager.same(l.Name, peer.Name) {
			found = true
			if ok, err := s.manager.Admits(peer.Constraint, l.Version); err != nil || ok {
				return true
			}
		}
	}
	return !found && peer.Optional
}

// blocker is a package that does not admit a version.
type blocker struct {
	index      int
	constraint string
}

// fit says what stands between a project and a version of a package.
type fit struct {
	lines   []Requirement // that must change, with what they change to
	blocked []blocker
	fixed   string // a line that must change and can't
	major   bool   // a line that must change admits no version of the same major
}

// fits looks at everything that asks for a package.
func (s *solver) fits(name, from string, nodes []int, lines []Requirement, to string) fit {
	var f fit
	for _, line := range lines {
		if s.admits(line.Constraint, from, to) && !s.unlocked(line, nodes) {
			continue
		}
		if line.Fixed != "" {
			f.fixed = line.Fixed
			continue
		}
		line.To = to
		if s.manager.Raise != nil {
			raised, err := s.manager.Raise(line.Constraint, to)
			if err != nil {
				f.fixed = plain(err.Error())
				continue
			}
			line.To = raised
		}
		f.lines = append(f.lines, line)
	}
	canLock := slices.Contains(s.manager.Ways, HowLock)
	for i := range s.project.Packages {
		for _, e := range s.project.Packages[i].Needs {
			if !slices.Contains(nodes, e.To) || s.project.Packages[i].Origin.Own() {
				continue
			}
			constraint := e.Constraint
			if constraint == "" {
				constraint = s.need(s.project.Packages[i].Name, s.project.Packages[i].Version, name)
			}
			if !canLock && len(lines) == 0 || !s.admits(constraint, from, to) {
				if !slices.ContainsFunc(f.blocked, func(b blocker) bool { return b.index == i }) {
					f.blocked = append(f.blocked, blocker{i, constraint})
				}
			}
		}
	}
	return f
}

// unlocked reports whether a line is all that says which version of a package is taken: its lower bound is the version
// that has findings, whatever else it admits.
func (s *solver) unlocked(line Requirement, nodes []int) bool {
	return slices.ContainsFunc(nodes, func(i int) bool { return s.project.Packages[i].Location == line.Location })
}

// admits reports whether a constraint is met by a version. One that is not known, or that is none, is taken to admit
// what stays compatible.
func (s *solver) admits(constraint, from, to string) bool {
	if s.manager.Admits != nil && constraint != "" {
		if ok, err := s.manager.Admits(constraint, to); err == nil {
			return ok
		}
	}
	return !breaking(from, to)
}

// need returns the constraint that a release of parent has on name, as the registry knows it.
func (s *solver) need(parent, version, name string) string {
	if s.registry == nil {
		return ""
	}
	r, err := s.registry.Describe(s.ctx, parent, version)
	if err != nil {
		return ""
	}
	for _, n := range r.Needs {
		if s.manager.same(n.Name, name) {
			return n.Constraint
		}
	}
	return ""
}

// solutions returns the ways to bring in one of the candidates, the least invasive first, or why there is none.
func (s *solver) solutions(t *trouble, list []candidate) (all []solution, why string) {
	for _, major := range []bool{false, true} {
		if sol, ok := s.plainly(t, list, major); ok {
			all = append(all, sol)
		}
		if sol, reason, ok := s.byAncestor(t, list, major); ok {
			all = append(all, sol)
		} else {
			why = cmp.Or(why, reason)
		}
		if sol, ok := s.byOverride(t, list, major); ok {
			all = append(all, sol)
		}
	}
	if why == "" {
		why = s.obstacle(t, list[0])
	}
	return all, why
}

// obstacle says what keeps a version out.
func (s *solver) obstacle(t *trouble, c candidate) string {
	f := s.fits(t.name, t.from, t.nodes, t.lines, c.version)
	switch {
	case f.fixed != "":
		return f.fixed
	case len(f.blocked) > 0:
		b := s.project.Packages[f.blocked[0].index]
		return fmt.Sprintf("%s %s asks for %s %s, and no version of it that could be taken asks for %s", b.Name, b.Version, t.name, f.blocked[0].constraint, c.version)
	}
	return fmt.Sprintf("%s %s does not fit", t.name, c.version)
}

// plainly raises the package itself, where everything that needs it admits that or is a line that can change.
func (s *solver) plainly(t *trouble, list []candidate, major bool) (solution, bool) {
	var best solution
	found := false
	for _, c := range list {
		f := s.fits(t.name, t.from, t.nodes, t.lines, c.version)
		// A major version that every constraint admits is what the project asked for, but may break it all the same.
		if f.fixed != "" || len(f.blocked) > 0 || c.major != major || found && len(c.clears) <= len(best.version.clears) {
			continue
		}
		how := HowDirect
		if len(t.lines) == 0 {
			how = HowLock
		}
		best = solution{
			version: c, how: how, main: t.name, major: c.major,
			targets: []Target{{Package: t.name, From: t.from, To: c.version, How: how, Lines: f.lines}},
		}
		switch {
		case len(f.lines) > 0:
			for _, line := range f.lines {
				best.reasons = append(best.reasons, fmt.Sprintf("%s:%d asks for %s, which becomes %s", line.Location.Path, line.Location.Line, orAny(line.Constraint), line.To))
			}
		case how == HowDirect:
			best.reasons = append(best.reasons, fmt.Sprintf("what %s asks for admits it; only the lock file changes", t.lines[0].Location.Path))
		default:
			best.reasons = append(best.reasons, fmt.Sprintf("everything that needs %s admits it", t.name))
		}
		found = true
	}
	return best, found
}

func orAny(constraint string) string { return cmp.Or(constraint, "any version") }

const (
	maxClimb   = 4  // packages between the vulnerable one and the one that is raised
	maxAsked   = 80 // releases of one ancestor that are described
	maxTargets = 12 // packages that one solution changes
)

// byAncestor raises the packages that hold the vulnerable one down.
func (s *solver) byAncestor(t *trouble, list []candidate, major bool) (solution, string, bool) {
	if s.registry == nil || !slices.Contains(s.manager.Ways, HowAncestor) {
		return solution{}, "", false
	}
	// The smallest version that clears the most, then others: which of them an ancestor asks for is its own affair.
	order := slices.Clone(list)
	slices.SortStableFunc(order, func(a, b candidate) int { return cmp.Compare(len(b.clears), len(a.clears)) })
	why := ""
	tried := 0
	for _, c := range order {
		f := s.fits(t.name, t.from, t.nodes, t.lines, c.version)
		if len(f.blocked) == 0 || f.fixed != "" {
			continue
		}
		if tried++; tried > 6 {
			break
		}
		sol := solution{version: c, how: HowAncestor}
		ok := true
		for _, b := range f.blocked {
			up, reason := s.climb(b.index, t.name, c, major, maxClimb)
			if up == nil {
				ok, why = false, cmp.Or(why, reason)
				break
			}
			sol.targets = append(sol.targets, up.targets...)
			sol.reasons = append(sol.reasons, up.reasons...)
			sol.major = sol.major || up.major
			sol.main = cmp.Or(sol.main, up.top)
		}
		if !ok || len(sol.targets) > maxTargets || sol.major != major {
			continue
		}
		sol.targets = append(sol.targets, Target{Package: t.name, From: t.from, To: c.version, How: HowLock, Lines: f.lines})
		return sol, "", true
	}
	return solution{}, why, false
}

// climbed is what raising one ancestor takes.
type climbed struct {
	targets []Target // the nearest first
	reasons []string
	top     string
	major   bool
}

// climb raises the package at index to the smallest version that admits the candidate of name, and what holds it down
// in turn.
func (s *solver) climb(index int, name string, c candidate, major bool, depth int) (*climbed, string) {
	p := s.project.Packages[index]
	stuck := fmt.Sprintf("%s %s asks for another version of %s, and no version of it that could be taken asks for %s", p.Name, p.Version, name, c.version)
	if depth == 0 {
		return nil, stuck
	}
	releases, err := s.releases(p.Name)
	if err != nil {
		return nil, plain(err.Error())
	}
	start := p.Version
	releases = s.above(s.manager.Ecosystem, releases, start)
	if planned, ok := s.planned[p.Name+"\x00"+p.Version]; ok {
		releases = slices.DeleteFunc(releases, func(r Release) bool {
			return r.Version != planned && len(s.above(s.manager.Ecosystem, []Release{r}, planned)) == 0
		})
	}
	versions := []string{p.Version}
	for _, r := range releases {
		versions = append(versions, r.Version)
	}
	if err := s.ask(s.manager.Ecosystem, p.Name, versions); err != nil {
		return nil, plain(err.Error())
	}
	var nodes []int
	for i := range s.project.Packages {
		if l := &s.project.Packages[i]; l.Name == p.Name && l.Version == p.Version {
			nodes = append(nodes, i)
		}
	}
	lines := s.project.linesFor(p.Name, p.Version)
	var best *climbed
	asked := 0
	for _, r := range releases {
		if breaking(p.Version, r.Version) && !major || r.Withdrawn != "" || s.isFresh(r) || s.manager.Prerelease != nil && s.manager.Prerelease(r.Version) ||
			s.worse(s.manager.Ecosystem, p.Name, p.Version, r.Version) || s.doesNotRun(r) != "" {
			continue
		}
		if r.Needs == nil {
			if asked++; asked > maxAsked {
				break
			}
			if r, err = s.registry.Describe(s.ctx, p.Name, r.Version); err != nil {
				continue
			}
		}
		constraint, asks := s.manager.needed(r, name)
		if asks && !s.admits(constraint, c.version, c.version) {
			continue
		}
		f := s.fits(p.Name, p.Version, nodes, lines, r.Version)
		if f.fixed != "" {
			continue
		}
		how := HowAncestor
		up := &climbed{
			top: p.Name, major: breaking(p.Version, r.Version),
			targets: []Target{{Package: p.Name, From: p.Version, To: r.Version, How: how, Lines: f.lines}},
		}
		if asks {
			up.reasons = append(up.reasons, fmt.Sprintf("%s %s holds %s down; %s asks for %s", p.Name, p.Version, name, r.Version, orAny(constraint)))
		} else {
			up.reasons = append(up.reasons, fmt.Sprintf("%s %s brings %s in; %s does not need it", p.Name, p.Version, name, r.Version))
		}
		for _, line := range f.lines {
			up.reasons = append(up.reasons, fmt.Sprintf("%s:%d asks for %s %s, which becomes %s", line.Location.Path, line.Location.Line, p.Name, orAny(line.Constraint), line.To))
		}
		if len(f.blocked) == 0 {
			return up, ""
		}
		if best != nil {
			continue // one that needs others raised, too, was found; a later one may still do without
		}
		ok := true
		for _, b := range f.blocked {
			if slices.Contains(nodes, b.index) {
				ok = false // a circle
				break
			}
			next, _ := s.climb(b.index, p.Name, candidate{version: r.Version, release: r}, major, depth-1)
			if next == nil {
				ok = false
				break
			}
			up.targets = append(up.targets, next.targets...)
			up.reasons = append(up.reasons, next.reasons...)
			up.top, up.major = next.top, up.major || next.major
		}
		if ok {
			best = up
		}
	}
	if best != nil {
		return best, ""
	}
	return nil, stuck
}

func (m *Manager) needed(r Release, name string) (constraint string, asks bool) {
	for _, list := range [][]Need{r.Needs, r.Peers} {
		for _, n := range list {
			if m.same(n.Name, name) {
				return n.Constraint, true
			}
		}
	}
	return "", false
}

// byOverride takes a version against what packages ask for.
func (s *solver) byOverride(t *trouble, list []candidate, major bool) (solution, bool) {
	if !slices.Contains(s.manager.Ways, HowOverride) {
		return solution{}, false
	}
	var best solution
	found := false
	for _, c := range list {
		if c.major != major || found && len(c.clears) <= len(best.version.clears) {
			continue
		}
		f := s.fits(t.name, t.from, t.nodes, t.lines, c.version)
		if f.fixed != "" || len(f.blocked) == 0 {
			continue
		}
		b := s.project.Packages[f.blocked[0].index]
		best = solution{
			version: c, how: HowOverride, main: t.name, major: c.major,
			targets: []Target{{Package: t.name, From: t.from, To: c.version, How: HowOverride, Lines: f.lines}},
			reasons: []string{fmt.Sprintf("this is an override: %s %s asks for %s and gets %s all the same, because no version of what brings it in asks for a fixed one",
				b.Name, b.Version, orAny(f.blocked[0].constraint), c.version)},
		}
		found = true
	}
	return best, found
}

// permitted leaves out what Options.Majors does not allow.
func (s *solver) permitted(t *trouble, all []solution) []solution {
	var compatible, major []solution
	for _, sol := range all {
		if sol.major {
			major = append(major, sol)
		} else {
			compatible = append(compatible, sol)
		}
	}
	switch s.opts.Majors {
	case MajorsNever:
		return compatible
	case MajorsAct:
		for _, f := range t.findings {
			if f.Tier != scanner.TierAct {
				continue
			}
			if !slices.ContainsFunc(compatible, func(sol solution) bool { return slices.Contains(sol.version.clears, f) }) {
				return append(compatible, major...)
			}
		}
		return compatible
	}
	return append(compatible, major...)
}

// take makes the first of the solutions part of a change and keeps the others for the case that it can't be written.
func (s *solver) take(t *trouble, usable []solution, no rejected) {
	sol := usable[0]
	c := s.change(NewChange(KindPackage, s.manager.Ecosystem, s.project.Path, sol.main))
	c.main = sol.main
	for _, u := range s.upgrades(t, sol) {
		c.upgrade(u, s.manager.Ecosystem)
	}
	c.add(s.project, sol.targets...)
	for _, target := range sol.targets {
		if len(s.project.linesFor(target.Package, target.From)) > 0 {
			s.planned[target.Package+"\x00"+target.From] = target.To
		}
	}
	for _, f := range sol.version.clears {
		c.clear(f)
	}
	count := fmt.Sprintf("%s %s is the smallest version that clears %s", t.name, sol.version.version, all(len(sol.version.clears), len(t.findings)))
	c.Reasons = append(c.Reasons, count)
	c.Reasons = append(c.Reasons, sol.reasons...)
	for _, fresh := range no.fresh {
		if len(fresh.clears) > len(sol.version.clears) {
			c.Reasons = append(c.Reasons, fmt.Sprintf("%s clears more, but was published %s ago and waits for the cool-down of %s", fresh.version,
				days(s.opts.Env.Now.Sub(fresh.release.Published)), days(s.opts.CoolDown)))
			break
		}
	}
	for _, other := range usable[1:] {
		if other.major == sol.major || !sol.major {
			c.others = append(c.others, other)
		}
	}
	for _, f := range sol.version.remains {
		why := fmt.Sprintf("%s %s does not clear it, and neither does any version that could be taken", t.name, sol.version.version)
		if f.Advisory != nil && len(f.Advisory.FixedVersions) > 0 {
			why = fmt.Sprintf("%s would clear it", strings.Join(f.Advisory.FixedVersions[:1], ""))
			if breaking(t.from, f.Advisory.FixedVersions[0]) {
				why += ", a new major version"
			}
		}
		c.Remains = append(c.Remains, about(f, why))
		s.unfixed("partly", why, f)
	}
}

func all(n, of int) string {
	switch {
	case of == 1:
		return "it"
	case n == of:
		return fmt.Sprintf("all %d findings", of)
	}
	return fmt.Sprintf("%d of %d findings", n, of)
}

// upgrades says what a solution changes, as the plan shows it.
func (s *solver) upgrades(t *trouble, sol solution) []Upgrade {
	var all []Upgrade
	for _, target := range sol.targets {
		u := Upgrade{
			Ecosystem: s.manager.Ecosystem, Manager: s.manager.Name, Path: s.project.Path,
			Package: target.Package, From: target.From, To: target.To, How: target.How, Major: breaking(target.From, target.To),
		}
		if len(target.Lines) > 0 {
			u.Constraint = target.Lines[0].To
		}
		if target.How == HowAncestor {
			u.For = t.name
		}
		release := sol.version.release
		if target.Package != t.name {
			for _, r := range s.asked[target.Package] {
				if r.Version == target.To {
					release = r
				}
			}
		}
		if release.Version == target.To && !release.Published.IsZero() {
			when := release.Published.UTC()
			u.Published = &when
		}
		all = append(all, u)
	}
	return all
}

// upgrade adds an upgrade. Of two for the same package the later version is taken.
func (c *Change) upgrade(u Upgrade, eco string) {
	for i := range c.Upgrades {
		v := &c.Upgrades[i]
		if v.Path != u.Path || v.Package != u.Package || v.From != u.From {
			continue
		}
		if later(eco, u.To, v.To) {
			*v = u
		}
		return
	}
	c.Upgrades = append(c.Upgrades, u)
}
