package fix

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/trifecta-scanner/trifecta/advisory"
	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/scanner"
)

// Majors says when a change may bring a new major version.
type Majors string

// The choices of Majors.
const (
	MajorsAlways Majors = "always" // marked, but taken where they clear more
	MajorsAct    Majors = "act"    // only where nothing else clears a finding of tier act
	MajorsNever  Majors = "never"
)

// Grouping says what one change holds.
type Grouping string

// The choices of Grouping.
const (
	GroupPackage   Grouping = "package"   // one direct package in one project
	GroupEcosystem Grouping = "ecosystem" // all packages of an ecosystem
	GroupAll       Grouping = "all"       // all packages
)

// DefaultCoolDown is how old a release must be: most malicious ones are found and taken down before.
const DefaultCoolDown = 3 * 24 * time.Hour

// Options say what a plan may do.
type Options struct {
	// Env is what the plan may ask; nil asks nothing, and versions are then those that advisories name.
	Env *Env
	// Advisories is asked whether a version that is not in the tree is affected, or malware. nil leaves it at what the
	// findings say.
	Advisories advisory.Database
	Majors     Majors        // MajorsAlways
	Grouping   Grouping      // GroupPackage
	CoolDown   time.Duration // DefaultCoolDown; negative is none
}

// Plan is the smallest set of changes that clears the most, and what it does not clear.
type Plan struct {
	Changes []Change           `json:"changes"` // the most urgent first
	Unfixed []Unfixed          `json:"unfixed"`
	Notices []inventory.Notice `json:"notices"`
	// Asked says that registries were. Without, whether a version was published, and when, is what advisories imply.
	Asked bool `json:"asked"`

	registries registries
	coolDown   time.Duration
}

// MakePlan plans changes for the findings of a scan of the tree. What can't be fixed is part of the plan, with the
// reason; the error is that of a context that ended.
func MakePlan(ctx context.Context, tree *inventory.Tree, res *scanner.Result, opts Options) (*Plan, error) {
	opts.Majors = cmp.Or(opts.Majors, MajorsAlways)
	opts.Grouping = cmp.Or(opts.Grouping, GroupPackage)
	opts.CoolDown = cmp.Or(opts.CoolDown, DefaultCoolDown)
	if opts.Env == nil {
		opts.Env = &Env{}
	}
	p := &planner{ctx: ctx, ws: NewWorkspace(tree), res: res, opts: opts, changes: map[string]*Change{}}
	p.plan = &Plan{Changes: []Change{}, Unfixed: []Unfixed{}, Notices: []inventory.Notice{}, Asked: opts.Env.Client != nil}
	p.plan.registries, p.plan.coolDown = registries{env: opts.Env}, opts.CoolDown
	p.packages()
	p.edits()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	p.finish()
	return p.plan, nil
}

// planner is one run of MakePlan.
type planner struct {
	ctx     context.Context
	ws      *Workspace
	res     *scanner.Result
	opts    Options
	plan    *Plan
	changes map[string]*Change // by key
	known   verdicts
}

// packages plans the upgrades of all projects.
func (p *planner) packages() {
	byPath := map[string][]*scanner.Finding{}
	var paths []string
	for i := range p.res.Findings {
		f := &p.res.Findings[i]
		if f.Status == scanner.StatusSuppressed || f.Kind != scanner.KindVulnerability && f.Kind != scanner.KindMalware || p.isImage(f) {
			continue
		}
		if byPath[f.Location.Path] == nil {
			paths = append(paths, f.Location.Path)
		}
		byPath[f.Location.Path] = append(byPath[f.Location.Path], f)
	}
	slices.Sort(paths)
	for _, path := range paths {
		if p.ctx.Err() != nil {
			return
		}
		p.project(path, byPath[path])
	}
}

// project plans the upgrades of one lock file.
func (p *planner) project(path string, findings []*scanner.Finding) {
	m := ManagerOf(p.ws, path)
	if m == nil {
		findings = p.bill(path, findings)
	}
	if m == nil {
		p.unfixed("no-manager", "no package manager that trifecta can write owns this file", findings...)
		return
	}
	project, err := m.Open(p.ctx, p.ws, path)
	if err != nil {
		p.unfixed("unreadable", scanner.Plain(err.Error()), findings...)
		return
	}
	project.Manager = m
	p.solveAll(project, findings, "")
}

