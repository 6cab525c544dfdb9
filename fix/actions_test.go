package fix_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trifecta-scanner/trifecta/advisory"
	"github.com/trifecta-scanner/trifecta/fix"
	"github.com/trifecta-scanner/trifecta/fix/fixtest"
	"github.com/trifecta-scanner/trifecta/internal/web"
	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/sbom"
	"github.com/trifecta-scanner/trifecta/scanner"
	"github.com/trifecta-scanner/trifecta/scanner/osv"
)

// tagList is a code host that knows some tags.
type tagList map[string][]fix.Tag

func (l tagList) Tags(_ context.Context, repository string) ([]fix.Tag, error) {
	tags, ok := l[repository]
	if !ok {
		return nil, fmt.Errorf("%s: %w", repository, fix.ErrNoPackage)
	}
	return tags, nil
}

// silent is a network without a way out.
type silent struct{}

func (silent) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, errors.New("no route to host")
}

const (
	oldCommit = "6b7a7cbd4a4b1c1e9f0f3c2b5d6e7f8091a2b3c4"
	newCommit = "0123456789abcdef0123456789abcdef01234567"
)

func TestActions(t *testing.T) {
	records := []string{
		`{"id":"GHSA-mrrh-fwg8-r2c3","modified":"2025-03-20T00:00:00Z","summary":"changed-files","affected":[{"package":{"ecosystem":"GitHub Actions","name":"tj-actions/changed-files"},
			"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"46.0.1"}]}]}]}`,
		`{"id":"GHSA-cxww-7g56-2vh6","modified":"2025-03-20T00:00:00Z","summary":"download-artifact","affected":[{"package":{"ecosystem":"GitHub Actions","name":"actions/download-artifact"},
			"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"4.0.0"},{"fixed":"4.1.3"}]}]}]}`,
	}
	host := tagList{
		"tj-actions/changed-files":  {{Name: "v46.0.1", Commit: newCommit}, {Name: "v46.0.0", Commit: oldCommit}, {Name: "v46", Commit: newCommit}, {Name: "v47.0.0-rc.1", Commit: newCommit}},
		"actions/download-artifact": {{Name: "v4.1.3", Commit: newCommit}, {Name: "v4.1.2", Commit: oldCommit}},
	}
	workflow := func(uses ...string) string {
		text := "on: push\njobs:\n  build:\n    runs-on: ubuntu-latest\n    steps:\n"
		for _, u := range uses {
			text += "      - " + u + "\n"
		}
		return text
	}
	for _, test := range []struct {
		name, before, after string
		tags                fix.Tags
		why                 string
	}{
		{name: "tag", before: workflow(`uses: tj-actions/changed-files@v45.0.7  # what changed`), after: workflow(`uses: tj-actions/changed-files@v46.0.1  # what changed`)},
		{name: "moving tag", before: workflow(`uses: "tj-actions/changed-files@v44"`), after: workflow(`uses: "tj-actions/changed-files@v46"`)},
		{name: "without a v", before: workflow(`uses: tj-actions/changed-files@45.0.7`), after: workflow(`uses: tj-actions/changed-files@46.0.1`)},
		{name: "asked", before: workflow(`uses: actions/download-artifact@v4.1.2`), after: workflow(`uses: actions/download-artifact@v4.1.3`), tags: host},
		{
			name:   "commit with its comment",
			before: workflow(`uses: actions/download-artifact@`+oldCommit+` # v4.1.2`, `run: "echo uses: actions/download-artifact@v4.1.2"`),
			after:  workflow(`uses: actions/download-artifact@`+newCommit+` # v4.1.3`, `run: "echo uses: actions/download-artifact@v4.1.2"`), tags: host,
		},
		{
			name: "commit, nobody asked", before: workflow(`uses: actions/download-artifact@` + oldCommit + ` # v4.1.2`),
			why: "the commit of actions/download-artifact 4.1.3 is known to the code host alone, which was not asked",
		},
		{
			name: "host that does not answer", before: workflow(`uses: tj-actions/changed-files@v45.0.7`), after: workflow(`uses: tj-actions/changed-files@v46.0.1`),
			tags: &fix.GitTags{Client: web.New(web.Options{Transport: silent{}, Tries: 1})},
		},
		{
			name: "commit, host that does not answer", before: workflow(`uses: actions/download-artifact@` + oldCommit + ` # v4.1.2`),
			tags: &fix.GitTags{Client: web.New(web.Options{Transport: silent{}, Tries: 1})}, why: "it could not be asked",
		},
		{
			name: "reusable workflow", before: "on: push\njobs:\n  call:\n    uses: tj-actions/changed-files/.github/workflows/x.yml@v45.0.0\n",
			after: "on: push\njobs:\n  call:\n    uses: tj-actions/changed-files/.github/workflows/x.yml@v46.0.1\n",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			db := &recordedOSV{}
			for _, text := range records {
				r := new(advisory.Record)
				if err := json.Unmarshal([]byte(text), r); err != nil {
					t.Fatal(err)
				}
				db.records = append(db.records, r)
			}
			judge := func(ctx context.Context, tree *inventory.Tree) (*scanner.Result, error) {
				inv, err := inventory.Read(ctx, tree, sbom.Source{})
				if err != nil {
					return nil, err
				}
				return scanner.Run(ctx, inv, &osv.Scanner{DB: db})
			}
			const file = ".github/workflows/ci.yml"
			tree := fixtest.Tree(t, map[string]string{file: test.before})
			res, err := judge(t.Context(), tree)
			if err != nil {
				t.Fatal(err)
			}
			plan, err := fix.MakePlan(t.Context(), tree, res, fix.Options{Env: &fix.Env{Tags: test.tags, Now: fixtest.Now}, Advisories: db})
			if err != nil {
				t.Fatal(err)
			}
			if len(plan.Changes) != 1 {
				t.Fatalf("%d changes, unfixed %+v", len(plan.Changes), plan.Unfixed)
			}
			ws := fix.NewWorkspace(tree)
			_, err = plan.Apply(t.Context(), ws, &plan.Changes[0], res, judge)
			if test.why != "" {
				if dropped := (*fix.DroppedError)(nil); !errors.As(err, &dropped) || !strings.Contains(dropped.Why, test.why) {
					t.Fatalf("error %v, want %q", err, test.why)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			got, err := ws.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.after, string(got)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}
