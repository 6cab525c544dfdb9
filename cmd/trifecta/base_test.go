package main

import (
	"bytes"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trifecta-scanner/trifecta/internal/git/gittest"
	"github.com/trifecta-scanner/trifecta/scanner"
)

// npmLock writes a lock file with packages name@version; a name with a star is one of development.
func npmLock(packages ...string) string {
	var entries []string
	for _, p := range packages {
		name, version, _ := strings.Cut(p, "@")
		dev := ""
		if strings.HasSuffix(name, "*") {
			name, dev = strings.TrimSuffix(name, "*"), `, "dev": true`
		}
		entries = append(entries, fmt.Sprintf("    \"node_modules/%s\": {\"version\": %q%s}", name, version, dev))
	}
	return "{\n  \"lockfileVersion\": 3,\n  \"packages\": {\n" + strings.Join(entries, ",\n") + "\n  }\n}\n"
}

// history is what happens between the base and the head of a comparison. Every package left, right and up has an
// advisory below version 2.0.0; the advisories are named as the packages are.
type history struct {
	name string
	base []string                          // files of the first commit: name, content, ...
	then func(r gittest.Repository) string // what comes after on the branch feature; returns the base to compare with
	// what is new, known and gone, as "advisory file"
	fresh, known, gone []string
}

const root = "package-lock.json"

// on returns a change that writes files on the branch and compares with main.
func on(files ...string) func(gittest.Repository) string {
	return func(r gittest.Repository) string {
		r.Commit(files...)
		return "main"
	}
}

// moves returns a change that runs git and commits.
func moves(commands ...string) func(gittest.Repository) string {
	return func(r gittest.Repository) string {
		for _, c := range commands {
			r.Git(strings.Fields(c)...)
		}
		r.Commit()
		return "main"
	}
}