// solveAll plans the upgrades of one project. bill names the bill of materials that the findings are from, where they are
// of one.
func (p *planner) solveAll(project *Project, findings []*scanner.Finding, bill string) {
	m := project.Manager
	s := &solver{planner: p, project: project, manager: m, planned: raised{}, owner: map[string]string{}, bill: bill}
	var err error
	if s.registry, err = p.plan.registries.of(p.ctx, m); err != nil {
		p.notice("registry-not-asked", project.Path, fmt.Sprintf("the registry of %s was not asked: %s", m.Name, scanner.Plain(err.Error())))
	}
	troubles := p.troubles(project, findings)
	s.ahead(troubles)
	for _, t := range troubles {
		s.solve(t)
	}
}

// trouble is one version of one package in one project with all that is known against it.
type trouble struct {
	name, from string
	findings   []*scanner.Finding
	nodes      []int         // of Project.Packages
	lines      []Requirement // that resolve to it
	ecosystem  string
}

// tier returns the most urgent tier of the findings.
func (t *trouble) tier() scanner.Tier {
	tier := scanner.TierTrack
	for _, f := range t.findings {
		if f.Tier.AtLeast(tier) {
			tier = f.Tier
		}
	}
	return tier
}

// troubles joins the findings of a project by package and version: direct packages first, because raising them can
// bring in what indirect ones need, then by urgency.
func (p *planner) troubles(project *Project, findings []*scanner.Finding) []*trouble {
	var all []*trouble
	at := map[string]*trouble{}
	for _, f := range findings {
		pkg := p.res.Package(f.Subject)
		if pkg == nil {
			p.unfixed("no-package", "the result does not hold the package that it speaks of", f)
			continue
		}
		key := pkg.Name + "\x00" + pkg.Version
		t := at[key]
		if t == nil {
			t = &trouble{name: pkg.Name, from: pkg.Version, ecosystem: pkg.Ecosystem}
			for i := range project.Packages {
				if l := &project.Packages[i]; l.Name == t.name && l.Version == t.from {
					t.nodes = append(t.nodes, i)
				}
			}
			t.lines = project.linesFor(t.name, t.from)
			at[key] = t
			all = append(all, t)
		}
		t.findings = append(t.findings, f)
	}
	slices.SortStableFunc(all, func(a, b *trouble) int {
		indirect := func(t *trouble) int {
			if len(t.lines) > 0 {
				return 0
			}
			return 1
		}
		return cmp.Or(
			cmp.Compare(indirect(a), indirect(b)),
			cmp.Compare(slices.Index(scanner.Tiers, a.tier()), slices.Index(scanner.Tiers, b.tier())),
			strings.Compare(a.name, b.name), strings.Compare(a.from, b.from),
		)
	})
	return all
}

// linesFor returns the requirements that a version of a package meets: those that admit it, or, where none can be
// read, those of its name.
func (p *Project) linesFor(name, version string) []Requirement {
	var all []Requirement
	for _, r := range p.Requirements {
		if !p.Manager.same(r.Package, name) {
			continue
		}
		if p.Manager.Admits != nil && r.Constraint != "" {
			if ok, err := p.Manager.Admits(r.Constraint, version); err == nil && !ok {
				continue
			}
		}
		all = append(all, r)
	}
	return all
}

// edits plans the findings that say themselves which lines to change: one rule in one module is one change.
func (p *planner) edits() {
	p.moves()
	for i := range p.res.Findings {
		f := &p.res.Findings[i]
		if f.Status == scanner.StatusSuppressed || (f.Kind == scanner.KindVulnerability || f.Kind == scanner.KindMalware) && !p.isImage(f) {
			continue
		}
		if f.Fix == nil || len(f.Fix.Edits) == 0 {
			if f.Fix != nil {
				p.unfixed("no-edit", cmp.Or(scanner.Plain(f.Fix.Message), "there is no edit that makes it right"), f)
			}
			continue
		}
		if b := f.Fix.Bump; b != nil {
			if !b.Major {
				p.bump(f)
			}
			continue
		}
		kind := KindRule
		switch f.Kind {
		case scanner.KindImage:
			kind = KindImage
		case scanner.KindMachineImage:
			kind = KindMachineImage
		}
		fresh := NewChange(kind, f.RuleID, folderOf(f.Location.Path))
		if kind != KindRule {
			fresh = NewChange(kind, series(f), folderOf(f.Location.Path))
		}
		c := p.change(fresh)
		c.Title = cmp.Or(c.Title, sentence(scanner.Plain(f.Fix.Message)))
		for _, e := range f.Fix.Edits {
			if !slices.Contains(c.Edits, e) {
				c.Edits = append(c.Edits, e)
			}
		}
		c.clear(f)
	}
}

