// Package forgetest holds the tests that every code host must pass: what Propose, Proposals and Withdraw promise, a
// run that is cut off after each of its requests, and two runs at once.
package forgetest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trifecta-scanner/trifecta/forge"
)

// Host is a code host with one repository, whose default branch main has the files of Start. It belongs to one test.
type Host interface {
	// Client returns a client as a new run makes it. before and after, where not nil, are called around each of its
	// requests, with its number from 1. When after returns false the client never sees the answer.
	Client(before func(n int), after func(n int) bool) forge.Forge
	// Commit puts a commit of a person on a branch and returns its name; empty content removes a file.
	Commit(branch string, files map[string]File) string
	Head(branch string) string // empty: there is no such branch
	Files(commit string) (files map[string]File, parents []string)
	Requests() []Request // open and closed, oldest first
	Comments(number int) []string
	Close(number int)
	Merge(number int) // with a merge commit; the branch stays
	Rename(number int, title string)
	// Reachable are those who can be asked for a review.
	Reachable(names ...string)
}

// File is a file of the repository.
type File struct {
	Content    string
	Executable bool
}

// Request is a request as people see it.
type Request struct {
	Number    int
	Branch    string
	Base      string
	Title     string
	Body      string
	Open      bool
	Merged    bool
	Labels    []string
	Reviewers []string
}

// Start is what main holds when a test begins.
func Start() map[string]File {
	return map[string]File{
		"README.md":             {Content: "a shop\n"},
		"web/package.json":      {Content: "{\"dependencies\":{\"lodash\":\"4.17.15\"}}\n"},
		"web/package-lock.json": {Content: "4.17.15\n"},
		"web/old.txt":           {Content: "old\n"},
		"run.sh":                {Content: "#!/bin/sh\n", Executable: true},
		".github/CODEOWNERS":    {Content: "* @everybody\n/web/ @ann @acme/web web@registry.example # the shop\n/web/old.txt @nobody\n"},
	}
}

// change is the request that most tests make.
func change(commit string) forge.PullRequest {
	return forge.PullRequest{
		Key: "npm/lodash in web/package-lock.json", Version: "4.17.21", Base: "main", Commit: commit,
		Files: []forge.File{
			{Path: "web/package.json", Content: []byte("{\"dependencies\":{\"lodash\":\"4.17.21\"}}\n")},
			{Path: "web/package-lock.json", Content: []byte("4.17.21\n")},
			{Path: "run.sh", Content: []byte("#!/bin/sh\necho\n")},
			{Path: "web/old.txt", Delete: true},
			{Path: "web/never.txt", Delete: true},
			{Path: "new/tool", Content: []byte("tool\n"), Executable: true},
			{Path: "new/empty"},
		},
		Title: "web: lodash 4.17.21", Body: "Clears **GHSA-jf85-cpcp-j695**.\n\n<!-- trifecta request {\"key\":\"a trap\"} -->", Labels: []string{"security"},
		AskOwners: true,
	}
}

// result is what main would hold with the change.
func result() map[string]File {
	files := Start()
	files["web/package.json"] = File{Content: "{\"dependencies\":{\"lodash\":\"4.17.21\"}}\n"}
	files["web/package-lock.json"] = File{Content: "4.17.21\n"}
	files["run.sh"] = File{Content: "#!/bin/sh\necho\n", Executable: true}
	files["new/tool"] = File{Content: "tool\n", Executable: true}
	files["new/empty"] = File{}
	delete(files, "web/old.txt")
	return files
}

// suite is one test with its host.
type suite struct {
	*testing.T
	host Host
}

// Run runs all tests, each with a host of its own.
func Run(t *testing.T, start func(t *testing.T) Host) {
	for _, test := range []struct {
		name string
		run  func(*suite)
	}{
		{"open", (*suite).open},
		{"update", (*suite).update},
		{"rebase", (*suite).rebase},
		{"touched", (*suite).touched},
		{"refused", (*suite).refused},
		{"merged", (*suite).merged},
		{"title", (*suite).title},
		{"withdraw", (*suite).withdraw},
		{"withdraw touched", (*suite).withdrawTouched},
		{"reviewers", (*suite).reviewers},
		{"unfit", (*suite).unfit},
		{"large", (*suite).large},
		{"scopes", (*suite).scopes},
		{"reconcile", (*suite).reconcile},
		{"supersede", (*suite).supersede},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(&suite{t, start(t)}) })
	}
	for i, story := range stories {
		if i > 0 && testing.Short() {
			break // each is hundreds of runs
		}
		t.Run("cut off/"+story.name, func(t *testing.T) { cutOff(t, start, story) })
		t.Run("two at once/"+story.name, func(t *testing.T) { twoAtOnce(t, start, story) })
	}
}

