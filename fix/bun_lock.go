package fix

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/tidwall/jsonc"

	"github.com/trifecta-scanner/trifecta/ecosystem"
	"github.com/trifecta-scanner/trifecta/inventory"
)

// bunLock is a bun.lock, which is JSON with comments and commas at the end of lists. Packages stand under the names of those
// in whose folders they are: a/b is the b of a, and what a needs is looked for in a/, then at the top.
// Source: https://bun.com/docs/pm/lockfile
type bunLock struct {
	text    *jsonText
	graph   *jsGraph
	at      map[string]*jsNode // by key
	members map[string]*jsNode // roots, by the key of the member of the workspace
	placed  []*jsNode          // what is written, once it is arranged
}

// bunEntry is what the lock file has of a node.
type bunEntry struct {
	names    []string // the key
	member   *jsonMember
	registry string
}

func (e *bunEntry) surroundings() string { return strings.Join(e.names, "/") }

// parseBunLock reads a lock file.
func parseBunLock(data []byte) (*bunLock, error) {
	text, err := parseJSON(jsonc.ToJSON(data)) // of the same length, so that places stay
	if err != nil {
		return nil, err
	}
	text.data = data
	l := &bunLock{text: text, graph: &jsGraph{peers: true, forced: map[string]string{}}, at: map[string]*jsNode{}, members: map[string]*jsNode{}}
	for name, value := range text.root.get("overrides").strings() {
		l.graph.forced[name] = value
	}
	packages := text.root.get("packages")
	if packages == nil || packages.kind != '{' {
		return nil, errors.New("it has no packages")
	}
	for i := range packages.members {
		m := &packages.members[i]
		if m.value.kind != '[' || len(m.value.members) == 0 || len(ecosystem.BunPath(m.name)) > maxBunPath {
			return nil, fmt.Errorf("line %d can't be understood", text.line(m.start))
		}
		name, reference := ident(m.value.members[0].value.str())
		n := &jsNode{name: name, version: reference, was: reference, line: text.line(m.start), origin: inventory.OriginRegistry}
		e := &bunEntry{names: ecosystem.BunPath(m.name), member: m}
		n.entry = e
		switch {
		case strings.HasPrefix(reference, "workspace:"):
			n.origin, n.dir = inventory.OriginPath, path.Clean(strings.TrimPrefix(reference, "workspace:"))
		case len(m.value.members) < 4 || reference == "" || reference[0] < '0' || reference[0] > '9':
			n.origin = inventory.OriginURL
		default:
			e.registry = m.value.members[1].value.str()
			if m.value.members[2].value.get("bundled").isTrue() && len(e.names) > 1 {
				n.inside = e.names[0]
			}
		}
		l.at[m.name] = n
		l.graph.nodes = append(l.graph.nodes, n)
	}
	for _, n := range l.graph.nodes {
		list := n.entry.(*bunEntry).member.value.members
		if n.origin != inventory.OriginRegistry || len(list) < 3 {
			continue
		}
		info := list[2].value
		mayMiss := map[string]bool{}
		if optional := info.get("optionalPeers"); optional != nil {
			for _, m := range optional.members {
				mayMiss[m.value.str()] = true
			}
		}
		for _, list := range []string{"dependencies", "optionalDependencies", "peerDependencies"} {
			wants := info.get(list).strings()
			for _, name := range sortedKeys(wants) {
				need := &jsNeed{
					name: name, spec: wants[name], list: list, peer: list == "peerDependencies",
					optional: list == "optionalDependencies" || list == "peerDependencies" && mayMiss[name], forced: l.graph.forced[name],
				}
				need.to = l.find(n, need)
				n.needs = append(n.needs, need)
			}
		}
	}
	return l, nil
}

// maxBunPath bounds how deep packages are in the folders of each other.
const maxBunPath = 64

// connect makes the roots. The lock file repeats what the manifests ask for.
func (l *bunLock) connect(manifests []*npmManifest, dir string) {
	for _, m := range manifests {
		root := m.root(dir)
		l.graph.roots = append(l.graph.roots, root)
		key := root.dir
		if key == "." {
			key = ""
		}
		l.members[key] = root
		for _, n := range l.graph.nodes {
			if n.dir == root.dir && n.origin == inventory.OriginPath && n.dir != "" {
				root.entry = n.entry
			}
		}
		for _, need := range root.needs {
			need.forced = l.graph.forced[need.name]
			need.to = l.find(root, need)
		}
	}
}