// sentence begins with a capital.
func sentence(text string) string {
	first, size := utf8.DecodeRuneInString(text)
	if size == 0 {
		return text
	}
	return string(unicode.ToUpper(first)) + text[size:]
}

// series names what an image finding is about without its version: the repository of a reference.
func series(f *scanner.Finding) string {
	name, _, _ := strings.Cut(string(f.Subject), "@")
	if i := strings.LastIndexByte(name, ':'); i > strings.LastIndexByte(name, '/') {
		name = name[:i]
	}
	return name
}

func folderOf(name string) string {
	if i := strings.LastIndexByte(name, '/'); i >= 0 {
		return name[:i]
	}
	return "."
}

// change returns the change with the key of fresh, which is taken if there is none yet.
func (p *planner) change(fresh Change) *Change {
	if c := p.changes[fresh.Key]; c != nil {
		return c
	}
	p.changes[fresh.Key] = &fresh
	return &fresh
}

// clear notes that the change clears a finding.
func (c *Change) clear(f *scanner.Finding) {
	if slices.ContainsFunc(c.Clears, func(g Finding) bool { return g.Fingerprint == f.Fingerprint }) {
		return
	}
	if len(c.Clears) == 0 || f.Tier.AtLeast(c.Tier) && (f.Tier != c.Tier || f.Score > c.Score) {
		c.Tier, c.Score = f.Tier, f.Score
	}
	c.Clears = append(c.Clears, about(f, ""))
}

func (p *planner) unfixed(code, why string, findings ...*scanner.Finding) {
	for _, f := range findings {
		p.plan.Unfixed = append(p.plan.Unfixed, Unfixed{Finding: about(f, why), Code: code})
	}
}

func (p *planner) notice(code, path, message string) {
	p.plan.Notices = append(p.plan.Notices, inventory.Notice{Code: code, Message: message, Location: &inventory.Location{Path: path}})
}

// finish groups the changes and puts everything in order.
func (p *planner) finish() {
	for _, c := range p.changes {
		if err := p.joinEdits(c); err != nil {
			for _, f := range c.Clears {
				f.Why = scanner.Plain(err.Error())
				p.plan.Unfixed = append(p.plan.Unfixed, Unfixed{Finding: f, Code: "conflict"})
			}
			continue
		}
		c.settle()
		p.plan.Changes = append(p.plan.Changes, *c)
	}
	slices.SortFunc(p.plan.Changes, func(a, b Change) int { return a.compare(&b) })
	p.plan.Changes = grouped(p.plan.Changes, p.opts.Grouping)
	p.plan.sortUnfixed()
	if !p.plan.Asked && slices.ContainsFunc(p.plan.Changes, func(c Change) bool { return len(c.Upgrades) > 0 }) {
		p.plan.Notices = append(p.plan.Notices, inventory.Notice{
			Code:    "registry-not-asked",
			Message: "registries were not asked: versions are those that advisories name, and whether they were published, withdrawn or fit beside the others is not known",
		})
	}
	inventory.SortNotices(p.plan.Notices)
}

// sortUnfixed puts the most urgent first.
func (p *Plan) sortUnfixed() {
	slices.SortStableFunc(p.Unfixed, func(a, b Unfixed) int {
		return cmp.Or(
			cmp.Compare(slices.Index(scanner.Tiers, a.Tier), slices.Index(scanner.Tiers, b.Tier)),
			cmp.Compare(b.Score, a.Score), a.Location.Compare(b.Location), strings.Compare(a.RuleID, b.RuleID),
		)
	})
}

// sortFindings puts the most urgent first.
func sortFindings(list []Finding) {
	slices.SortStableFunc(list, func(a, b Finding) int {
		return cmp.Or(
			cmp.Compare(slices.Index(scanner.Tiers, a.Tier), slices.Index(scanner.Tiers, b.Tier)),
			cmp.Compare(b.Score, a.Score), strings.Compare(a.RuleID, b.RuleID), a.Location.Compare(b.Location),
		)
	})
}

