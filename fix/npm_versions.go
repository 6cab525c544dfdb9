package fix

import (
	"fmt"
	"regexp"
	"strings"

	"deps.dev/util/semver"
)

// npmRange splits what a manifest asks for into the prefix of an alias, npm:real@, and the range.
func npmRange(spec string) (prefix, constraint string) {
	if !strings.HasPrefix(spec, "npm:") {
		return "", spec
	}
	if i := strings.LastIndexByte(spec, '@'); i > len("npm:") {
		return spec[:i+1], spec[i+1:]
	}
	return spec + "@", ""
}

// npmTag matches the name of a tag such as latest, which any version meets.
var npmTag = regexp.MustCompile(`^[A-Za-wyz][A-Za-z-]+$`)

// npmAdmits reports whether a range (https://github.com/npm/node-semver#ranges) is met by a version.
func npmAdmits(spec, version string) (bool, error) {
	_, constraint := npmRange(strings.TrimPrefix(spec, "workspace:"))
	if npmTag.MatchString(constraint) {
		return true, nil // what a tag stood for when the lock file was made does not matter after
	}
	c, err := semver.NPM.ParseConstraint(constraint)
	if err != nil {
		return false, fmt.Errorf("%q is no range of versions", spec)
	}
	return c.Match(version), nil
}

// npmRaise writes the range that takes the place of another so that it admits a version.
func npmRaise(spec, version string) (string, error) {
	prefix, constraint := npmRange(spec)
	if _, err := semver.NPM.ParseConstraint(constraint); err != nil {
		return "", fmt.Errorf("it is asked for as %q, which is no range of versions", spec)
	}
	trimmed := strings.TrimSpace(constraint)
	if i := strings.LastIndex(trimmed, "||"); i >= 0 { // what is admitted stays so
		last, err := npmRaise(strings.TrimSpace(trimmed[i+2:]), version)
		if err != nil {
			return "", err
		}
		return prefix + trimmed + " || " + last, nil
	}
	single := !strings.ContainsAny(trimmed, " \t") && !strings.Contains(trimmed, "*") && !strings.ContainsAny(trimmed, "xX")
	if single {
		for _, operator := range []string{"^", "~>", "~", ">=", "="} {
			if strings.HasPrefix(trimmed, operator) {
				return prefix + operator + version, nil
			}
		}
		if strings.Count(trimmed, ".") == 2 && !strings.HasPrefix(trimmed, "<") && !strings.HasPrefix(trimmed, ">") {
			return prefix + version, nil
		}
	}
	return prefix + "^" + version, nil
}

// npmPrerelease reports whether a version is none that a range admits unless it names one like it.
func npmPrerelease(version string) bool {
	version, _, _ = strings.Cut(version, "+")
	return strings.Contains(version, "-")
}

// nodeVersions are the ends of the release lines of Node.js, between which an engine may end
// (https://nodejs.org/en/about/previous-releases).
var nodeVersions = []string{
	"0.10.0", "0.12.0", "4.0.0", "4.9.1", "6.0.0", "6.17.1", "8.0.0", "8.17.0", "10.0.0", "10.24.1", "12.0.0", "12.22.12", "14.0.0", "14.21.3",
	"16.0.0", "16.20.2", "18.0.0", "18.20.8", "20.0.0", "20.19.6", "22.0.0", "22.21.1", "24.0.0", "24.11.1", "26.0.0",
}

// nodeRuns reports whether every version of Node.js that a project runs on is one that a release runs on.
func nodeRuns(runtime, engine string) bool {
	for _, v := range nodeVersions {
		if ok, err := npmAdmits(runtime, v); err != nil || !ok {
			continue
		}
		if ok, err := npmAdmits(engine, v); err == nil && !ok {
			return false
		}
	}
	return true
}
