// Package ecosystem holds what differs between package managers: the names of their files, how a lock file and its
// manifest are read, and how the advisories of OSV name their packages.
//
// One file describes one ecosystem as a value; All lists them. Everything that is the same for all of them (walking,
// merging with what Syft and osv-scalibr find, dependency chains, matching, reports) lives elsewhere and asks these
// values. docs/new-ecosystem.md shows how to add one.
package ecosystem

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/package-url/packageurl-go"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// Ecosystem is one registry of packages with the package managers that draw from it.
type Ecosystem struct {
	// Name is OSV's name of the ecosystem, as in https://ossf.github.io/osv-schema/#defined-ecosystems.
	Name string
	// Formats are the files that say which packages a project uses.
	Formats []Format
	// PURL returns the package URL of a package; version may be empty.
	PURL func(name, version string) packageurl.PackageURL
	// Key returns the name under which OSV lists a package; nil means the name as it is.
	Key func(name string) string
	// Newest returns the newest release that a written version may stand for, where a version may stand for several as
	// a tag that moves does; nil means that each version is one release.
	Newest func(version string) string
	// Unadvised says that OSV has no advisories of the ecosystem, so that its packages are listed and never matched.
	Unadvised bool
}

// Format is one kind of file that names packages.
type Format struct {
	Name string // the field's name of the file: package-lock.json, poetry.lock, pom.xml, ...
	// Match reports whether a file is of this format by its path alone.
	Match func(path string) bool
	// LockFile says that the file pins exact versions, so that every entry of it is a finding's place.
	LockFile bool
	// Vendored says that the format is also looked for in folders of foreign code (node_modules, vendor, ...), where a
	// lock file or manifest usually says nothing about this repository.
	Vendored bool
	// Installed says that the file belongs to what is installed. Of the root file system of a machine only such files are
	// read: a lock file that lies in it says what somebody once meant to install.
	Installed bool
	// Binary says that the file may be an executable, which only its first bytes tell. Small files are none.
	Binary bool
	// Read returns the packages that the file at path names. It may read other files of the tree (the manifest beside
	// a lock file, a parent pom.xml), never anything outside of it. An error means that the file as a whole could not
	// be read; what was read before the error is returned with it.
	Read func(ctx context.Context, tree *inventory.Tree, path string) (*Document, error)
}

// minBinary is less than any program of a compiled language that carries its runtime.
const minBinary = 256 << 10

// Claims reports whether the format reads a file of the walk; system says that the tree is the root file system of a
// machine.
func (f *Format) Claims(file inventory.File, system bool) bool {
	if system {
		return f.Installed && (!f.Binary || file.Size >= minBinary) && f.Match(file.Path)
	}
	return (f.Vendored || !file.Vendored) && !f.Binary && f.Match(file.Path)
}

// Document is what one file says about packages.
type Document struct {
	// Root names the project that the file belongs to, for the first element of chains.
	Root string
	// Image is the container image or AMI whose content a bill of materials lists; empty elsewhere.
	Image inventory.ID
	// Entries are the packages in the order of the file.
	Entries []Entry
	// Roots are the entries that the project asks for itself; with them and Entry.Needs chains are found.
	Roots []int
	// Declared is how many packages the file declares by a count that does not depend on reading each of them; a
	// Document with fewer entries leads to a notice.
	Declared int
	// Notices say what in the file could not be understood.
	Notices []inventory.Notice

	ended bool  // reading ended at maxEntries
	asked []int // for each entry the direct one that brings it in, -1 where unknown; Resolve fills it
}

// Entry is one package in one file.
type Entry struct {
	Name     string
	Version  string
	Location inventory.Location
	Manifest inventory.Location // the line that asks for a direct package; zero where unknown
	Direct   bool
	Scope    inventory.Scope
	Origin   inventory.Origin
	Commit   string // for OriginGit
	Needs    []int  // indices of the entries that this one depends on
	Licenses []string
	Hashes   []inventory.Hash
	// Chain overrides the chain found through Needs, for formats that state it (empty otherwise).
	Chain []string
	// Ecosystem overrides the ecosystem of the format, for files that name packages of several; nil otherwise.
	Ecosystem *Ecosystem
	// Release is the release of a distribution as OSV appends it to the ecosystem: 12 in Debian:12.
	Release string
	// PURL overrides the package URL that the ecosystem makes of name and version; empty otherwise.
	PURL string
	// Source is what the package was built from, where advisories speak of that; zero otherwise.
	Source inventory.SourcePackage
}

// OSVName returns the name under which OSV lists the package.
func (e *Ecosystem) OSVName(name string) string {
	if e.Key == nil {
		return name
	}
	return e.Key(name)
}

// ByName returns the ecosystem with OSV's name; a release suffix such as that of Debian:12 is cut off first.
func ByName(name string) (*Ecosystem, bool) {
	name, _, _ = strings.Cut(name, ":")
	i := slices.IndexFunc(All, func(e *Ecosystem) bool { return e.Name == name })
	if i < 0 {
		return nil, false
	}
	return All[i], true
}

