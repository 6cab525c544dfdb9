package fix

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// pnpmLock is a pnpm-lock.yaml of version 6 or 9.
// Source: https://github.com/pnpm/spec/tree/master/lockfile
type pnpmLock struct {
	text  *yamlText
	graph *jsGraph
	nine  bool // version 9, which has what a release is (packages) and what it found (snapshots) apart

	byKey    map[string]*jsNode
	packages map[string]yamlPair // by key of packages
}

// pnpmEntry is what the lock file has of a node.
type pnpmEntry struct {
	yamlPair        // in snapshots of version 9, in packages of version 6
	suffix   string // of the key: the peers that it found, (react@18.2.0)
	optional string // what the file says of optional and dev
	dev      string
}

func (e *pnpmEntry) surroundings() string { return e.suffix }

// parsePNPMLock reads a lock file. The needs of a package are named by what meets them; the ranges are the registry's to
// tell.
func parsePNPMLock(data []byte) (*pnpmLock, error) {
	text, err := parseYAMLText(data)
	if err != nil {
		return nil, err
	}
	l := &pnpmLock{text: text, graph: &jsGraph{}, byKey: map[string]*jsNode{}, packages: map[string]yamlPair{}}
	version, _ := strconv.ParseFloat(yamlString(yamlAt(text.root, "lockfileVersion")), 64)
	switch {
	case version >= 6 && version < 7:
	case version >= 9 && version < 10:
		l.nine = true
	default:
		return nil, fmt.Errorf("lock files of version %q are not written; version 6 and 9 are, which pnpm 8 and later make", yamlString(yamlAt(text.root, "lockfileVersion")))
	}
	for _, p := range yamlPairs(yamlAt(text.root, "packages")) {
		l.packages[p.key.Value] = p
	}
	list := "packages"
	if l.nine {
		list = "snapshots"
	}
	for _, p := range yamlPairs(yamlAt(text.root, list)) {
		l.add(p)
	}
	for _, n := range l.graph.nodes {
		l.needs(n, n.entry.(*pnpmEntry).value)
	}
	return l, nil
}

// add makes the node of one package.
func (l *pnpmLock) add(p yamlPair) {
	bare, suffix := p.key.Value, ""
	if i := strings.IndexByte(bare, '('); i >= 0 {
		bare, suffix = bare[:i], bare[i:]
	}
	n := &jsNode{line: p.key.Line, origin: inventory.OriginPath}
	about := p.value
	if l.nine {
		about = l.packages[bare].value
	}
	ident := strings.TrimPrefix(bare, "/")
	if i := strings.LastIndexByte(ident, '@'); i > 0 {
		n.name, n.version = ident[:i], ident[i+1:]
	} else {
		n.name = ident
	}
	resolution := yamlAt(about, "resolution")
	switch {
	case yamlString(yamlAt(resolution, "commit")) != "", yamlString(yamlAt(resolution, "type")) == "git":
		n.origin = inventory.OriginGit
	case strings.HasPrefix(n.version, "file:"), strings.HasPrefix(n.version, "link:"), yamlString(yamlAt(resolution, "directory")) != "":
	case strings.Contains(n.version, "/"), !l.nine && !strings.HasPrefix(bare, "/"):
		n.origin = inventory.OriginURL
	case n.version != "" && n.version[0] >= '0' && n.version[0] <= '9':
		n.origin = inventory.OriginRegistry
	}
	if stated := yamlString(yamlAt(about, "version")); stated != "" && n.origin != inventory.OriginRegistry {
		n.name, n.version = cmp.Or(yamlString(yamlAt(about, "name")), n.name), stated
	}
	n.was = n.version
	n.entry = &pnpmEntry{yamlPair: p, suffix: suffix, optional: yamlString(yamlAt(p.value, "optional")), dev: yamlString(yamlAt(p.value, "dev"))}
	l.graph.nodes = append(l.graph.nodes, n)
	l.byKey[p.key.Value] = n
}

// needs draws the edges that a package or an importer states.
func (l *pnpmLock) needs(n *jsNode, value *yaml.Node) {
	for _, list := range npmLists[:3] {
		for _, p := range yamlPairs(yamlAt(value, list)) {
			reference, spec := p.value, ""
			if p.value.Kind == yaml.MappingNode {
				reference, spec = yamlAt(p.value, "version"), yamlString(yamlAt(p.value, "specifier"))
			}
			need := &jsNeed{name: p.key.Value, spec: spec, list: list, optional: list == "optionalDependencies", at: p.value, to: l.find(p.key.Value, yamlString(reference))}
			n.needs = append(n.needs, need)
		}
	}
}

