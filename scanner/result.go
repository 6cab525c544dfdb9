package scanner

import (
	"slices"
	"strings"

	"github.com/trifecta-scanner/trifecta/diagram"
	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/network"
)

// SchemaVersion is the version of the JSON form of Result; docs/result.schema.json describes it.
const SchemaVersion = "1"

// Result is everything that one scan found. Reports are made from it alone.
type Result struct {
	SchemaVersion string                   `json:"schema_version"`
	Tool          Tool                     `json:"tool"`
	Target        Target                   `json:"target"`
	Run           RunInfo                  `json:"run"`
	AttackSurface AttackSurface            `json:"attack_surface"`
	Packages      []inventory.Package      `json:"packages"`
	Images        []inventory.Image        `json:"images"`
	MachineImages []inventory.MachineImage `json:"machine_images"`
	Resources     []*inventory.Resource    `json:"resources"`
	Links         []inventory.Link         `json:"links"`
	// Workloads has the network's answer for each workload, managed front and proxy, in order of their addresses.
	Workloads []network.Result `json:"workloads"`
	// Network is the declared network as a drawing, folded; nil where nothing is declared.
	Network  *diagram.Drawing   `json:"network,omitempty"`
	Rules    []Rule             `json:"rules"`
	Findings []Finding          `json:"findings"`
	Fixed    []Finding          `json:"fixed"`
	Notices  []inventory.Notice `json:"notices"`
	Summary  Summary            `json:"summary"`
}

// Tool names the program that made a result.
type Tool struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	Commit  string `json:"commit"`
}

// Target is what was scanned.
type Target struct {
	Path       string `json:"path"`
	Repository string `json:"repository,omitempty"`
	Ref        string `json:"ref,omitempty"`
	Commit     string `json:"commit,omitempty"`
	// Kind says that it is no repository: MachineTarget or ContainerTarget.
	Kind string `json:"kind,omitempty"`
	// Digest is that of a container image's manifest.
	Digest string `json:"digest,omitempty"`
}

// The kinds of targets that are images, whose content was read.
const (
	MachineTarget   = "machine-image"
	ContainerTarget = "container-image"
)

// RunInfo says how a scan was done. Its times are the only part of a result that differs between equal scans.
type RunInfo struct {
	StartedAt  string   `json:"started_at"` // RFC 3339, UTC
	DurationMS int64    `json:"duration_ms"`
	Offline    bool     `json:"offline"`
	AsOf       string   `json:"as_of"` // 2006-01-02: the day by which ages and expiries are judged
	Advisories DataInfo `json:"advisories"`
	Intel      DataInfo `json:"intel"`
	Skipped    []string `json:"skipped,omitempty"` // parts of a scan that were left out by request: dependencies, network, ...
}

// DataInfo says which data a scan used.
type DataInfo struct {
	Source string `json:"source"`           // file, folder or address; empty where none was used
	AsOf   string `json:"as_of,omitempty"`  // the newest change in the data
	Digest string `json:"digest,omitempty"` // identifies the data, as sha256:hex
	Count  int    `json:"count"`            // records
}

// AttackSurface is what a stranger on the internet can reach.
type AttackSurface struct {
	EntryPoints      []EntryPoint   `json:"entry_points"`
	ExposedWorkloads []inventory.ID `json:"exposed_workloads"`
	ExposedPackages  int            `json:"exposed_packages"`
	Exploitable      int            `json:"exploitable"`
	// Change is what differs from the base; nil without one, and where nothing does.
	Change *SurfaceChange `json:"change,omitempty"`
	// Evaluated says that the network was looked at; without it the zeros above mean nothing.
	Evaluated bool `json:"evaluated"`
}

// EntryPoint is one way in from the internet.
type EntryPoint struct {
	Address inventory.ID `json:"address"`
	Ports   []string     `json:"ports"`
	Sources []string     `json:"sources"`
	Shields []string     `json:"shields"`
}

// Summary counts findings. Suppressed ones are not counted.
type Summary struct {
	BySeverity       map[Severity]int `json:"by_severity"`
	ByTier           map[Tier]int     `json:"by_tier"`
	ExposedWorkloads int              `json:"exposed_workloads"`
	Suppressed       int              `json:"suppressed"`
}

// Package returns the package with this id, or nil. Packages are in order of their ids, as Run leaves them.
func (r *Result) Package(id inventory.ID) *inventory.Package {
	i, ok := slices.BinarySearchFunc(r.Packages, id, func(p inventory.Package, id inventory.ID) int {
		return strings.Compare(string(p.ID), string(id))
	})
	if !ok {
		return nil
	}
	return &r.Packages[i]
}

// RuleAliases returns the further names of a rule.
func (r *Result) RuleAliases(id string) []string {
	i, ok := slices.BinarySearchFunc(r.Rules, id, func(rule Rule, id string) int { return strings.Compare(rule.ID, id) })
	if !ok {
		return nil
	}
	return r.Rules[i].Aliases
}