func histories() []history {
	left, right, up := "left@1.0.0", "right@1.0.0", "up@1.0.0"
	one := []string{root, npmLock(left)}
	two := []string{root, npmLock(left, right)}
	known := []string{"LEFT-1 " + root}
	return []history{
		{name: "nothing", base: one, then: on(), known: known},
		{name: "a file beside it", base: one, then: on("README.md", "x"), known: known},
		{name: "only white space", base: one, then: on(root, strings.ReplaceAll(npmLock(left), "  ", "\t")), known: known},
		{name: "lines moved down", base: one, then: on(root, strings.Replace(npmLock(left), "{\n", "{\n\n\n\n", 1)), known: known},
		{name: "a lock file sorted anew", base: two, then: on(root, npmLock(right, left)), known: []string{"LEFT-1 " + root, "RIGHT-1 " + root}},
		{name: "a clean package added", base: one, then: on(root, npmLock(left, "good@1.0.0")), known: known},
		{name: "an affected package added", base: one, then: on(root, npmLock(left, right)), known: known, fresh: []string{"RIGHT-1 " + root}},
		{name: "an affected package added before the others", base: one, then: on(root, npmLock(up, left)), known: known, fresh: []string{"UP-1 " + root}},
		{name: "a package removed", base: two, then: on(root, npmLock(left)), known: known, gone: []string{"RIGHT-1 " + root}},
		{name: "a bump that fixes", base: one, then: on(root, npmLock("left@2.0.0")), gone: known},
		{name: "a bump that does not", base: one, then: on(root, npmLock("left@1.9.9")), known: known},
		{name: "a downgrade into trouble", base: []string{root, npmLock("left@2.0.0")}, then: on(root, npmLock(left)), fresh: known},
		{name: "one fixed and one added", base: one, then: on(root, npmLock("left@2.0.0", right)), fresh: []string{"RIGHT-1 " + root}, gone: known},
		{name: "from runtime to development", base: one, then: on(root, npmLock("left*@1.0.0")), known: known},
		{name: "the lock file removed", base: one, then: moves("rm -q " + root), gone: known},
		{name: "the lock file added", base: []string{"README.md", "x"}, then: on(one...), fresh: known},
		{name: "the lock file emptied", base: one, then: on(root, npmLock()), gone: known},
		{name: "the lock file broken off", base: two, then: on(root, npmLock(left, right)[:90]), known: known, gone: []string{"RIGHT-1 " + root}},
		{name: "a second lock file with the same package", base: one, then: on("web/"+root, npmLock(left)), known: known, fresh: []string{"LEFT-1 web/" + root}},
		{name: "a lock file moved", base: []string{root, npmLock(left), "web/.keep", ""}, then: moves("mv " + root + " web/" + root), known: []string{"LEFT-1 web/" + root}},
		{name: "a folder renamed", base: []string{"a/b/" + root, npmLock(left, right)}, then: moves("mv a c"), known: []string{"LEFT-1 c/b/" + root, "RIGHT-1 c/b/" + root}},
		{name: "moved and bumped", base: []string{"a/" + root, npmLock(left)}, then: func(r gittest.Repository) string {
			r.Git("mv", "a", "c")
			return on("c/"+root, npmLock("left@1.5.0"))(r)
		}, known: []string{"LEFT-1 c/" + root}},
		{name: "moved and one added", base: []string{"a/" + root, npmLock(left)}, then: func(r gittest.Repository) string {
			r.Git("mv", "a", "c")
			return on("c/"+root, npmLock(left, right))(r)
		}, known: []string{"LEFT-1 c/" + root}, fresh: []string{"RIGHT-1 c/" + root}},
		{name: "moved and one fixed", base: []string{"a/" + root, npmLock(left, right)}, then: func(r gittest.Repository) string {
			r.Git("mv", "a", "c")
			return on("c/"+root, npmLock(left))(r)
		}, known: []string{"LEFT-1 c/" + root}, gone: []string{"RIGHT-1 a/" + root}},
		{name: "two folders swapped", base: []string{"a/" + root, npmLock(left), "b/" + root, npmLock(right)}, then: moves("mv a t", "mv b a", "mv t b"),
			fresh: []string{"LEFT-1 b/" + root, "RIGHT-1 a/" + root}, gone: []string{"LEFT-1 a/" + root, "RIGHT-1 b/" + root}},
		{name: "a lock file copied", base: []string{"a/" + root, npmLock(left)}, then: on("b/"+root, npmLock(left)), known: []string{"LEFT-1 a/" + root}, fresh: []string{"LEFT-1 b/" + root}},
		{name: "two moved into one name's place", base: []string{"a/" + root, npmLock(left), "b/" + root, npmLock(left)}, then: moves("rm -q -r b", "mv a c"),
			known: []string{"LEFT-1 c/" + root}, gone: []string{"LEFT-1 b/" + root}},
		{name: "shrinkwrap instead of package-lock", base: one, then: moves("mv " + root + " npm-shrinkwrap.json"), known: []string{"LEFT-1 npm-shrinkwrap.json"}},
		{name: "main went on with a fix", base: one, then: func(r gittest.Repository) string {
			r.Commit("README.md", "x")
			r.Git("switch", "-q", "main")
			r.Commit(root, npmLock("left@2.0.0"))
			r.Git("switch", "-q", "feature")
			return "main"
		}, known: known},
		{name: "main went on with another trouble", base: one, then: func(r gittest.Repository) string {
			r.Commit("README.md", "x")
			r.Git("switch", "-q", "main")
			r.Commit(root, npmLock(left, right))
			r.Git("switch", "-q", "feature")
			return "main"
		}, known: known},
		{name: "main merged into the branch", base: one, then: func(r gittest.Repository) string {
			r.Commit("web/"+root, npmLock(up))
			r.Git("switch", "-q", "main")
			r.Commit(root, npmLock(left, right))
			r.Git("switch", "-q", "feature")
			r.Git("merge", "-q", "-m", "merge", "main")
			return "main"
		}, known: []string{"LEFT-1 " + root, "RIGHT-1 " + root}, fresh: []string{"UP-1 web/" + root}},
		{name: "the branch merged and went on", base: one, then: func(r gittest.Repository) string {
			r.Commit(root, npmLock(left, right))
			r.Git("switch", "-q", "main")
			r.Git("merge", "-q", "--no-ff", "-m", "merge", "feature")
			r.Git("switch", "-q", "feature")
			r.Commit(root, npmLock(left, right, up))
			return "main"
		}, known: []string{"LEFT-1 " + root, "RIGHT-1 " + root}, fresh: []string{"UP-1 " + root}},
		{name: "merged both ways", base: one, then: func(r gittest.Repository) string {
			r.Commit("a/"+root, npmLock(right))
			r.Git("switch", "-q", "main")
			r.Commit("b/"+root, npmLock(up))
			r.Git("branch", "-q", "was-main")
			r.Git("merge", "-q", "-m", "one", "feature")
			r.Git("switch", "-q", "feature")
			r.Git("merge", "-q", "-m", "two", "was-main")
			r.Commit("c/"+root, npmLock(left))
			return "main"
		}, known: []string{"LEFT-1 " + root, "RIGHT-1 a/" + root, "UP-1 b/" + root}, fresh: []string{"LEFT-1 c/" + root}},
		{name: "a revert", base: two, then: func(r gittest.Repository) string {
			r.Commit(root, npmLock(left))
			r.Git("revert", "--no-edit", "HEAD")
			return "main"
		}, known: []string{"LEFT-1 " + root, "RIGHT-1 " + root}},
		{name: "rebased", base: one, then: func(r gittest.Repository) string {
			r.Commit("web/"+root, npmLock(up))
			r.Git("switch", "-q", "main")
			r.Commit("README.md", "x")
			r.Git("switch", "-q", "feature")
			r.Git("rebase", "-q", "main")
			return "main"
		}, known: known, fresh: []string{"UP-1 web/" + root}},
		{name: "squashed", base: one, then: func(r gittest.Repository) string {
			r.Commit(root, npmLock(left, right))
			r.Commit(root, npmLock(left, up))
			r.Git("reset", "-q", "--soft", "main")
			r.Commit()
			return "main"
		}, known: known, fresh: []string{"UP-1 " + root}},
		{name: "nothing in common", base: one, then: func(r gittest.Repository) string {
			r.Git("switch", "-q", "--orphan", "alone")
			r.Commit(root, npmLock(left, right))
			return "main"
		}, known: known, fresh: []string{"RIGHT-1 " + root}},
		{name: "a tag as the base", base: one, then: func(r gittest.Repository) string {
			r.Git("tag", "v1", "main")
			r.Commit(root, npmLock(left, right))
			return "v1"
		}, known: known, fresh: []string{"RIGHT-1 " + root}},
		{name: "an annotated tag as the base", base: one, then: func(r gittest.Repository) string {
			r.Git("tag", "-a", "-m", "x", "v1", "main")
			r.Commit(root, npmLock(left, right))
			return "v1"
		}, known: known, fresh: []string{"RIGHT-1 " + root}},
		{name: "a commit as the base", base: one, then: func(r gittest.Repository) string {
			at := r.Commit(root, npmLock(left, right))
			r.Commit(root, npmLock(left, right, up))
			return at
		}, known: []string{"LEFT-1 " + root, "RIGHT-1 " + root}, fresh: []string{"UP-1 " + root}},
		{name: "a branch of the remote as the base", base: one, then: func(r gittest.Repository) string {
			r.Git("update-ref", "refs/remotes/origin/release", "main")
			r.Git("branch", "-q", "-D", "main")
			r.Commit(root, npmLock(left, right))
			return "release"
		}, known: known, fresh: []string{"RIGHT-1 " + root}},
		{name: "packed objects", base: one, then: func(r gittest.Repository) string {
			r.Commit(root, npmLock(left, right))
			r.Git("gc", "-q", "--aggressive", "--prune=now")
			return "main"
		}, known: known, fresh: []string{"RIGHT-1 " + root}},
		{name: "not committed yet", base: one, then: func(r gittest.Repository) string {
			r.Write(root, npmLock(left, right))
			return "main"
		}, known: known, fresh: []string{"RIGHT-1 " + root}},
		{name: "a file that git does not track yet", base: one, then: func(r gittest.Repository) string {
			r.Write("web/"+root, npmLock(right))
			return "main"
		}, known: known, fresh: []string{"RIGHT-1 web/" + root}},
		{name: "a file that is ignored from now on", base: []string{root, npmLock(left), "web/" + root, npmLock(right)}, then: on(".gitignore", "/web/\n"),
			known: known, gone: []string{"RIGHT-1 web/" + root}},
		{name: "two versions, one fixed", base: []string{root, versions("left", "1.0.0", "1.1.0")}, then: on(root, versions("left", "1.0.0", "2.0.0")),
			known: known, gone: known},
		{name: "two versions, one more", base: []string{root, versions("left", "1.0.0")}, then: on(root, versions("left", "1.0.0", "1.1.0")),
			known: known, fresh: known},
	}
}

