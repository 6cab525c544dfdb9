// Package builds reads what builds images: Dockerfiles with what they copy, and the files that say where they are built and
// how the image is called (Compose, Skaffold, Tilt, bake, GitHub workflows, GitLab CI, Makefiles and scripts). From them come
// the builds that package join follows from a lock file to a workload, and the images that the tree starts from or runs.
//
// Nothing is executed. A part of a name that the tree does not give is a "*".
//
// # Limitations
//
// Of shell scripts and Makefiles only
// plain command lines are read, with variables that are assigned in the same file.
package builds

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// Source reads the builds of a tree.
type Source struct{}

// Name returns the name of the source.
func (Source) Name() string { return "builds" }

// maxFile bounds the files that are looked into, in bytes.
const maxFile = 2 << 20

// Read returns the builds of the tree, the images that they start from and that Compose files run, and what could not be
// read.
func (Source) Read(ctx context.Context, tree *inventory.Tree) (*inventory.Inventory, error) {
	r := &reader{tree: tree, files: tree.Files(), recipes: map[string]*recipe{}, images: map[inventory.ID]*inventory.Image{}}
	for _, f := range r.files {
		if f.Vendored || f.Size > maxFile {
			continue
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		r.file(f)
	}
	r.builds()
	for _, id := range slices.Sorted(maps.Keys(r.images)) {
		r.inv.Images = append(r.inv.Images, *r.images[id])
	}
	r.inv.Sort()
	return &r.inv, nil
}

// reader collects what the files of a tree say.
type reader struct {
	tree     *inventory.Tree
	files    []inventory.File
	inv      inventory.Inventory
	recipes  map[string]*recipe // by path
	requests []request
	images   map[inventory.ID]*inventory.Image
	ignores  map[string]*inventory.BuildIgnore // by path of the file and context
}

// request is one place that asks for an image to be built.
type request struct {
	kind    inventory.BuildKind // empty: a Dockerfile
	recipe  string              // path of the Dockerfile; empty: the one in the context
	context string              // folder in the tree
	target  string
	args    map[string]string
	names   []string
	at      inventory.Location
}

// file reads a file if it is of a kind that says something of builds.
func (r *reader) file(f inventory.File) {
	base := f.Base()
	lower := strings.ToLower(base)
	read := func(parse func(name string, data []byte)) {
		data, err := r.tree.ReadFile(f.Path)
		if err != nil {
			r.notice("unreadable-file", inventory.Location{Path: f.Path}, "%s can't be read: %v", f.Path, err)
			return
		}
		parse(f.Path, data)
	}
	isYAML := strings.HasSuffix(lower, ".yaml") || strings.HasSuffix(lower, ".yml")
	switch {
	case isDockerfile(lower):
		read(r.dockerfile)
	case isYAML && (strings.HasPrefix(lower, "compose.") || strings.HasPrefix(lower, "docker-compose")):
		read(r.compose)
	case isYAML && strings.HasPrefix(lower, "skaffold"):
		read(r.skaffold)
	case strings.HasPrefix(lower, "docker-bake.") && (strings.HasSuffix(lower, ".hcl") || strings.HasSuffix(lower, ".json")):
		read(r.bake)
	case isYAML && strings.Contains("/"+f.Path, "/.github/workflows/"), lower == "action.yml", lower == "action.yaml":
		read(r.workflow)
	case isYAML && (strings.HasSuffix(lower, ".gitlab-ci.yml") || strings.HasSuffix(lower, ".gitlab-ci.yaml") || strings.Contains("/"+f.Path, "/.gitlab/")):
		read(r.gitlab)
	case base == "Tiltfile":
		read(r.tilt)
	case lower == "makefile", strings.HasSuffix(lower, ".mk"), strings.HasSuffix(lower, ".sh"), lower == "gnumakefile":
		read(r.script)
	}
}

// isDockerfile reports whether a file name, in lower case, is one that Dockerfiles have.
func isDockerfile(lower string) bool {
	for _, name := range []string{"dockerfile", "containerfile"} {
		if lower == name || strings.HasPrefix(lower, name+".") && !strings.HasSuffix(lower, ".dockerignore") && !strings.HasSuffix(lower, ".md") && !strings.HasSuffix(lower, ".j2") ||
			strings.HasSuffix(lower, "."+name) {
			return true
		}
	}
	return false
}

// ask notes a request. Paths are folders of the tree by then; what leads out of it, or is not known, is left out.
func (r *reader) ask(q request) {
	q.context = path.Clean(q.context)
	if strings.HasPrefix(q.context, "../") || q.context == ".." || path.IsAbs(q.context) || strings.Contains(q.context, "*") || strings.Contains(q.context, "://") {
		return
	}
	if q.kind == "" || q.kind == inventory.BuildDockerfile {
		q.kind = inventory.BuildDockerfile
		if q.recipe == "" {
			q.recipe = path.Join(q.context, "Dockerfile")
		}
		q.recipe = path.Clean(q.recipe)
		if r.recipes[q.recipe] == nil && !r.tree.Has(q.recipe) {
			return
		}
	}
	q.names = slices.DeleteFunc(q.names, func(n string) bool { return strings.Trim(n, "*:/@ ") == "" })
	r.requests = append(r.requests, q)
}

// builds makes one build of each recipe and target, for each context in which it is asked for.
func (r *reader) builds() {
	type key struct{ id, context string }
	made := map[key]*inventory.Build{}
	asked := map[string]bool{}
	for _, q := range r.requests {
		id := "build:" + q.recipe
		if q.target != "" && q.recipe != "" {
			id += "#" + q.target
		}
		if q.recipe == "" {
			id = "build:" + q.context
		}
		k := key{id, q.context}
		b := made[k]
		if b == nil {
			b = &inventory.Build{ID: inventory.ID(id), Kind: q.kind, Recipe: q.at, Context: q.context, Sources: []inventory.BuildSource{{Path: q.context, Location: q.at}}}
			if rec := r.recipes[q.recipe]; rec != nil {
				asked[q.recipe] = true
				r.fill(b, rec, q)
			}
			made[k] = b
		}
		for _, name := range q.names {
			image := inventory.BuiltImage{Name: inventory.ID(name), Location: q.at}
			if !slices.ContainsFunc(b.Images, func(have inventory.BuiltImage) bool { return have.Name == image.Name }) {
				b.Images = append(b.Images, image)
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(r.recipes)) {
		rec := r.recipes[name]
		if asked[name] || len(rec.stages) == 0 {
			continue
		}
		at := inventory.Location{Path: name, Line: 1}
		q := request{recipe: name, context: r.contextOf(rec), at: at}
		b := &inventory.Build{ID: inventory.ID("build:" + name), Kind: inventory.BuildDockerfile, Context: q.context}
		r.fill(b, rec, q)
		made[key{"build:" + name, q.context}] = b
	}
	for _, b := range made {
		slices.SortFunc(b.Images, func(x, y inventory.BuiltImage) int { return strings.Compare(string(x.Name), string(y.Name)) })
		r.inv.Builds = append(r.inv.Builds, *b)
	}
	slices.SortFunc(r.inv.Builds, func(a, b inventory.Build) int { return cmp.Or(a.Compare(b), strings.Compare(a.Context, b.Context)) })
}

// fill completes the build of a Dockerfile.
func (r *reader) fill(b *inventory.Build, rec *recipe, q request) {
	b.Recipe = inventory.Location{Path: rec.path, Line: 1}
	final, ok := rec.stage(q.target)
	if !ok {
		return
	}
	b.Recipe = rec.stages[final].at
	b.Sources = nil
	ignore := r.ignore(rec.path, q.context)
	for _, i := range rec.closure(final) {
		s := &rec.stages[i]
		if base := rec.base(i, q.args); base != "" && base != "scratch" && strings.Trim(base, "*:/@") != "" {
			b.Bases = append(b.Bases, inventory.ID(base))
		}
		for _, c := range s.copies {
			if c.from != "" {
				continue
			}
			for _, s := range r.taken(q.context, c) {
				s.Ignore = ignore
				b.Sources = append(b.Sources, s)
			}
		}
	}
}

// taken returns the files and folders of the tree that an instruction takes in.
func (r *reader) taken(context string, c copied) []inventory.BuildSource {
	name := strings.TrimPrefix(c.path, "/")
	if strings.Contains(name, "://") || strings.HasPrefix(name, "git@") {
		return nil
	}
	at := path.Join(context, name)
	if at != context && context != "." && !strings.HasPrefix(at, context+"/") || strings.HasPrefix(at, "../") || at == ".." {
		return nil // a path can't leave the context
	}
	if !strings.ContainsAny(name, "*?[") {
		return []inventory.BuildSource{{Path: at, Location: c.at}}
	}
	var sources []inventory.BuildSource
	folder := path.Dir(at)
	if !strings.ContainsAny(folder, "*?[") {
		for _, f := range r.files {
			if ok, err := path.Match(at, f.Path); err == nil && ok && len(sources) < 200 {
				sources = append(sources, inventory.BuildSource{Path: f.Path, Location: c.at})
			}
		}
		return sources
	}
	for strings.ContainsAny(folder, "*?[") {
		folder = path.Dir(folder)
	}
	return []inventory.BuildSource{{Path: folder, Location: c.at}}
}

// contextOf returns the folder that a Dockerfile nobody asks for is built in: the nearest one that has most of what it copies.
func (r *reader) contextOf(rec *recipe) string {
	best, most := path.Dir(rec.path), 0
	for dir := best; ; dir = path.Dir(dir) {
		if n := r.has(dir, rec); n > most {
			best, most = dir, n
		}
		if dir == "." {
			return best
		}
	}
}

// has returns how many of the paths that a Dockerfile copies are there, with a folder as the context.
func (r *reader) has(dir string, rec *recipe) int {
	n := 0
	for i := range rec.stages {
		for _, c := range rec.stages[i].copies {
			if c.from != "" || strings.ContainsAny(c.path, "*?[$") || strings.Contains(c.path, "://") {
				continue
			}
			if at := path.Join(dir, c.path); at == dir || r.tree.Has(at) || r.folder(at) {
				n++
			}
		}
	}
	return n
}

// folder reports whether the tree has files below a path.
func (r *reader) folder(name string) bool {
	files := r.files
	i, _ := slices.BinarySearchFunc(files, name+"/", func(f inventory.File, prefix string) int { return strings.Compare(f.Path, prefix) })
	return i < len(files) && strings.HasPrefix(files[i].Path, name+"/")
}

// image notes an image that the tree refers to.
func (r *reader) image(name string, at inventory.Location) {
	if name == "" || name == "scratch" || strings.Trim(name, "*:/@-_. ") == "" || strings.ContainsAny(name, " \t\n") {
		return
	}
	id := inventory.ID(name)
	found := r.images[id]
	if found == nil {
		_, digest, _ := strings.Cut(name, "@")
		if strings.Contains(digest, "*") {
			digest = ""
		}
		found = &inventory.Image{ID: id, Digest: digest}
		r.images[id] = found
	}
	if !slices.Contains(found.Locations, at) {
		found.Locations = append(found.Locations, at)
	}
}

func (r *reader) notice(code string, at inventory.Location, format string, args ...any) {
	r.inv.Notices = append(r.inv.Notices, inventory.Notice{Code: code, Location: &at, Message: fmt.Sprintf(format, args...)})
}
