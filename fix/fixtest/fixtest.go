// Package fixtest lets tests of fixes ask real registries and run real package managers once, and replays the answers
// ever after: without internet, without the programs, and without the clock.
//
//	go test ./fix -run TestNPM -record
//
// asks and runs, and writes what came of it beside the test. What is recorded knows registries by stand-in names such
// as npm.registry.example; which real host stands behind each is said in the environment while recording:
//
//	TRIFECTA_REGISTRIES="npm.registry.example=HOST go.registry.example=HOST"
//
// The stand-ins are put in place of the real names in everything that comes back, and the other way round in what goes
// out, so that files of test data, requests and lock files all speak of the stand-ins.
package fixtest

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"
	"unicode/utf8"

	"github.com/trifecta-scanner/trifecta/advisory"
	"github.com/trifecta-scanner/trifecta/fix"
	"github.com/trifecta-scanner/trifecta/internal/web"
	"github.com/trifecta-scanner/trifecta/inventory"
)

var record = flag.Bool("record", false, "ask real registries, run real programs and write down what came of it")

// Recording reports whether the test asks and runs instead of replaying.
func Recording() bool { return *record }

// Registries are the stand-in addresses that tests give to managers, by the name of the manager.
var Registries = map[string]string{
	"NPM_CONFIG_REGISTRY": "https://npm.registry.example/",
	"GOPROXY":             "https://go.registry.example",
	"PIP_INDEX_URL":       "https://pypi.registry.example/simple",
	"UV_DEFAULT_INDEX":    "https://pypi.registry.example/simple",
	"MAVEN_MIRROR_URL":    "https://maven.registry.example/maven2",
	"CARGO_REGISTRY":      "https://cargo.registry.example/",
}

// Now is the day on which the cases play: what was recorded later would be fresh, or not there at all.
var Now = time.Date(2026, time.November, 24, 12, 0, 0, 0, time.UTC)

// Env returns what a plan has of the world, from the recording file, which is below testdata and ends in .json.gz. Many
// tests may share a file, as long as they run one after the other. more is added to the operator's environment.
func Env(t testing.TB, file string, more map[string]string) *fix.Env {
	t.Helper()
	return env(load(t, file), more)
}

func env(tp *tape, more map[string]string) *fix.Env {
	all := maps.Clone(Registries)
	maps.Copy(all, more)
	return &fix.Env{
		Client: web.New(web.Options{Transport: transport{tp}, Tries: 1}),
		Runner: runner{tp},
		Now:    Now,
		Getenv: func(name string) string { return all[name] },
	}
}

// Trim shortens the body of an answer before it is recorded, by its address; nil leaves it whole. It is given to all tests of
// the process.
var Trim func(address string, body []byte) []byte

// tape is one file of recordings.
type tape struct {
	t    testing.TB
	file string

	mu      sync.Mutex
	answers map[string]answer
	runs    map[string]result
	matches map[string][]string         // ids by query
	records map[string]*advisory.Record // by id
	db      advisory.Database           // the real one, while recording
	names   *strings.Replacer           // stand-ins to hosts
	hosts   *strings.Replacer           // hosts to stand-ins
	real    map[string]string
	whole   bool            // the test uses all of it: what it does not use is not written
	used    map[string]bool // keys
}

func (tp *tape) use(key string) { tp.used[key] = true }

// prune leaves out what the test did not use.
func (tp *tape) prune() {
	if !tp.whole {
		return
	}
	unused := func(key string) bool { return !tp.used[key] }
	maps.DeleteFunc(tp.answers, func(key string, _ answer) bool { return unused(key) })
	maps.DeleteFunc(tp.runs, func(key string, _ result) bool { return unused(key) })
	maps.DeleteFunc(tp.matches, func(key string, _ []string) bool { return unused(key) })
	needed := map[string]bool{}
	for _, ids := range tp.matches {
		for _, id := range ids {
			needed[id] = true
		}
	}
	maps.DeleteFunc(tp.records, func(id string, _ *advisory.Record) bool { return !needed[id] })
}

// answer is one answer of a registry.
type answer struct {
	Status int    `json:"status"`
	Body   string `json:"body,omitempty"`
	Binary []byte `json:"binary,omitempty"` // a body that is no text
}

// result is what came of one run of a program.
type result struct {
	Command string            `json:"command"` // for people
	Output  string            `json:"output,omitempty"`
	Files   map[string]string `json:"files,omitempty"` // what changed
	Failed  *fix.ToolError    `json:"failed,omitempty"`
	Why     string            `json:"why,omitempty"`
}

