// Package inventory holds what is in a scanned tree and where it stands: packages, images, resources, the links
// between them and the notices about what could not be read.
//
// Everything here is fact. Judgement (severity, tier, exposure) belongs to packages network and scanner. To read one
// more kind of file, write a Source in a directory below this one or a package manager in package ecosystem.
package inventory

import (
	"cmp"
	"context"
	"slices"
	"strings"
)

// ID names one thing of the inventory for good: a package URL, an image reference or a resource address.
type ID string

// Location is a place in a file of the tree. Path is relative to the root of the tree and uses slashes. Lines and
// columns count from 1 (columns in bytes); 0 is unknown. The end is inclusive for lines and exclusive for columns.
type Location struct {
	Path      string `json:"path"`
	Line      int    `json:"line,omitempty"`
	Column    int    `json:"column,omitempty"`
	EndLine   int    `json:"end_line,omitempty"`
	EndColumn int    `json:"end_column,omitempty"`
}

// IsZero reports whether l names no place.
func (l Location) IsZero() bool { return l == Location{} }

// Compare orders locations by path, then by line and column.
func (l Location) Compare(m Location) int {
	return cmp.Or(strings.Compare(l.Path, m.Path), cmp.Compare(l.Line, m.Line), cmp.Compare(l.Column, m.Column))
}

// Notice says that a part of the tree or of the question could not be looked at. It reaches every report, so that a
// short list is never mistaken for a clean tree.
type Notice struct {
	Code     string    `json:"code"`    // a stable word: unreadable-file, database-incomplete, ...
	Message  string    `json:"message"` // one sentence: the thing, the trouble, the way out
	Location *Location `json:"location,omitempty"`
}

// Scope says what a package is needed for.
type Scope string

// The scopes of a package in one lock file.
const (
	ScopeRuntime     Scope = "runtime"
	ScopeDevelopment Scope = "development"
	ScopeUnknown     Scope = "unknown"
)

// Origin says where a package manager takes a package from. Only packages of a registry are matched against
// advisories by name; a workspace's own packages and path dependencies never are.
type Origin string

// The origins of a package.
const (
	OriginRegistry  Origin = "registry"  // the ecosystem's public registry, or a mirror of it
	OriginPrivate   Origin = "private"   // a registry that the lock file names and that is not the public one
	OriginGit       Origin = "git"       // a commit of a repository
	OriginURL       Origin = "url"       // an archive at an address
	OriginPath      Origin = "path"      // a folder or archive beside the project
	OriginWorkspace Origin = "workspace" // the project itself or a member of its workspace
)

// Own reports whether the package is the repository's own code, which no public advisory speaks of.
func (o Origin) Own() bool { return o == OriginWorkspace || o == OriginPath }

// PackageLocation is one place that brings a package in: its entry in a lock file, or its line in a manifest.
type PackageLocation struct {
	Location
	LockFile bool   `json:"lock_file"`
	Direct   bool   `json:"direct"`
	Scope    Scope  `json:"scope"`
	Origin   Origin `json:"origin"`
	// Chain names the packages from the root project to this one, both included; empty where it is not known.
	Chain []string `json:"chain,omitempty"`
	// Manifest is the line of the manifest that asks for the direct package of Chain; nil where it is not known.
	Manifest *Location `json:"manifest,omitempty"`
	// Commit is the commit of a package whose Origin is git.
	Commit string `json:"commit,omitempty"`
}

// Hash is the digest of a package's archive as a lock file states it.
type Hash struct {
	Algorithm string `json:"algorithm"` // as CycloneDX spells it: SHA-1, SHA-256, SHA-512, ...
	Value     string `json:"value"`     // lower-case hexadecimal
}

// SourcePackage is what a package of a distribution was built from. The advisories of Debian, Ubuntu and Alpine name
// source packages.
type SourcePackage struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

// Package is one version of one package, with every place of the tree that brings it in.
type Package struct {
	ID           ID                `json:"id"` // the package URL
	Name         string            `json:"name"`
	Version      string            `json:"version"`
	Ecosystem    string            `json:"ecosystem"` // OSV's name: npm, Go, PyPI, Maven, crates.io, ...
	PURL         string            `json:"purl"`
	Source       *SourcePackage    `json:"source,omitempty"`
	Licenses     []string          `json:"licenses"`
	Hashes       []Hash            `json:"hashes"`
	Dependencies []ID              `json:"dependencies"`
	Workloads    []ID              `json:"workloads"`
	Locations    []PackageLocation `json:"locations"`
}

// Image is a container image that the tree builds or refers to.
type Image struct {
	ID        ID         `json:"id"`
	Digest    string     `json:"digest,omitempty"`
	Locations []Location `json:"locations"`
	Workloads []ID       `json:"workloads"`
	Scanned   bool       `json:"scanned"`
}

