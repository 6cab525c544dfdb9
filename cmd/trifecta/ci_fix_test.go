package main

import (
	"bytes"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trifecta-scanner/trifecta/fix"
	"github.com/trifecta-scanner/trifecta/forge"
	"github.com/trifecta-scanner/trifecta/internal/githubtest"
)

// npmAdvisory is about what the lock file below has.
const npmAdvisory = `{
  "schema_version": "1.7.0", "id": "TRI-0002", "modified": "2026-01-15T00:00:00Z", "summary": "coin-words @everyone runs <b>what</b> a price says",
  "affected": [{"package": {"ecosystem": "npm", "name": "coin-words"}, "ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}, {"fixed": "0.4.3"}]}]}],
  "severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}]
}`

// coinWords is what a registry of npm says of the package.
const coinWords = `{"name": "coin-words", "dist-tags": {"latest": "0.4.3"}, "time": {"0.4.1": "2020-01-01T00:00:00Z", "0.4.3": "2020-02-01T00:00:00Z"},
  "versions": {
    "0.4.1": {"name": "coin-words", "version": "0.4.1", "dist": {"tarball": "REGISTRY/coin-words/-/coin-words-0.4.1.tgz", "integrity": "sha512-AAAA"}},
    "0.4.3": {"name": "coin-words", "version": "0.4.3", "dist": {"tarball": "REGISTRY/coin-words/-/coin-words-0.4.3.tgz", "integrity": "sha512-BBBB"}}}}`

func fixLock(registry, version, integrity string) string {
	return `{
  "name": "shop",
  "version": "1.0.0",
  "lockfileVersion": 3,
  "requires": true,
  "packages": {
    "": {
      "name": "shop",
      "version": "1.0.0",
      "dependencies": {
        "coin-words": "^0.4.1"
      }
    },
    "node_modules/coin-words": {
      "version": "` + version + `",
      "resolved": "` + registry + `/coin-words/-/coin-words-` + version + `.tgz",
      "integrity": "sha512-` + integrity + `"
    }
  }
}
`
}

const fixManifest = "{\n  \"name\": \"shop\",\n  \"version\": \"1.0.0\",\n  \"dependencies\": {\n    \"coin-words\": \"^0.4.1\"\n  }\n}\n"

// newFixRun is a ciRun on the branch main of a repository that the stand-in holds.
func newFixRun(t *testing.T) (r *ciRun, registry string) {
	t.Helper()
	tool(t, "git")
	r = newCIRun(t)
	bare := filepath.Join(r.dir, "bare")
	if err := r.server.UseGit(bare); err != nil {
		t.Fatal(err)
	}
	npm := r.checkOutToFix(r.server, bare)
	r.write("event.json", "{}")
	address := strings.TrimSuffix(r.getenv("GITHUB_API_URL"), "/api/v3")
	r.env = append(r.env, "GITHUB_EVENT_NAME=push", "GITHUB_REF=refs/heads/main", "GITHUB_SHA="+r.server.Head("main"), "GITHUB_SERVER_URL="+address,
		"NPM_CONFIG_REGISTRY="+npm, "INPUT_FIX=pull-request", "INPUT_UPLOAD_SARIF=false", "RUNNER_DEBUG=1")
	return r, npm
}

// checkOutToFix puts a shop with something to fix on the branch main of a host whose repository is in the folder bare,
// checks it out, and returns the address of its registry.
func (r *ciRun) checkOutToFix(host *githubtest.Server, bare string) (registry string) {
	r.t.Helper()
	npm := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if req.URL.Path != "/coin-words" {
			http.NotFound(w, req)
			return
		}
		_, _ = w.Write([]byte(strings.ReplaceAll(coinWords, "REGISTRY", "http://"+req.Host))) // who asks is what is tested
	}))
	r.t.Cleanup(npm.Close)
	if _, err := host.Commit("main", map[string]githubtest.Blob{
		"shop/package.json":      {Content: fixManifest},
		"shop/package-lock.json": {Content: fixLock(npm.URL, "0.4.1", "AAAA")},
	}); err != nil {
		r.t.Fatal(err)
	}
	if err := os.RemoveAll(filepath.Join(r.dir, "workspace")); err != nil {
		r.t.Fatal(err)
	}
	r.git("clone", "-q", bare, filepath.Join(r.dir, "workspace"))
	r.write("advisories/npm/TRI-0002.json", npmAdvisory)
	return npm.URL
}

