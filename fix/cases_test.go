package fix_test

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/trifecta-scanner/trifecta/advisory"
	"github.com/trifecta-scanner/trifecta/fix"
	"github.com/trifecta-scanner/trifecta/fix/fixtest"
	"github.com/trifecta-scanner/trifecta/internal/golden"
	"github.com/trifecta-scanner/trifecta/internal/shared"
	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/sbom"
	"github.com/trifecta-scanner/trifecta/scanner"
	"github.com/trifecta-scanner/trifecta/scanner/osv"
)

// A case is a txtar archive below testdata/NAME: a small repository of real packages. It is scanned against the
// advisories that OSV has for them, the changes are planned and written one after the other, and the plan with the
// difference of the files is compared with the .golden file beside it. What registries and programs answered is recorded
// (package fixtest); while recording, the ecosystem's own tool must accept what came out.
//
// Lines "key: value" in the comment of the archive are options: majors, only (a package whose findings alone count).
func runCases(t *testing.T, name string, accept func(t *testing.T, dir string, files map[string]string)) {
	t.Helper()
	archives, err := filepath.Glob(filepath.Join("testdata", name, "*.txtar"))
	if err != nil || len(archives) == 0 {
		t.Fatalf("no cases in testdata/%s (%v)", name, err)
	}
	fixtest.Trim = trim
	db := advisories(t, filepath.Join("testdata", name, "osv.json.gz"))
	for _, archive := range archives {
		base := strings.TrimSuffix(archive, ".txtar")
		t.Run(filepath.Base(base), func(t *testing.T) {
			c := readCase(t, archive)
			got, files := c.run(t, fixtest.Env(t, filepath.Join("testdata", name, "registry.json.gz"), nil), db)
			golden.Check(t, base+".golden", got)
			if fixtest.Recording() && accept != nil && c.changed {
				accept(t, t.TempDir(), files)
				if c.joint != nil {
					accept(t, t.TempDir(), c.joint)
				}
			}
		})
	}
}

type fixCase struct {
	files   map[string]string
	options map[string]string
	changed bool
	joint   map[string]string // the files where making the changes at once makes others of them; nil elsewhere
}

