package fix

import (
	"cmp"
	"fmt"
	"maps"
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
	planned  raised            // what direct packages are raised to
	owner    map[string]string // the package that a planned change is named after
	left     int               // releases of ancestors that may still be looked at for this trouble
	bill     string            // the bill of materials that says what is there; empty where a lock file or a manifest does

	admitting map[string]answer // by constraint and version
	engines   map[string]bool   // by runtime and engine
}

// solution is one way to clear a trouble.
type solution struct {
	version candidate
	how     How
	main    string // the package that the change is named after
	targets []Target
	reasons []reason
	major   bool
	gone    bool // nothing asks for the package any longer
}

// reason says why a package is raised so. It holds as long as the change brings that version.
type reason struct{ name, from, to, text string }

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
	for _, i := range t.nodes {
		if inside := s.project.Packages[i].Inside; inside != "" {
			s.unfixed("bundled", fmt.Sprintf("it is in the archive of %s, and only another version of that can change it", inside), t.findings...)
			return
		}
	}
	list, no, err := s.candidates(t)
	if err != nil {
		s.unfixed("registry-not-asked", scanner.Plain(err.Error()), t.findings...)
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
	s.take(t, usable, list, no)
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
func (s *solver) nothing(t *trouble, no []rejected) (code, why string) {
	for _, code := range rejections {
		if i := slices.IndexFunc(no, func(r rejected) bool { return r.code == code }); i >= 0 {
			return code, no[i].why
		}
	}
	if slices.ContainsFunc(t.findings, func(f *scanner.Finding) bool { return f.Kind == scanner.KindMalware }) {
		return "malware", fmt.Sprintf("%s is malware; remove it", t.name)
	}
	return "no-fixed-version", fmt.Sprintf("no published version of %s clears it", t.name)
}

// rejections are the codes of rejected versions, the one that tells most first.
var rejections = []string{"too-fresh", "engine", "conflict", "withdrawn", "worse"}

// beside leaves out candidates that want peers which the project has in other versions.
func (s *solver) beside(t *trouble, list []candidate, no *[]rejected) []candidate {
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
			*no = append(*no, rejected{c, "conflict", why})
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

// fit says what stands between a project and a version of a package.
type fit struct {
	lines   []Requirement // that must change, with what they change to
	blocked []dependent   // that do not admit the version
	fixed   string        // a line that must change and can't
}

// raised says which packages are to be raised, by name and version: name\x00version to the new version.
type raised map[string]string

func (r raised) of(l *Locked) string { return cmp.Or(r[l.Name+"\x00"+l.Version], l.Version) }

// dependent is a package that asks for another, as it will be once what is planned is done.
type dependent struct {
	index      int
	constraint string
}

// dependents returns what asks for any of the nodes of a package. What is to be raised asks as its new version does.
func (s *solver) dependents(name string, nodes []int, plan raised) []dependent {
	var all []dependent
	for i := range s.project.Packages {
		l := &s.project.Packages[i]
		if l.Origin.Own() {
			continue
		}
		for _, e := range l.Needs {
			if !slices.Contains(nodes, e.To) {
				continue
			}
			constraint := e.Constraint
			if version := plan.of(l); version != l.Version {
				var asks bool
				if constraint, asks = s.need(l.Name, version, name); !asks {
					continue
				}
			} else if constraint == "" {
				constraint, _ = s.need(l.Name, l.Version, name)
			}
			all = append(all, dependent{i, constraint})
		}
	}
	return all
}

// fits looks at everything that asks for a package.
func (s *solver) fits(name, from string, nodes []int, lines []Requirement, to string, plan raised) fit {
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
				f.fixed = scanner.Plain(err.Error())
				continue
			}
			line.To = raised
		}
		f.lines = append(f.lines, line)
	}
	canLock := slices.Contains(s.manager.Ways, HowLock)
	for _, d := range s.dependents(name, nodes, plan) {
		if !canLock && len(lines) == 0 || !s.admits(d.constraint, from, to) {
			if !slices.Contains(f.blocked, d) {
				f.blocked = append(f.blocked, d)
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
		key := constraint + "\x00" + to
		known, ok := s.admitting[key]
		if !ok {
			known.ok, known.err = s.manager.Admits(constraint, to)
			if s.admitting == nil {
				s.admitting = map[string]answer{}
			}
			s.admitting[key] = known
		}
		if known.err == nil {
			return known.ok
		}
	}
	return !s.breaking(from, to)
}

// answer is what a manager said of a constraint.
type answer struct {
	ok  bool
	err error
}

// runs reports whether a release with an engine is for the runtime of the project; answers are kept.
func (s *solver) runs(runtime, engine string) bool {
	key := runtime + "\x00" + engine
	ok, known := s.engines[key]
	if !known {
		ok = s.manager.Runs(runtime, engine)
		if s.engines == nil {
			s.engines = map[string]bool{}
		}
		s.engines[key] = ok
	}
	return ok
}

// need returns the constraint that a release of parent has on name, as the registry knows it, and whether it has one.
// What can't be asked is taken to ask for anything.
func (s *solver) need(parent, version, name string) (constraint string, asks bool) {
	if s.registry == nil {
		return "", true
	}
	r, err := s.registry.Describe(s.ctx, parent, version)
	if err != nil {
		return "", true
	}
	return s.manager.needed(r, name)
}

// solutions returns the ways to bring in one of the candidates, the least invasive first, or why there is none.
func (s *solver) solutions(t *trouble, list []candidate) (all []solution, why string) {
	for _, major := range []bool{false, true} {
		s.left = maxReleases
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
	f := s.fits(t.name, t.from, t.nodes, t.lines, c.version, s.planned)
	switch {
	case f.fixed != "":
		return f.fixed
	case len(f.blocked) > 0:
		b := s.project.Packages[f.blocked[0].index]
		return fmt.Sprintf("%s %s asks for %s %s, and no version of it that could be taken asks for %s", b.Name, b.Version, t.name, f.blocked[0].constraint, c.version)
	}
	return fmt.Sprintf("%s %s does not fit", t.name, c.version)
}

// say adds a reason for the version of the vulnerable package.
func (sol *solution) say(t *trouble, format string, args ...any) {
	sol.reasons = append(sol.reasons, reason{t.name, t.from, sol.version.version, fmt.Sprintf(format, args...)})
}

// plainly raises the package itself, where everything that needs it admits that or is a line that can change.
func (s *solver) plainly(t *trouble, list []candidate, major bool) (solution, bool) {
	var best solution
	found := false
	for _, c := range list {
		f := s.fits(t.name, t.from, t.nodes, t.lines, c.version, s.planned)
		// A major version that every constraint admits is what the project asked for, but may break it all the same.
		if f.fixed != "" || len(f.blocked) > 0 || (c.major && len(t.lines) > 0) != major || found && len(c.clears) <= len(best.version.clears) {
			continue
		}
		how := HowDirect
		if len(t.lines) == 0 {
			how = HowLock
		}
		best = solution{
			version: c, how: how, main: t.name, major: c.major && how == HowDirect,
			targets: []Target{{Package: t.name, From: t.from, To: c.version, How: how, Lines: f.lines}},
		}
		switch {
		case len(f.lines) > 0:
			for _, line := range f.lines {
				best.say(t, "%s:%d asks for %s, which becomes %s", line.Location.Path, line.Location.Line, orAny(line.Constraint), line.To)
			}
		case how == HowDirect:
			best.say(t, "what %s asks for admits it; only the lock file changes", t.lines[0].Location.Path)
		default:
			if owner := s.leansOn(t.name, t.from, t.nodes, c.version); owner != "" {
				best.main = owner
				best.say(t, "with %s raised, everything that needs %s admits it", owner, t.name)
				break
			}
			best.say(t, "everything that needs %s admits it", t.name)
		}
		found = true
	}
	return best, found
}

func orAny(constraint string) string { return cmp.Or(constraint, "any version") }

const (
	maxReleases = 3000 // releases of ancestors that are looked at for one vulnerable package
	maxClimb    = 4    // packages between the vulnerable one and the one that is raised
	maxAsked    = 80   // releases of one ancestor that are described
	maxTargets  = 12   // packages that one solution changes
)

// byAncestor raises the packages that hold the vulnerable one down.
func (s *solver) byAncestor(t *trouble, list []candidate, major bool) (solution, string, bool) {
	if s.registry == nil || !slices.Contains(s.manager.Ways, HowAncestor) {
		return solution{}, "", false
	}
	most := 0
	for _, c := range list {
		most = max(most, len(c.clears))
	}
	why := ""
	for least := most; least > 0; least-- { // all that can be cleared, else less
		accepted := slices.DeleteFunc(slices.Clone(list), func(c candidate) bool { return len(c.clears) < least })
		sol, reason, ok := s.ascend(t, accepted, major)
		if ok {
			return sol, "", true
		}
		why = cmp.Or(why, reason)
	}
	return solution{}, why, false
}

// ascend looks for one of the accepted versions that everything that asks for the package admits, once what holds it
// down is raised.
func (s *solver) ascend(t *trouble, accepted []candidate, major bool) (solution, string, bool) {
	plan := maps.Clone(s.planned)
	var holding []dependent
	for _, d := range s.dependents(t.name, t.nodes, plan) {
		if narrowed := s.admitted(accepted, d.constraint, t.from); len(narrowed) > 0 {
			accepted = narrowed
		} else {
			holding = append(holding, d)
		}
	}
	sol := solution{how: HowAncestor}
	if len(holding) == 0 {
		return sol, "", false // nothing holds it down
	}
	for _, d := range holding {
		up, reason := s.climb(d.index, t.name, accepted, major, maxClimb, plan)
		if up == nil {
			return sol, reason, false
		}
		if constraint, asks := s.manager.needed(up.release, t.name); asks {
			accepted = s.admitted(accepted, constraint, t.from)
		}
		sol.targets = append(sol.targets, up.targets...)
		sol.reasons = append(sol.reasons, up.reasons...)
		sol.major = sol.major || up.major
		sol.main = up.top
	}
	if len(accepted) == 0 || sol.major && !major || len(t.lines) == 0 && sol.major != major || len(sol.targets) > maxTargets {
		return sol, "", false
	}
	sol.version = accepted[0]
	if len(t.lines) == 0 && len(s.dependents(t.name, t.nodes, plan)) == 0 {
		sol.gone, sol.version.clears, sol.version.remains = true, t.findings, nil
		return sol, "", true
	}
	f := s.fits(t.name, t.from, t.nodes, t.lines, sol.version.version, plan)
	if f.fixed != "" || len(f.blocked) > 0 {
		return sol, f.fixed, false
	}
	target := Target{Package: t.name, From: t.from, To: sol.version.version, How: HowLock, Lines: f.lines}
	if len(t.lines) > 0 {
		target.How, sol.main = HowDirect, t.name
		sol.major = sol.major || sol.version.major
		if sol.major != major {
			return sol, "", false
		}
		for _, line := range f.lines {
			sol.say(t, "%s:%d asks for %s, which becomes %s", line.Location.Path, line.Location.Line, orAny(line.Constraint), line.To)
		}
	}
	sol.targets = append(sol.targets, target)
	return sol, "", true
}

// admitted returns the candidates that a constraint admits.
func (s *solver) admitted(list []candidate, constraint, from string) []candidate {
	var kept []candidate
	for _, c := range list {
		if s.admits(constraint, from, c.version) {
			kept = append(kept, c)
		}
	}
	return kept
}

// climbed is what raising one ancestor takes.
type climbed struct {
	release Release  // of the ancestor
	targets []Target // the nearest first
	reasons []reason
	top     string
	major   bool
}

// climb raises the package at index to the smallest version that admits one of the accepted versions of name, and what
// holds it down in turn. What it raises is noted in the plan.
func (s *solver) climb(index int, name string, accepted []candidate, major bool, depth int, plan raised) (*climbed, string) {
	p := s.project.Packages[index]
	stuck := fmt.Sprintf("%s %s asks for another version of %s, and no version of it that could be taken asks for %s", p.Name, p.Version, name, accepted[0].version)
	if depth == 0 {
		return nil, stuck
	}
	releases, err := s.releases(p.Name)
	if err != nil {
		return nil, scanner.Plain(err.Error())
	}
	releases = s.above(s.manager.Ecosystem, releases, p.Version)
	if now := plan.of(&p); now != p.Version {
		releases = slices.DeleteFunc(releases, func(r Release) bool { return r.Version != now && !later(s.manager.Ecosystem, r.Version, now) })
	}
	versions := []string{p.Version}
	for _, r := range releases {
		versions = append(versions, r.Version)
	}
	if err := s.ask(s.manager.Ecosystem, p.Name, versions); err != nil {
		return nil, scanner.Plain(err.Error())
	}
	var nodes []int
	for i := range s.project.Packages {
		if l := &s.project.Packages[i]; l.Name == p.Name && l.Version == p.Version {
			nodes = append(nodes, i)
		}
	}
	lines := s.project.linesFor(p.Name, p.Version)
	var best *climbed
	var bestPlan raised
	asked := 0
	for _, r := range releases {
		if s.breaking(p.Version, r.Version) && !major || r.Withdrawn != "" || s.isFresh(r) || s.manager.Prerelease != nil && s.manager.Prerelease(r.Version) {
			continue
		}
		if s.left--; s.left < 0 {
			return nil, fmt.Sprintf("what holds %s down is too entangled to be raised", name)
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
		if asks && len(s.admitted(accepted, constraint, p.Version)) == 0 {
			continue
		}
		if s.worse(s.manager.Ecosystem, p.Name, p.Version, r.Version) || s.doesNotRun(p.Name, p.Version, r) != "" {
			continue
		}
		next := maps.Clone(plan)
		next[p.Name+"\x00"+p.Version] = r.Version
		up := s.lift(p, r, nodes, lines, major, depth, next)
		if up == nil || best != nil && len(up.targets) >= len(best.targets) {
			continue
		}
		why := fmt.Sprintf("%s %s holds %s down; %s asks for %s", p.Name, p.Version, name, r.Version, orAny(constraint))
		if !asks {
			why = fmt.Sprintf("%s %s brings %s in; %s does not need it", p.Name, p.Version, name, r.Version)
		}
		up.reasons = append([]reason{{p.Name, p.Version, r.Version, why}}, up.reasons...)
		if best, bestPlan = up, next; len(up.targets) == 1 {
			break
		}
	}
	if best == nil {
		return nil, stuck
	}
	maps.Copy(plan, bestPlan)
	return best, ""
}

// leansOn returns the package that a planned change is named after, where that change alone makes something admit a
// version: raising to it is a part of that change then.
func (s *solver) leansOn(name, from string, nodes []int, to string) string {
	for _, d := range s.dependents(name, nodes, nil) {
		l := &s.project.Packages[d.index]
		if owner := s.owner[l.Name+"\x00"+l.Version]; owner != "" && !s.admits(d.constraint, from, to) {
			return owner
		}
	}
	return ""
}

// lift raises a package to a release, and what holds that down; nil where that can't be.
func (s *solver) lift(p Locked, r Release, nodes []int, lines []Requirement, major bool, depth int, plan raised) *climbed {
	f := s.fits(p.Name, p.Version, nodes, lines, r.Version, plan)
	if f.fixed != "" {
		return nil
	}
	up := &climbed{
		release: r, top: p.Name, major: s.breaking(p.Version, r.Version),
		targets: []Target{{Package: p.Name, From: p.Version, To: r.Version, How: HowAncestor, Lines: f.lines}},
	}
	for _, line := range f.lines {
		up.reasons = append(up.reasons, reason{p.Name, p.Version, r.Version,
			fmt.Sprintf("%s:%d asks for %s %s, which becomes %s", line.Location.Path, line.Location.Line, p.Name, orAny(line.Constraint), line.To)})
	}
	up.top = cmp.Or(s.leansOn(p.Name, p.Version, nodes, r.Version), up.top)
	for _, d := range f.blocked {
		if slices.Contains(nodes, d.index) {
			return nil // a circle
		}
		next, _ := s.climb(d.index, p.Name, []candidate{{version: r.Version, release: r}}, major, depth-1, plan)
		if next == nil {
			return nil
		}
		up.targets = append(up.targets, next.targets...)
		up.reasons = append(up.reasons, next.reasons...)
		up.top, up.major = next.top, up.major || next.major
	}
	return up
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
		f := s.fits(t.name, t.from, t.nodes, t.lines, c.version, s.planned)
		if f.fixed != "" || len(f.blocked) == 0 {
			continue
		}
		b := s.project.Packages[f.blocked[0].index]
		best = solution{
			version: c, how: HowOverride, main: t.name, major: c.major,
			targets: []Target{{Package: t.name, From: t.from, To: c.version, How: HowOverride, Lines: f.lines}},
		}
		if !slices.Contains(s.manager.Ways, HowAncestor) {
			best.say(t, "this is an override: %s brings it in, and gets %s in the place of %s", strings.TrimSpace(b.Name+" "+b.Version), c.version, t.from)
			found = true
			continue
		}
		best.say(t, "this is an override: %s %s asks for %s and gets %s all the same, because no version of what brings it in that could be taken asks for a fixed one",
			b.Name, b.Version, orAny(f.blocked[0].constraint), c.version)
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
func (s *solver) take(t *trouble, usable []solution, list []candidate, no []rejected) {
	sol := usable[0]
	if s.manager.Beside != nil {
		beside := s.manager.Beside(s.project, sol.version.release, s.fixedFrom)
		for _, target := range beside {
			sol.reasons = append(sol.reasons, reason{t.name, t.from, sol.version.version,
				fmt.Sprintf("%s %s, which that would bring in, has findings of its own; %s is without", target.Package, target.From, target.To)})
		}
		sol.targets = append(slices.Clip(sol.targets), beside...)
	}
	c := s.change(NewChange(KindPackage, s.manager.Ecosystem, cmp.Or(s.project.Group, s.project.Path), sol.main))
	c.main = sol.main
	for _, u := range s.upgrades(t, sol) {
		c.upgrade(u, s.manager.Ecosystem)
	}
	c.add(s.project, sol.targets...)
	for _, target := range sol.targets {
		if len(s.project.linesFor(target.Package, target.From)) > 0 {
			s.planned[target.Package+"\x00"+target.From] = target.To
			s.owner[target.Package+"\x00"+target.From] = sol.main
		}
	}
	for _, f := range sol.version.clears {
		c.clear(f)
		if s.bill != "" {
			c.unseenIn(f, s.bill)
		}
	}
	if !sol.gone {
		c.say(s.project.Path, reason{t.name, t.from, sol.version.version,
			fmt.Sprintf("%s %s is the smallest version that clears %s", t.name, sol.version.version, all(len(sol.version.clears), len(t.findings)))})
	}
	for _, r := range sol.reasons {
		c.say(s.project.Path, r)
	}
	for _, e := range sol.version.release.Engines {
		for _, have := range s.project.Runtime {
			if have.Name == e.Name && s.manager.Raises != nil && s.manager.Raises(have.Constraint, e.Constraint) {
				c.say(s.project.Path, reason{t.name, t.from, sol.version.version,
					fmt.Sprintf("it wants %s %s, which %s then states instead of %s", e.Name, e.Constraint, s.project.Path, have.Constraint)})
			}
		}
	}
	for _, other := range usable[1:] {
		if other.major == sol.major || !sol.major {
			c.others = append(c.others, other)
		}
	}
	for _, f := range sol.version.remains {
		code, why := s.remains(t, f, usable, list, no)
		c.Remains = append(c.Remains, about(f, why))
		s.unfixed(code, why, f)
	}
}

// remains says why a finding stays although its package is raised.
func (s *solver) remains(t *trouble, f *scanner.Finding, usable []solution, list []candidate, no []rejected) (code, why string) {
	rejected := func(codes []string) bool {
		for _, want := range codes {
			for _, r := range no {
				if r.code == want && slices.Contains(r.clears, f) {
					code, why = r.code, r.why
					return true
				}
			}
		}
		return false
	}
	if rejected(rejections[:3]) {
		return code, why
	}
	for _, other := range usable {
		if slices.Contains(other.version.clears, f) {
			return "partly", fmt.Sprintf("%s would clear it and not others", other.describe(t))
		}
	}
	for _, c := range list {
		if slices.Contains(c.clears, f) {
			if c.major {
				return "only-major", fmt.Sprintf("%s %s would clear it, a new major version", t.name, c.version)
			}
			return "conflict", fmt.Sprintf("%s %s would clear it and does not fit beside what is there", t.name, c.version)
		}
	}
	if rejected(rejections[3:]) {
		return code, why
	}
	return "no-fixed-version", fmt.Sprintf("no published version of %s clears it", t.name)
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

// breaks reports whether the target may break what uses the package. What everything that needs a package admits is
// theirs to know.
func (m *Manager) breaks(t *Target) bool { return t.How != HowLock && m.breaking(t.From, t.To) }

// breaking reports whether a version may be incompatible with an earlier one.
func (m *Manager) breaking(from, to string) bool {
	if m.Major != nil {
		return m.Major(from, to)
	}
	return breaking(from, to)
}

func (s *solver) breaking(from, to string) bool { return s.manager.breaking(from, to) }

// upgrades says what a solution changes, as the plan shows it.
func (s *solver) upgrades(t *trouble, sol solution) []Upgrade {
	var all []Upgrade
	for _, target := range sol.targets {
		u := Upgrade{
			Ecosystem: s.manager.Ecosystem, Manager: s.manager.Name, Path: s.project.Path,
			Package: target.Package, From: target.From, To: target.To, How: target.How, Major: s.manager.breaks(&target),
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

// told is a reason with the project that it is about.
type told struct {
	path string
	reason
}

func (c *Change) say(path string, r reason) { c.told = append(c.told, told{path, r}) }

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