// Inventory is what the sources found in one tree.
type Inventory struct {
	Packages      []Package
	Images        []Image
	MachineImages []MachineImage
	Resources     []*Resource
	// Automation are the files that build and run things around the code, as resources whose values are the file:
	// Dockerfiles, workflows, actions. Rules judge them; they are no part of the result.
	Automation []*Resource
	Links      []Link
	Builds     []Build
	Notices    []Notice
}

// Source reads one kind of fact from a tree. A file that can't be read is a Notice, not an error; an error means that
// the source as a whole could not do its work.
type Source interface {
	Name() string
	Read(ctx context.Context, tree *Tree) (*Inventory, error)
}

// Follower is a source that also goes by what sources before it have read: charts are rendered with the values that the
// code of another language gives them.
type Follower interface {
	Source
	// After returns the source that knows of these resources, and whether it goes by any of them.
	After(declared []*Resource) (source Source, goesBy bool)
}

// Read asks each source in turn and returns their facts as one inventory in a fixed order.
func Read(ctx context.Context, tree *Tree, sources ...Source) (*Inventory, error) {
	all := &Inventory{Notices: slices.Clone(tree.Notices())}
	for _, source := range sources {
		if f, ok := source.(Follower); ok {
			source, _ = f.After(all.Resources)
		}
		inv, err := source.Read(ctx, tree)
		if err != nil {
			return nil, err
		}
		all.Packages = append(all.Packages, inv.Packages...)
		all.Images = append(all.Images, inv.Images...)
		all.MachineImages = append(all.MachineImages, inv.MachineImages...)
		all.Resources = append(all.Resources, inv.Resources...)
		all.Automation = append(all.Automation, inv.Automation...)
		all.Links = append(all.Links, inv.Links...)
		all.Builds = append(all.Builds, inv.Builds...)
		all.Notices = append(all.Notices, inv.Notices...)
	}
	all.Sort()
	all.Packages = joined(all.Packages)
	all.Images = joinedImages(all.Images)
	return all, nil
}

// joinedImages makes one image of those that several sources found under one id. They are in order of their ids.
func joinedImages(images []Image) []Image {
	var list []Image
	for _, image := range images {
		last := len(list) - 1
		if last < 0 || list[last].ID != image.ID {
			list = append(list, image)
			continue
		}
		have := &list[last]
		have.Digest = cmp.Or(have.Digest, image.Digest)
		have.Scanned = have.Scanned || image.Scanned
		have.Locations = union(have.Locations, image.Locations)
		slices.SortStableFunc(have.Locations, Location.Compare)
		have.Workloads = union(have.Workloads, image.Workloads)
		slices.Sort(have.Workloads)
	}
	return list
}

// joined makes one package of those that several sources found under one id. They are in order of their ids.
func joined(packages []Package) []Package {
	var list []Package
	for _, p := range packages {
		last := len(list) - 1
		if last < 0 || list[last].ID != p.ID {
			list = append(list, p)
			continue
		}
		have := &list[last]
		have.Licenses = union(have.Licenses, p.Licenses)
		have.Hashes = union(have.Hashes, p.Hashes)
		have.Dependencies = union(have.Dependencies, p.Dependencies)
		have.Locations = append(have.Locations, p.Locations...)
		slices.SortStableFunc(have.Locations, func(a, b PackageLocation) int { return a.Compare(b.Location) })
	}
	return list
}

func union[T comparable](a, b []T) []T {
	for _, v := range b {
		if !slices.Contains(a, v) {
			a = append(a, v)
		}
	}
	return a
}

// Sort puts the inventory into the order in which it is reported.
func (inv *Inventory) Sort() {
	slices.SortStableFunc(inv.Packages, func(a, b Package) int {
		return cmp.Or(strings.Compare(string(a.ID), string(b.ID)), strings.Compare(a.Ecosystem, b.Ecosystem))
	})
	for i := range inv.Packages {
		slices.SortStableFunc(inv.Packages[i].Locations, func(a, b PackageLocation) int {
			return a.Compare(b.Location)
		})
	}
	slices.SortStableFunc(inv.Images, func(a, b Image) int { return strings.Compare(string(a.ID), string(b.ID)) })
	slices.SortStableFunc(inv.MachineImages, func(a, b MachineImage) int { return strings.Compare(string(a.ID), string(b.ID)) })
	slices.SortStableFunc(inv.Resources, (*Resource).Compare)
	slices.SortStableFunc(inv.Automation, (*Resource).Compare)
	slices.SortStableFunc(inv.Links, func(a, b Link) int {
		return cmp.Or(strings.Compare(string(a.From), string(b.From)), strings.Compare(string(a.To), string(b.To)))
	})
	slices.SortStableFunc(inv.Builds, Build.Compare)
	SortNotices(inv.Notices)
}

// SortNotices orders notices by place, code and message.
func SortNotices(notices []Notice) {
	place := func(n Notice) Location {
		if n.Location == nil {
			return Location{}
		}
		return *n.Location
	}
	slices.SortStableFunc(notices, func(a, b Notice) int {
		return cmp.Or(place(a).Compare(place(b)), strings.Compare(a.Code, b.Code), strings.Compare(a.Message, b.Message))
	})
}
