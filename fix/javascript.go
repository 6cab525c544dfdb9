package fix

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"deps.dev/util/semver"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// javascript returns a manager of packages of the npm registry whose lock file is read as a jsGraph.
func javascript(name string, lock string, open func(ctx context.Context, ws *Workspace, name string) (*Project, error), write func(ctx context.Context, job *Job) error) *Manager {
	return &Manager{
		Name:       name,
		Ecosystem:  "npm",
		Claims:     func(_ *Workspace, name string) bool { return path.Base(name) == lock },
		Open:       open,
		Registry:   newNPMRegistry,
		Admits:     npmAdmits,
		Raise:      npmRaise,
		Prerelease: npmPrerelease,
		Runs:       nodeRuns,
		Ways:       []How{HowLock, HowAncestor, HowOverride},
		Write:      write,
	}
}

// jsGraph is what a lock file of pnpm, yarn or bun says: which release meets which need. Changes are made here, in the
// same way for all of them, and each format writes down what differs afterwards.
type jsGraph struct {
	roots []*jsNode // the project, and then the members of its workspace
	nodes []*jsNode // packages in the order of the file, new ones last
	// keyed says that one text, name@range, is met by one package wherever it stands, as in yarn.
	keyed bool
	// aliases says that a package stands under each name by which it is asked for, as in Yarn 1.
	aliases bool
	// peers says that peers which nobody else brings are installed, and stand in the lock file like other needs.
	peers bool
	// forced is what the project asks for instead, by the name of a package: overrides that are for everybody.
	forced map[string]string
}

// jsNode is one package, or one manifest of the project.
type jsNode struct {
	name, version string
	as            string // the name that it stands under, where a format tells aliases apart
	origin        inventory.Origin
	line          int
	needs         []*jsNeed
	inside        string // the package whose archive holds this one
	dir           string // of a root: its folder, seen from the lock file
	manifest      string // of a root: its path

	was     string      // the version in the file; empty for one that is new
	release *npmVersion // what it is now, where that changed; nil for what stays
	gone    bool
	became  *jsNode // another package that was there already
	entry   any     // what the format keeps of it
}

// jsNeed is one need and what meets it.
type jsNeed struct {
	name     string // under which the package is asked for; an alias has another one
	spec     string // the range in the form of npm; empty where the file does not say
	list     string // the part of the manifest, or of the entry
	optional bool
	peer     bool
	forced   string // what an override asks for in the place of spec; empty for none
	to       *jsNode
	at       any // what the format keeps of it
}

// asks returns the range that counts.
func (n *jsNeed) asks() string { return cmp.Or(n.forced, n.spec) }

// jsProject is what a manager keeps of a project between reading and writing.
type jsProject struct {
	dir       string
	manifests []string // the root's first
}

// jsManifests reads the manifests of a project: that of the lock file's folder and those of the members of its workspace.
func jsManifests(ws *Workspace, dir string, patterns func(root *npmManifest) []string) ([]*npmManifest, error) {
	root, err := readManifest(ws, dir)
	if err != nil {
		return nil, err
	}
	if root == nil {
		return nil, fmt.Errorf("there is no package.json in %s", dir)
	}
	all, err := members(ws, root, dir, patterns(root))
	if err != nil {
		return nil, err
	}
	return append([]*npmManifest{root}, all...), nil
}

// root makes the node of a manifest. Needs of the registry alone have a range; peers are the affair of whoever uses it.
func (m *npmManifest) root(dir string) *jsNode {
	rel := path.Dir(m.path)
	if dir != "." {
		rel = cmp.Or(strings.TrimPrefix(strings.TrimPrefix(rel, dir), "/"), ".")
	}
	n := &jsNode{name: m.text.root.get("name").str(), dir: rel, manifest: m.path, origin: inventory.OriginPath}
	for _, list := range npmLists[:3] {
		object := m.text.root.get(list)
		if object == nil || object.kind != '{' {
			continue
		}
		for _, member := range object.members {
			if member.value.kind == '"' {
				n.needs = append(n.needs, &jsNeed{name: member.name, spec: member.value.text, list: list, optional: list == "optionalDependencies"})
			}
		}
	}
	return n
}

