package git

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	gogit "github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/config"
	"github.com/go-git/go-git/v5/plumbing/object"
)

func TestReadHead(t *testing.T) {
	dir := t.TempDir()
	if head, err := ReadHead(dir); err != nil || head != (Head{}) {
		t.Errorf("a folder outside of a repository: %+v, %v", head, err)
	}
	repo, err := gogit.PlainInit(dir, false)
	if err != nil {
		t.Fatal(err)
	}
	if head, err := ReadHead(dir); err != nil || head.Commit != "" {
		t.Errorf("a repository without a commit: %+v, %v", head, err)
	}
	if _, err := repo.CreateRemote(&config.RemoteConfig{Name: "origin", URLs: []string{"https://user:secret@code.example/shop/web.git?token=secret"}}); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "a"), []byte("a"), 0o600); err != nil {
		t.Fatal(err)
	}
	work, err := repo.Worktree()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := work.Add("a"); err != nil {
		t.Fatal(err)
	}
	hash, err := work.Commit("a", &gogit.CommitOptions{Author: &object.Signature{Name: "a", Email: "a@shop.example", When: time.Unix(0, 0)}})
	if err != nil {
		t.Fatal(err)
	}
	inner := filepath.Join(dir, "inner")
	if err := os.Mkdir(inner, 0o700); err != nil {
		t.Fatal(err)
	}
	got, err := ReadHead(inner)
	want := Head{Repository: "https://code.example/shop/web.git", Ref: "refs/heads/master", Commit: hash.String()}
	if err != nil || got != want {
		t.Errorf("ReadHead = %+v, %v; want %+v", got, err, want)
	}
}

func TestWithoutCredentials(t *testing.T) {
	for address, want := range map[string]string{
		"https://token@code.example/a":      "https://code.example/a",
		"git@code.example:shop/web.git":     "code.example:shop/web.git",
		"ssh://git@code.example/shop/a.git": "ssh://code.example/shop/a.git",
		"../upstream":                       "../upstream",
	} {
		if got := withoutCredentials(address); got != want {
			t.Errorf("withoutCredentials(%q) = %q, want %q", address, got, want)
		}
	}
}