// find returns the node that a reference stands for; nil for a folder.
func (l *pnpmLock) find(name, reference string) *jsNode {
	for _, key := range []string{name + "@" + reference, "/" + name + "@" + reference, reference} {
		if n := l.byKey[key]; n != nil {
			return n
		}
	}
	return nil
}

// importers makes the roots. A lock file of one project has no list of importers in version 6.
func (l *pnpmLock) importers(dir string) {
	all := yamlPairs(yamlAt(l.text.root, "importers"))
	if len(all) == 0 {
		all = []yamlPair{{&yaml.Node{Value: "."}, l.text.root}}
	}
	for _, p := range all {
		n := &jsNode{dir: path.Clean(p.key.Value), manifest: path.Join(dir, p.key.Value, "package.json"), origin: inventory.OriginPath}
		l.needs(n, p.value)
		l.graph.roots = append(l.graph.roots, n)
	}
}

// reference returns what the lock file writes for a need.
func (l *pnpmLock) reference(need *jsNeed, suffix string) string {
	n := need.to
	switch {
	case n.name == need.name:
		return n.version + suffix
	case l.nine:
		return n.name + "@" + n.version + suffix
	}
	return "/" + n.name + "@" + n.version + suffix
}

func (l *pnpmLock) key(n *jsNode, suffix string) string {
	if l.nine {
		return n.name + "@" + n.version + suffix
	}
	return "/" + n.name + "@" + n.version + suffix
}

// pnpmWriter writes a changed graph into the text.
type pnpmWriter struct {
	*pnpmLock
	change  *jsChange
	renamed *strings.Replacer // peers in suffixes
	prod    map[*jsNode]bool
	dev     map[*jsNode]bool
	must    map[*jsNode]bool // over needs that are not optional
	once    map[*yaml.Node]bool
	misses  map[*jsNode][]string
	asking  map[*jsNode][]*jsNode
}

// write changes the text, and reports whether the result is whole: where peers are found anew, only pnpm can say which.
func (l *pnpmLock) write(c *jsChange) (whole bool, err error) {
	w := &pnpmWriter{pnpmLock: l, change: c}
	var pairs []string
	for _, t := range c.job.Targets {
		for _, end := range []string{")", "("} {
			pairs = append(pairs, "("+t.Package+"@"+t.From+end, "("+t.Package+"@"+t.To+end)
		}
	}
	w.renamed = strings.NewReplacer(pairs...)
	direct := func(dev bool) func(*jsNode, *jsNeed) bool {
		return func(from *jsNode, need *jsNeed) bool {
			return from.manifest == "" || (need.list == "devDependencies") == dev
		}
	}
	w.prod, w.dev = c.reached(direct(false)), c.reached(direct(true))
	w.must = c.reached(func(_ *jsNode, need *jsNeed) bool { return !need.optional })
	whole = w.whole()
	if err := w.references(); err != nil {
		return false, err
	}
	if err := w.overrides(); err != nil {
		return false, err
	}
	return whole, w.sections()
}

// whole reports whether no peer has to be found anew.
func (w *pnpmWriter) whole() bool {
	raised := map[string]bool{}
	for _, n := range w.change.changed {
		raised[n.name] = true
	}
	for _, n := range w.graph.nodes {
		e, old := n.entry.(*pnpmEntry)
		switch {
		case n.gone:
			// Either another package of the same surroundings took its place, or those above it have fewer peers now.
			if n.became == nil && (e.suffix != "" || yamlAt(e.value, "transitivePeerDependencies") != nil && !w.alike(n)) {
				return false
			}
			continue
		case !old, n.release != nil:
			if bundles(n.release) || !w.settled(n) {
				return false
			}
		}
		if old && strings.Contains(e.suffix, "(") && !strings.Contains(e.suffix, "@") {
			// A digest stands for the peers: whether a raised package is among them can't be seen.
			for peer := range yamlStrings(yamlAt(w.about(n), "peerDependencies")) {
				if raised[peer] {
					return false
				}
			}
		}
	}
	return true
}

