package main

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/trifecta-scanner/trifecta/scanner"
)

// scanTree scans dir in this process and returns the result with the exit code.
func scanTree(t *testing.T, dir string, args ...string) (*scanner.Result, int) {
	t.Helper()
	var out, errs bytes.Buffer
	line := append([]string{"scan", dir, "--offline", "-o", "json", "--fail-on", "none"}, args...)
	code := run(t.Context(), line, streams{out: &out, err: &errs}, func(string) string { return "" })
	if code == exitUsage || code == exitUnable && !strings.Contains(strings.Join(args, " "), "--strict") {
		t.Fatalf("trifecta %s: exit %d: %s", strings.Join(line, " "), code, errs.String())
	}
	res := new(scanner.Result)
	if err := json.Unmarshal(out.Bytes(), res); err != nil {
		t.Fatalf("trifecta %s: %v\n%s", strings.Join(line, " "), err, out.String())
	}
	return res, code
}

func put(t *testing.T, name, data string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(data), 0o600); err != nil {
		t.Fatal(err)
	}
}

const goodLock = `{
  "name": "good",
  "lockfileVersion": 3,
  "packages": {
    "": {"name": "good", "dependencies": {"left-pad": "1.0.0"}},
    "node_modules/left-pad": {"version": "1.0.0"}
  }
}
`

// TestBadInput checks that a file that can't be read is a notice with its place, and that all the rest is read.
func TestBadInput(t *testing.T) {
	dir := t.TempDir()
	put(t, filepath.Join(dir, "good/package-lock.json"), goodLock)
	put(t, filepath.Join(dir, "truncated/package-lock.json"), goodLock[:strings.Index(goodLock, `"version"`)]+`"version": "1.0.0"}, "node_modules/b": {"ver`)
	put(t, filepath.Join(dir, "latin/package-lock.json"), strings.Replace(goodLock, "left-pad", "left-p\xe4d", 1))
	put(t, filepath.Join(dir, "deep/package-lock.json"), `{"packages": `+strings.Repeat(`{"a":`, 100_000))
	put(t, filepath.Join(dir, "deep1/package-lock.json"), `{"lockfileVersion": 1, "dependencies": `+strings.Repeat(`{"a":{"version":"1.0.0","dependencies":`, 100_000))
	put(t, filepath.Join(dir, "brackets/package-lock.json"), strings.Repeat("[", 100_000))
	put(t, filepath.Join(dir, "nothing/package-lock.json"), "")
	put(t, filepath.Join(dir, "cycle/requirements.txt"), "-r other.txt\nrequests==2.0.0\n")
	put(t, filepath.Join(dir, "cycle/other.txt"), "-r requirements.txt\nflask==0.1\n")
	put(t, filepath.Join(dir, "outside/requirements.txt"), "-r ../../../etc/passwd\ndjango==1.0\n")
	put(t, filepath.Join(dir, "deeppom/pom.xml"), strings.Repeat("<project>", 100_000))
	put(t, filepath.Join(dir, "loop/pom.xml"), `<project><parent><groupId>a</groupId><artifactId>a</artifactId><version>1</version><relativePath>pom.xml</relativePath></parent><artifactId>b</artifactId></project>`)
	put(t, filepath.Join(dir, "broken/Cargo.lock"), "[[package]]\nname = \"a\"\nversion = \"1.0.0\"\nsource = \"registry+https://registry.example\"\n\n[[package]]\nname = \"b\nversion")
	put(t, filepath.Join(dir, "broken/go.mod"), "module a\n\ngo 1.22\n\nrequire (\n\tgolang.org/x/text v0.3.0\n\trubbish here and there\n)\n")
	huge := filepath.Join(dir, "huge/package-lock.json")
	put(t, huge, "")
	if err := os.Truncate(huge, 200<<20); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/", filepath.Join(dir, "out")); err != nil {
		t.Log("no links here:", err)
	}

	res, code := scanTree(t, dir)
	if code != exitOK {
		t.Errorf("exit %d, want %d: notices alone are no failure", code, exitOK)
	}
	notices := map[string]string{}
	for _, n := range res.Notices {
		if n.Location != nil {
			notices[n.Location.Path] += n.Code + ": " + n.Message + "\n"
		}
	}
	for path, want := range map[string]string{
		"truncated/package-lock.json": "unexpected EOF",
		"deep/package-lock.json":      "depth",
		"deep1/package-lock.json":     "dep",
		"brackets/package-lock.json":  "can't be read",
		"nothing/package-lock.json":   "can't be read",
		"huge/package-lock.json":      "limit",
		"outside/requirements.txt":    "",
		"deeppom/pom.xml":             "",
		"loop/pom.xml":                "",
		"broken/Cargo.lock":           "can't be read",
		"broken/go.mod":               "can't be understood",
		"out":                         "not followed",
	} {
		if got, ok := notices[path]; !ok || !strings.Contains(got, want) {
			t.Errorf("notice of %s: %q, want one with %q", path, got, want)
		}
	}
	lines := map[string]int{}
	for _, n := range res.Notices {
		if n.Location != nil && n.Location.Line > 0 {
			lines[n.Location.Path] = n.Location.Line
		}
	}
	for path, want := range map[string]int{"truncated/package-lock.json": 6, "broken/Cargo.lock": 7, "broken/go.mod": 7} {
		if lines[path] != want {
			t.Errorf("the notice of %s stands at line %d, want %d", path, lines[path], want)
		}
	}
	have := map[string]bool{}
	for _, p := range res.Packages {
		for _, l := range p.Locations {
			have[l.Path+" "+p.Name] = true
		}
	}
	for _, want := range []string{
		"good/package-lock.json left-pad", "truncated/package-lock.json left-pad", "cycle/requirements.txt requests",
		"cycle/other.txt flask", "outside/requirements.txt django", "broken/Cargo.lock a",
	} {
		if !have[want] {
			t.Errorf("%s was not read", want)
		}
	}
	if _, code := scanTree(t, dir, "--strict"); code != exitUnable {
		t.Errorf("exit %d with --strict, want %d", code, exitUnable)
	}
}

