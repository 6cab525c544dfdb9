package ecosystem

import (
	"bytes"
	"os"
	"runtime/debug"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/trifecta-scanner/trifecta/inventory"
)

func TestGoModules(t *testing.T) {
	doc := goModules(&debug.BuildInfo{
		GoVersion: "go1.22.3 X:boringcrypto", Main: debug.Module{Path: "corp.example/tool", Version: "(devel)"},
		Deps: []*debug.Module{
			{Path: "golang.org/x/net", Version: "v0.17.0"},
			{Path: "example.org/old", Version: "v1.0.0", Replace: &debug.Module{Path: "example.org/fork", Version: "v2.1.0+incompatible"}},
			{Path: "example.org/local", Version: "v1.0.0", Replace: &debug.Module{Path: "./local"}},
		},
	}, "usr/bin/tool")
	var got []string
	for _, e := range doc.Entries {
		got = append(got, e.Name+" "+e.Version)
	}
	want := []string{"golang.org/x/net 0.17.0", "example.org/fork 2.1.0+incompatible", "stdlib 1.22.3"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("modules (-want +got):\n%s", diff)
	}
}

// TestGoBinary reads the program that runs this test, in which the go command leaves the version of its toolchain alone.
func TestGoBinary(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.HasPrefix(program, []byte("\x7fELF")) {
		t.Skip("programs of this machine are not in ELF")
	}
	tree, err := inventory.NewSystem(t.Context(), fstest.MapFS{
		"usr/local/bin/tool":   {Data: program},
		"usr/local/bin/broken": {Data: program[:len(program)/2]},
		"usr/bin/script":       {Data: []byte("#!/bin/sh\n")},
	}, inventory.DefaultLimits)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := readGoBinary(t.Context(), tree, "usr/local/bin/tool")
	if err != nil {
		t.Fatal(err)
	}
	if len(doc.Entries) == 0 || doc.Entries[len(doc.Entries)-1].Name != "stdlib" || doc.Entries[len(doc.Entries)-1].Version == "" {
		t.Errorf("read %+v", doc.Entries)
	}
	for _, name := range []string{"usr/local/bin/broken", "usr/bin/script"} {
		if doc, err := readGoBinary(t.Context(), tree, name); err != nil || len(doc.Entries) > 0 {
			t.Errorf("%s: %+v, %v", name, doc, err)
		}
	}
}

func TestIsExecutable(t *testing.T) {
	for name, want := range map[string]bool{
		"usr/local/bin/kubectl": true, "usr/bin/runc": true, "opt/cni/bin/bridge": true, "usr/lib/docker/cli-plugins/docker-compose": true,
		"opt/tool-1.2": true, "app/server.bin": true, "usr/lib/x86_64-linux-gnu/libc.so.6": false, "usr/share/dict/words": false,
		"etc/mime": false, "opt/data.json": false, "root/.bash_history": false,
	} {
		if got := isExecutable(name); got != want {
			t.Errorf("isExecutable(%q) = %v", name, got)
		}
	}
}

func TestOwnedFiles(t *testing.T) {
	tree, err := inventory.NewSystem(t.Context(), fstest.MapFS{
		"var/lib/dpkg/info/a.list": {Data: []byte("/.\n/usr\n/usr/share/java/a.jar\n")},
		"srv/b.list":               {Data: []byte("/srv/b.jar\n")},
		"lib/apk/db/installed":     {Data: []byte("P:c\nV:1\nF:usr/lib/python3/c.dist-info\nR:METADATA\nF:\nR:init\n")},
	}, inventory.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	OwnedFiles(tree, func(path string) { got = append(got, path) })
	want := []string{".", "usr", "usr/share/java/a.jar", "usr/lib/python3/c.dist-info/METADATA", "init"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("owned (-want +got):\n%s", diff)
	}
}

// TestInstalledOnly says what of a root file system is claimed: what is installed, not what was meant to be.
func TestInstalledOnly(t *testing.T) {
	for name, want := range map[string]bool{
		"var/lib/dpkg/status": true, "opt/app/node_modules/a/package.json": true, "opt/app/lib/a.jar": true,
		"usr/local/lib/python3.11/site-packages/a-1.dist-info/METADATA": true, "srv/vendor/composer/installed.json": true, "opt/app/app.deps.json": true,
		"opt/app/package-lock.json": false, "opt/app/requirements.txt": false, "usr/share/doc/a/pom.xml": false, "opt/app/.github/workflows/a.yml": false,
	} {
		got := false
		for _, eco := range All {
			for i := range eco.Formats {
				got = got || eco.Formats[i].Claims(inventory.File{Path: name, Size: 1000}, true)
			}
		}
		if got != want {
			t.Errorf("%s is claimed: %v", name, got)
		}
	}
}
