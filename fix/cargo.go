package fix

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"deps.dev/util/semver"

	"github.com/trifecta-scanner/trifecta/internal/web"
	"github.com/trifecta-scanner/trifecta/inventory"
)

// Cargo writes Cargo.lock and the manifests of its workspace. cargo itself resolves, over the manifests and empty source
// files, without .cargo and with no repository fetched. It has no overrides: [patch] replaces the source of a package and
// not the version that others ask for.
var Cargo = &Manager{
	Name: "Cargo", Ecosystem: "crates.io",
	Claims:   func(_ *Workspace, name string) bool { return path.Base(name) == "Cargo.lock" },
	Open:     openCargo,
	Registry: newCrates,
	Admits:   cargoAdmits,
	Raise:    cargoRaise,
	Prerelease: func(version string) bool {
		v, err := semver.Cargo.Parse(version)
		return err != nil || v.IsPrerelease()
	},
	Runs:  rustRuns,
	Ways:  []How{HowLock, HowAncestor},
	Write: writeCargo,
}

// cargoAdmits reports whether a requirement is met by a version
// (https://doc.rust-lang.org/cargo/reference/specifying-dependencies.html).
func cargoAdmits(constraint, version string) (bool, error) {
	v, err := semver.Cargo.Parse(version)
	if err != nil {
		return false, fmt.Errorf("%q is no version", version)
	}
	c, err := semver.Cargo.ParseConstraint(constraint)
	if err != nil {
		return false, fmt.Errorf("%q is no version requirement", constraint)
	}
	return c.MatchVersion(v), nil
}

// cargoRaise keeps the operators of a requirement and puts the version in.
func cargoRaise(constraint, version string) (string, error) {
	version, _, _ = strings.Cut(version, "+") // a requirement has no build metadata
	clauses := strings.Split(constraint, ",")
	for i, clause := range clauses {
		text := strings.TrimSpace(clause)
		old := strings.TrimLeft(text, "^~=<> \t")
		operator := strings.TrimSpace(text[:len(text)-len(old)])
		raised := old
		switch admits, err := cargoAdmits(text, version); {
		case err != nil:
			return "", err
		case strings.HasSuffix(old, "*"):
			if old != "*" {
				raised = firstNumbers(version, strings.Count(old, ".")) + ".*"
			}
		case operator == "<":
			if !admits {
				raised = nextBound(old, version)
			}
		case operator == ">":
			if !admits {
				return "", fmt.Errorf("no requirement close to %q admits %s", constraint, version)
			}
		default:
			raised = version
		}
		clauses[i] = strings.Replace(clause, old, raised, 1)
	}
	raised := strings.Join(clauses, ",")
	if ok, err := cargoAdmits(raised, version); err != nil || !ok {
		return "", fmt.Errorf("no requirement close to %q admits %s", constraint, version)
	}
	return raised, nil
}

// rustRuns reports whether the oldest Rust that a project promises to build with is enough for a release.
func rustRuns(project, release string) bool { return semver.Cargo.Compare(release, project) <= 0 }

// crates is the index of crates.io in its sparse form
// (https://doc.rust-lang.org/cargo/reference/registry-index.html).
type crates struct {
	client *web.Client
	index  *url.URL

	mu    sync.Mutex
	known map[string][]Release
	lines map[string][]crateRelease
}

// cratesHost serves the index to everybody.
const cratesHost = "index." + "crates.io"

func newCrates(_ context.Context, env *Env) (Registry, error) {
	if env.Client == nil {
		return nil, nil
	}
	index := &url.URL{Scheme: "https", Host: cratesHost, Path: "/"}
	if mirror, err := url.Parse(env.getenv("CARGO_REGISTRY")); err == nil && mirror.Scheme == "https" && mirror.Host != "" && mirror.User == nil {
		index = mirror
	}
	return &crates{client: env.Client, index: index, known: map[string][]Release{}, lines: map[string][]crateRelease{}}, nil
}

// crateRelease is one line of the index.
type crateRelease struct {
	Version string      `json:"vers"`
	Deps    []crateNeed `json:"deps"`
	// Features are those of both lists of the index; Checksum is the SHA-256 of the archive.
	Features map[string][]string `json:"features"`
	More     map[string][]string `json:"features2"`
	Checksum string              `json:"cksum"`
	Yanked   bool                `json:"yanked"`
	Rust     string              `json:"rust_version"`
	Created  time.Time           `json:"pubtime"`
}

