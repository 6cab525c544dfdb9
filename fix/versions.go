package fix

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/trifecta-scanner/trifecta/advisory"
	"github.com/trifecta-scanner/trifecta/ecosystem"
	"github.com/trifecta-scanner/trifecta/scanner"
)

// registries keeps one registry for each manager.
type registries struct {
	env *Env
	all map[string]Registry
	bad map[string]error
}

// of returns the registry of a manager, or nil where none is asked. The error says why one that should be can't be.
func (r *registries) of(ctx context.Context, m *Manager) (Registry, error) {
	if m.Registry == nil || r.env == nil || r.env.Client == nil && r.env.Tags == nil {
		return nil, nil
	}
	if reg, ok := r.all[m.Name]; ok {
		return reg, r.bad[m.Name]
	}
	if r.env.Client == nil && m != Actions { // whose releases a code host knows
		return nil, nil
	}
	reg, err := m.Registry(ctx, r.env)
	if r.all == nil {
		r.all, r.bad = map[string]Registry{}, map[string]error{}
	}
	if err != nil {
		reg = nil
	}
	r.all[m.Name], r.bad[m.Name] = reg, err
	return reg, err
}

// verdicts remembers what the advisories say of versions.
type verdicts struct {
	records map[[3]string][]*advisory.Record
}

// ask makes sure that the verdicts on some versions of a package are known. Without a database nothing is.
func (p *planner) ask(eco, name string, versions []string) error {
	if p.opts.Advisories == nil {
		return nil
	}
	if p.known.records == nil {
		p.known.records = map[[3]string][]*advisory.Record{}
	}
	var queries []advisory.Query
	var keys [][3]string
	for _, v := range versions {
		key := [3]string{eco, name, v}
		if _, ok := p.known.records[key]; ok {
			continue
		}
		q := advisory.Query{Ecosystem: eco, Name: name, Version: v}
		if e, ok := ecosystem.ByName(eco); ok {
			q.Name = e.OSVName(name)
			if e.Newest != nil {
				q.Version = e.Newest(v)
			}
		}
		queries, keys = append(queries, q), append(keys, key)
	}
	if len(queries) == 0 {
		return nil
	}
	matches, _, err := p.opts.Advisories.Match(p.ctx, queries)
	if err != nil {
		return err
	}
	for i, records := range matches {
		p.known.records[keys[i]] = slices.DeleteFunc(slices.Clone(records), func(r *advisory.Record) bool { return r.Withdrawn != "" })
	}
	return nil
}

// against returns what is known against a version.
func (p *planner) against(eco, name, version string) []*advisory.Record {
	return p.known.records[[3]string{eco, name, version}]
}

// names reports whether a record speaks of one of the ids.
func names(r *advisory.Record, ids []string) bool {
	if slices.Contains(ids, r.ID) {
		return true
	}
	return slices.ContainsFunc(r.Aliases, func(id string) bool { return slices.Contains(ids, id) })
}

// candidate is a version that a package could be raised to.
type candidate struct {
	version string
	release Release // the version alone where the registry was not asked
	clears  []*scanner.Finding
	remains []*scanner.Finding
	major   bool
}

// rejected is a version that would clear something and is not taken.
type rejected struct {
	candidate
	code, why string
}

// maxDescribed bounds how many releases of a package are asked for one by one.
const maxDescribed = 40

// candidates returns the versions above the present one that clear a finding and bring none in, in order.
func (s *solver) candidates(t *trouble) (list []candidate, no []rejected, err error) {
	releases, err := s.releases(t.name)
	if err != nil {
		return nil, no, err
	}
	if releases == nil {
		for _, f := range t.findings {
			if f.Advisory == nil {
				continue
			}
			for _, v := range f.Advisory.FixedVersions {
				releases = append(releases, Release{Version: v})
			}
		}
	}
	releases = s.above(t.ecosystem, releases, t.from)
	versions := []string{t.from}
	for _, r := range releases {
		versions = append(versions, r.Version)
	}
	if err := s.ask(t.ecosystem, t.name, versions); err != nil {
		return nil, no, err
	}
	most, described := 0, 0
	tooNew := "" // why a release does not run: those after it, which are asked for one by one, are not built for less
	for _, r := range releases {
		c := candidate{version: r.Version, release: r, major: s.breaking(t.from, r.Version)}
		if s.manager.Prerelease != nil && s.manager.Prerelease(r.Version) {
			continue
		}
		if s.manager.Kin != nil && !s.manager.Kin(t.from, r.Version) {
			continue
		}
		for _, f := range t.findings {
			if s.cleared(t, f, r.Version) {
				c.clears = append(c.clears, f)
			} else {
				c.remains = append(c.remains, f)
			}
		}
		if len(c.clears) == 0 {
			continue
		}
		if tooNew != "" {
			no = append(no, rejected{c, "engine", tooNew})
			continue
		}
		code, why := s.reject(t, r)
		if code == "" && s.described() && described < maxDescribed && len(c.clears) > most {
			// Only versions that clear more than those before them are ever taken.
			described++
			if whole, err := s.registry.Describe(s.ctx, t.name, r.Version); err == nil {
				r, c.release = whole, whole
				code, why = s.reject(t, r)
			}
		}
		if code != "" {
			no = append(no, rejected{c, code, why})
			if code == "engine" && s.manager.Sparse {
				tooNew = why
			}
			continue
		}
		most = max(most, len(c.clears))
		list = append(list, c)
	}
	return list, no, nil
}

