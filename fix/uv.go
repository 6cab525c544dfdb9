package fix

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// UV writes uv.lock (https://docs.astral.sh/uv/concepts/projects/layout/#the-lockfile). uv itself resolves it, over
// nothing but the manifests of the workspace, without configuration and without building anything.
var UV = &Manager{
	Name: "uv", Ecosystem: "PyPI",
	Claims:     func(_ *Workspace, name string) bool { return path.Base(name) == "uv.lock" },
	Open:       openUV,
	Registry:   newPyPI,
	Admits:     pypiAdmits,
	Raise:      pypiRaise,
	Prerelease: pypiPrerelease,
	Runs:       pythonRuns,
	Ways:       []How{HowLock, HowAncestor, HowOverride},
	Write:      writeUV,
}

// uvProject is what Open found, for Write.
type uvProject struct {
	lock      *tomlFile
	manifests []*tomlFile // that of the lock file's folder first
	registry  string      // that all packages come from
}

// uvPackage is one [[package]] of a lock file.
type uvPackage struct {
	name, version string
	source, at    string // kind and address of the source
	place         inventory.Location
	needs         []uvNeed
}

type uvNeed struct{ name, version string }

// uvPackages reads the packages of a lock file in their order.
func uvPackages(f *tomlFile) []uvPackage {
	var all []uvPackage
	for _, leaf := range f.leaves {
		if leaf.item < 0 || leaf.keys[0] != "package" {
			continue
		}
		for len(all) <= leaf.item {
			all = append(all, uvPackage{})
		}
		p := &all[leaf.item]
		switch {
		case len(leaf.keys) == 2 && leaf.keys[1] == "name":
			p.name, p.place = leaf.text, f.place(leaf.start-len("name = "), leaf.end)
		case len(leaf.keys) == 2 && leaf.keys[1] == "version":
			p.version = leaf.text
			end := f.place(leaf.start, leaf.end)
			p.place.EndLine, p.place.EndColumn = end.EndLine, end.EndColumn
		case len(leaf.keys) == 3 && leaf.keys[1] == "source":
			p.source, p.at = leaf.keys[2], leaf.text
		case slices.Contains([]string{"dependencies", "optional-dependencies", "dev-dependencies"}, leaf.keys[1]):
			switch leaf.keys[len(leaf.keys)-1] {
			case "name":
				p.needs = append(p.needs, uvNeed{name: leaf.text})
			case "version":
				if n := len(p.needs); n > 0 {
					p.needs[n-1].version = leaf.text
				}
			}
		}
	}
	return all
}

// readUV reads the lock file and its manifests. All packages come from one index: whether that is the public one, or the
// one that the operator names in its place, is for asks to say.
func readUV(ws *Workspace, name string) (*uvProject, []uvPackage, error) {
	lock, err := readTOML(ws, name)
	if err != nil {
		return nil, nil, err
	}
	p := &uvProject{lock: lock}
	packages := uvPackages(lock)
	folders := []string{"."}
	for _, pkg := range packages {
		switch pkg.source {
		case "registry":
			if p.registry != "" && p.registry != pkg.at {
				return nil, nil, fmt.Errorf("%s comes from an index of its own, which is not asked", pkg.name)
			}
			p.registry = pkg.at
		case "virtual", "editable", "directory":
			if !slices.Contains(folders, path.Clean(pkg.at)) {
				folders = append(folders, path.Clean(pkg.at))
			}
		default:
			return nil, nil, fmt.Errorf("%s comes from a repository or an archive (%s), which uv would have to fetch", pkg.name, pkg.source)
		}
	}
	for _, folder := range folders {
		file := path.Join(path.Dir(name), folder, "pyproject.toml")
		if !fs.ValidPath(file) || path.IsAbs(folder) || !ws.Has(file) {
			return nil, nil, fmt.Errorf("the lock file has a member in %s, and there is no pyproject.toml there in the tree", folder)
		}
		manifest, err := readTOML(ws, file)
		if err != nil {
			return nil, nil, err
		}
		if why := outsideSources(manifest, func(address string) bool { return publicIndex(address) || address == p.registry }); why != "" {
			return nil, nil, errors.New(why)
		}
		p.manifests = append(p.manifests, manifest)
	}
	return p, packages, nil
}

// asks returns the variables that make uv ask the index of the lock file. Another one than the public one has to be the
// one that the operator names.
func (p *uvProject) asks(env *Env) ([]string, error) {
	mirror := strings.TrimSuffix(env.getenv("UV_DEFAULT_INDEX"), "/")
	switch {
	case p.registry == "" || publicIndex(p.registry):
		return nil, nil
	case mirror != "" && mirror == strings.TrimSuffix(p.registry, "/"):
		return []string{"UV_DEFAULT_INDEX=" + p.registry}, nil
	}
	return nil, errors.New("the packages come from an index of their own, which is not asked")
}

func openUV(_ context.Context, ws *Workspace, name string) (*Project, error) {
	p, packages, err := readUV(ws, name)
	if err != nil {
		return nil, err
	}
	project := &Project{Path: name, Dir: path.Dir(name), Data: p, Files: []string{name}}
	byName := map[string][]int{}
	for i, pkg := range packages {
		l := Locked{Name: pkg.name, Version: pkg.version, Location: pkg.place, Origin: inventory.OriginRegistry}
		if pkg.source != "registry" {
			l.Origin = inventory.OriginWorkspace
		}
		byName[pkg.name] = append(byName[pkg.name], i)
		project.Packages = append(project.Packages, l)
	}
	for i, pkg := range packages {
		for _, need := range pkg.needs {
			for _, to := range byName[need.name] {
				if need.version != "" && packages[to].version != need.version {
					continue
				}
				project.Packages[i].Needs = append(project.Packages[i].Needs, Edge{To: to})
				if pkg.source != "registry" {
					project.Packages[to].Direct = true
				}
			}
		}
	}
	for _, manifest := range p.manifests {
		project.Files = append(project.Files, manifest.path)
		for _, ask := range pyAsks(manifest) {
			name := ask.name
			for _, i := range byName[pypiName(ask.name)] {
				name = project.Packages[i].Name
			}
			project.Requirements = append(project.Requirements, ask.requirement(name))
		}
	}
	if python := p.lock.at("requires-python"); python != "" {
		project.Runtime = []Need{{Name: "python", Constraint: python}}
	}
	return project, nil
}

