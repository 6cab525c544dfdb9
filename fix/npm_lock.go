package fix

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
)

// npmLock is a package-lock.json or npm-shrinkwrap.json of any version, as the folders that npm makes of it.
// Source: https://docs.npmjs.com/cli/configuring-npm/package-lock-json
type npmLock struct {
	text    *jsonText
	version int
	nodes   map[string]*npmNode // by folder: node_modules/a/node_modules/b; "" is the project
	order   []string            // of the file
}

// npmNode is one folder.
type npmNode struct {
	at       string
	name     string // the package's own, whatever the folder is called
	version  string
	resolved string
	link     string            // the folder that this one stands for
	needs    map[string]string // dependencies and optional ones
	optional map[string]bool   // of needs
	peers    map[string]string
	mayMiss  map[string]bool // of peers
	dev      map[string]string
	entry    *jsonValue // in packages
	nested   *jsonValue // in dependencies of version 1 and 2
	line     int
	bundled  bool
}

// parseNPMLock reads a lock file. Folders without an entry are left out.
func parseNPMLock(data []byte) (*npmLock, error) {
	text, err := parseJSON(data)
	if err != nil {
		return nil, err
	}
	l := &npmLock{text: text, version: 1, nodes: map[string]*npmNode{}}
	if v := text.root.get("lockfileVersion"); v != nil {
		if n := string(data[v.start:v.end]); len(n) == 1 && n[0] >= '1' && n[0] <= '3' {
			l.version = int(n[0] - '0')
		}
	}
	if packages := text.root.get("packages"); packages != nil && packages.kind == '{' {
		l.version = max(l.version, 2)
		for _, m := range packages.members {
			if m.value.kind == '{' {
				l.flat(m)
			}
		}
	} else if l.version > 1 {
		return nil, fmt.Errorf("it says that it is of version %d and has no packages", l.version)
	}
	l.nest("", text.root.get("dependencies"), l.version == 1)
	if l.nodes[""] == nil {
		l.nodes[""] = &npmNode{needs: map[string]string{}}
	}
	return l, nil
}

func (l *npmLock) flat(m jsonMember) {
	v := m.value
	n := &npmNode{
		at: m.name, version: v.get("version").str(), resolved: v.get("resolved").str(), entry: v, line: l.text.line(m.start),
		needs: v.get("dependencies").strings(), peers: v.get("peerDependencies").strings(), optional: map[string]bool{}, mayMiss: map[string]bool{},
		dev: v.get("devDependencies").strings(), bundled: v.get("inBundle").isTrue(),
	}
	for name, spec := range v.get("optionalDependencies").strings() {
		n.needs[name], n.optional[name] = spec, true
	}
	if meta := v.get("peerDependenciesMeta"); meta != nil {
		for _, peer := range meta.members {
			n.mayMiss[peer.name] = peer.value.get("optional").isTrue()
		}
	}
	if v.get("link").isTrue() {
		n.link = path.Clean(n.resolved)
	}
	n.name = cmp.Or(v.get("name").str(), folderName(m.name))
	if l.nodes[m.name] == nil {
		l.order = append(l.order, m.name)
	}
	l.nodes[m.name] = n
}

// folderName returns the name that a package has by its folder.
func folderName(at string) string {
	if i := strings.LastIndex("/"+at, "/node_modules/"); i >= 0 {
		return ("/" + at)[i+len("/node_modules/"):]
	}
	return path.Base(at)
}

// nest reads the nested shape: as nodes for version 1, and to know where else to write for version 2.
func (l *npmLock) nest(above string, object *jsonValue, own bool) {
	if object == nil || object.kind != '{' {
		return
	}
	for _, m := range object.members {
		if m.value.kind != '{' {
			continue
		}
		at := path.Join(above, "node_modules", m.name)
		v := m.value
		n := l.nodes[at]
		if own {
			n = &npmNode{
				at: at, name: m.name, version: v.get("version").str(), resolved: v.get("resolved").str(), line: l.text.line(m.start),
				needs: v.get("requires").strings(), bundled: v.get("bundled").isTrue(),
			}
			if real, ok := strings.CutPrefix(n.version, "npm:"); ok {
				if i := strings.LastIndexByte(real, '@'); i > 0 {
					n.name, n.version = real[:i], real[i+1:]
				}
			}
			l.nodes[at] = n
			l.order = append(l.order, at)
		}
		if n != nil {
			n.nested = v
		}
		l.nest(at, v.get("dependencies"), own)
	}
}

// find looks a package up as node does: in the node_modules of the asking folder, then of each folder above.
func (l *npmLock) find(from, name string) *npmNode {
	for {
		if n := l.nodes[path.Join(from, "node_modules", name)]; n != nil {
			if n.link != "" {
				return l.nodes[n.link]
			}
			return n
		}
		if from == "" || from == "." {
			return nil
		}
		from = folderAbove(from)
	}
}

// folderAbove returns the next folder in whose node_modules a package is looked for.
func folderAbove(at string) string {
	if i := strings.LastIndex(at, "/node_modules/"); i >= 0 {
		return at[:i]
	}
	if strings.HasPrefix(at, "node_modules/") {
		return ""
	}
	up := path.Dir(at)
	if up == "." {
		return ""
	}
	return up
}

// replace makes a node another release of its package.
func (l *npmLock) replace(n *npmNode, version string, v *npmVersion) {
	resolved := n.resolved
	if resolved != "" {
		if old := "/-/" + path.Base(n.name) + "-" + n.version + ".tgz"; strings.HasSuffix(resolved, old) {
			resolved = strings.TrimSuffix(resolved, old) + "/-/" + path.Base(n.name) + "-" + version + ".tgz"
		} else {
			resolved = v.Dist.Tarball
		}
	}
	if n.entry != nil {
		l.text.replace(n.entry, l.entry(n, version, resolved, v))
	}
	if n.nested != nil {
		l.nestedEntry(n, version, resolved, v)
	}
}

