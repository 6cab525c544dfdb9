package ecosystem

import (
	"bytes"
	"cmp"
	"context"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/package-url/packageurl-go"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// RubyGems is the Ruby registry with Bundler.
var RubyGems = &Ecosystem{
	Name: "RubyGems",
	Formats: []Format{
		{Name: "Gemfile.lock", Match: base("Gemfile.lock", "Gemfile.next.lock", "gems.locked"), LockFile: true, Read: readGemfileLock},
		{Name: "Gemfile", Match: base("Gemfile", "gems.rb"), Read: readUnlockedGemfile},
	},
	PURL: func(name, version string) packageurl.PackageURL {
		return packageurl.PackageURL{Type: packageurl.TypeGem, Name: name, Version: version}
	},
}

// gemLock collects a Gemfile.lock, whose sections are told by indentation alone
// (https://github.com/rubygems/rubygems/blob/master/bundler/lib/bundler/lockfile_parser.rb): a section at 0, its options
// at 2, a gem at 4, what the gem needs at 6.
type gemLock struct {
	doc     *Document
	byName  map[string]int
	remote  []string // of each entry
	needs   [][]string
	asked   []gemAsk // of DEPENDENCIES
	hashes  map[string]inventory.Hash
	current int // the entry that the lines at 6 speak of, or -1
}

type gemAsk struct {
	name  string
	where inventory.Location
}

// gemSection is the section that is being read.
type gemSection struct {
	kind     string
	remote   string
	revision string
}

func readGemfileLock(_ context.Context, tree *inventory.Tree, name string) (*Document, error) {
	data, err := readText(tree, name)
	if err != nil {
		return nil, err
	}
	l := &gemLock{doc: &Document{}, byName: map[string]int{}, hashes: map[string]inventory.Hash{}}
	l.doc.Root = projectName("", name)
	l.read(data, name)
	l.connect(tree, name)
	l.doc.Resolve()
	return l.doc, nil
}

func (l *gemLock) read(data []byte, name string) {
	var section gemSection
	number := 0
	l.current = -1
	for raw := range bytes.Lines(data) {
		number++
		line := strings.TrimRight(string(raw), "\r\n \t")
		text := strings.TrimLeft(line, " ")
		indent := len(line) - len(text)
		where := inventory.Location{Path: name, Line: number, Column: indent + 1, EndLine: number, EndColumn: len(line) + 1}
		switch {
		case text == "":
			continue
		case indent == 0:
			section = gemSection{kind: text}
			l.current = -1
			if conflict := strings.HasPrefix(text, "<<<<<<<") || strings.HasPrefix(text, ">>>>>>>"); conflict {
				l.notice(where, "a merge conflict stands in "+name)
			}
		case section.kind == "DEPENDENCIES" && indent == 2:
			gem, _, _ := strings.Cut(strings.TrimSuffix(text, "!"), " ")
			l.asked = append(l.asked, gemAsk{strings.TrimSuffix(gem, "!"), where})
		case section.kind == "CHECKSUMS" && indent == 2:
			l.checksum(text)
		case !slices.Contains([]string{"GEM", "GIT", "PATH", "PLUGIN SOURCE"}, section.kind):
		case indent == 2:
			key, value, _ := strings.Cut(text, ": ")
			switch key {
			case "remote":
				section.remote = value
			case "revision":
				section.revision = value
			}
		case indent == 4:
			l.gem(section, text, where)
		case indent == 6 && l.current >= 0:
			need, _, _ := strings.Cut(strings.TrimSuffix(text, "!"), " ")
			l.needs[l.current] = append(l.needs[l.current], need)
		}
	}
}

func (l *gemLock) notice(where inventory.Location, message string) {
	l.doc.Notices = append(l.doc.Notices, inventory.Notice{Code: "unreadable-entry", Message: message, Location: &where})
}

// gem reads "name (1.2.3)" or "name (1.2.3-x86_64-linux)". A gem that is locked for several platforms is one package.
func (l *gemLock) gem(section gemSection, text string, where inventory.Location) {
	l.current = -1
	name, rest, ok := strings.Cut(text, " (")
	version, _, closed := strings.Cut(rest, ")")
	if !ok || !closed || name == "" || version == "" {
		l.doc.Declared++
		l.notice(where, "the line of a gem can't be read: "+shorten(text))
		return
	}
	version, _, _ = strings.Cut(version, "-")
	if i, ok := l.byName[name]; ok && l.doc.Entries[i].Version == version {
		l.current = i
		return
	}
	e := Entry{Name: name, Version: version, Location: where}
	switch section.kind {
	case "GIT":
		e.Origin, e.Commit = inventory.OriginGit, section.revision
	case "PATH":
		e.Origin = inventory.OriginPath
		if section.remote == "." {
			e.Origin = inventory.OriginWorkspace
		}
	}
	if l.doc.full(where) != nil {
		return
	}
	l.current = len(l.doc.Entries)
	if _, ok := l.byName[name]; !ok {
		l.byName[name] = l.current
	}
	l.doc.Declared++
	l.doc.Entries = append(l.doc.Entries, e)
	l.remote = append(l.remote, section.remote)
	l.needs = append(l.needs, nil)
}

// checksum reads "name (1.2.3) sha256=…"; the one without a platform speaks of the gem that all platforms can use.
func (l *gemLock) checksum(text string) {
	gem, sum, ok := strings.Cut(text, ") sha256=")
	if name, version, found := strings.Cut(gem, " ("); ok && found && isHex(sum, 64) {
		version, _, platform := strings.Cut(version, "-")
		if key := name + " " + version; !platform || l.hashes[key] == (inventory.Hash{}) {
			l.hashes[key] = inventory.Hash{Algorithm: "SHA-256", Value: strings.ToLower(sum)}
		}
	}
}

func (l *gemLock) connect(tree *inventory.Tree, name string) {
	entries := l.doc.Entries
	edges := edges{doc: l.doc}
	for i := range entries {
		e := &entries[i]
		if h, ok := l.hashes[e.Name+" "+e.Version]; ok {
			e.Hashes = []inventory.Hash{h}
		}
		for _, need := range l.needs[i] {
			if j, ok := l.byName[need]; ok {
				edges.add(i, j)
			}
		}
	}
	l.doc.markPrivate(func(i int) string { return l.remote[i] }, isPublicRubyGems)
	gemfile := readGemfile(tree, gemfileOf(name))
	specs := readGemspecs(tree, path.Dir(name))
	for _, asked := range l.asked {
		i, ok := l.byName[asked.name]
		if !ok {
			continue
		}
		line := cmp.Or(gemfile[asked.name], specs[asked.name], gemLine{scope: inventory.ScopeUnknown})
		e := &entries[i]
		e.Manifest, e.Scope = line.where, line.scope
		if e.Origin == inventory.OriginWorkspace {
			e.Scope = inventory.ScopeRuntime
			for _, need := range e.Needs {
				entries[need].Direct = true
				if entries[need].Manifest.IsZero() {
					entries[need].Manifest = specs[entries[need].Name].where
				}
			}
		}
		l.doc.Roots = append(l.doc.Roots, i)
	}
	l.doc.scopes()
}

func isPublicRubyGems(address string) bool {
	_, host, _ := strings.Cut(address, "://")
	return strings.TrimSuffix(host, "/") == "rubygems"+".org"
}

// gemfileOf returns the manifest of a lock file.
func gemfileOf(lock string) string {
	dir, name := path.Split(lock)
	if name == "gems.locked" {
		return dir + "gems.rb"
	}
	return dir + strings.TrimSuffix(name, ".lock")
}

// gemLine is a line that asks for a gem.
type gemLine struct {
	where inventory.Location
	scope inventory.Scope
	rest  string // what stands behind the name
}

var (
	gemfileGem   = regexp.MustCompile(`^\s*(?:gem|gem!)[\s(]+['"]([A-Za-z0-9._-]+)['"](.*)`)
	gemfileGroup = regexp.MustCompile(`\bgroups?(?::|\s*=>)\s*(\[[^\]]*\]|:\w+|['"]\w+['"])`)
	gemfileBlock = regexp.MustCompile(`^\s*(?:(?:if|unless|case|begin|def|while|until|for|class|module)\b|.*\bdo(?:\s*\|[^|]*\|)?\s*(?:#.*)?$)`)
	gemfileIn    = regexp.MustCompile(`^\s*group[\s(]+(.*?)\)?\s+do\b`)
	gemspecName  = regexp.MustCompile(`\.name\s*=\s*['"]([A-Za-z0-9._-]+)['"]`)
	gemspecNeed  = regexp.MustCompile(`\.add_(runtime_|development_)?dependency[\s(]+['"]([A-Za-z0-9._-]+)['"]`)
	rubyWord     = regexp.MustCompile(`\w+`)
)

// readGemfile finds the lines of a Gemfile that ask for gems, with the groups that they stand in. A Gemfile is a
// program; what it computes is not known.
func readGemfile(tree *inventory.Tree, name string) map[string]gemLine {
	data, err := readProgram(tree, name)
	if err != nil {
		return nil
	}
	found := map[string]gemLine{}
	var blocks []string // the groups of each open block, "" for a block of another kind
	number := 0
	for raw := range bytes.Lines(data) {
		number++
		line := strings.TrimRight(string(raw), "\r\n")
		trimmed := strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(trimmed, "#"):
		case trimmed == "end" || strings.HasPrefix(trimmed, "end ") || strings.HasPrefix(trimmed, "end#"):
			blocks = blocks[:max(0, len(blocks)-1)]
		case gemfileIn.MatchString(line):
			if len(blocks) == maxSourceBlocks {
				return found
			}
			blocks = append(blocks, gemfileIn.FindStringSubmatch(line)[1])
		case gemfileGem.MatchString(line):
			m := gemfileGem.FindStringSubmatch(line)
			groups := strings.Join(blocks, " ")
			if own := gemfileGroup.FindStringSubmatch(m[2]); own != nil {
				groups = own[1]
			}
			if _, ok := found[m[1]]; !ok {
				found[m[1]] = gemLine{lineLocation(name, number, line), rubyScope(groups), m[2]}
			}
		case gemfileBlock.MatchString(line):
			if len(blocks) == maxSourceBlocks {
				return found
			}
			blocks = append(blocks, "")
		}
	}
	return found
}

