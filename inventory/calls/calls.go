// Package calls says whether the code of a Go module calls what an advisory speaks of: the call analysis of govulncheck
// (golang.org/x/vuln) over the advisories that a scan has matched.
//
// It loads the module with the go command, which reads the module's files and may fetch its dependencies: this is for trees
// that the user trusts, on request only. What can't be analysed has no answer, and the caller says so.
//
// # Limitations
//
// Calls by reflection, through plugins and in code that other build tags select are not seen. The standard library is left
// out: the analysis would judge the toolchain at hand and not the one that the module names.
package calls

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/vuln/scan"

	"github.com/trifecta-scanner/trifecta/advisory"
)

// Use is the answer for one advisory in one module.
type Use string

// The answers, in the words of a finding.
const (
	Called      Use = "called"       // a call leads to a symbol that the advisory names
	NotCalled   Use = "not-called"   // the package is imported and no call leads there
	NotImported Use = "not-imported" // no package that the advisory names is imported
)

// budget is how long one module may take.
const budget = 5 * time.Minute

// maxOutput bounds what the analysis may print.
const maxOutput = 256 << 20

// Options say how the go command may work.
type Options struct {
	// Offline keeps it from fetching modules: what is not in the module cache has no answer.
	Offline bool
	// Getenv returns a variable of the user's environment; only the few that the go command needs are asked for.
	Getenv func(string) string
}

// passedOn are the variables that the go command may see.
var passedOn = []string{"PATH", "HOME", "GOPATH", "GOMODCACHE", "GOCACHE", "GOPROXY", "GONOSUMDB", "GONOSUMCHECK", "GOSUMDB", "GOPRIVATE", "GOINSECURE", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR", "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY"}

// Analyze returns the uses of the advisories, by the id of the Go vulnerability database (GO-2026-1), in the module whose
// folder is dir. Records of other databases are left out. An id without an answer does not apply, or could not be told.
func Analyze(ctx context.Context, dir string, records []*advisory.Record, opts Options) (map[string]Use, error) {
	db, err := os.MkdirTemp("", "trifecta-calls-")
	if err != nil {
		return nil, fmt.Errorf("make a folder for advisories: %w", err)
	}
	defer func() { _ = os.RemoveAll(db) }() // in the system's temporary folder
	n, err := writeDatabase(db, records)
	if err != nil || n == 0 {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, budget)
	defer cancel()
	var out, errs bytes.Buffer
	cmd := scan.Command(ctx, "-format", "json", "-scan", "symbol", "-db", "file://"+filepath.ToSlash(db), "-C", dir, "./...")
	cmd.Stdout, cmd.Stderr, cmd.Env = &limited{w: &out, left: maxOutput}, &limited{w: &errs, left: 1 << 20}, environment(opts)
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	if err := cmd.Wait(); err != nil {
		line, _, _ := strings.Cut(strings.TrimSpace(errs.String()), "\n")
		return nil, fmt.Errorf("%w %s", err, line)
	}
	return uses(&out)
}

func environment(opts Options) []string {
	env := []string{"GOTOOLCHAIN=local", "CGO_ENABLED=0", "GOFLAGS=-mod=readonly", "GOVCS=*:off", "GOENV=off"}
	if opts.Offline {
		env = append(env, "GOPROXY=off")
	}
	for _, name := range passedOn {
		if value := opts.Getenv(name); value != "" && !(opts.Offline && name == "GOPROXY") {
			env = append(env, name+"="+value)
		}
	}
	return env
}

// limited stops a writer that says too much.
type limited struct {
	w    io.Writer
	left int
}

var errTooMuch = errors.New("the analysis printed too much")

func (l *limited) Write(p []byte) (int, error) {
	if l.left -= len(p); l.left < 0 {
		return 0, errTooMuch
	}
	return l.w.Write(p)
}

// writeDatabase writes records in the layout of the Go vulnerability database (https://go.dev/doc/security/vuln/database#api)
// and returns how many.
func writeDatabase(dir string, records []*advisory.Record) (int, error) {
	type vuln struct {
		ID       string `json:"id"`
		Modified string `json:"modified"`
	}
	modules := map[string][]vuln{}
	newest, n := "2000-01-01T00:00:00Z", 0
	if err := errors.Join(os.Mkdir(filepath.Join(dir, "ID"), 0o700), os.Mkdir(filepath.Join(dir, "index"), 0o700)); err != nil {
		return 0, err
	}
	for _, r := range records {
		if !goID(r.ID) {
			continue
		}
		data, err := json.Marshal(struct {
			SchemaVersion string `json:"schema_version"`
			*advisory.Record
		}{"1.3.1", r})
		if err != nil {
			return 0, err
		}
		if err := os.WriteFile(filepath.Join(dir, "ID", r.ID+".json"), data, 0o600); err != nil {
			return 0, err
		}
		n++
		newest = max(newest, r.Modified)
		for _, a := range r.Affected {
			v := vuln{r.ID, r.Modified}
			if name := a.Package.Name; !slices.Contains(modules[name], v) {
				modules[name] = append(modules[name], v)
			}
		}
	}
	type module struct {
		Path  string `json:"path"`
		Vulns []vuln `json:"vulns"`
	}
	list := []module{}
	for path, vulns := range modules {
		list = append(list, module{path, vulns})
	}
	slices.SortFunc(list, func(a, b module) int { return strings.Compare(a.Path, b.Path) })
	for name, v := range map[string]any{"db": map[string]string{"modified": newest}, "modules": list} {
		data, err := json.Marshal(v)
		if err != nil {
			return 0, err
		}
		if err := os.WriteFile(filepath.Join(dir, "index", name+".json"), data, 0o600); err != nil {
			return 0, err
		}
	}
	return n, nil
}

// goID reports whether an id is one of the Go vulnerability database, which is also safe as the name of a file.
func goID(id string) bool {
	rest, ok := strings.CutPrefix(id, "GO-")
	return ok && strings.Trim(rest, "0123456789-") == ""
}

// message is the part of what govulncheck prints that is asked for
// (https://pkg.go.dev/golang.org/x/vuln/internal/govulncheck).
type message struct {
	Finding *struct {
		OSV   string `json:"osv"`
		Trace []struct {
			Package  string `json:"package"`
			Function string `json:"function"`
		} `json:"trace"`
	} `json:"finding"`
}

// uses reads the findings: the one that leads furthest counts.
func uses(r io.Reader) (map[string]Use, error) {
	found := map[string]Use{}
	rank := []Use{"", NotImported, NotCalled, Called}
	dec := json.NewDecoder(r)
	for {
		var m message
		if err := dec.Decode(&m); errors.Is(err, io.EOF) {
			return found, nil
		} else if err != nil {
			return nil, fmt.Errorf("read the answer of the analysis: %w", err)
		}
		if m.Finding == nil || len(m.Finding.Trace) == 0 {
			continue
		}
		use := NotImported
		switch first := m.Finding.Trace[0]; {
		case first.Function != "":
			use = Called
		case first.Package != "":
			use = NotCalled
		}
		if slices.Index(rank, use) > slices.Index(rank, found[m.Finding.OSV]) {
			found[m.Finding.OSV] = use
		}
	}
}