func (s *suite) client() forge.Forge { return s.host.Client(nil, nil) }

// propose proposes and expects a state.
func (s *suite) propose(pr forge.PullRequest, want forge.State) forge.Proposal {
	s.Helper()
	p, err := s.client().Propose(s.Context(), pr)
	if err != nil {
		s.Fatalf("%s: %v", want, err)
	}
	if p.State != want {
		s.Fatalf("state %s (%s), want %s", p.State, p.Reason, want)
	}
	return p
}

// twice proposes once more, which must change nothing.
func (s *suite) twice(pr forge.PullRequest, want forge.State) {
	s.Helper()
	before := picture(s.host)
	s.propose(pr, want)
	if diff := cmp.Diff(before, picture(s.host)); diff != "" {
		s.Errorf("the second call changed something:\n%s", diff)
	}
}

func (s *suite) shows(pr forge.PullRequest, want map[string]File) {
	s.Helper()
	files, parents := s.host.Files(s.host.Head(pr.Branch()))
	if diff := cmp.Diff(want, files); diff != "" {
		s.Errorf("files: %s", diff)
	}
	if diff := cmp.Diff([]string{pr.Commit}, parents); diff != "" {
		s.Errorf("parents: %s", diff)
	}
}

func (s *suite) open() {
	s.host.Reachable("ann", "acme/web", "everybody")
	pr := change(s.host.Head("main"))
	p := s.propose(pr, forge.Opened)
	s.shows(pr, result())
	all := s.host.Requests()
	if len(all) != 1 || all[0].Number != p.Number || p.URL == "" {
		s.Fatalf("%+v is not the one request of %+v", p, all)
	}
	r := all[0]
	if r.Title != pr.Title || forge.Visible(r.Body) != pr.Body || r.Base != "main" || r.Branch != pr.Branch() {
		s.Errorf("%+v", r)
	}
	if diff := cmp.Diff([]string{"security"}, r.Labels); diff != "" {
		s.Errorf("labels: %s", diff)
	}
	if diff := cmp.Diff([]string{"acme/web", "ann", "everybody"}, r.Reviewers); diff != "" {
		s.Errorf("reviewers: %s", diff)
	}
	if s.host.Head("main") != pr.Commit {
		s.Error("main was moved")
	}
	s.twice(pr, forge.Unchanged)
}

func (s *suite) update() {
	pr := change(s.host.Head("main"))
	first := s.propose(pr, forge.Opened)
	pr.Version, pr.Title = "4.17.22", "web: lodash 4.17.22"
	pr.Files[1].Content = []byte("4.17.22\n")
	if p := s.propose(pr, forge.Updated); p.Number != first.Number {
		s.Errorf("#%d became #%d", first.Number, p.Number)
	}
	want := result()
	want["web/package-lock.json"] = File{Content: "4.17.22\n"}
	s.shows(pr, want)
	if r := s.host.Requests()[0]; r.Title != pr.Title {
		s.Errorf("title %q", r.Title)
	}
	s.twice(pr, forge.Unchanged)
	pr.Body += "\n\nOne finding remains."
	s.propose(pr, forge.Updated)
	s.twice(pr, forge.Unchanged)
}

func (s *suite) rebase() {
	old := change(s.host.Head("main"))
	s.propose(old, forge.Opened)
	pr := change(s.host.Commit("main", map[string]File{"README.md": {Content: "a better shop\n"}}))
	s.propose(pr, forge.Updated)
	want := result()
	want["README.md"] = File{Content: "a better shop\n"}
	s.shows(pr, want)
	s.twice(pr, forge.Unchanged)
	s.twice(old, forge.Outdated) // a run that began before main moved
}

