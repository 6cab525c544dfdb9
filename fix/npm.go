package fix

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// NPM writes package.json with package-lock.json or npm-shrinkwrap.json, of lock file versions 1 to 3.
//
// The entry of the raised package is written natively, with what the registry states. Where the packages that it asks
// for are all there, in versions that it admits, that is the whole change. Else npm completes the lock file in a copy:
// npm install --package-lock-only --ignore-scripts, without the project's configuration, and without git.
var NPM = &Manager{
	Name:       "npm",
	Ecosystem:  "npm",
	Claims:     func(_ *Workspace, name string) bool { return isNPMLock(name) },
	Open:       openNPM,
	Registry:   newNPMRegistry,
	Admits:     npmAdmits,
	Raise:      npmRaise,
	Prerelease: npmPrerelease,
	Runs:       nodeRuns,
	Ways:       []How{HowLock, HowAncestor, HowOverride},
	Write:      writeNPM,
}

// PackageJSON writes a package.json that no lock file stands beside: only lines that name one version are findings.
var PackageJSON = &Manager{
	Name:       "package.json",
	Ecosystem:  "npm",
	Claims:     func(_ *Workspace, name string) bool { return path.Base(name) == "package.json" },
	Open:       openPackageJSON,
	Registry:   newNPMRegistry,
	Admits:     npmAdmits,
	Raise:      npmRaise,
	Prerelease: npmPrerelease,
	Runs:       nodeRuns,
	Write: func(_ context.Context, job *Job) error {
		return writeManifests(job.Workspace, job.Targets)
	},
}

func isNPMLock(name string) bool {
	base := path.Base(name)
	return base == "package-lock.json" || base == "npm-shrinkwrap.json"
}

// npmLists are the parts of a manifest that ask for packages.
var npmLists = []string{"dependencies", "devDependencies", "optionalDependencies", "peerDependencies"}

// npmManifest is a package.json as far as fixes need it.
type npmManifest struct {
	path       string
	text       *jsonText
	workspaces []string
	node       string
}

