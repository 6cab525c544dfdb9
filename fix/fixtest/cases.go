package fixtest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/trifecta-scanner/trifecta/advisory"
	"github.com/trifecta-scanner/trifecta/fix"
	"github.com/trifecta-scanner/trifecta/internal/git"
	"github.com/trifecta-scanner/trifecta/internal/golden"
	"github.com/trifecta-scanner/trifecta/internal/shared"
	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/sbom"
	"github.com/trifecta-scanner/trifecta/scanner"
	"github.com/trifecta-scanner/trifecta/scanner/osv"
)

// Outcome is what came of one case.
type Outcome struct {
	Name     string
	Sentence string // the first line of the case: what it is about
	Plan     *fix.Plan
	Dropped  []string // changes that the proof did not bear out, with the reason
	Accepted string   // yes, no with what the program said, or - where nothing changed
	Before   int      // findings
	After    int
}

// Case runs one case of testdata: NAME.txtar holds a sentence about it and the files of a repository; NAME.golden gets
// the plan, the patch of all changes written one after the other, the proof, and whether the ecosystem's own program
// accepts the lock file that came of it. NAME.json.gz holds what registries, programs and the advisory database said.
//
// accept returns the commands that judge the changed workspace, given the folder of a project; nil leaves it at the proof.
func Case(t *testing.T, file string, opts fix.Options, accept func(ws *fix.Workspace) []fix.Command) Outcome {
	t.Helper()
	archive, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, f := range archive.Files {
		files[f.Name] = string(f.Data)
	}
	stem := strings.TrimSuffix(file, ".txtar")
	out := Outcome{Name: filepath.Base(stem)}
	out.Sentence, _, _ = strings.Cut(string(archive.Comment), "\n")
	tree := Tree(t, files)
	tp := load(t, stem+".json.gz")
	tp.whole = true
	opts.Env = env(tp, nil)
	opts.Advisories = database{tp}
	judge := Judge(opts.Advisories)

	ctx := t.Context()
	before, err := judge(ctx, tree)
	if err != nil {
		t.Fatal(err)
	}
	if out.Plan, err = fix.MakePlan(ctx, tree, before, opts); err != nil {
		t.Fatal(err)
	}
	var got bytes.Buffer
	fmt.Fprintf(&got, "%s\n\n", out.Sentence)
	if err := out.Plan.WriteText(&got); err != nil {
		t.Fatal(err)
	}
	ws := fix.NewWorkspace(tree)
	after := before
	for i := range out.Plan.Changes {
		c := &out.Plan.Changes[i]
		next, err := out.Plan.Apply(ctx, ws, c, after, judge)
		var dropped *fix.DroppedError
		switch {
		case errors.As(err, &dropped):
			out.Dropped = append(out.Dropped, dropped.Error())
			fmt.Fprintf(&got, "\ndropped: %s\n", dropped)
		case err != nil:
			t.Fatal(err)
		default:
			after = next
			fmt.Fprintf(&got, "\nwritten: %s (%d findings before, %d after)\n", c.Title, c.Proof.Before, c.Proof.After)
		}
	}
	out.Before, out.After = len(before.Findings), len(after.Findings)
	fmt.Fprintln(&got)
	apart := patch(t, ws)
	got.Write(apart)
	changed := len(ws.Changed()) > 0
	workspaces := []*fix.Workspace{ws}
	if joint := Together(t, tree, before, opts, judge, after); !bytes.Equal(patch(t, joint), apart) {
		fmt.Fprintf(&got, "\ntogether:\n%s", patch(t, joint))
		workspaces = append(workspaces, joint)
	}
	out.Accepted = "-"
	if accept != nil && changed {
		out.Accepted = "yes"
		for _, ws := range workspaces {
			for _, cmd := range accept(ws) {
				if _, err := opts.Env.Runner.Run(ctx, ws.Clone(), cmd); err != nil {
					var failed *fix.ToolError
					if !errors.As(err, &failed) {
						t.Fatal(err)
					}
					out.Accepted = "no: " + failed.Error()
				}
			}
		}
		fmt.Fprintf(&got, "\naccepted: %s\n", out.Accepted)
	}
	golden.Check(t, stem+".golden", got.Bytes())
	return out
}

