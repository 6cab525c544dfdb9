package forge_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trifecta-scanner/trifecta/forge"
)

func TestCodeOwners(t *testing.T) {
	const file = `
# comment
*       @all
*.js    @js # inline comment
/build/logs/ @doctocat
docs/*  docs@registry.example
apps/   @octocat @acme/apps
/scripts/ @a
**/logs @logs
/apps/github
/deep/**/lock @deep
my\ file @space
!*.go @never
[ab].txt @never
\#name @never
/tail/**/ @tail
`
	owners := forge.ParseCodeOwners([]byte(file))
	for name, want := range map[string]string{
		"x":                  "@all",
		"a/b/c.js":           "@js",
		"build/logs/x":       "@logs", // the later of two that fit
		"build/logs":         "@logs",
		"docs/a.md":          "docs@registry.example",
		"docs/inner/a.md":    "@all",
		"x/docs/a.md":        "@all",
		"x/apps/y/z":         "@octocat @acme/apps",
		"apps/github":        "",
		"apps/github/x":      "",
		"scripts/x":          "@a",
		"x/scripts/y":        "@all",
		"a/b/logs/c":         "@logs",
		"deep/lock":          "@deep",
		"deep/1/2/lock":      "@deep",
		"deep/1/2/lock/file": "@deep",
		"my file":            "@space",
		"main.go":            "@all",
		"a.txt":              "@all",
		"tail/b/c":           "@tail",
	} {
		if got := strings.Join(owners.Of(name), " "); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if diff := cmp.Diff([]string{"octocat", "acme/apps", "all"}, owners.Reviewers("apps/x", "docs/a.md", "apps/y", "x")); diff != "" {
		t.Error(diff)
	}
	if got := forge.ParseCodeOwners(nil).Reviewers("x"); len(got) != 0 {
		t.Errorf("%q", got)
	}
}

func FuzzCodeOwners(f *testing.F) {
	f.Add("* @a\n/x/**/y/* @b/c d@e #f\n\\ \\", "x/y/z")
	f.Add(strings.Repeat("**/*", 100)+" @a", strings.Repeat("a/", 200))
	f.Fuzz(func(t *testing.T, file, name string) {
		for _, r := range forge.ParseCodeOwners([]byte(file)).Reviewers(name) {
			if r == "" || strings.HasPrefix(r, "@") && !strings.Contains(file, "@@") {
				t.Errorf("%q", r)
			}
		}
	})
}
