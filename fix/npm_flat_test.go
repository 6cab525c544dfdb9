package fix

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trifecta-scanner/trifecta/internal/web"
	"github.com/trifecta-scanner/trifecta/inventory"
)

// counter is a registry that answers with what it is given, by path, and counts what it is asked for.
type counter struct {
	mu    sync.Mutex
	asked []string
	has   map[string]string
}

func (c *counter) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	c.asked = append(c.asked, r.URL.EscapedPath())
	c.mu.Unlock()
	if body, ok := c.has[r.URL.EscapedPath()]; ok {
		_, _ = w.Write([]byte(body)) // who asks is what is tested
		return
	}
	http.NotFound(w, r)
}

func (c *counter) registry(t *testing.T) *npmRegistry {
	t.Helper()
	server := httptest.NewServer(c)
	t.Cleanup(server.Close)
	env := &Env{Client: web.New(web.Options{Tries: 1}), Getenv: func(name string) string {
		if name == "NPM_CONFIG_REGISTRY" {
			return server.URL
		}
		return ""
	}}
	registry, err := newNPMRegistry(t.Context(), env)
	if err != nil {
		t.Fatal(err)
	}
	return registry.(*npmRegistry)
}

// flat flattens a lock file that was another one before, beside a manifest.
func flat(t *testing.T, registry *npmRegistry, before, lock, manifest string) (string, error) {
	t.Helper()
	was, err := parseNPMLock([]byte(before))
	if err != nil {
		t.Fatal(err)
	}
	is, err := parseNPMLock([]byte(lock))
	if err != nil {
		t.Fatal(err)
	}
	root, err := readManifest(NewWorkspace(treeOf(t, map[string]string{"package.json": manifest})), ".")
	if err != nil {
		t.Fatal(err)
	}
	data, err := is.flatten(t.Context(), was, root, registry)
	return string(data), err
}

