// Package osv finds known vulnerabilities and malware: it asks an advisory database about the packages of an inventory
// and makes one finding of each group of advisories in each package in each lock file.
//
// Whether a version is affected is the database's answer (package advisory, or the OSV service through API). This
// package decides what is asked, which records mean the same trouble, and what is said about it.
//
// # What is asked
//
// The repository's own packages (workspaces, paths) are never asked about: an advisory that happens to have their name
// speaks of another package. A package of a registry is asked about by name and version. A package taken from a
// repository or an archive is asked about by its commit, and by its version where that is the version of a release,
// because that is the code it states to be; malware is not matched by name then, because such records speak of what
// was uploaded to the registry under that name.
//
// A database that sends its questions to somebody else (one with a method Online that says so) is asked about public
// packages alone: nothing from other registries, nothing that a private pattern names, and of repositories the commit
// without a name.
package osv

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/trifecta-scanner/trifecta/advisory"
	"github.com/trifecta-scanner/trifecta/ecosystem"
	"github.com/trifecta-scanner/trifecta/intel"
	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/scanner"
)

// Scanner is the scanner.Scanner of packages.
type Scanner struct {
	DB advisory.Database
	// Intel marks findings by what is known of exploitation; nil where there is no such data.
	Intel *intel.Data
	// Private are patterns of package names that are never sent to a service. A star stands for any characters:
	// @corp/*, corp.example/*.
	Private []string
}

// Name returns the name of the scanner.
func (*Scanner) Name() string { return "dependencies" }

// Scan returns the findings of all packages. What could not be matched is told by notices; the error is that of a
// database that could not be asked at all.
func (s *Scanner) Scan(ctx context.Context, inv *inventory.Inventory) (*scanner.Judgement, error) {
	plan := s.plan(inv)
	out := &scanner.Judgement{Notices: plan.notices}
	if len(plan.questions) == 0 {
		return out, nil
	}
	if s.DB == nil {
		out.Notices = append(out.Notices, inventory.Notice{
			Code:    "no-advisories",
			Message: fmt.Sprintf("%s not matched, because there is no advisory database; name one with --db", count(len(plan.questions), "package was", "packages were")),
		})
		return out, nil
	}
	queries := make([]advisory.Query, len(plan.questions))
	for i, q := range plan.questions {
		queries[i] = q.query
	}
	matches, notices, err := s.DB.Match(ctx, queries)
	out.Notices = append(out.Notices, notices...)
	if err != nil {
		return nil, fmt.Errorf("match packages: %w", err)
	}

	var troubles []trouble
	merge := merger{}
	for i, records := range matches {
		q := &plan.questions[i]
		for _, group := range groups(q.applicable(records)) {
			troubles = append(troubles, trouble{question: q, group: merge.group(group)})
		}
	}
	asked := cves(troubles)
	threats, notices := s.Intel.Threats(asked)
	out.Notices = append(out.Notices, notices...)
	if s.Intel == nil && len(asked) > 0 {
		out.Notices = append(out.Notices, inventory.Notice{
			Code: "no-intelligence",
			Message: fmt.Sprintf("whether %s exploited is not known, because there is no data of KEV and EPSS; name a folder with --intel",
				count(len(asked), "vulnerability is", "vulnerabilities are")),
		})
	}
	rules := newRules()
	for _, t := range troubles {
		a := t.advisory(threats)
		rules.add(t.group)
		for i := range t.question.sites {
			out.Findings = append(out.Findings, t.finding(&t.question.sites[i], a))
		}
	}
	out.Rules = rules.list()
	return out, nil
}

// cves returns the CVE ids of all groups, each once, in order.
func cves(troubles []trouble) []string {
	all := map[string]bool{}
	for _, t := range troubles {
		for _, id := range t.group.cves {
			all[id] = true
		}
	}
	return slices.Sorted(maps.Keys(all))
}

// question is what the database is asked about one version of one package, with the files that the answer is for.
type question struct {
	pkg   *inventory.Package
	query advisory.Query
	sites []site
	// source says that the package comes from a repository or an archive and not from a registry.
	source bool
}

// site is one file that brings a package in.
type site struct {
	inventory.PackageLocation // the first line, with the scope that holds for the file as a whole
	also                      []inventory.Location
}