// maxSourceBlocks bounds how deep a Gemfile may open blocks; deeper is no Gemfile.
const maxSourceBlocks = 64

// rubyScope reads the names of groups: a gem that is only in groups for development and test does not ship.
func rubyScope(groups string) inventory.Scope {
	words := rubyWord.FindAllString(groups, -1)
	if len(words) == 0 {
		return inventory.ScopeRuntime
	}
	for _, word := range words {
		if !slices.Contains(developmentWords, word) {
			return inventory.ScopeRuntime
		}
	}
	return inventory.ScopeDevelopment
}

// developmentWords are the names that groups and folders have which do not ship.
var developmentWords = []string{
	"dev", "devel", "develop", "development", "test", "tests", "testing", "lint", "rubocop", "doc", "docs", "documentation", "ci", "tools",
}

// readGemspecs finds the names and the dependencies of the gems that the folder itself makes.
func readGemspecs(tree *inventory.Tree, dir string) map[string]gemLine {
	found := map[string]gemLine{}
	for _, name := range filesIn(tree, dir) {
		if path.Ext(name) != ".gemspec" {
			continue
		}
		data, err := readProgram(tree, name)
		if err != nil {
			continue
		}
		number := 0
		for raw := range bytes.Lines(data) {
			number++
			line := strings.TrimRight(string(raw), "\r\n")
			if strings.HasPrefix(strings.TrimSpace(line), "#") {
				continue
			}
			if own := gemspecName.FindStringSubmatch(line); own != nil {
				found[own[1]] = gemLine{where: lineLocation(name, number, line), scope: inventory.ScopeRuntime}
			}
			m := gemspecNeed.FindStringSubmatch(line)
			if m == nil {
				continue
			}
			if _, ok := found[m[2]]; !ok {
				scope := inventory.ScopeRuntime
				if m[1] == "development_" {
					scope = inventory.ScopeDevelopment
				}
				found[m[2]] = gemLine{where: lineLocation(name, number, line), scope: scope}
			}
		}
	}
	return found
}