// project describes a graph as a plan reads it.
func (g *jsGraph) project(name string, manifests []*npmManifest) *Project {
	p := &Project{Path: name, Dir: path.Dir(name), Files: []string{name}}
	own := &jsProject{dir: p.Dir}
	for _, m := range manifests {
		own.manifests = append(own.manifests, m.path)
		p.Files = append(p.Files, m.path)
		for _, r := range m.requirements() {
			if r.List != "peerDependencies" {
				p.Requirements = append(p.Requirements, r)
			}
		}
	}
	p.Data = own
	if node := manifests[0].node; node != "" {
		p.Runtime = []Need{{Name: "node", Constraint: node}}
	}
	slices.Sort(p.Files)
	at := map[*jsNode]int{}
	for _, n := range g.nodes {
		at[n] = len(p.Packages)
		p.Packages = append(p.Packages, Locked{Name: n.name, Version: n.version, Origin: n.origin, Inside: n.inside, Location: inventory.Location{Path: name, Line: n.line}})
	}
	for _, n := range g.nodes {
		for _, need := range n.needs {
			constraint := need.asks()
			if g.forced[need.name] != "" {
				constraint = "*" // the line of the override decides, and is one of the requirements
			}
			if to, ok := at[need.to]; ok && to != at[n] {
				p.Packages[at[n]].Needs = append(p.Packages[at[n]].Needs, Edge{To: to, Constraint: constraint, Peer: need.peer})
			}
		}
	}
	return p
}

// fixedOverrides adds lines for the overrides that the project has already: one that names a package alone can be
// raised like any other line, and what else there is was somebody's decision.
func fixedOverrides(p *Project, m *npmManifest, list string, object *jsonValue) {
	if object == nil || object.kind != '{' {
		return
	}
	for _, member := range object.members {
		r := Requirement{Package: member.name, Constraint: member.value.str(), List: list, Location: inventory.Location{Path: m.path, Line: m.text.line(member.start)}}
		if member.value.kind != '"' || !npmName.MatchString(member.name) {
			continue
		}
		if _, err := npmAdmits(r.Constraint, "1.0.0"); err != nil {
			r.Fixed = fmt.Sprintf("%s overrides %s with %q, which is no range of versions", m.path, r.Package, r.Constraint)
		}
		p.Requirements = append(p.Requirements, r)
	}
}

// jsChange is one change of a graph.
type jsChange struct {
	*jsGraph
	ctx      context.Context
	job      *Job
	registry *npmRegistry
	// find returns the package that a format takes for a need, where it has rules of its own; nil for none.
	find func(from *jsNode, need *jsNeed) *jsNode
	// before are the packages that were needed before the change.
	before    map[*jsNode]bool
	changed   []*jsNode // other releases than before, and new packages
	overrides []override
	exact     bool // overrides ask for one version
	// amend returns a release as a package manager reads it, where that is not as it stands; nil for none.
	amend func(v *npmVersion) *npmVersion
}

func (c *jsChange) amended(v *npmVersion) *npmVersion {
	if c.amend == nil {
		return v
	}
	return c.amend(v)
}

// npmRegistryOf returns the registry of a job, without which no lock file of JavaScript can be written.
func npmRegistryOf(job *Job) (*npmRegistry, error) {
	registry, ok := job.Registry.(*npmRegistry)
	if !ok {
		return nil, errors.New("the lock file needs the digest of the new version, and the registry was not asked")
	}
	return registry, nil
}

