package fix

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/scanner"
)

// bench is a package manager whose lock files have a line for each package: name, version, and after it what brings it
// in. Versions 1 have a finding each, and so has what is called bad.
type bench struct {
	writes  *atomic.Int32
	brings  map[string]string // a package that a raised one brings in
	takes   map[string]string // a package that goes once another is raised
	quarrel [2]string         // two packages that can't be raised in one run or one after the other
}

func (b *bench) write(_ context.Context, job *Job) error {
	b.writes.Add(1)
	data, err := job.Workspace.ReadFile(job.Project.Path)
	if err != nil {
		return err
	}
	lines := strings.Split(strings.TrimSpace(string(data)), "\n")
	for _, t := range job.Targets {
		if t.To == "broken" {
			lines = []string{"?"}
			break
		}
		for i, line := range lines {
			if strings.HasPrefix(line, t.Package+" "+t.From+" ") {
				lines[i] = t.Package + " " + t.To + " root," + t.Package
			}
		}
		if extra := b.brings[t.Package]; extra != "" {
			lines = append(lines, extra+" 1 root,"+t.Package+","+extra)
		}
	}
	for raised, gone := range b.takes {
		if slices.ContainsFunc(lines, func(line string) bool { return strings.HasPrefix(line, raised+" 2 ") }) {
			lines = slices.DeleteFunc(lines, func(line string) bool { return strings.HasPrefix(line, gone+" ") })
		}
	}
	text := strings.Join(lines, "\n") + "\n"
	if b.quarrel[0] != "" && strings.Contains(text, b.quarrel[0]+" 2 ") && strings.Contains(text, b.quarrel[1]+" 2 ") {
		return errors.New("these do not fit beside each other")
	}
	return job.Workspace.WriteFile(job.Project.Path, []byte(text))
}

func (b *bench) judge(_ context.Context, tree *inventory.Tree) (*scanner.Result, error) {
	res := &scanner.Result{}
	for _, name := range tree.Named("test.lock") {
		data, err := tree.ReadFile(name)
		if err != nil {
			return nil, err
		}
		if string(data) == "?\n" {
			res.Notices = append(res.Notices, inventory.Notice{Code: "unreadable-file", Location: &inventory.Location{Path: name}})
			continue
		}
		for line := range strings.Lines(string(data)) {
			f := strings.Fields(line)
			id, at := inventory.ID(name+" "+f[0]+"@"+f[1]), inventory.Location{Path: name}
			res.Packages = append(res.Packages, inventory.Package{
				ID: id, Name: f[0], Version: f[1],
				Locations: []inventory.PackageLocation{{Location: at, Chain: strings.Split(f[2], ",")}},
			})
			if f[1] == "1" {
				res.Findings = append(res.Findings, scanner.Finding{RuleID: "A-" + f[0], Fingerprint: strings.ReplaceAll(name, "/", " ") + " " + f[0], Subject: id, Location: at})
			}
		}
	}
	slices.SortFunc(res.Packages, func(a, b inventory.Package) int { return strings.Compare(string(a.ID), string(b.ID)) })
	return res, nil
}

// plan has a change for each package of the lock files. One that is named with a colon has its version there.
func (b *bench) plan(t *testing.T, tree *inventory.Tree, before *scanner.Result, to map[string]string) *Plan {
	t.Helper()
	m := &Manager{Name: "test", Ecosystem: "npm", Write: b.write}
	plan := &Plan{registries: registries{env: &Env{}}}
	for _, name := range tree.Named("test.lock") {
		project := &Project{Manager: m, Path: name, Files: []string{name}}
		for _, pkg := range before.Packages {
			if pkg.Locations[0].Path != name || pkg.Version != "1" {
				continue
			}
			version, how := to[pkg.Name], HowLock
			if version == "" {
				version = "2"
			}
			if strings.HasPrefix(pkg.Name, "over") {
				how = HowOverride
			}
			c := NewChange(KindPackage, name, pkg.Name)
			c.Title, c.main = pkg.Name, pkg.Name
			c.add(project, Target{Package: pkg.Name, From: "1", To: version, How: how})
			c.upgrade(Upgrade{Ecosystem: "npm", Path: name, Package: pkg.Name, From: "1", To: version, How: how}, "npm")
			for i := range before.Findings {
				if before.Findings[i].Subject == pkg.ID {
					c.clear(&before.Findings[i])
				}
			}
			plan.Changes = append(plan.Changes, c)
		}
	}
	return plan
}