// applicable leaves out what has been withdrawn, and malware that only shares the name with a package from elsewhere.
func (q *question) applicable(records []*advisory.Record) []*advisory.Record {
	kept := records[:0:0]
	for _, r := range records {
		if r.Withdrawn == "" && !(q.source && isMalware(r)) {
			kept = append(kept, r)
		}
	}
	return kept
}

// plan is what is asked, and what is not.
type plan struct {
	questions []question
	notices   []inventory.Notice
}

func (s *Scanner) plan(inv *inventory.Inventory) plan {
	service, ok := s.DB.(interface{ Online() bool })
	online := ok && service.Online()
	var p plan
	private := 0
	unversioned := map[string][]site{}
	names := map[string][]string{}
	unadvised := map[string]int{}
	for i := range inv.Packages {
		pkg := &inv.Packages[i]
		if eco, ok := ecosystem.ByName(pkg.Ecosystem); ok && eco.Unadvised {
			unadvised[pkg.Ecosystem]++
			continue
		}
		type key struct {
			advisory.Query
			source bool
		}
		asked := map[key]int{}
		kept := false
		for _, at := range sites(pkg.Locations) {
			query, source := queryFor(pkg, at.PackageLocation)
			if query.Version == "" && query.Commit == "" {
				unversioned[at.Path] = append(unversioned[at.Path], at)
				names[at.Path] = append(names[at.Path], pkg.Name)
				continue
			}
			if online {
				if query, ok = s.public(query, at.Origin); !ok {
					kept = true
					continue
				}
			}
			j, ok := asked[key{query, source}]
			if !ok {
				j = len(p.questions)
				asked[key{query, source}] = j
				p.questions = append(p.questions, question{pkg: pkg, query: query, source: source})
			}
			p.questions[j].sites = append(p.questions[j].sites, at)
		}
		if kept {
			private++
		}
	}
	told := map[string]bool{} // files of which the inventory says why versions are not known
	for _, n := range inv.Notices {
		if n.Location != nil && slices.Contains(withoutVersions, n.Code) {
			told[n.Location.Path] = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(unadvised)) {
		p.notices = append(p.notices, inventory.Notice{
			Code: "distribution-without-advisories",
			Message: fmt.Sprintf("%s of %s not matched, because OSV has no advisories of this distribution; that nothing is found in them says nothing",
				count(unadvised[name], "package", "packages"), strings.Replace(name, ":", " ", 1)),
		})
	}
	for _, path := range slices.Sorted(maps.Keys(unversioned)) {
		if told[path] {
			continue
		}
		at := unversioned[path][0].Location
		p.notices = append(p.notices, inventory.Notice{
			Code: "package-without-version", Location: &at,
			Message: fmt.Sprintf("%s without an exact version in %s can't be matched against advisories: %s; pin %s in a lock file",
				count(len(names[path]), "package", "packages"), path, some(names[path]), those(len(names[path]))),
		})
	}
	if private > 0 {
		p.notices = append(p.notices, inventory.Notice{
			Code: "private-packages-not-sent",
			Message: fmt.Sprintf("%s not sent to the advisory service; match %s with a database of your own (--db)",
				count(private, "private package was", "private packages were"), those(private)),
		})
	}
	return p
}

// withoutVersions are the notices by which readers of manifests say that versions are not known.
var withoutVersions = []string{"package-without-version", "version-not-pinned", "version-unknown"}

// queryFor returns what a database is asked about a package in one place, and whether it comes from source code rather than
// from a registry. The query is without version and commit where there is nothing to ask by.
func queryFor(pkg *inventory.Package, at inventory.PackageLocation) (query advisory.Query, source bool) {
	query = advisory.Query{Ecosystem: pkg.Ecosystem, Name: pkg.Name, Version: pkg.Version}
	if pkg.Source != nil {
		query.Name, query.Version = pkg.Source.Name, pkg.Source.Version
	}
	if eco, ok := ecosystem.ByName(pkg.Ecosystem); ok {
		query.Name = eco.OSVName(query.Name)
		if eco.Newest != nil {
			query.Version = eco.Newest(query.Version)
		}
	}
	source = at.Origin == inventory.OriginGit || at.Origin == inventory.OriginURL
	if source {
		query.Commit = at.Commit
		if !isRelease(query.Version) {
			query.Version = ""
		}
	}
	return query, source
}

// isRelease reports whether a version can be one that was published, and not a commit, a branch or an address.
func isRelease(version string) bool {
	v := strings.TrimPrefix(version, "v")
	if v == "" || v[0] < '0' || v[0] > '9' {
		return false
	}
	return strings.Contains(v, ".") || strings.Trim(v, "0123456789") == "" && len(v) < 40
}

// public returns what of a query may be sent to a service: nothing of packages that are not public.
func (s *Scanner) public(query advisory.Query, origin inventory.Origin) (advisory.Query, bool) {
	if slices.ContainsFunc(s.Private, func(pattern string) bool { return wildcard(pattern, query.Name) }) {
		return advisory.Query{}, false
	}
	switch origin {
	case inventory.OriginRegistry:
		return query, true
	case inventory.OriginGit:
		// A repository may be private; the hash of its commit tells nothing to those who don't have it.
		return advisory.Query{Commit: query.Commit}, query.Commit != ""
	}
	return advisory.Query{}, false
}

// wildcard reports whether a name matches a pattern in which a star stands for any characters, none included.
func wildcard(pattern, name string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == name
	}
	name, ok := strings.CutPrefix(name, parts[0])
	if !ok {
		return false
	}
	last := len(parts) - 1
	for _, part := range parts[1:last] {
		i := strings.Index(name, part)
		if i < 0 {
			return false
		}
		name = name[i+len(part):]
	}
	return strings.HasSuffix(name, parts[last])
}

