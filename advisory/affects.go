package advisory

import (
	"cmp"
	"slices"
	"strings"
)

// verdict is the answer of the evaluation for one query and one record.
type verdict int

const (
	unaffected verdict = iota
	undecided          // a range speaks of the package, but versions could not be compared
	affected
)

// Affects reports whether the record applies to the version that the query asks about, by the algorithm of
// https://ossf.github.io/osv-schema/#evaluation. A withdrawn record is evaluated like any other; databases leave it out.
//
//   - The query's version is looked up in the lists of versions as it is, with or without a leading v.
//   - SEMVER ranges follow semantic versioning, ECOSYSTEM ranges the rules of the ecosystem (see Compare).
//   - Without the graph of commits, a GIT range contains a commit only where the record itself names it: as one that
//     introduced the trouble, as the last affected one, or in the list of versions.
//   - A query without a release suffix asks about all releases: Debian matches records of Debian:11.
//
// An empty version, or one that can't be compared, is in no range.
func (r *Record) Affects(q Query) bool {
	return newQuestion(q).evaluate(r) == affected
}

// question is a query made ready to be asked of many records.
type question struct {
	Query
	base, suffix string
	name         string // normalized
	version      string // as compared: see goVersion
	orders       [2]ordered
}

// ordered is the query's version, read by the rules of one order. A question meets at most two: the ecosystem's and
// semantic versioning.
type ordered struct {
	order   string
	version parsed
	err     error
}

func newQuestion(q Query) *question {
	base, suffix := splitEcosystem(q.Ecosystem)
	if base == "" {
		base = gitEcosystem
	}
	x := &question{Query: q, base: base, suffix: suffix, name: NormalizeName(q.Ecosystem, q.Name), version: q.Version}
	if base == "Go" && (x.name == "stdlib" || x.name == "toolchain") {
		x.version = goVersion(q.Version)
	}
	return x
}

func (x *question) parsed(order string) (parsed, error) {
	for i := range x.orders {
		o := &x.orders[i]
		if o.order == "" {
			o.order = cmp.Or(order, "none")
			o.version, o.err = parseVersion(order, x.version)
		}
		if o.order == cmp.Or(order, "none") {
			return o.version, o.err
		}
	}
	return parseVersion(order, x.version)
}

// asks reports whether the question is about the package of an affected entry.
func (x *question) asks(p Package) bool {
	base, suffix := splitEcosystem(p.Ecosystem)
	return base == x.base && sameRelease(suffix, x.suffix) && NormalizeName(p.Ecosystem, p.Name) == x.name
}

// asksRepo reports whether the question is about the repository of one of the ranges.
func (x *question) asksRepo(ranges []Range) bool {
	return x.base == gitEcosystem && slices.ContainsFunc(ranges, func(r Range) bool {
		return r.Type == "GIT" && normalizeRepo(r.Repo) == x.name
	})
}

func (x *question) evaluate(r *Record) verdict {
	answer := unaffected
	for i := range r.Affected {
		a := &r.Affected[i]
		if !x.asks(a.Package) && !x.asksRepo(a.Ranges) {
			continue
		}
		answer = max(answer, x.affected(a))
		if answer == affected {
			break
		}
	}
	return answer
}

// keeper returns which affected entries the answers to some queries hold: those of the packages in question, and all
// where a repository is asked about, which other packages' entries name.
func keeper(queries []Query) func(Package) bool {
	names := make(map[Package]bool, len(queries))
	for _, q := range queries {
		base, _ := splitEcosystem(q.Ecosystem)
		if base == "" || base == gitEcosystem {
			return nil
		}
		names[Package{base, NormalizeName(base, q.Name)}] = true
	}
	return func(p Package) bool {
		base, _ := splitEcosystem(p.Ecosystem)
		return names[Package{base, NormalizeName(base, p.Name)}]
	}
}

// affected evaluates one affected entry that speaks of the package in question.
func (x *question) affected(a *Affected) verdict {
	if slices.ContainsFunc(a.Versions, x.is) {
		return affected
	}
	answer := unaffected
	for i := range a.Ranges {
		answer = max(answer, x.within(a.Package.Ecosystem, &a.Ranges[i]))
		if answer == affected {
			break
		}
	}
	return answer
}

// is reports whether a version of a record's list is the one in question.
func (x *question) is(version string) bool {
	return sameVersion(version, x.Version) || x.version != x.Version && sameVersion(version, x.version) ||
		x.Commit != "" && version == x.Commit
}

func sameVersion(listed, asked string) bool {
	return asked != "" && strings.TrimPrefix(listed, "v") == strings.TrimPrefix(asked, "v")
}

