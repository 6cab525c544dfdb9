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
// than the images that the code names.
type Snapshot struct {
	Schema  int      `json:"schema"`
	Regions []Region `json:"regions"` // by name
}

// Region is what was answered for one region.
type Region struct {
	Name       string      `json:"name"`
	Images     []Image     `json:"images,omitempty"`     // by id
	Parameters []Parameter `json:"parameters,omitempty"` // by name
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
}

// Parameter is a public parameter.
type Parameter struct {
	Name   string `json:"name"`
	Exists bool   `json:"exists"`
	Image  string `json:"image,omitempty"` // the id that it leads to; empty where its value has none
}

// Refusal says that an operation was not answered, with AWS's code or one of this package.
type Refusal struct {
	Operation string `json:"operation,omitempty"` // ec2:DescribeImages, ssm:GetParameters; empty: none was tried
	Code      string `json:"code"`
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
