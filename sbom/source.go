// Package sbom makes the inventory of packages and writes it as a software bill of materials.
//
// Source reads every file that a format of package ecosystem claims, with the place, scope and chain of each package,
// which neither Syft nor osv-scalibr gives. Where our reader stumbles over a file or finds less than the file declares,
// Syft's cataloger reads it too, and what it finds on top is kept. Syft's types stay inside this package.
package sbom

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"runtime"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/trifecta-scanner/trifecta/ecosystem"
	"github.com/trifecta-scanner/trifecta/inventory"
)

// Source is the inventory.Source of packages.
type Source struct {
	// Cache, if there is one, is asked before a file is parsed.
	Cache *Cache
	// Memory, if there is one, is asked before any file is parsed, and keeps what was found.
	Memory *inventory.Memory
}

// Name returns the name of the source.
func (Source) Name() string { return "packages" }

// claim is one file with the format that reads it.
type claim struct {
	path   string
	eco    *ecosystem.Ecosystem // nil where each entry names its own
	format *ecosystem.Format
}

// reading is what came of one file.
type reading struct {
	claim
	doc     *ecosystem.Document
	notices []inventory.Notice
	files   []string // that the packages own, of a database that says so
}

// Read returns the packages of the tree. Files are read in parallel; the result does not depend on the order.
func (s Source) Read(ctx context.Context, tree *inventory.Tree) (*inventory.Inventory, error) {
	claims := claimed(tree)
	var rpm reading // of a system it is read first, because it says whose the other files are
	view, inputs := tree.Recording()
	if tree.System() {
		rpm = readRPM(view)
		claims = withoutOwned(tree, claims, rpm.files)
	}
	if inv, ok := s.recall(tree, claims); ok {
		return inv, nil
	}
	if s.Memory != nil && s.Cache == nil {
		s.Cache = new(Cache) // it records what a reading was made from
	}
	all := make([]*inventory.Inputs, len(claims), len(claims)+1)
	inv := &inventory.Inventory{}
	merge := merger{inv: inv, at: map[string]int{}}
	queue := inOrder{waiting: map[int]reading{}, add: merge.add}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i, c := range claims {
		group.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			r, inputs := s.Cache.read(tree, c, func(tree *inventory.Tree) reading { return read(ctx, tree, c) })
			all[i] = inputs
			queue.put(i, r)
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	if !tree.System() {
		rpm = readRPM(view)
	}
	merge.add(rpm)
	inv.Sort()
	s.keep(claims, inventory.JoinInputs(append(all, inputs)...), inv)
	return inv, nil
}

// kept is what a Memory keeps of a tree.
type kept struct {
	Packages []inventory.Package
	Links    []inventory.Link
	Notices  []inventory.Notice
}

// memoryName names what is kept of a tree: these files, read by these formats. That the walk finds others than these
// needs no reading again.
func memoryName(claims []claim) string {
	hash := sha256.New()
	for _, c := range claims {
		_, _ = fmt.Fprintf(hash, "%q %q\n", c.path, c.format.Name) // a hash takes everything
	}
	return "packages " + hex.EncodeToString(hash.Sum(nil))
}

func (s Source) recall(tree *inventory.Tree, claims []claim) (*inventory.Inventory, bool) {
	var k kept
	if s.Memory == nil || !s.Memory.Recall(tree, memoryName(claims), &k) {
		return nil, false
	}
	return &inventory.Inventory{Packages: k.Packages, Links: k.Links, Notices: k.Notices}, true
}

func (s Source) keep(claims []claim, in *inventory.Inputs, inv *inventory.Inventory) {
	if s.Memory != nil {
		s.Memory.Keep(memoryName(claims), in, &kept{inv.Packages, inv.Links, inv.Notices})
	}
}

// inOrder hands readings on in the order of their files, each as soon as those before it are done, so that only a few
// are held at a time.
type inOrder struct {
	mu      sync.Mutex
	next    int
	waiting map[int]reading
	add     func(reading)
}

func (q *inOrder) put(i int, r reading) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiting[i] = r
	for {
		r, ok := q.waiting[q.next]
		if !ok {
			return
		}
		delete(q.waiting, q.next)
		q.next++
		q.add(r)
	}
}