// apply brings the targets in: every package of the old version becomes the new one, what that asks for is met by what is
// there or else by what the registry has, and what nobody asks for any more goes.
func (c *jsChange) apply() error {
	c.before = c.reached(nil)
	c.lines()
	if err := c.override(); err != nil {
		return err
	}
	var raised []*jsNode
	for _, t := range c.job.Targets {
		v, err := c.registry.version(c.ctx, t.Package, t.To)
		if err != nil {
			return fmt.Errorf("%s %s: %w", t.Package, t.To, err)
		}
		if err := vouched(t.Package, t.To, v); err != nil {
			return err
		}
		for _, n := range slices.Clone(c.nodes) {
			if n.gone || n.name != t.Package || n.version != t.From || n.origin != inventory.OriginRegistry || n.inside != "" {
				continue
			}
			if there := c.same(n, t.To); there != nil {
				c.redirect(n, there)
				continue
			}
			n.version, n.release = t.To, c.amended(v)
			raised = append(raised, n)
		}
	}
	for _, n := range raised {
		if err := c.meet(n); err != nil {
			return err
		}
	}
	if err := c.settleRoots(); err != nil {
		return err
	}
	after := c.reached(nil)
	for _, n := range c.nodes {
		if c.before[n] && !after[n] || n.was == "" && !after[n] {
			n.gone = true
		}
	}
	for _, n := range c.nodes {
		if !n.gone && (n.was == "" || n.release != nil) {
			c.changed = append(c.changed, n)
		}
	}
	return c.check()
}

// vouched returns an error where a release takes packages from an address or a repository.
func vouched(name, version string, v *npmVersion) error {
	for _, wants := range []npmWants{v.Dependencies, v.OptionalDependencies} {
		for _, need := range sortedKeys(wants) {
			if isForeign(wants[need]) {
				return fmt.Errorf("%s %s takes %s from %s, which nobody vouches for", name, version, need, wants[need])
			}
		}
	}
	return nil
}

// lines changes what manifests ask for.
func (c *jsChange) lines() {
	for _, t := range c.job.Targets {
		for _, line := range t.Lines {
			line = latest(c.job.Targets, line)
			if isOverride(line) {
				c.force(line)
				continue
			}
			for _, root := range c.roots {
				for _, need := range root.needs {
					if root.manifest == line.Location.Path && need.list == line.List && need.spec == line.Constraint && realName(need) == line.Package {
						need.spec = line.To
					}
				}
			}
		}
	}
}

// isOverride reports whether a line is one of the overrides of a project.
func isOverride(line Requirement) bool {
	return line.List == "resolutions" || line.List == "overrides" || line.List == "pnpm.overrides"
}

// force changes what an override asks for. pnpm writes it down in the place of what the manifest asks for.
func (c *jsChange) force(line Requirement) {
	if c.forced != nil {
		c.forced[line.Package] = line.To
	}
	for _, list := range [][]*jsNode{c.roots, c.nodes} {
		for _, n := range list {
			for _, need := range n.needs {
				switch {
				case need.name != line.Package:
				case need.forced == line.Constraint:
					need.forced = line.To
				case n.manifest != "" && need.spec == line.Constraint:
					need.spec = line.To
				}
			}
		}
	}
}

// realName returns the name of the package that a need is for.
func realName(need *jsNeed) string {
	if alias, _ := npmRange(need.asks()); alias != "" {
		return strings.TrimSuffix(strings.TrimPrefix(alias, "npm:"), "@")
	}
	return need.name
}

// same returns another package of the same name that is of a version already, in the same surroundings.
func (c *jsChange) same(n *jsNode, version string) *jsNode {
	for _, other := range c.nodes {
		if other != n && !other.gone && other.name == n.name && other.as == n.as && other.version == version && other.origin == n.origin && other.inside == "" {
			if surroundings(n) == surroundings(other) {
				return other
			}
		}
	}
	return nil
}

// jsSurroundings is what tells packages of one version apart: the peers that they found.
type jsSurroundings interface{ surroundings() string }

func surroundings(n *jsNode) string {
	if s, ok := n.entry.(jsSurroundings); ok {
		return s.surroundings()
	}
	return ""
}

// redirect lets everybody who needs a package take another one.
func (c *jsChange) redirect(from, to *jsNode) {
	for _, list := range [][]*jsNode{c.roots, c.nodes} {
		for _, n := range list {
			for _, need := range n.needs {
				if need.to == from {
					need.to = to
				}
			}
		}
	}
	from.gone, from.became = true, to
}