func (s *suite) touched() {
	pr := change(s.host.Head("main"))
	p := s.propose(pr, forge.Opened)
	theirs := s.host.Commit(pr.Branch(), map[string]File{"web/test.js": {Content: "test\n"}})
	pr.Version = "4.17.22"
	if again := s.propose(pr, forge.Touched); again.Number != p.Number {
		s.Errorf("#%d became #%d", p.Number, again.Number)
	}
	s.twice(pr, forge.Touched)
	if s.host.Head(pr.Branch()) != theirs {
		s.Error("the commit of a person was lost")
	}
	// A branch of the name that was never ours.
	other := change(s.host.Head("main"))
	other.Key = "another"
	theirs = s.host.Commit(other.Branch(), map[string]File{"x": {Content: "x"}})
	s.propose(other, forge.Touched)
	if s.host.Head(other.Branch()) != theirs || len(s.host.Requests()) != 1 {
		s.Error("the branch of a person was used")
	}
}

func (s *suite) refused() {
	pr := change(s.host.Head("main"))
	p := s.propose(pr, forge.Opened)
	s.host.Close(p.Number)
	if again := s.propose(pr, forge.Refused); again.Number != p.Number || again.Reason == "" {
		s.Errorf("%+v", again)
	}
	s.twice(pr, forge.Refused)
	pr.Version, pr.Files[1].Content = "4.17.22", []byte("4.17.22\n")
	if next := s.propose(pr, forge.Opened); next.Number == p.Number {
		s.Error("a request that a person closed was opened again")
	}
	s.host.Close(s.host.Requests()[1].Number)
	pr.Version, pr.Files[1].Content = "4.17.21", []byte("4.17.21\n")
	s.twice(pr, forge.Refused)
}

func (s *suite) merged() {
	pr := change(s.host.Head("main"))
	p := s.propose(pr, forge.Opened)
	s.host.Merge(p.Number)
	s.twice(pr, forge.Outdated) // a run that has not seen the merge
	// Somebody brings the old version back, after the merge.
	pr = change(s.host.Commit("main", Start()))
	if again := s.propose(pr, forge.Opened); again.Number == p.Number {
		s.Error("a merged request was used again")
	}
	s.twice(pr, forge.Unchanged)
}

func (s *suite) title() {
	pr := change(s.host.Head("main"))
	p := s.propose(pr, forge.Opened)
	s.host.Rename(p.Number, "SHOP-7: lodash")
	pr.Version, pr.Title, pr.Body = "4.17.22", "web: lodash 4.17.22", "other text"
	s.propose(pr, forge.Updated)
	if r := s.host.Requests()[0]; r.Title != "SHOP-7: lodash" || forge.Visible(r.Body) != "other text" {
		s.Errorf("%+v", r)
	}
	s.twice(pr, forge.Unchanged)
}

func (s *suite) withdraw() {
	pr := change(s.host.Head("main"))
	p := s.propose(pr, forge.Opened)
	for range 2 {
		after, err := s.client().Withdraw(s.Context(), p, "lodash is gone")
		if err != nil || after.State != forge.Withdrawn {
			s.Fatalf("%+v, %v", after, err)
		}
	}
	r := s.host.Requests()[0]
	if r.Open || r.Merged || s.host.Head(pr.Branch()) != "" {
		s.Errorf("%+v, branch %s", r, s.host.Head(pr.Branch()))
	}
	if comments := s.host.Comments(p.Number); len(comments) != 1 || !strings.Contains(comments[0], "lodash is gone") {
		s.Errorf("comments: %q", comments)
	}
	if again := s.propose(pr, forge.Opened); again.Number == p.Number { // nobody has refused it
		s.Error("the closed request was used again")
	}
}

func (s *suite) withdrawTouched() {
	pr := change(s.host.Head("main"))
	p := s.propose(pr, forge.Opened)
	theirs := s.host.Commit(pr.Branch(), map[string]File{"web/test.js": {Content: "test\n"}})
	for range 2 {
		after, err := s.client().Withdraw(s.Context(), p, "lodash is gone")
		if err != nil || after.State != forge.Touched {
			s.Fatalf("%+v, %v", after, err)
		}
	}
	if r := s.host.Requests()[0]; !r.Open || s.host.Head(pr.Branch()) != theirs {
		s.Errorf("%+v", r)
	}
	if comments := s.host.Comments(p.Number); len(comments) != 1 {
		s.Errorf("comments: %q", comments)
	}
}