// versions writes a lock file with several versions of one package, as folders inside each other.
func versions(name string, list ...string) string {
	var packages []string
	at := ""
	for _, version := range list {
		at += "node_modules/" + name
		packages = append(packages, fmt.Sprintf("    %q: {\"version\": %q}", at, version))
		at += "/"
	}
	return "{\n  \"lockfileVersion\": 3,\n  \"packages\": {\n" + strings.Join(packages, ",\n") + "\n  }\n}\n"
}

// TestBaseHistories compares the heads of many histories with their bases.
func TestBaseHistories(t *testing.T) {
	db := t.TempDir()
	for _, name := range []string{"left", "right", "up"} {
		id := strings.ToUpper(name) + "-1"
		put(t, filepath.Join(db, "npm", id+".json"), fmt.Sprintf(`{"id": %q, "modified": "2026-01-01T00:00:00Z",
			"affected": [{"package": {"ecosystem": "npm", "name": %q}, "ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}, {"fixed": "2.0.0"}]}]}]}`, id, name))
	}
	all := histories()
	if len(all) < 40 {
		t.Fatalf("%d histories", len(all))
	}
	for _, h := range all {
		t.Run(h.name, func(t *testing.T) {
			t.Parallel()
			r := gittest.New(t)
			r.Commit(h.base...)
			r.Git("switch", "-q", "-c", "feature")
			base := h.then(r)
			res, _ := scanTree(t, r.Dir, "--db", db, "--base", base)
			list := func(findings []scanner.Finding, status scanner.Status) []string {
				var names []string
				for _, f := range findings {
					if status == "" || f.Status == status {
						names = append(names, f.RuleID+" "+f.Location.Path)
					}
				}
				slices.Sort(names)
				return names
			}
			for _, part := range []struct {
				what      string
				got, want []string
			}{
				{"new", list(res.Findings, scanner.StatusNew), h.fresh},
				{"known", list(res.Findings, scanner.StatusExisting), h.known},
				{"fixed", list(res.Fixed, ""), h.gone},
			} {
				if diff := cmp.Diff(part.want, part.got); diff != "" {
					t.Errorf("%s (-want +got):\n%s", part.what, diff)
				}
			}
		})
	}
}

// TestBaseOfPartialClones checks that a clone that lacks the base says what to fetch, and that it is wrong usage.
func TestBaseOfPartialClones(t *testing.T) {
	r := gittest.New(t)
	r.Commit(root, npmLock("left@1.0.0"))
	r.Git("switch", "-q", "-c", "feature")
	r.Commit(root, npmLock("left@1.0.0", "right@1.0.0"))
	for _, tt := range []struct {
		name    string
		options []string
		hint    string
	}{
		{"shallow", []string{"--depth", "1", "--branch", "feature"}, "fetch-depth: 0"},
		{"blobless", []string{"--filter=blob:none", "--branch", "feature"}, "partial"},
		{"single branch", []string{"--single-branch", "--branch", "feature"}, "git fetch origin main"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			clone := r.Clone(tt.options...)
			var out, errs bytes.Buffer
			code := run(t.Context(), []string{"scan", clone.Dir, "--offline", "--base", "main"}, streams{out: &out, err: &errs}, func(string) string { return "" })
			if code != exitUsage || !strings.Contains(errs.String(), tt.hint) {
				t.Errorf("exit %d, %q; want %d with %q", code, errs.String(), exitUsage, tt.hint)
			}
		})
	}
}
