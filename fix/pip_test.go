package fix_test

import (
	"os/exec"
	"strings"
	"testing"
)

func TestPipCases(t *testing.T) {
	runCases(t, "pip", func(t *testing.T, dir string, files map[string]string) {
		unpack(t, dir, files)
		for name, text := range files {
			if !strings.HasSuffix(name, ".txt") || strings.Contains(name, "constraints") {
				continue
			}
			args := []string{"-m", "pip", "install", "--dry-run", "--ignore-installed", "--only-binary=:all:", "--quiet", "-r", name}
			if strings.Contains(text, "--hash=") {
				args = append(args, "--require-hashes")
			}
			cmd := exec.Command("python3", args...)
			cmd.Dir = dir
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("pip does not accept %s: %v\n%s\n%s", name, err, out, text)
			}
		}
	})
}
