package fix

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// yarnLock is a yarn.lock of Yarn 1, or of Yarn 2 and later (berry). An entry stands under all that is asked for and that
// it meets, name@range.
//
// Sources: https://classic.yarnpkg.com/lang/en/docs/yarn-lock/ and stringifySyml of
// https://github.com/yarnpkg/berry/tree/master/packages/yarnpkg-parsers/sources
type yarnLock struct {
	data    []byte
	newline string
	berry   bool
	version string // of the metadata of berry
	cache   string // what berry calls the form of its checksums

	entries []*yarnEntry
	graph   *jsGraph
	members map[string]*yarnEntry // of the workspace, by folder
	byKey   map[string]*jsNode
	byName  map[string][]*jsNode
	forced  map[string]string // resolutions of the project, by what they are for
}

// yarnEntry is one block of the file.
type yarnEntry struct {
	start, end int // with its line end
	line       int
	patterns   []string
	fields     map[string]string            // version, resolved, integrity, resolution, checksum, ...
	lists      map[string]map[string]string // dependencies, ...

	node      *jsNode
	explained map[string]bool // patterns that somebody asks for by; nil for a patch of berry's own
}

// parseYarnLock reads a lock file of either generation.
func parseYarnLock(data []byte) (*yarnLock, error) {
	l := &yarnLock{data: data, newline: "\n", graph: &jsGraph{keyed: true}, members: map[string]*yarnEntry{}, byKey: map[string]*jsNode{}, byName: map[string][]*jsNode{}}
	if i := bytes.IndexByte(data, '\n'); i > 0 && data[i-1] == '\r' {
		l.newline = "\r\n"
	}
	var entry *yarnEntry
	var list, long string
	offset, number := 0, 0
	for line := range bytes.Lines(data) {
		start := offset
		offset += len(line)
		number++
		text := strings.TrimRight(string(line), "\r\n")
		content := strings.TrimLeft(text, " ")
		indent := len(text) - len(content)
		switch {
		case content == "" || content[0] == '#':
			continue
		case indent == 0 && content == ":" && long != "": // the second line of a long key
		case indent == 0:
			key, isLong := strings.CutPrefix(content, "? ")
			patterns, ok := yarnKeys(key)
			if !ok {
				return nil, fmt.Errorf("line %d can't be understood", number)
			}
			long = ""
			if isLong {
				long = key
			}
			entry = &yarnEntry{start: start, line: number, patterns: patterns, fields: map[string]string{}, lists: map[string]map[string]string{}, explained: map[string]bool{}}
			list = ""
			l.entries = append(l.entries, entry)
		case entry == nil:
			return nil, fmt.Errorf("line %d can't be understood", number)
		case indent == 2:
			name, value, ok := yarnPair(content)
			if !ok {
				return nil, fmt.Errorf("line %d can't be understood", number)
			}
			list = ""
			if value == "" && strings.HasSuffix(content, ":") {
				list = name
				entry.lists[list] = map[string]string{}
			} else {
				entry.fields[name] = value
			}
		case indent == 4 && list != "":
			name, value, ok := yarnPair(content)
			if !ok {
				return nil, fmt.Errorf("line %d can't be understood", number)
			}
			entry.lists[list][name] = value
		}
		entry.end = offset
	}
	if len(l.entries) > 0 && slices.Equal(l.entries[0].patterns, []string{"__metadata"}) {
		l.berry, l.version, l.cache = true, l.entries[0].fields["version"], l.entries[0].fields["cacheKey"]
		l.entries = l.entries[1:]
	}
	return l, nil
}

// yarnString reads one string, quoted as in JSON or plain, and returns what follows it.
func yarnString(s string) (value, rest string, ok bool) {
	if !strings.HasPrefix(s, `"`) {
		end := strings.IndexAny(s, ":, ")
		if end < 0 {
			end = len(s)
		}
		return s[:end], s[end:], end > 0
	}
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			err := json.Unmarshal([]byte(s[:i+1]), &value)
			return value, s[i+1:], err == nil
		}
	}
	return "", "", false
}

// yarnKeys reads the key of a block: a@1, "b@npm:^1, b@npm:^2":
func yarnKeys(s string) ([]string, bool) {
	var all []string
	for {
		key, rest, ok := yarnString(s)
		if !ok {
			return nil, false
		}
		for pattern := range strings.SplitSeq(key, ", ") {
			all = append(all, strings.TrimSpace(pattern))
		}
		rest = strings.TrimLeft(rest, " ")
		if !strings.HasPrefix(rest, ",") {
			return all, rest == ":" || rest == ""
		}
		s = strings.TrimLeft(rest[1:], " ")
	}
}

