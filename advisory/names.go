package advisory

import "strings"

// splitEcosystem cuts OSV's name of an ecosystem into the ecosystem and its release: Debian:12 is Debian and 12.
func splitEcosystem(name string) (base, suffix string) {
	base, suffix, _ = strings.Cut(name, ":")
	return base, suffix
}

// sameRelease reports whether two release suffixes may mean the same release: equal ones, or one that is not given.
func sameRelease(a, b string) bool { return a == "" || b == "" || a == b }

// NormalizeName returns the one spelling of a package's name that its ecosystem treats as equal to the given one, so
// that two names are the same package exactly if their normalized names are equal. Ecosystem may have a release suffix.
//
// PyPI names follow https://packaging.python.org/en/latest/specifications/name-normalization/. NuGet, Packagist and
// GitHub Actions ignore case. In Go, the distribution itself ("go") is named stdlib, as the Go vulnerability database
// does. SwiftURL and GIT names are addresses of repositories, without scheme and ".git"; the hosts that ignore case
// are compared without it. All other names are left alone.
func NormalizeName(ecosystem, name string) string {
	base, _ := splitEcosystem(ecosystem)
	switch base {
	case "PyPI":
		return normalizePyPI(name)
	case "NuGet", "Packagist", "GitHub Actions":
		return strings.ToLower(name)
	case "Go":
		if name == "go" {
			return "stdlib"
		}
	case "SwiftURL", gitEcosystem, "":
		return normalizeRepo(name)
	}
	return name
}

// gitEcosystem is the name by which queries ask for a repository and a tag or commit of it.
const gitEcosystem = "GIT"

func normalizePyPI(name string) string {
	clean := true
	for i := range len(name) {
		c := name[i]
		if c >= 'A' && c <= 'Z' || c == '_' || c == '.' || c == '-' && i > 0 && name[i-1] == '-' {
			clean = false
			break
		}
	}
	if clean {
		return name
	}
	out := make([]byte, 0, len(name))
	for i := range len(name) {
		switch c := name[i]; {
		case c == '-' || c == '_' || c == '.':
			if i == 0 || !strings.ContainsRune("-_.", rune(name[i-1])) {
				out = append(out, '-')
			}
		case c >= 'A' && c <= 'Z':
			out = append(out, c+'a'-'A')
		default:
			out = append(out, c)
		}
	}
	return string(out)
}

// normalizeRepo returns the address of a repository in the one form in which addresses are compared.
func normalizeRepo(repo string) string {
	for _, scheme := range []string{"https://", "http://", "git://"} {
		if rest, ok := strings.CutPrefix(repo, scheme); ok {
			repo = rest
			break
		}
	}
	repo = strings.TrimSuffix(repo, "/")
	repo = strings.TrimSuffix(repo, ".git")
	if lower := strings.ToLower(repo); strings.HasPrefix(lower, "github.com/") || strings.HasPrefix(lower, "gitlab.") {
		return lower
	}
	return repo
}