// TestBadDatabase checks that a database with a broken archive and a missing ecosystem still answers for the rest.
func TestBadDatabase(t *testing.T) {
	dir, db := t.TempDir(), t.TempDir()
	put(t, filepath.Join(dir, "package-lock.json"), goodLock)
	put(t, filepath.Join(dir, "py/requirements.txt"), "requests==2.0.0\n")
	put(t, filepath.Join(dir, "rs/Cargo.lock"), "version = 3\n\n[[package]]\nname = \"a\"\nversion = \"1.0.0\"\nsource = \"registry+https://registry.example\"\n")
	var archive bytes.Buffer
	w := zip.NewWriter(&archive)
	for name, record := range map[string]string{
		"GOOD-1.json": `{"id":"GOOD-1","modified":"2026-01-01T00:00:00Z","affected":[{"package":{"ecosystem":"npm","name":"left-pad"},"ranges":[{"type":"SEMVER","events":[{"introduced":"0"},{"fixed":"1.0.1"}]}]}]}`,
		"BAD-1.json":  `{"id":"BAD-1","affected":[{"package":{"ecosystem":"npm","name":"left-pad"`,
	} {
		f, err := w.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write([]byte(record)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	put(t, filepath.Join(db, "npm/all.zip"), archive.String())
	put(t, filepath.Join(db, "PyPI/all.zip"), "PK\x03\x04 not a zip")

	res, _ := scanTree(t, dir, "--db", db)
	if len(res.Findings) != 1 || res.Findings[0].RuleID != "GOOD-1" {
		t.Errorf("findings = %+v, want GOOD-1 alone", res.Findings)
	}
	var all strings.Builder
	for _, n := range res.Notices {
		all.WriteString(n.Code + ": " + n.Message + "\n")
	}
	for _, want := range []string{"advisory-unreadable: ", "BAD-1", "database-incomplete: ", "PyPI", "crates.io"} {
		if !strings.Contains(all.String(), want) {
			t.Errorf("no notice speaks of %q:\n%s", want, all.String())
		}
	}
	code := run(t.Context(), []string{"scan", dir, "--offline", "--db", filepath.Join(db, "absent")}, streams{out: &archive, err: &archive}, func(string) string { return "" })
	if code != exitUsage {
		t.Errorf("exit %d with a database that is not there, want %d", code, exitUsage)
	}
}
