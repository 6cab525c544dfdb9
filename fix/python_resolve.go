package fix

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// pyGraph is the set of packages that a lock file of Python pins, while new versions settle in it: what they need is
// added or raised as little as possible, and nothing is ever lowered. It asks the index for metadata and builds nothing.
type pyGraph struct {
	index  *pypi
	envs   []pyEnvironment // what markers are judged by: one environment, or samples of all that the project may meet
	python string          // what the project runs on, as version specifiers; empty where it does not say
	every  bool            // releases have to run on every Python that the project admits, not only on the lowest
	closed bool            // every package is listed, so that what is needed and not listed is added
	now    time.Time

	pins map[string]*pyPin // by the normal form of the name
}

// pyPin is one package of the graph.
type pyPin struct {
	name    string // as written
	version string
	extras  []string
	asked   []string // version specifiers of the manifests
	fixed   bool     // it stands for a version that is wanted, or that can't change
	apart   bool     // the index is not asked about it: it comes from elsewhere
	// What settle made of it.
	from   string // the version before; empty for a package that was added
	added  bool
	marker string   // the condition under which an added package is needed
	by     []string // the packages that an added one is needed by, as they are written
}

// freshRelease is how old a release must be for a package that comes along; the plan's own choice may differ.
const freshRelease = 3 * 24 * time.Hour

// maxSettle bounds the packages that come along with one change.
const maxSettle = 300

// set gives a package of the graph the version that the change is about. The change before it may have raised the package
// on its own.
func (g *pyGraph) set(name, from, to string) {
	if pin := g.pins[pypiName(name)]; pin != nil && comparePyPI(from, pin.version) <= 0 && comparePyPI(pin.version, to) < 0 {
		pin.from, pin.version, pin.fixed = pin.version, to, true
	}
}

// changed returns the keys of the packages whose version is not what it was.
func (g *pyGraph) changed() []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(g.pins)), func(key string) bool { return g.pins[key].from == "" && !g.pins[key].added })
}

// settle brings what the changed packages need into the graph. The error says which packages can't go together.
func (g *pyGraph) settle(ctx context.Context) error {
	queue := g.changed()
	g.prefetch(ctx)
	for _, key := range queue {
		if err := g.admitted(ctx, key); err != nil {
			return err
		}
	}
	for steps := 0; len(queue) > 0; steps++ {
		if steps > maxSettle {
			return fmt.Errorf("more than %d packages would have to come along", maxSettle)
		}
		key := queue[0]
		queue = queue[1:]
		more, err := g.needsOf(ctx, key)
		if err != nil {
			return err
		}
		for _, next := range more {
			if !slices.Contains(queue, next) {
				queue = append(queue, next)
			}
		}
	}
	return nil
}

// prefetch asks for the metadata of every pin at once. What fails is asked again where it matters.
func (g *pyGraph) prefetch(ctx context.Context) {
	var wait sync.WaitGroup
	slots := make(chan struct{}, 8)
	for _, key := range slices.Sorted(maps.Keys(g.pins)) {
		name, version := g.pins[key].name, g.pins[key].version
		if g.pins[key].apart {
			continue
		}
		wait.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			_, _ = g.index.describe(ctx, name, version)
		})
	}
	wait.Wait()
}

// metadata returns what a pin's release says, or nil where that is known only by running its build.
func (g *pyGraph) metadata(ctx context.Context, name, version string) (*pypiMetadata, error) {
	meta, err := g.index.describe(ctx, name, version)
	if untold(err) || errors.Is(err, ErrNoPackage) {
		return nil, nil
	}
	return meta, err
}

