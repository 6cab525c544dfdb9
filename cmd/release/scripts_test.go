package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// newRelease is a project whose release 1.2.3 is committed, with the scripts of this one.
func newRelease(t *testing.T) *releaser {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("needs the tools of Unix")
	}
	if _, err := exec.LookPath("bash"); err != nil {
		t.Skip(err)
	}
	r := newProject(t)
	scripts, err := filepath.Glob(filepath.Join(root, "release", "*.sh"))
	if err != nil || len(scripts) == 0 {
		t.Fatalf("%q, %v", scripts, err)
	}
	for _, name := range scripts {
		write(t, filepath.Join(r.root, "release", filepath.Base(name)), read(t, name))
	}
	git(t, r.root, "add", "-A")
	git(t, r.root, "commit", "-q", "-m", "scripts")
	if err := r.record(t.Context(), "1.2.3"); err != nil {
		t.Fatal(err)
	}
	git(t, r.root, "add", "-A")
	git(t, r.root, "commit", "-q", "-m", "release: 1.2.3")
	return r
}

// script runs a script of release/ with another PATH in front and returns both of its streams.
func (r *releaser) script(t *testing.T, path string, args ...string) (string, error) {
	t.Helper()
	args[0] = filepath.Join(r.root, "release", args[0])
	cmd := exec.CommandContext(t.Context(), "bash", args...)
	cmd.Env = append(os.Environ(), "PATH="+path+string(os.PathListSeparator)+os.Getenv("PATH"))
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// Only a tag of the recorded version, on the commit that records it and does nothing else, is a release.
func TestRecorded(t *testing.T) {
	r := newRelease(t)
	out, err := r.script(t, "", "recorded.sh", "v1.2.3")
	if err != nil || !strings.HasPrefix(out, "version=1.2.3\ncommit=") || !strings.HasSuffix(out, "\ngo="+strings.TrimPrefix(runtime.Version(), "go")+"\n") {
		t.Errorf("%v\n%s", err, out)
	}
	if out, err := r.script(t, "", "recorded.sh", "v1.2.4"); err == nil || !strings.Contains(out, "the tag is v1.2.4") {
		t.Errorf("another tag: %v\n%s", err, out)
	}
	write(t, filepath.Join(r.root, "cmd", "trifecta", "main.go"), "package main\n\nfunc main() {}\n")
	git(t, r.root, "commit", "-q", "--amend", "-a", "-m", "release: 1.2.3")
	if out, err := r.script(t, "", "recorded.sh", "v1.2.3"); err == nil || !strings.Contains(out, "changes more than a release does") {
		t.Errorf("a change in the commit: %v\n%s", err, out)
	}
	git(t, r.root, "commit", "-q", "--allow-empty", "-m", "another")
	if out, err := r.script(t, "", "recorded.sh", "v1.2.3"); err == nil || !strings.Contains(out, "not the commit before") {
		t.Errorf("a commit between: %v\n%s", err, out)
	}
}

// sha256sum reads the checksums as they stand in the commit.
func TestChecksumsOfATool(t *testing.T) {
	sha256sum, err := exec.LookPath("sha256sum")
	if err != nil {
		t.Skip(err)
	}
	r := newRelease(t)
	cmd := exec.CommandContext(t.Context(), sha256sum, "--check", "--strict", filepath.Join(r.root, checksumsFile))
	cmd.Dir = r.out
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestReleaseNotes(t *testing.T) {
	r := newRelease(t)
	if out, err := r.script(t, "", "notes.sh", "1.2.3"); err == nil {
		t.Errorf("a release without a changelog: %s", out)
	}
	for name, text := range map[string]string{"a.md": "# Enhancement: faster\n\nBy far.\n", "b.md": "# Security: safer\n\nBy far, too.\n"} {
		write(t, filepath.Join(r.root, "changelog", "1.2.3", name), text)
	}
	out, err := r.script(t, "", "notes.sh", "1.2.3")
	if err != nil || !strings.HasPrefix(out, "### Security: safer\n\nBy far, too.\n\n### Enhancement: faster\n") || !strings.Contains(out, "gh attestation verify") {
		t.Errorf("%v\n%s", err, out)
	}
}

// The images of a version are made from its archives, once for each machine, and then under all of its names.
func TestReleaseImages(t *testing.T) {
	if _, err := os.Stat("/etc/ssl/certs/ca-certificates.crt"); err != nil {
		t.Skip(err)
	}
	r := newRelease(t)
	write(t, filepath.Join(r.root, "trifecta"), "a program\n")
	write(t, filepath.Join(r.root, "dist", "release", ".keep"), "")
	pack := exec.CommandContext(t.Context(), "tar", "-czf", filepath.Join("dist", "release", "trifecta_1.2.3_linux_arm64.tar.gz"), "trifecta")
	pack.Dir = r.root
	if out, err := pack.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	path := t.TempDir()
	if err := os.WriteFile(filepath.Join(path, "docker"), []byte("#!/bin/sh\necho docker \"$@\"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TRIFECTA_IMAGES", "registry.example/trifecta")
	built := func(target, name string) string {
		name = "registry.example/trifecta:1.2.3" + name + "-arm64"
		return "docker build --platform linux/arm64 --build-arg BINARY=given --target " + target + " --tag " + name + " ROOT\ndocker push " + name + "\n"
	}
	one := func(tags ...string) string {
		line := "docker buildx imagetools create"
		for _, tag := range tags {
			line += " --tag registry.example/trifecta:" + tag
		}
		return line + " registry.example/trifecta:" + tags[0] + "-amd64 registry.example/trifecta:" + tags[0] + "-arm64\n"
	}
	for _, test := range []struct {
		args []string
		want string
	}{
		{[]string{"images.sh", "build", "1.2.3", "arm64"}, built("scan", "") + built("ci", "-ci") + built("fix", "-fix")},
		{[]string{"images.sh", "publish", "1.2.3"}, one("1.2.3", "1.2", "1") + one("1.2.3-ci", "1.2-ci", "1-ci") + one("1.2.3-fix", "1.2-fix", "1-fix")},
		{[]string{"images.sh", "publish", "1.3.0-rc.1"}, one("1.3.0-rc.1") + one("1.3.0-rc.1-ci") + one("1.3.0-rc.1-fix")},
	} {
		out, err := r.script(t, path, test.args...)
		resolved, _ := filepath.EvalSymlinks(r.root) // as it is where that fails
		if diff := cmp.Diff(test.want, strings.NewReplacer(resolved, "ROOT", r.root, "ROOT").Replace(out)); err != nil || diff != "" {
			t.Errorf("%v: %v %s", test.args[1:], err, diff)
		}
	}
	if got := read(t, filepath.Join(r.root, "dist", "image", "trifecta")); got != "a program\n" {
		t.Errorf("the image holds %q", got)
	}
	if out, err := r.script(t, path, "images.sh", "publish", "1.2.3 --tag x"); err == nil {
		t.Error(out)
	}
}