var (
	gemRequirement = regexp.MustCompile(`^\s*,\s*['"]([^'"\n]*)['"](.*)`)
	gemExact       = regexp.MustCompile(`^=?\s*(\d+(?:\.[0-9A-Za-z]+)*)$`)
	gemSource      = regexp.MustCompile(`\b(git|github|gist|bitbucket|path)(?::|\s*=>)|:(git|github|gist|bitbucket|path)\s*=>`)
)

// readUnlockedGemfile lists what a Gemfile asks for where it has no lock file. A plain version is one version.
func readUnlockedGemfile(_ context.Context, tree *inventory.Tree, name string) (*Document, error) {
	if hasAny(tree, path.Dir(name), "Gemfile.lock", "gems.locked") {
		return &Document{}, nil
	}
	if _, err := readProgram(tree, name); err != nil {
		return nil, err
	}
	lines := readGemfile(tree, name)
	var wishes []wish
	for _, gem := range sortedKeys(lines) {
		line := lines[gem]
		w := wish{Entry: Entry{Name: gem, Location: line.where, Scope: line.scope}}
		if m := gemRequirement.FindStringSubmatch(line.rest); m != nil {
			w.spec = m[1]
			if exact := gemExact.FindStringSubmatch(m[1]); exact != nil && !gemRequirement.MatchString(m[2]) {
				w.Version = exact[1]
			}
		}
		if m := gemSource.FindStringSubmatch(line.rest); m != nil {
			w.Origin = inventory.OriginGit
			if cmp.Or(m[1], m[2]) == "path" {
				w.Origin = inventory.OriginPath
			}
		}
		wishes = append(wishes, w)
	}
	slices.SortFunc(wishes, func(a, b wish) int { return a.Location.Compare(b.Location) })
	return unlocked(projectName("", name), name, wishes), nil
}