// Error places an error inside a file.
type Error struct {
	Location inventory.Location
	Err      error
}

func (e *Error) Error() string {
	if e.Location.Line == 0 {
		return fmt.Sprintf("%s: %v", e.Location.Path, e.Err)
	}
	return fmt.Sprintf("%s:%d: %v", e.Location.Path, e.Location.Line, e.Err)
}

func (e *Error) Unwrap() error { return e.Err }

// maxEntries bounds the packages that are read from one file. The largest lock files known have a tenth of it.
const maxEntries = 100_000

// errFull ends the reading of a file that names too many packages; a notice says so.
var errFull = errors.New("too many packages")

// full returns errFull, and notes the place at which reading ends, where the document has as many entries as it may.
func (d *Document) full(at inventory.Location) error {
	if len(d.Entries) < maxEntries {
		return nil
	}
	d.tooMany(at)
	return errFull
}

// tooMany notes, once, that the packages from a place on are not read.
func (d *Document) tooMany(at inventory.Location) {
	if d.ended {
		return
	}
	d.ended = true
	d.Declared = 0 // nothing is missing by mistake
	d.Notices = append(d.Notices, inventory.Notice{
		Code: "too-many-packages", Location: &at,
		Message: fmt.Sprintf("%s names more than %d packages, of which the rest was not read", at.Path, maxEntries),
	})
}

// unlessFull returns err, but nil for errFull.
func unlessFull(err error) error {
	if errors.Is(err, errFull) {
		return nil
	}
	return err
}

// maxChain bounds the chains that are written out. Real ones are shorter than 30; a hostile file must not make us
// write the square of its size.
const maxChain = 64

// Resolve completes a document: it marks the roots direct, gives each entry the shortest chain from the root, the
// scope that the roots imply where its own is unknown, and the origin registry where none is given. The order of the
// entries stays. It runs in time linear in the edges.
func (d *Document) Resolve() {
	const none = -1
	for _, r := range d.Roots {
		d.Entries[r].Direct = true
	}
	d.asked = make([]int, len(d.Entries))
	for i := range d.asked {
		d.asked[i] = none
	}
	asked := func(i, above int) int {
		if e := &d.Entries[i]; above == none || !e.Manifest.IsZero() {
			return i
		}
		return d.asked[above]
	}
	reached := d.walk(func(int) bool { return true }, func(i, above int) {
		d.asked[i] = asked(i, above)
		e := &d.Entries[i]
		if len(e.Chain) > 0 {
			return
		}
		chain := []string{d.Root}
		if above != none {
			chain = d.Entries[above].Chain
		}
		if len(chain) > 0 && len(chain) < maxChain {
			e.Chain = append(slices.Clip(chain), e.Name)
		}
	})
	d.stated()
	var runtime []bool
	for i := range d.Entries {
		e := &d.Entries[i]
		if e.Scope == "" && reached[i] {
			if runtime == nil {
				runtime = d.walk(func(root int) bool { return d.Entries[root].Scope == inventory.ScopeRuntime }, nil)
			}
			e.Scope = inventory.ScopeDevelopment
			if runtime[i] {
				e.Scope = inventory.ScopeRuntime
			}
		}
		if e.Scope == "" {
			e.Scope = inventory.ScopeUnknown
		}
		if e.Origin == "" {
			e.Origin = inventory.OriginRegistry
		}
	}
}

// walk goes through the edges from the roots that from admits, nearest first, and reports which entries it reached.
// visit, if any, hears of each once, with the entry above it or -1 for a root.
func (d *Document) walk(from func(root int) bool, visit func(i, above int)) []bool {
	seen := make([]bool, len(d.Entries))
	var queue []int
	meet := func(i, above int) {
		if seen[i] {
			return
		}
		seen[i] = true
		queue = append(queue, i)
		if visit != nil {
			visit(i, above)
		}
	}
	for _, r := range d.Roots {
		if from(r) {
			meet(r, -1)
		}
	}
	for at := 0; at < len(queue); at++ {
		for _, next := range d.Entries[queue[at]].Needs {
			meet(next, queue[at])
		}
	}
	return seen
}

// stated finds the direct package of entries whose chain the file states.
func (d *Document) stated() {
	var roots map[string]int
	for i, e := range d.Entries {
		if d.asked[i] >= 0 || len(e.Chain) < 2 {
			continue
		}
		if roots == nil {
			roots = make(map[string]int, len(d.Roots))
			for _, r := range slices.Backward(d.Roots) {
				roots[d.Entries[r].Name] = r
			}
		}
		if r, ok := roots[e.Chain[1]]; ok {
			d.asked[i] = r
		}
	}
}

// ManifestOf returns the manifest line of the direct package that brings entry i in, or the zero Location. Where a
// workspace's member stands between the root and the direct package, it is the member's line. It knows of indirect
// entries after Resolve.
func (d *Document) ManifestOf(i int) inventory.Location {
	if e := &d.Entries[i]; e.Direct || !e.Manifest.IsZero() || i >= len(d.asked) || d.asked[i] < 0 {
		return e.Manifest
	}
	return d.Entries[d.asked[i]].Manifest
}