// crateNeed is one need of a release.
type crateNeed struct {
	Name     string   `json:"name"`
	Package  string   `json:"package"`
	Req      string   `json:"req"`
	Optional bool     `json:"optional"`
	Default  bool     `json:"default_features"`
	Features []string `json:"features"`
	Target   string   `json:"target"`
	Kind     string   `json:"kind"`
}

// crate returns the name of the package, which a need may call otherwise.
func (n *crateNeed) crate() string { return cmp.Or(n.Package, n.Name) }

// Releases returns every release with what it needs: one answer of the index has it all.
func (c *crates) Releases(ctx context.Context, name string) ([]Release, error) {
	file := cratePath(name)
	if file == "" {
		return nil, fmt.Errorf("%q is no name of a crate: %w", name, ErrNoPackage)
	}
	c.mu.Lock()
	known, ok := c.known[name]
	c.mu.Unlock()
	if ok {
		return known, nil
	}
	data, err := c.client.Get(ctx, c.index.JoinPath(file).String())
	if status := (*web.StatusError)(nil); errors.As(err, &status) && slices.Contains([]int{http.StatusNotFound, http.StatusGone, http.StatusUnavailableForLegalReasons}, status.Status) {
		return nil, fmt.Errorf("%s: %w", name, ErrNoPackage)
	}
	if err != nil {
		return nil, fmt.Errorf("ask the index for %s: %w", name, err)
	}
	releases := []Release{}
	var lines []crateRelease
	for line := range bytes.Lines(data) {
		var r crateRelease
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		if err := json.Unmarshal(line, &r); err != nil {
			return nil, fmt.Errorf("the index answers for %s with no JSON: %w", name, err)
		}
		releases = append(releases, r.release())
		lines = append(lines, r)
	}
	c.mu.Lock()
	c.known[name], c.lines[name] = releases, lines
	c.mu.Unlock()
	return releases, nil
}

func (r *crateRelease) release() Release {
	release := Release{Version: r.Version, Published: r.Created, Needs: []Need{}}
	if r.Yanked {
		release.Withdrawn = "yanked"
	}
	if r.Rust != "" {
		release.Engines = []Need{{Name: "rust", Constraint: r.Rust}}
	}
	for _, d := range r.Deps {
		if d.Kind == "dev" {
			continue
		}
		release.Needs = append(release.Needs, Need{Name: d.crate(), Constraint: d.Req, Optional: d.Optional})
	}
	return release
}

// Describe returns one release.
func (c *crates) Describe(ctx context.Context, name, version string) (Release, error) {
	releases, err := c.Releases(ctx, name)
	if err != nil {
		return Release{}, err
	}
	for _, r := range releases {
		if r.Version == version {
			return r, nil
		}
	}
	return Release{}, fmt.Errorf("%s %s: %w", name, version, ErrNoPackage)
}

