package main

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/mod/modfile"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// lonely is a package that only one side lists in a file, with what a rule may look at to say why: the file itself
// and what the other side says about it.
type lonely struct {
	entry
	place inventory.PackageLocation // where and what it is; known for our packages only
	other *scan
	tree  fs.FS
}

// here returns what the other side lists in the same file under a name, as the first that suits.
func (l lonely) here(name string, suits func(entry, inventory.PackageLocation) bool) (entry, bool) {
	for _, e := range l.other.named[entry{file: l.file, ecosystem: l.ecosystem, name: name}] {
		if suits(e, l.other.packages[e]) {
			return e, true
		}
	}
	return entry{}, false
}

func (l lonely) base() string { return path.Base(l.file) }

func (l lonely) content() []byte {
	data, err := fs.ReadFile(l.tree, l.file)
	if err != nil {
		return nil // there is nothing to judge by: no rule explains it
	}
	return data
}

// packageClass is a reason for which one side lists a package and the other does not.
type packageClass struct {
	name, why string
	// explains reports whether it is the reason, and returns what the other side lists in place of the package, if
	// it lists anything. It sees packages of a peer for the classes of theirs, and ours for those of ours.
	explains func(lonely) (instead entry, ok bool)
}

// unexplained is the class of what no rule explains. The command ends with an error where there is any.
const unexplained = "not explained"

// theirReasons are the reasons for which a peer lists a package and we do not, in the order in which they are tried.
var theirReasons = []packageClass{
	{"the project itself", "The peer lists the project or a member of its workspace as a package, yarn's at the version `0.0.0-use.local`. Ours has the origin `workspace` or `path`, with the version that its manifest states, or is no package at all: no public advisory speaks of it. Members that we list and the peer does not are here, too.", ownProject},
	{"a commit", "A git dependency has no version. We give the commit; Syft puts the address of the repository into the version.", ofCommit},
	{"a floating version", "The manifest asks for `3.*` or for a range, which is no version. osv-scanner and Syft give the text as the version; ours is empty with a notice, or the lower end of the range.", floating},
	{"a platform in the version", "Gemfile.lock states one archive for each platform, as in `ffi (1.17.4-arm64-darwin)`. The version is 1.17.4; advisories know no other.", ofPlatform},
	{"an application's name", "mix.lock names the Erlang application first and the package second; the registry and its advisories know the package.", application},
	{"a replacement that nothing asks for", "A `replace` line of go.mod only matters where the module is required, and it is not. Syft lists it as a package.", unusedReplacement},
	{"a module outside of the build", "Neither required nor replaced in go.mod, and only go.sum knows it: Syft runs the Go toolchain on the scanned code where there is one, and the answer depends on the module cache of the machine.", outsideBuild},
}

// ourReasons are the reasons for which we list a package and a peer does not, in the order in which they are tried.
var ourReasons = []packageClass{
	{"the standard library of Go", "The peers leave it out; see the findings above. Where the `go` line is older than 1.21 and there is no `toolchain` line, it has no version.", func(l lonely) (entry, bool) {
		return entry{}, l.ecosystem == "Go" && l.name == "stdlib"
	}},
	{"the project itself", "", func(l lonely) (entry, bool) { return entry{}, l.place.Origin.Own() }},
	{"a version below another package", "Syft reads the outermost packages of a package-lock.json of version 1 and not those inside of them, and of yarn.lock one version for each name.", inner},
	{"a package of several pom.xml", "Syft reads the pom.xml of a tree together and lists a package of one version with one of them. We list each line that asks for it.", elsewhere},
	{"a manifest", "The peer lists nothing of this manifest: a `package.json`, `Cargo.toml`, `composer.json`, `pyproject.toml`, `requirements.in` or project of .NET. We list the exact versions that it states, and other packages with an empty version and a notice where there is no lock file.", func(l lonely) (entry, bool) {
		return entry{}, !l.place.LockFile && !l.other.files[l.file]
	}},
	{"a line without an exact version", "The peer leaves out a package for which a manifest states no version, Syft every line of requirements without `==`. Ours have the lower end of the range or an empty version with a notice.", unpinned},
	{"a file that the peer does not read", "It does not know the format, or gives up on the file; we read what a broken file still says and add a notice.", func(l lonely) (entry, bool) {
		return entry{}, !l.other.files[l.file]
	}},
}

