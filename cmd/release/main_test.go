package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"
)

const root = "../.."

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func git(t *testing.T, dir string, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "git", append([]string{"-c", "user.name=t", "-c", "user.email=t@registry.example"}, args...)...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

// newProject is a repository with a program, small enough to be built in a test.
func newProject(t *testing.T) *releaser {
	t.Helper()
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip(err)
	}
	dir := t.TempDir()
	write(t, filepath.Join(dir, "go.mod"), "module registry.example/shop\n\ngo 1.25\n")
	write(t, filepath.Join(dir, "LICENSE"), "do as you please\n")
	write(t, filepath.Join(dir, "action.yml"), read(t, filepath.Join(root, "action.yml")))
	write(t, filepath.Join(dir, "cmd", "trifecta", "main.go"), "package main\n\nvar version, commit string\n\nfunc main() { println(\"trifecta\", version, commit) }\n")
	git(t, dir, "init", "-q", "-b", "main")
	git(t, dir, "add", "-A")
	git(t, dir, "commit", "-q", "-m", "a program")
	return &releaser{root: dir, out: filepath.Join(t.TempDir(), "out"), targets: []string{runtime.GOOS + "/" + runtime.GOARCH}, say: io.Discard}
}

// What is recorded is what any later checkout builds, and another program is not.
func TestRecordAndCheck(t *testing.T) {
	r := newProject(t)
	if err := r.record(t.Context(), "1.2"); err == nil {
		t.Error("1.2 is no version")
	}
	if err := r.record(t.Context(), "1.2.3"); err != nil {
		t.Fatal(err)
	}
	sums, err := readChecksums(read(t, filepath.Join(r.root, checksumsFile)))
	if err != nil || len(sums.Sums) != 1 || sums.Version != "1.2.3" || len(sums.Commit) != 40 || sums.Go != runtime.Version() {
		t.Fatalf("%+v, %v", sums, err)
	}
	if !strings.Contains(read(t, filepath.Join(r.root, actionFile)), "    default: 1.2.3\n") {
		t.Error("action.yml does not install the version")
	}
	if err := r.record(t.Context(), "1.2.4"); err == nil {
		t.Error("a tree with changes is released")
	}
	git(t, r.root, "add", "-A")
	git(t, r.root, "commit", "-q", "-m", "release: 1.2.3")

	elsewhere := &releaser{root: filepath.Join(t.TempDir(), "another", "place"), out: t.TempDir(), targets: r.targets, say: io.Discard}
	git(t, t.TempDir(), "clone", "-q", r.root, elsewhere.root)
	if err := elsewhere.check(t.Context()); err != nil {
		t.Error(err)
	}
	write(t, filepath.Join(elsewhere.root, "cmd", "trifecta", "main.go"), "package main\n\nvar version, commit string\n\nfunc main() { println(version, commit) }\n")
	if err := elsewhere.check(t.Context()); err == nil || !strings.Contains(err.Error(), "the commit says") {
		t.Errorf("another program: %v", err)
	}
	if err := r.check(t.Context()); err != nil {
		t.Error(err)
	}
	files := unpack(t, filepath.Join(r.out, archiveName("1.2.3", r.targets[0])))
	if diff := cmp.Diff([]string{"LICENSE", "THIRD-PARTY-NOTICES", "trifecta"}, slices.Sorted(maps.Keys(files))); diff != "" && runtime.GOOS != "windows" {
		t.Error(diff)
	}
}

func unpack(t *testing.T, name string) map[string]*tar.Header {
	t.Helper()
	z, err := gzip.NewReader(strings.NewReader(read(t, name)))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]*tar.Header{}
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		if !h.ModTime.IsZero() && h.ModTime.Unix() != 0 || h.Uid != 0 || h.Uname != "" {
			t.Errorf("%s tells of the machine it was packed on: %+v", h.Name, h)
		}
		files[h.Name] = h
	}
}

func TestReadChecksums(t *testing.T) {
	sum := strings.Repeat("ab", 32)
	want := checksums{Version: "1.2.3-rc.1", Commit: "c0ffee", Go: "go1.26.5", Sums: map[string]string{"a.tar.gz": sum, "b.tar.gz": sum}}
	got, err := readChecksums(want.String())
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v %s", err, diff)
	}
	first, _, _ := strings.Cut(want.String(), "\n")
	for _, text := range []string{"", "# No version is released yet\n", first + "\nab  a\n", first + "\n" + sum + " a\n", first + "\n" + sum + "  x/a\n", first + "\n" + sum + "  a\n" + sum + "  a\n"} {
		if got, err := readChecksums(text); err == nil {
			t.Errorf("%q: %+v", text, got)
		}
	}
}