// yarnPair reads a line: name "value", or name: value, or name: alone.
func yarnPair(s string) (name, value string, ok bool) {
	name, rest, ok := yarnString(s)
	if !ok {
		return "", "", false
	}
	rest = strings.TrimLeft(strings.TrimPrefix(rest, ":"), " ")
	if strings.HasPrefix(rest, `"`) {
		value, rest, ok = yarnString(rest)
		return name, value, ok && rest == ""
	}
	return name, rest, true
}

// ident splits name@range.
func ident(pattern string) (name, spec string) {
	if i := strings.IndexByte(pattern[min(1, len(pattern)):], '@'); i >= 0 {
		return pattern[:i+1], pattern[i+2:]
	}
	return pattern, ""
}

// plainSpec takes the protocol npm: of berry off what is asked for; an alias keeps it.
func plainSpec(spec string) string {
	rest, ok := strings.CutPrefix(spec, "npm:")
	if !ok || strings.LastIndexByte(rest, '@') > 0 {
		return spec
	}
	return rest
}

// key returns the pattern under which a need is met.
func (l *yarnLock) key(need *jsNeed) string {
	if !l.berry {
		return need.name + "@" + need.spec
	}
	spec := need.asks()
	if protocol, _, ok := strings.Cut(spec, ":"); ok && berryProtocol.MatchString(protocol) {
		return need.name + "@" + spec
	}
	return need.name + "@npm:" + spec
}

var berryProtocol = regexp.MustCompile(`^[a-z][a-z+.-]*$`)

// connect makes the graph. resolutions are what the project's manifest says under that name.
func (l *yarnLock) connect(manifests []*npmManifest, dir string) {
	l.forced = manifests[0].text.root.get("resolutions").strings()
	l.graph.aliases = !l.berry
	l.graph.forced = map[string]string{}
	for name, value := range l.forced {
		if npmName.MatchString(name) {
			l.graph.forced[name] = plainSpec(value)
		}
	}
	for _, e := range l.entries {
		l.add(e)
	}
	for _, e := range l.entries {
		if e.node == nil {
			continue
		}
		for _, list := range []string{"dependencies", "optionalDependencies"} {
			for _, name := range sortedKeys(e.lists[list]) {
				l.need(e.node, &jsNeed{name: name, spec: plainSpec(e.lists[list][name]), list: list, optional: list == "optionalDependencies"})
			}
		}
	}
	for _, m := range manifests {
		root := m.root(dir)
		needs := root.needs
		root.needs = nil
		for _, need := range needs {
			need.spec = plainSpec(need.spec)
			l.need(root, need)
		}
		root.entry = l.members[root.dir]
		l.graph.roots = append(l.graph.roots, root)
	}
}

// add makes the node of an entry.
func (l *yarnLock) add(e *yarnEntry) {
	name, spec := ident(e.patterns[0])
	n := &jsNode{name: name, version: e.fields["version"], line: e.line, origin: inventory.OriginRegistry, entry: e}
	if l.berry {
		var reference string
		n.name, reference = ident(e.fields["resolution"])
		switch protocol, rest, _ := strings.Cut(reference, ":"); {
		case protocol == "workspace":
			l.members[path.Clean(rest)] = e
			return
		case protocol == "patch" && strings.Contains(reference, "builtin<"):
			e.explained = nil
			return // it goes along with what it patches
		case protocol != "npm" || strings.Contains(rest, "::"):
			n.origin = inventory.OriginURL
		}
	} else {
		n.as = name
		if alias, _ := npmRange(spec); alias != "" {
			n.name = strings.TrimSuffix(strings.TrimPrefix(alias, "npm:"), "@")
		}
		if _, err := npmAdmits(spec, "1.0.0"); err != nil || e.fields["resolved"] == "" {
			n.origin = inventory.OriginURL
		}
	}
	n.was = n.version
	e.node = n
	l.graph.nodes = append(l.graph.nodes, n)
	for _, pattern := range e.patterns {
		l.byKey[pattern] = n
	}
	l.byName[name] = append(l.byName[name], n)
}