func ownProject(l lonely) (entry, bool) {
	if e, ok := l.here(l.name, func(_ entry, p inventory.PackageLocation) bool { return p.Origin.Own() }); ok {
		return e, true
	}
	switch l.base() {
	case "yarn.lock":
		return entry{}, l.version == "0.0.0-use.local"
	case "package-lock.json", "npm-shrinkwrap.json":
		var root struct{ Name, Version string }
		err := json.Unmarshal(l.content(), &root)
		return entry{}, err == nil && root.Name == l.name && root.Version == l.version
	}
	return entry{}, false
}

func ofCommit(l lonely) (entry, bool) {
	return l.here(l.name, func(e entry, p inventory.PackageLocation) bool {
		return p.Origin == inventory.OriginGit && p.Commit != "" && e.version == ""
	})
}

func floating(l lonely) (entry, bool) {
	return l.here(l.name, func(e entry, _ inventory.PackageLocation) bool { return isRange(l.version, e.version) })
}

// isRange reports whether a peer's version is the text of a range whose lower end is ours, or for which we have none.
func isRange(version, low string) bool {
	return strings.ContainsAny(version, "*[](),") && strings.HasPrefix(strings.TrimLeft(version, "[("), low)
}

func ofPlatform(l lonely) (entry, bool) {
	if l.ecosystem != "RubyGems" {
		return entry{}, false
	}
	return l.here(l.name, func(e entry, _ inventory.PackageLocation) bool { return strings.HasPrefix(l.version, e.version+"-") })
}

func application(l lonely) (entry, bool) {
	if l.base() != "mix.lock" {
		return entry{}, false
	}
	line := regexp.MustCompile(`"` + regexp.QuoteMeta(l.name) + `": \{:hex, :"?(\w+)"?, "` + regexp.QuoteMeta(l.version) + `"`)
	m := line.FindSubmatch(l.content())
	if m == nil {
		return entry{}, false
	}
	return l.here(string(m[1]), func(e entry, _ inventory.PackageLocation) bool { return e.version == l.version })
}

func unusedReplacement(l lonely) (entry, bool) {
	mod := l.goMod()
	if mod == nil {
		return entry{}, false
	}
	replaced := false
	for _, r := range mod.Replace {
		if r.New.Path == l.name && r.New.Version == "v"+l.version {
			replaced = true
			if requires(mod, r.Old.Path) {
				return entry{}, false
			}
		}
	}
	return entry{}, replaced
}

func outsideBuild(l lonely) (entry, bool) {
	mod := l.goMod()
	if mod == nil || requires(mod, l.name) {
		return entry{}, false
	}
	sums, err := fs.ReadFile(l.tree, path.Join(path.Dir(l.file), "go.sum"))
	return entry{}, err == nil && strings.Contains("\n"+string(sums), "\n"+l.name+" v"+l.version+" ")
}

// goMod parses the go.mod that lists the package, or returns nil.
func (l lonely) goMod() *modfile.File {
	if l.base() != "go.mod" {
		return nil
	}
	mod, err := modfile.Parse(l.file, l.content(), nil)
	if err != nil {
		return nil
	}
	return mod
}

func requires(mod *modfile.File, name string) bool {
	return slices.ContainsFunc(mod.Require, func(r *modfile.Require) bool { return r.Mod.Path == name })
}

func inner(l lonely) (entry, bool) {
	switch l.base() {
	case "package-lock.json", "npm-shrinkwrap.json":
		var lock struct {
			LockfileVersion int
			Dependencies    map[string]struct{ Version string }
		}
		err := json.Unmarshal(l.content(), &lock)
		return entry{}, err == nil && lock.LockfileVersion == 1 && lock.Dependencies[l.name].Version != l.version
	case "yarn.lock":
		_, ok := l.here(l.name, func(e entry, _ inventory.PackageLocation) bool { return e.version != l.version })
		return entry{}, ok
	}
	return entry{}, false
}

func elsewhere(l lonely) (entry, bool) {
	if l.base() != "pom.xml" || !l.other.files[l.file] {
		return entry{}, false
	}
	for e := range l.other.packages {
		if path.Base(e.file) == "pom.xml" && e.name == l.name && (e.version == l.version || isRange(e.version, l.version)) {
			return entry{}, true
		}
	}
	return entry{}, false
}

