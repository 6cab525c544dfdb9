package fix

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trifecta-scanner/trifecta/advisory"
	"github.com/trifecta-scanner/trifecta/internal/web"
	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/scanner"
)

// shop is a registry of a test: releases by package.
type shop map[string][]Release

func (s shop) Releases(_ context.Context, name string) ([]Release, error) {
	if list, ok := s[name]; ok {
		return list, nil
	}
	return nil, ErrNoPackage
}

func (s shop) Describe(_ context.Context, name, version string) (Release, error) {
	for _, r := range s[name] {
		if r.Version == version {
			return r, nil
		}
	}
	return Release{}, ErrNoPackage
}

// records is a database of a test: ids of advisories by name and version.
type records map[string][]string

func (k records) Match(_ context.Context, queries []advisory.Query) ([][]*advisory.Record, []inventory.Notice, error) {
	found := make([][]*advisory.Record, len(queries))
	for i, q := range queries {
		for _, id := range k[q.Name+" "+q.Version] {
			found[i] = append(found[i], &advisory.Record{ID: id})
		}
	}
	return found, nil, nil
}

func (records) Info() advisory.Info { return advisory.Info{} }
func (records) Close() error        { return nil }

var noon = time.Date(2026, time.November, 24, 12, 0, 0, 0, time.UTC)

// solved plans one finding of words 1.0.0 in a project and says in words what came of it.
func solved(t *testing.T, project *Project, registry shop, db records, opts Options, tier scanner.Tier) string {
	t.Helper()
	m := &Manager{
		Name: "test", Ecosystem: "npm", Admits: npmAdmits, Raise: npmRaise, Prerelease: npmPrerelease, Runs: nodeRuns,
		Ways: []How{HowLock, HowAncestor, HowOverride},
	}
	project.Manager, project.Path = m, "test.lock"
	opts.Env = &Env{Client: web.New(web.Options{}), Now: noon}
	opts.Advisories = db
	if opts.CoolDown == 0 {
		opts.CoolDown = DefaultCoolDown
	}
	if opts.Majors == "" {
		opts.Majors = MajorsAlways
	}
	finding := scanner.Finding{RuleID: "A-1", Fingerprint: "1", Subject: "pkg:npm/words@1.0.0", Kind: scanner.KindVulnerability, Tier: tier, Location: inventory.Location{Path: project.Path}}
	res := &scanner.Result{Packages: []inventory.Package{{ID: finding.Subject, Name: "words", Version: "1.0.0", Ecosystem: "npm"}}, Findings: []scanner.Finding{finding}}
	p := &planner{ctx: t.Context(), ws: NewWorkspace(treeOf(t, nil)), res: res, opts: opts, changes: map[string]*Change{}, plan: &Plan{Asked: true}}
	s := &solver{planner: p, project: project, manager: m, registry: registry, planned: raised{}, owner: map[string]string{}}
	for _, trouble := range p.troubles(project, []*scanner.Finding{&res.Findings[0]}) {
		s.solve(trouble)
	}
	p.finish()
	var all []string
	for _, c := range p.plan.Changes {
		for _, u := range c.Upgrades {
			mark := ""
			if u.Major {
				mark = " major"
			}
			all = append(all, fmt.Sprintf("%s %s %s%s", u.Package, u.To, u.How, mark))
		}
	}
	for _, u := range p.plan.Unfixed {
		all = append(all, "unfixed: "+u.Code)
	}
	return strings.Join(all, ", ")
}

// direct is a project that asks for words itself.
func direct(constraint string) *Project {
	return &Project{
		Packages:     []Locked{{Name: "words", Version: "1.0.0", Direct: true}},
		Requirements: []Requirement{{Package: "words", Constraint: constraint, List: "dependencies", Location: inventory.Location{Path: "package.json", Line: 3}}},
	}
}

// below is a project in which book asks for words.
func below(constraint string) *Project {
	return &Project{
		Packages: []Locked{
			{Name: "book", Version: "1.0.0", Direct: true, Needs: []Edge{{To: 1, Constraint: constraint}}},
			{Name: "words", Version: "1.0.0"},
		},
		Requirements: []Requirement{{Package: "book", Constraint: "^1.0.0", List: "dependencies", Location: inventory.Location{Path: "package.json", Line: 3}}},
	}
}

