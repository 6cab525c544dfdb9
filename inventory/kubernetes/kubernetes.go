// Package kubernetes reads Kubernetes objects from a tree: plain manifests, recognised by what they say.
//
// Each object is one inventory.Resource whose values carry their own lines. Package kube makes typed objects of them; this
// package knows how objects get into a cluster and leaves what they mean to others.
//
// Everything read is somebody else's: nothing is executed, no cluster is asked, nothing is downloaded, and what a file may
// cost is bounded. What can't be read is a notice with a place.
package kubernetes

import (
	"bytes"
	"context"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/trifecta-scanner/trifecta/internal/chart"
	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/kube"
)

// Source reads the Kubernetes objects of a tree. The zero value is ready to use.
type Source struct {
	// Environments are the ways in which charts are rendered, beside those that the tree shows by the names of its files.
	Environments []inventory.Environment
	// Values are values files, as paths in the tree, that count more than all others for every chart.
	Values []string
	// Limits bound the rendering of one chart; the zero value stands for chart.DefaultLimits.
	Limits chart.Limits

	releases []*inventory.Resource // of Terraform
}

// After implements inventory.Follower: Terraform's helm_release may install a chart of the tree.
func (s Source) After(declared []*inventory.Resource) (source inventory.Source, goesBy bool) {
	s.releases = nil
	for _, res := range declared {
		if res.Language == inventory.Terraform && res.Type == "helm_release" && res.Get("repository").IsNull() && res.Exists != inventory.NotExists {
			s.releases = append(s.releases, res)
		}
	}
	return s, len(s.releases) > 0
}

func (s Source) limits() chart.Limits { return s.Limits }

// Name returns the name of the source.
func (Source) Name() string { return "kubernetes" }

// maxManifest bounds the file that is looked into, in bytes. The largest generated manifests known, bundles of custom
// resource definitions, have 4 MB.
const maxManifest = 16 << 20

// Read returns the objects of the tree, the images that their workloads run and what could not be read.
func (s Source) Read(ctx context.Context, tree *inventory.Tree) (*inventory.Inventory, error) {
	r := &reader{tree: tree, folders: foldersOf(tree, "Chart.yaml"), seen: map[objectKey]int{}, noticed: map[inventory.Notice]bool{}, consumed: map[string]bool{}}
	if err := r.within(ctx, "kustomizations", func(ctx context.Context) error { return r.kustomizations(ctx, s) }); err != nil {
		return nil, err
	}
	for _, f := range manifestFiles(tree) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if inChart(r.folders, f.Path) || r.consumed[f.Path] {
			continue
		}
		r.manifest(f)
	}
	if err := r.within(ctx, "charts", func(ctx context.Context) error { return r.charts(ctx, s) }); err != nil {
		return nil, err
	}
	r.images()
	if r.definitions > 0 {
		r.inv.Notices = append(r.inv.Notices, inventory.Notice{
			Code: "custom-resource-definitions", Message: fmt.Sprintf("%d definitions of custom resources were not read; they name kinds and deploy nothing", r.definitions),
		})
	}
	r.inv.Sort()
	return &r.inv, nil
}

// maxRendering bounds what all charts, and all kustomizations, of a tree may take together, by the clock.
const maxRendering = 4 * time.Minute

// within does a part of the work that the tree could make endless, and tells where it was cut off.
func (r *reader) within(ctx context.Context, what string, do func(context.Context) error) error {
	limited, cancel := context.WithTimeout(ctx, maxRendering)
	defer cancel()
	err := do(limited)
	if err != nil && ctx.Err() == nil && limited.Err() != nil {
		r.inv.Notices = append(r.inv.Notices, inventory.Notice{
			Code: "rendering-cut-off", Message: fmt.Sprintf("the %s of the tree take longer than %v; what the rest deploys is not known", what, maxRendering),
		})
		return nil
	}
	return err
}

// foldersOf returns the folders that hold a file of this name.
func foldersOf(tree *inventory.Tree, name string) map[string]bool {
	folders := map[string]bool{}
	for _, p := range tree.Named(name) {
		folders[path.Dir(p)] = true
	}
	return folders
}

// inChart reports whether a file is one that a chart renders: it stands below templates, charts or crds of one.
func inChart(charts map[string]bool, name string) bool {
	if len(charts) == 0 {
		return false
	}
	for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
		if base := path.Base(dir); (base == "templates" || base == "charts" || base == "crds") && charts[path.Dir(dir)] {
			return true
		}
	}
	return false
}