func unpinned(l lonely) (entry, bool) {
	if l.version == "" && !l.place.LockFile {
		return entry{}, true
	}
	if l.ecosystem != "PyPI" || path.Ext(l.file) != ".txt" {
		return entry{}, false
	}
	lines := strings.Split(string(l.content()), "\n")
	if l.place.Line < 1 || l.place.Line > len(lines) {
		return entry{}, false
	}
	return entry{}, !strings.Contains(lines[l.place.Line-1], "==")
}

// packageDifference is a package that one side lacks, and the name of the class that says why.
type packageDifference struct {
	entry
	class string
}

// packageComparison is what two programs list in one repository.
type packageComparison struct {
	peer         string
	both         int
	missing      []packageDifference // of the peer only
	extra        []packageDifference // of ours only
	notExplained int
}

// comparePackages joins two scans by file, ecosystem, name and version, and says of the rest why it is there. What is
// listed differently by both counts once on each side, under the class of the peer's.
func comparePackages(peer string, their, our *scan, tree fs.FS) packageComparison {
	c := packageComparison{peer: peer}
	instead := map[entry]string{}
	for _, e := range slices.SortedFunc(maps.Keys(their.packages), entry.compare) {
		if _, ok := our.packages[e]; ok {
			c.both++
			continue
		}
		class, counterpart := explain(theirReasons, lonely{entry: e, other: our, tree: tree})
		if counterpart != (entry{}) {
			instead[counterpart] = class
		}
		c.missing = append(c.missing, packageDifference{e, class})
	}
	for _, e := range slices.SortedFunc(maps.Keys(our.packages), entry.compare) {
		if _, ok := their.packages[e]; ok {
			continue
		}
		class, ok := instead[e]
		if !ok {
			class, _ = explain(ourReasons, lonely{entry: e, place: our.packages[e], other: their, tree: tree})
		}
		c.extra = append(c.extra, packageDifference{e, class})
	}
	for _, d := range slices.Concat(c.missing, c.extra) {
		if d.class == unexplained {
			c.notExplained++
		}
	}
	return c
}

func explain(classes []packageClass, l lonely) (class string, instead entry) {
	for _, c := range classes {
		if instead, ok := c.explains(l); ok {
			return c.name, instead
		}
	}
	return unexplained, entry{}
}

// renderPackages returns the tables of the document about packages. Every comparison has the same peers in the same order.
func renderPackages(all []comparison) string {
	var b strings.Builder
	if len(all) == 0 {
		return ""
	}
	b.WriteString("| repository |")
	for _, p := range all[0].packages {
		fmt.Fprintf(&b, " %s: both | only %[1]s | only trifecta |", p.peer)
	}
	b.WriteString("\n| --- |" + strings.Repeat(" --- | --- | --- |", len(all[0].packages)) + "\n")
	sums := make([][3]int, len(all[0].packages))
	type key struct{ class, peer, ecosystem string }
	counts := map[key][2]int{}
	for _, c := range all {
		fmt.Fprintf(&b, "| %s |", c.repository)
		for i, p := range c.packages {
			fmt.Fprintf(&b, " %d | %d | %d |", p.both, len(p.missing), len(p.extra))
			sums[i] = [3]int{sums[i][0] + p.both, sums[i][1] + len(p.missing), sums[i][2] + len(p.extra)}
			for column, list := range [][]packageDifference{p.missing, p.extra} {
				for _, d := range list {
					k := key{d.class, p.peer, d.ecosystem}
					n := counts[k]
					n[column]++
					counts[k] = n
				}
			}
		}
		b.WriteString("\n")
	}
	b.WriteString("| **all** |")
	for _, n := range sums {
		fmt.Fprintf(&b, " %d | %d | %d |", n[0], n[1], n[2])
	}
	b.WriteString("\n\n| why they differ | peer | ecosystem | only the peer | only trifecta |\n| --- | --- | --- | --- | --- |\n")
	keys := slices.SortedFunc(maps.Keys(counts), func(a, b key) int {
		return slices.Compare([]string{a.class, a.peer, a.ecosystem}, []string{b.class, b.peer, b.ecosystem})
	})
	for _, k := range keys {
		fmt.Fprintf(&b, "| %s | %s | %s | %d | %d |\n", k.class, k.peer, k.ecosystem, counts[k][0], counts[k][1])
	}
	for _, c := range slices.Concat(theirReasons, ourReasons) {
		met := slices.ContainsFunc(keys, func(k key) bool { return k.class == c.name })
		if met && c.why != "" {
			fmt.Fprintf(&b, "\n- *%s*: %s", c.name, c.why)
		}
	}
	return b.String()
}