// needsOf looks at everything that a changed package needs and returns the keys of packages that changed for it.
func (g *pyGraph) needsOf(ctx context.Context, key string) ([]string, error) {
	pin := g.pins[key]
	meta, err := g.index.describe(ctx, pin.name, pin.version)
	if err != nil {
		return nil, err
	}
	if !g.runs(meta.requiresPython) {
		return nil, fmt.Errorf("%s %s needs Python %s, and the project runs on %s", pin.name, pin.version, meta.requiresPython, g.python)
	}
	var changed []string
	for _, need := range meta.needs {
		holds := g.holds(need.marker, pin.extras)
		if holds == pyFalse || need.url != "" {
			continue
		}
		next := pypiName(need.name)
		have := g.pins[next]
		switch {
		case have == nil && !g.closed:
			continue
		case have == nil:
			added, err := g.add(ctx, pin, need, holds)
			if err != nil {
				return nil, err
			}
			g.pins[next] = added
			changed = append(changed, next)
			continue
		}
		if have.added && !slices.Contains(have.by, pin.name) {
			have.by = append(have.by, pin.name)
			if holds == pyTrue {
				have.marker = ""
			}
		}
		for _, extra := range need.extras {
			if !slices.Contains(have.extras, extra) {
				have.extras = append(have.extras, extra)
				changed = append(changed, next)
			}
		}
		ok, err := pypiAdmits(need.spec, have.version)
		if err != nil || ok {
			continue // a specifier that is none binds nobody
		}
		raised, err := g.raise(ctx, pin, need)
		if err != nil {
			return nil, err
		}
		if have.from == "" && !have.added {
			have.from = have.version
		}
		have.version = raised
		changed = append(changed, next)
	}
	return changed, nil
}

// holds judges a marker in every environment of the graph: it is unknown where they differ.
func (g *pyGraph) holds(marker string, extras []string) pyTruth {
	if strings.TrimSpace(marker) == "" {
		return pyTrue
	}
	most, least := pyFalse, pyTrue
	for _, env := range g.envs {
		env.extras = extras
		value := env.holds(marker)
		most, least = max(most, value), min(least, value)
	}
	if most != least {
		return pyUnknown
	}
	return most
}

// runs reports whether a release that asks for this Python runs where the project does.
func (g *pyGraph) runs(requires string) bool {
	return pythonMeets(g.python, requires, g.every)
}

// pythonRuns reports whether a release that asks for a Python runs on the lowest one that the project admits. Upper bounds
// of releases are guesses about a future that mostly came out well, so that the rest does not count.
func pythonRuns(project, release string) bool { return pythonMeets(project, release, false) }

// pythonMeets reports whether the lowest Python that the project admits, or every one, meets what a release asks for.
func pythonMeets(project, release string, every bool) bool {
	if project == "" || release == "" {
		return true
	}
	for _, version := range pythonVersions {
		if ours, err := pypiAdmits(project, version); err != nil || !ours {
			continue
		}
		theirs, err := pypiAdmits(release, version)
		if err != nil || !theirs {
			return err != nil // nobody knows what it asks for
		}
		if !every {
			return true
		}
	}
	return true
}

// pythonVersions are the versions by which it is judged where a release runs: a late patch of each, so that lower bounds
// such as >=3.8.1 are met by 3.8.
var pythonVersions = []string{
	"2.7.18", "3.0.99", "3.1.99", "3.2.99", "3.3.99", "3.4.99", "3.5.99", "3.6.99", "3.7.99", "3.8.99", "3.9.99", "3.10.99",
	"3.11.99", "3.12.99", "3.13.99", "3.14.99", "3.15.99", "3.16.99", "4.0.0",
}

// candidates returns the releases of a package that may be taken, the lowest first.
func (g *pyGraph) candidates(ctx context.Context, name string) ([]Release, error) {
	releases, err := g.index.Releases(ctx, name)
	if err != nil {
		return nil, err
	}
	fresh := g.now.Add(-freshRelease)
	releases = slices.DeleteFunc(releases, func(r Release) bool {
		requires := ""
		if len(r.Engines) > 0 {
			requires = r.Engines[0].Constraint
		}
		return r.Withdrawn != "" || pypiPrerelease(r.Version) || r.Published.After(fresh) || !g.runs(requires)
	})
	slices.SortStableFunc(releases, func(a, b Release) int { return comparePyPI(a.Version, b.Version) })
	return releases, nil
}

// wants is one constraint on a package, and whose it is.
type pyWant struct{ by, spec string }