func readCase(t *testing.T, archive string) *fixCase {
	t.Helper()
	data, err := os.ReadFile(archive)
	if err != nil {
		t.Fatal(err)
	}
	a := txtar.Parse(bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n")))
	c := &fixCase{files: map[string]string{}, options: map[string]string{}}
	for line := range strings.Lines(string(a.Comment)) {
		if key, value, ok := strings.Cut(strings.TrimSpace(line), ": "); ok && !strings.Contains(key, " ") {
			c.options[key] = value
		}
	}
	for _, f := range a.Files {
		text := string(f.Data)
		if c.options["lines"] == "crlf" {
			text = strings.ReplaceAll(text, "\n", "\r\n")
		}
		c.files[f.Name] = text
	}
	return c
}

func (c *fixCase) run(t *testing.T, env *fix.Env, db advisory.Database) ([]byte, map[string]string) {
	t.Helper()
	ctx := t.Context()
	tree := fixtest.Tree(t, c.files)
	judge := func(ctx context.Context, tree *inventory.Tree) (*scanner.Result, error) {
		inv, err := inventory.Read(ctx, withPublicIndex(t, tree), sbom.Source{})
		if err != nil {
			return nil, err
		}
		res, err := scanner.Run(ctx, inv, &osv.Scanner{DB: db})
		if only := c.options["only"]; err == nil && only != "" {
			res.Findings = slices.DeleteFunc(res.Findings, func(f scanner.Finding) bool { return !strings.Contains(string(f.Subject), "/"+only+"@") })
		}
		return res, err
	}
	res, err := judge(ctx, tree)
	if err != nil {
		t.Fatal(err)
	}
	before, opts := res, fix.Options{Env: env, Advisories: db, Majors: fix.Majors(c.options["majors"])}
	plan, err := fix.MakePlan(ctx, tree, res, opts)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	fmt.Fprintf(&out, "findings: %d\n", len(res.Findings))
	ws := fix.NewWorkspace(tree)
	for i := range plan.Changes {
		change := &plan.Changes[i]
		after, err := plan.Apply(ctx, ws, change, res, judge)
		if dropped := (*fix.DroppedError)(nil); errors.As(err, &dropped) {
			fmt.Fprintf(&out, "dropped: %s\n  %s: %s\n", change.Title, dropped.Code, dropped.Why)
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		res = after
		fmt.Fprintf(&out, "change: %s\n", change.Title)
		for _, u := range change.Upgrades {
			mark := ""
			if u.Major {
				mark = ", major"
			}
			fmt.Fprintf(&out, "  %s %s -> %s (%s%s)\n", u.Package, u.From, u.To, u.How, mark)
		}
		for _, reason := range change.Reasons {
			fmt.Fprintf(&out, "  because %s\n", reason)
		}
		fmt.Fprintf(&out, "  clears %d\n", len(change.Proof.Cleared))
		if n := len(change.Proof.Unproven); n > 0 {
			fmt.Fprintf(&out, "  unproven: %d: %s\n", n, change.Proof.Unproven[0].Why)
		}
	}
	unfixed := map[string]int{}
	for _, u := range plan.Unfixed {
		unfixed[fmt.Sprintf("unfixed: %s\n  %s: %s\n", u.Subject, u.Code, u.Why)]++
	}
	for _, text := range slices.Sorted(maps.Keys(unfixed)) {
		fmt.Fprintf(&out, "%s  so stay: %d\n", text, unfixed[text])
	}
	for _, n := range plan.Notices {
		fmt.Fprintf(&out, "notice: %s: %s\n", n.Code, n.Message)
	}
	fmt.Fprintf(&out, "findings: %d\n", len(res.Findings))
	files := maps.Clone(c.files)
	for _, name := range ws.Changed() {
		data, err := ws.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&out, "--- %s\n%s", name, difference(files[name], string(data)))
		files[name] = string(data)
		c.changed = true
	}
	c.commit(t, ws, files)
	joint := fixtest.Together(t, tree, before, opts, judge, res)
	for _, name := range joint.Changed() {
		data, err := joint.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if string(data) != files[name] {
			fmt.Fprintf(&out, "--- %s, made together\n%s", name, difference(files[name], string(data)))
			if c.joint == nil {
				c.joint = maps.Clone(files)
			}
			c.joint[name] = string(data)
		}
	}
	return out.Bytes(), files
}

// commit writes the changes into a folder that holds the case and looks whether it then holds what the workspace does.
func (c *fixCase) commit(t *testing.T, ws *fix.Workspace, want map[string]string) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range c.files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	if err := ws.Commit(root); err != nil {
		t.Fatal(err)
	}
	for name, text := range want {
		got, err := root.ReadFile(name)
		if err != nil || string(got) != text {
			t.Errorf("%s is not what was to be written (%v)", name, err)
		}
	}
}

// withPublicIndex returns the tree as a scan sees it in real life: with the packages of lock files from the public index,
// for which the stand-in of the recordings stands.
func withPublicIndex(t *testing.T, tree *inventory.Tree) *inventory.Tree {
	t.Helper()
	files := map[string]string{}
	for _, f := range tree.Files() {
		data, err := tree.ReadFile(f.Path)
		if err != nil {
			t.Fatal(err)
		}
		files[f.Path] = strings.ReplaceAll(string(data), "//pypi.registry.example/", "//pypi"+".org/")
	}
	return fixtest.Tree(t, files)
}

