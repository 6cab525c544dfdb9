package fix

import (
	"cmp"
	"os"
	"path/filepath"
	"strings"

	"github.com/pelletier/go-toml/v2"
)

// behindRustup returns the program that rustup would start under a name, or the one found where that is no proxy of
// rustup's. The proxy chooses by the home of its user and by files of the folder that it runs in, of which a contained run
// has neither, so that the operator's default toolchain is taken here
// (https://rust-lang.github.io/rustup/concepts/proxies.html).
func (c *Contained) behindRustup(found string) string {
	real, err := filepath.EvalSymlinks(found)
	if err != nil || strings.TrimSuffix(filepath.Base(real), ".exe") != "rustup" && !sameSizeAsRustup(found) {
		return found
	}
	home := cmp.Or(c.Getenv("RUSTUP_HOME"), filepath.Join(cmp.Or(c.Getenv("HOME"), c.Getenv("USERPROFILE")), ".rustup"))
	toolchain := c.Getenv("RUSTUP_TOOLCHAIN")
	if toolchain == "" {
		data, err := os.ReadFile(filepath.Join(home, "settings.toml"))
		if err != nil {
			return found
		}
		var settings struct {
			Default string `toml:"default_toolchain"`
		}
		if toml.Unmarshal(data, &settings) != nil {
			return found
		}
		toolchain = settings.Default
	}
	if toolchain == "" || toolchain != filepath.Base(toolchain) {
		return found
	}
	behind := filepath.Join(home, "toolchains", toolchain, "bin", filepath.Base(found))
	if info, err := os.Stat(behind); filepath.IsAbs(behind) && err == nil && info.Mode().IsRegular() {
		return behind
	}
	return found
}

// sameSizeAsRustup reports whether a program is a copy of, or a hard link to, the rustup beside it, which is how it makes
// its proxies where it makes no links.
func sameSizeAsRustup(program string) bool {
	own, err := os.Stat(program)
	if err != nil {
		return false
	}
	rustup, err := os.Stat(filepath.Join(filepath.Dir(program), "rustup"+filepath.Ext(program)))
	return err == nil && rustup.Size() == own.Size()
}