// wants collects what the manifests and the pins other than except ask of a package.
func (g *pyGraph) wants(ctx context.Context, key string, except *pyPin) ([]pyWant, error) {
	var all []pyWant
	for _, spec := range g.pins[key].asked {
		all = append(all, pyWant{"the manifest", spec})
	}
	for _, other := range slices.Sorted(maps.Keys(g.pins)) {
		pin := g.pins[other]
		if pin == except || pin.apart || other == key {
			continue
		}
		meta, err := g.metadata(ctx, pin.name, pin.version)
		if err != nil {
			return nil, err
		}
		if meta == nil {
			continue
		}
		for _, need := range meta.needs {
			if pypiName(need.name) == key && g.holds(need.marker, pin.extras) != pyFalse {
				all = append(all, pyWant{pin.name + " " + pin.version, need.spec})
			}
		}
	}
	return all, nil
}

// admitted checks that everybody else admits the version that a change is about.
func (g *pyGraph) admitted(ctx context.Context, key string) error {
	pin := g.pins[key]
	wants, err := g.wants(ctx, key, nil)
	if err != nil {
		return err
	}
	for _, want := range wants {
		if ok, err := pypiAdmits(want.spec, pin.version); err == nil && !ok {
			return fmt.Errorf("%s wants %s %s, which %s is not", want.by, pin.name, want.spec, pin.version)
		}
	}
	return nil
}

// add chooses a version of a package that is not there yet: the newest that the need admits.
func (g *pyGraph) add(ctx context.Context, by *pyPin, need pyRequirement, holds pyTruth) (*pyPin, error) {
	candidates, err := g.candidates(ctx, need.name)
	if err != nil {
		return nil, fmt.Errorf("%s %s needs %s: %w", by.name, by.version, need.name, err)
	}
	for _, r := range slices.Backward(candidates) {
		if ok, err := pypiAdmits(need.spec, r.Version); err != nil || !ok {
			continue
		}
		if _, err := g.index.describe(ctx, need.name, r.Version); untold(err) {
			continue
		}
		pin := &pyPin{name: need.name, version: r.Version, extras: need.extras, added: true, by: []string{by.name}}
		if holds == pyUnknown {
			marker, ok := cleanMarker(need.marker)
			if !ok {
				return nil, fmt.Errorf("%s %s needs %s under a condition that can't be read", by.name, by.version, need.name)
			}
			pin.marker = marker
		}
		return pin, nil
	}
	return nil, fmt.Errorf("%s %s needs %s, of which no release can be taken", by.name, by.version, strings.TrimSpace(need.name+" "+need.spec))
}

// raise returns the lowest version above the pinned one that the need and everybody else admits.
func (g *pyGraph) raise(ctx context.Context, by *pyPin, need pyRequirement) (string, error) {
	key := pypiName(need.name)
	pin := g.pins[key]
	conflict := fmt.Errorf("%s %s wants %s %s, and %s is pinned", by.name, by.version, need.name, need.spec, pin.version)
	if pin.fixed || pin.apart {
		return "", conflict
	}
	candidates, err := g.candidates(ctx, need.name)
	if err != nil {
		return "", err
	}
	wants, err := g.wants(ctx, key, by)
	if err != nil {
		return "", err
	}
	wants = append(wants, pyWant{by.name, need.spec})
	held := "" // who does not admit the last version that the need does
next:
	for _, r := range candidates {
		if comparePyPI(r.Version, pin.version) <= 0 {
			continue
		}
		for _, want := range wants {
			if ok, err := pypiAdmits(want.spec, r.Version); err == nil && !ok {
				if fits, err := pypiAdmits(need.spec, r.Version); err == nil && fits && want.by != by.name {
					held = fmt.Sprintf("; %s wants %s", want.by, want.spec)
				}
				continue next
			}
		}
		if _, err := g.index.describe(ctx, need.name, r.Version); untold(err) {
			continue
		}
		return r.Version, nil
	}
	return "", fmt.Errorf("%w; no release suits everybody who needs it%s", conflict, held)
}
