package fix

import (
	"context"
	"errors"
	"time"

	"github.com/trifecta-scanner/trifecta/internal/web"
)

// Registry says what was published. Answers are data of strangers: names and versions are checked before they reach a
// file or a command line. It is safe for use by several goroutines.
type Registry interface {
	// Releases returns every published version of a package, in any order. What only Describe knows may be left out. The
	// error wraps ErrNoPackage where the registry does not know the name.
	Releases(ctx context.Context, name string) ([]Release, error)
	// Describe returns one release whole. The error wraps ErrNoPackage where there is no such release.
	Describe(ctx context.Context, name, version string) (Release, error)
}

// ErrNoPackage says that a registry has no package, or no release, of a name.
var ErrNoPackage = errors.New("the registry does not have it")

// Release is one published version.
type Release struct {
	Version   string
	Published time.Time // zero where the registry does not say
	// Withdrawn says why nobody should take the release: yanked, deprecated, retracted. Empty for one in good standing.
	Withdrawn string
	// Needs are the packages that it asks for at run time, with their constraints.
	Needs []Need
	// Peers are the packages that it wants beside it and does not bring.
	Peers []Need
	// Engines are what it runs on: node, python, go, with a constraint each.
	Engines []Need
}

// Need is a package, or a runtime, with the constraint on its version as the ecosystem writes it.
type Need struct {
	Name       string
	Constraint string
	Optional   bool // it may be missing
}

// Env is what plans and changes have of the world. The zero value has nothing: no registry is asked and no program runs.
type Env struct {
	// Client sends requests to registries; nil asks none.
	Client *web.Client
	// Runner runs package managers; nil runs none.
	Runner Runner
	// Now is the time by which releases are fresh.
	Now time.Time
	// Getenv reads the environment of the operator, who may name a mirror of a registry there; nil reads nothing. What the
	// repository says of registries is not heard.
	Getenv func(string) string
	// Tags asks a code host for the tags of a repository; nil asks none. It is what knows which releases an action has, and
	// which commit a tag is.
	Tags Tags
	// AllowExecution names the managers for which the base branch's configuration permits code of the repository to run.
	AllowExecution []string
}

// Tags says which tags a repository has on a code host.
type Tags interface {
	// Tags returns the tags of OWNER/NAME in any order. The error wraps ErrNoPackage where there is no such repository.
	Tags(ctx context.Context, repository string) ([]Tag, error)
}

// Tag is one tag with the commit that it stands for, in hexadecimal.
type Tag struct{ Name, Commit string }

func (e *Env) getenv(name string) string {
	if e.Getenv == nil {
		return ""
	}
	return e.Getenv(name)
}
