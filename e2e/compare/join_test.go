package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

const theirAnswer = `{"results":[{"source":{"path":"/tree/web/package-lock.json"},"packages":[
	{"package":{"name":"a","version":"1.0.0","ecosystem":"npm"},"groups":[{"ids":["GHSA-1","CVE-1"],"aliases":["x-1"]},{"ids":["GHSA-2"]}]},
	{"package":{"name":"b","version":"2.0.0","ecosystem":"npm"},"groups":[{"ids":["GHSA-3"]}]}]},
	{"source":{"path":"/tree/Gemfile.lock"},"packages":[{"package":{"name":"rack","version":"1","ecosystem":"RubyGems"},"groups":[{"ids":["GHSA-4"]}]}]}]}`

const ourAnswer = `{"packages":[
	{"id":"pkg:npm/a@1.0.0","name":"a","version":"1.0.0","ecosystem":"npm","locations":[{"path":"web/package-lock.json","line":3}]},
	{"id":"pkg:golang/stdlib@1.21.0","name":"stdlib","version":"1.21.0","ecosystem":"Go","locations":[{"path":"go.mod","line":3}]}],
	"findings":[
	{"subject":"pkg:npm/a@1.0.0","location":{"path":"web/package-lock.json","line":3},"advisory":{"id":"CVE-1","aliases":["GHSA-1"]}},
	{"subject":"pkg:golang/stdlib@1.21.0","location":{"path":"go.mod","line":3},"advisory":{"id":"GO-1","aliases":[]}},
	{"subject":"x","location":{"path":"main.tf","line":3}}]}`

func TestCompare(t *testing.T) {
	theirs, err := parseTheirs(strings.NewReader(theirAnswer), "/tree")
	if err != nil {
		t.Fatal(err)
	}
	ours, err := parseOurs(json.NewDecoder(strings.NewReader(ourAnswer)))
	if err != nil {
		t.Fatal(err)
	}
	got := compare(theirs, ours)
	want := comparison{
		files: 3,
		both:  1,
		missing: []difference{
			{finding{entry{"web/package-lock.json", "npm", "a", "1.0.0"}, []string{"GHSA-2"}}, classMatch},
			{finding{entry{"web/package-lock.json", "npm", "b", "2.0.0"}, []string{"GHSA-3"}}, classPackage},
			{finding{entry{"Gemfile.lock", "RubyGems", "rack", "1"}, []string{"GHSA-4"}}, classFile},
		},
		extra: []difference{
			{finding{entry{"go.mod", "Go", "stdlib", "1.21.0"}, []string{"GO-1"}}, classStandard},
		},
	}
	all := cmp.AllowUnexported(comparison{}, difference{}, finding{}, entry{})
	if diff := cmp.Diff(want, got, all, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if table := render([]comparison{got}); !strings.Contains(table, "| **all** | 3 | 1 | 3 | 1 |") {
		t.Errorf("the sums are missing in\n%s", table)
	}
}

func TestNewEntry(t *testing.T) {
	tests := []struct{ ecosystem, name, version, wantName, wantVersion string }{
		{"PyPI", "Jinja_2.x", "1", "jinja-2-x", "1"},
		{"Go", "golang.org/x/net", "v0.17.0", "golang.org/x/net", "0.17.0"},
		{"npm", "v8", "v1", "v8", "v1"},
		{"Debian:12", "bash", "5", "bash", "5"},
	}
	for _, tt := range tests {
		got := newEntry("f", tt.ecosystem, tt.name, tt.version)
		if got.name != tt.wantName || got.version != tt.wantVersion || strings.Contains(got.ecosystem, ":") {
			t.Errorf("newEntry(%s, %s, %s) = %+v", tt.ecosystem, tt.name, tt.version, got)
		}
	}
}
