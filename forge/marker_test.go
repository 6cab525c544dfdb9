package forge_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trifecta-scanner/trifecta/forge"
)

func TestMarker(t *testing.T) {
	want := forge.Marker{Key: "a --> <!-- b ---", Version: "1--2", Scope: "x", Parts: []string{"--"}, Title: "t", Asked: true}
	body := want.Hide("text\n\n<!-- trifecta request {\"key\":\"trap\"} -->\n")
	got, ok := forge.FindMarker(body)
	if diff := cmp.Diff(want, got); diff != "" || !ok {
		t.Error(diff)
	}
	if n := strings.Count(body, "-->"); n != 2 {
		t.Errorf("the marker ends early: %s", body)
	}
	if got := forge.Visible(body); got != "text\n\n<!-- trifecta request {\"key\":\"trap\"} -->" {
		t.Errorf("visible: %q", got)
	}
	for _, body := range []string{"", "text", "<!-- trifecta request", "<!-- trifecta request {} -->", "<!-- trifecta request [] -->"} {
		if m, ok := forge.FindMarker(body); ok || m.Key != "" {
			t.Errorf("%q: %+v", body, m)
		}
	}
}

func TestSeal(t *testing.T) {
	message := forge.Seal("web: lodash 4.17.21\n", "d", "tree", "parent")
	for _, tt := range []struct {
		name, message, tree string
		parents             []string
		ok                  bool
	}{
		{"ours", message, "tree", []string{"parent"}, true},
		{"reworded", strings.Replace(message, "lodash", "lo-dash", 1), "tree", []string{"parent"}, true},
		{"amended", message, "other", []string{"parent"}, false},
		{"rebased", message, "tree", []string{"other"}, false},
		{"a merge", message, "tree", []string{"parent", "other"}, false},
		{"the first of all", message, "tree", nil, false},
		{"without a seal", "web: lodash", "tree", []string{"parent"}, false},
		{"another digest", strings.Replace(message, "Content: d", "Content: e", 1), "tree", []string{"parent"}, false},
	} {
		if digest, ok := forge.Unseal(tt.message, tt.tree, tt.parents); ok != tt.ok || ok && digest != "d" {
			t.Errorf("%s: %q, %v", tt.name, digest, ok)
		}
	}
}

func TestBranch(t *testing.T) {
	seen := map[string]string{}
	for _, pr := range []forge.PullRequest{
		{Key: "npm/@types/node in web/package-lock.json", Base: "main"},
		{Key: "npm/@types/node in web/package-lock.json", Base: "release"},
		{Key: "npm/@types/node in web/package-lock.json", Base: "main", Scope: "x"},
		{Key: "..", Base: "main"}, {Key: "é.lock", Base: "main"}, {Key: strings.Repeat("a.lock~^:?*[\\ ", 30), Base: "main"},
	} {
		name := pr.Branch()
		if other, ok := seen[name]; ok {
			t.Errorf("%s and %s are both %s", pr.Key, other, name)
		}
		seen[name] = pr.Key
		if !forge.IsBranch(name) || len(name) > 110 || strings.ContainsAny(name, " ~^:?*[\\@") || strings.Contains(name, "..") || strings.HasSuffix(name, ".lock") || strings.Count(name, "/") != 1 {
			t.Errorf("%q is no name of a branch", name)
		}
	}
	pr := forge.PullRequest{Key: "npm/lodash in web/package-lock.json", Base: "main"}
	if got := pr.Branch(); got != "trifecta/npm-lodash-in-web-package-lock-json-"+got[len(got)-8:] { // people find it by its name
		t.Error(got)
	}
}