type recorded struct {
	Answers map[string]answer           `json:"answers"`
	Runs    map[string]result           `json:"runs"`
	Matches map[string][]string         `json:"matches"`
	Records map[string]*advisory.Record `json:"records"`
}

func load(t testing.TB, file string) *tape {
	t.Helper()
	tp := &tape{t: t, file: file, answers: map[string]answer{}, runs: map[string]result{}, matches: map[string][]string{}, records: map[string]*advisory.Record{}, real: map[string]string{}, used: map[string]bool{}}
	var names, hosts []string
	for _, pair := range strings.Fields(os.Getenv("TRIFECTA_REGISTRIES")) {
		name, host, ok := strings.Cut(pair, "=")
		if !ok {
			t.Fatalf("TRIFECTA_REGISTRIES: %q is not NAME=HOST", pair)
		}
		tp.real[name] = host
		names = append(names, name, host)
		hosts = append(hosts, host, name)
	}
	tp.names, tp.hosts = strings.NewReplacer(names...), strings.NewReplacer(hosts...)
	data, err := os.ReadFile(file)
	switch {
	case errors.Is(err, fs.ErrNotExist) && *record:
	case err != nil:
		t.Fatalf("%v; record it with -record", err)
	default:
		r, err := gzip.NewReader(bytes.NewReader(data))
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		var all recorded
		if err := json.NewDecoder(r).Decode(&all); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		maps.Copy(tp.answers, all.Answers)
		maps.Copy(tp.runs, all.Runs)
		maps.Copy(tp.matches, all.Matches)
		maps.Copy(tp.records, all.Records)
	}
	if *record {
		t.Cleanup(tp.save)
	}
	return tp
}

// save writes the recording. Tests that share it add to what is there.
func (tp *tape) save() {
	tp.mu.Lock()
	defer tp.mu.Unlock()
	tp.prune()
	var buf bytes.Buffer
	w := gzip.NewWriter(&buf)
	err := json.NewEncoder(w).Encode(recorded{tp.answers, tp.runs, tp.matches, tp.records}) // maps are written in order of their keys
	if err := errors.Join(err, w.Close(), os.MkdirAll(filepath.Dir(tp.file), 0o755), os.WriteFile(tp.file, buf.Bytes(), 0o644)); err != nil {
		tp.t.Errorf("write %s: %v", tp.file, err)
	}
}

type transport struct{ tape *tape }

func (tr transport) RoundTrip(req *http.Request) (*http.Response, error) {
	key := req.Method + " " + req.URL.String()
	if req.Body != nil {
		body, err := io.ReadAll(req.Body)
		if err != nil {
			return nil, err
		}
		if len(body) > 0 {
			key += " " + digest(body)
		}
		req.Body = io.NopCloser(bytes.NewReader(body))
	}
	tr.tape.mu.Lock()
	a, ok := tr.tape.answers[key]
	tr.tape.use(key)
	tr.tape.mu.Unlock()
	if !ok {
		if !*record {
			return nil, fmt.Errorf("%s was not recorded; run the test with -record", key)
		}
		var err error
		if a, err = tr.ask(req); err != nil {
			return nil, err
		}
		tr.tape.mu.Lock()
		tr.tape.answers[key] = a
		tr.tape.mu.Unlock()
	}
	body := a.Body + string(a.Binary)
	return &http.Response{
		StatusCode: a.Status, Status: http.StatusText(a.Status), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)), Request: req,
	}, nil
}

func (tr transport) ask(req *http.Request) (answer, error) {
	host, ok := tr.tape.real[req.URL.Host]
	if !ok {
		return answer{}, fmt.Errorf("TRIFECTA_REGISTRIES does not say what stands behind %s", req.URL.Host)
	}
	req = req.Clone(req.Context())
	req.URL.Host, req.Host = host, host
	res, err := web.NewTransport().RoundTrip(req)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return answer{}, err
	}
	if Trim != nil && res.StatusCode == http.StatusOK {
		body = Trim(req.URL.String(), body)
	}
	if !utf8.Valid(body) {
		return answer{Status: res.StatusCode, Binary: body}, nil
	}
	return answer{Status: res.StatusCode, Body: tr.tape.hosts.Replace(string(body))}, nil
}

type runner struct{ tape *tape }