func TestFlatten(t *testing.T) {
	const manifest = `{"name": "shop", "version": "1.0.0", "private": true, "scripts": {"install": "evil"}, "dependencies": {"a": "^1.0.0"}, "devDependencies": {"d": "1"}, "overrides": {"x": "2"}}`
	const own = `"": {"dependencies": {"a": "^1.0.0"}, "devDependencies": {"d": "1"}, "name": "shop", "version": "1.0.0"}`
	tests := []struct {
		name     string
		lock     string // the dependencies
		before   string // the same as lock where it is empty
		has      map[string]string
		manifest string
		want     string // the packages; empty where the file stays as it is
		asked    string
	}{
		{
			name: "what the lock file says", lock: `"a": {"version": "1.2.0", "resolved": "REG/a/-/a-1.2.0.tgz", "integrity": "sha512-A", "dev": true, "optional": true}`,
			want: own + `, "node_modules/a": {"version": "1.2.0", "resolved": "REG/a/-/a-1.2.0.tgz", "integrity": "sha512-A", "dev": true, "optional": true}`, asked: "/a/1.2.0",
		},
		{
			name: "nested", lock: `"a": {"version": "1.2.0", "requires": {"b": "^1.0.0"}, "dependencies": {"b": {"version": "1.0.0"}}}, "b": {"version": "2.0.0"}`,
			want:  own + `, "node_modules/a": {"version": "1.2.0", "dependencies": {"b": "^1.0.0"}}, "node_modules/a/node_modules/b": {"version": "1.0.0"}, "node_modules/b": {"version": "2.0.0"}`,
			asked: "/a/1.2.0 /b/1.0.0 /b/2.0.0",
		},
		{
			name: "peers and what may be missing come from the registry", lock: `"a": {"version": "1.2.0", "requires": {"b": "1"}}, "b": {"version": "1.0.0"}, "p": {"version": "3.0.0"}`,
			has:   map[string]string{"/a/1.2.0": `{"dependencies": {"b": "1"}, "optionalDependencies": {"b": "1"}, "peerDependencies": {"p": "^3.0.0", "q": "1"}, "peerDependenciesMeta": {"p": {"optional": true}, "q": {"optional": true}}}`},
			want:  own + `, "node_modules/a": {"version": "1.2.0", "optionalDependencies": {"b": "1"}, "peerDependencies": {"p": "^3.0.0"}, "peerDependenciesMeta": {"p": {"optional": true}}}, "node_modules/b": {"version": "1.0.0"}, "node_modules/p": {"version": "3.0.0"}`,
			asked: "/a/1.2.0 /b/1.0.0 /p/3.0.0",
		},
		{
			name: "a release that is raised asks for what it states", before: `"a": {"version": "1.0.0", "requires": {"b": "1"}}, "b": {"version": "1.0.0"}`, lock: `"a": {"version": "1.2.0", "requires": {"b": "1"}}, "b": {"version": "1.0.0"}`,
			has:  map[string]string{"/a/1.2.0": `{"dependencies": {"b": "2", "c": "1"}, "peerDependencies": {"p": "9"}}`},
			want: own + `, "node_modules/a": {"version": "1.2.0", "dependencies": {"b": "2", "c": "1"}, "peerDependencies": {"p": "9"}}, "node_modules/b": {"version": "1.0.0"}`, asked: "/a/1.2.0 /b/1.0.0",
		},
		{
			name: "an alias", lock: `"a": {"version": "npm:@scope/b@1.0.0", "resolved": "REG/@scope/b/-/b-1.0.0.tgz"}`,
			want: own + `, "node_modules/a": {"name": "@scope/b", "version": "1.0.0", "resolved": "REG/@scope/b/-/b-1.0.0.tgz"}`, asked: "/@scope%2fb/1.0.0",
		},
		{
			name: "in an archive", lock: `"a": {"version": "1.2.0", "dependencies": {"b": {"version": "1.0.0", "bundled": true}}}`,
			want: own + `, "node_modules/a": {"version": "1.2.0"}, "node_modules/a/node_modules/b": {"version": "1.0.0", "inBundle": true}`, asked: "/a/1.2.0 /b/1.0.0",
		},
		{
			name: "from a repository and from an address", lock: `"a": {"version": "git+https://code.example/a.git#0123456789012345678901234567890123456789", "from": "git+https://code.example/a.git"}, "b": {"version": "https://code.example/b.tgz", "integrity": "sha512-B"}`,
			want: own + `, "node_modules/a": {"resolved": "git+https://code.example/a.git#0123456789012345678901234567890123456789"}, "node_modules/b": {"resolved": "https://code.example/b.tgz", "integrity": "sha512-B"}`,
		},
		{name: "folders of the project", lock: `"a": {"version": "file:lib/a"}`},
		{name: "a workspace", manifest: `{"name": "shop", "workspaces": ["packages/*"]}`, lock: `"a": {"version": "1.0.0"}`},
		{name: "a name that leads out", lock: `"../../evil": {"version": "1.0.0"}`},
		{name: "a name that leads up", lock: `"a/../../b": {"version": "1.0.0"}`},
		{
			name: "names and versions that are none are not asked for", lock: `"@x/y/z": {"version": "1.0.0"}, "c": {"version": "1.0.0/../../d"}, "e": {"version": "latest"}, "f": {"version": ""}, "%2e%2e": {"version": "1.0.0"}`,
			want: own + `, "node_modules/@x/y/z": {"version": "1.0.0"}, "node_modules/c": {"version": "1.0.0/../../d"}, "node_modules/e": {"version": "latest"}, "node_modules/f": {"version": ""}, "node_modules/%2e%2e": {"version": "1.0.0"}`,
		},
		{
			name: "nonsense of the registry", lock: `"a": {"version": "1.2.0", "requires": {"b": "^1"}}, "b": {"version": "1.0.0"}`,
			has:  map[string]string{"/a/1.2.0": `{"dependencies": ["b"], "optionalDependencies": "b", "peerDependencies": {"b": {"evil": 1}}, "peerDependenciesMeta": []}`, "/b/1.0.0": `<html>`},
			want: own + `, "node_modules/a": {"version": "1.2.0", "dependencies": {"b": "^1"}}, "node_modules/b": {"version": "1.0.0"}`, asked: "/a/1.2.0 /b/1.0.0",
		},
		{
			name: "members of other kinds", lock: `"a": {"version": 7, "requires": true, "dependencies": [1], "integrity": {"x": 1}}, "b": 3, "c": {"version": "1.0.0", "requires": {"d": 5}, "dev": "yes"}`,
			want: own + `, "node_modules/a": {"integrity": {"x": 1}, "version": ""}, "node_modules/c": {"version": "1.0.0", "dev": "yes"}`, asked: "/c/1.0.0",
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			whole := func(dependencies string) string {
				return `{"name": "shop", "lockfileVersion": 1, "requires": true, "dependencies": {` + dependencies + `}}`
			}
			c := &counter{has: test.has}
			got, err := flat(t, c.registry(t), whole(either(test.before, test.lock)), whole(test.lock), either(test.manifest, manifest))
			if err != nil {
				t.Fatal(err)
			}
			want := ""
			if test.want != "" {
				want = `{"lockfileVersion": 3, "requires": true, "packages": {` + test.want + `}}`
			}
			if diff := cmp.Diff(canonical(t, want), canonical(t, got)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			slices.Sort(c.asked)
			if diff := cmp.Diff(test.asked, strings.Join(c.asked, " ")); diff != "" {
				t.Errorf("asked for (-want +got):\n%s", diff)
			}
		})
	}
}

