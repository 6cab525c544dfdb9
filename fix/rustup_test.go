package fix

import (
	"os"
	"path/filepath"
	"testing"
)

func TestBehindRustup(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	write := func(name, text string) string {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o755); err != nil { //nolint:gosec // it stands for a program
			t.Fatal(err)
		}
		return path
	}
	write("cargo/bin/rustup", "the proxy")
	copied := write("cargo/bin/cargo", "the proxy")
	other := write("usr/bin/cargo", "a distribution's own")
	linked := filepath.Join(dir, "cargo", "bin", "rustc")
	if err := os.Symlink("rustup", linked); err != nil {
		t.Skip("no links here")
	}
	stable := write("rustup/toolchains/stable-x/bin/cargo", "real")
	rustc := write("rustup/toolchains/stable-x/bin/rustc", "real")
	beta := write("rustup/toolchains/beta-x/bin/cargo", "real")
	write("rustup/settings.toml", "version = \"12\"\ndefault_toolchain = \"stable-x\"\n")
	home := map[string]string{"RUSTUP_HOME": filepath.Join(dir, "rustup")}
	for _, test := range []struct {
		name, found, toolchain, want string
	}{
		{"a copy", copied, "", stable},
		{"a link", linked, "", rustc},
		{"the operator's choice", copied, "beta-x", beta},
		{"a toolchain that is a path", copied, "../../usr", copied},
		{"a toolchain that is not there", copied, "nightly-x", copied},
		{"no proxy", other, "", other},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := &Contained{Getenv: func(name string) string {
				if name == "RUSTUP_TOOLCHAIN" {
					return test.toolchain
				}
				return home[name]
			}}
			if got := c.behindRustup(test.found); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}