// meet gives a package of a new release the needs of that, and finds what meets them.
func (c *jsChange) meet(n *jsNode) error {
	old := n.needs
	n.needs = nil
	v := n.release
	for _, list := range []struct {
		name  string
		wants npmWants
	}{{"dependencies", v.Dependencies}, {"optionalDependencies", v.OptionalDependencies}} {
		for _, name := range sortedKeys(list.wants) {
			optional := list.name == "optionalDependencies"
			if _, both := v.OptionalDependencies[name]; both && !optional {
				continue
			}
			n.needs = append(n.needs, &jsNeed{name: name, spec: list.wants[name], list: list.name, optional: optional})
		}
	}
	if c.peers {
		for _, name := range sortedKeys(v.PeerDependencies) {
			if _, own := v.Dependencies[name]; !own {
				n.needs = append(n.needs, &jsNeed{name: name, spec: v.PeerDependencies[name], list: "peerDependencies", peer: true, optional: v.PeerDependenciesMeta[name].Optional})
			}
		}
	}
	for _, need := range n.needs {
		var known *jsNeed
		for _, before := range old {
			if before.name == need.name && before.to != nil && !before.to.gone {
				known = before
				need.to, need.forced = before.to, before.forced
			}
		}
		if err := c.resolve(n, need); err != nil {
			return err
		}
		if known != nil && known.to == need.to {
			need.at = known.at
		}
	}
	if !c.peers { // where peers are among what a package found, they stay
		for _, before := range old {
			_, peer := v.PeerDependencies[before.name]
			_, own := v.Dependencies[before.name]
			_, optional := v.OptionalDependencies[before.name]
			if peer && !own && !optional {
				n.needs = append(n.needs, before)
			}
		}
	}
	return nil
}

// resolve finds what meets a need: what did before, what the format says, another package that is there, the registry.
func (c *jsChange) resolve(from *jsNode, need *jsNeed) error {
	if need.forced == "" {
		need.forced = c.forced[need.name]
	}
	fits := func(n *jsNode) bool {
		if n == nil || n.gone || n.name != realName(need) {
			return false
		}
		ok, err := npmAdmits(need.asks(), n.version)
		return err == nil && ok
	}
	if c.find != nil {
		if to := c.find(from, need); to != nil && (fits(to) || to.origin != inventory.OriginRegistry) {
			need.to = to
			return nil
		}
	}
	if c.keyed {
		if to := c.keyedAs(need); to != nil {
			need.to = to
			return nil
		}
	}
	if fits(need.to) {
		return nil
	}
	need.to = nil
	if need.peer && need.optional {
		return nil
	}
	if c.find == nil || c.keyed {
		for _, n := range c.nodes {
			if fits(n) && (n.as == "" || n.as == need.name) && n.origin == inventory.OriginRegistry && n.inside == "" && (need.to == nil || later("npm", n.version, need.to.version)) {
				need.to = n
			}
		}
		if need.to != nil {
			return nil
		}
	}
	return c.bring(from, need)
}

// keyedAs returns what meets the same text elsewhere.
func (c *jsChange) keyedAs(need *jsNeed) *jsNode {
	for _, list := range [][]*jsNode{c.roots, c.nodes} {
		for _, n := range list {
			if n.gone {
				continue
			}
			for _, other := range n.needs {
				if other != need && other.to != nil && !other.to.gone && other.name == need.name && other.asks() == need.asks() {
					return other.to
				}
			}
		}
	}
	return nil
}

// bring adds the release of the registry that meets a need, with all that it asks for.
func (c *jsChange) bring(from *jsNode, need *jsNeed) error {
	name := realName(need)
	version, v, err := c.newest(name, need.asks())
	if err != nil {
		if need.optional {
			return nil
		}
		return fmt.Errorf("%s asks for %s %s: %w", from.name, name, orAny(need.asks()), err)
	}
	if err := vouched(name, version, v); err != nil {
		return err
	}
	if len(c.nodes) > maxGraph {
		return errors.New("the new version brings too many packages along")
	}
	n := &jsNode{name: name, version: version, origin: inventory.OriginRegistry, release: c.amended(v)}
	if c.aliases {
		n.as = need.name
	}
	c.nodes = append(c.nodes, n)
	need.to = n
	return c.meet(n)
}

// maxGraph bounds the packages of one lock file.
const maxGraph = 100_000