// bunFolder returns the names of the packages in whose folder a node is, its own among them; none for the root.
func bunFolder(n *jsNode) []string {
	if e, ok := n.entry.(*bunEntry); ok {
		return e.names
	}
	return nil
}

// find looks a need up as node does: in the folder of the asking package, then in each above it.
func (l *bunLock) find(from *jsNode, need *jsNeed) *jsNode {
	names := bunFolder(from)
	for i := len(names); i >= 0; i-- {
		key := strings.Join(append(slices.Clone(names[:i]), need.name), "/")
		if n := l.at[key]; n != nil && !n.gone {
			if n.origin == inventory.OriginPath {
				return nil // a member of the workspace, which is a root
			}
			return n
		}
	}
	return nil
}

// bunWriter writes a changed graph into the text.
type bunWriter struct {
	*bunLock
	change *jsChange
}

// write returns the lock file.
func (l *bunLock) write(c *jsChange) ([]byte, error) {
	w := &bunWriter{bunLock: l, change: c}
	if err := w.found(); err != nil {
		return nil, err
	}
	w.manifests()
	w.overrides()
	w.packages()
	return w.text.bytes()
}

// found looks whether everybody finds what was meant for it. Peers are found where bun finds them.
func (w *bunWriter) found() error {
	for _, list := range [][]*jsNode{w.graph.roots, w.placed} {
		for _, n := range list {
			for _, need := range n.needs {
				if need.to == nil || need.peer || need.to.origin != inventory.OriginRegistry {
					continue
				}
				if found := w.find(n, need); found == nil || found.name != need.to.name || found.version != need.to.version {
					return fmt.Errorf("%s would not find %s %s", cmp.Or(n.name, n.manifest), need.name, need.to.version)
				}
			}
		}
	}
	return nil
}

// manifests changes what the lock file repeats of the manifests.
func (w *bunWriter) manifests() {
	members := w.text.root.get("workspaces")
	for _, t := range w.change.job.Targets {
		for _, line := range t.Lines {
			line = latest(w.change.job.Targets, line)
			for key, root := range w.members {
				object := members.get(key)
				if root.manifest != line.Location.Path || object.get(line.List) == nil {
					continue
				}
				for _, m := range object.get(line.List).members {
					if m.value.text == line.Constraint && !w.replaced(m.value) && (m.name == line.Package || strings.HasPrefix(m.value.text, "npm:"+line.Package+"@")) {
						w.text.replace(m.value, quote(line.To))
					}
				}
			}
		}
	}
}

func (w *bunWriter) replaced(v *jsonValue) bool {
	return slices.ContainsFunc(w.text.splices, func(s splice) bool { return s.start == v.start })
}

// overrides changes what the lock file repeats of the overrides.
func (w *bunWriter) overrides() {
	add := map[string]string{}
	for _, o := range w.change.overrides {
		add[o.target.Package] = o.wanted
	}
	for _, t := range w.change.job.Targets {
		for _, line := range t.Lines {
			if isOverride(line) {
				add[line.Package] = line.To
			}
		}
	}
	object := w.text.root.get("overrides")
	var lines strings.Builder
	for _, name := range sortedKeys(add) {
		if v := object.get(name); v != nil {
			w.text.replace(v, quote(add[name]))
			continue
		}
		line := quote(name) + ": " + quote(add[name]) + ","
		if object != nil { // in order of their names
			if i := slices.IndexFunc(object.members, func(m jsonMember) bool { return m.name > name }); i >= 0 {
				w.text.splices = append(w.text.splices, splice{object.members[i].start, object.members[i].start, line + w.text.lead(2)})
				continue
			}
		}
		lines.WriteString(w.text.lead(2) + line)
	}
	switch {
	case lines.Len() == 0:
	case object != nil && len(object.members) > 0:
		last := object.members[len(object.members)-1].end
		text := lines.String()
		if last < len(w.text.data) && w.text.data[last] == ',' {
			w.text.splices = append(w.text.splices, splice{last + 1, last + 1, text})
		} else {
			w.text.splices = append(w.text.splices, splice{last, last, "," + strings.TrimSuffix(text, ",")})
		}
	default:
		for _, m := range w.text.root.members {
			if m.name == "catalog" || m.name == "catalogs" || m.name == "packages" {
				w.text.splices = append(w.text.splices, splice{m.start, m.start, `"overrides": {` + lines.String() + w.text.lead(1) + "}," + w.text.lead(1)})
				return
			}
		}
	}
}