func (r *ciRun) git(args ...string) {
	r.t.Helper()
	if out, err := exec.CommandContext(r.t.Context(), "git", args...).CombinedOutput(); err != nil {
		r.t.Fatalf("%v\n%s", err, out)
	}
}

// pull brings the checkout up to date.
func (r *ciRun) pull() { r.git("-C", filepath.Join(r.dir, "workspace"), "pull", "-q", "--ff-only") }

func TestFixRequests(t *testing.T) {
	r, registry := newFixRun(t)
	if log := r.run(); !strings.Contains(log, "opened #") {
		t.Fatal(log)
	}
	pulls := r.server.Pulls()
	if len(pulls) != 1 {
		t.Fatalf("%d pull requests", len(pulls))
	}
	pull := pulls[0]
	files, parents, err := r.server.Files(pull.Commit)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"shop/package.json": fixManifest, "shop/package-lock.json": fixLock(registry, "0.4.3", "BBBB")}
	got := map[string]string{}
	for name, f := range files {
		got[name] = f.Content
	}
	if diff := cmp.Diff(want, got); diff != "" || !slices.Equal(parents, []string{r.server.Head("main")}) {
		t.Errorf("the branch has %v on it: %s", parents, diff)
	}
	for _, text := range []string{"TRI-0002", "0.4.3", "### Proof", "| Cleared | | 1 |", "Not wanted?", "deps.dev/npm/coin-words/0.4.3", "shop/package-lock.json"} {
		if !strings.Contains(pull.Body, text) {
			t.Errorf("the body does not say %q:\n%s", text, pull.Body)
		}
	}
	for _, text := range []string{"@everyone", "<b>what"} {
		if strings.Contains(pull.Body, text) {
			t.Errorf("%q of an advisory is not text any more", text)
		}
	}
	if !slices.Equal(pull.Labels, []string{"security"}) {
		t.Errorf("labels %v", pull.Labels)
	}
	if out := r.read("output"); !strings.Contains(out, "pull-requests<<") || !strings.Contains(out, "[101]") {
		t.Error(out)
	}

	requests := len(r.server.Log())
	if log := r.run(); !strings.Contains(log, "unchanged #") {
		t.Error(log)
	}
	for _, request := range r.server.Log()[requests:] {
		if !strings.HasPrefix(request, "GET ") {
			t.Errorf("running twice sends %s", request)
		}
	}
	r.holdsNoToken()

	// Somebody upgrades by hand: the request is not needed any more.
	blobs := map[string]githubtest.Blob{}
	for name, text := range want {
		blobs[name] = githubtest.Blob{Content: text}
	}
	head, err := r.server.Commit("main", blobs)
	if err != nil {
		t.Fatal(err)
	}
	r.pull()
	if log := r.run("GITHUB_SHA=" + head); !strings.Contains(log, "withdrawn #") {
		t.Error(log)
	}
	if pull := r.server.Pulls()[0]; pull.State != "closed" || len(r.server.Branches()) != 1 {
		t.Errorf("%+v, branches %v", pull, r.server.Branches())
	}
}