// manifestFiles returns the files that may hold manifests, in order of their paths.
func manifestFiles(tree *inventory.Tree) []inventory.File {
	var files []inventory.File
	for _, ending := range []string{".yaml", ".yml", ".json"} {
		for _, f := range tree.WithSuffix(ending) {
			if !f.Vendored && f.Size <= maxManifest && !(ending == ".json" && neverManifest(f.Base())) {
				files = append(files, f)
			}
		}
	}
	slices.SortFunc(files, func(a, b inventory.File) int { return strings.Compare(a.Path, b.Path) })
	return files
}

// neverManifest reports whether a JSON file is one of those that most repositories have many of, and that need not be read
// to know what they are.
func neverManifest(base string) bool {
	switch base {
	case "package.json", "package-lock.json", "npm-shrinkwrap.json", "composer.json", "tsconfig.json", "angular.json", "deno.json", "manifest.json", "project.assets.json", "packages.lock.json":
		return true
	}
	return strings.HasSuffix(base, ".tf.json") || strings.HasSuffix(base, ".template.json") || strings.HasPrefix(base, "tsconfig.")
}

// reader collects what is read from one tree.
type reader struct {
	tree    *inventory.Tree
	folders map[string]bool // that hold a chart
	inv     inventory.Inventory
	// definitions counts the definitions of custom resources that were left out.
	definitions int
	seen        map[objectKey]int // -> index in inv.Resources
	noticed     map[inventory.Notice]bool
	// consumed are files that belong to a kustomization: what it makes of them is read, not they themselves.
	consumed map[string]bool
}

type objectKey struct {
	root, environment string
	id                inventory.ID
}

// manifest reads the objects of a file that holds some.
func (r *reader) manifest(f inventory.File) {
	data, err := r.tree.ReadFile(f.Path)
	if err != nil {
		if strings.HasSuffix(f.Path, ".json") {
			return // not known to be a manifest
		}
		r.notice("unreadable-file", inventory.Location{Path: f.Path}, "%s can't be read: %v", f.Path, err)
		return
	}
	if !bytes.Contains(data, []byte("apiVersion")) || !bytes.Contains(data, []byte("kind")) {
		return
	}
	if strings.HasSuffix(f.Path, ".json") {
		r.documents(inventory.ReadJSON(f.Path, data), f.Path, "")
		return
	}
	r.documents(inventory.ReadYAMLExcept(f.Path, data, r.definition), f.Path, "")
}

// definition reports whether a document defines a kind. Such a document deploys nothing, and is often larger than all
// others together.
func (r *reader) definition(text []byte) bool {
	head := text[:min(len(text), 4096)]
	i := bytes.Index(head, []byte("\nkind: CustomResourceDefinition"))
	if i < 0 && !bytes.HasPrefix(head, []byte("kind: CustomResourceDefinition")) {
		return false
	}
	r.definitions++
	return true
}

// documents adds the objects of documents to a root. A document that can't be read is a notice where others of the file
// are objects, or where it looks like one itself.
func (r *reader) documents(documents []inventory.Document, root, environment string) {
	told := false // one notice a file: a file of another kind may fail at each of its lines
	for _, doc := range documents {
		if doc.Err != nil {
			if !told {
				r.notice("unreadable-manifest", inventory.Location{Path: root, Line: doc.Line}, "%s has a document that can't be read: %v", root, doc.Err)
			}
			told = true
			continue
		}
		r.object(doc.Value, root, environment, nil)
	}
}

// object adds one object, or those of a list, to a root; what is no object of a cluster is left out.
func (r *reader) object(v inventory.Value, root, environment string, via []inventory.Call) {
	apiVersion, ok := v.Get("apiVersion").Text()
	kind, named := v.Get("kind").Text()
	if !ok || !named || v.Kind() != inventory.Map || apiVersion == "" || kind == "" {
		return
	}
	if items := v.Get("items"); strings.HasSuffix(kind, "List") && items.Kind() == inventory.List {
		for _, item := range items.Elements() {
			if strings.HasSuffix(itemKind(item), "List") {
				continue // the API has no lists of lists
			}
			r.object(item, root, environment, via)
		}
		return
	}
	name, ok := v.Get("metadata", "name").Text()
	if !ok {
		if name, ok = v.Get("metadata", "generateName").Text(); !ok {
			return
		}
	}
	group, _ := kube.SplitVersion(apiVersion)
	if clientSide[group] {
		return
	}
	res := &inventory.Resource{
		ID: Address(group, kind, v), Type: apiVersion + "/" + kind, Name: name, Language: inventory.Kubernetes, Root: root, Environment: environment,
		Location: v.Location(), Via: via, Values: guarded(group, kind, v),
	}
	r.add(res)
}