// claimed lists the files of the tree that a format reads. Copies of foreign code have lock files that say nothing
// about this repository and are left out, unless a format is made for such copies.
func claimed(tree *inventory.Tree) []claim {
	var claims []claim
	for _, f := range tree.Files() {
		for _, eco := range ecosystem.All {
			for i := range eco.Formats {
				if eco.Formats[i].Claims(f, tree.System()) {
					claims = append(claims, claim{f.Path, eco, &eco.Formats[i]})
				}
			}
		}
		for i := range bills {
			if bills[i].Claims(f, tree.System()) {
				claims = append(claims, claim{f.Path, nil, &bills[i]})
			}
		}
	}
	return claims
}

// withoutOwned leaves out the files that a package of the distribution brought: that package is listed by its own name.
func withoutOwned(tree *inventory.Tree, claims []claim, more []string) []claim {
	// A distribution whose /bin is a link to /usr/bin may write either.
	bare := func(path string) string { return strings.TrimPrefix(strings.TrimPrefix(path, "/"), "usr/") }
	owned := make(map[string]bool, len(claims))
	for _, c := range claims {
		owned[bare(c.path)] = false
	}
	own := func(path string) {
		if _, asked := owned[bare(path)]; asked {
			owned[bare(path)] = true
		}
	}
	ecosystem.OwnedFiles(tree, own)
	for _, path := range more {
		own(path)
	}
	return slices.DeleteFunc(claims, func(c claim) bool { return owned[bare(c.path)] })
}

// read reads one file and turns a panic of a parser into a notice: every file of a scanned tree is hostile.
func read(ctx context.Context, tree *inventory.Tree, c claim) (r reading) {
	r.claim = c
	defer func() {
		if p := recover(); p != nil {
			r.notices = append(r.notices, unreadable(c.path, fmt.Errorf("the parser of %s gave up: %v", c.format.Name, p)))
		}
	}()
	doc, err := c.format.Read(ctx, tree, c.path)
	if doc == nil {
		doc = &ecosystem.Document{}
	}
	r.doc = doc
	if err != nil {
		r.notices = append(r.notices, unreadable(c.path, err))
	}
	r.notices = append(r.notices, doc.Notices...)
	if err == nil && len(doc.Entries) >= doc.Declared || c.eco == nil {
		return r
	}
	askSyft(ctx, tree, &r)
	if len(doc.Entries) < doc.Declared {
		r.notices = append(r.notices, inventory.Notice{
			Code:     "fewer-packages-than-declared",
			Message:  fmt.Sprintf("%s declares %d packages and %d could be read", c.path, doc.Declared, len(doc.Entries)),
			Location: &inventory.Location{Path: c.path},
		})
	}
	return r
}

// askSyft adds the packages that Syft finds in a file and our reader does not. Their lines are not known.
func askSyft(ctx context.Context, tree *inventory.Tree, r *reading) {
	type key struct{ name, version string }
	have := make(map[key]bool, len(r.doc.Entries))
	for _, e := range r.doc.Entries {
		have[key{r.eco.OSVName(e.Name), e.Version}] = true
	}
	found, err := secondReading(ctx, tree, r.path)
	if err != nil {
		slog.DebugContext(ctx, "second reading", "path", r.path, "error", err)
	}
	for _, p := range found {
		k := key{r.eco.OSVName(p.name), p.version}
		if p.version == "" || have[k] || p.name == r.doc.Root { // the project itself is no package of a registry
			continue
		}
		have[k] = true
		r.doc.Entries = append(r.doc.Entries, ecosystem.Entry{
			Name: p.name, Version: p.version, Licenses: p.licenses, Location: inventory.Location{Path: r.path},
			Scope: inventory.ScopeUnknown, Origin: inventory.OriginRegistry,
		})
	}
}

// unreadable places an error in its file, and in its line where the error knows it.
func unreadable(path string, err error) inventory.Notice {
	location := inventory.Location{Path: path}
	if placed := (*ecosystem.Error)(nil); errors.As(err, &placed) {
		location, err = placed.Location, placed.Err
	}
	if pathErr := (*fs.PathError)(nil); errors.As(err, &pathErr) {
		err = pathErr.Err
	}
	return inventory.Notice{Code: "unreadable-file", Message: fmt.Sprintf("%s can't be read: %v", path, err), Location: &location}
}