func TestApplyAll(t *testing.T) {
	const eight = "a 1 root,a\nb 1 root,b\nc 1 root,c\nd 1 root,d\ne 1 root,e\nf 1 root,f\ng 1 root,g\nh 1 root,h\n"
	tests := []struct {
		name    string
		files   map[string]string
		bench   bench
		to      map[string]string
		made    string // packages whose changes hold
		dropped string // and whose do not, with the code
		left    string // what findings are about afterwards
		writes  int    // runs of the package manager
	}{
		{name: "all at once", files: map[string]string{"test.lock": eight}, made: "a b c d e f g h", writes: 1},
		{name: "each lock file once", files: map[string]string{"x/test.lock": eight, "y/test.lock": eight}, made: "a b c d e f g h a b c d e f g h", writes: 2},
		{
			name: "one brings a finding in", files: map[string]string{"test.lock": eight}, bench: bench{brings: map[string]string{"f": "bad"}},
			made: "a b c d e g h", dropped: "f introduces", left: "f", writes: 3, // all, all but f, f
		},
		{
			name: "the other lock file stays as it is proven", files: map[string]string{"x/test.lock": eight, "y/test.lock": "f 1 root,f\n"}, bench: bench{brings: map[string]string{"f": "bad"}},
			made: "a b c d e g h", dropped: "f introduces f introduces", left: "f f", writes: 5,
		},
		{
			name: "one clears nothing", files: map[string]string{"test.lock": eight}, to: map[string]string{"c": "1"},
			made: "a b d e f g h", dropped: "c not-written", left: "c", writes: 3,
		},
		{
			name: "one makes the file unreadable", files: map[string]string{"test.lock": eight}, to: map[string]string{"g": "broken"},
			made: "a b c d e f h", dropped: "g not-read", left: "g", writes: 7, // who it was is not known: halves
		},
		{
			name: "two that do not fit beside each other", files: map[string]string{"test.lock": eight}, bench: bench{quarrel: [2]string{"b", "c"}},
			made: "a b d e f g h", dropped: "c not-written", left: "c", writes: 7,
		},
		{
			name: "what another takes away", files: map[string]string{"test.lock": eight}, bench: bench{takes: map[string]string{"a": "b"}},
			made: "a c d e f g h", writes: 1,
		},
		{
			name: "an override of what another takes away", files: map[string]string{"test.lock": "a 1 root,a\nc 1 root,c\nover 1 root,a,over\n"}, bench: bench{takes: map[string]string{"a": "over"}},
			made: "a c", writes: 2, // it would stay in the manifest
		},
		{name: "one", files: map[string]string{"test.lock": "a 1 root,a\n"}, made: "a", writes: 1},
		{name: "none", files: map[string]string{"test.lock": "a 2 root,a\n"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			tree, b := treeOf(t, test.files), &test.bench
			b.writes = new(atomic.Int32)
			before, err := b.judge(t.Context(), tree)
			if err != nil {
				t.Fatal(err)
			}
			plan := b.plan(t, tree, before, test.to)
			ws := NewWorkspace(tree)
			after, err := plan.ApplyAll(t.Context(), ws, before, b.judge)
			if err != nil {
				t.Fatal(err)
			}
			var made, dropped, left []string
			cleared := 0
			for _, c := range plan.Changes {
				made = append(made, c.main)
				cleared += len(c.Proof.Cleared)
				if len(c.Files) == 0 || len(c.Proof.New) > 0 || len(c.Clears) == 0 {
					t.Errorf("%s: files %v, proof %+v", c.Title, c.Files, c.Proof)
				}
			}
			for _, u := range plan.Unfixed {
				dropped = append(dropped, strings.TrimPrefix(u.RuleID, "A-")+" "+u.Code)
			}
			slices.Sort(dropped)
			for _, f := range after.Findings {
				left = append(left, strings.TrimPrefix(f.RuleID, "A-"))
			}
			got := fmt.Sprintf("made %s; dropped %s; left %s; writes %d", strings.Join(made, " "), strings.Join(dropped, " "), strings.Join(left, " "), b.writes.Load())
			want := fmt.Sprintf("made %s; dropped %s; left %s; writes %d", test.made, test.dropped, test.left, test.writes)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if want := len(before.Findings) - len(after.Findings); cleared != want {
				t.Errorf("the proofs speak of %d cleared findings, which are %d", cleared, want)
			}
			// What is in the workspace is what was proven.
			walked, err := ws.Walk(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			again, err := b.judge(t.Context(), walked)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(after, again); diff != "" {
				t.Errorf("the workspace is not what was scanned (-scanned +is):\n%s", diff)
			}
		})
	}
}

// A context that ends leaves what was proven before.
func TestApplyAllEnds(t *testing.T) {
	tree, b := treeOf(t, map[string]string{"test.lock": "a 1 root,a\nb 1 root,b\n"}), &bench{writes: new(atomic.Int32)}
	before, err := b.judge(t.Context(), tree)
	if err != nil {
		t.Fatal(err)
	}
	plan := b.plan(t, tree, before, nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	ws := NewWorkspace(tree)
	if _, err := plan.ApplyAll(ctx, ws, before, b.judge); !errors.Is(err, context.Canceled) || len(ws.Changed()) > 0 || len(plan.Changes) > 0 {
		t.Errorf("%v, changed %v, %d changes", err, ws.Changed(), len(plan.Changes))
	}
}

func TestLotsOf(t *testing.T) {
	change := func(files ...string) *Change {
		c := &Change{Title: strings.Join(files, "+")}
		for _, name := range files {
			c.add(&Project{Manager: NPM, Path: name, Files: []string{name}}, Target{Package: "p"})
		}
		return c
	}
	edit := &Change{Title: "edit", Edits: []scanner.Edit{{Path: "c", Line: 1}}}
	got := ""
	for _, l := range lotsOf([]*Change{change("a"), change("b"), change("c"), edit, change("d"), change("b", "d"), change("b"), change("a", "e")}) {
		for _, c := range l.changes {
			got += c.Title + " "
		}
		got += "| "
	}
	if want := "a a+e | b b+d d b | c edit | "; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