// described reports whether releases have to be asked for one by one: where nothing is stated of what the project runs on,
// what releases run on does not matter.
func (s *solver) described() bool {
	return s.manager.Sparse && s.registry != nil && (s.manager.Runs == nil || len(s.project.Runtime) > 0)
}

// reject says why a release is not taken although it clears something; nothing if it may be.
func (s *solver) reject(t *trouble, r Release) (code, why string) {
	switch why := s.project.Refused[t.name+" "+r.Version]; {
	case why != "":
		return "conflict", why
	case r.Withdrawn != "":
		return "withdrawn", fmt.Sprintf("%s %s clears it and is withdrawn (%s)", t.name, r.Version, r.Withdrawn)
	case s.worse(t.ecosystem, t.name, t.from, r.Version):
		return "worse", fmt.Sprintf("%s %s clears it and has other advisories", t.name, r.Version)
	case s.isFresh(r):
		return "too-fresh", fmt.Sprintf("%s %s clears it and was published %s ago; the cool-down is %s", t.name, r.Version,
			days(s.opts.Env.Now.Sub(r.Published)), days(s.opts.CoolDown))
	}
	if why := s.doesNotRun(t.name, t.from, r); why != "" {
		return "engine", why
	}
	return "", ""
}

// releases asks the registry for the releases of a package; nil where there is no registry to ask, or it has no list.
func (s *solver) releases(name string) ([]Release, error) {
	if s.registry == nil {
		return nil, nil
	}
	if list, ok := s.asked[name]; ok {
		return list, nil
	}
	list, err := s.registry.Releases(s.ctx, name)
	if errors.Is(err, ErrNoPackage) {
		return nil, fmt.Errorf("the registry does not know %s", name)
	}
	if errors.Is(err, errUnasked) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("ask the registry for %s: %w", name, err)
	}
	if s.asked == nil {
		s.asked = map[string][]Release{}
	}
	s.asked[name] = list
	return list, nil
}

// ahead asks the registry side by side for what will be asked for one after the other. What it can't get is asked for
// again when it is needed, and told then.
func (s *solver) ahead(troubles []*trouble) {
	if s.registry == nil {
		return
	}
	var names []string
	for _, t := range troubles {
		if !s.external(t) && !slices.ContainsFunc(t.nodes, func(i int) bool { return s.project.Packages[i].Inside != "" }) {
			names = append(names, t.name)
		}
	}
	names = compact(names)
	lists := make([][]Release, len(names))
	var group errgroup.Group
	group.SetLimit(maxAhead)
	for i, name := range names {
		group.Go(func() error {
			if list, err := s.registry.Releases(s.ctx, name); err == nil {
				lists[i] = list
			}
			return nil
		})
	}
	_ = group.Wait() // no part returns an error
	s.asked = map[string][]Release{}
	for i, name := range names {
		if lists[i] != nil {
			s.asked[name] = lists[i]
		}
	}
}

// maxAhead is how many packages are asked for at once: the answers may be megabytes each.
const maxAhead = 8

// above returns the releases with a version above from, in order, each once.
func (s *solver) above(eco string, releases []Release, from string) []Release {
	var list []Release
	for _, r := range releases {
		if n, err := advisory.Compare(eco, r.Version, from); err == nil && n > 0 && validVersion(r.Version) {
			list = append(list, r)
		}
	}
	slices.SortStableFunc(list, func(a, b Release) int {
		n, err := advisory.Compare(eco, a.Version, b.Version)
		if err != nil || n == 0 {
			return strings.Compare(a.Version, b.Version)
		}
		return n
	})
	return slices.CompactFunc(list, func(a, b Release) bool { return a.Version == b.Version })
}

