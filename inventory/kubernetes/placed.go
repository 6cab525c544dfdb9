package kubernetes

import (
	"maps"
	"path"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// placed returns a built object whose values stand where they are written: in the patch that sets them, in the file that
// the object comes from, or else at what holds them. from is that file.
func (b *buildFiles) placed(node *yaml.Node, from string) inventory.Value {
	built := valueOf(node)
	kind, _ := built.Get("kind").Text()
	name, _ := built.Get("metadata", "name").Text()
	written := b.declared(from, kind, name)
	at := inventory.Location{Path: from, Line: 1}
	if !written.IsNull() {
		at = written.Location()
	} else if generated := b.generator(from, kind, name); !generated.IsNull() {
		at = generated.Location()
	}
	layers := b.patches(from, kind, name)
	if !written.IsNull() {
		layers = append(layers, written)
	}
	v := overlaid(built, layers, at)
	return b.withImages(v)
}

// valueOf returns what a node says, without places: overlaid gives it some.
func valueOf(n *yaml.Node) inventory.Value {
	var nowhere inventory.Location
	switch {
	case n == nil:
	case n.Kind == yaml.DocumentNode && len(n.Content) == 1:
		return valueOf(n.Content[0])
	case n.Kind == yaml.AliasNode:
		return valueOf(n.Alias)
	case n.Kind == yaml.MappingNode:
		fields := make([]inventory.Field, 0, len(n.Content)/2)
		for i := 0; i+1 < len(n.Content); i += 2 {
			fields = append(fields, inventory.Field{Name: n.Content[i].Value, Value: valueOf(n.Content[i+1])})
		}
		return inventory.MapValue(fields, nowhere)
	case n.Kind == yaml.SequenceNode:
		elements := make([]inventory.Value, len(n.Content))
		for i, e := range n.Content {
			elements[i] = valueOf(e)
		}
		return inventory.ListValue(elements, nowhere)
	case n.Kind == yaml.ScalarNode:
		return inventory.YAMLScalar(n.ShortTag(), n.Value, n.Style == 0, nowhere)
	}
	return inventory.NullValue(nowhere)
}

// declared returns the object of a file that was built to one of this name: names get prefixes and suffixes.
func (b *buildFiles) declared(file, kind, name string) inventory.Value {
	var best inventory.Value
	length := -1
	for _, doc := range b.documents[file] {
		for _, v := range listed(doc.Value) {
			have, _ := v.Get("metadata", "name").Text()
			if k, _ := v.Get("kind").Text(); k == kind && strings.Contains(name, have) && len(have) > length {
				best, length = v, len(have)
			}
		}
	}
	return best
}

// listed returns the objects of a document: itself, or what it lists.
func listed(v inventory.Value) []inventory.Value {
	if kind, _ := v.Get("kind").Text(); strings.HasSuffix(kind, "List") && v.Get("items").Kind() == inventory.List {
		return v.Get("items").Elements()
	}
	return []inventory.Value{v}
}

// patches returns the parts of objects, in files that the build took in, that change an object.
func (b *buildFiles) patches(from, kind, name string) []inventory.Value {
	var list []inventory.Value
	for _, file := range b.patchFiles() {
		if file == from {
			continue
		}
		if v := b.declared(file, kind, name); !v.IsNull() {
			list = append(list, v)
		}
	}
	return list
}

// patchFiles returns the files that are parts of objects; what stands nearer to the root of the build counts more.
func (b *buildFiles) patchFiles() []string {
	if b.patchList != nil {
		return b.patchList
	}
	b.patchList = []string{}
	for file := range b.documents {
		if b.isPatch(file) {
			b.patchList = append(b.patchList, file)
		}
	}
	slices.SortFunc(b.patchList, func(x, y string) int {
		if n, m := strings.HasPrefix(x, b.root+"/"), strings.HasPrefix(y, b.root+"/"); n != m {
			if n {
				return -1
			}
			return 1
		}
		return strings.Compare(x, y)
	})
	return b.patchList
}

func (b *buildFiles) isPatch(file string) bool {
	for dir := range b.seen {
		if b.kustomizations[dir].patches[file] {
			return true
		}
	}
	return false
}

// generator returns the entry of a kustomization that generates an object.
func (b *buildFiles) generator(file, kind, name string) inventory.Value {
	field := map[string]string{"ConfigMap": "configMapGenerator", "Secret": "secretGenerator"}[kind]
	for _, doc := range b.kustomizationDocuments(path.Dir(file)) {
		for _, e := range doc.Get(field).Elements() {
			if have, _ := e.Get("name").Text(); have != "" && strings.Contains(name, have) {
				return e
			}
		}
	}
	return inventory.Value{}
}

// kustomizationDocuments returns a kustomization file with its places.
func (b *buildFiles) kustomizationDocuments(dir string) []inventory.Value {
	k := b.kustomizations[dir]
	if k == nil {
		return nil
	}
	docs, ok := b.documents[k.file]
	if !ok {
		if data, err := b.tree.ReadFile(k.file); err == nil {
			docs = inventory.ReadYAML(k.file, data)
		}
		b.documents[k.file] = docs
	}
	var values []inventory.Value
	for _, d := range docs {
		values = append(values, d.Value)
	}
	return values
}

// overlaid returns v with the places of the first layer that says the same; at is the place of what none says.
func overlaid(v inventory.Value, layers []inventory.Value, at inventory.Location) inventory.Value {
	switch v.Kind() {
	case inventory.Map:
		here := at
		for _, l := range layers {
			if l.Kind() == inventory.Map {
				here = l.Location() // of the lowest layer: where the object itself is written
			}
		}
		fields := slices.Clone(v.Fields())
		for i, f := range fields {
			var below []inventory.Value
			for _, l := range layers {
				if inner := l.Get(f.Name); l.Kind() == inventory.Map && !inner.IsNull() {
					below = append(below, inner)
				}
			}
			fields[i].Value = overlaid(f.Value, below, here)
		}
		return inventory.MapValue(fields, here)
	case inventory.List:
		here := at
		for _, l := range layers {
			if l.Kind() == inventory.List {
				here = l.Location()
			}
		}
		elements := slices.Clone(v.Elements())
		for i, e := range elements {
			var below []inventory.Value
			for _, l := range layers {
				if l.Kind() == inventory.List {
					if twin, ok := counterpart(e, i, l.Elements()); ok {
						below = append(below, twin)
					}
				}
			}
			elements[i] = overlaid(e, below, here)
		}
		return inventory.ListValue(elements, here)
	}
	for _, l := range slices.Backward(layers) { // a patch repeats what the object says already
		if same(v, l) {
			return v.At(l.Location())
		}
	}
	if len(layers) > 0 {
		return v.At(layers[len(layers)-1].Location()) // changed by something without a place of its own
	}
	return v.At(at)
}

// counterpart returns the element of a list that stands for another one: by name, by what identifies ports, or by place.
func counterpart(e inventory.Value, i int, list []inventory.Value) (inventory.Value, bool) {
	if e.Kind() != inventory.Map {
		for _, other := range list {
			if same(e, other) {
				return other, true
			}
		}
		return inventory.Value{}, false
	}
	for _, key := range []string{"name", "containerPort", "port", "mountPath", "key", "host"} {
		if own := e.Get(key); !own.IsNull() {
			for _, other := range list {
				if same(own, other.Get(key)) {
					return other, true
				}
			}
			return inventory.Value{}, false
		}
	}
	if i < len(list) {
		return list[i], true
	}
	return inventory.Value{}, false
}

func same(a, b inventory.Value) bool {
	x, xok := a.Text()
	y, yok := b.Text()
	return a.Kind() == b.Kind() && (xok && yok && x == y || a.IsNull() && b.IsNull())
}

// withImages places images that a kustomization renames, or gives another tag, at the entry that does it.
func (b *buildFiles) withImages(v inventory.Value) inventory.Value {
	if len(b.imageEntries()) == 0 {
		return v
	}
	if v.Kind() == inventory.List {
		elements := slices.Clone(v.Elements())
		for i := range elements {
			elements[i] = b.withImages(elements[i])
		}
		return inventory.ListValue(elements, v.Location())
	}
	if v.Kind() != inventory.Map {
		return v
	}
	fields := slices.Clone(v.Fields())
	for i, f := range fields {
		text, ok := f.Value.Text()
		if f.Name != "image" || !ok {
			fields[i].Value = b.withImages(f.Value)
			continue
		}
		for _, e := range b.imageEntries() {
			if sets(e, text) {
				fields[i].Value = f.Value.At(e.Location())
			}
		}
	}
	return inventory.MapValue(fields, v.Location())
}

// sets reports whether an entry of images gives this image.
func sets(entry inventory.Value, image string) bool {
	name, _ := entry.Get("newName").Text()
	if name == "" {
		name, _ = entry.Get("name").Text()
	}
	rest, ok := strings.CutPrefix(image, name)
	if !ok || name == "" || rest != "" && rest[0] != ':' && rest[0] != '@' {
		return false
	}
	tag, _ := entry.Get("newTag").Text()
	digest, _ := entry.Get("digest").Text()
	return tag != "" && rest == ":"+tag || digest != "" && strings.HasSuffix(rest, "@"+digest) || tag == "" && digest == ""
}

// imageEntries returns the entries of images of all kustomizations that the build took in, in order.
func (b *buildFiles) imageEntries() []inventory.Value {
	if b.images == nil {
		b.images = []inventory.Value{}
		for _, dir := range slices.Sorted(maps.Keys(b.seen)) {
			for _, doc := range b.kustomizationDocuments(dir) {
				b.images = append(append(b.images, doc.Get("images").Elements()...), doc.Get("imageTags").Elements()...)
			}
		}
	}
	return b.images
}