// add adds a resource. Of two with one address in one root the later one is what the cluster keeps.
func (r *reader) add(res *inventory.Resource) {
	key := objectKey{res.Root, res.Environment, res.ID}
	if i, twice := r.seen[key]; twice {
		if r.inv.Resources[i].Type == res.Type {
			r.inv.Resources[i] = res
			return
		}
		// Two groups have a kind of this name: say which, as kubectl does.
		group, _ := kube.SplitVersion(path.Dir(res.Type))
		kind := path.Base(res.Type)
		res.ID = inventory.ID(kind + "." + group + strings.TrimPrefix(string(res.ID), kind))
		key.id = res.ID
	}
	r.seen[key] = len(r.inv.Resources)
	r.inv.Resources = append(r.inv.Resources, res)
}

func itemKind(v inventory.Value) string {
	kind, _ := v.Get("kind").Text()
	return kind
}

// clientSide are the groups of files that look like objects and configure tools.
var clientSide = map[string]bool{
	"kustomize.config.k8s.io": true, "kind.x-k8s.io": true, "client.authentication.k8s.io": true, "skaffold": true, "backstage.io": true,
	"config.karmada.io": true, "k3d.io": true, "tilt.dev": true, "devfile": true, "builtin": true,
}

// Address returns the address of an object: Kind/namespace/name with the namespace default where none is written, and
// Kind/name where the kind stands in no namespace.
func Address(group, kind string, v inventory.Value) inventory.ID {
	name, ok := v.Get("metadata", "name").Text()
	if !ok {
		name, _ = v.Get("metadata", "generateName").Text()
	}
	if kube.ClusterScoped(group, kind) {
		return inventory.ID(kind + "/" + name)
	}
	namespace, _ := v.Get("metadata", "namespace").Text()
	if namespace == "" {
		namespace = "default"
	}
	return inventory.ID(kind + "/" + namespace + "/" + name)
}

// guarded returns an object whose secrets no report shows.
func guarded(group, kind string, v inventory.Value) inventory.Value {
	if group != "" || kind != "Secret" {
		return v
	}
	fields := slices.Clone(v.Fields())
	for i, f := range fields {
		if f.Name == "data" || f.Name == "stringData" {
			fields[i].Value = hidden(f.Value)
		}
	}
	return inventory.MapValue(fields, v.Location())
}

func hidden(v inventory.Value) inventory.Value {
	if v.IsNull() {
		return v
	}
	if v.Kind() != inventory.Map {
		return v.AsSensitive()
	}
	fields := slices.Clone(v.Fields())
	for i := range fields {
		fields[i].Value = fields[i].Value.AsSensitive()
	}
	return inventory.MapValue(fields, v.Location())
}

// images notes the images that the workloads run.
func (r *reader) images() {
	byID := map[inventory.ID]int{}
	for _, w := range kube.Read(r.inv.Resources).Workloads {
		for _, image := range w.Pod.Images() {
			name, ok := image.Text()
			if name = strings.TrimSpace(name); !ok || name == "" {
				continue
			}
			id := inventory.ID(name)
			i, known := byID[id]
			if !known {
				i = len(r.inv.Images)
				byID[id] = i
				_, digest, _ := strings.Cut(name, "@")
				r.inv.Images = append(r.inv.Images, inventory.Image{ID: id, Digest: digest})
			}
			found := &r.inv.Images[i]
			if at := image.Location(); !slices.Contains(found.Locations, at) {
				found.Locations = append(found.Locations, at)
			}
			if !slices.Contains(found.Workloads, w.ID()) {
				found.Workloads = append(found.Workloads, w.ID())
			}
		}
	}
}

// noticeOnce adds a notice that several environments of a root would give.
func (r *reader) noticeOnce(code string, at inventory.Location, format string, args ...any) {
	n := inventory.Notice{Code: code, Message: at.Path + fmt.Sprint(at.Line) + fmt.Sprintf(format, args...)}
	if !r.noticed[n] {
		r.noticed[n] = true
		r.notice(code, at, format, args...)
	}
}

func (r *reader) notice(code string, at inventory.Location, format string, args ...any) {
	r.inv.Notices = append(r.inv.Notices, inventory.Notice{Code: code, Location: &at, Message: fmt.Sprintf(format, args...)})
}