// What action.yml installs is what the checksums are of, each platform included; before the first release it is built.
func TestActionInstallsWhatIsReleased(t *testing.T) {
	var action struct {
		Inputs map[string]struct{ Default string }
	}
	if err := yaml.Unmarshal([]byte(read(t, filepath.Join(root, actionFile))), &action); err != nil {
		t.Fatal(err)
	}
	text := read(t, filepath.Join(root, checksumsFile))
	version := action.Inputs["version"].Default
	if version == "source" {
		if strings.Contains(text, ".tar.gz") {
			t.Error("a version is released, and action.yml installs none")
		}
		return
	}
	sums, err := readChecksums(text)
	if err != nil || sums.Version != version {
		t.Fatalf("action.yml installs %s, and the checksums are of %+v, %v", version, sums, err)
	}
	for _, target := range targets {
		if sums.Sums[archiveName(version, target)] == "" {
			t.Errorf("%s has no checksum", target)
		}
	}
}

func TestNotices(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "a", "LICENSE.md"), "of a\r\nall\r\n")
	write(t, filepath.Join(dir, "a", "NOTICE"), "a note\n")
	write(t, filepath.Join(dir, "a", "licenses.go"), "package a\n")
	write(t, filepath.Join(dir, "b", "main.go"), "package b\n")
	line := func(name, version string) string {
		return "registry.example/" + name + "\t" + version + "\t" + filepath.Join(dir, name) + "\n"
	}
	got, err := notices(line("b", "v2.0.0") + line("a", "v1.0.0") + line("a", "v1.0.0") + "registry.example/main\t\t" + dir + "\n")
	want := "==== registry.example/a v1.0.0: LICENSE.md\n\nof a\nall\n\n==== registry.example/a v1.0.0: NOTICE\n\na note\n\n" +
		"==== registry.example/b v2.0.0: no file with a licence\n\n"
	if diff := cmp.Diff(want, string(got)); diff != "" || err != nil {
		t.Errorf("%v %s", err, diff)
	}
}

// The script that action.yml runs takes the archive whose checksum stands in its own commit, and nothing else.
func TestInstall(t *testing.T) {
	for _, tool := range []string{"bash", "curl", "tar", "awk"} {
		if _, err := exec.LookPath(tool); err != nil || runtime.GOOS == "windows" {
			t.Skipf("needs %s of Unix", tool)
		}
	}
	r := newProject(t)
	if err := r.record(t.Context(), "1.2.3"); err != nil {
		t.Fatal(err)
	}
	archive := archiveName("1.2.3", r.targets[0])
	good := read(t, filepath.Join(r.out, archive))
	script := filepath.Join(r.root, "release", "install.sh")
	write(t, script, read(t, filepath.Join(root, "release", "install.sh")))
	for name, test := range map[string]struct {
		body, version string
		env           []string
		want          string // empty: it is installed
	}{
		"released":         {good, "1.2.3", nil, ""},
		"changed":          {good[:len(good)-1] + "x", "1.2.3", nil, "and this commit of the action wants"},
		"cut off":          {good[:len(good)/2], "1.2.3", nil, "and this commit of the action wants"},
		"empty":            {"", "1.2.3", nil, "and this commit of the action wants"},
		"not there":        {"404", "1.2.3", nil, "can't be fetched"},
		"another version":  {good, "1.2.4", nil, "has no checksum of trifecta_1.2.4_"},
		"no version":       {good, "", nil, "neither a version nor source"},
		"a path":           {good, "../1.2.3", nil, "neither a version nor source"},
		"an option":        {good, "--version", nil, "neither a version nor source"},
		"another platform": {good, "1.2.3", []string{"RUNNER_OS=Haiku"}, "there is no release for Haiku"},
		"another machine":  {good, "1.2.3", []string{"RUNNER_ARCH=S390X"}, "there is no release for S390X"},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
				if req.URL.Path != "/v1.2.3/"+archive || test.body == "404" {
					http.NotFound(w, req)
					return
				}
				_, _ = io.WriteString(w, test.body) // the script is what is tested
			}))
			defer server.Close()
			folder := filepath.Join(t.TempDir(), "a folder")
			cmd := exec.CommandContext(t.Context(), "bash", script, folder, test.version)
			cmd.Env = append(os.Environ(), append([]string{"TRIFECTA_RELEASES=" + server.URL, "NO_PROXY=127.0.0.1", "no_proxy=127.0.0.1", "RUNNER_OS=", "RUNNER_ARCH="}, test.env...)...)
			out, err := cmd.CombinedOutput()
			entries, _ := os.ReadDir(folder) // none is what is expected of a failure
			if test.want != "" {
				if cmd.ProcessState.ExitCode() != 3 || !bytes.Contains(out, []byte(test.want)) || !bytes.Contains(out, []byte("::error ")) || len(entries) > 0 {
					t.Errorf("exit %d, %d files\n%s", cmd.ProcessState.ExitCode(), len(entries), out)
				}
				return
			}
			if err != nil || len(entries) != 1 {
				t.Fatalf("%v, %d files\n%s", err, len(entries), out)
			}
			said, err := exec.CommandContext(t.Context(), filepath.Join(folder, "trifecta")).CombinedOutput()
			if err != nil || !strings.HasPrefix(string(said), "trifecta 1.2.3 ") {
				t.Errorf("%v\n%s", err, said)
			}
		})
	}
}