// settled reports whether it is plain which peers a new release has found: those that the one before had found, or none,
// because nobody above it has one.
func (w *pnpmWriter) settled(n *jsNode) bool {
	e, old := n.entry.(*pnpmEntry)
	if old && e.suffix != "" {
		return w.samePeers(n) && sameNeeds(w.pnpmLock, n)
	}
	for name, spec := range peersOf(n.release) {
		if m := n.release.PeerDependenciesMeta[name]; !m.Optional || spec == "" || w.provided(n, name) {
			return false
		}
	}
	var before []string
	if old {
		before = sequence(yamlAt(e.value, "transitivePeerDependencies"))
	}
	for _, need := range n.needs {
		if need.to != nil && surroundings(need.to) != "" && need.at == nil {
			return false
		}
	}
	for _, name := range w.missing(n) {
		// Who is above it says so already, or somebody there may have the peer.
		if !slices.Contains(before, name) && (w.provided(n, name) || !w.told(n, name)) {
			return false
		}
	}
	return true
}

// peersOf returns the peers of a release as pnpm reads them: one that is only said to be optional may have any version.
func peersOf(v *npmVersion) map[string]string {
	all := maps.Clone(map[string]string(v.PeerDependencies))
	for name := range v.PeerDependenciesMeta {
		if all == nil {
			all = map[string]string{}
		}
		all[name] = cmp.Or(all[name], "*")
	}
	return all
}

func sequence(n *yaml.Node) []string {
	var all []string
	if n != nil && n.Kind == yaml.SequenceNode {
		for _, item := range n.Content {
			all = append(all, item.Value)
		}
	}
	return all
}

// missing returns the peers that packages below one have not found, sorted.
func (w *pnpmWriter) missing(n *jsNode) []string {
	if known, ok := w.misses[n]; ok {
		return known
	}
	if w.misses == nil {
		w.misses = map[*jsNode][]string{}
	}
	if e, old := n.entry.(*pnpmEntry); old && (n.release == nil || e.suffix != "") {
		w.misses[n] = sequence(yamlAt(e.value, "transitivePeerDependencies"))
		return w.misses[n]
	}
	w.misses[n] = nil // for circles
	found := map[string]bool{}
	for _, need := range n.needs {
		if need.to == nil {
			continue
		}
		for _, name := range w.missing(need.to) {
			found[name] = true
		}
		for _, name := range w.unfound(need.to) {
			found[name] = true
		}
	}
	w.misses[n] = sortedKeys(found)
	return w.misses[n]
}

// unfound returns the peers of a package itself that it has not found.
func (w *pnpmWriter) unfound(n *jsNode) []string {
	var peers map[string]string
	if n.release != nil {
		peers = peersOf(n.release)
	} else {
		peers = yamlStrings(yamlAt(w.about(n), "peerDependencies"))
	}
	return slices.DeleteFunc(sortedKeys(peers), func(name string) bool {
		return slices.ContainsFunc(n.needs, func(need *jsNeed) bool { return need.name == name })
	})
}

// above returns everything that needs a package, over any number of others, with what is above a package that it took the
// place of.
func (w *pnpmWriter) above(n *jsNode) []*jsNode {
	if w.asking == nil {
		w.asking = map[*jsNode][]*jsNode{}
		for _, list := range [][]*jsNode{w.graph.roots, w.graph.nodes} {
			for _, from := range list {
				for _, need := range from.needs {
					if need.to != nil && !from.gone {
						w.asking[need.to] = append(w.asking[need.to], from)
					}
				}
			}
		}
	}
	seen := map[*jsNode]bool{n: true}
	all := []*jsNode{n}
	for i := 0; i < len(all); i++ {
		for _, from := range w.asking[all[i]] {
			if !seen[from] {
				seen[from] = true
				all = append(all, from)
			}
		}
	}
	return all
}

// provided reports whether anybody above a package has a peer: the project itself, too, whose root counts for all.
func (w *pnpmWriter) provided(n *jsNode, peer string) bool {
	has := func(from *jsNode) bool {
		return slices.ContainsFunc(from.needs, func(need *jsNeed) bool { return need.name == peer })
	}
	return slices.ContainsFunc(w.above(n), has) || slices.ContainsFunc(w.graph.roots, has)
}

