package golden

import (
	"os"
	"path/filepath"
	"testing"
)

// recorder is a testing.TB that remembers failures instead of failing.
type recorder struct {
	testing.TB
	failed bool
}

func (r *recorder) Helper()               {}
func (r *recorder) Errorf(string, ...any) { r.failed = true }
func (r *recorder) Fatalf(string, ...any) { r.failed = true; panic(r) }

func failed(t *testing.T, path string, got string) bool {
	t.Helper()
	r := &recorder{TB: t}
	func() {
		defer func() {
			if p := recover(); p != nil && p != any(r) {
				panic(p)
			}
		}()
		Check(r, path, []byte(got))
	}()
	return r.failed
}

func TestCheck(t *testing.T) {
	if Update() {
		t.Skip("files are being rewritten")
	}
	path := filepath.Join(t.TempDir(), "want.txt")
	if !failed(t, path, "a\n") {
		t.Error("a missing file passed")
	}
	if err := os.WriteFile(path, []byte("a\r\nb\r\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if failed(t, path, "a\nb\n") {
		t.Error("equal content failed")
	}
	if !failed(t, path, "a\nc\n") {
		t.Error("other content passed")
	}
}