// need draws an edge. Where nothing stands under what is asked for, the project asks for something else by its resolutions.
func (l *yarnLock) need(n *jsNode, need *jsNeed) {
	n.needs = append(n.needs, need)
	need.forced = plainSpec(cmp.Or(l.forced[n.name+"@npm:"+n.version+"/"+need.name], l.forced[n.name+"/"+need.name], l.forced["**/"+n.name+"/"+need.name], l.forced[need.name], l.forced["**/"+need.name]))
	if need.to = l.byKey[l.key(need)]; need.to == nil && len(l.byName[need.name]) == 1 {
		need.to = l.byName[need.name][0]
	}
	if need.to != nil {
		need.to.entry.(*yarnEntry).explained[l.key(need)] = true
	}
}

// yarnWriter writes a changed graph into the text.
type yarnWriter struct {
	*yarnLock
	change   *jsChange
	patterns map[*jsNode]map[string]bool
	merged   map[*jsNode][]*jsNode // the nodes that a node took the place of
}

// write returns the lock file. That of berry lacks the checksums of new releases, which berry alone can make.
func (l *yarnLock) write(c *jsChange) (whole bool, err error) {
	w := &yarnWriter{yarnLock: l, change: c, patterns: map[*jsNode]map[string]bool{}, merged: map[*jsNode][]*jsNode{}}
	for _, n := range l.graph.nodes {
		if n.became != nil {
			w.merged[n.became] = append(w.merged[n.became], n)
		}
	}
	met := map[string]*jsNode{}
	for _, list := range [][]*jsNode{l.graph.roots, l.graph.nodes} {
		for _, n := range list {
			for _, need := range n.needs {
				if n.gone || need.to == nil {
					continue
				}
				key := l.key(need)
				if other := met[key]; other != nil && other != need.to {
					return false, fmt.Errorf("%s is asked for in two places, and yarn can't tell them apart", key)
				}
				met[key] = need.to
				w.pattern(need.to, key)
			}
		}
	}
	if !l.berry {
		for _, o := range c.overrides {
			for _, n := range l.graph.nodes {
				if n.name == o.target.Package && n.version == o.target.To && !n.gone {
					w.pattern(n, n.name+"@"+o.wanted)
				}
			}
		}
	}
	whole = !l.berry
	type part struct{ key, text string }
	var parts []part
	at := len(l.data)
	for _, e := range l.entries {
		at = min(at, e.start)
	}
	for _, e := range l.entries {
		text := string(l.data[e.start:e.end])
		n := e.node
		switch {
		case n == nil && l.builtin(e):
			if !w.stays(e) {
				continue
			}
		case n == nil:
			text = w.member(e, text)
		case n.gone:
			continue
		case n.release != nil:
			if keys := w.keys(n); len(keys) > 0 { // else nobody asks for it
				parts = append(parts, part{keys[0], w.render(n, keys)})
			}
			continue
		default:
			if keys := w.keys(n); !slices.Equal(keys, sorted(e.patterns)) && len(keys) > 0 {
				head, rest, _ := strings.Cut(text, "\n")
				if strings.HasPrefix(head, "? ") { // the key has a line of its own, and so has what follows it
					rest = strings.TrimPrefix(strings.TrimPrefix(rest, ":\r\n"), ":\n")
				}
				text = w.header(keys) + rest
				parts = append(parts, part{keys[0], text})
				continue
			}
		}
		parts = append(parts, part{sorted(e.patterns)[0], text})
	}
	for _, n := range l.graph.nodes {
		if n.entry == nil && !n.gone {
			keys := w.keys(n)
			if len(keys) == 0 {
				continue
			}
			parts = append(parts, part{keys[0], w.render(n, keys)})
		}
	}
	slices.SortStableFunc(parts, func(a, b part) int { return strings.Compare(a.key, b.key) })
	out := bytes.Clone(l.data[:at])
	for i, p := range parts {
		if i > 0 {
			out = append(out, l.newline...)
		}
		out = append(out, strings.TrimRight(p.text, "\r\n")+l.newline...)
	}
	l.data = out
	return whole, nil
}

func (w *yarnWriter) pattern(n *jsNode, key string) {
	if w.patterns[n] == nil {
		w.patterns[n] = map[string]bool{}
	}
	w.patterns[n][key] = true
}

func sorted(list []string) []string { return slices.Sorted(slices.Values(list)) }