// told reports whether every package above one that stays says already that a peer is missing.
func (w *pnpmWriter) told(n *jsNode, peer string) bool {
	return !slices.ContainsFunc(w.above(n), func(from *jsNode) bool {
		e, old := from.entry.(*pnpmEntry)
		return old && from.release == nil && !slices.Contains(sequence(yamlAt(e.value, "transitivePeerDependencies")), peer)
	})
}

// alike reports whether a package that goes leaves nobody with fewer missing peers: another of its name, or what took the
// place of those that needed it, misses the same.
func (w *pnpmWriter) alike(n *jsNode) bool {
	for _, name := range sequence(yamlAt(n.entry.(*pnpmEntry).value, "transitivePeerDependencies")) {
		for _, from := range w.wasAbove(n) {
			e, old := from.entry.(*pnpmEntry)
			if !old || from.gone {
				continue
			}
			was := slices.Contains(sequence(yamlAt(e.value, "transitivePeerDependencies")), name)
			if was && from.release != nil && slices.Contains(w.missing(from), name) {
				continue
			}
			if was {
				return false
			}
		}
	}
	return true
}

// wasAbove returns what needed a package in the file.
func (w *pnpmWriter) wasAbove(n *jsNode) []*jsNode {
	var all []*jsNode
	for _, from := range w.graph.nodes {
		e, old := from.entry.(*pnpmEntry)
		if !old {
			continue
		}
		before := &jsNode{}
		w.needs(before, e.value)
		if slices.ContainsFunc(before.needs, func(need *jsNeed) bool { return need.to == n }) {
			all = append(all, from)
		}
	}
	return all
}

func bundles(v *npmVersion) bool {
	return len(v.BundleDependencies) > 4 || len(v.BundledDependencies) > 4 || v.HasShrinkwrap
}

// about returns what the file says of the release of a node.
func (l *pnpmLock) about(n *jsNode) *yaml.Node {
	e := n.entry.(*pnpmEntry)
	if !l.nine {
		return e.value
	}
	return l.packages[strings.TrimSuffix(e.key.Value, e.suffix)].value
}

// samePeers reports whether a release wants the peers that the one before wanted, and admits those that it found.
func (w *pnpmWriter) samePeers(n *jsNode) bool {
	before := yamlStrings(yamlAt(w.about(n), "peerDependencies"))
	now := peersOf(n.release)
	if len(before) != len(now) {
		return false
	}
	for name, spec := range now {
		if _, ok := before[name]; !ok {
			return false
		}
		for _, need := range n.needs {
			if need.name == name && need.to != nil {
				if ok, err := npmAdmits(spec, need.to.version); err != nil || !ok {
					return false
				}
			}
		}
	}
	return true
}

// sameNeeds reports whether a package of a new release needs what it needed before.
func sameNeeds(l *pnpmLock, n *jsNode) bool {
	before := &jsNode{}
	l.needs(before, n.entry.(*pnpmEntry).value)
	names := func(n *jsNode) []string {
		var all []string
		for _, need := range n.needs {
			if need.to != nil {
				all = append(all, need.name+" "+need.to.name+" "+need.to.was+surroundings(need.to))
			}
		}
		slices.Sort(all)
		return all
	}
	return slices.Equal(names(before), names(n))
}

// suffix returns that of a node as it is to be written.
func (w *pnpmWriter) suffix(n *jsNode) string { return w.renamed.Replace(surroundings(n)) }

// catalogs changes what the lock file repeats of the catalogs of the workspace.
func (w *pnpmWriter) catalogs(need *jsNeed) error {
	catalog, ok := strings.CutPrefix(need.spec, "catalog:")
	entry := yamlAt(w.text.root, "catalogs", cmp.Or(catalog, "default"), need.name)
	if !ok || entry == nil || need.to == nil {
		return nil
	}
	for _, t := range w.change.job.Targets {
		for _, line := range t.Lines {
			if list, ok := strings.CutPrefix(line.List, "catalog:"); ok && cmp.Or(list, "default") == cmp.Or(catalog, "default") && line.Package == need.to.name {
				if spec := yamlAt(entry, "specifier"); spec != nil {
					if err := w.setOnce(spec, line.To); err != nil {
						return err
					}
				}
			}
		}
	}
	if version := yamlAt(entry, "version"); version != nil {
		return w.setOnce(version, need.to.version)
	}
	return nil
}

