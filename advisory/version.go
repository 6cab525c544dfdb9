package advisory

import (
	"errors"
	"fmt"
	"strings"

	"github.com/google/osv-scalibr/semantic"
)

// ErrNoOrder says that the versions of an ecosystem have no order that is known here. Records of such an ecosystem
// match by their lists of versions only.
var ErrNoOrder = errors.New("no known order of versions")

// maxVersion bounds the length of a version: the order of arbitrarily long numbers costs more than linear time.
const maxVersion = 512

// Compare orders two versions by the rules of their ecosystem, named as OSV does; a release suffix makes no difference.
// The result is negative when a comes before b, 0 when they are equal in order, and positive otherwise. The error wraps
// ErrNoOrder for an ecosystem without known rules and says otherwise which version could not be understood.
func Compare(ecosystem, a, b string) (int, error) {
	v, err := parseVersion(orderOf(ecosystem), a)
	if err != nil {
		return 0, err
	}
	return v.compare(b)
}

// parsed is a version ready to be compared with others.
type parsed struct {
	version semantic.Version
	order   string
}

// parseVersion reads a version by the rules of an order, which orderOf returns.
func parseVersion(order, version string) (p parsed, err error) {
	if order == "" {
		return parsed{}, ErrNoOrder
	}
	if len(version) > maxVersion {
		return parsed{}, fmt.Errorf("a version of %d characters is not compared", len(version))
	}
	defer recovered(&err)
	v, err := semantic.Parse(strings.TrimSpace(version), order)
	if err != nil {
		return parsed{}, fmt.Errorf("version %q: %w", version, err)
	}
	return parsed{version: v, order: order}, nil
}

func (p parsed) compare(version string) (n int, err error) {
	if len(version) > maxVersion {
		return 0, fmt.Errorf("a version of %d characters is not compared", len(version))
	}
	defer recovered(&err)
	return p.version.CompareStr(strings.TrimSpace(version))
}

// recovered turns a panic of the version rules into an error: versions come from hostile files, and one that the rules
// did not foresee must not end the scan.
func recovered(err *error) {
	if r := recover(); r != nil {
		*err = fmt.Errorf("versions can't be compared: %v", r)
	}
}

// orderOf returns the ecosystem, among those that package semantic knows, whose rules order the versions of the given
// one, or "" where no rules are known.
func orderOf(ecosystem string) string {
	base, suffix, _ := strings.Cut(ecosystem, ":")
	switch base {
	case "AlmaLinux", "Alpaquita", "Alpine", "BellSoft Hardened Containers", "Bitnami", "Bioconductor", "Chainguard",
		"ConanCenter", "CRAN", "crates.io", "Debian", "Docker Hardened Images", "GHC", "Go", "Hackage", "Hex", "Julia",
		"Mageia", "Maven", "MinimOS", "npm", "NuGet", "openEuler", "openSUSE", "Packagist", "Pub", "PyPI", "Red Hat",
		"Rocky Linux", "RubyGems", "SUSE", "SwiftURL", "Ubuntu", "Wolfi":
		return base
	// Package semantic does not name these. Their publishers order versions by semantic versioning ...
	case "GitHub Actions", "Kubernetes", "VSCode":
		return semverOrder
	// ... as the packages of Debian (https://opam.ocaml.org/doc/Manual.html#version-ordering) ...
	case "opam":
		return "Debian"
	// ... as RPM ...
	case "Azure Linux", "Photon OS":
		return "Red Hat"
	// ... or as the ecosystem whose packages they rebuild: Root:npm, Root:Alpine:3.18.
	case "Root":
		if suffix == "" || strings.HasPrefix(suffix, "Root") {
			return ""
		}
		return orderOf(suffix)
	}
	return ""
}

// semverOrder is an ecosystem that follows https://semver.org to the letter.
const semverOrder = "npm"

// goVersion returns the semantic version of a release of the Go distribution: go1.21rc2 is 1.21.0-rc.2. Anything else
// is returned as it is.
func goVersion(v string) string {
	rest := strings.TrimPrefix(v, "go")
	// A toolchain may carry a note after a space or a dash: "go1.21.0 X:loopvar", "go1.21.0-custom".
	rest, _, _ = strings.Cut(rest, " ")
	i := strings.IndexAny(rest, "rb")
	if i <= 0 {
		return rest
	}
	release, pre := rest[:i], rest[i:]
	for _, kind := range []string{"rc", "beta"} {
		n, ok := strings.CutPrefix(pre, kind)
		if !ok || n == "" || strings.Trim(n, "0123456789") != "" || strings.Trim(release, "0123456789.") != "" {
			continue
		}
		for strings.Count(release, ".") < 2 {
			release += ".0"
		}
		return release + "-" + kind + "." + n
	}
	return rest
}
