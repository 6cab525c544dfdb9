package calls

import (
	"archive/zip"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trifecta-scanner/trifecta/advisory"
)

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// proxy publishes a module in a folder, as the go command reads one (https://go.dev/ref/mod#goproxy-protocol).
func proxy(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	at := filepath.Join(dir, "registry.example", "vuln", "@v")
	write(t, filepath.Join(at, "list"), "v1.0.0\n")
	write(t, filepath.Join(at, "v1.0.0.info"), `{"Version": "v1.0.0"}`)
	write(t, filepath.Join(at, "v1.0.0.mod"), files["go.mod"])
	f, err := os.Create(filepath.Join(at, "v1.0.0.zip"))
	if err != nil {
		t.Fatal(err)
	}
	z := zip.NewWriter(f)
	for name, text := range files {
		w, err := z.Create("registry.example/vuln@v1.0.0/" + name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

func record(id, path, symbol string) *advisory.Record {
	specific, err := json.Marshal(map[string]any{"imports": []any{map[string]any{"path": path, "symbols": []string{symbol}}}})
	if err != nil {
		panic(err)
	}
	return &advisory.Record{
		ID: id, Modified: "2026-01-01T00:00:00Z", Published: "2026-01-01T00:00:00Z",
		Affected: []advisory.Affected{{
			Package: advisory.Package{Ecosystem: "Go", Name: "registry.example/vuln"}, EcosystemSpecific: specific,
			Ranges: []advisory.Range{{Type: "SEMVER", Events: []advisory.Event{{Introduced: "0"}}}},
		}},
	}
}

func TestAnalyze(t *testing.T) {
	if testing.Short() {
		t.Skip("it runs the go command")
	}
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("there is no go command")
	}
	dir := t.TempDir()
	proxy(t, filepath.Join(dir, "proxy"), map[string]string{
		"go.mod": "module registry.example/vuln\n\ngo 1.21\n",
		"a/a.go": "package a\n\nfunc Bad() {}\n\nfunc Good() {}\n",
		"b/b.go": "package b\n\nfunc Bad() {}\n",
	})
	module := filepath.Join(dir, "app")
	write(t, filepath.Join(module, "go.mod"), "module app\n\ngo 1.21\n\nrequire registry.example/vuln v1.0.0\n")
	write(t, filepath.Join(module, "main.go"), "package main\n\nimport \"registry.example/vuln/a\"\n\nfunc main() { run() }\n\nfunc run() { a.Bad() }\n")
	env := map[string]string{
		"GOPROXY": "file://" + filepath.ToSlash(filepath.Join(dir, "proxy")), "GOSUMDB": "off", "GOMODCACHE": filepath.Join(dir, "modules"), "GOCACHE": filepath.Join(dir, "cache"),
	}
	getenv := func(name string) string {
		if v, ok := env[name]; ok {
			return v
		}
		return os.Getenv(name)
	}
	tidy := exec.CommandContext(t.Context(), "go", "mod", "tidy")
	tidy.Dir, tidy.Env = module, append(environment(Options{Getenv: getenv}), "GOFLAGS=-mod=mod")
	if out, err := tidy.CombinedOutput(); err != nil {
		t.Fatalf("go mod tidy: %v\n%s", err, out)
	}
	t.Cleanup(func() { // the module cache is read-only
		_ = filepath.WalkDir(dir, func(name string, _ os.DirEntry, _ error) error { return os.Chmod(name, 0o755) })
	})
	got, err := Analyze(t.Context(), module, []*advisory.Record{
		record("GO-2026-1", "registry.example/vuln/a", "Bad"), record("GO-2026-2", "registry.example/vuln/a", "Good"), record("GO-2026-3", "registry.example/vuln/b", "Bad"),
		record("GHSA-aaaa-bbbb-cccc", "registry.example/vuln/a", "Bad"),
	}, Options{Getenv: getenv})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]Use{"GO-2026-1": Called, "GO-2026-2": NotCalled, "GO-2026-3": NotImported}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}

	write(t, filepath.Join(module, "main.go"), "package main\n\nfunc main() {")
	if _, err := Analyze(t.Context(), module, []*advisory.Record{record("GO-2026-1", "registry.example/vuln/a", "Bad")}, Options{Offline: true, Getenv: getenv}); err == nil {
		t.Error("code that does not compile has an answer")
	}
}

func TestUses(t *testing.T) {
	for text, want := range map[string]map[string]Use{
		`{"config": {}}`: {},
		`{"finding": {"osv": "GO-1", "trace": [{"module": "m"}]}}{"finding": {"osv": "GO-1", "trace": [{"package": "p", "function": "F"}]}}{"finding": {"osv": "GO-1", "trace": [{"package": "p"}]}}`: {"GO-1": Called},
		`{"finding": {"osv": "GO-1", "trace": []}}`: {},
	} {
		got, err := uses(strings.NewReader(text))
		if err != nil {
			t.Error(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", text, diff)
		}
	}
	if _, err := uses(strings.NewReader("{")); err == nil {
		t.Error("a broken answer is one")
	}
}
