package fix_test

import (
	"os"
	"os/exec"
	"path"
	"testing"
)

func TestUVCases(t *testing.T) {
	runCases(t, "uv", func(t *testing.T, dir string, files map[string]string) {
		unpack(t, dir, files)
		for name := range files {
			if path.Base(name) != "uv.lock" {
				continue
			}
			cmd := exec.Command("uv", "lock", "--check", "--no-build", "--no-config")
			cmd.Dir = path.Join(dir, path.Dir(name))
			cmd.Env = append(os.Environ(), "UV_SYSTEM_CERTS=1", "UV_NATIVE_TLS=1")
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("uv does not accept %s: %v\n%s", name, err, out)
			}
		}
	})
}