// packages writes the packages anew, from their entries as they stand and those that are new.
func (w *bunWriter) packages() {
	type entry struct {
		depth             int
		above, name, text string
	}
	var all []entry
	changed := false
	nodes := w.graph.nodes
	if w.placed != nil {
		nodes, changed = w.placed, true
	}
	for _, n := range nodes {
		e := n.entry.(*bunEntry) // every package has a place
		if n.gone {
			changed = true
			continue
		}
		x := entry{depth: len(e.names), above: strings.Join(e.names[:len(e.names)-1], "/"), name: e.names[len(e.names)-1]}
		if n.release != nil {
			changed = true
			x.text = w.render(n, e)
		} else {
			x.text = quote(strings.Join(e.names, "/")) + string(w.text.data[e.member.start+len(quote(e.member.name)):e.member.end])
		}
		all = append(all, x)
	}
	if !changed {
		return
	}
	slices.SortStableFunc(all, func(a, b entry) int {
		return cmp.Or(cmp.Compare(a.depth, b.depth), strings.Compare(a.above, b.above), strings.Compare(a.name, b.name))
	})
	texts := make([]string, len(all))
	for i, x := range all {
		texts[i] = x.text + ","
	}
	object := w.text.root.get("packages")
	w.text.replace(object, "{"+w.text.lead(2)+strings.Join(texts, w.text.newline+w.text.lead(2))+w.text.lead(1)+"}")
}

// render writes the entry of a release, on one line as bun does.
func (w *bunWriter) render(n *jsNode, e *bunEntry) string {
	v := n.release
	var info []string
	object := func(name string, wants map[string]string) {
		if len(wants) == 0 {
			return
		}
		var all []string
		for _, key := range sortedKeys(wants) {
			all = append(all, quote(key)+": "+quote(wants[key]))
		}
		info = append(info, quote(name)+": { "+strings.Join(all, ", ")+" }")
	}
	required := map[string]string{}
	for name, spec := range v.Dependencies {
		if _, optional := v.OptionalDependencies[name]; !optional {
			required[name] = spec
		}
	}
	object("dependencies", required)
	object("optionalDependencies", v.OptionalDependencies)
	object("peerDependencies", v.PeerDependencies)
	var optional []string
	for _, name := range sortedKeys(v.PeerDependenciesMeta) {
		if v.PeerDependencies[name] != "" && v.PeerDependenciesMeta[name].Optional {
			optional = append(optional, quote(name))
		}
	}
	if len(optional) > 0 {
		info = append(info, `"optionalPeers": [`+strings.Join(optional, ", ")+"]")
	}
	info = append(info, bunSystems("os", v.OS, bunOS)...)
	info = append(info, bunSystems("cpu", v.CPU, bunCPU)...)
	var programs map[string]string
	var program string
	if json.Unmarshal(v.Bin, &program) == nil && program != "" {
		info = append(info, `"bin": `+quote(program))
	} else if json.Unmarshal(v.Bin, &programs) == nil {
		object("bin", programs)
	}
	text := "{}"
	if len(info) > 0 {
		text = "{ " + strings.Join(info, ", ") + " }"
	}
	registry := e.registry
	if strings.HasSuffix(registry, ".tgz") {
		registry = cmp.Or(archiveOf(registry, n), v.Dist.Tarball)
	}
	return quote(strings.Join(e.names, "/")) + ": [" + quote(n.name+"@"+n.version) + ", " + quote(registry) + ", " + text + ", " + quote(v.integrity()) + "]"
}

// What bun knows of systems; others are none to it.
// Source: https://github.com/oven-sh/bun/blob/main/src/install/npm.zig
var (
	bunOS  = []string{"aix", "darwin", "freebsd", "linux", "openbsd", "sunos", "win32", "android"}
	bunCPU = []string{"arm", "arm64", "ia32", "mips", "mipsel", "ppc", "ppc64", "s390", "s390x", "x32", "x64"}
)

func bunSystems(name string, raw json.RawMessage, known []string) []string {
	values := texts(raw)
	if len(values) == 0 || len(values) == 1 && values[0] == "any" {
		return nil
	}
	var all []string
	for _, value := range values {
		if slices.Contains(known, strings.TrimPrefix(value, "!")) {
			all = append(all, quote(value))
		}
	}
	switch len(all) {
	case 0:
		return []string{quote(name) + `: "none"`}
	case 1:
		return []string{quote(name) + ": " + all[0]}
	}
	return []string{quote(name) + ": [ " + strings.Join(all, ", ") + ", ]"}
}