func either(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

func canonical(t *testing.T, text string) string {
	t.Helper()
	if text == "" {
		return ""
	}
	var value any
	if err := json.Unmarshal([]byte(text), &value); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	data, err := json.MarshalIndent(value, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// A lock file of more packages than any project has is none that a registry is asked about package by package.
func TestFlattenBounds(t *testing.T) {
	var many strings.Builder
	many.WriteString(`{"lockfileVersion": 1, "dependencies": {"a": {"version": "1.0.0"}`)
	for i := range maxFlat {
		fmt.Fprintf(&many, `, "p%d": {"version": "1.0.0"}`, i)
	}
	many.WriteString("}}")
	c := &counter{}
	if got, err := flat(t, c.registry(t), many.String(), many.String(), `{"name": "shop"}`); got != "" || err != nil || len(c.asked) > 0 {
		t.Errorf("%d bytes, %v, asked for %d packages", len(got), err, len(c.asked))
	}
	deep := `{"lockfileVersion": 1, ` + strings.Repeat(`"dependencies": {"a": {"version": "1.0.0", `, maxJSONDepth) + `"x": 1` + strings.Repeat("}}", maxJSONDepth) + "}"
	if _, err := parseNPMLock([]byte(deep)); err == nil {
		t.Error("a lock file without a bottom was read")
	}
}

// What stops the run stops the questions.
func TestFlattenEnds(t *testing.T) {
	c := &counter{}
	lock, err := parseNPMLock([]byte(`{"lockfileVersion": 1, "dependencies": {"a": {"version": "1.0.0"}}}`))
	if err != nil {
		t.Fatal(err)
	}
	root, err := readManifest(NewWorkspace(treeOf(t, map[string]string{"package.json": `{"name": "shop"}`})), ".")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	registry := c.registry(t)
	cancel()
	if data, err := lock.flatten(ctx, lock, root, registry); !errors.Is(err, context.Canceled) || data != nil {
		t.Errorf("%s, %v", data, err)
	}
}

func TestSettled(t *testing.T) {
	lock := func(text string) *npmLock {
		l, err := parseNPMLock([]byte(`{"lockfileVersion": 1, "dependencies": {"a": {"version": "1.0.0", "requires": {"x": "^1.0.0", "gone": "^2.0.0"}}, ` + text + `}}`))
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	tests := []struct {
		name        string
		before, now string
		stated      npmVersion
		want        npmVersion
	}{
		{
			name: "what it asks for in vain may be missing", before: `"x": {"version": "1.0.0"}`, now: `"x": {"version": "1.0.0"}`,
			want: npmVersion{OptionalDependencies: npmWants{"gone": "^2.0.0"}},
		},
		{
			name: "what is missing now alone may not be", before: `"x": {"version": "1.0.0"}, "gone": {"version": "2.0.0"}`, now: `"x": {"version": "1.0.0"}`,
			want: npmVersion{},
		},
		{
			name: "what the registry says may be missing", before: `"x": {"version": "1.0.0"}, "gone": {"version": "2.0.0"}`, now: `"x": {"version": "1.0.0"}, "gone": {"version": "2.0.0"}`,
			stated: npmVersion{OptionalDependencies: npmWants{"x": "^1.0.0", "unheard": "1"}},
			want:   npmVersion{OptionalDependencies: npmWants{"x": "^1.0.0"}},
		},
		{
			name: "a peer that fits stays so", before: `"x": {"version": "1.0.0"}, "gone": {"version": "2.0.0"}, "p": {"version": "3.1.0"}`, now: `"x": {"version": "1.0.0"}, "gone": {"version": "2.0.0"}, "p": {"version": "3.1.0"}`,
			stated: npmVersion{PeerDependencies: npmWants{"p": "^3.0.0"}}, want: npmVersion{PeerDependencies: npmWants{"p": "^3.0.0"}},
		},
		{
			name: "a peer that fitted must go on fitting", before: `"x": {"version": "1.0.0"}, "gone": {"version": "2.0.0"}, "p": {"version": "3.1.0"}`, now: `"x": {"version": "1.0.0"}, "gone": {"version": "2.0.0"}, "p": {"version": "4.0.0"}`,
			stated: npmVersion{PeerDependencies: npmWants{"p": "^3.0.0"}}, want: npmVersion{PeerDependencies: npmWants{"p": "^3.0.0"}},
		},
		{
			name: "a peer that fits now is taken at its word", before: `"x": {"version": "1.0.0"}, "gone": {"version": "2.0.0"}, "p": {"version": "2.0.0"}`, now: `"x": {"version": "1.0.0"}, "gone": {"version": "2.0.0"}, "p": {"version": "3.0.0"}`,
			stated: npmVersion{PeerDependencies: npmWants{"p": "^3.0.0"}}, want: npmVersion{PeerDependencies: npmWants{"p": "^3.0.0"}},
		},
		{
			name: "a peer that never fitted is the one that is there", before: `"x": {"version": "1.0.0"}, "gone": {"version": "2.0.0"}, "p": {"version": "2.0.0"}`, now: `"x": {"version": "1.0.0"}, "gone": {"version": "2.0.0"}, "p": {"version": "2.5.0"}`,
			stated: npmVersion{PeerDependencies: npmWants{"p": "^3.0.0"}}, want: npmVersion{PeerDependencies: npmWants{"p": "2.5.0"}},
		},
		{
			name: "a peer that was not there is not asked for", before: `"x": {"version": "1.0.0"}, "gone": {"version": "2.0.0"}`, now: `"x": {"version": "1.0.0"}, "gone": {"version": "2.0.0"}, "p": {"version": "3.0.0"}`,
			stated: npmVersion{PeerDependencies: npmWants{"p": "^3.0.0"}}, want: npmVersion{},
		},
		{
			name: "a peer without a range and one without a version", before: `"x": {"version": "1.0.0"}, "gone": {"version": "2.0.0"}, "p": {"version": "file:p"}, "q": {"dev": true}`, now: `"x": {"version": "1.0.0"}, "gone": {"version": "2.0.0"}, "p": {"version": "file:p"}, "q": {"dev": true}`,
			stated: npmVersion{PeerDependencies: npmWants{"p": "git+https://code.example/p.git", "q": "^1"}}, want: npmVersion{PeerDependencies: npmWants{"p": "file:p", "q": "*"}},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			before, now := lock(test.before), lock(test.now)
			got := now.settled(now.nodes["node_modules/a"], before, &test.stated)
			want := test.want
			want.Dependencies = npmWants{"x": "^1.0.0", "gone": "^2.0.0"}
			if want.OptionalDependencies == nil {
				want.OptionalDependencies = npmWants{}
			}
			if want.PeerDependencies == nil {
				want.PeerDependencies = npmWants{}
			}
			if diff := cmp.Diff(&want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// asking is a registry that counts what it is asked for and how much at once.
type asking struct {
	shop
	mu        sync.Mutex
	asked     []string
	now, most int
}

func (a *asking) Releases(ctx context.Context, name string) ([]Release, error) {
	a.mu.Lock()
	a.asked = append(a.asked, name)
	a.now++
	a.most = max(a.most, a.now)
	a.mu.Unlock()
	defer func() {
		a.mu.Lock()
		a.now--
		a.mu.Unlock()
	}()
	if name == "down" {
		return nil, errors.New("out of order")
	}
	return a.shop.Releases(ctx, name)
}

func TestAhead(t *testing.T) {
	registry := &asking{shop: shop{}}
	project := &Project{Packages: []Locked{
		{Name: "git", Version: "1.0.0", Origin: inventory.OriginGit},
		{Name: "inside", Version: "1.0.0", Inside: "outer 2.0.0"},
		{Name: "twice", Version: "1.0.0"}, {Name: "twice", Version: "2.0.0"},
	}}
	troubles := []*trouble{
		{name: "git", nodes: []int{0}}, {name: "inside", nodes: []int{1}}, {name: "twice", from: "1.0.0", nodes: []int{2}}, {name: "twice", from: "2.0.0", nodes: []int{3}},
		{name: "down"}, {name: "unknown"}, {name: "../../etc"},
	}
	want := []string{"../../etc", "down", "twice", "unknown"}
	registry.shop["twice"] = []Release{{Version: "3.0.0"}}
	for i := range 3 * maxAhead {
		name := fmt.Sprintf("p%d", i)
		registry.shop[name] = []Release{{Version: "1.0.0"}}
		troubles, want = append(troubles, &trouble{name: name}), append(want, name)
	}
	s := &solver{planner: &planner{ctx: t.Context()}, project: project, registry: registry}
	s.ahead(troubles)
	slices.Sort(want)
	if diff := cmp.Diff(want, slices.Sorted(slices.Values(registry.asked))); diff != "" {
		t.Errorf("asked for (-want +got):\n%s", diff)
	}
	if registry.most > maxAhead {
		t.Errorf("%d questions at once", registry.most)
	}
	// What was answered is not asked for again; what was not is, so that the plan can say why.
	for _, name := range []string{"twice", "p0", "down"} {
		_, err := s.releases(name)
		if (err != nil) != (name == "down") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if more := registry.asked[len(want):]; !slices.Equal(more, []string{"down"}) {
		t.Errorf("asked again for %v", more)
	}
	(&solver{planner: &planner{ctx: t.Context()}, project: project}).ahead(troubles) // without a registry nobody is asked
}