func writeUV(ctx context.Context, job *Job) error {
	if job.Env.Runner == nil {
		return errors.New("uv.lock is written by uv, and no program may run here")
	}
	p, before, err := readUV(job.Workspace, job.Project.Path)
	if err != nil {
		return err
	}
	edits, err := raiseAsks(p.manifests, job.Targets)
	if err != nil {
		return err
	}
	args := []string{"lock", "--no-build", "--quiet"}
	for _, t := range job.Targets {
		if pypiName(t.Package) == "" || !validVersion(t.To) {
			return fmt.Errorf("%q is no name of a Python package, or %q no version", t.Package, t.To)
		}
		args = append(args, "--upgrade-package", t.Package+"=="+t.To)
		if t.How == HowOverride {
			e, err := uvOverride(p.manifests[0], t)
			if err != nil {
				return err
			}
			edits = append(edits, e)
		}
	}
	trial := job.Workspace.Clone()
	if err := applyEdits(trial, edits); err != nil {
		return err
	}
	env := []string{
		"UV_NO_CONFIG=1", "UV_PYTHON_DOWNLOADS=never", "UV_NO_PROGRESS=1", "UV_SYSTEM_CERTS=1", "UV_NATIVE_TLS=1",
		"UV_KEYRING_PROVIDER=disabled", "UV_CACHE_DIR={cache}/uv",
	}
	asks, err := p.asks(job.Env)
	if err != nil {
		return err
	}
	env = append(env, asks...)
	var after []uvPackage
	for range maxAlong {
		if after, err = lockUV(ctx, job, trial, args, env); err != nil {
			return err
		}
		fresh, err := tooFresh(ctx, job.Project.Manager, job.Registry, job.Env.Now, uvVersions(before), uvVersions(after), job.Targets)
		if err != nil {
			return err
		}
		if len(fresh) == 0 {
			break
		}
		for _, t := range fresh {
			args = append(args, "--upgrade-package", t.Package+"=="+t.To)
		}
	}
	if err := uvCheck(before, after, job.Targets); err != nil {
		return err
	}
	job.Workspace.adopt(trial)
	return nil
}

// lockUV lets uv resolve the lock file and reads what came of it.
func lockUV(ctx context.Context, job *Job, trial *Workspace, args, env []string) ([]uvPackage, error) {
	cmd := Command{
		Program: "uv", Args: args, Beside: []string{"python3"}, Dir: job.Project.Dir, Files: job.Project.Files,
		Outputs: []string{job.Project.Path}, Env: env, Network: true,
	}
	if _, err := job.Env.Runner.Run(ctx, trial, cmd); err != nil {
		return nil, err
	}
	_, packages, err := readUV(trial, job.Project.Path)
	return packages, err
}

// raiseAsks returns the edits that put the new constraints into the lines of the targets.
func raiseAsks(manifests []*tomlFile, targets []Target) ([]textEdit, error) {
	var edits []textEdit
	for _, manifest := range manifests {
		for _, ask := range pyAsks(manifest) {
			for _, t := range targets {
				for _, r := range t.Lines {
					if r.Location.Path != manifest.path || r.Location.Line != ask.place().Line || pypiName(ask.name) != pypiName(t.Package) {
						continue
					}
					e, err := ask.raise(r.To)
					if err != nil {
						return nil, err
					}
					edits = append(edits, e)
				}
			}
		}
	}
	return edits, nil
}

// uvOverride asks for a version against what packages ask for
// (https://docs.astral.sh/uv/concepts/resolution/#dependency-overrides).
func uvOverride(manifest *tomlFile, t Target) (textEdit, error) {
	for _, leaf := range manifest.under("tool", "uv", "override-dependencies") {
		if r, ok := parsePyRequirement(leaf.text); ok && pypiName(r.name) == pypiName(t.Package) {
			return manifest.replace(leaf, t.Package+">="+t.To)
		}
	}
	return manifest.addTo(t.Package+">="+t.To, "tool", "uv", "override-dependencies"), nil
}

func uvVersions(packages []uvPackage) pinnedVersions {
	all := pinnedVersions{}
	for _, p := range packages {
		all[p.name] = append(all[p.name], p.version)
	}
	return all
}

// uvCheck says what is wrong with the lock file that uv made: a target that is not there, or a package that went down.
func uvCheck(before, after []uvPackage, targets []Target) error {
	was, is := uvVersions(before), uvVersions(after)
	for _, t := range targets {
		name := pypiName(t.Package)
		if slices.Contains(is[name], t.From) || len(is[name]) > 0 && !slices.Contains(is[name], t.To) {
			return fmt.Errorf("uv takes %s %s and not %s", t.Package, strings.Join(is[name], " and "), t.To)
		}
	}
	for _, name := range sortedKeys(is) {
		if len(was[name]) == 1 && len(is[name]) == 1 && comparePyPI(is[name][0], was[name][0]) < 0 {
			return fmt.Errorf("uv would lower %s from %s to %s", name, was[name][0], is[name][0])
		}
	}
	return nil
}