// keys returns the patterns of a node, sorted: those that are asked for now, and those of the file that nobody was seen
// to ask for, as long as they admit the version.
func (w *yarnWriter) keys(n *jsNode) []string {
	all := maps.Clone(w.patterns[n])
	if all == nil {
		all = map[string]bool{}
	}
	for _, list := range [][]*jsNode{{n}, w.merged[n]} {
		for _, from := range list {
			e, ok := from.entry.(*yarnEntry)
			if !ok {
				continue
			}
			for _, pattern := range e.patterns {
				if e.explained[pattern] {
					continue
				}
				_, spec := ident(pattern)
				if admits, err := npmAdmits(plainSpec(spec), n.version); n.release == nil && from == n || err == nil && admits {
					all[pattern] = true
				}
			}
		}
	}
	return sortedKeys(all)
}

// builtin reports whether an entry is one of berry's own patches.
func (l *yarnLock) builtin(e *yarnEntry) bool { return e.explained == nil }

// stays reports whether a patch is one of a package that stays: else berry makes it anew.
func (w *yarnWriter) stays(e *yarnEntry) bool {
	name, _ := ident(e.patterns[0])
	for _, n := range w.graph.nodes {
		if n.name == name && n.was == e.fields["version"] && (n.gone || n.release != nil || !slices.Equal(w.keys(n), sorted(n.entry.(*yarnEntry).patterns))) {
			return false
		}
	}
	return true
}

// member writes what a member of the workspace asks for now.
func (w *yarnWriter) member(e *yarnEntry, text string) string {
	for _, root := range w.graph.roots {
		if entry, ok := root.entry.(*yarnEntry); !ok || entry != e {
			continue
		}
		for _, need := range root.needs {
			old, ok := e.lists["dependencies"][need.name]
			if ok && plainSpec(old) != need.spec {
				is := w.spec(need.spec)
				text = strings.Replace(text, "\n    "+w.quote(need.name)+": "+w.quote(old), "\n    "+w.quote(need.name)+": "+w.quote(is), 1)
			}
		}
	}
	return text
}

// spec writes a range as the lists of an entry have it: since version 7 with its protocol.
func (w *yarnWriter) spec(spec string) string {
	if protocol, _, ok := strings.Cut(spec, ":"); ok && berryProtocol.MatchString(protocol) || len(w.version) == 1 && w.version < "7" {
		return spec
	}
	return "npm:" + spec
}

var (
	classicPlain = regexp.MustCompile(`^[a-zA-Z][^:\s\\",\[\]]*$`)
	berryPlain   = regexp.MustCompile("^[^-?:,\\][{}#&*!|>'\"%@` \\t\\r\\n](?:[ \\t]*[^,\\][{}:# \\t\\r\\n])*$")
)

// quote writes a string with the quotes that it needs.
func (w *yarnWriter) quote(s string) string {
	if w.berry {
		if berryPlain.MatchString(s) {
			return s
		}
		return quote(s)
	}
	if classicPlain.MatchString(s) && !strings.HasPrefix(s, "true") && !strings.HasPrefix(s, "false") {
		return s
	}
	return quote(s)
}

// maxBerryKey is from which length on berry writes a key with a line of its own.
const maxBerryKey = 1024

func (w *yarnWriter) header(keys []string) string {
	if w.berry {
		key := w.quote(strings.Join(keys, ", "))
		if len(key) > maxBerryKey {
			return "? " + key + w.newline + ":" + w.newline
		}
		return key + ":" + w.newline
	}
	quoted := make([]string, len(keys))
	for i, key := range keys {
		quoted[i] = w.quote(key)
	}
	return strings.Join(quoted, ", ") + ":" + w.newline
}