func (s *suite) reviewers() {
	s.host.Reachable("ann")
	pr := change(s.host.Head("main"))
	pr.Reviewers = []string{"bob", "other/team"}
	s.propose(pr, forge.Opened)
	if diff := cmp.Diff([]string{"ann"}, s.host.Requests()[0].Reviewers); diff != "" {
		s.Errorf("reviewers: %s", diff)
	}
	s.host.Reachable("ann", "bob")
	s.twice(pr, forge.Unchanged) // people are asked once
}

func (s *suite) unfit() {
	for name, spoil := range map[string]func(*forge.PullRequest){
		"no key":      func(pr *forge.PullRequest) { pr.Key = "" },
		"no base":     func(pr *forge.PullRequest) { pr.Base = "" },
		"no commit":   func(pr *forge.PullRequest) { pr.Commit = "main" },
		"no files":    func(pr *forge.PullRequest) { pr.Files = nil },
		"no change":   func(pr *forge.PullRequest) { pr.Files = []forge.File{{Path: "README.md", Content: []byte("a shop\n")}} },
		"outside":     func(pr *forge.PullRequest) { pr.Files[0].Path = "../x" },
		"git":         func(pr *forge.PullRequest) { pr.Files[0].Path = "a/.GIT/hooks/x" },
		"twice":       func(pr *forge.PullRequest) { pr.Files[0].Path = pr.Files[1].Path },
		"a folder":    func(pr *forge.PullRequest) { pr.Files[0].Path = "web" },
		"a long body": func(pr *forge.PullRequest) { pr.Body = strings.Repeat("x", forge.MaxBody+1) },
	} {
		pr := change(s.host.Head("main"))
		spoil(&pr)
		if p, err := s.client().Propose(s.Context(), pr); err == nil {
			s.Errorf("%s: %+v", name, p)
		}
	}
	if all := s.host.Requests(); len(all) != 0 {
		s.Errorf("%+v", all)
	}
}

func (s *suite) large() {
	pr := change(s.host.Head("main"))
	text, binary := strings.Repeat("a line of text\n", 40<<10), strings.Repeat("\xff\x00\xfe", 100<<10)
	pr.Files = []forge.File{{Path: "text", Content: []byte(text)}, {Path: "binary", Content: []byte(binary)}, {Path: "latin", Content: []byte("caf\xe9")}}
	s.propose(pr, forge.Opened)
	want := Start()
	want["text"], want["binary"], want["latin"] = File{Content: text}, File{Content: binary}, File{Content: "caf\xe9"}
	s.shows(pr, want)
}

func (s *suite) scopes() {
	pr := change(s.host.Head("main"))
	pr.Parts = []string{"a--b", "<c>"}
	s.propose(pr, forge.Opened)
	other := pr
	other.Scope = "services/shop"
	s.propose(other, forge.Opened)
	for _, scope := range []string{"", "services/shop"} {
		got, err := s.client().Proposals(s.Context(), scope)
		if err != nil || len(got) != 1 || got[0].Key != pr.Key || got[0].Scope != scope || !slices.Equal(got[0].Parts, pr.Parts) {
			s.Errorf("%q: %+v, %v", scope, got, err)
		}
	}
}

// wanted returns n requests of different keys.
func wanted(commit string, n int) []forge.PullRequest {
	var all []forge.PullRequest
	for i := range n {
		pr := change(commit)
		pr.Key = fmt.Sprintf("npm/p%d", i)
		pr.Title = pr.Key
		pr.Files = []forge.File{{Path: fmt.Sprintf("p%d", i), Content: []byte("1")}}
		all = append(all, pr)
	}
	return all
}

func states(all []forge.Proposal) []string {
	var list []string
	for _, p := range all {
		list = append(list, p.Key+" "+string(p.State))
	}
	return list
}