// Run replays a run of the same command over the same files.
func (r runner) Run(ctx context.Context, ws *fix.Workspace, cmd fix.Command) ([]byte, error) {
	key, err := keyOf(ws, cmd)
	if err != nil {
		return nil, err
	}
	r.tape.mu.Lock()
	done, ok := r.tape.runs[key]
	r.tape.use(key)
	r.tape.mu.Unlock()
	if !ok {
		if !*record {
			return nil, fmt.Errorf("this run of %s %s was not recorded; run the test with -record", cmd.Program, strings.Join(cmd.Args, " "))
		}
		if done, err = r.run(ctx, ws, cmd); err != nil {
			return nil, err
		}
		r.tape.mu.Lock()
		r.tape.runs[key] = done
		r.tape.mu.Unlock()
	}
	if done.Failed != nil {
		failed := *done.Failed
		failed.Err = errors.New(done.Why)
		return nil, &failed
	}
	for _, name := range slices.Sorted(maps.Keys(done.Files)) {
		if err := ws.WriteFile(name, []byte(done.Files[name])); err != nil {
			return nil, err
		}
	}
	return []byte(done.Output), nil
}

// run runs the command for good, over a workspace in which the real registries have their own names.
func (r runner) run(ctx context.Context, ws *fix.Workspace, cmd fix.Command) (result, error) {
	done := result{Command: cmd.Program + " " + strings.Join(cmd.Args, " "), Files: map[string]string{}}
	files := fstest.MapFS{}
	for _, name := range cmd.Files {
		data, err := ws.ReadFile(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return done, err
		}
		files[name] = &fstest.MapFile{Data: []byte(r.tape.names.Replace(string(data)))}
	}
	tree, err := inventory.NewTree(ctx, files, inventory.Limits{})
	if err != nil {
		return done, err
	}
	scratch := fix.NewWorkspace(tree)
	out, err := Contained(r.tape.t).Run(ctx, scratch, r.tape.behind(cmd))
	var failed *fix.ToolError
	switch {
	case errors.As(err, &failed):
		if failed.Missing {
			return done, err // that of this machine, which is nothing to write down
		}
		done.Failed = &fix.ToolError{Program: failed.Program, Output: r.tape.hosts.Replace(failed.Output)}
		done.Why = fmt.Sprint(failed.Err)
		return done, nil
	case err != nil:
		return done, err
	}
	for _, name := range scratch.Changed() {
		data, err := scratch.ReadFile(name)
		if err != nil {
			return done, err
		}
		done.Files[name] = r.tape.hosts.Replace(string(data))
	}
	done.Output = r.tape.hosts.Replace(string(out))
	return done, nil
}

// behind puts the real hosts into what a command says of registries.
func (tp *tape) behind(cmd fix.Command) fix.Command {
	all := func(list []string) []string {
		list = slices.Clone(list)
		for i := range list {
			list[i] = tp.names.Replace(list[i])
		}
		return list
	}
	texts := func(files map[string]string) map[string]string {
		files = maps.Clone(files)
		for name, text := range files {
			files[name] = tp.names.Replace(text)
		}
		return files
	}
	cmd.Args, cmd.Env = all(cmd.Args), all(cmd.Env)
	cmd.Home, cmd.Extra = texts(cmd.Home), texts(cmd.Extra)
	if cmd.Package != nil {
		known := *cmd.Package
		known.Address = tp.names.Replace(known.Address)
		cmd.Package = &known
	}
	return cmd
}

// Contained returns the runner of real programs, with the environment of this process.
func Contained(t testing.TB) *fix.Contained {
	cache := os.Getenv("TRIFECTA_TOOL_CACHE")
	if cache == "" {
		cache = t.TempDir()
	}
	return &fix.Contained{Getenv: os.Getenv, Cache: cache, Client: web.New(web.Options{})}
}

// keyOf identifies a run by everything that it sees.
func keyOf(ws *fix.Workspace, cmd fix.Command) (string, error) {
	files := map[string]string{}
	for _, name := range cmd.Files {
		data, err := ws.ReadFile(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return "", err
		}
		files[name] = string(data)
	}
	cmd.Reads = nil // where an interpreter is installed is the machine's affair
	text, err := json.Marshal(struct {
		Command fix.Command
		Files   map[string]string
	}{cmd, files})
	if err != nil {
		return "", err
	}
	return cmd.Program + " " + digest(text), nil
}

func digest(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:16])
}

// Tree returns a tree of the files of a txtar archive or a folder's texts, given as path and content.
func Tree(t testing.TB, files map[string]string) *inventory.Tree {
	t.Helper()
	fsys := fstest.MapFS{}
	for name, text := range files {
		fsys[name] = &fstest.MapFile{Data: []byte(text)}
	}
	tree, err := inventory.NewTree(t.Context(), fsys, inventory.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return tree
}
