package fix

import (
	"errors"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trifecta-scanner/trifecta/internal/web"
)

// TestGitTags asks a real git server for the tags of a repository.
func TestGitTags(t *testing.T) {
	git, err := exec.LookPath("git")
	if err != nil {
		t.Skip("git is not installed")
	}
	dir := t.TempDir()
	work := filepath.Join(dir, "owner", "action.git")
	run := func(args ...string) string {
		t.Helper()
		cmd := exec.Command(git, args...)
		cmd.Env = append(os.Environ(), "HOME="+dir, "GIT_CONFIG_NOSYSTEM=1", "GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@example", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@example")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
		return strings.TrimSpace(string(out))
	}
	run("init", "-q", "--bare", work)
	empty := run("--git-dir", work, "hash-object", "-t", "tree", "-w", os.DevNull)
	commit := run("--git-dir", work, "commit-tree", empty, "-m", "first")
	run("--git-dir", work, "update-ref", "refs/heads/main", commit)
	run("--git-dir", work, "tag", "v1.0.0", commit)
	run("--git-dir", work, "tag", "-a", "-m", "annotated", "v1.1.0", commit)
	server := httptest.NewServer(&cgi.Handler{
		Path: git, Args: []string{"http-backend"}, Env: []string{"GIT_PROJECT_ROOT=" + dir, "GIT_HTTP_EXPORT_ALL=1", "HOME=" + dir},
	})
	defer server.Close()
	tags := &GitTags{Client: web.New(web.Options{Tries: 1}), Server: server.URL}
	got, err := tags.Tags(t.Context(), "owner/action")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]Tag{{"v1.0.0", commit}, {"v1.1.0", commit}}, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if _, err := tags.Tags(t.Context(), "owner/nothing"); !errors.Is(err, ErrNoPackage) {
		t.Errorf("error %v, want that there is none", err)
	}
	for _, name := range []string{"owner", "../x", "a/b/c", "a b/c", "owner/action?x"} {
		if _, err := tags.Tags(t.Context(), name); !errors.Is(err, ErrNoPackage) {
			t.Errorf("%q: error %v, want that it is no repository", name, err)
		}
	}
	server.Close()
	if _, err := tags.Tags(t.Context(), "owner/action"); !errors.Is(err, errUnasked) {
		t.Errorf("error %v, want that nobody could be asked", err)
	}
}

func FuzzTagsOf(f *testing.F) {
	f.Add([]byte("001e# service=git-upload-pack\n0000"))
	f.Add([]byte("003d0123456789abcdef0123456789abcdef01234567 refs/tags/v1.0\n0000"))
	f.Add([]byte("ffff"))
	f.Fuzz(func(t *testing.T, data []byte) {
		tags, err := tagsOf(data)
		if err != nil {
			return
		}
		for _, tag := range tags {
			if !commitHash.MatchString(tag.Commit) {
				t.Fatalf("%q is no commit", tag.Commit)
			}
		}
	})
}
