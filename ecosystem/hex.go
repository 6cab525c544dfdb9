package ecosystem

import (
	"bytes"
	"context"
	"path"
	"regexp"
	"strings"

	"github.com/package-url/packageurl-go"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// Hex is the registry of Elixir and Erlang with Mix and Rebar.
var Hex = &Ecosystem{
	Name: "Hex",
	Formats: []Format{
		{Name: "mix.lock", Match: base("mix.lock"), LockFile: true, Read: readMixLock},
		{Name: "mix.exs", Match: base("mix.exs"), Read: readUnlockedMixExs},
		{Name: "rebar.lock", Match: base("rebar.lock"), LockFile: true, Read: readRebarLock},
	},
	PURL: func(name, version string) packageurl.PackageURL {
		return packageurl.PackageURL{Type: packageurl.TypeHex, Name: name, Version: version}
	},
}

// term is a value of the Elixir or Erlang source that lock files are written in: an atom, string or number with its
// text, or a list, tuple or map with its items. A map and a keyword list hold keys and values in turn.
type term struct {
	kind       termKind
	text       string
	items      []*term
	start, end int
}

type termKind uint8

const (
	termAtom termKind = iota
	termString
	termTuple
	termList
)

func (t *term) at(i int) *term {
	if t == nil || i >= len(t.items) {
		return &term{}
	}
	return t.items[i]
}

// strings returns the texts of the items that are strings.
func (t *term) strings() []string {
	var all []string
	for _, item := range t.items {
		if item.kind == termString {
			all = append(all, item.text)
		}
	}
	return all
}

// termReader reads the terms that lock files hold, and skips what else there is: signs, commas, arrows. It does not
// check the grammar; both package managers write the files themselves.
type termReader struct {
	data []byte
	pos  int
}

const maxTermDepth = 32

// next returns the next term, or nil at the end of the data or of the list around it, whose closing sign it consumes.
func (r *termReader) next(depth int) *term {
	for r.pos < len(r.data) {
		start := r.pos
		switch c := r.data[r.pos]; {
		case c == '#' || c == '%' && r.pos+1 < len(r.data) && r.data[r.pos+1] == '%':
			r.line()
		case bytes.HasPrefix(r.data[r.pos:], []byte("<<\"")):
			r.pos += 2
			t := r.string()
			if bytes.HasPrefix(r.data[r.pos:], []byte(">>")) {
				r.pos += 2
			}
			t.start, t.end = start, r.pos
			return t
		case c == '"':
			return r.string()
		case c == '{' || c == '[' || c == '(':
			r.pos++
			t := &term{kind: termTuple, start: start}
			if c == '[' {
				t.kind = termList
			}
			if depth >= maxTermDepth {
				return nil
			}
			for item := r.next(depth + 1); item != nil; item = r.next(depth + 1) {
				t.items = append(t.items, item)
			}
			t.end = r.pos
			return t
		case c == '}' || c == ']' || c == ')':
			r.pos++
			return nil
		case c == ':' && r.pos+1 < len(r.data) && r.data[r.pos+1] == '"':
			r.pos++
			t := r.string()
			t.kind, t.start = termAtom, start
			return t
		case isAlphanumeric(c) || c == '_':
			for r.pos < len(r.data) && (isAlphanumeric(r.data[r.pos]) || strings.IndexByte("_.@!?", r.data[r.pos]) >= 0) {
				r.pos++
			}
			return &term{kind: termAtom, text: string(r.data[start:r.pos]), start: start, end: r.pos}
		default:
			r.pos++
		}
	}
	return nil
}

func (r *termReader) line() {
	if i := bytes.IndexByte(r.data[r.pos:], '\n'); i >= 0 {
		r.pos += i + 1
		return
	}
	r.pos = len(r.data)
}

func (r *termReader) string() *term {
	t := &term{kind: termString, start: r.pos}
	r.pos++
	from := r.pos
	for r.pos < len(r.data) && r.data[r.pos] != '"' {
		if r.data[r.pos] == '\\' {
			r.pos++
		}
		r.pos++
	}
	r.pos = min(r.pos, len(r.data))
	t.text = string(r.data[from:r.pos])
	r.pos = min(r.pos+1, len(r.data))
	t.end = r.pos
	return t
}

// hexLock collects a lock file of either tool.
type hexLock struct {
	doc    *Document
	lines  *inventory.Lines
	path   string
	byName map[string]int // by the name of the application
	needs  [][]string
}

func (l *hexLock) add(app string, e Entry, start, end int, needs []string) {
	e.Location = l.lines.Location(l.path, start, end)
	if l.doc.full(e.Location) != nil {
		return
	}
	if _, ok := l.byName[app]; !ok {
		l.byName[app] = len(l.doc.Entries)
	}
	l.doc.Entries = append(l.doc.Entries, e)
	l.needs = append(l.needs, needs)
}

func (l *hexLock) connect() {
	edges := edges{doc: l.doc}
	for i, needs := range l.needs {
		for _, need := range needs {
			if j, ok := l.byName[need]; ok {
				edges.add(i, j)
			}
		}
	}
}

func newHexLock(tree *inventory.Tree, name string) (*hexLock, []byte, error) {
	data, err := readText(tree, name)
	if err != nil {
		return nil, nil, err
	}
	return &hexLock{doc: &Document{Root: projectName("", name)}, lines: inventory.NewLines(data), path: name, byName: map[string]int{}}, data, nil
}

var mixLockEntry = regexp.MustCompile(`(?m)^\s*"[^"\n]+"\s*(?::|=>)\s*\{\s*:`)

// readMixLock reads a mix.lock: a map from each application to where it comes from
// (https://github.com/hexpm/hex/blob/main/lib/hex/utils.ex: {:hex, name, version, checksum, managers, deps, repo, checksum}).
func readMixLock(_ context.Context, tree *inventory.Tree, name string) (*Document, error) {
	l, data, err := newHexLock(tree, name)
	if err != nil {
		return nil, err
	}
	l.doc.Declared = len(mixLockEntry.FindAllIndex(data, -1))
	r := termReader{data: data}
	if start := bytes.IndexByte(data, '{'); start >= 0 {
		r.pos = start + 1
	}
	// The file is one map; a damaged entry may close it early, so that reading goes on to the end of the data.
	var app *term
	for r.pos < len(data) {
		t := r.next(0)
		switch {
		case t == nil:
		case t.kind == termString:
			app = t
		case t.kind == termTuple && app != nil:
			l.mixEntry(app, t)
			app = nil
		}
	}
	l.connect()
	l.mixRoots(tree, path.Dir(name))
	l.doc.Resolve()
	return l.doc, nil
}

func (l *hexLock) mixEntry(app, t *term) {
	if app.text == "" {
		return
	}
	switch t.at(0).text {
	case "hex":
		e := Entry{Name: t.at(1).text, Version: t.at(2).text, Origin: inventory.OriginRegistry}
		if e.Name == "" {
			return
		}
		texts := t.strings()
		// The inner checksum is of a format of the past; the last one is of the archive.
		if n := len(texts); n > 3 && isHex(texts[n-1], 64) {
			e.Hashes = []inventory.Hash{{Algorithm: "SHA-256", Value: strings.ToLower(texts[n-1])}}
		}
		if repo := t.at(6); repo.kind == termString && repo.text != "" && repo.text != "hexpm" {
			e.Origin = inventory.OriginPrivate
		}
		var needs []string
		for _, dep := range t.at(5).items {
			if dep.kind == termTuple {
				needs = append(needs, dep.at(0).text)
			}
		}
		end := t.at(2).end
		l.add(app.text, e, app.start, end, needs)
	case "git":
		e := Entry{Name: app.text, Origin: inventory.OriginGit}
		if commit := t.at(2).text; isHex(commit, 40) {
			e.Commit = commit
		}
		l.add(app.text, e, app.start, t.end, nil)
	default:
		l.add(app.text, Entry{Name: app.text, Origin: inventory.OriginPath}, app.start, t.end, nil)
	}
}

// mixRoots finds what the project, and the applications of an umbrella project, ask for.
func (l *hexLock) mixRoots(tree *inventory.Tree, dir string) {
	asked := map[string]mixAsk{}
	manifests := []string{path.Join(dir, "mix.exs")}
	for _, name := range tree.Named("mix.exs") {
		if path.Dir(path.Dir(name)) == path.Join(dir, "apps") {
			manifests = append(manifests, name)
		}
	}
	known := false
	for _, name := range manifests {
		data, err := readProgram(tree, name)
		if err != nil {
			continue
		}
		known = true
		if m := mixApp.FindSubmatch(data); m != nil && name == manifests[0] {
			l.doc.Root = string(m[1])
		}
		readMixExs(data, name, asked)
	}
	if !known {
		return
	}
	for _, app := range sortedKeys(asked) {
		i, ok := l.byName[app]
		if !ok {
			continue
		}
		l.doc.Entries[i].Manifest, l.doc.Entries[i].Scope = asked[app].where, asked[app].scope
		l.doc.Roots = append(l.doc.Roots, i)
	}
	l.doc.scopes()
}

type mixAsk struct {
	where inventory.Location
	scope inventory.Scope
	text  string // the whole tuple
}

var (
	mixApp  = regexp.MustCompile(`\bapp:\s*:(\w+)`)
	mixDep  = regexp.MustCompile(`\{\s*:(\w+)\s*,`)
	mixOnly = regexp.MustCompile(`\bonly:\s*(\[[^\]]*\]|:\w+)`)
)

// readMixExs finds the tuples of a mix.exs that ask for an application: {:name, "~> 1.0", only: [:dev, :test]}. The
// file is a program; what it computes is not known.
func readMixExs(data []byte, name string, asked map[string]mixAsk) {
	lines := inventory.NewLines(data)
	for _, m := range mixDep.FindAllSubmatchIndex(data, -1) {
		start := m[0]
		if commented(data, start, "#") {
			continue
		}
		end := start + 1
		if i := bytes.IndexByte(data[start:min(len(data), start+maxMixDep)], '}'); i >= 0 {
			end = start + i + 1
		}
		scope := inventory.ScopeRuntime
		if only := mixOnly.FindSubmatch(data[start:end]); only != nil {
			scope = rubyScope(string(only[1]))
		}
		app := string(data[m[2]:m[3]])
		if old, ok := asked[app]; !ok || old.scope == inventory.ScopeDevelopment && scope == inventory.ScopeRuntime {
			asked[app] = mixAsk{lines.Location(name, start, end), scope, string(data[start:end])}
		}
	}
}

// maxMixDep bounds the length of a tuple in a mix.exs.
const maxMixDep = 2000

// readRebarLock reads a rebar.lock (https://rebar3.org/docs/configuration/dependencies/#lock-files): a list of
// {<<"app">>, {pkg, <<"name">>, <<"1.0">>}, Level}, where level 0 is what the project asks for.
func readRebarLock(_ context.Context, tree *inventory.Tree, name string) (*Document, error) {
	l, data, err := newHexLock(tree, name)
	if err != nil {
		return nil, err
	}
	r := termReader{data: data}
	hashes := map[string]string{}
	var level []string
	var visit func(t *term)
	visit = func(t *term) { // as deep as the terms, which are bounded
		source := t.at(1)
		if t.kind == termTuple && t.at(0).kind == termString && source.kind == termTuple {
			if e, ok := rebarEntry(t.at(0).text, source); ok {
				if l.add(t.at(0).text, e, t.start, t.end, nil); !l.doc.ended {
					level = append(level, t.at(2).text)
				}
			}
			return
		}
		if t.kind == termTuple && t.at(0).text == "pkg_hash_ext" {
			for _, pair := range source.items {
				hashes[pair.at(0).text] = pair.at(1).text
			}
			return
		}
		for _, item := range t.items {
			visit(item)
		}
	}
	for r.pos < len(data) {
		if t := r.next(0); t != nil {
			visit(t)
		}
	}
	for app, i := range l.byName {
		if sum := hashes[app]; isHex(sum, 64) {
			l.doc.Entries[i].Hashes = []inventory.Hash{{Algorithm: "SHA-256", Value: strings.ToLower(sum)}}
		}
	}
	for i := range l.doc.Entries {
		if level[i] == "0" {
			l.doc.Roots = append(l.doc.Roots, i)
			l.doc.Entries[i].Scope = inventory.ScopeRuntime
		}
	}
	l.rebarManifest(tree, path.Join(path.Dir(name), "rebar.config"))
	l.doc.Resolve()
	return l.doc, nil
}

func rebarEntry(app string, source *term) (Entry, bool) {
	switch source.at(0).text {
	case "pkg":
		return Entry{Name: source.at(1).text, Version: source.at(2).text}, source.at(1).text != ""
	case "git", "git_subdir":
		e := Entry{Name: app, Origin: inventory.OriginGit}
		if ref := source.at(2); ref.at(0).text == "ref" && isHex(ref.at(1).text, 40) {
			e.Commit = ref.at(1).text
		}
		return e, app != ""
	}
	return Entry{}, false
}

// rebarManifest finds the lines of rebar.config that name the direct applications.
func (l *hexLock) rebarManifest(tree *inventory.Tree, name string) {
	data, err := readProgram(tree, name)
	if err != nil {
		return
	}
	number := 0
	for raw := range bytes.Lines(data) {
		number++
		line := strings.TrimRight(string(raw), "\r\n")
		if strings.HasPrefix(strings.TrimSpace(line), "%") {
			continue
		}
		for _, word := range rubyWord.FindAllString(line, 3) {
			if i, ok := l.byName[word]; ok && l.doc.Entries[i].Scope != "" && l.doc.Entries[i].Manifest.IsZero() {
				l.doc.Entries[i].Manifest = lineLocation(name, number, line)
			}
		}
	}
}

var (
	mixWant   = regexp.MustCompile(`^\{\s*:\w+\s*,\s*"([^"\n]*)"`)
	mixExact  = regexp.MustCompile(`^(?:==\s*)?(\d+\.\d+\.\d+[0-9A-Za-z.+-]*)$`)
	mixSource = regexp.MustCompile(`\b(git|github|path|in_umbrella):`)
)

// readUnlockedMixExs lists what a mix.exs asks for where neither it nor the umbrella project above has a lock file. A
// plain version is one version.
func readUnlockedMixExs(_ context.Context, tree *inventory.Tree, name string) (*Document, error) {
	if hasAbove(tree, path.Dir(name), "mix.lock") {
		return &Document{}, nil
	}
	data, err := readProgram(tree, name)
	if err != nil {
		return nil, err
	}
	asked := map[string]mixAsk{}
	readMixExs(data, name, asked)
	var wishes []wish
	for _, app := range sortedKeys(asked) {
		w := wish{Entry: Entry{Name: app, Location: asked[app].where, Scope: asked[app].scope}}
		if m := mixWant.FindStringSubmatch(asked[app].text); m != nil {
			w.spec = m[1]
			if exact := mixExact.FindStringSubmatch(m[1]); exact != nil {
				w.Version = exact[1]
			}
		}
		if m := mixSource.FindStringSubmatch(asked[app].text); m != nil {
			w.Origin = inventory.OriginGit
			if m[1] == "path" || m[1] == "in_umbrella" {
				w.Origin = inventory.OriginPath
			}
		}
		if w.spec == "" && w.Origin == "" { // some other tuple of the program
			continue
		}
		wishes = append(wishes, w)
	}
	root := ""
	if m := mixApp.FindSubmatch(data); m != nil {
		root = string(m[1])
	}
	return unlocked(projectName(root, name), name, wishes), nil
}