// On what somebody proposes, off a branch and without a token nothing is fixed, whatever the inputs say.
func TestFixRequestsLeftOut(t *testing.T) {
	for name, tt := range map[string]struct {
		event string
		env   []string
		want  string
	}{
		"pull request": {`{"pull_request": {"number": 7, "base": {"sha": "` + strings.Repeat("a", 40) + `"}}}`, []string{"GITHUB_EVENT_NAME=pull_request"}, "is not fixed by another one"},
		"fork":         {`{"pull_request": {"number": 7}}`, []string{"GITHUB_EVENT_NAME=pull_request_target"}, "is not fixed by another one"},
		"Dependabot":   {`{}`, []string{"GITHUB_ACTOR=dependabot[bot]"}, "is not fixed by another one"},
		"tag":          {`{}`, []string{"GITHUB_REF=refs/tags/v1"}, "refs/tags/v1 is no branch"},
		"offline":      {`{}`, []string{"INPUT_OFFLINE=true"}, "offline"},
		"no token":     {`{}`, []string{"INPUT_TOKEN="}, "INPUT_TOKEN is not set"},
	} {
		t.Run(name, func(t *testing.T) {
			r, _ := newFixRun(t)
			r.write("event.json", tt.event)
			if log := r.run(append(tt.env, "INPUT_COMMENT=false", "INPUT_SUGGESTIONS=false")...); !strings.Contains(log, tt.want) {
				t.Errorf("%s", log)
			}
			if n := len(r.server.Pulls()); n != 0 || len(r.server.Branches()) != 1 {
				t.Errorf("%d pull requests, branches %v", n, r.server.Branches())
			}
		})
	}
}

func (r *ciRun) read(name string) string {
	r.t.Helper()
	data, err := os.ReadFile(filepath.Join(r.dir, name))
	if err != nil {
		r.t.Fatal(err)
	}
	return string(data)
}

// holdsNoToken looks for the token in every file that a run left behind, what the host holds included.
func (r *ciRun) holdsNoToken() {
	r.t.Helper()
	n := 0
	err := fs.WalkDir(os.DirFS(r.dir), ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		n++
		data, err := os.ReadFile(filepath.Join(r.dir, name))
		if bytes.Contains(data, []byte(canary)) {
			r.t.Errorf("the token is in %s", name)
		}
		return err
	})
	if err != nil || n == 0 {
		r.t.Errorf("%d files, %v", n, err)
	}
}