// validVersion reports whether a version that a registry states is one that may be written into files and command
// lines as it is.
func validVersion(v string) bool {
	if v == "" || len(v) > 128 || v[0] == '-' {
		return false
	}
	return !strings.ContainsFunc(v, func(r rune) bool {
		return !(r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || strings.ContainsRune(".+-_!~", r))
	})
}

// cleared reports whether a version is free of a finding.
func (s *solver) cleared(t *trouble, f *scanner.Finding, version string) bool {
	if s.opts.Advisories == nil {
		return f.Advisory != nil && byNumbers(t.ecosystem, f.Advisory.FixedVersions, version)
	}
	ids := f.IDs()
	return !slices.ContainsFunc(s.against(t.ecosystem, t.name, version), func(r *advisory.Record) bool { return names(r, ids) })
}

// byNumbers reports whether a version is a fixed one or follows one in the same series, or follows all of them.
func byNumbers(eco string, fixed []string, version string) bool {
	above := 0
	for _, v := range fixed {
		n, err := advisory.Compare(eco, version, v)
		if err != nil {
			continue
		}
		if n == 0 || n > 0 && !breaking(v, version) {
			return true
		}
		if n > 0 {
			above++
		}
	}
	return len(fixed) > 0 && above == len(fixed)
}

// worse reports whether a version has advisories that the present one has not, malware above all.
func (s *solver) worse(eco, name, from, to string) bool {
	var have []string
	for _, r := range s.against(eco, name, from) {
		have = append(append(have, r.ID), r.Aliases...)
	}
	return slices.ContainsFunc(s.against(eco, name, to), func(r *advisory.Record) bool { return !names(r, have) })
}

func (s *solver) isFresh(r Release) bool {
	return s.opts.CoolDown > 0 && !r.Published.IsZero() && !s.opts.Env.Now.IsZero() && s.opts.Env.Now.Sub(r.Published) < s.opts.CoolDown
}

// doesNotRun says why a release is not for the runtimes of the project; empty if it is, or nobody says. Where the present
// release is not for them either, the project does not mean what it states.
func (s *solver) doesNotRun(name, from string, r Release) string {
	if s.manager.Runs == nil {
		return ""
	}
	for _, e := range r.Engines {
		for _, have := range s.project.Runtime {
			if have.Name != e.Name || s.runs(have.Constraint, e.Constraint) {
				continue
			}
			if slices.ContainsFunc(s.present(name, from).Engines, func(now Need) bool {
				return now.Name == e.Name && !s.runs(have.Constraint, now.Constraint)
			}) {
				continue
			}
			return fmt.Sprintf("%s %s wants %s %s, and the project states %s", name, r.Version, e.Name, e.Constraint, have.Constraint)
		}
	}
	return ""
}

// present returns what the registry says of the version that is there; nothing where it does not.
func (s *solver) present(name, version string) Release {
	i := slices.IndexFunc(s.asked[name], func(r Release) bool { return r.Version == version })
	if i < 0 {
		return Release{}
	}
	r := s.asked[name][i]
	if s.manager.Sparse && r.Engines == nil {
		if whole, err := s.registry.Describe(s.ctx, name, version); err == nil {
			r = whole
		}
	}
	return r
}

func breaking(from, to string) bool {
	u := scanner.Upgrade{From: from, To: to}
	return u.Breaking()
}

func days(d time.Duration) string {
	n := int(d.Hours() / 24)
	if n == 1 {
		return "1 day"
	}
	return fmt.Sprintf("%d days", n)
}

// fixedFrom returns the smallest version that is not below the given one and that nothing is known against, going by
// what advisories name; nothing where the given one is free already or no such version is known.
func (s *solver) fixedFrom(name, version string) string {
	seen := map[string]bool{version: true}
	for queue := []string{version}; len(queue) > 0 && len(seen) < 100; queue = queue[1:] {
		v := queue[0]
		if s.ask(s.manager.Ecosystem, name, []string{v}) != nil {
			return ""
		}
		against := s.against(s.manager.Ecosystem, name, v)
		if len(against) == 0 {
			if v == version {
				return ""
			}
			return v
		}
		for _, r := range against {
			for _, fixed := range r.FixedVersions(advisory.Query{Ecosystem: s.manager.Ecosystem, Name: name, Version: v}) {
				if !seen[fixed] && later(s.manager.Ecosystem, fixed, v) && (s.manager.Prerelease == nil || !s.manager.Prerelease(fixed)) {
					seen[fixed] = true
					queue = append(queue, fixed)
				}
			}
		}
		slices.SortFunc(queue[1:], func(a, b string) int {
			if later(s.manager.Ecosystem, b, a) {
				return -1
			}
			if later(s.manager.Ecosystem, a, b) {
				return 1
			}
			return 0
		})
	}
	return ""
}