// merger joins the packages of all files: one Package for each version of a package, one location for each entry.
type merger struct {
	inv *inventory.Inventory
	at  map[string]int
}

func (m *merger) add(r reading) {
	m.inv.Notices = append(m.inv.Notices, r.notices...)
	if r.doc == nil { // the reader gave up
		return
	}
	if r.doc.Image != "" {
		m.inv.Links = append(m.inv.Links, inventory.Link{
			From: r.doc.Image, To: inventory.ID(r.path), Confidence: inventory.Declared, Evidence: []inventory.Location{{Path: r.path}},
		})
	}
	ids := make([]inventory.ID, len(r.doc.Entries))
	for i, e := range r.doc.Entries {
		ids[i] = inventory.ID(entryPURL(r.eco, e))
	}
	for i, e := range r.doc.Entries {
		p := m.pkg(r.eco, e, ids[i])
		for _, need := range e.Needs {
			p.Dependencies = append(p.Dependencies, ids[need])
		}
		for _, l := range e.Licenses {
			if !slices.Contains(p.Licenses, l) {
				p.Licenses = append(p.Licenses, l)
			}
		}
		for _, h := range e.Hashes {
			if !slices.Contains(p.Hashes, h) {
				p.Hashes = append(p.Hashes, h)
			}
		}
		location := inventory.PackageLocation{
			Location: e.Location, LockFile: r.format.LockFile, Direct: e.Direct,
			Scope: e.Scope, Origin: e.Origin, Chain: e.Chain, Commit: e.Commit,
		}
		manifest := r.doc.ManifestOf(i)
		if !manifest.IsZero() && manifest != e.Location {
			location.Manifest = &manifest
		}
		place(p, location)
		// A manifest that refers to another one (a parent, central versions) is the package's place by itself.
		if own := e.Manifest; r.format.LockFile && !own.IsZero() && own.Path != e.Location.Path {
			place(p, inventory.PackageLocation{Location: own, Direct: true, Scope: e.Scope, Origin: e.Origin, Chain: e.Chain})
		}
		slices.SortFunc(p.Dependencies, func(a, b inventory.ID) int { return strings.Compare(string(a), string(b)) })
		p.Dependencies = slices.Compact(p.Dependencies)
	}
}

// place adds a place to a package, once: a file that two others include is read with each of them.
func place(p *inventory.Package, location inventory.PackageLocation) {
	known := slices.ContainsFunc(p.Locations, func(l inventory.PackageLocation) bool {
		return l.Location == location.Location && l.LockFile == location.LockFile && location.Line > 0
	})
	if !known {
		p.Locations = append(p.Locations, location)
	}
}

// pkg returns the package of an entry, made anew where it is the first with its package URL.
func (m *merger) pkg(eco *ecosystem.Ecosystem, e ecosystem.Entry, id inventory.ID) *inventory.Package {
	if e.Ecosystem != nil {
		eco = e.Ecosystem
	}
	if i, ok := m.at[string(id)]; ok {
		return &m.inv.Packages[i]
	}
	m.at[string(id)] = len(m.inv.Packages)
	p := inventory.Package{
		ID: id, Name: e.Name, Version: e.Version, Ecosystem: eco.Name, PURL: string(id),
		Licenses: []string{}, Hashes: []inventory.Hash{}, Dependencies: []inventory.ID{}, Workloads: []inventory.ID{},
	}
	if e.Release != "" {
		p.Ecosystem += ":" + e.Release
	}
	if e.Source != (inventory.SourcePackage{}) {
		p.Source = &e.Source
	}
	m.inv.Packages = append(m.inv.Packages, p)
	return &m.inv.Packages[len(m.inv.Packages)-1]
}

func entryPURL(eco *ecosystem.Ecosystem, e ecosystem.Entry) string {
	if e.PURL != "" {
		return e.PURL
	}
	if e.Ecosystem != nil {
		eco = e.Ecosystem
	}
	purl := eco.PURL(e.Name, e.Version)
	return purl.ToString()
}
