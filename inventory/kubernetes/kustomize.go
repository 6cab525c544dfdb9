package kubernetes

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	jsonpatch "gopkg.in/evanphx/json-patch.v4"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/resmap"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/yaml"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// kustomizationNames are the names of kustomization files, the first counts
// (https://kubectl.docs.kubernetes.io/references/kustomize/kustomization/).
var kustomizationNames = []string{"kustomization.yaml", "kustomization.yml", "Kustomization"}

// kustomization is one file, made safe to build: what is not in the tree is taken out, so that nothing is downloaded and no
// program is started.
type kustomization struct {
	dir       string
	file      string
	content   map[string]any
	component bool
	uses      []string        // folders of other kustomizations
	patches   map[string]bool // files that are parts of objects
	withheld  []string        // entries that are not in the tree
	charts    []any           // of helmCharts
	err       error
}

// maxBuild bounds one build.
const (
	maxBuildTime  = 60 * time.Second // of the clock; a build of 5,000 objects takes some seconds
	maxBuildReads = 20_000
	maxBuildBytes = 64 << 20
)

// kustomizations builds every kustomization that no other one includes. It notes the files that belong to them, which are
// not read as manifests of their own.
func (r *reader) kustomizations(ctx context.Context, source Source) error {
	all := map[string]*kustomization{}
	for i := len(kustomizationNames) - 1; i >= 0; i-- {
		for _, file := range r.tree.Named(kustomizationNames[i]) {
			if k := r.kustomization(file); k != nil && !inChart(r.folders, file) {
				all[k.dir] = k
			}
		}
	}
	if len(all) == 0 {
		return nil
	}
	included := map[string]bool{}
	for _, k := range all {
		for _, dir := range k.uses {
			included[dir] = true
		}
		for file := range k.patches {
			r.consumed[file] = true
		}
	}
	// A patch that grows by copying itself ends at this size; without it the library has no bound.
	jsonpatch.AccumulatedCopySizeLimit = 8 << 20
	folders := newFolders(r.tree)
	for _, dir := range slices.Sorted(maps.Keys(all)) {
		k := all[dir]
		if k.err != nil {
			r.notice("unreadable-kustomization", inventory.Location{Path: k.file, Line: 1}, "%s can't be read: %v", k.file, k.err)
			continue
		}
		if k.component || included[dir] {
			continue
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		r.build(ctx, k, all, folders, source)
	}
	return nil
}

// build builds one kustomization and adds its objects.
func (r *reader) build(ctx context.Context, k *kustomization, all map[string]*kustomization, folders folders, source Source) {
	b := &buildFiles{tree: r.tree, folders: folders, kustomizations: all, root: k.dir, read: map[string]bool{}, documents: map[string][]inventory.Document{}, seen: map[string]bool{}}
	objects, err := b.run(ctx)
	for _, dir := range slices.Sorted(maps.Keys(b.seen)) {
		for _, entry := range all[dir].withheld {
			r.noticeOnce("remote-base", r.entryLine(all[dir], entry), "%s includes %s, which is not in the tree and was not fetched; what it deploys is not known", all[dir].file, shortened(entry))
		}
		r.inflated(all[dir], k.dir)
	}
	if err != nil {
		r.notice("unbuilt-kustomization", inventory.Location{Path: k.file, Line: 1}, "%s can't be built, its resources are read as they stand: %v", k.file, shortened(err.Error()))
		return
	}
	for file := range b.read {
		r.consumed[file] = true
	}
	for _, env := range kustomizeEnvironments(k.dir, source) {
		for _, o := range objects {
			r.object(o, k.dir, env, nil)
		}
	}
}

// shortened returns a text of bounded length on one line.
func shortened(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	if len(text) > 300 {
		text = strings.ToValidUTF8(text[:300], "") + "…"
	}
	return text
}

// kustomizeEnvironments returns the environments of a kustomization: those of the configuration that name its folder, else the
// one that the folder is named for.
func kustomizeEnvironments(dir string, source Source) []string {
	var names []string
	for _, env := range source.Environments {
		if len(env.Paths) > 0 && env.Covers(dir) {
			names = append(names, env.Name)
		}
	}
	if len(names) > 0 {
		return names
	}
	parts := strings.Split(dir, "/")
	for i := len(parts) - 2; i >= 0; i-- {
		switch parts[i] {
		case "overlays", "overlay", "envs", "env", "environments":
			return []string{parts[i+1]}
		}
	}
	return []string{""}
}

// kustomization reads a file and takes out what is not in the tree. It returns nil for a file of another kind.
func (r *reader) kustomization(file string) *kustomization {
	if vendoredPath(file) {
		return nil
	}
	k := &kustomization{dir: path.Dir(file), file: file, patches: map[string]bool{}}
	data, err := r.tree.ReadFile(file)
	if err != nil {
		k.err = err
		return k
	}
	if docs := inventory.ReadYAML(file, data); len(docs) > 0 && docs[0].Err != nil { // bounds depth and aliases, too
		k.err = docs[0].Err
		return k
	}
	if k.err = yaml.Unmarshal(data, &k.content); k.err != nil {
		return k
	}
	if k.content == nil {
		k.content = map[string]any{}
	}
	kind, _ := k.content["kind"].(string)
	if kind != "" && kind != "Kustomization" && kind != "Component" {
		return nil
	}
	if version, _ := k.content["apiVersion"].(string); version != "" && !strings.HasPrefix(version, "kustomize.config.k8s.io/") {
		return nil // Flux has a kind of this name
	}
	k.component = kind == "Component"
	for _, key := range []string{"helmCharts", "helmChartInflationGenerator"} {
		list, _ := k.content[key].([]any)
		k.charts = append(k.charts, list...)
		delete(k.content, key)
	}
	delete(k.content, "helmGlobals")
	for _, key := range []string{"resources", "bases", "components", "generators", "transformers", "validators"} {
		if list, ok := k.content[key].([]any); ok {
			k.content[key] = r.local(k, list, key)
		}
	}
	for _, key := range []string{"crds", "configurations"} {
		if list, ok := k.content[key].([]any); ok {
			k.content[key] = slices.DeleteFunc(list, func(e any) bool { return !k.keeps(e) })
		}
	}
	r.references(k)
	modernise(k.content)
	return k
}

func vendoredPath(name string) bool {
	return slices.Contains(strings.Split(name, "/"), "node_modules")
}

// remote reports whether an entry is an address. The library takes whatever has a scheme of the web for one.
func remote(entry string) bool { return strings.Contains(entry, ":") && !strings.Contains(entry, "\n") }

// keeps reports whether a file that a kustomization names may be loaded; one that is an address is noted.
func (k *kustomization) keeps(entry any) bool {
	text, ok := entry.(string)
	if ok && remote(text) {
		k.withheld = append(k.withheld, text)
		return false
	}
	return ok
}

// local returns the entries of a list that are files or folders of the tree, written so that they can't be taken for the
// address of a repository.
func (r *reader) local(k *kustomization, list []any, key string) []any {
	var kept []any
	program := key == "generators" || key == "transformers" || key == "validators"
	for _, e := range list {
		entry, ok := e.(string)
		switch {
		case !ok:
			continue
		case program && strings.Contains(entry, "\n"): // written in place
			if strings.Contains(entry, "://") {
				k.withheld = append(k.withheld, entry)
				continue
			}
			kept = append(kept, entry)
			continue
		case remote(entry):
			k.withheld = append(k.withheld, entry)
			continue
		}
		at := path.Join(k.dir, entry)
		switch {
		case path.IsAbs(entry) || strings.HasPrefix(at, "../"):
			k.withheld = append(k.withheld, entry)
		case r.tree.Has(at):
			if data, err := r.tree.ReadFile(at); program && (err != nil || bytes.Contains(data, []byte("://"))) {
				k.withheld = append(k.withheld, entry)
				continue
			}
			if program {
				k.patches[at] = true
			}
			kept = append(kept, entry)
		case !program && r.kustomized(at):
			k.uses = append(k.uses, at)
			if !strings.HasPrefix(entry, "../") && !strings.HasPrefix(entry, "./") {
				entry = "./" + entry
			}
			kept = append(kept, entry)
		default:
			k.withheld = append(k.withheld, entry)
		}
	}
	return kept
}

// kustomized reports whether a folder has a kustomization.
func (r *reader) kustomized(dir string) bool {
	return slices.ContainsFunc(kustomizationNames, func(name string) bool { return r.tree.Has(path.Join(dir, name)) })
}

// references goes through the fields that name files: patches, generators, replacements.
func (r *reader) references(k *kustomization) {
	patch := func(entry any) bool {
		text, ok := entry.(string)
		if !ok || strings.Contains(text, "\n") {
			return ok
		}
		if remote(text) {
			if r.tree.Has(path.Join(k.dir, text)) || strings.Contains(text, "{") { // in place, as JSON
				return true
			}
			k.withheld = append(k.withheld, text)
			return false
		}
		k.patches[path.Join(k.dir, text)] = true
		return true
	}
	if list, ok := k.content["patchesStrategicMerge"].([]any); ok {
		k.content["patchesStrategicMerge"] = slices.DeleteFunc(list, func(e any) bool { return !patch(e) })
	}
	for _, key := range []string{"patches", "patchesJson6902", "replacements"} {
		if list, ok := k.content[key].([]any); ok {
			k.content[key] = slices.DeleteFunc(list, func(e any) bool {
				entry, ok := e.(map[string]any)
				return ok && entry["path"] != nil && !patch(entry["path"])
			})
		}
	}
	if api, ok := k.content["openapi"].(map[string]any); ok && api["path"] != nil && !k.keeps(api["path"]) {
		delete(k.content, "openapi")
	}
	for _, key := range []string{"configMapGenerator", "secretGenerator"} {
		list, _ := k.content[key].([]any)
		for _, e := range list {
			entry, ok := e.(map[string]any)
			if !ok {
				continue
			}
			for _, field := range []string{"files", "envs"} {
				if files, ok := entry[field].([]any); ok {
					entry[field] = slices.DeleteFunc(files, func(f any) bool {
						text, ok := f.(string)
						if _, file, named := strings.Cut(text, "="); named {
							text = file
						}
						return !ok || !k.keeps(text)
					})
				}
			}
			if file, ok := entry["env"].(string); ok && remote(file) {
				delete(entry, "env")
			}
		}
	}
}

// entryLine returns the line of an entry of a kustomization file.
func (r *reader) entryLine(k *kustomization, entry string) inventory.Location {
	at := inventory.Location{Path: k.file, Line: 1}
	data, err := r.tree.ReadFile(k.file)
	if err != nil {
		return at
	}
	for _, doc := range inventory.ReadYAML(k.file, data) {
		for _, f := range doc.Value.Fields() {
			for _, e := range f.Value.Elements() {
				if text, _ := e.Text(); text == entry {
					return e.Location()
				}
			}
		}
	}
	return at
}

// inflated notes the charts that a kustomization would fetch and render.
func (r *reader) inflated(k *kustomization, root string) {
	for _, c := range k.charts {
		chart, _ := c.(map[string]any)
		name, _ := chart["name"].(string)
		if name == "" {
			name, _ = chart["chartName"].(string)
		}
		repository, _ := chart["repo"].(string)
		version, _ := chart["version"].(string)
		at := inventory.Location{Path: k.file, Line: 1}
		r.noticeOnce("missing-chart", at, "%s asks for the chart %s %s of %s, which is not rendered; what it deploys is not known", k.file, name, version, repository)
		r.dependency(k.dir, root, "", name, name, version, repository, at)
	}
}

// run builds the kustomization and returns its objects with their places. The library can say which file an object comes
// from, and then notes each change of each object; as this costs as much as half of the build, it is asked only where
// names do not tell.
func (b *buildFiles) run(ctx context.Context) ([]inventory.Value, error) {
	ctx, cancel := context.WithTimeout(ctx, maxBuildTime)
	defer cancel()
	b.ctx = ctx
	if !b.renames() {
		built, err := b.built()
		if err != nil {
			return nil, err
		}
		if files, ok := b.origins(built); ok {
			return b.objects(built, files), nil
		}
		b.reads, b.bytes = 0, 0
	}
	b.tracked = true
	built, err := b.built()
	if err != nil {
		return nil, err
	}
	files := make([]string, 0, built.Size())
	for _, res := range built.Resources() {
		origin, err := res.GetOrigin()
		if err != nil {
			return nil, err
		}
		from := ""
		if origin != nil {
			from = path.Join(b.root, cmp.Or(origin.Path, origin.ConfiguredIn))
		}
		files = append(files, from)
	}
	if err := built.RemoveOriginAnnotations(); err != nil {
		return nil, err
	}
	return b.objects(built, files), nil
}

// built runs the library.
func (b *buildFiles) built() (resmap.ResMap, error) {
	type result struct {
		built resmap.ResMap
		err   error
	}
	done := make(chan result, 1)
	go func() {
		var r result
		defer func() {
			if failure := recover(); failure != nil {
				r.err = fmt.Errorf("it can't be processed: %v", failure)
			}
			done <- r
		}()
		options := krusty.MakeDefaultOptions()
		options.LoadRestrictions = types.LoadRestrictionsNone // everything is in the tree
		options.PluginConfig = types.DisabledPluginConfig()
		r.built, r.err = krusty.MakeKustomizer(options).Run(b, absolute(b.root))
	}()
	select {
	case r := <-done:
		return r.built, r.err
	case <-b.ctx.Done():
		return nil, fmt.Errorf("it takes longer than %v", maxBuildTime)
	}
}

// objects returns what was built; files says where each object comes from.
func (b *buildFiles) objects(built resmap.ResMap, files []string) []inventory.Value {
	objects := make([]inventory.Value, 0, built.Size())
	for i, res := range built.Resources() {
		objects = append(objects, b.placed(res.YNode(), files[i]))
	}
	return objects
}

// renames reports whether the build may give objects other names than they have in their files.
func (b *buildFiles) renames() bool {
	seen := map[string]bool{}
	dirs := []string{b.root}
	for len(dirs) > 0 {
		dir := dirs[0]
		dirs = dirs[1:]
		k := b.kustomizations[dir]
		if k == nil || seen[dir] {
			continue
		}
		seen[dir] = true
		for _, key := range []string{"namePrefix", "nameSuffix", "generators", "transformers", "replacements", "patchesJson6902"} {
			if k.content[key] != nil {
				return true
			}
		}
		patches, _ := k.content["patches"].([]any)
		for _, p := range patches {
			if entry, _ := p.(map[string]any); entry["options"] != nil || entry["target"] != nil { // by JSON patches, too
				return true
			}
		}
		dirs = append(dirs, k.uses...)
	}
	return false
}

// origins returns the files that objects come from, by their kinds and names; not ok where that does not tell.
func (b *buildFiles) origins(built resmap.ResMap) (files []string, ok bool) {
	type object struct{ kind, name string }
	from := map[object]string{}
	twice := map[object]bool{}
	for file, documents := range b.documents {
		if b.isPatch(file) {
			continue
		}
		for _, doc := range documents {
			for _, v := range listed(doc.Value) {
				kind, _ := v.Get("kind").Text()
				name, _ := v.Get("metadata", "name").Text()
				o := object{kind, name}
				twice[o] = twice[o] || from[o] != "" && from[o] != file
				from[o] = file
			}
		}
	}
	for _, res := range built.Resources() {
		o := object{res.GetKind(), res.GetName()}
		file := from[o]
		if twice[o] {
			return nil, false
		}
		if file == "" { // made by a generator, or it has another name
			for dir := range b.seen {
				k := b.kustomizations[dir]
				if k.generates(o.kind, o.name) {
					if file != "" {
						return nil, false
					}
					file = k.file
				}
			}
		}
		if file == "" {
			return nil, false
		}
		files = append(files, file)
	}
	return files, true
}

// generates reports whether an object may be one that a kustomization generates: its name gets a digest.
func (k *kustomization) generates(kind, name string) bool {
	field := map[string]string{"ConfigMap": "configMapGenerator", "Secret": "secretGenerator"}[kind]
	list, _ := k.content[field].([]any)
	return slices.ContainsFunc(list, func(e any) bool {
		entry, _ := e.(map[string]any)
		have, _ := entry["name"].(string)
		return have != "" && (name == have || strings.HasPrefix(name, have+"-"))
	})
}

var errBuild = errors.New("the build reads too much")