// meets makes the host meet a plan and expects what came of each.
func (s *suite) meets(plan forge.Plan, want ...string) {
	s.Helper()
	got, err := forge.Reconcile(s.Context(), s.client(), plan)
	if err != nil {
		s.Fatal(err)
	}
	if diff := cmp.Diff(want, states(got)); diff != "" {
		s.Errorf("%s", diff)
	}
}

func (s *suite) reconcile() {
	prs := wanted(s.host.Head("main"), 4)
	s.meets(forge.Plan{Wanted: prs, Limit: 2}, "npm/p0 opened", "npm/p1 opened", "npm/p2 deferred", "npm/p3 deferred")
	s.meets(forge.Plan{Wanted: prs, Limit: 2}, "npm/p0 unchanged", "npm/p1 unchanged", "npm/p2 deferred", "npm/p3 deferred")
	s.host.Close(s.host.Requests()[0].Number)
	s.meets(forge.Plan{Wanted: prs, Limit: 2}, "npm/p0 refused", "npm/p1 unchanged", "npm/p2 opened", "npm/p3 deferred")
	// What the run can't tell of stays open and takes its place.
	s.meets(forge.Plan{Wanted: prs[2:], Limit: 2, Gone: func(forge.Proposal) string { return "" }}, "npm/p2 unchanged", "npm/p3 deferred")
	gone := func(p forge.Proposal) string { return p.Key + " is not used any more" }
	s.meets(forge.Plan{Wanted: prs[2:], Limit: 2, Gone: gone}, "npm/p2 unchanged", "npm/p3 opened", "npm/p1 withdrawn")
	s.meets(forge.Plan{Scope: "elsewhere", Limit: 2, Gone: gone})
	s.meets(forge.Plan{Limit: 2, Gone: gone}, "npm/p2 withdrawn", "npm/p3 withdrawn")
}

func (s *suite) supersede() {
	prs := wanted(s.host.Head("main"), 2)
	s.meets(forge.Plan{Wanted: prs, Limit: 2}, "npm/p0 opened", "npm/p1 opened")
	group := prs[0]
	group.Key, group.Title, group.Parts = "group web", "web: two packages", []string{"npm/p0", "npm/p1"}
	group.Files = append(slices.Clone(prs[0].Files), prs[1].Files...)
	s.meets(forge.Plan{Wanted: []forge.PullRequest{group}, Limit: 1}, "group web opened", "npm/p0 withdrawn", "npm/p1 withdrawn")
	by := s.propose(group, forge.Unchanged)
	if comments := s.host.Comments(s.host.Requests()[0].Number); len(comments) != 1 || by.Number != s.host.Requests()[2].Number || !strings.Contains(comments[0], "superseded by "+by.Ref()) {
		s.Errorf("comments: %q", comments)
	}
	s.meets(forge.Plan{Wanted: []forge.PullRequest{group}, Limit: 1}, "group web unchanged")
}

// story is something that a run does to a host, and what was there before.
type story struct {
	name    string
	prepare func(*suite)
	run     func(ctx context.Context, host Host, client forge.Forge) error
}

var stories = []story{
	{
		"open", func(s *suite) { s.host.Reachable("ann", "acme/web") },
		func(ctx context.Context, host Host, client forge.Forge) error {
			_, err := client.Propose(ctx, change(host.Head("main")))
			return err
		},
	},
	{
		"update", func(s *suite) { s.propose(change(s.host.Head("main")), forge.Opened) },
		func(ctx context.Context, host Host, client forge.Forge) error {
			pr := change(host.Head("main"))
			pr.Version, pr.Title, pr.Body, pr.Files[1].Content = "4.17.22", "web: lodash 4.17.22", "other text", []byte("4.17.22\n")
			_, err := client.Propose(ctx, pr)
			return err
		},
	},
	{
		"rebase", func(s *suite) {
			s.propose(change(s.host.Head("main")), forge.Opened)
			s.host.Commit("main", map[string]File{"README.md": {Content: "a better shop\n"}})
		},
		func(ctx context.Context, host Host, client forge.Forge) error {
			_, err := client.Propose(ctx, change(host.Head("main")))
			return err
		},
	},
	{
		"supersede and close", func(s *suite) {
			s.meets(forge.Plan{Wanted: wanted(s.host.Head("main"), 3), Limit: 3}, "npm/p0 opened", "npm/p1 opened", "npm/p2 opened")
		},
		func(ctx context.Context, host Host, client forge.Forge) error {
			prs := wanted(host.Head("main"), 2)
			group := prs[0]
			group.Key, group.Title, group.Parts = "group", "a group", []string{"npm/p0", "npm/p1"}
			group.Files = append(group.Files, prs[1].Files...)
			_, err := forge.Reconcile(ctx, client, forge.Plan{
				Wanted: []forge.PullRequest{group}, Limit: 5, Gone: func(forge.Proposal) string { return "it is gone" },
			})
			return err
		},
	},
}

