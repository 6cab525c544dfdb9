package ecosystem

import (
	"context"
	"fmt"
	"path"
	"strings"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// nugetGraph collects the packages of a lock file framework by framework: each of them has versions of its own, and a
// section for one operating system (net8.0/linux-x64) holds only what differs from the one before the slash.
type nugetGraph struct {
	doc     *Document
	sources *nugetSources
	at      map[string]map[string]int // framework -> lower-case name -> entry
	needs   []nugetNeed
	edges   map[[2]int]bool
}

type nugetNeed struct {
	from      int
	framework string
	name      string
}

func newNuGetGraph(tree *inventory.Tree, name string, doc *Document) *nugetGraph {
	return &nugetGraph{doc: doc, sources: nugetSourcesOf(tree, name), at: map[string]map[string]int{}, edges: map[[2]int]bool{}}
}

func (g *nugetGraph) put(framework, name string, entry int) {
	if g.at[framework] == nil {
		g.at[framework] = map[string]int{}
	}
	g.at[framework][strings.ToLower(name)] = entry
}

func (g *nugetGraph) find(framework, name string) (int, bool) {
	name = strings.ToLower(name)
	if i, ok := g.at[framework][name]; ok {
		return i, true
	}
	general, _, _ := strings.Cut(framework, "/")
	i, ok := g.at[general][name]
	return i, ok
}

// connect draws the edges once all packages are known.
func (g *nugetGraph) connect() {
	for _, need := range g.needs {
		if to, ok := g.find(need.framework, need.name); ok && to != need.from && !g.edges[[2]int{need.from, to}] {
			g.edges[[2]int{need.from, to}] = true
			g.doc.Entries[need.from].Needs = append(g.doc.Entries[need.from].Needs, to)
		}
	}
}

// readNuGetLock reads the lock file of dotnet restore.
// Source: https://github.com/NuGet/Home/wiki/Enable-repeatable-package-restore-using-lock-file
func readNuGetLock(_ context.Context, tree *inventory.Tree, name string) (*Document, error) {
	data, err := tree.ReadFile(name)
	if err != nil {
		return nil, err
	}
	doc := &Document{Root: nugetProjectName(tree, name)}
	graph := newNuGetGraph(tree, name, doc)
	manifest := nugetManifest(tree, name)
	r := newJSONReader(name, data)
	err = r.document(func(member string, _ int) error {
		if member != "dependencies" {
			return nil
		}
		return r.object(func(framework string, _ int) error {
			return r.object(func(pkg string, start int) error {
				doc.Declared++
				if err := doc.full(r.location(start)); err != nil {
					return err
				}
				return readNuGetLocked(r, graph, manifest, framework, pkg, start)
			})
		})
	})
	graph.connect()
	doc.Resolve()
	return doc, unlessFull(err)
}

// readNuGetLocked reads one package of one framework.
func readNuGetLocked(r *jsonReader, graph *nugetGraph, manifest map[string]inventory.Location, framework, pkg string, start int) error {
	var kind, version, hash string
	var needs []string
	err := r.object(func(field string, _ int) error {
		switch field {
		case "type":
			return r.readString(&kind)
		case "resolved":
			return r.readString(&version)
		case "contentHash":
			return r.readString(&hash)
		case "dependencies":
			return r.object(func(name string, _ int) error {
				needs = append(needs, name)
				return nil
			})
		}
		return nil
	})
	if err != nil || pkg == "" {
		return err // one without a name counts as declared, so that it is missed
	}
	entry := Entry{Name: pkg, Version: version, Location: r.location(start), Hashes: nugetHash(hash), Origin: graph.sources.origin(pkg)}
	if kind == "Project" {
		entry.Origin = inventory.OriginWorkspace
	}
	at := len(graph.doc.Entries)
	if kind == "Direct" {
		entry.Manifest = manifest[strings.ToLower(pkg)]
		entry.Scope = inventory.ScopeRuntime
	}
	if kind == "Direct" || kind == "Project" {
		graph.doc.Roots = append(graph.doc.Roots, at)
	}
	if kind == "Project" {
		entry.Scope = inventory.ScopeRuntime
	}
	graph.doc.Entries = append(graph.doc.Entries, entry)
	graph.put(framework, pkg, at)
	for _, name := range needs {
		graph.needs = append(graph.needs, nugetNeed{at, framework, name})
	}
	return nil
}

// nugetLocked returns the lower-case names of the packages in the lock file beside a project file; nil without one.
func nugetLocked(tree *inventory.Tree, project string) map[string]bool {
	dir := path.Dir(project)
	name := strings.TrimSuffix(path.Base(project), path.Ext(project))
	for _, lock := range []string{"packages." + name + ".lock.json", "packages.lock.json", "obj/project.assets.json"} {
		lock = path.Join(dir, lock)
		if !tree.Has(lock) {
			continue
		}
		names, _ := inventory.Parse(tree, lock, "nuget lock names", func(data []byte) (map[string]bool, error) {
			names := map[string]bool{}
			r := newJSONReader(lock, data)
			note := func(pkg string, _ int) error { //nolint:unparam // what object wants of a visitor
				pkg, _, _ = strings.Cut(pkg, "/")
				names[strings.ToLower(pkg)] = true
				return nil
			}
			err := r.document(func(member string, _ int) error {
				switch member {
				case "dependencies":
					return r.object(func(string, int) error { return r.object(note) })
				case "libraries":
					return r.object(note)
				}
				return nil
			})
			return names, err
		})
		return names
	}
	return nil
}

// nugetAssets is what project.assets.json (written by restore) and APP.deps.json (written beside a built program) have
// in common: libraries with their digests, and for each target which library needs which.
// Source: https://github.com/dotnet/sdk/blob/main/documentation/specs/runtime-configuration-file.md
type nugetAssets struct {
	*jsonReader
	graph   *nugetGraph
	byKey   map[string]int // NAME/VERSION -> entry
	targets []nugetTarget
	direct  map[string]bool // by lower-case name
	private map[string]bool // the direct ones with PrivateAssets="all"
}

type nugetTarget struct {
	framework, key string
	needs          []string
}

func readNuGetAssets(_ context.Context, tree *inventory.Tree, name string) (*Document, error) {
	data, err := tree.ReadFile(name)
	if err != nil {
		return nil, err
	}
	doc := &Document{}
	a := &nugetAssets{
		jsonReader: newJSONReader(name, data), graph: newNuGetGraph(tree, name, doc),
		byKey: map[string]int{}, direct: map[string]bool{}, private: map[string]bool{},
	}
	err = a.document(func(member string, _ int) error {
		switch member {
		case "targets":
			return a.readTargets()
		case "libraries":
			return a.readLibraries()
		case "projectFileDependencyGroups":
			return a.object(func(string, int) error {
				return a.array(func(int) error {
					want, err := a.str()
					pkg, _, _ := strings.Cut(want, " ")
					a.direct[strings.ToLower(pkg)] = true
					return err
				})
			})
		case "project":
			return a.readProject()
		}
		return nil
	})
	a.connect(tree)
	doc.Resolve()
	return doc, unlessFull(err)
}

func (a *nugetAssets) readTargets() error {
	return a.object(func(framework string, _ int) error {
		return a.object(func(key string, _ int) error {
			target := nugetTarget{framework: framework, key: key}
			err := a.object(func(field string, _ int) error {
				if field != "dependencies" {
					return nil
				}
				return a.object(func(name string, _ int) error {
					target.needs = append(target.needs, name)
					return nil
				})
			})
			a.targets = append(a.targets, target)
			return err
		})
	})
}

func (a *nugetAssets) readLibraries() error {
	return a.object(func(key string, start int) error {
		a.graph.doc.Declared++
		var kind, hash string
		err := a.object(func(field string, _ int) error {
			switch field {
			case "type":
				return a.readString(&kind)
			case "sha512":
				return a.readString(&hash)
			}
			return nil
		})
		if err != nil {
			return err
		}
		place := a.location(start)
		name, version, ok := strings.Cut(key, "/")
		if !ok || name == "" || version == "" {
			a.graph.doc.unreadable(place, fmt.Sprintf("the library %q has no version and was left out", key))
			return nil
		}
		if err := a.graph.doc.full(place); err != nil {
			return err
		}
		entry := Entry{Name: name, Version: version, Location: place, Hashes: nugetHash(hash), Origin: a.graph.sources.origin(name)}
		switch kind {
		case "project":
			entry.Origin = inventory.OriginWorkspace
		case "reference", "referenceassembly":
			entry.Origin = inventory.OriginPath
		case "runtimepack": // the runtime inside a program that brings its own
			entry.Name = strings.TrimPrefix(name, "runtimepack.")
		}
		a.byKey[key] = len(a.graph.doc.Entries)
		a.graph.doc.Entries = append(a.graph.doc.Entries, entry)
		return nil
	})
}

func (a *nugetAssets) readProject() error {
	return a.object(func(field string, _ int) error {
		switch field {
		case "restore":
			return a.object(func(field string, _ int) error {
				if field == "projectName" {
					return a.readString(&a.graph.doc.Root)
				}
				return nil
			})
		case "frameworks":
			return a.object(func(string, int) error {
				return a.object(func(field string, _ int) error {
					if field != "dependencies" {
						return nil
					}
					return a.object(func(pkg string, _ int) error {
						return a.object(func(field string, _ int) error {
							if field != "suppressParent" {
								return nil
							}
							value, err := a.str()
							if strings.EqualFold(value, "All") {
								a.private[strings.ToLower(pkg)] = true
							}
							return err
						})
					})
				})
			})
		}
		return nil
	})
}

// connect draws the edges and finds the packages that the project asks for itself. A deps.json has the project among
// its libraries, under the name of the file.
func (a *nugetAssets) connect(tree *inventory.Tree) {
	doc := a.graph.doc
	program, isDeps := strings.CutSuffix(path.Base(a.path), ".deps.json")
	if doc.Root == "" {
		doc.Root = program
		if !isDeps {
			doc.Root = nugetProjectName(tree, a.path)
		}
	}
	for _, t := range a.targets {
		if at, ok := a.byKey[t.key]; ok {
			name, _, _ := strings.Cut(t.key, "/")
			a.graph.put(t.framework, name, at)
		}
	}
	for _, t := range a.targets {
		at, ok := a.byKey[t.key]
		if !ok {
			continue
		}
		for _, name := range t.needs {
			a.graph.needs = append(a.graph.needs, nugetNeed{at, t.framework, name})
			if isDeps && strings.EqualFold(doc.Entries[at].Name, program) && doc.Entries[at].Origin == inventory.OriginWorkspace {
				a.direct[strings.ToLower(strings.TrimPrefix(name, "runtimepack."))] = true
			}
		}
	}
	a.graph.connect()
	if len(a.direct) == 0 {
		return
	}
	manifest := nugetManifest(tree, a.path)
	for i := range doc.Entries {
		name := strings.ToLower(doc.Entries[i].Name)
		if !a.direct[name] {
			continue
		}
		doc.Roots = append(doc.Roots, i)
		doc.Entries[i].Manifest = manifest[name]
		doc.Entries[i].Scope = inventory.ScopeRuntime
		if a.private[name] {
			doc.Entries[i].Scope = inventory.ScopeDevelopment
		}
	}
}

// readNuGetTools reads the tools that dotnet tool restore installs.
// Source: https://learn.microsoft.com/dotnet/core/tools/local-tools-how-to-use
func readNuGetTools(_ context.Context, tree *inventory.Tree, name string) (*Document, error) {
	return readNuGetPins(tree, name, "tools", func(r *jsonReader) (version string, err error) {
		err = r.object(func(field string, _ int) error {
			if field == "version" {
				return r.readString(&version)
			}
			return nil
		})
		return version, err
	})
}

// readGlobalJSON reads the versions of the build's SDKs that are packages themselves.
// Source: https://learn.microsoft.com/visualstudio/msbuild/how-to-use-project-sdk
func readGlobalJSON(_ context.Context, tree *inventory.Tree, name string) (*Document, error) {
	return readNuGetPins(tree, name, "msbuild-sdks", (*jsonReader).str)
}

// readNuGetPins reads an object whose members are packages, which only the build needs.
func readNuGetPins(tree *inventory.Tree, name, list string, version func(*jsonReader) (string, error)) (*Document, error) {
	data, err := tree.ReadFile(name)
	if err != nil {
		return nil, err
	}
	doc := &Document{Root: path.Base(name)}
	var open openVersions
	r := newJSONReader(name, data)
	err = r.document(func(member string, _ int) error {
		if member != list {
			return nil
		}
		return r.object(func(pkg string, start int) error {
			want, err := version(r)
			if err != nil || pkg == "" {
				return err
			}
			entry := Entry{Name: pkg, Version: want, Location: r.location(start), Scope: inventory.ScopeDevelopment}
			if err := doc.full(entry.Location); err != nil {
				return err
			}
			open.note(entry, want, false)
			doc.Roots = append(doc.Roots, len(doc.Entries))
			doc.Entries = append(doc.Entries, entry)
			return nil
		})
	})
	doc.Notices = append(doc.Notices, open.notices(name)...)
	doc.Resolve()
	return doc, unlessFull(err)
}