// setOnce changes a scalar that several needs speak of.
func (w *pnpmWriter) setOnce(n *yaml.Node, value string) error {
	if w.once == nil {
		w.once = map[*yaml.Node]bool{}
	}
	if w.once[n] {
		return nil
	}
	w.once[n] = true
	return w.text.set(n, value)
}

// references changes what importers and packages that stay say of those that change.
func (w *pnpmWriter) references() error {
	for _, root := range w.graph.roots {
		for _, need := range root.needs {
			if err := w.catalogs(need); err != nil {
				return err
			}
			at, ok := need.at.(*yaml.Node)
			if !ok {
				continue
			}
			if spec := yamlAt(at, "specifier"); spec != nil && spec.Value != need.spec {
				if err := w.text.set(spec, need.spec); err != nil {
					return err
				}
			}
			version := at
			if at.Kind == yaml.MappingNode {
				version = yamlAt(at, "version")
			}
			if need.to != nil && version != nil {
				if err := w.text.set(version, w.reference(need, w.suffix(need.to))); err != nil {
					return err
				}
			}
		}
	}
	for _, n := range w.graph.nodes {
		e, ok := n.entry.(*pnpmEntry)
		if !ok || n.gone || n.release != nil {
			continue
		}
		for _, need := range n.needs {
			if at, ok := need.at.(*yaml.Node); ok && need.to != nil {
				if err := w.text.set(at, w.reference(need, w.suffix(need.to))); err != nil {
					return err
				}
			}
		}
		if suffix := w.suffix(n); suffix != e.suffix {
			if err := w.text.set(e.key, w.key(n, suffix)); err != nil {
				return err
			}
		}
		if err := w.flags(n, e); err != nil {
			return err
		}
	}
	return nil
}

// flags corrects who a package that stays is for, where that has changed.
func (w *pnpmWriter) flags(n *jsNode, e *pnpmEntry) error {
	optional, dev := w.flagsOf(n)
	for _, f := range []struct{ name, was, is string }{{"optional", e.optional, optional}, {"dev", e.dev, dev}} {
		if f.was == f.is || f.name == "dev" && w.nine {
			continue
		}
		value := yamlAt(e.value, f.name)
		switch {
		case value != nil && f.is != "":
			if err := w.text.set(value, f.is); err != nil {
				return err
			}
		case value != nil && len(yamlPairs(e.value)) > 1:
			w.text.splices = append(w.text.splices, splice{w.text.lineStart(value.Line), w.text.lineStart(value.Line + 1), ""})
		case value != nil: // the last member goes
			start, end := w.text.lineStart(e.key.Line), w.text.lineStart(value.Line+1)
			w.text.splices = append(w.text.splices, splice{start, end, "  " + yamlQuote(w.key(n, w.suffix(n))) + ": {}" + w.text.newline})
		}
	}
	return nil
}

// flagsOf returns what the file says of whom a package is for.
func (w *pnpmWriter) flagsOf(n *jsNode) (optional, dev string) {
	if !w.must[n] {
		optional = "true"
	}
	switch {
	case w.nine:
	case w.dev[n] && !w.prod[n]:
		dev = "true"
	case !w.dev[n]:
		dev = "false"
	}
	return optional, dev
}

// block is one member of packages or snapshots.
type block struct{ key, text string }

// sections writes packages and snapshots anew, from their members as they stand and those that are new.
func (w *pnpmWriter) sections() error {
	lists := []string{"packages"}
	if w.nine {
		lists = append(lists, "snapshots")
	}
	var out []byte
	at := 0
	for _, list := range lists {
		start, end, ok := w.text.section(list)
		if !ok {
			return fmt.Errorf("it has no %s", list)
		}
		blocks, err := w.blocks(list, end)
		if err != nil {
			return err
		}
		before, err := w.text.part(at, start)
		if err != nil {
			return err
		}
		out = append(out, before...)
		for i, b := range blocks {
			text := strings.TrimRight(b.text, "\r\n") + w.text.newline
			if i < len(blocks)-1 || w.text.data[end-1] == '\n' && end < len(w.text.data) {
				text += w.text.newline
			}
			out = append(out, text...)
		}
		at = end
	}
	rest, err := w.text.part(at, len(w.text.data))
	if err != nil {
		return err
	}
	w.text.data, w.text.splices = append(out, rest...), nil
	return nil
}