// difference returns the lines that differ, by the longest common subsequence.
func difference(before, after string) string {
	a, b := strings.SplitAfter(before, "\n"), strings.SplitAfter(after, "\n")
	start := 0
	for start < min(len(a), len(b)) && a[start] == b[start] {
		start++
	}
	endA, endB := len(a), len(b)
	for endA > start && endB > start && a[endA-1] == b[endB-1] {
		endA, endB = endA-1, endB-1
	}
	x, y := a[start:endA], b[start:endB]
	longest := make([][]int32, len(x)+1)
	for i := range longest {
		longest[i] = make([]int32, len(y)+1)
	}
	for i := len(x) - 1; i >= 0; i-- {
		for j := len(y) - 1; j >= 0; j-- {
			longest[i][j] = max(longest[i+1][j], longest[i][j+1])
			if x[i] == y[j] {
				longest[i][j] = longest[i+1][j+1] + 1
			}
		}
	}
	var out strings.Builder
	write := func(sign string, line string) {
		text := strings.TrimSuffix(line, "\n")
		if strings.HasSuffix(text, "\r") {
			text = strings.TrimSuffix(text, "\r") + "␍"
		}
		out.WriteString(sign + text + "\n")
	}
	for i, j := 0, 0; i < len(x) || j < len(y); {
		switch {
		case i < len(x) && j < len(y) && x[i] == y[j]:
			i, j = i+1, j+1
		case i < len(x) && (j == len(y) || longest[i+1][j] >= longest[i][j+1]):
			write("-", x[i])
			i++
		default:
			write("+", y[j])
			j++
		}
	}
	return out.String()
}

// recordedOSV is a database of the advisories that a case asked for. While recording it asks the shared copy of OSV.
type recordedOSV struct {
	real    advisory.Database
	raw     map[string]json.RawMessage // by ecosystem and id, while recording
	records []*advisory.Record
}

func (r *recordedOSV) Match(ctx context.Context, queries []advisory.Query) ([][]*advisory.Record, []inventory.Notice, error) {
	if r.real != nil {
		found, notices, err := r.real.Match(ctx, queries)
		for i, list := range found {
			for _, record := range list {
				r.raw[queries[i].Ecosystem+"/"+record.ID] = nil
			}
		}
		return found, notices, err
	}
	found := make([][]*advisory.Record, len(queries))
	for i, q := range queries {
		for _, record := range r.records {
			if record.Affects(q) {
				found[i] = append(found[i], record)
			}
		}
	}
	return found, nil, nil
}

func (r *recordedOSV) Info() advisory.Info { return advisory.Info{} }
func (r *recordedOSV) Close() error        { return nil }

func advisories(t *testing.T, file string) *recordedOSV {
	t.Helper()
	if fixtest.Recording() {
		dir := filepath.Join(shared.Dir(t), "osv")
		real, err := advisory.Open(t.Context(), dir)
		if err != nil {
			t.Fatal(err)
		}
		r := &recordedOSV{real: real, raw: map[string]json.RawMessage{}}
		t.Cleanup(func() { r.save(t, dir, file) })
		return r
	}
	r := &recordedOSV{}
	unzipJSON(t, file, &r.records)
	return r
}

func unzipJSON(t *testing.T, file string, into any) {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err == nil {
		err = json.NewDecoder(z).Decode(into)
	}
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
}

// trim shortens what registries answer to what is read of it, so that the recordings stay small.
func trim(address string, body []byte) []byte {
	if strings.HasSuffix(address, ".whl") {
		return body // its digest is checked
	}
	if strings.HasSuffix(address, ".metadata") {
		header, _, _ := bytes.Cut(body, []byte("\n\n"))
		var kept []byte
		for line := range bytes.Lines(header) {
			for _, field := range []string{"Name:", "Version:", "Summary:", "Requires-Python:", "Requires-Dist:", "Provides-Extra:"} {
				if bytes.HasPrefix(line, []byte(field)) {
					kept = append(kept, line...)
				}
			}
		}
		return append(kept, '\n')
	}
	if !strings.Contains(address, "/simple/") {
		return body
	}
	var page struct {
		Files []map[string]any `json:"files"`
	}
	if json.Unmarshal(body, &page) != nil {
		return body
	}
	rare := []string{"musllinux", "pypy", "-pp3", "win32", "ppc64le", "s390x", "i686", "armv7", "riscv64", "macosx", "win_a", "aarch64", ".egg", ".exe", ".rpm", ".msi", "-cp2", "-cp36", "-cp37-cp37m", "-cp38-cp38"}
	page.Files = slices.DeleteFunc(page.Files, func(f map[string]any) bool {
		name := f["filename"].(string)
		for key := range f {
			if !slices.Contains([]string{"filename", "url", "hashes", "requires-python", "size", "upload-time", "yanked"}, key) {
				delete(f, key)
			}
		}
		return slices.ContainsFunc(rare, func(part string) bool { return strings.Contains(name, part) })
	})
	short, err := json.Marshal(page)
	if err != nil {
		return body
	}
	return short
}