// kept are the members of an entry that speak of the folder and not of the release.
var kept = []string{"name", "dev", "optional", "devOptional", "peer", "extraneous", "inBundle", "link", "ideallyInert"}

// entry writes the entry of "packages" for a release as npm does.
func (l *npmLock) entry(n *npmNode, version, resolved string, v *npmVersion) string {
	pairs := []jsonPair{{"version", version}}
	if resolved != "" {
		pairs = append(pairs, jsonPair{"resolved", resolved})
	}
	if sum := v.integrity(); sum != "" && n.entry.get("integrity") != nil {
		pairs = append(pairs, jsonPair{"integrity", sum})
	}
	for _, name := range kept {
		if value := n.entry.get(name); value != nil {
			pairs = append(pairs, jsonPair{name, value})
		}
	}
	required := maps.Clone(v.Dependencies)
	for name := range v.OptionalDependencies {
		delete(required, name)
	}
	meta := map[string]any{}
	for name, m := range v.PeerDependenciesMeta {
		if m.Optional {
			meta[name] = map[string]any{"optional": true}
		}
	}
	for _, list := range []struct {
		name  string
		value map[string]any
	}{
		{"dependencies", anyMap(required)}, {"optionalDependencies", anyMap(v.OptionalDependencies)},
		{"peerDependencies", anyMap(v.PeerDependencies)}, {"peerDependenciesMeta", meta}, {"engines", anyMap(v.engines())},
	} {
		if len(list.value) > 0 {
			pairs = append(pairs, jsonPair{list.name, list.value})
		}
	}
	for _, raw := range []struct {
		name  string
		value json.RawMessage
	}{{"os", v.OS}, {"cpu", v.CPU}, {"libc", v.Libc}, {"funding", v.Funding}, {"bin", v.Bin}} {
		if value := decoded(raw.value); value != nil {
			pairs = append(pairs, jsonPair{raw.name, npmForm(n.name, raw.name, value)})
		}
	}
	// Older releases of npm left the licence out; the lock file shows which one wrote it.
	if license := decoded(v.License); license != nil && (n.entry.get("license") != nil || l.hasLicenses()) {
		if _, ok := license.(string); ok {
			pairs = append(pairs, jsonPair{"license", license})
		}
	}
	if v.installs() {
		pairs = append(pairs, jsonPair{"hasInstallScript", true})
	}
	if s, ok := v.Deprecated.(string); ok && s != "" {
		pairs = append(pairs, jsonPair{"deprecated", s})
	}
	slices.SortStableFunc(pairs, comparePairs)
	return l.text.render(n.entry.depth, pairs)
}

// npmForm writes a member in the form that npm makes of it before it writes it down.
func npmForm(name, member string, value any) any {
	switch member {
	case "bin":
		if program, ok := value.(string); ok {
			return map[string]any{path.Base(name): program}
		}
		if programs, ok := value.(map[string]any); ok {
			for key, program := range programs {
				if s, ok := program.(string); ok {
					programs[key] = strings.TrimPrefix(s, "./")
				}
			}
		}
	case "funding":
		if address, ok := value.(string); ok {
			return map[string]any{"url": address}
		}
	}
	return value
}

func (l *npmLock) hasLicenses() bool {
	for _, n := range l.nodes {
		if n.at != "" && n.entry.get("license") != nil {
			return true
		}
	}
	return false
}

func decoded(raw json.RawMessage) any {
	if len(raw) == 0 || bytes.Equal(raw, []byte("null")) {
		return nil
	}
	var value any
	if json.Unmarshal(raw, &value) != nil {
		return nil
	}
	switch v := value.(type) {
	case []any:
		if len(v) == 0 {
			return nil
		}
	case map[string]any:
		if len(v) == 0 {
			return nil
		}
	}
	return value
}

func anyMap(m map[string]string) map[string]any {
	all := make(map[string]any, len(m))
	for name, value := range m {
		all[name] = value
	}
	return all
}

// nestedEntry changes an entry of the nested shape in its places; what it holds stays.
func (l *npmLock) nestedEntry(n *npmNode, version, resolved string, v *npmVersion) {
	stated := version
	if old := n.nested.get("version").str(); strings.HasPrefix(old, "npm:") {
		stated = "npm:" + n.name + "@" + version
	}
	l.text.set(n.nested, "version", stated)
	if n.nested.get("resolved") != nil && resolved != "" {
		l.text.set(n.nested, "resolved", resolved)
	}
	if sum := v.integrity(); n.nested.get("integrity") != nil && sum != "" {
		l.text.set(n.nested, "integrity", sum)
	}
	wants := maps.Clone(v.Dependencies)
	if wants == nil {
		wants = map[string]string{}
	}
	maps.Copy(wants, v.OptionalDependencies)
	requires := n.nested.get("requires")
	switch {
	case requires == nil && len(wants) > 0:
		l.text.insert(n.nested, "requires", l.text.value(n.nested.depth+1, anyMap(wants)))
	case requires != nil && len(wants) > 0:
		if !maps.Equal(requires.strings(), wants) {
			l.text.replace(requires, l.text.value(requires.depth, anyMap(wants)))
		}
	case requires != nil:
		i := slices.IndexFunc(n.nested.members, func(m jsonMember) bool { return m.name == "requires" })
		l.text.remove(n.nested, i)
	}
}