func TestRegistryVariables(t *testing.T) {
	got := registryVariables([]string{
		"NPM_CONFIG_REGISTRY=https://mirror.registry.example/npm", "GOPROXY=https://user:secret@mirror.registry.example", "UV_DEFAULT_INDEX=https://mirror.registry.example?token=x",
		"NPM_TOKEN=x", "PATH=/bin",
	})
	if diff := cmp.Diff([]string{"NPM_CONFIG_REGISTRY=https://mirror.registry.example/npm"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestSplitRemote(t *testing.T) {
	for address, want := range map[string][2]string{
		"https://github.com/acme/shop.git": {"github.com", "acme/shop"},
		"ssh://git@github.com/acme/shop":   {"github.com", "acme/shop"},
		"github.com:acme/shop.git":         {"github.com", "acme/shop"},
		"https://code.example/a/b/c":       {"code.example", ""},
		"/srv/git/shop.git":                {"", ""},
		"":                                 {"", ""},
	} {
		host, name := splitRemote(address)
		if [2]string{host, name} != want {
			t.Errorf("%s: %q, %q", address, host, name)
		}
	}
}

// bumpTree has one id that AWS has a newer one for, and one name of an ended release.
const bumpTree = `provider "aws" {
  region = "eu-west-1"
}

resource "aws_instance" "web" {
  ami = "ami-0aaaaaaaaaaaaaaa1" # the base of all
}
`

// Fixes of machine images are proposed by what AWS answered the scan: the process that plans them asks nobody.
func TestImageRequests(t *testing.T) {
	world := standInAccount(t)
	r, _ := newFixRun(t)
	head, err := r.server.Commit("main", map[string]githubtest.Blob{"shop/main.tf": {Content: bumpTree}})
	if err != nil {
		t.Fatal(err)
	}
	pull := func() {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), "git", "-C", filepath.Join(r.dir, "workspace"), "pull", "-q", "--ff-only")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	pull()
	for _, name := range []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_EC2_METADATA_DISABLED", "AWS_ENDPOINT_URL"} {
		r.env = append(r.env, name+"="+os.Getenv(name))
	}
	env := []string{"INPUT_AWS=true", "INPUT_ONLY=amis", "INPUT_AS_OF=2026-06-01", "GITHUB_SHA=" + head}
	if log := r.run(env...); !strings.Contains(log, "opened #") || len(world.Seen()) == 0 {
		t.Fatalf("AWS was asked %d times\n%s", len(world.Seen()), log)
	}
	pulls := r.server.Pulls()
	if len(pulls) != 1 || !strings.HasPrefix(pulls[0].Branch, "trifecta/machine-image-al2023-ami-kernel-6-1-x86-64-") {
		t.Fatalf("%+v", pulls)
	}
	for _, text := range []string{
		"| from <code>ami-0aaaaaaaaaaaaaaa1</code> | <code>al2023-ami-2023.3.20240110.0-kernel-6.1-x86_64</code> of amazon | eu-west-1 | 2024-01-10 | 2024-04-10 | 2029-06-30 |",
		"| to <code>ami-0aaaaaaaaaaaaaaa3</code> | <code>al2023-ami-2023.3.20260510.0-kernel-6.1-x86_64</code> of amazon | eu-west-1 | 2026-05-10 |  | 2029-06-30 |",
		"is the newest available image of its series in eu-west-1", "| Cleared | | 4 |", "| New | | 0 |", "aws-stale-ami", "CVE-2024-3094", "CVE-2023-0001",
	} {
		if !strings.Contains(pulls[0].Body, text) {
			t.Errorf("the body does not say %q:\n%s", text, pulls[0].Body)
		}
	}
	files, _, err := r.server.Files(pulls[0].Commit)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Replace(bumpTree, "aaa1", "aaa3", 1), files["shop/main.tf"].Content); diff != "" {
		t.Errorf("main.tf (-want +got):\n%s", diff)
	}
	if log := r.run(env...); !strings.Contains(log, "unchanged #") {
		t.Error(log)
	}

	// Nobody answers: that is no reason to close anything.
	if log := r.run(append(env, "INPUT_AWS=false")...); strings.Contains(log, "withdrawn") || r.server.Pulls()[0].State != "open" {
		t.Error(log)
	}
	// A person bumps it: the request is not needed any more.
	if head, err = r.server.Commit("main", map[string]githubtest.Blob{"shop/main.tf": {Content: strings.Replace(bumpTree, "aaa1", "aaa3", 1)}}); err != nil {
		t.Fatal(err)
	}
	pull()
	if log := r.run(append(env, "GITHUB_SHA="+head)...); !strings.Contains(log, "withdrawn #") {
		t.Error(log)
	}
}

// A request of an image is closed by a run that could tell that it is needed, and by no other.
func TestImageGone(t *testing.T) {
	const ids, release, both = "machine-image/s-*", "machine-image/s-*/release", "machine-image/s-*/release/ids"
	stale := []fix.Unfixed{{Finding: fix.Finding{RuleID: "aws-stale-ami"}, Code: "no-edit"}}
	for _, tt := range []struct {
		name string
		p    proposals
		key  string
		gone bool
	}{
		{"AWS answered", proposals{Images: true}, ids, true},
		{"AWS did not answer", proposals{}, ids, false},
		{"AWS did not answer, about another release", proposals{}, both, false},
		{"a name needs no account", proposals{}, release, true},
		{"one could not be fixed", proposals{Images: true, Unfixed: stale}, ids, false},
		{"a file could not be read", proposals{Images: true, Notices: []string{"main.tf"}}, release, false},
		{"a lock file could not be read", proposals{Images: true, Notices: []string{"web/yarn.lock"}}, ids, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.p.Commit = strings.Repeat("a", 40)
			if got := tt.p.gone(forge.Proposal{Key: tt.key}); (got != "") != tt.gone {
				t.Errorf("%q", got)
			}
		})
	}
}