// save writes the records that were found, without what no plan looks at.
func (r *recordedOSV) save(t *testing.T, dir, file string) {
	zips := map[string]*zip.ReadCloser{}
	var all []map[string]any
	if _, err := os.Stat(file); err == nil {
		unzipJSON(t, file, &all)
	}
	had := map[any]bool{}
	for _, record := range all {
		had[record["id"]] = true
	}
	for _, key := range slices.Sorted(maps.Keys(r.raw)) {
		eco, id, _ := strings.Cut(key, "/")
		if had[id] {
			continue
		}
		z := zips[eco]
		if z == nil {
			var err error
			if z, err = zip.OpenReader(filepath.Join(dir, eco, "all.zip")); err != nil {
				t.Fatal(err)
			}
			defer z.Close()
			zips[eco] = z
		}
		data, err := fs.ReadFile(z, id+".json")
		if err != nil {
			t.Fatal(err)
		}
		var record map[string]any
		if err := json.Unmarshal(data, &record); err != nil {
			t.Fatal(err)
		}
		delete(record, "details")
		delete(record, "credits")
		record["affected"] = slices.DeleteFunc(record["affected"].([]any), func(a any) bool {
			return a.(map[string]any)["package"].(map[string]any)["ecosystem"] != eco
		})
		all = append(all, record)
	}
	var buf bytes.Buffer
	z := gzip.NewWriter(&buf)
	if err := errors.Join(json.NewEncoder(z).Encode(all), z.Close(), os.WriteFile(file, buf.Bytes(), 0o644)); err != nil {
		t.Fatal(err)
	}
}

// unpack writes the files of a case into a folder, with the real names of the registries.
func unpack(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	var pairs []string
	for _, pair := range strings.Fields(os.Getenv("TRIFECTA_REGISTRIES")) {
		name, host, _ := strings.Cut(pair, "=")
		pairs = append(pairs, name, host)
	}
	names := strings.NewReplacer(pairs...)
	for name, text := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(names.Replace(text)), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
}

// TestCasesTable writes docs/fixes-cases.md from the cases and what came of them.
func TestCasesTable(t *testing.T) {
	var out bytes.Buffer
	out.WriteString("# Cases of fixes\n\nGenerated from `fix/testdata` by `go test ./fix -run TestCasesTable -update`. Each case is a small repository of real packages. What the\n" +
		"registries and programs answered is recorded; while recording, the ecosystem's own tool has to accept every file that was changed,\nor the recording fails.\n")
	for _, m := range []struct{ folder, title, accepted string }{
		{"cases/npm", "npm", "`npm ci --ignore-scripts`"},
		{"cases/pnpm", "pnpm", "`pnpm install --frozen-lockfile --ignore-scripts`"},
		{"cases/yarn-classic", "Yarn 1", "`yarn install --frozen-lockfile --ignore-scripts`"},
		{"cases/yarn-berry", "Yarn 3 and 4", "`yarn install --immutable --mode=skip-build`"},
		{"cases/bun", "bun", "`bun install --frozen-lockfile --ignore-scripts`"},
		{"cases/go", "Go", "`go mod verify` and `go build ./...`"},
		{"pip", "pip", "`pip install --dry-run`, with `--require-hashes` where there are hashes"},
		{"poetry", "Poetry", "`poetry check --lock` and `poetry install --dry-run`"},
		{"uv", "uv", "`uv lock --check`"},
		{"pyproject", "pyproject.toml without a lock file", "`uv lock`, for Poetry's own tables by `poetry check`"},
		{"cargo", "Cargo", "`cargo metadata --locked`"},
		{"maven", "Maven", "`mvn validate dependency:list`, and `mvn -o validate` after it"},
	} {
		fmt.Fprintf(&out, "\n## %s\n\nAccepted by %s.\n\n| case | what it is | outcome | accepted |\n| --- | --- | --- | --- |\n", m.title, m.accepted)
		archives, err := filepath.Glob(filepath.Join("testdata", m.folder, "*.txtar"))
		if err != nil {
			t.Fatal(err)
		}
		for _, archive := range archives {
			base := strings.TrimSuffix(archive, ".txtar")
			text, err := os.ReadFile(archive)
			if err != nil {
				t.Fatal(err)
			}
			what, _, _ := strings.Cut(string(text), "\n")
			result, err := os.ReadFile(base + ".golden")
			if err != nil {
				t.Fatal(err)
			}
			outcome, accepted := outcomeOf(string(result))
			if strings.HasPrefix(m.folder, "cases/") {
				outcome, accepted = outcomeOfCase(string(result))
			}
			fmt.Fprintf(&out, "| %s | %s | %s | %s |\n", filepath.Base(base), strings.TrimSuffix(strings.TrimSpace(what), "."), outcome, accepted)
		}
	}
	golden.Check(t, filepath.Join("..", "docs", "fixes-cases.md"), out.Bytes())
}

