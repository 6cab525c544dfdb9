package aws

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
)

// schema is the version of the form of snapshots.
const schema = 1

// Snapshot is what an account answered. It holds no credentials, no account of the one who asked and no resource of it other
// than the images that the code names; of machines it holds counts, and none by its id.
type Snapshot struct {
	Schema  int      `json:"schema"`
	Regions []Region `json:"regions"` // by name
}

// Region is what was answered for one region.
type Region struct {
	Name       string      `json:"name"`
	Images     []Image     `json:"images,omitempty"`     // by id
	Parameters []Parameter `json:"parameters,omitempty"` // by name
	Searches   []Found     `json:"searches,omitempty"`
	// Machines and Groups are the states of the patches of machines, by filters and by patch group.
	Machines   []Patching   `json:"machines,omitempty"`
	Groups     []Patching   `json:"patch_groups,omitempty"`
	Kubernetes []Kubernetes `json:"kubernetes,omitempty"` // by version
	// Absent are ids that were asked for and that the region does not have, or not for this account.
	Absent  []string  `json:"absent,omitempty"`
	Refused []Refusal `json:"refused,omitempty"`
}

// Image is a machine image. Days are written as 2006-01-02, and empty where they are not known.
type Image struct {
	ID           string `json:"id"`
	Name         string `json:"name,omitempty"`
	Owner        string `json:"owner,omitempty"` // an alias, such as amazon, or an account; of public images only
	State        string `json:"state,omitempty"` // available, deregistered, disabled, ...
	CreatedAt    string `json:"created_at,omitempty"`
	DeprecatedAt string `json:"deprecated_at,omitempty"` // can be in the future
	Newest       string `json:"newest,omitempty"`        // of its series, maybe itself; empty where that is not known
	NewestName   string `json:"newest_name,omitempty"`
	// Findings are Inspector's. An image that Inspector has not scanned has none either; AWS does not tell the two apart.
	Findings []Finding `json:"findings,omitempty"`
}

// Finding is a vulnerability that Inspector found in an image.
type Finding struct {
	ID       string    `json:"id"`                 // CVE-2024-0727, KB5023697
	Severity string    `json:"severity,omitempty"` // critical, high, medium, low, informational, untriaged
	Score    float64   `json:"score,omitempty"`    // Inspector's, 0 to 10
	Fixable  bool      `json:"fixable,omitempty"`
	Exploit  bool      `json:"exploit,omitempty"` // one is known to exist
	Vectors  []string  `json:"vectors,omitempty"` // of CVSS
	Packages []Package `json:"packages,omitempty"`
}

// Package is a package of an image that has a vulnerability. Versions are empty where only EC2 was asked, which names none.
type Package struct {
	Name    string `json:"name"`
	Version string `json:"version,omitempty"`
	Fixed   string `json:"fixed,omitempty"`
}

// Found is what a search finds on the day it was asked.
type Found struct {
	Search Search `json:"search"`
	Count  int    `json:"count"`
	Image  string `json:"image,omitempty"` // the newest; empty where there is none
}

// Patching is the state of the patches of some machines, in sums over those of them that Patch Manager knows.
type Patching struct {
	Filters    []Filter `json:"filters,omitempty"`
	Group      string   `json:"group,omitempty"`
	Registered *bool    `json:"registered,omitempty"` // a baseline is registered for the group; nil: not known
	Machines   int      `json:"machines"`             // that run; of a group those that report
	Reporting  int      `json:"reporting"`            // those that Patch Manager has looked at
	Behind     int      `json:"behind"`               // those that miss patches, or where installing them failed
	Missing    int      `json:"missing,omitempty"`    // patches, as the following
	Failed     int      `json:"failed,omitempty"`
	Reboot     int      `json:"pending_reboot,omitempty"`
	Critical   int      `json:"critical,omitempty"` // that are not compliant
	Security   int      `json:"security,omitempty"`
	Installs   int      `json:"installs,omitempty"` // machines whose last operation installed patches, and did not only look
	Since      string   `json:"since,omitempty"`    // the day of the last operation on the machine where that is longest ago
}

// Kubernetes is how long EKS supports a version.
type Kubernetes struct {
	Version     string `json:"version"`
	StandardEnd string `json:"standard_end,omitempty"`
	ExtendedEnd string `json:"extended_end,omitempty"`
}

// Parameter is a public parameter.
type Parameter struct {
	Name   string `json:"name"`
	Exists bool   `json:"exists"`
	Image  string `json:"image,omitempty"` // the id that it leads to; empty where its value has none
	// Release is its value, where that is the release of an image: 1.31.2-20241121.
	Release string `json:"release,omitempty"`
}