// readManifest reads the package.json of a folder; nil where there is none.
func readManifest(ws *Workspace, dir string) (*npmManifest, error) {
	name := path.Join(dir, "package.json")
	data, err := ws.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	text, err := parseJSON(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	m := &npmManifest{path: name, text: text, node: text.root.get("engines").get("node").str()}
	list := text.root.get("workspaces")
	if list != nil && list.kind == '{' {
		list = list.get("packages")
	}
	if list != nil && list.kind == '[' {
		for _, e := range list.members {
			m.workspaces = append(m.workspaces, e.value.str())
		}
	}
	return m, nil
}

// requirements returns the lines of the manifest that ask for packages of a registry, and of others why they stay.
func (m *npmManifest) requirements() []Requirement {
	var all []Requirement
	for _, list := range npmLists {
		object := m.text.root.get(list)
		if object == nil || object.kind != '{' {
			continue
		}
		for _, member := range object.members {
			if member.value.kind != '"' {
				continue
			}
			r := Requirement{
				Package: member.name, Constraint: member.value.text, List: list,
				Location: inventory.Location{Path: m.path, Line: m.text.line(member.start)},
			}
			if alias, _ := npmRange(r.Constraint); alias != "" {
				r.Package = strings.TrimSuffix(strings.TrimPrefix(alias, "npm:"), "@")
			}
			if _, err := npmAdmits(r.Constraint, "1.0.0"); err != nil {
				r.Fixed = fmt.Sprintf("%s asks for %s as %q, which is no range of versions", m.path, r.Package, r.Constraint)
			}
			all = append(all, r)
		}
	}
	return all
}

// members returns the manifests of a workspace's members, in order of their folders. Only folders of the walk count, so
// that a pattern such as ../../* finds nothing.
func members(ws *Workspace, root *npmManifest, dir string, patterns []string) ([]*npmManifest, error) {
	var all []*npmManifest
	if len(patterns) == 0 {
		return nil, nil
	}
	for _, name := range ws.Tree().Named("package.json") {
		rel := path.Dir(name)
		if dir != "." {
			var ok bool
			if rel, ok = strings.CutPrefix(rel, dir+"/"); !ok {
				continue
			}
		}
		if name == root.path || strings.Contains("/"+name, "/node_modules/") || !isMember(patterns, rel) {
			continue
		}
		m, err := readManifest(ws, path.Dir(name))
		if err != nil {
			return nil, err
		}
		all = append(all, m)
	}
	return all, nil
}

func isMember(patterns []string, dir string) bool {
	member := false
	for _, pattern := range patterns {
		pattern, negated := strings.CutPrefix(pattern, "!")
		if ok, err := doublestar.Match(path.Clean(pattern), dir); ok && err == nil {
			member = !negated
		}
	}
	return member
}

// npmProject is what openNPM keeps for writeNPM.
type npmProject struct {
	dir       string
	manifests []string // the root's first
}

func openNPM(_ context.Context, ws *Workspace, name string) (*Project, error) {
	dir := path.Dir(name)
	data, err := ws.ReadFile(name)
	if err != nil {
		return nil, err
	}
	lock, err := parseNPMLock(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	root, err := readManifest(ws, dir)
	if err != nil {
		return nil, err
	}
	if root == nil {
		return nil, fmt.Errorf("there is no package.json beside %s", name)
	}
	all, err := members(ws, root, dir, root.workspaces)
	if err != nil {
		return nil, err
	}
	all = append([]*npmManifest{root}, all...)
	own := &npmProject{dir: dir}
	p := &Project{Path: name, Dir: dir, Files: []string{name}, Data: own}
	for _, m := range all {
		own.manifests = append(own.manifests, m.path)
		p.Files = append(p.Files, m.path)
		p.Requirements = append(p.Requirements, m.requirements()...)
	}
	// Packages that stand in folders of the project have manifests that npm reads.
	for _, n := range lock.nodes {
		if n.link == "" || strings.HasPrefix(n.link, "..") {
			continue
		}
		if manifest := path.Join(dir, n.link, "package.json"); ws.Has(manifest) && !slices.Contains(p.Files, manifest) {
			p.Files = append(p.Files, manifest)
		}
	}
	slices.Sort(p.Files)
	if root.node != "" {
		p.Runtime = []Need{{Name: "node", Constraint: root.node}}
	}
	lock.fill(p)
	return p, nil
}

// fill lists the packages of the lock file with what they need.
func (l *npmLock) fill(p *Project) {
	at := map[*npmNode]int{}
	for _, folder := range l.order {
		n := l.nodes[folder]
		if folder == "" || n.link != "" {
			continue
		}
		at[n] = len(p.Packages)
		p.Packages = append(p.Packages, Locked{
			Name: n.name, Version: n.version, Origin: n.origin(), Inside: l.inside(n),
			Location: inventory.Location{Path: p.Path, Line: n.line},
		})
	}
	for _, folder := range l.order {
		n := l.nodes[folder]
		i, ok := at[n]
		if !ok {
			continue
		}
		for _, list := range []struct {
			wants map[string]string
			peer  bool
		}{{n.needs, false}, {n.peers, true}} {
			for _, name := range sortedKeys(list.wants) {
				if to, ok := at[l.find(folder, name)]; ok && to != i {
					p.Packages[i].Needs = append(p.Packages[i].Needs, Edge{To: to, Constraint: list.wants[name], Peer: list.peer})
				}
			}
		}
	}
}

// inside returns the package whose archive holds a bundled one, with its version.
func (l *npmLock) inside(n *npmNode) string {
	if !n.bundled {
		return ""
	}
	for at := folderAbove(n.at); at != ""; at = folderAbove(at) {
		if above := l.nodes[at]; above != nil && !above.bundled {
			return above.name + " " + above.version
		}
	}
	return "the package above it"
}

// origin tells the project's own folders and packages from elsewhere from those of a registry.
func (n *npmNode) origin() inventory.Origin {
	switch {
	case !strings.Contains("/"+n.at, "/node_modules/"):
		return inventory.OriginPath
	case strings.HasPrefix(n.resolved, "git"), strings.HasPrefix(n.version, "git"), strings.HasPrefix(n.version, "github:"):
		return inventory.OriginGit
	case strings.HasPrefix(n.resolved, "file:"), strings.HasPrefix(n.version, "file:"):
		return inventory.OriginPath
	}
	return inventory.OriginRegistry
}

func openPackageJSON(_ context.Context, ws *Workspace, name string) (*Project, error) {
	m, err := readManifest(ws, path.Dir(name))
	if err != nil {
		return nil, err
	}
	if m == nil {
		return nil, fmt.Errorf("%s is gone", name)
	}
	p := &Project{Path: name, Dir: path.Dir(name), Files: []string{name}, Requirements: m.requirements()}
	if m.node != "" {
		p.Runtime = []Need{{Name: "node", Constraint: m.node}}
	}
	return p, nil
}

// writeManifests changes the lines of package.json files that the targets name.
func writeManifests(ws *Workspace, targets []Target) error {
	changed := map[string]*jsonText{}
	seen := map[linePlace]bool{}
	for _, t := range targets {
		for _, line := range t.Lines {
			name := line.Location.Path
			if path.Base(name) != "package.json" {
				continue // such as the catalogs of pnpm, which have a file of their own
			}
			// Two versions of a package may meet one line, which then asks for the later one.
			if line = latest(targets, line); seen[placeOf(line)] {
				continue
			}
			seen[placeOf(line)] = true
			text := changed[name]
			if text == nil {
				data, err := ws.ReadFile(name)
				if err != nil {
					return err
				}
				if text, err = parseJSON(data); err != nil {
					return fmt.Errorf("%s: %w", name, err)
				}
				changed[name] = text
			}
			if !setWant(text, text.root.below(line.List), line) {
				return fmt.Errorf("%s no longer asks for %s", name, line.Package)
			}
		}
	}
	return writeTexts(ws, changed)
}

// linePlace tells the lines of manifests apart: aliases ask for one package in several lines.
type linePlace struct {
	at         inventory.Location
	list, name string
}

func placeOf(r Requirement) linePlace { return linePlace{r.Location, r.List, r.Package} }

// latest returns the line as the target that raises it most has it.
func latest(targets []Target, line Requirement) Requirement {
	best := ""
	for _, t := range targets {
		for _, other := range t.Lines {
			if other.Location == line.Location && other.List == line.List && other.Package == line.Package && (best == "" || later("npm", t.To, best)) {
				best, line = t.To, other
			}
		}
	}
	return line
}

// setWant changes one line in an object of names and ranges, and reports whether it is there.
func setWant(text *jsonText, object *jsonValue, line Requirement) bool {
	if object == nil || object.kind != '{' {
		return false
	}
	for _, m := range object.members {
		prefix, _ := npmRange(m.value.str())
		if m.name == line.Package && prefix == "" || prefix == "npm:"+line.Package+"@" {
			if m.value.text == line.Constraint {
				text.replace(m.value, quote(line.To))
				return true
			}
			if m.value.text == line.To {
				return true
			}
		}
	}
	return false
}

func writeTexts(ws *Workspace, texts map[string]*jsonText) error {
	for _, name := range sortedKeys(texts) {
		data, err := texts[name].bytes()
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if err := ws.WriteFile(name, data); err != nil {
			return err
		}
	}
	return nil
}

func writeNPM(ctx context.Context, job *Job) error {
	registry, ok := job.Registry.(*npmRegistry)
	if !ok {
		return errors.New("the lock file needs the digest of the new version, and the registry was not asked")
	}
	p := job.Project
	if err := writeManifests(job.Workspace, job.Targets); err != nil {
		return err
	}
	before, err := job.Workspace.ReadFile(p.Path)
	if err != nil {
		return err
	}
	lock, err := parseNPMLock(before)
	if err != nil {
		return err
	}
	if err := writeOverrides(job, lock); err != nil {
		return err
	}
	closed, err := lock.apply(ctx, registry, job)
	if err != nil {
		return err
	}
	data, err := lock.text.bytes()
	if err != nil {
		return fmt.Errorf("%s: %w", p.Path, err)
	}
	if err := job.Workspace.WriteFile(p.Path, data); err != nil {
		return err
	}
	if closed {
		return nil
	}
	return completeNPM(ctx, job, before)
}

// apply writes the targets into the lock file and reports whether everything that the new releases ask for is there.
func (l *npmLock) apply(ctx context.Context, registry *npmRegistry, job *Job) (closed bool, err error) {
	closed = true
	dir := job.Project.Dir
	seen := map[linePlace]bool{}
	for _, t := range job.Targets {
		for _, line := range t.Lines { // versions 2 and 3 repeat the manifests
			if line = latest(job.Targets, line); seen[placeOf(line)] {
				continue
			}
			seen[placeOf(line)] = true
			member, ok := strings.CutPrefix(path.Dir(line.Location.Path), dir)
			if dir == "." {
				member, ok = strings.TrimPrefix(path.Dir(line.Location.Path), "."), true
			}
			if n := l.nodes[strings.TrimPrefix(member, "/")]; ok && n != nil && n.entry != nil {
				setWant(l.text, n.entry.get(line.List), line)
			}
		}
	}
	after := map[*npmNode]*npmVersion{}
	for _, t := range job.Targets {
		v, err := registry.version(ctx, t.Package, t.To)
		if err != nil {
			return false, fmt.Errorf("%s %s: %w", t.Package, t.To, err)
		}
		for name, spec := range v.Dependencies {
			if isForeign(spec) {
				return false, fmt.Errorf("%s %s takes %s from %s, which nobody vouches for", t.Package, t.To, name, spec)
			}
		}
		for _, folder := range l.order {
			n := l.nodes[folder]
			if n.name != t.Package || n.version != t.From || n.origin() != inventory.OriginRegistry || n.link != "" {
				continue
			}
			if n.bundled {
				continue // what an archive holds only the archive can change
			}
			if v.HasShrinkwrap || len(v.BundleDependencies) > 4 || len(v.BundledDependencies) > 4 {
				closed = false // what it brings along is in its archive
			}
			l.replace(n, t.To, v)
			after[n] = v
			n.version = t.To
		}
	}
	for n, v := range after {
		wants := maps.Clone(v.Dependencies)
		if wants == nil {
			wants = map[string]string{}
		}
		maps.Copy(wants, v.OptionalDependencies)
		if n.entry != nil { // version 1 knows no peers
			for name, spec := range v.PeerDependencies {
				if !v.PeerDependenciesMeta[name].Optional {
					wants[name] = spec
				}
			}
		}
		for name, spec := range wants {
			to := l.find(n.at, name)
			if to == nil {
				closed = false
				continue
			}
			if ok, err := npmAdmits(spec, to.version); err != nil || !ok {
				closed = false
			}
		}
		// What is no longer asked for may have to go.
		for name := range n.needs {
			if _, ok := wants[name]; !ok {
				closed = false
			}
		}
	}
	return closed, nil
}

// writeOverrides writes the overrides of the targets into the root's package.json. An override reaches every package of
// the name, so where others of it are there, or the project asks for it itself, it is put below those that hold it down.
func writeOverrides(job *Job, lock *npmLock) error {
	root := job.Project.Data.(*npmProject).manifests[0]
	for _, t := range job.Targets {
		if t.How != HowOverride {
			continue
		}
		data, err := job.Workspace.ReadFile(root)
		if err != nil {
			return err
		}
		text, err := parseJSON(data)
		if err != nil {
			return fmt.Errorf("%s: %w", root, err)
		}
		wanted := "^" + t.To
		scoped := slices.ContainsFunc(job.Project.Requirements, func(r Requirement) bool { return r.Package == t.Package })
		for _, n := range lock.nodes {
			if n.name == t.Package && n.at != "" && n.version != t.From {
				if ok, err := npmAdmits(wanted, n.version); err != nil || !ok {
					scoped = true
				}
			}
		}
		overrides := map[string]any{}
		if scoped {
			for _, parent := range lock.holding(t) {
				overrides[parent] = map[string]any{t.Package: wanted}
			}
		} else {
			overrides[t.Package] = wanted
		}
		if err := mergeOverrides(text, "overrides", overrides); err != nil {
			return err
		}
		if err := writeTexts(job.Workspace, map[string]*jsonText{root: text}); err != nil {
			return err
		}
	}
	return nil
}

// holding returns the names of the packages that ask for another version than the target's.
func (l *npmLock) holding(t Target) []string {
	found := map[string]bool{}
	for folder, n := range l.nodes {
		for _, wants := range []map[string]string{n.needs, n.peers} {
			spec, ok := wants[t.Package]
			if !ok || folder == "" {
				continue
			}
			to := l.find(folder, t.Package)
			if to == nil || to.version != t.From {
				continue
			}
			if ok, err := npmAdmits(spec, t.To); err != nil || !ok {
				found[n.name] = true
			}
		}
	}
	return sortedKeys(found)
}

// mergeOverrides adds members to an object at the top of a manifest, which is made where there is none.
func mergeOverrides(text *jsonText, name string, add map[string]any) error {
	return mergeMember(text, text.root, name, add)
}

// mergeMember is mergeOverrides for an object within an object.
func mergeMember(text *jsonText, above *jsonValue, name string, add map[string]any) error {
	object := above.get(name)
	if object == nil {
		text.insertLast(above, name, text.value(above.depth+1, add))
		return nil
	}
	if object.kind != '{' {
		return fmt.Errorf("its %s are no object", name)
	}
	for _, key := range sortedKeys(add) {
		have := object.get(key)
		switch {
		case have == nil:
			text.insert(object, key, text.value(object.depth+1, add[key]))
		case have.kind == '{':
			inner, ok := add[key].(map[string]any)
			if !ok {
				inner = map[string]any{".": add[key]}
			}
			for _, k := range sortedKeys(inner) {
				s, _ := inner[k].(string)
				text.set(have, k, s)
			}
		default:
			text.replace(have, text.value(have.depth, add[key]))
		}
	}
	return nil
}

// npmCommand returns a run of npm that knows no configuration but ours.
func npmCommand(env *Env, registry string, args ...string) Command {
	args = append(args, "--userconfig={home}/npmrc", "--globalconfig={home}/npmrc-global", "--cache={cache}/npm", "--git={home}/no-git",
		"--ignore-scripts", "--no-audit", "--no-fund", "--no-progress", "--no-update-notifier", "--loglevel=error")
	if registry != "" {
		args = append(args, "--registry="+registry)
	}
	cmd := Command{Program: "npm", Beside: []string{"node"}, Args: args, Network: true, Home: map[string]string{"npmrc": ""}}
	if ca := cmp.Or(env.getenv("NPM_CONFIG_CAFILE"), env.getenv("SSL_CERT_FILE")); ca != "" {
		cmd.Env = []string{"NODE_EXTRA_CA_CERTS=" + ca}
	}
	return cmd
}

// completeNPM lets npm bring in what the new releases ask for, in versions that are past the cool-down. was is the lock
// file before the change.
func completeNPM(ctx context.Context, job *Job, was []byte) error {
	if job.Env.Runner == nil {
		return &ToolError{Program: "npm", Missing: true}
	}
	if err := foreign(job); err != nil {
		return err
	}
	registry := job.Registry.(*npmRegistry)
	before, err := job.Workspace.ReadFile(job.Project.Path)
	if err != nil {
		return err
	}
	lock, err := parseNPMLock(before)
	if err != nil {
		return err
	}
	args := []string{"install", "--package-lock-only", fmt.Sprintf("--lockfile-version=%d", lock.version)}
	if !job.Env.Now.IsZero() && job.CoolDown > 0 {
		args = append(args, "--before="+job.Env.Now.Add(-job.CoolDown).UTC().Truncate(24*time.Hour).Format(time.RFC3339))
	}
	if npmSetting(job.Workspace, job.Project.Dir, "legacy-peer-deps") == "true" {
		args = append(args, "--legacy-peer-deps")
	}
	cmd := npmCommand(job.Env, registry.base, args...)
	cmd.Dir, cmd.Files, cmd.Outputs = job.Project.Dir, job.Project.Files, []string{job.Project.Path}
	trial := job.Workspace.Clone()
	if lock.version == 1 {
		if err := job.flatten(ctx, trial, lock, was); err != nil {
			return err
		}
	}
	// What npm has asked before will do: for an old lock file it would ask for every package of it again, for each change.
	known := cmd
	known.Args = append(slices.Clip(cmd.Args), "--prefer-offline")
	if _, err := job.Env.Runner.Run(ctx, trial, known); err != nil {
		if ctx.Err() != nil {
			return err
		}
		if _, err := job.Env.Runner.Run(ctx, trial, cmd); err != nil {
			return err
		}
	}
	if err := settleNPM(trial, job.Project.Path, before); err != nil {
		return err
	}
	job.Workspace.adopt(trial)
	return nil
}

// flatten puts the lock file into the workspace in the shape that npm is quick with.
func (job *Job) flatten(ctx context.Context, ws *Workspace, lock *npmLock, was []byte) error {
	before, err := parseNPMLock(was)
	if err != nil {
		return err
	}
	root, err := readManifest(ws, job.Project.Dir)
	if err != nil || root == nil {
		return err
	}
	data, err := lock.flatten(ctx, before, root, job.Registry.(*npmRegistry))
	if err != nil || data == nil {
		return err
	}
	return ws.WriteFile(job.Project.Path, data)
}

// foreign returns an error where npm would ask somebody other than the registry: for a package that a manifest takes
// from an address or a repository and that the lock file does not hold yet.
func foreign(job *Job) error {
	data, err := job.Workspace.ReadFile(job.Project.Path)
	if err != nil {
		return err
	}
	lock, err := parseNPMLock(data)
	if err != nil {
		return err
	}
	for _, folder := range lock.order {
		for _, wants := range []map[string]string{lock.nodes[folder].needs, lock.nodes[folder].dev} {
			for _, name := range sortedKeys(wants) {
				if isForeign(wants[name]) && lock.find(folder, name) == nil {
					return fmt.Errorf("%s is to come from %s, and the lock file does not hold it: npm would have to ask there", name, wants[name])
				}
			}
		}
	}
	for _, r := range job.Project.Requirements {
		at := strings.TrimPrefix(strings.TrimPrefix(path.Dir(r.Location.Path), job.Project.Dir), "/")
		if at == "." {
			at = ""
		}
		if n := lock.find(at, r.Package); isForeign(r.Constraint) && (n == nil || n.origin() == inventory.OriginRegistry && !isForeign(n.resolved) && n.version == "") {
			return fmt.Errorf("%s is to come from %s, and the lock file does not hold it: npm would have to ask there", r.Package, r.Constraint)
		}
	}
	return nil
}

// isForeign reports whether what is asked for is an address or a repository.
// Source: https://docs.npmjs.com/cli/configuring-npm/package-json#dependencies
func isForeign(spec string) bool {
	if strings.HasPrefix(spec, "npm:") || strings.HasPrefix(spec, "file:") || strings.HasPrefix(spec, "workspace:") {
		return false
	}
	return strings.Contains(spec, ":") || strings.Contains(spec, "/") && !strings.HasPrefix(spec, ".") && !strings.HasPrefix(spec, "/")
}

// settleNPM puts back what npm changes beside the matter: whether addresses are written, and the line ends.
func settleNPM(ws *Workspace, name string, before []byte) error {
	after, err := ws.ReadFile(name)
	if err != nil {
		return err
	}
	text := string(after)
	if strings.Contains(string(before), "\r\n") && !strings.Contains(text, "\r\n") {
		text = strings.ReplaceAll(text, "\n", "\r\n")
	}
	if !strings.HasSuffix(string(before), "\n") {
		text = strings.TrimRight(text, "\r\n")
	}
	return ws.WriteFile(name, []byte(text))
}

// npmSetting returns a plain setting of the project's .npmrc. Only settings that decide how a tree is resolved are ever
// asked for: never an address, a program or a token.
func npmSetting(ws *Workspace, dir, name string) string {
	data, err := ws.ReadFile(path.Join(dir, ".npmrc"))
	if err != nil {
		return ""
	}
	value := ""
	for line := range strings.Lines(string(data)) {
		key, v, ok := strings.Cut(line, "=")
		if ok && strings.TrimSpace(key) == name {
			value = strings.TrimSpace(v)
		}
	}
	return value
}