// sites joins the places of a package by file, in order of path. The lines of a manifest that a lock file refers to
// are part of the lock file's place, and the repository's own packages have none.
func sites(locations []inventory.PackageLocation) []site {
	asks := map[inventory.Location]bool{}
	for _, l := range locations {
		if l.LockFile && l.Manifest != nil {
			asks[inventory.Location{Path: l.Manifest.Path, Line: l.Manifest.Line}] = true
		}
	}
	var all []site
	at := map[string]int{}
	for _, l := range locations {
		if l.Origin.Own() || !l.LockFile && asks[inventory.Location{Path: l.Path, Line: l.Line}] {
			continue
		}
		// A file can hold the same version from the registry and from a repository; they are asked about apart.
		key := l.Path + "\x00" + string(l.Origin) + "\x00" + l.Commit
		i, ok := at[key]
		if !ok {
			at[key] = len(all)
			all = append(all, site{PackageLocation: l})
			continue
		}
		all[i].add(l)
	}
	slices.SortStableFunc(all, func(a, b site) int { return a.Compare(b.Location) })
	return all
}

// add joins a further place of the same file. The first line stands for all, told by the place that is easiest to
// change: a direct one, then one with a known chain. It is runtime if any of them is.
func (s *site) add(l inventory.PackageLocation) {
	first, second := s.Location, l.Location
	if second.Compare(first) < 0 {
		first, second = second, first
	}
	scope := joint(s.Scope, l.Scope)
	if better(l, s.PackageLocation) {
		s.PackageLocation = l
	}
	s.Location, s.Scope = first, scope
	s.also = append(s.also, second)
}

func better(a, b inventory.PackageLocation) bool {
	if a.Direct != b.Direct {
		return a.Direct
	}
	if (a.Manifest == nil) != (b.Manifest == nil) {
		return a.Manifest != nil
	}
	return len(a.Chain) > 0 && (len(b.Chain) == 0 || len(a.Chain) < len(b.Chain))
}

// joint is the scope of a package that is there twice: what is needed once at runtime is needed at runtime.
func joint(a, b inventory.Scope) inventory.Scope {
	order := []inventory.Scope{inventory.ScopeRuntime, inventory.ScopeUnknown, "", inventory.ScopeDevelopment}
	return order[min(max(slices.Index(order, a), 0), max(slices.Index(order, b), 0))]
}

// trouble is one group of advisories that applies to what one question asked about.
type trouble struct {
	question *question
	group    *group
}

// advisory is the group as it is told of the package in question.
func (t trouble) advisory(threats map[string]intel.Threat) scanner.Advisory {
	a := t.group.about(t.question.query)
	a.FixedVersions = t.group.fixedVersions(t.question)
	for _, id := range t.group.cves {
		threat := threats[id]
		a.KEV = a.KEV || threat.KEV
		if threat.EPSS != nil && (a.EPSS == nil || *a.EPSS < *threat.EPSS) {
			a.EPSS = threat.EPSS
		}
	}
	return a
}