// blocks returns the members of a section in order.
func (w *pnpmWriter) blocks(list string, end int) ([]block, error) {
	nodes := map[string]*jsNode{} // by key in the file
	for _, n := range w.graph.nodes {
		if e, ok := n.entry.(*pnpmEntry); ok {
			key := e.key.Value
			if list == "packages" && w.nine {
				key = strings.TrimSuffix(key, e.suffix)
			}
			if have := nodes[key]; have == nil || have.gone {
				nodes[key] = n
			}
		}
	}
	var all []block
	seen := map[string]bool{}
	add := func(key, text string) {
		if !seen[key] {
			seen[key] = true
			all = append(all, block{key, text})
		}
	}
	pairs := yamlPairs(yamlAt(w.text.root, list))
	for i, p := range pairs {
		n := nodes[p.key.Value]
		to := end
		if i+1 < len(pairs) {
			to = w.text.lineStart(pairs[i+1].key.Line)
		}
		switch {
		case n != nil && n.gone, n != nil && n.release != nil && n.version != n.was && list == "packages" && w.nine:
			continue // the new one follows
		case n != nil && n.release != nil:
			continue
		}
		text, err := w.text.part(w.text.lineStart(p.key.Line), to)
		if err != nil {
			return nil, err
		}
		key := p.key.Value
		if n != nil && (list == "snapshots" || !w.nine) {
			key = w.key(n, w.suffix(n))
		}
		add(key, text)
	}
	for _, n := range w.change.changed {
		if list == "packages" && w.nine {
			key := w.key(n, "")
			add(key, w.render(key, w.release(n)))
			continue
		}
		key := w.key(n, w.suffix(n))
		var members []string
		if !w.nine {
			members = w.release(n)
		}
		add(key, w.render(key, append(members, w.found(n)...)))
	}
	slices.SortStableFunc(all, func(a, b block) int { return strings.Compare(a.key, b.key) })
	return all, nil
}

func (w *pnpmWriter) render(key string, members []string) string {
	nl := w.text.newline
	if len(members) == 0 {
		return "  " + yamlQuote(key) + ": {}" + nl
	}
	return "  " + yamlQuote(key) + ":" + nl + "    " + strings.Join(members, nl+"    ") + nl
}

// release writes what a release is.
func (w *pnpmWriter) release(n *jsNode) []string {
	v := n.release
	resolution := "{integrity: " + v.integrity()
	if n.entry != nil {
		if tarball := yamlString(yamlAt(w.about(n), "resolution", "tarball")); tarball != "" {
			resolution += ", tarball: " + cmp.Or(archiveOf(tarball, n), v.Dist.Tarball)
		}
	}
	all := []string{"resolution: " + resolution + "}"}
	if engines := v.engines(); len(engines) > 0 {
		var parts []string
		for _, name := range sortedKeys(engines) {
			if engines[name] != "*" {
				parts = append(parts, yamlQuote(name)+": "+yamlFlow(engines[name]))
			}
		}
		if len(parts) > 0 {
			all = append(all, "engines: {"+strings.Join(parts, ", ")+"}")
		}
	}
	for _, list := range []struct {
		name string
		raw  json.RawMessage
	}{{"cpu", v.CPU}, {"os", v.OS}, {"libc", v.Libc}} {
		if values := texts(list.raw); len(values) > 0 {
			for i := range values {
				values[i] = yamlFlow(values[i])
			}
			all = append(all, list.name+": ["+strings.Join(values, ", ")+"]")
		}
	}
	if s, ok := v.Deprecated.(string); ok && s != "" {
		all = append(all, "deprecated: "+yamlQuote(s))
	}
	if decoded(v.Bin) != nil {
		all = append(all, "hasBin: true")
	}
	if !w.nine && v.installs() {
		all = append(all, "requiresBuild: true")
	}
	if peers := peersOf(v); len(peers) > 0 {
		all = append(all, "peerDependencies:")
		for _, name := range sortedKeys(peers) {
			all = append(all, "  "+yamlQuote(name)+": "+yamlQuote(peers[name]))
		}
	}
	optional := slices.DeleteFunc(sortedKeys(v.PeerDependenciesMeta), func(name string) bool { return !v.PeerDependenciesMeta[name].Optional })
	if len(optional) > 0 {
		all = append(all, "peerDependenciesMeta:")
		for _, name := range optional {
			all = append(all, "  "+yamlQuote(name)+":", "    optional: true")
		}
	}
	return all
}