// outcomeOf says in one cell what a golden file says.
func outcomeOf(result string) (outcome, accepted string) {
	var parts []string
	add := func(part string) {
		if !slices.Contains(parts, part) {
			parts = append(parts, part)
		}
	}
	accepted = "-"
	before := ""
	for line := range strings.Lines(result) {
		line = strings.TrimSuffix(line, "\n")
		switch {
		case strings.HasPrefix(line, "--- "):
			accepted = "yes"
		case strings.HasPrefix(before, "dropped: "):
			_, why, _ := strings.Cut(strings.TrimSpace(line), ": ")
			if len(why) > 120 {
				why = why[:120] + "…"
			}
			add("not possible: " + why)
		case strings.HasPrefix(before, "unfixed: "):
			_, why, _ := strings.Cut(strings.TrimSpace(line), ": ")
			add("stays: " + why)
		case strings.HasPrefix(line, "  ") && strings.Contains(line, " -> ") && !strings.HasPrefix(line, "  because"):
			add(strings.TrimSpace(strings.ReplaceAll(line, "->", "to")))
		}
		before = line
		if accepted == "yes" {
			break // the difference follows
		}
	}
	if len(parts) == 0 {
		return "nothing to do", accepted
	}
	return strings.ReplaceAll(strings.Join(parts, "; "), "|", "\\|"), accepted
}

// outcomeOfCase says in one cell what a golden file of fixtest.Case says.
func outcomeOfCase(result string) (outcome, accepted string) {
	var parts []string
	accepted = "-"
	before := ""
	for line := range strings.Lines(result) {
		line = strings.TrimSuffix(line, "\n")
		text, _, _ := strings.Cut(line, " (")
		switch {
		case strings.HasPrefix(line, "written: "):
			parts = append(parts, strings.TrimPrefix(text, "written: "))
		case strings.HasPrefix(line, "dropped: ") && !strings.HasSuffix(line, "gone already"):
			parts = append(parts, "dropped: "+strings.TrimPrefix(text, "dropped: "))
		case strings.HasPrefix(line, "      ") && strings.HasPrefix(before, "  ") && !strings.HasPrefix(before, "   ") && !slices.Contains(parts, "stays: "+strings.TrimSpace(line)):
			parts = append(parts, "stays: "+strings.TrimSpace(line))
		case strings.HasPrefix(line, "accepted: "):
			accepted = strings.TrimPrefix(line, "accepted: ")
		}
		before = line
	}
	if len(parts) == 0 {
		return "nothing to do", accepted
	}
	return strings.ReplaceAll(strings.Join(parts, "; "), "|", "\\|"), accepted
}