// finding tells the trouble in one file.
func (t trouble) finding(at *site, a scanner.Advisory) scanner.Finding {
	pkg := t.question.pkg
	f := scanner.Finding{
		RuleID: a.ID, Kind: scanner.KindVulnerability, Severity: severity(&a, t.group), Pillar: scanner.PillarVulnerability,
		Subject: pkg.ID, Location: at.Location, Related: related(pkg, at), Advisory: &a, Scope: at.Scope,
		Called:         "not-analysed",
		FingerprintKey: []string{t.group.key, pkg.Ecosystem, pkg.Name, at.Path},
	}
	what := scanner.Plain(pkg.Name + " " + cmp.Or(pkg.Version, at.Commit))
	if via := through(at.Chain); via != "" {
		what += " (through " + via + ")"
	}
	which := a.ID
	if a.Summary != "" {
		which += " (" + a.Summary + ")"
	}
	remedy := "no fixed version is known"
	if t.group.malware {
		remedy = "remove it"
	}
	if len(a.FixedVersions) > 0 {
		f.Fix = upgrade(pkg, at, a.FixedVersions[0])
		remedy = "upgrade to " + a.FixedVersions[0]
	}
	if t.group.malware {
		f.Kind = scanner.KindMalware
		f.Message = fmt.Sprintf("%s is malware by %s; %s and treat every machine that installed it as compromised", what, which, remedy)
	} else {
		f.Message = fmt.Sprintf("%s is affected by %s; %s", what, which, remedy)
	}
	return f
}

func upgrade(pkg *inventory.Package, at *site, to string) *scanner.Fix {
	files := []string{at.Path}
	if at.Manifest != nil && at.Manifest.Path != at.Path {
		files = append(files, at.Manifest.Path)
	}
	change := &scanner.Upgrade{Ecosystem: pkg.Ecosystem, Package: pkg.Name, From: pkg.Version, To: to, Files: files}
	message := fmt.Sprintf("upgrade %s from %s to %s in %s", scanner.Plain(pkg.Name), scanner.Plain(pkg.Version), to, at.Path)
	if change.Breaking() {
		step := "a new major version"
		if strings.HasPrefix(strings.TrimPrefix(to, "v"), "0.") { // there is none before 1.0
			step = "which may not be compatible"
		}
		message = fmt.Sprintf("upgrade %s from %s to %s, %s, in %s", scanner.Plain(pkg.Name), scanner.Plain(pkg.Version), to, step, at.Path)
	}
	if via := through(at.Chain); via != "" {
		message += ", where " + via + " brings it in"
	}
	return &scanner.Fix{Message: message, Upgrade: change}
}

// related lists the manifest line of the direct package that brings the package in, then its other places in the file.
func related(pkg *inventory.Package, at *site) []scanner.Related {
	var all []scanner.Related
	if at.Manifest != nil {
		message := fmt.Sprintf("%s is asked for here", scanner.Plain(pkg.Name))
		if !at.Direct {
			message = fmt.Sprintf("%s comes in through %s, which is asked for here", scanner.Plain(pkg.Name), cmp.Or(through(at.Chain), "a package"))
		}
		all = append(all, scanner.Related{Location: *at.Manifest, Message: message})
	}
	const most = 10
	for _, l := range at.also[:min(len(at.also), most)] {
		all = append(all, scanner.Related{Location: l, Message: fmt.Sprintf("%s %s is also here", scanner.Plain(pkg.Name), scanner.Plain(pkg.Version))})
	}
	return all
}

// through names the packages between the root and the last of a chain; it is empty for a direct package.
func through(chain []string) string {
	if len(chain) < 3 {
		return ""
	}
	between := chain[1 : len(chain)-1]
	if len(between) > 4 {
		between = []string{between[0], between[1], "...", between[len(between)-1]}
	}
	return scanner.Plain(strings.Join(between, " > "))
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

func those(n int) string {
	if n == 1 {
		return "it"
	}
	return "them"
}

// some lists the first few names, sorted.
func some(names []string) string {
	names = slices.Compact(slices.Sorted(slices.Values(names)))
	const most = 5
	if n := len(names) - most; n > 0 {
		return scanner.Plain(fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), n))
	}
	return scanner.Plain(strings.Join(names, ", "))
}