// newest returns the release that a package manager would take now, if it kept to the cool-down: the newest that is
// admitted, and the one that the registry recommends where that is.
func (c *jsChange) newest(name, spec string) (string, *npmVersion, error) {
	p, err := c.registry.get(c.ctx, name)
	if err != nil {
		return "", nil, err
	}
	_, constraint := npmRange(spec)
	if tagged, ok := p.Tags[constraint]; ok && npmTag.MatchString(constraint) {
		spec = tagged
	}
	var limit time.Time
	if !c.job.Env.Now.IsZero() && c.job.CoolDown > 0 {
		limit = c.job.Env.Now.Add(-c.job.CoolDown)
	}
	usable := func(version string) bool {
		v := p.Versions[version]
		if v == nil || !limit.IsZero() && p.Time[version].After(limit) {
			return false
		}
		if _, err := semver.NPM.Parse(version); err != nil {
			return false
		}
		ok, err := npmAdmits(spec, version)
		return err == nil && ok
	}
	best, standing := "", -1
	for _, version := range slices.Sorted(maps.Keys(p.Versions)) {
		if !usable(version) {
			continue
		}
		at := c.standing(p.Versions[version], version)
		if version == p.Tags["latest"] && at == 3 {
			at++
		}
		if at > standing || at == standing && later("npm", version, best) {
			best, standing = version, at
		}
	}
	if best == "" {
		return "", nil, errors.New("the registry has no release of that range that is old enough to be taken")
	}
	return best, p.Versions[best], nil
}

// standing says how well a release would do: whether it is one for everybody, is not deprecated, and runs.
func (c *jsChange) standing(v *npmVersion, version string) int {
	n := 0
	if !npmPrerelease(version) {
		n++
	}
	if s, ok := v.Deprecated.(string); !ok || s == "" {
		n++
	}
	engine := v.engines()["node"]
	if engine == "" || !slices.ContainsFunc(c.job.Project.Runtime, func(have Need) bool { return !nodeRuns(have.Constraint, engine) }) {
		n++
	}
	return n
}

// settleRoots finds what meets the lines of manifests that changed.
func (c *jsChange) settleRoots() error {
	for _, root := range c.roots {
		for _, need := range root.needs {
			if need.to == nil || need.to.origin != inventory.OriginRegistry || need.to.gone {
				continue
			}
			if ok, err := npmAdmits(need.asks(), need.to.version); err == nil && !ok {
				if err := c.resolve(root, need); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// reached returns the packages that the project needs, over the needs for which follow is true; nil follows all.
func (g *jsGraph) reached(follow func(from *jsNode, need *jsNeed) bool) map[*jsNode]bool {
	found := map[*jsNode]bool{}
	var visit func(n *jsNode)
	visit = func(n *jsNode) {
		for _, need := range n.needs {
			if need.to == nil || found[need.to] || need.to.gone || follow != nil && !follow(n, need) {
				continue
			}
			found[need.to] = true
			visit(need.to)
		}
	}
	for _, root := range g.roots {
		visit(root)
	}
	return found
}

// check looks whether everybody who needs a changed package admits it: a lock file that says otherwise is none.
func (c *jsChange) check() error {
	for _, list := range [][]*jsNode{c.roots, c.nodes} {
		for _, n := range list {
			if n.gone {
				continue
			}
			for _, need := range n.needs {
				if need.to == nil || need.to.release == nil || need.asks() == "" || need.peer {
					continue
				}
				if ok, err := npmAdmits(need.asks(), need.to.version); err == nil && !ok {
					who := cmp.Or(strings.TrimSpace(n.name+" "+n.version), n.manifest)
					return fmt.Errorf("%s asks for %s %s, which %s is not", who, need.name, need.asks(), need.to.version)
				}
			}
		}
	}
	return nil
}

// rootManifest returns the path and the present text of the package.json that stands beside the lock file.
func (job *Job) rootManifest() (string, *jsonText, error) {
	root := job.Project.Data.(*jsProject).manifests[0]
	data, err := job.Workspace.ReadFile(root)
	if err != nil {
		return "", nil, err
	}
	text, err := parseJSON(data)
	if err != nil {
		return "", nil, fmt.Errorf("%s: %w", root, err)
	}
	return root, text, nil
}