func TestSolve(t *testing.T) {
	old := noon.AddDate(-1, 0, 0)
	words := func(versions ...string) (list []Release) {
		for _, v := range append([]string{"1.0.0"}, versions...) {
			list = append(list, Release{Version: v, Published: old, Needs: []Need{}})
		}
		return list
	}
	book := func(pairs ...string) (list []Release) {
		for i := 0; i < len(pairs); i += 2 {
			r := Release{Version: pairs[i], Published: old, Needs: []Need{}}
			if pairs[i+1] != "" {
				r.Needs = append(r.Needs, Need{Name: "words", Constraint: pairs[i+1]})
			}
			list = append(list, r)
		}
		return list
	}
	affected := records{"words 1.0.0": {"A-1"}}
	tests := []struct {
		name     string
		project  *Project
		registry shop
		db       records
		opts     Options
		tier     scanner.Tier
		want     string
	}{
		{"the smallest", direct("^1.0.0"), shop{"words": words("1.0.1", "1.1.0", "2.0.0")}, affected, Options{}, "", "words 1.0.1 direct"},
		{"never lower", direct("^1.0.0"), shop{"words": words("0.9.0")}, affected, Options{}, "", "unfixed: no-fixed-version"},
		{"no pre-release", direct("^1.0.0"), shop{"words": words("1.0.1-rc.1", "1.0.2")}, affected, Options{}, "", "words 1.0.2 direct"},
		{"not withdrawn", direct("^1.0.0"), shop{"words": append(words("1.0.2"), Release{Version: "1.0.1", Withdrawn: "broken"})}, affected, Options{}, "", "words 1.0.2 direct"},
		{"not malware", direct("^1.0.0"), shop{"words": words("1.0.1", "1.0.2")}, records{"words 1.0.0": {"A-1"}, "words 1.0.1": {"MAL-1"}}, Options{}, "", "words 1.0.2 direct"},
		{"nothing worse", direct("^1.0.0"), shop{"words": words("1.0.1")}, records{"words 1.0.0": {"A-1"}, "words 1.0.1": {"B-1"}}, Options{}, "", "unfixed: worse"},
		{"a release of yesterday", direct("^1.0.0"), shop{"words": append(words(), Release{Version: "1.0.1", Published: noon.AddDate(0, 0, -1)})}, affected, Options{}, "", "unfixed: too-fresh"},
		{"a release of yesterday is wanted", direct("^1.0.0"), shop{"words": append(words(), Release{Version: "1.0.1", Published: noon.AddDate(0, 0, -1)})}, affected, Options{CoolDown: -1}, "", "words 1.0.1 direct"},
		{"a major, always", direct("^1.0.0"), shop{"words": words("2.0.0")}, affected, Options{}, "", "words 2.0.0 direct major"},
		{"a major, never", direct("^1.0.0"), shop{"words": words("2.0.0")}, affected, Options{Majors: MajorsNever}, scanner.TierAct, "unfixed: only-major"},
		{"a major for what can wait", direct("^1.0.0"), shop{"words": words("2.0.0")}, affected, Options{Majors: MajorsAct}, scanner.TierAttend, "unfixed: only-major"},
		{"a major for what has to be acted on", direct("^1.0.0"), shop{"words": words("2.0.0")}, affected, Options{Majors: MajorsAct}, scanner.TierAct, "words 2.0.0 direct major"},
		{"a peer that is not there in that version", direct("^1.0.0"), shop{"words": append(words(), Release{Version: "1.0.1", Published: old, Peers: []Need{{Name: "words", Constraint: "^9.0.0"}}})}, affected, Options{}, "", "unfixed: conflict"},
		{"the lock file alone", below("^1.0.0"), shop{"words": words("1.0.1")}, affected, Options{}, "", "words 1.0.1 lock"},
		{"the nearest ancestor", below("1.0.0"), shop{"words": words("1.0.1"), "book": book("1.0.0", "1.0.0", "1.1.0", "1.0.1", "1.2.0", "1.0.1")}, affected, Options{}, "", "book 1.1.0 ancestor, words 1.0.1 lock"},
		{"an ancestor that does without", below("1.0.0"), shop{"words": words("1.0.1"), "book": book("1.0.0", "1.0.0", "1.1.0", "")}, affected, Options{}, "", "book 1.1.0 ancestor"},
		{"no ancestor", below("1.0.0"), shop{"words": words("1.0.1"), "book": book("1.0.0", "1.0.0", "1.1.0", "1.0.0")}, affected, Options{}, "", "words 1.0.1 override"},
		{"an override before an ancestor that may break", below("1.0.0"), shop{"words": words("1.0.1"), "book": book("1.0.0", "1.0.0", "2.0.0", "1.0.1")}, affected, Options{}, "", "words 1.0.1 override"},
		{"inside of an archive", &Project{Packages: []Locked{{Name: "words", Version: "1.0.0", Inside: "book 1.0.0"}}}, shop{"words": words("1.0.1")}, affected, Options{}, "", "unfixed: bundled"},
		{"from a repository", &Project{Packages: []Locked{{Name: "words", Version: "1.0.0", Origin: inventory.OriginGit}}}, shop{"words": words("1.0.1")}, affected, Options{}, "", "unfixed: not-published"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			tier := test.tier
			if tier == "" {
				tier = scanner.TierTrack
			}
			got := solved(t, test.project, test.registry, test.db, test.opts, tier)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// A lock file in which each of many releases of a package is held down by the next package must not cost the product of
// them all.
func TestSolveEntangled(t *testing.T) {
	const depth, releases = 6, 300
	registry := shop{"words": {{Version: "1.0.0"}, {Version: "1.0.1", Needs: []Need{}}}}
	project := &Project{Packages: []Locked{{Name: "words", Version: "1.0.0"}}}
	below := "words"
	for i := range depth {
		name := fmt.Sprintf("p%d", i)
		constraint := "1.0.0"
		project.Packages = append(project.Packages, Locked{Name: name, Version: "1.0.0", Needs: []Edge{{To: i, Constraint: constraint}}})
		for n := range releases {
			version := fmt.Sprintf("1.0.%d", n)
			asks := version
			if below == "words" {
				asks = "1.0.1"
			}
			if n == 0 {
				asks = constraint
			}
			registry[name] = append(registry[name], Release{Version: version, Needs: []Need{{Name: below, Constraint: asks}}})
		}
		below = name
	}
	// The last one is asked for exactly, by a line that can't change.
	project.Requirements = []Requirement{{Package: below, Constraint: "1.0.0", Fixed: "it stays", Location: inventory.Location{Path: "package.json", Line: 3}}}
	got := solved(t, project, registry, records{"words 1.0.0": {"A-1"}}, Options{}, scanner.TierTrack)
	if want := "words 1.0.1 override"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
