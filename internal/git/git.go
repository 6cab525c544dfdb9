// Package git reads what a scan wants to know of a repository's version control. It never runs git: a scanned
// repository's own configuration could make git run programs.
package git

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	gogit "github.com/go-git/go-git/v5"
)

// Head says which state of a repository is checked out. Empty fields are not known.
type Head struct {
	Repository string // the address of the remote origin, without credentials
	Ref        string // refs/heads/main; empty where no branch is checked out
	Commit     string // 40 hexadecimal digits
}

// ReadHead returns the head of the repository that holds dir. A folder outside of a repository has a zero Head.
func ReadHead(dir string) (Head, error) {
	repo, err := gogit.PlainOpenWithOptions(dir, &gogit.PlainOpenOptions{DetectDotGit: true, EnableDotGitCommonDir: true})
	if errors.Is(err, gogit.ErrRepositoryNotExists) {
		return Head{}, nil
	}
	if err != nil {
		return Head{}, fmt.Errorf("open the repository of %s: %w", dir, err)
	}
	var head Head
	if remote, err := repo.Remote("origin"); err == nil && len(remote.Config().URLs) > 0 {
		head.Repository = withoutCredentials(remote.Config().URLs[0])
	}
	ref, err := repo.Head()
	if err != nil {
		return head, nil //nolint:nilerr // a repository without a commit yet
	}
	head.Commit = ref.Hash().String()
	if ref.Name().IsBranch() || ref.Name().IsTag() {
		head.Ref = ref.Name().String()
	}
	return head, nil
}

// withoutCredentials cuts user names, passwords, queries and fragments off an address: tokens stand in all of them.
func withoutCredentials(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" { // git@host:owner/name or a path
		if _, after, ok := strings.Cut(address, "@"); ok {
			return after
		}
		return address
	}
	u.User, u.RawQuery, u.Fragment = nil, "", ""
	return u.String()
}