// within evaluates one range.
func (x *question) within(ecosystem string, r *Range) verdict {
	switch r.Type {
	case "GIT":
		if x.Commit != "" && slices.ContainsFunc(r.Events, func(e Event) bool {
			return e.Introduced == x.Commit || e.LastAffected == x.Commit
		}) {
			return affected
		}
		return unaffected
	case "SEMVER", "ECOSYSTEM":
	default:
		return unaffected // the schema has no other type; later ones can't be evaluated here
	}
	if x.version == "" || len(r.Events) == 0 {
		return unaffected
	}
	order := orderOf(ecosystem)
	if r.Type == "SEMVER" {
		order = semverOrder
	}
	version, err := x.parsed(order)
	if err != nil {
		return undecided
	}
	before, err := beforeLimits(version, r.Events)
	if err != nil {
		return undecided
	}
	if !before {
		return unaffected
	}
	events, err := sortedEvents(order, r.Events)
	if err != nil {
		return undecided
	}
	in := false
	for _, e := range events {
		// The schema allows one field an event; where a publisher sets more, each is honoured in turn.
		if e.Introduced != "" {
			n, err := compareIntroduced(version, e.Introduced)
			if err != nil {
				return undecided
			}
			in = in || n >= 0
		}
		if e.Fixed != "" {
			n, err := version.compare(e.Fixed)
			if err != nil {
				return undecided
			}
			in = in && n < 0
		}
		if e.LastAffected != "" {
			n, err := version.compare(e.LastAffected)
			if err != nil {
				return undecided
			}
			in = in && (n <= 0 || e.LastAffected == x.Version)
		}
	}
	if in {
		return affected
	}
	return unaffected
}

// compareIntroduced compares a version with the start of a range, where "0" means before every version.
func compareIntroduced(v parsed, introduced string) (int, error) {
	if introduced == "0" {
		return 1, nil
	}
	return v.compare(introduced)
}

// beforeLimits reports whether a version is below one of the limits of a range; a range without limits has none.
func beforeLimits(v parsed, events []Event) (bool, error) {
	limited := false
	for _, e := range events {
		if e.Limit == "" {
			continue
		}
		limited = true
		if e.Limit == "*" {
			return true, nil
		}
		n, err := v.compare(e.Limit)
		if err != nil {
			return false, err
		}
		if n < 0 {
			return true, nil
		}
	}
	return !limited, nil
}

// sortedEvents returns the events of a range in the order of their versions; equal ones stay as published. The events
// of nearly all records are in order, so these are returned as they are.
func sortedEvents(order string, events []Event) ([]Event, error) {
	var failed error
	compare := func(a, b Event) int {
		x, y := a.version(), b.version()
		switch {
		case x == y:
			return 0
		case a.Introduced == "0":
			return -1
		case b.Introduced == "0":
			return 1
		}
		v, err := parseVersion(order, x)
		if err == nil {
			var n int
			if n, err = v.compare(y); err == nil {
				return n
			}
		}
		failed = err
		return 0
	}
	// The usual range is "from the beginning until": no comparison is needed.
	if len(events) == 1 || len(events) == 2 && events[0].Introduced == "0" {
		return events, nil
	}
	if slices.IsSortedFunc(events, compare) {
		return events, failed
	}
	events = slices.Clone(events)
	slices.SortStableFunc(events, compare)
	return events, failed
}

func (e Event) version() string { return cmp.Or(e.Introduced, e.Fixed, e.LastAffected, e.Limit) }

// FixedVersions returns the versions that end the trouble for the version in question: for each range that contains it,
// the smallest fixed version above it that the record itself does not call affected. The versions are as published,
// each once, smallest first. It is empty where no fix is known or versions can't be compared.
func (r *Record) FixedVersions(q Query) []string {
	x := newQuestion(q)
	if x.version == "" {
		return nil
	}
	var within, other []string
	for i := range r.Affected {
		a := &r.Affected[i]
		if !x.asks(a.Package) {
			continue
		}
		inEntry := x.affected(a) == affected
		for j := range a.Ranges {
			g := &a.Ranges[j]
			if g.Type == "GIT" {
				continue
			}
			fixed := x.fixedAbove(r, a.Package, g)
			if len(fixed) == 0 {
				continue
			}
			if x.within(a.Package.Ecosystem, g) == affected {
				within = append(within, fixed[0])
			} else if inEntry {
				other = append(other, fixed[0])
			}
		}
	}
	// The lists of versions can name more than the ranges contain; the next fix of such an entry is the best answer.
	if len(within) == 0 {
		within = other
	}
	sortVersions(orderOf(q.Ecosystem), within)
	return slices.Compact(within)
}

// fixedAbove returns the fixed versions of a range that are above the one in question and not affected, smallest first.
func (x *question) fixedAbove(r *Record, p Package, g *Range) []string {
	order := orderOf(p.Ecosystem)
	if g.Type == "SEMVER" {
		order = semverOrder
	}
	version, err := x.parsed(order)
	if err != nil {
		return nil
	}
	var fixed []string
	for _, e := range g.Events {
		if e.Fixed == "" {
			continue
		}
		if n, err := version.compare(e.Fixed); err != nil || n >= 0 {
			continue
		}
		if r.Affects(Query{Ecosystem: x.Ecosystem, Name: x.Name, Version: e.Fixed}) {
			continue
		}
		fixed = append(fixed, e.Fixed)
	}
	sortVersions(order, fixed)
	return fixed
}

// sortVersions sorts versions by an order; those that can't be compared keep their places.
func sortVersions(order string, versions []string) {
	slices.SortStableFunc(versions, func(a, b string) int {
		v, err := parseVersion(order, a)
		if err != nil {
			return 0
		}
		n, err := v.compare(b)
		if err != nil {
			return 0
		}
		return n
	})
}