// settle completes a change once all its parts are known.
func (c *Change) settle() {
	slices.SortStableFunc(c.Upgrades, func(a, b Upgrade) int {
		return cmp.Or(strings.Compare(a.Path, b.Path), cmp.Compare(rank(a.How), rank(b.How)), strings.Compare(a.Package, b.Package), strings.Compare(a.From, b.From))
	})
	slices.SortStableFunc(c.Edits, func(a, b scanner.Edit) int {
		return cmp.Or(strings.Compare(a.Path, b.Path), cmp.Compare(a.Line, b.Line))
	})
	for _, u := range c.Upgrades {
		c.Major = c.Major || u.Major
	}
	c.settleBumps()
	if c.Title == "" && len(c.Upgrades) > 0 {
		c.Title = title(c.Upgrades, c.main)
	}
	if c.Kind == KindRule && len(c.Edits) > 0 {
		place := c.Edits[0].Path
		if c.Edits[len(c.Edits)-1].Path != place {
			place = folderOf(place)
		}
		if where := " in " + scanner.Plain(place); place != "." && !strings.HasSuffix(c.Title, where) {
			c.Title += where
		}
	}
	for _, r := range c.told {
		// Where another finding wants a later version, what was said of the earlier one holds no more.
		if !slices.ContainsFunc(c.Upgrades, func(u Upgrade) bool {
			return u.Path == r.path && u.Package == r.name && u.From == r.from && u.To != r.to
		}) {
			c.Reasons = append(c.Reasons, r.text)
		}
	}
	c.Reasons = compact(c.Reasons)
	for _, list := range []*[]Finding{&c.Clears, &c.Remains} {
		sortFindings(*list)
		if *list == nil {
			*list = []Finding{}
		}
	}
	if c.Upgrades == nil {
		c.Upgrades = []Upgrade{}
	}
	if c.Edits == nil {
		c.Edits = []scanner.Edit{}
	}
	if c.Reasons == nil {
		c.Reasons = []string{}
	}
	if c.Files == nil {
		c.Files = []string{}
	}
}

func rank(h How) int { return slices.Index([]How{HowDirect, HowAncestor, HowLock, HowOverride}, h) }

// compact drops what was said before, keeping the order.
func compact(list []string) []string {
	var all []string
	for _, s := range list {
		if !slices.Contains(all, s) {
			all = append(all, s)
		}
	}
	return all
}

// title says in one line what a change does; main is the package that it is named after.
func title(upgrades []Upgrade, main string) string {
	u := upgrades[0]
	for _, v := range upgrades {
		if v.Package == main {
			u = v
			break
		}
	}
	verb := "Upgrade"
	if u.How == HowOverride {
		verb = "Override"
	}
	name := u.Package
	if u.Ecosystem == Go.Ecosystem && name == "stdlib" {
		name = "Go" // the standard library comes with it
	}
	text := fmt.Sprintf("%s %s from %s to %s", verb, name, u.From, u.To)
	if dir := folderOf(u.Path); dir != "." {
		text += " in " + dir
	}
	return scanner.Plain(text)
}

// grouped joins changes as the user wants them joined. Changes are in order; a group stands where its first one does.
func grouped(changes []Change, by Grouping) []Change {
	if by == GroupPackage {
		return changes
	}
	var all []Change
	at := map[string]int{}
	for _, c := range changes {
		if c.Kind != KindPackage || len(c.Upgrades) == 0 {
			all = append(all, c)
			continue
		}
		parts := []string{c.Upgrades[0].Ecosystem}
		if by == GroupAll {
			parts = []string{"all"}
		}
		i, ok := at[strings.Join(parts, "\x00")]
		if !ok {
			at[strings.Join(parts, "\x00")] = len(all)
			fresh := NewChange(KindPackage, append([]string{"group"}, parts...)...)
			c.Key, c.Parts = fresh.Key, []string{c.Key}
			all = append(all, c)
			continue
		}
		all[i].join(c)
	}
	for i := range all {
		all[i].settle()
	}
	return all
}

// join adds another change to this one.
func (c *Change) join(d Change) {
	c.Parts = append(c.Parts, d.Key)
	for _, u := range d.Upgrades {
		c.upgrade(u, u.Ecosystem)
	}
	c.Clears = append(c.Clears, d.Clears...)
	c.Remains = append(c.Remains, d.Remains...)
	c.Reasons = append(c.Reasons, d.Reasons...)
	for _, j := range d.jobs {
		c.add(j.project, j.targets...)
	}
	c.told = append(c.told, d.told...)
	for fingerprint, why := range d.unseen {
		if c.unseen == nil {
			c.unseen = map[string]string{}
		}
		c.unseen[fingerprint] = why
	}
	c.others = nil // they are ways of one upgrade
	names, ecosystems := map[string]bool{}, map[string]bool{}
	for _, u := range c.Upgrades {
		names[u.Package], ecosystems[u.Ecosystem] = true, true
	}
	c.Title = scanner.Plain(fmt.Sprintf("Upgrade %d packages of %s", len(names), strings.Join(sortedKeys(ecosystems), ", ")))
}