// Refusal says that an operation was not answered, with AWS's code or one of this package.
type Refusal struct {
	Operation string `json:"operation,omitempty"` // one of Operations; empty: none was tried
	Code      string `json:"code"`
}

// Add takes over the images, parameters and refusals of another snapshot of the same account.
func (s *Snapshot) Add(other *Snapshot) {
	for _, more := range other.Regions {
		r := s.Region(more.Name)
		if r == nil {
			s.Regions = append(s.Regions, more)
			slices.SortFunc(s.Regions, func(a, b Region) int { return cmp.Compare(a.Name, b.Name) })
			continue
		}
		for _, i := range more.Images {
			if r.Image(i.ID) == nil {
				r.Images = append(r.Images, i)
			}
		}
		for _, p := range more.Parameters {
			if r.Parameter(p.Name) == nil {
				r.Parameters = append(r.Parameters, p)
			}
		}
		for _, refusal := range more.Refused {
			r.refuse(refusal.Operation, refusal.Code)
		}
		slices.SortFunc(r.Images, func(a, b Image) int { return cmp.Compare(a.ID, b.ID) })
		slices.SortFunc(r.Parameters, func(a, b Parameter) int { return cmp.Compare(a.Name, b.Name) })
	}
}

// Region returns what was answered for a region; nil where it was not asked.
func (s *Snapshot) Region(name string) *Region {
	i, ok := slices.BinarySearchFunc(s.Regions, name, func(r Region, name string) int { return cmp.Compare(r.Name, name) })
	if !ok {
		return nil
	}
	return &s.Regions[i]
}

// Image returns an image by its id; nil where the region did not answer it.
func (r *Region) Image(id string) *Image {
	for i := range r.Images {
		if r.Images[i].ID == id {
			return &r.Images[i]
		}
	}
	return nil
}

// Parameter returns a parameter by its name; nil where the region did not answer it.
func (r *Region) Parameter(name string) *Parameter {
	for i := range r.Parameters {
		if r.Parameters[i].Name == name {
			return &r.Parameters[i]
		}
	}
	return nil
}

// Search returns what a search found; nil where it was not asked.
func (r *Region) Search(s Search) *Found {
	for i := range r.Searches {
		if r.Searches[i].Search.Key() == s.Key() {
			return &r.Searches[i]
		}
	}
	return nil
}

// Patching returns the state of machines; nil where it was not asked.
func (r *Region) Patching(m Machines) *Patching {
	for i := range r.Machines {
		if (Machines{r.Machines[i].Filters}).Key() == m.Key() {
			return &r.Machines[i]
		}
	}
	return nil
}

// Group returns the state of a patch group; nil where it was not asked.
func (r *Region) Group(name string) *Patching {
	for i := range r.Groups {
		if r.Groups[i].Group == name {
			return &r.Groups[i]
		}
	}
	return nil
}

// Version returns how long a version of Kubernetes is supported; nil where that was not answered.
func (r *Region) Version(version string) *Kubernetes {
	for i := range r.Kubernetes {
		if r.Kubernetes[i].Version == version {
			return &r.Kubernetes[i]
		}
	}
	return nil
}

// maxSnapshot bounds the file: 2,000 images of 40 regions are some 20 MB.
const maxSnapshot = 32 << 20

// ReadSnapshot reads what WriteSnapshot wrote. A file of a newer form, or with keys that this one does not know, is an error.
func ReadSnapshot(path string) (*Snapshot, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxSnapshot+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	if len(data) > maxSnapshot {
		return nil, fmt.Errorf("%s is larger than %d MiB", path, maxSnapshot>>20)
	}
	s, err := ParseSnapshot(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return s, nil
}

// ParseSnapshot reads the JSON of a snapshot.
func ParseSnapshot(data []byte) (*Snapshot, error) {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	var s Snapshot
	if err := decoder.Decode(&s); err != nil {
		return nil, fmt.Errorf("no snapshot of AWS's answers: %w", err)
	}
	if s.Schema != schema {
		return nil, fmt.Errorf("a snapshot of form %d; this program reads form %d", s.Schema, schema)
	}
	slices.SortStableFunc(s.Regions, func(a, b Region) int { return cmp.Compare(a.Name, b.Name) })
	return &s, nil
}

// WriteSnapshot writes a snapshot whole or not at all. Equal snapshots are equal bytes.
func WriteSnapshot(path string, s *Snapshot) (err error) {
	data, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	if _, err := f.Write(append(data, '\n')); err != nil {
		return errors.Join(err, f.Close())
	}
	if err := f.Close(); err != nil {
		return err
	}
	// CreateTemp makes a private file; a snapshot is for whoever scans next.
	if err := os.Chmod(f.Name(), 0o644); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