// prepared returns a host on which the story can begin.
func (st story) prepared(t *testing.T, start func(*testing.T) Host) *suite {
	s := &suite{t, start(t)}
	st.prepare(s)
	return s
}

// whole returns what the story leads to when nothing goes wrong, and how many requests it takes.
func (st story) whole(t *testing.T, start func(*testing.T) Host) (want state, requests int) {
	t.Helper()
	s := st.prepared(t, start)
	if err := st.run(t.Context(), s.host, s.host.Client(func(n int) { requests = n }, nil)); err != nil {
		t.Fatal(err)
	}
	return picture(s.host), requests
}

// cutOff ends a run after each of its requests, whose answer it never sees. The next run makes up for it.
func cutOff(t *testing.T, start func(*testing.T) Host, st story) {
	want, requests := st.whole(t, start)
	for at := 1; at <= requests; at++ {
		s := st.prepared(t, start)
		ctx, cancel := context.WithCancel(t.Context())
		client := s.host.Client(nil, func(n int) bool {
			if n == at {
				cancel()
			}
			return n < at
		})
		if err := st.run(ctx, s.host, client); err == nil && at < requests {
			t.Errorf("cut off after request %d of %d: no error", at, requests)
		}
		cancel()
		if err := st.run(t.Context(), s.host, s.client()); err != nil {
			t.Fatalf("after request %d of %d: %v", at, requests, err)
		}
		if diff := cmp.Diff(want, picture(s.host)); diff != "" {
			t.Errorf("cut off after request %d of %d (-whole +cut off and run again):\n%s", at, requests, diff)
		}
	}
}

// twoAtOnce lets a second run do all of its work between two requests of a first one, wherever that can be.
func twoAtOnce(t *testing.T, start func(*testing.T) Host, st story) {
	want, requests := st.whole(t, start)
	for at := 1; at <= requests; at++ {
		s := st.prepared(t, start)
		client := s.host.Client(func(n int) {
			if n == at {
				if err := st.run(t.Context(), s.host, s.client()); err != nil {
					t.Errorf("the second run, before request %d of %d: %v", at, requests, err)
				}
			}
		}, nil)
		if err := st.run(t.Context(), s.host, client); err != nil {
			t.Errorf("the first run, interrupted before request %d of %d: %v", at, requests, err)
		}
		if diff := cmp.Diff(want, picture(s.host)); diff != "" {
			t.Errorf("before request %d of %d (-alone +two):\n%s", at, requests, diff)
		}
	}
}

// state is what people find on a host.
type state struct {
	Requests []Request
	Contents []map[string]File // of the open ones
	On       []bool            // whether these stand on main
	Comments [][]string
}

// picture takes the state of a host. Numbers differ from run to run and stand for nothing.
func picture(host Host) state {
	var s state
	var pairs []string
	all := host.Requests()
	for i, r := range all {
		for _, sign := range []string{"#", "!"} {
			pairs = append(pairs, fmt.Sprintf("%s%d", sign, r.Number), fmt.Sprintf("%s%c", sign, 'a'+i))
		}
	}
	numbers := strings.NewReplacer(pairs...)
	for _, r := range all {
		var comments []string
		for _, c := range host.Comments(r.Number) {
			comments = append(comments, numbers.Replace(c))
		}
		s.Comments = append(s.Comments, comments)
		r.Number = 0
		s.Requests = append(s.Requests, r)
		if r.Open {
			files, parents := host.Files(host.Head(r.Branch))
			s.Contents = append(s.Contents, files)
			s.On = append(s.On, slices.Equal(parents, []string{host.Head("main")}))
		}
	}
	return s
}
