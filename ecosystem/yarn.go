package ecosystem

import (
	"bytes"
	"context"
	"fmt"
	"net/url"
	"path"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// yarnLock collects a yarn.lock of either generation: that of Yarn 1, a syntax of its own, and that of Yarn 2 and
// later, which is the same with colons and so can be read as YAML.
//
// Sources: https://classic.yarnpkg.com/lang/en/docs/yarn-lock/ and parseSyml and stringifySyml of
// https://github.com/yarnpkg/berry/tree/master/packages/yarnpkg-parsers/sources
type yarnLock struct {
	tree  *inventory.Tree
	path  string
	dir   string
	lines *inventory.Lines
	doc   *Document
	asker npmAsker
	berry bool

	blocks    []*yarnBlock     // those of the entries, in order
	byPattern map[string]int   // name@range, and for later generations name@resolution -> entry
	builtin   map[string]int   // name@range that Yarn replaces by a patched copy of its own -> entry of the copy
	byName    map[string][]int // the name before the @ -> entries
	root      *yarnBlock       // Yarn 2 lists the project itself
}

// yarnBlock is one package as it is written.
type yarnBlock struct {
	patterns                                 []string
	start, end                               int // offsets in the file
	version, resolved, resolution, integrity string
	needs                                    []npmWant
	workspace                                string // the folder of a member of the workspace
}

func readYarnLock(_ context.Context, tree *inventory.Tree, name string) (*Document, error) {
	data, err := tree.ReadFile(name)
	if err != nil {
		return nil, err
	}
	l := &yarnLock{
		tree: tree, path: name, dir: path.Dir(name), lines: inventory.NewLines(data), doc: &Document{},
		byPattern: map[string]int{}, builtin: map[string]int{}, byName: map[string][]int{},
	}
	l.asker.doc = l.doc
	for _, block := range l.parse(data) {
		if err = l.doc.full(l.lines.Location(name, block.start, block.end)); err != nil {
			break
		}
		l.add(block)
	}
	l.connect()
	l.doc.privateScopes(tree, l.dir)
	l.doc.Resolve()
	return l.doc, unlessFull(err)
}

// maxYarnNotices bounds how many lines are told that can't be understood.
const maxYarnNotices = 20

// parse cuts the file into blocks. A line that can't be understood is a notice, and the block goes on without it.
func (l *yarnLock) parse(data []byte) []*yarnBlock {
	var blocks []*yarnBlock
	var block *yarnBlock
	var section string
	var longKey bool // the line before was ? and a key of a block
	offset := 0
	if bytes.HasPrefix(data, utf8BOM) {
		offset = len(utf8BOM)
	}
	for line := range bytes.Lines(data[offset:]) {
		start := offset
		offset += len(line)
		text := bytes.TrimRight(line, "\r\n")
		content := bytes.TrimLeft(text, " ")
		indent := len(text) - len(content)
		if len(content) == 0 || content[0] == '#' {
			continue
		}
		var ok bool
		switch {
		case indent == 0 && content[0] == ':' && longKey: // its value
			ok = true
		case indent == 0:
			block, section = &yarnBlock{start: start}, ""
			block.patterns, ok = yarnHeader(string(content))
			if ok && len(blocks) > maxEntries {
				return blocks
			}
			if ok {
				blocks = append(blocks, block)
			}
		case block == nil:
		case indent == 2:
			ok = block.property(string(content), &section)
		case indent == 4 && section != "":
			ok = block.need(string(content), section)
		default: // deeper: facts about requirements, such as which are optional
			ok = true
		}
		longKey = indent == 0 && bytes.HasPrefix(content, []byte("? "))
		if !ok {
			l.broken(start, start+len(text))
			continue
		}
		block.end = start + len(text)
	}
	return blocks
}

func (l *yarnLock) broken(start, end int) {
	if len(l.doc.Notices) == maxYarnNotices {
		return
	}
	at := l.lines.Location(l.path, start, end)
	l.doc.Notices = append(l.doc.Notices, inventory.Notice{
		Code: "unreadable-entry", Message: l.path + " has a line that can't be understood", Location: &at,
	})
}

// yarnHeader reads `a@1, "b@npm:^1, b@npm:^2":` or, for long keys, `? "a@1, ..."`.
func yarnHeader(s string) ([]string, bool) {
	s, long := strings.CutPrefix(s, "? ")
	var patterns []string
	for {
		key, rest, ok := yarnString(s)
		if !ok {
			return nil, false
		}
		for pattern := range strings.SplitSeq(key, ", ") {
			patterns = append(patterns, strings.TrimSpace(pattern))
		}
		rest = strings.TrimLeft(rest, " ")
		switch {
		case strings.HasPrefix(rest, ","):
			s = strings.TrimLeft(rest[1:], " ")
		case strings.TrimRight(rest, " ") == ":", rest == "" && long:
			return patterns, true
		default:
			return nil, false
		}
	}
}

// yarnString reads one string, quoted as in JSON or plain, and returns what follows it.
func yarnString(s string) (value, rest string, ok bool) {
	if !strings.HasPrefix(s, `"`) {
		end := strings.IndexAny(s, ":, \t")
		if end < 0 {
			end = len(s)
		}
		return strings.ToValidUTF8(s[:end], "\uFFFD"), s[end:], end > 0
	}
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			raw := s[:i+1]
			if !strings.Contains(raw, `\`) {
				return strings.ToValidUTF8(raw[1:i], "\uFFFD"), s[i+1:], i > 1
			}
			unquoted, err := jsontext.AppendUnquote(nil, raw)
			return string(unquoted), s[i+1:], err == nil && len(unquoted) > 0
		}
	}
	return "", "", false
}

// yarnPair reads `key value` of Yarn 1 or `key: value` of Yarn 2. The value is empty for the key of a section.
func yarnPair(s string) (key, value string, ok bool) {
	key, rest, ok := yarnString(s)
	if !ok {
		return "", "", false
	}
	rest, colon := strings.CutPrefix(strings.TrimLeft(rest, " "), ":")
	value = strings.TrimSpace(rest)
	switch {
	case value == "":
		return key, "", colon
	case strings.HasPrefix(value, `"`):
		if value == `""` {
			return key, "", true
		}
		unquoted, rest, ok := yarnString(value)
		return key, unquoted, ok && strings.TrimSpace(rest) == ""
	}
	return key, strings.ToValidUTF8(value, "\uFFFD"), true
}

func (b *yarnBlock) property(s string, section *string) bool {
	key, value, ok := yarnPair(s)
	if !ok {
		return false
	}
	*section = ""
	switch key {
	case "version":
		b.version = value
	case "resolved":
		b.resolved = value
	case "resolution":
		b.resolution = value
	case "integrity":
		b.integrity = value
	default:
		if value == "" {
			*section = key
		}
	}
	return true
}

func (b *yarnBlock) need(s, section string) bool {
	name, spec, ok := yarnPair(s)
	if ok && (section == "dependencies" || section == "optionalDependencies") {
		b.needs = append(b.needs, npmWant{name, spec})
	}
	return ok
}

// yarnIdent cuts name@range at the @ after the name.
func yarnIdent(pattern string) (name, spec string) {
	i := strings.Index(strings.TrimPrefix(pattern, "@"), "@")
	if i < 0 {
		return pattern, ""
	}
	i += len(pattern) - len(strings.TrimPrefix(pattern, "@"))
	return pattern[:i], pattern[i+1:]
}

// add makes an entry of a block.
func (l *yarnLock) add(b *yarnBlock) {
	if len(b.patterns) == 1 && b.patterns[0] == "__metadata" {
		l.berry = true
		return
	}
	name, spec := yarnIdent(b.patterns[0])
	e := Entry{Name: name, Version: b.version, Location: l.lines.Location(l.path, b.start, b.end)}
	if b.resolution != "" {
		l.berry = true
		e.Name, spec = yarnIdent(b.resolution)
		e.berry(spec)
		if dir, ok := strings.CutPrefix(spec, "workspace:"); ok {
			if b.workspace = dir; dir == "." {
				l.root = b
				l.doc.Root = e.Name
				return
			}
			e.Version = readPackageJSON(l.tree, path.Join(l.dir, dir, "package.json")).Version
		} else if e.Origin == inventory.OriginPath && strings.HasSuffix(e.Version, "-use.local") {
			e.Version = "" // what is beside the project has none here
		}
	} else {
		e.classic(b, spec)
	}
	l.doc.Declared++
	i := len(l.doc.Entries)
	l.doc.Entries = append(l.doc.Entries, e)
	l.blocks = append(l.blocks, b)
	for _, pattern := range b.patterns {
		l.byPattern[pattern] = i
		if source, ok := patchSource(pattern); ok && strings.Contains(pattern, "builtin<") {
			l.builtin[source] = i
		}
	}
	if _, ok := l.byPattern[b.resolution]; !ok && b.resolution != "" {
		l.byPattern[b.resolution] = i
	}
	asked, _ := yarnIdent(b.patterns[0])
	l.byName[asked] = append(l.byName[asked], i)
	if e.Version == "" && e.Origin == inventory.OriginRegistry {
		l.doc.Notices = append(l.doc.Notices, inventory.Notice{
			Code: "package-without-version", Location: &e.Location,
			Message: fmt.Sprintf("%s gives no version for %s, which can't be matched", l.path, e.Name),
		})
	}
}

// archivePackage returns the name of the package whose archive the registry's protocol has at an address, or "".
func archivePackage(address string) string {
	address, _, _ = strings.Cut(address, "#")
	before, _, ok := strings.Cut(address, "/-/")
	if !ok {
		return ""
	}
	scope, name := splitLast(before, "/")
	if scope = path.Base(scope); strings.HasPrefix(scope, "@") {
		return scope + "/" + name
	}
	if unescaped, err := url.PathUnescape(name); err == nil {
		return unescaped
	}
	return ""
}

// classic fills what a block of Yarn 1 says. The archive's address names the package where the pattern names an alias.
func (e *Entry) classic(b *yarnBlock, spec string) {
	if strings.HasPrefix(spec, "npm:") {
		e.Name, _ = npmAlias(spec, e.Name)
	}
	switch e.Origin = npmOrigin(spec); e.Origin {
	case inventory.OriginPath, inventory.OriginURL, inventory.OriginWorkspace:
	default:
		e.Origin = resolvedOrigin(b.resolved)
	}
	if e.Origin == inventory.OriginGit {
		e.Commit = npmCommit(b.resolved)
	}
	if name := archivePackage(b.resolved); name != "" && e.Origin == inventory.OriginRegistry {
		e.Name = name
	}
	if h, ok := integrity(b.integrity); ok {
		e.Hashes = []inventory.Hash{h}
	} else if _, sum, _ := strings.Cut(b.resolved, "#"); e.Origin == inventory.OriginRegistry && isHex(sum, 40) {
		e.Hashes = []inventory.Hash{{Algorithm: "SHA-1", Value: strings.ToLower(sum)}}
	}
}

// berry fills what the reference of a resolution of Yarn 2 says. Its checksums are of archives that Yarn packs anew,
// not of those of the registry, and are left out.
func (e *Entry) berry(reference string) {
	switch protocol, _, _ := strings.Cut(reference, ":"); protocol {
	case "npm":
		e.Origin = inventory.OriginRegistry
	case "patch":
		e.Origin = inventory.OriginRegistry
		if source, ok := patchSource("@" + reference); ok {
			if _, inner := yarnIdent(source); inner != "" && !strings.HasPrefix(inner, "patch:") {
				e.berry(inner)
			}
		}
		return
	case "exec":
		e.Origin = inventory.OriginPath
	default:
		e.Origin = npmOrigin(reference)
	}
	if e.Origin == inventory.OriginGit {
		e.Commit = npmCommit(reference)
	}
}

// patchSource returns what a pattern or resolution such as lodash@patch:lodash@npm%3A4.17.15#fix.patch is a patched
// copy of.
func patchSource(pattern string) (string, bool) {
	_, patch, ok := strings.Cut(pattern, "@patch:")
	if !ok {
		return "", false
	}
	source, _, _ := strings.Cut(patch, "#")
	source, err := url.PathUnescape(source)
	return source, err == nil
}

// find returns the entry for a wanted range. A range that the file does not list was replaced by the project's
// resolutions; the only package of that name is then the one.
func (l *yarnLock) find(want npmWant) (int, bool) {
	for _, pattern := range [...]string{want.name + "@" + want.spec, want.name + "@npm:" + want.spec} {
		if i, ok := l.builtin[pattern]; ok {
			return i, true
		}
		if i, ok := l.byPattern[pattern]; ok {
			return i, true
		}
	}
	if all := l.byName[want.name]; len(all) == 1 {
		return all[0], true
	}
	return 0, false
}

// connect draws the edges and marks what the project and the members of its workspace ask for.
func (l *yarnLock) connect() {
	manifest := readPackageJSON(l.tree, path.Join(l.dir, "package.json"))
	members := npmMembers(l.tree, l.dir, manifest.Workspaces)
	own := map[string]bool{l.doc.Root: true} // Yarn 1 does not list the repository's own packages
	for _, m := range members {
		own[m.manifest.Name] = true
	}
	if l.doc.Root == "" || manifest.Name != "" {
		l.doc.Root = projectName(manifest.Name, l.path)
	}
	missing := map[string]bool{}
	for i := range l.blocks {
		for _, name := range l.needs(i) {
			if !own[name] {
				missing[name] = true
			}
		}
	}
	if len(missing) > 0 && len(l.doc.Entries) < maxEntries {
		l.doc.Notices = append(l.doc.Notices, inventory.Notice{
			Code:     "fewer-packages-than-declared",
			Message:  fmt.Sprintf("%s does not list %d of the packages that it refers to; it may have been cut off", l.path, len(missing)),
			Location: &inventory.Location{Path: l.path},
		})
	}
	known := l.asks(manifest, "")
	for _, m := range members {
		known = l.asks(m.manifest, m.name()) || known
	}
	for i, b := range l.blocks {
		if b.workspace != "" {
			l.asker.ask(i, "", inventory.ScopeRuntime, inventory.Location{})
		}
	}
	if !known {
		l.guessRoots()
	}
}

// needs draws the edges from entry i and returns the names of packages that the file does not list.
func (l *yarnLock) needs(i int) (missing []string) {
	b, e := l.blocks[i], &l.doc.Entries[i]
	if source, ok := patchSource(b.resolution); ok {
		if j, ok := l.byPattern[source]; ok && j != i {
			e.Needs = append(e.Needs, j)
		}
	}
	dev := map[string]bool{}
	if b.workspace != "" { // the file lists them among the others; the manifest tells them apart
		for _, want := range readPackageJSON(l.tree, path.Join(l.dir, b.workspace, "package.json")).Wants {
			dev[want.Name] = npmScope(want.List) == inventory.ScopeDevelopment
		}
	}
	for _, want := range b.needs {
		if j, ok := l.find(want); ok && j != i && !dev[want.name] {
			e.Needs = append(e.Needs, j)
		}
		if len(l.byName[want.name]) == 0 {
			missing = append(missing, want.name)
		}
	}
	return missing
}

// guessRoots finds what the project asks for where no manifest says so: Yarn 2 repeats it, without telling what is for
// development; of Yarn 1, it is what nothing else needs, if the file is whole.
func (l *yarnLock) guessRoots() {
	switch {
	case l.root != nil:
		for _, want := range l.root.needs {
			if i, ok := l.find(want); ok {
				l.asker.ask(i, "", inventory.ScopeUnknown, inventory.Location{})
			}
		}
		for i := range l.doc.Entries {
			l.doc.Entries[i].Scope = inventory.ScopeUnknown
		}
	case len(l.doc.Notices) == 0:
		l.asker.askAll()
	}
}

// asks notes what one project asks for, and reports whether that is anything.
func (l *yarnLock) asks(manifest *packageJSON, member string) bool {
	for _, want := range manifest.Wants {
		if want.List == "peerDependencies" { // the project's users bring them
			continue
		}
		if i, ok := l.find(npmWant{want.Name, want.Spec}); ok {
			l.asker.ask(i, member, npmScope(want.List), want.Location)
		}
	}
	return len(manifest.Wants) > 0
}