// render writes the entry of a new release.
func (w *yarnWriter) render(n *jsNode, keys []string) string {
	var b strings.Builder
	b.WriteString(w.header(keys))
	line := func(indent int, parts ...string) {
		b.WriteString(strings.Repeat(" ", indent) + strings.Join(parts, "") + w.newline)
	}
	v := n.release
	if !w.berry {
		line(2, "version ", quote(n.version))
		line(2, "resolved ", quote(w.resolved(n)))
		if sum := v.integrity(); sum != "" && w.hasIntegrity() {
			line(2, "integrity ", w.quote(sum))
		}
		required := maps.Clone(map[string]string(v.Dependencies))
		for name := range v.OptionalDependencies {
			delete(required, name)
		}
		for _, list := range []struct {
			name  string
			wants map[string]string
		}{{"dependencies", required}, {"optionalDependencies", v.OptionalDependencies}} {
			if len(list.wants) > 0 {
				line(2, list.name, ":")
			}
			for _, name := range sortedKeys(list.wants) {
				line(4, w.quote(name), " ", w.quote(list.wants[name]))
			}
		}
		return b.String()
	}
	line(2, "version: ", w.quote(n.version))
	line(2, "resolution: ", w.quote(n.name+"@npm:"+n.version))
	all := maps.Clone(map[string]string(v.Dependencies))
	if all == nil {
		all = map[string]string{}
	}
	maps.Copy(all, v.OptionalDependencies)
	if len(all) > 0 {
		line(2, "dependencies:")
	}
	for _, name := range sortedKeys(all) {
		line(4, w.quote(name), ": ", w.quote(w.spec(all[name])))
	}
	if len(v.PeerDependencies) > 0 {
		line(2, "peerDependencies:")
	}
	for _, name := range sortedKeys(v.PeerDependencies) {
		line(4, w.quote(name), ": ", w.quote(v.PeerDependencies[name]))
	}
	optional := func(list string, names []string) {
		if len(names) > 0 {
			line(2, list, ":")
		}
		for _, name := range names {
			line(4, w.quote(name), ":")
			line(6, "optional: true")
		}
	}
	optional("dependenciesMeta", sortedKeys(v.OptionalDependencies))
	optional("peerDependenciesMeta", slices.DeleteFunc(sortedKeys(v.PeerDependenciesMeta), func(name string) bool { return !v.PeerDependenciesMeta[name].Optional }))
	if programs := binaries(n.name, v.Bin); len(programs) > 0 {
		line(2, "bin:")
		for _, name := range sortedKeys(programs) {
			line(4, w.quote(name), ": ", w.quote(programs[name]))
		}
	}
	if conditions := conditions(v); conditions != "" {
		line(2, "conditions: ", w.quote(conditions))
	}
	line(2, "languageName: node")
	line(2, "linkType: hard")
	return b.String()
}

// binaries returns the programs of a release by name.
func binaries(name string, raw json.RawMessage) map[string]string {
	var one string
	if json.Unmarshal(raw, &one) == nil && one != "" {
		return map[string]string{path.Base(name): one}
	}
	var all map[string]string
	if json.Unmarshal(raw, &all) != nil {
		return nil
	}
	return all
}

// conditions writes on which systems a release is of use, as berry does.
func conditions(v *npmVersion) string {
	var all []string
	for _, list := range []struct {
		name string
		raw  json.RawMessage
	}{{"os", v.OS}, {"cpu", v.CPU}, {"libc", v.Libc}} {
		values := texts(list.raw)
		for i, value := range values {
			if rest, not := strings.CutPrefix(value, "!"); not {
				values[i] = "!" + list.name + "=" + rest
			} else {
				values[i] = list.name + "=" + value
			}
		}
		switch {
		case len(values) == 1:
			all = append(all, values[0])
		case len(values) > 1:
			all = append(all, "("+strings.Join(values, " | ")+")")
		}
	}
	return strings.Join(all, " & ")
}

func (l *yarnLock) hasIntegrity() bool {
	return slices.ContainsFunc(l.entries, func(e *yarnEntry) bool { return e.fields["integrity"] != "" })
}

// resolved returns the address of an archive, where the other addresses of the file lead, with its digest if they have one.
func (w *yarnWriter) resolved(n *jsNode) string {
	address := ""
	if e, ok := n.entry.(*yarnEntry); ok {
		address, _, _ = strings.Cut(archiveOf(e.fields["resolved"], n), "#")
	}
	file := "/" + n.name + "/-/" + path.Base(n.name) + "-" + n.version + ".tgz"
	for _, e := range w.entries {
		if address != "" || e.node == nil || e.node.origin != inventory.OriginRegistry || !strings.HasSuffix(n.release.Dist.Tarball, file) {
			break
		}
		if base, _, ok := strings.Cut(e.fields["resolved"], "/"+e.node.name+"/-/"); ok {
			address = base + file
		}
	}
	address = cmp.Or(address, n.release.Dist.Tarball)
	if sum := n.release.Dist.Shasum; sum != "" && slices.ContainsFunc(w.entries, func(e *yarnEntry) bool { return strings.Contains(e.fields["resolved"], ".tgz#") }) {
		address += "#" + sum
	}
	return address
}

var errYarnVersion = errors.New("lock files of this version of Yarn are not written; those of Yarn 1, 3 and 4 are")
