package fix

import (
	"context"
	"time"

	"github.com/trifecta-scanner/trifecta/ecosystem"
	"github.com/trifecta-scanner/trifecta/inventory"
)

// Managers lists the package managers that changes can be written for, in the order in which they are asked whether a
// file is theirs.
var Managers = []*Manager{
	Go,
	NPM,
	PNPM,
	Yarn,
	Bun,
	PackageJSON,
	UV,
	Poetry,
	Pyproject,
	Pip,
	Cargo,
	Maven,
	Actions,
}

// Manager is what differs between package managers. The functions get everything they need handed in and keep no state,
// so that one value serves several goroutines.
type Manager struct {
	// Name is what the manager is called: npm, pnpm, yarn, Go, pip, poetry, uv, Maven, Cargo, ...
	Name string
	// Ecosystem is OSV's name of the ecosystem whose versions it handles.
	Ecosystem string
	// Claims reports whether a finding at this path (a lock file, or a manifest where there is none) is this manager's.
	// The workspace is for what the name does not tell, such as a section of pyproject.toml.
	Claims func(ws *Workspace, path string) bool
	// Open reads the project that the file belongs to. It opens no socket and runs no program. The error says why the
	// project can't be changed, in words for the user: the plan shows it with every finding of the file.
	Open func(ctx context.Context, ws *Workspace, path string) (*Project, error)
	// Registry returns where published versions are looked up; nil where there is nothing to ask. It is called once for
	// each Env and may keep answers as long as that. Where a registry has an address of its own, the operator may name
	// it in the environment (Env.Getenv); else the program of the manager says its default.
	Registry func(ctx context.Context, env *Env) (Registry, error)
	// Admits reports whether a constraint, as the ecosystem writes it, is met by a version. The error is for a constraint
	// that is none: a tag, an address, a path.
	Admits func(constraint, version string) (bool, error)
	// Raise returns the constraint that takes the place of an old one so that it admits the version: as close to the old
	// text as the ecosystem allows, ^1.2.0 becoming ^1.4.1 and ==1.2 becoming ==1.4.1. nil where manifests have no
	// constraints.
	Raise func(constraint, version string) (string, error)
	// Prerelease reports whether a version is none that a stable project should get.
	Prerelease func(version string) bool
	// Kin reports whether a version is one of the same line as another, where an ecosystem publishes several under one name:
	// 31.1-jre is followed by 32.0-jre and not by 32.0-android. nil where all versions are.
	Kin func(from, to string) bool
	// Runs reports whether whatever meets the project's constraint on a runtime also meets that of a release's engine; of
	// both the name is the same. nil where releases state no engines.
	Runs func(runtime, engine string) bool
	// Raises reports whether taking a release raises what the project states of a runtime, where the manager does that
	// instead of leaving the release out; the plan says so. nil where nothing is raised.
	Raises func(runtime, engine string) bool
	// Beside returns what has to be raised with a release, given the present records against versions by a function: the
	// toolchain that the release wants, say, where the oldest one that would do has findings of its own. nil for none.
	Beside func(p *Project, r Release, fixed func(name, version string) string) []Target
	// Major reports whether a version may be incompatible with an earlier one; nil goes by semantic versioning, which has
	// every 0.x so.
	Major func(from, to string) bool
	// Sparse says that Releases has versions alone and the rest of a release is asked of Describe, for those that matter.
	Sparse bool
	// Ways are the ways in which it can change a package that the project does not ask for itself, best first. A direct
	// package is always changed by HowDirect.
	Ways []How
	// Write brings the targets into the manifests and lock files of the job's workspace, all of them or none. It edits
	// natively or through job.Env.Runner. It is called for one change at a time on a workspace that may have been changed
	// before, so it reads files from there and never from the tree. The error says, in words for the user, why the change
	// is not possible: a conflict of constraints, a program that is missing or too old (ToolError).
	Write func(ctx context.Context, job *Job) error
}

// Project is one lock file with its manifests, as a Manager's Open reads it.
type Project struct {
	// Manager is the one that opened it; MakePlan sets it.
	Manager *Manager
	// Path is the lock file, or the manifest where there is none.
	Path string
	// Dir is the folder that names the project to a person; "." for the root of the tree.
	Dir string
	// Group is the file that stands for several projects in which one package is raised by one change, such as a go.work;
	// empty where the project stands for itself.
	Group string
	// Files are all manifests and lock files that a change of the project may write or a program needs to resolve it.
	Files []string
	// Requirements are the lines of manifests that ask for packages, in order of place.
	Requirements []Requirement
	// Packages are the packages that the lock file pins, in its order.
	Packages []Locked
	// Runtime names what the project runs on, such as node or python or go, with the constraint that its manifest states;
	// releases that do not run there are no candidates (Manager.Runs). Empty where nothing is stated.
	Runtime []Need
	// Refused are versions that the project says it does not take, with the reason, by name and version with a space
	// between.
	Refused map[string]string
	// Data is the manager's own; the plan does not look at it.
	Data any
}

// Requirement is one line of a manifest that asks for a package.
type Requirement struct {
	Package    string
	Constraint string             // as it is written; empty where the line has none
	Location   inventory.Location // the line
	List       string             // the part of the manifest: dependencies, devDependencies, peerDependencies, require, ...
	// Fixed says why the line can't be changed: it stands in a file that another program makes, or names an address.
	Fixed string
	// To is what the line asks for after a change; only Target.Lines have it.
	To string
}

// Locked is one package that a lock file pins.
type Locked struct {
	Name     string
	Version  string
	Location inventory.Location
	Direct   bool
	Origin   inventory.Origin
	// Needs are the packages that this one asks for, as the lock file says.
	Needs []Edge
	// Inside names the package whose archive holds this one: only another version of that can change it. Empty elsewhere.
	Inside string
}

// Edge is one need of a locked package and what meets it.
type Edge struct {
	To         int    // index of Project.Packages
	Constraint string // as the lock file states it; empty where it does not, and the registry is asked
	// Peer says that the need is one of a peer: the package must be there, but is brought by somebody else.
	Peer bool
}

// Target is one version that Write brings in.
type Target struct {
	Package string
	From    string // every pin of this version changes; pins of other versions stay
	To      string
	How     How
	// Lines are the requirements that change; Requirement.To says to what. Empty where manifests stay, as they do for
	// HowLock and HowOverride. An override asks for To itself, or as the manager writes it.
	Lines []Requirement
}

// Job is one change of one project.
type Job struct {
	Env       *Env
	Workspace *Workspace
	Project   *Project
	Targets   []Target
	Registry  Registry // of the manager; nil where the registries are not asked
	// CoolDown is how old releases must be that a program brings in on its own; 0 or less is none.
	CoolDown time.Duration
}

// same reports whether two names are those of one package: Flask_Cors is flask-cors.
func (m *Manager) same(a, b string) bool {
	if a == b {
		return true
	}
	eco, ok := ecosystem.ByName(m.Ecosystem)
	return ok && eco.OSVName(a) == eco.OSVName(b)
}

// ManagerOf returns the manager that writes the file at path, or nil.
func ManagerOf(ws *Workspace, path string) *Manager {
	for _, m := range Managers {
		if m.Claims(ws, path) {
			return m
		}
	}
	return nil
}