// found writes what meets the needs of a package.
func (w *pnpmWriter) found(n *jsNode) []string {
	var all []string
	for _, list := range []string{"dependencies", "optionalDependencies"} {
		met := map[string]string{}
		for _, need := range n.needs {
			if need.to != nil && (need.list == list) {
				met[need.name] = w.reference(need, w.suffix(need.to))
			}
		}
		if len(met) > 0 {
			all = append(all, list+":")
			for _, name := range sortedKeys(met) {
				all = append(all, "  "+yamlQuote(name)+": "+yamlQuote(met[name]))
			}
		}
	}
	if missing := w.missing(n); len(missing) > 0 {
		all = append(all, "transitivePeerDependencies:")
		for _, name := range missing {
			all = append(all, "  - "+yamlQuote(name))
		}
	}
	optional, dev := w.flagsOf(n)
	if dev != "" {
		all = append(all, "dev: "+dev)
	}
	if optional != "" {
		all = append(all, "optional: true")
	}
	return all
}

// archiveOf returns the address of the archive of a new version by that of the old one; empty where it follows no rule.
func archiveOf(address string, n *jsNode) string {
	old := "/-/" + path.Base(n.name) + "-" + n.was + ".tgz"
	base, rest, ok := strings.Cut(address, old)
	if !ok || rest != "" && rest[0] != '#' && rest[0] != '?' {
		return ""
	}
	return base + "/-/" + path.Base(n.name) + "-" + n.version + ".tgz"
}

// yamlFlow writes a scalar within brackets.
func yamlFlow(s string) string {
	if strings.ContainsAny(s, ",[]{}") && !yamlMustQuote(s) {
		return "'" + strings.ReplaceAll(s, "'", "''") + "'"
	}
	return yamlQuote(s)
}

// texts reads a list of texts, or a single one.
func texts(raw json.RawMessage) []string {
	var list []string
	if json.Unmarshal(raw, &list) == nil {
		return list
	}
	var one string
	if json.Unmarshal(raw, &one) == nil && one != "" {
		return []string{one}
	}
	return nil
}

// overrides writes the section of the lock file that repeats the overrides of the project.
func (w *pnpmWriter) overrides() error {
	add := map[string]string{}
	for _, o := range w.change.overrides {
		maps.Copy(add, o.pnpm())
	}
	for _, t := range w.change.job.Targets {
		for _, line := range t.Lines {
			if isOverride(line) {
				add[line.Package] = line.To
			}
		}
	}
	if len(add) == 0 {
		return nil
	}
	have := yamlAt(w.text.root, "overrides")
	var lines strings.Builder
	for _, key := range sortedKeys(add) {
		if value := yamlAt(have, key); value != nil {
			if err := w.text.set(value, add[key]); err != nil {
				return err
			}
			continue
		}
		lines.WriteString("  " + yamlQuote(key) + ": " + yamlQuote(add[key]) + w.text.newline)
	}
	if lines.Len() == 0 {
		return nil
	}
	if pairs := yamlPairs(have); len(pairs) > 0 {
		at := w.text.lineStart(pairs[len(pairs)-1].value.Line + 1)
		w.text.splices = append(w.text.splices, splice{at, at, lines.String()})
		return nil
	}
	// It follows settings and catalogs, and is before what projects ask for.
	for _, p := range yamlPairs(w.text.root) {
		if slices.Contains([]string{"lockfileVersion", "settings", "catalogs", "neverBuiltDependencies", "onlyBuiltDependencies"}, p.key.Value) {
			continue
		}
		at := w.text.lineStart(p.key.Line)
		w.text.splices = append(w.text.splices, splice{at, at, "overrides:" + w.text.newline + lines.String() + w.text.newline})
		return nil
	}
	return errors.New("it has no projects")
}

// pnpm returns the overrides of pnpm for one target.
func (o override) pnpm() map[string]string {
	if o.parents == nil {
		return map[string]string{o.target.Package: o.wanted}
	}
	all := map[string]string{}
	for _, parent := range o.parents {
		all[parent+">"+o.target.Package] = o.wanted
	}
	return all
}