// line returns what the index says of one release.
func (c *crates) line(ctx context.Context, name, version string) (crateRelease, error) {
	if _, err := c.Releases(ctx, name); err != nil {
		return crateRelease{}, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, r := range c.lines[name] {
		if r.Version == version {
			return r, nil
		}
	}
	return crateRelease{}, fmt.Errorf("%s %s: %w", name, version, ErrNoPackage)
}

// cratePath returns where the index has a crate, or "" for what is no name.
func cratePath(name string) string {
	if name == "" || len(name) > 64 || strings.Trim(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") != "" {
		return ""
	}
	name = strings.ToLower(name)
	switch len(name) {
	case 1, 2:
		return fmt.Sprintf("%d/%s", len(name), name)
	case 3:
		return "3/" + name[:1] + "/" + name
	}
	return name[:2] + "/" + name[2:4] + "/" + name
}

// cargoPackage is one [[package]] of a lock file.
type cargoPackage struct {
	name, version, source string
	needs                 []string
	place                 inventory.Location
}

func cargoPackages(f *tomlFile) []cargoPackage {
	var all []cargoPackage
	for _, leaf := range f.leaves {
		if leaf.item < 0 || leaf.keys[0] != "package" || len(leaf.keys) < 2 {
			continue
		}
		for len(all) <= leaf.item {
			all = append(all, cargoPackage{})
		}
		p := &all[leaf.item]
		switch leaf.keys[1] {
		case "name":
			p.name, p.place = leaf.text, f.place(leaf.start-len("name = "), leaf.end)
		case "version":
			p.version = leaf.text
			end := f.place(leaf.start, leaf.end)
			p.place.EndLine, p.place.EndColumn = end.EndLine, end.EndColumn
		case "source":
			p.source = leaf.text
		case "dependencies":
			p.needs = append(p.needs, leaf.text)
		}
	}
	return all
}

// cargoProject is a lock file with the manifests that cargo reads for it.
type cargoProject struct {
	lock *tomlFile
	// outside says why cargo may not run: it would fetch something from elsewhere than crates.io. Empty where it may.
	outside   string
	manifests []*tomlFile
	packages  []cargoPackage
	rust      string
}

func readCargo(ws *Workspace, name string) (*cargoProject, error) {
	lock, err := readTOML(ws, name)
	if err != nil {
		return nil, err
	}
	p := &cargoProject{lock: lock, packages: cargoPackages(lock)}
	own := map[string]bool{}
	for _, pkg := range p.packages {
		switch {
		case pkg.source == "":
			own[pkg.name] = true
		case strings.HasPrefix(pkg.source, "git+"):
			p.outside = fmt.Sprintf("%s comes from a repository, which cargo would have to fetch to resolve anything", pkg.name)
		case !isCratesIO(pkg.source):
			p.outside = fmt.Sprintf("%s comes from a registry of its own, which is not asked", pkg.name)
		}
	}
	root := path.Join(path.Dir(name), "Cargo.toml")
	for _, file := range ws.tree.Named("Cargo.toml") {
		manifest, err := readTOML(ws, file)
		if file == root && err != nil {
			return nil, err
		}
		if err != nil || file != root && !own[manifest.at("package", "name")] {
			continue
		}
		p.outside = cmp.Or(p.outside, cargoOutside(ws, manifest))
		p.manifests = append(p.manifests, manifest)
		for _, rust := range []string{manifest.at("package", "rust-version"), manifest.at("workspace", "package", "rust-version")} {
			if rust != "" && (p.rust == "" || semver.Cargo.Compare(rust, p.rust) < 0) {
				p.rust = rust
			}
		}
	}
	if !slices.ContainsFunc(p.manifests, func(f *tomlFile) bool { return f.path == root }) {
		return nil, fmt.Errorf("there is no %s beside the lock file", root)
	}
	return p, nil
}

func isCratesIO(source string) bool {
	return strings.HasPrefix(source, "registry+https://github.com/rust-lang/crates.io-index") || strings.HasPrefix(source, "sparse+https://"+cratesHost)
}

// cargoOutside says which line of a manifest makes cargo take something from elsewhere than crates.io or the tree.
func cargoOutside(ws *Workspace, f *tomlFile) string {
	for _, leaf := range f.leaves {
		last := leaf.keys[len(leaf.keys)-1]
		at := fmt.Sprintf("%s:%d", f.path, f.place(leaf.start, leaf.end).Line)
		_, _, asks := cargoTable(leaf.keys)
		switch {
		case !asks && leaf.keys[0] != "patch" && leaf.keys[0] != "replace":
			if len(leaf.keys) >= 2 && leaf.keys[0] == "package" && leaf.keys[1] == "workspace" && !insideTree(path.Join(path.Dir(f.path), leaf.text)) {
				return at + " names a workspace outside of the tree"
			}
			if len(leaf.keys) >= 2 && leaf.keys[0] == "workspace" && leaf.keys[1] == "members" && !insideTree(path.Join(path.Dir(f.path), leaf.text)) {
				return at + " names a member outside of the tree"
			}
		case last == "git" || last == "registry" || last == "registry-index":
			return fmt.Sprintf("%s takes a package from elsewhere than crates.io (%s), which is not fetched", at, last)
		case last == "path":
			folder := path.Join(path.Dir(f.path), leaf.text)
			if path.IsAbs(leaf.text) || !insideTree(folder) || !ws.Has(path.Join(folder, "Cargo.toml")) {
				return at + " takes a package from a folder that is not in the tree"
			}
		}
	}
	return ""
}

func insideTree(name string) bool { return fs.ValidPath(path.Clean(name)) }

// cargoTable says whether keys lead into a table of packages, with the name of the table and of the package.
func cargoTable(keys []string) (table, name string, ok bool) {
	at := 0
	if len(keys) > 2 && keys[0] == "target" {
		at = 2
	} else if len(keys) > 1 && keys[0] == "workspace" {
		at = 1
	}
	if len(keys) < at+2 {
		return "", "", false
	}
	switch keys[at] {
	case "dependencies", "dev-dependencies", "build-dependencies", "dev_dependencies", "build_dependencies":
		return strings.Join(keys[:at+1], "."), keys[at+1], true
	}
	return "", "", false
}

// cargoAsk is one line that asks for a package by a requirement.
type cargoAsk struct {
	file  *tomlFile
	leaf  tomlLeaf
	table string
	crate string
}

func cargoAsks(f *tomlFile) []cargoAsk {
	renamed := map[string]string{}
	for _, leaf := range f.leaves {
		if table, name, ok := cargoTable(leaf.keys); ok && leaf.keys[len(leaf.keys)-1] == "package" {
			renamed[table+"\x00"+name] = leaf.text
		}
	}
	var asks []cargoAsk
	for _, leaf := range f.leaves {
		table, name, ok := cargoTable(leaf.keys)
		if !ok || !leaf.isString {
			continue
		}
		if last := leaf.keys[len(leaf.keys)-1]; last != name && last != "version" {
			continue
		}
		ask := cargoAsk{file: f, leaf: leaf, table: table, crate: name}
		if real, ok := renamed[table+"\x00"+name]; ok {
			ask.crate = real
		}
		asks = append(asks, ask)
	}
	return asks
}

func (a *cargoAsk) place() inventory.Location { return a.file.place(a.leaf.start, a.leaf.end) }

func openCargo(_ context.Context, ws *Workspace, name string) (*Project, error) {
	p, err := readCargo(ws, name)
	if err != nil {
		return nil, err
	}
	project := &Project{Path: name, Dir: path.Dir(name), Data: p, Files: []string{name}}
	byName := map[string][]int{}
	for i, pkg := range p.packages {
		l := Locked{Name: pkg.name, Version: pkg.version, Location: pkg.place, Origin: inventory.OriginRegistry}
		switch {
		case pkg.source == "":
			l.Origin = inventory.OriginWorkspace
		case strings.HasPrefix(pkg.source, "git+"):
			l.Origin = inventory.OriginGit
		case !isCratesIO(pkg.source):
			l.Origin = inventory.OriginPrivate
		}
		byName[pkg.name] = append(byName[pkg.name], i)
		project.Packages = append(project.Packages, l)
	}
	for i, pkg := range p.packages {
		for _, need := range pkg.needs {
			name, rest, _ := strings.Cut(need, " ")
			version, _, _ := strings.Cut(rest, " ")
			for _, to := range byName[name] {
				if version != "" && p.packages[to].version != version {
					continue
				}
				project.Packages[i].Needs = append(project.Packages[i].Needs, Edge{To: to})
				if pkg.source == "" {
					project.Packages[to].Direct = true
				}
			}
		}
	}
	for _, manifest := range p.manifests {
		project.Files = append(project.Files, manifest.path)
		for _, ask := range cargoAsks(manifest) {
			project.Requirements = append(project.Requirements, Requirement{
				Package: ask.crate, Constraint: ask.leaf.text, Location: ask.place(), List: ask.table,
			})
		}
	}
	if p.rust != "" {
		project.Runtime = []Need{{Name: "rust", Constraint: p.rust}}
	}
	return project, nil
}

// cargoStubs are the source files that cargo wants to see before it reads a manifest. They are empty and never compiled.
func cargoStubs(manifests []*tomlFile) map[string]string {
	stubs := map[string]string{}
	add := func(dir, name string) {
		name = path.Join(dir, name)
		if insideTree(name) && path.Ext(name) == ".rs" {
			stubs[name] = ""
		}
	}
	folders := map[string]string{"bin": "src/bin", "test": "tests", "bench": "benches", "example": "examples"}
	for _, f := range manifests {
		dir := path.Dir(f.path)
		if f.at("package", "name") == "" {
			continue
		}
		add(dir, "src/lib.rs")
		add(dir, "src/main.rs")
		for _, leaf := range f.leaves {
			folder, target := folders[leaf.keys[0]]
			switch last := leaf.keys[len(leaf.keys)-1]; {
			case (target || leaf.keys[0] == "lib") && last == "path" && !path.IsAbs(leaf.text):
				add(dir, leaf.text)
			case target && last == "name" && !strings.ContainsAny(leaf.text, `/\`):
				add(dir, path.Join(folder, leaf.text+".rs"))
			}
		}
	}
	return stubs
}

func writeCargo(ctx context.Context, job *Job) error {
	p, err := readCargo(job.Workspace, job.Project.Path)
	if err != nil {
		return err
	}
	if job.Env.Runner == nil {
		p.outside = cmp.Or(p.outside, "a Cargo.lock is resolved by cargo, and no program may run here")
	}
	if p.outside != "" {
		return p.withoutCargo(ctx, job)
	}
	before := p.packages
	var edits []textEdit
	for _, manifest := range p.manifests {
		for _, ask := range cargoAsks(manifest) {
			for _, t := range job.Targets {
				for _, r := range t.Lines {
					if r.Location.Path != manifest.path || r.Location.Line != ask.place().Line || ask.crate != t.Package {
						continue
					}
					e, err := manifest.replace(ask.leaf, r.To)
					if err != nil {
						return err
					}
					edits = append(edits, e)
				}
			}
		}
	}
	trial := job.Workspace.Clone()
	if err := applyEdits(trial, edits); err != nil {
		return err
	}
	stubs := cargoStubs(p.manifests)
	for _, t := range job.Targets {
		if err := cargoPrecise(ctx, job, trial, before, stubs, t); err != nil {
			return err
		}
	}
	after, err := readCargo(trial, job.Project.Path)
	if err != nil {
		return err
	}
	for range maxAlong {
		fresh, err := tooFresh(ctx, job.Project.Manager, job.Registry, job.Env.Now, cargoVersions(before), cargoVersions(after.packages), job.Targets)
		if err != nil {
			return err
		}
		if len(fresh) == 0 {
			break
		}
		for _, t := range fresh {
			if err := cargoPrecise(ctx, job, trial, before, stubs, t); err != nil {
				return fmt.Errorf("%s %s comes along and is too fresh to be taken, and an older one is not possible: %w", t.Package, t.From, err)
			}
		}
		if after, err = readCargo(trial, job.Project.Path); err != nil {
			return err
		}
	}
	if err := cargoCheck(before, after.packages, job.Targets); err != nil {
		return err
	}
	if err := applyEdits(trial, steadyCargo(before, after.packages, after.lock)); err != nil {
		return err
	}
	job.Workspace.adopt(trial)
	return nil
}

// cargoPrecise brings one version into the lock file. Where the manifest has moved on, cargo first takes the newest version
// that it admits, and is then asked for the one that is wanted.
func cargoPrecise(ctx context.Context, job *Job, trial *Workspace, before []cargoPackage, stubs map[string]string, t Target) error {
	for range 3 {
		now, err := readCargo(trial, job.Project.Path)
		if err != nil {
			return err
		}
		from, found := now.pinned(t, before)
		if !found {
			return nil
		}
		if cratePath(t.Package) == "" || !validVersion(from) || !validVersion(t.To) {
			return fmt.Errorf("%q is no name of a crate, or %q and %q no versions", t.Package, from, t.To)
		}
		cmd := Command{
			Program: "cargo", Args: []string{"update", "--quiet", "-p", t.Package + "@" + from, "--precise", t.To}, Beside: []string{"rustc"},
			Dir: job.Project.Dir, Files: job.Project.Files, Outputs: []string{job.Project.Path}, Extra: stubs, Network: true,
			Env: []string{
				"CARGO_HOME={cache}/cargo", "CARGO_TERM_COLOR=never", "CARGO_NET_GIT_FETCH_WITH_CLI=false",
				"CARGO_RESOLVER_INCOMPATIBLE_RUST_VERSIONS=fallback",
			},
		}
		if _, err := job.Env.Runner.Run(ctx, trial, cmd); err != nil {
			return err
		}
	}
	return nil
}

// pinned returns the version that has to become the target's: the one that the plan names, or one that a target before
// this one put in its place.
func (p *cargoProject) pinned(t Target, before []cargoPackage) (version string, found bool) {
	var others []string
	for _, pkg := range p.packages {
		if pkg.name != t.Package {
			continue
		}
		if pkg.version == t.From {
			return pkg.version, true
		}
		if pkg.version == t.To {
			return "", false
		}
		if !slices.ContainsFunc(before, func(b cargoPackage) bool { return b.name == pkg.name && b.version == pkg.version }) {
			others = append(others, pkg.version)
		}
	}
	if len(others) == 1 {
		return others[0], true
	}
	return "", false
}

func cargoVersions(packages []cargoPackage) pinnedVersions {
	all := pinnedVersions{}
	for _, p := range packages {
		all[p.name] = append(all[p.name], p.version)
	}
	return all
}

// cargoCheck says what is wrong with the lock file that cargo made.
func cargoCheck(before, after []cargoPackage, targets []Target) error {
	was, is := cargoVersions(before), cargoVersions(after)
	for _, t := range targets {
		if slices.Contains(is[t.Package], t.From) {
			return fmt.Errorf("something still asks for %s %s", t.Package, t.From)
		}
	}
	for _, name := range sortedKeys(is) {
		if len(was[name]) == 1 && len(is[name]) == 1 && semver.Cargo.Compare(is[name][0], was[name][0]) < 0 {
			return fmt.Errorf("cargo would lower %s from %s to %s", name, was[name][0], is[name][0])
		}
	}
	return nil
}