// Together makes the changes of a fresh plan at once, and fails the test where that leaves more findings than making them
// one after the other did, or anything that those did not leave.
func Together(t *testing.T, tree *inventory.Tree, before *scanner.Result, opts fix.Options, judge fix.Judge, apart *scanner.Result) *fix.Workspace {
	t.Helper()
	plan, err := fix.MakePlan(t.Context(), tree, before, opts)
	if err != nil {
		t.Fatal(err)
	}
	ws := fix.NewWorkspace(tree)
	after, err := plan.ApplyAll(t.Context(), ws, before, judge)
	if err != nil {
		t.Fatal(err)
	}
	left := map[string]bool{}
	for i := range apart.Findings {
		left[apart.Findings[i].Fingerprint] = true
	}
	for i := range after.Findings {
		if f := &after.Findings[i]; !left[f.Fingerprint] {
			t.Errorf("made together, the changes leave %s in %s", f.RuleID, f.Subject)
		}
	}
	cleared := 0
	for i := range plan.Changes {
		cleared += len(plan.Changes[i].Proof.Cleared)
	}
	if cleared != len(before.Findings)-len(after.Findings) {
		t.Errorf("the proofs speak of %d cleared findings, of %d before %d are left", cleared, len(before.Findings), len(after.Findings))
	}
	return ws
}

// patch returns what a workspace changes.
func patch(t *testing.T, ws *fix.Workspace) []byte {
	t.Helper()
	var changes []git.FileChange
	for _, name := range ws.Changed() {
		was, _ := ws.Tree().ReadFile(name) // a new file was not there
		is, err := ws.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		changes = append(changes, git.FileChange{Path: name, Before: was, After: is})
	}
	var buf bytes.Buffer
	if err := git.WritePatch(&buf, "", changes); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// Cases lists the cases of a folder.
func Cases(t *testing.T, dir string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.txtar"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases in %s: %v", dir, err)
	}
	return files
}

// Judge returns the scan of packages by a database.
func Judge(db advisory.Database) fix.Judge {
	return func(ctx context.Context, tree *inventory.Tree) (*scanner.Result, error) {
		inv, err := inventory.Read(ctx, tree, sbom.Source{})
		if err != nil {
			return nil, err
		}
		return scanner.Run(ctx, inv, &osv.Scanner{DB: db})
	}
}

// database answers what was recorded of a real advisory database.
type database struct{ tape *tape }

func (d database) Match(ctx context.Context, queries []advisory.Query) ([][]*advisory.Record, []inventory.Notice, error) {
	found := make([][]*advisory.Record, len(queries))
	var missing []advisory.Query
	var at []int
	d.tape.mu.Lock()
	for i, q := range queries {
		ids, ok := d.tape.matches[queryKey(q)]
		d.tape.use(queryKey(q))
		if !ok {
			missing, at = append(missing, q), append(at, i)
			continue
		}
		for _, id := range ids {
			found[i] = append(found[i], d.tape.records[id])
		}
	}
	d.tape.mu.Unlock()
	if len(missing) == 0 {
		return found, nil, nil
	}
	if !*record {
		return nil, nil, fmt.Errorf("what is known of %s %s was not recorded; run the test with -record", missing[0].Name, missing[0].Version)
	}
	db, err := d.tape.database(ctx)
	if err != nil {
		return nil, nil, err
	}
	matches, _, err := db.Match(ctx, missing)
	if err != nil {
		return nil, nil, err
	}
	d.tape.mu.Lock()
	defer d.tape.mu.Unlock()
	for i, records := range matches {
		ids := []string{}
		for _, r := range records {
			ids = append(ids, r.ID)
			if d.tape.records[r.ID] == nil {
				d.tape.records[r.ID] = short(r)
			}
			found[at[i]] = append(found[at[i]], d.tape.records[r.ID])
		}
		d.tape.matches[queryKey(missing[i])] = ids
	}
	return found, nil, nil
}

func (database) Info() advisory.Info { return advisory.Info{Source: "recorded"} }
func (database) Close() error        { return nil }

func queryKey(q advisory.Query) string {
	return strings.Join([]string{q.Ecosystem, q.Name, q.Version, q.Commit}, "\x00")
}

// short leaves out of a record what no decision rests on.
func short(r *advisory.Record) *advisory.Record {
	text, err := json.Marshal(r)
	if err != nil {
		return r
	}
	c := new(advisory.Record)
	if json.Unmarshal(text, c) != nil {
		return r
	}
	c.Details, c.References, c.DatabaseSpecific = "", nil, nil
	for i := range c.Affected {
		c.Affected[i].DatabaseSpecific, c.Affected[i].EcosystemSpecific = nil, nil
		for j := range c.Affected[i].Ranges {
			c.Affected[i].Ranges[j].Repo = ""
		}
	}
	return c
}

// database opens the real one, which stands beside the checkout.
func (tp *tape) database(ctx context.Context) (advisory.Database, error) {
	if tp.db != nil {
		return tp.db, nil
	}
	dir := os.Getenv("TRIFECTA_DB")
	if dir == "" {
		dir = filepath.Join(shared.Dir(tp.t), "osv")
	}
	db, err := advisory.Open(ctx, dir)
	if err != nil {
		return nil, err
	}
	tp.db = db
	tp.t.Cleanup(func() { _ = db.Close() }) // it was only read
	return db, nil
}
