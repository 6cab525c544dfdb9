package forge

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// PullRequest is a change that a host is asked to propose: what would be merged, and how people are told.
type PullRequest struct {
	// Key names the change among all of a repository and stays the same for as long as the change is wanted, whatever
	// versions come and go: "npm/lodash in web/package-lock.json", or the name of a group. One key is one branch and one
	// open request.
	Key string
	// Version is what exactly is proposed under the key, such as the versions that an upgrade leads to. A person who closes
	// a request without merging it refuses this version; with another one it is a new question.
	Version string
	// Parts are the keys of the single changes in a group. A request whose own key and parts are all among those of a new
	// one is superseded by it.
	Parts []string
	// Scope is the folder that was scanned. Requests about other folders are not looked at.
	Scope string

	Base   string // the branch that it is to be merged into
	Commit string // the commit of that branch from which Files were made, 40 or 64 hexadecimal digits
	Files  []File // all that changes, each path once

	Title     string
	Body      string   // Markdown, at most MaxBody bytes
	Message   string   // of the commit; empty: the title
	Labels    []string // set once: a person may take them away
	Reviewers []string // users, and teams as organization/team; asked once. Who can't be asked is left out
	// AskOwners also asks those whom the CODEOWNERS file of the base names for the files.
	AskOwners bool
}

// MaxBody is how long the body of a request may be, so that what the host keeps in it beside fits as well.
const MaxBody = 60 << 10

// File is a file that a change writes or removes.
type File struct {
	Path    string // relative to the root of the repository, with slashes
	Content []byte
	// Executable says that a file which is new can be run. One that is there keeps its mode.
	Executable bool
	Delete     bool
}

// Proposal is a request as the host has it.
type Proposal struct {
	Number  int // 0 where there is none
	URL     string
	Sign    string // before the number where people write of it; empty is #
	Key     string
	Version string
	Parts   []string
	Scope   string
	State   State  // what came of it
	Reason  string // why, where nothing was done; a sentence without a full stop
}

// Ref names a request as people write of it on the host, which makes a link of it.
func (p *Proposal) Ref() string { return fmt.Sprintf("%s%d", cmp.Or(p.Sign, "#"), p.Number) }

// State is what came of a request in this run.
type State string

// The states of a request.
const (
	Opened    State = "opened"
	Updated   State = "updated"   // its content or its text changed, or it was put on top of a newer base
	Unchanged State = "unchanged" // it says already what it should
	Refused   State = "refused"   // a person closed it at this version
	Touched   State = "touched"   // people have pushed to its branch, which is theirs now
	Outdated  State = "outdated"  // another run has seen a newer base, and this one must not undo its work
	Deferred  State = "deferred"  // the limit is reached
	Withdrawn State = "withdrawn" // it was closed, because it is not needed any more
	Failed    State = "failed"    // the host did not do it; Reconcile has the error
)

// Open reports whether there is an open request after that.
func (s State) Open() bool {
	return s == Opened || s == Updated || s == Unchanged || s == Touched || s == Outdated
}

// Proposer is a code host that can be asked to merge changes. Whatever is called twice, or was cut off and is called
// again, or is called by two runs at once, leads to one right request.
type Proposer interface {
	// Propose opens the request of a change or brings it up to date.
	Propose(ctx context.Context, pr PullRequest) (Proposal, error)
	// Proposals returns the open requests that Propose made for a scope, oldest first. Their State is Unchanged.
	Proposals(ctx context.Context, scope string) ([]Proposal, error)
	// Withdraw closes a request, says why, and removes its branch. One whose branch people have pushed to stays open and
	// is told only.
	Withdraw(ctx context.Context, p Proposal, reason string) (Proposal, error)
}

// branchPrefix begins the name of every branch that is ours.
const branchPrefix = "trifecta/"

// IsBranch reports whether a branch may be one that Propose made.
func IsBranch(name string) bool { return strings.HasPrefix(name, branchPrefix) }

// Branch returns the name of the branch of a request, which depends on its key, scope and base alone.
func (pr *PullRequest) Branch() string {
	const longest = 80
	slug := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			return r
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		}
		return '-' // also what a name of git may not hold, and the slash: no branch may be a folder of another
	}, pr.Key)
	for strings.Contains(slug, "--") {
		slug = strings.ReplaceAll(slug, "--", "-")
	}
	slug = strings.Trim(slug[:min(len(slug), longest)], "-")
	sum := sha256.Sum256([]byte(strings.Join([]string{pr.Key, pr.Scope, pr.Base}, "\x00")))
	return branchPrefix + strings.TrimPrefix(slug+"-"+hex.EncodeToString(sum[:4]), "-")
}

// Check returns why a host can't be asked for the request.
func (pr *PullRequest) Check() error {
	switch {
	case pr.Key == "", pr.Title == "":
		return errors.New("a request needs a key and a title")
	case pr.Base == "":
		return fmt.Errorf("%s: the branch to merge into is not known", pr.Key)
	case !isCommit(pr.Commit):
		return fmt.Errorf("%s: %q is no commit", pr.Key, pr.Commit)
	case len(pr.Files) == 0:
		return fmt.Errorf("%s: nothing changes", pr.Key)
	case len(pr.Body) > MaxBody:
		return fmt.Errorf("%s: the body has %d bytes, and %d are the limit", pr.Key, len(pr.Body), MaxBody)
	}
	seen := map[string]bool{}
	for _, f := range pr.Files {
		if !fs.ValidPath(f.Path) || f.Path == "." || slices.ContainsFunc(strings.Split(f.Path, "/"), isGitFolder) {
			return fmt.Errorf("%s: %q is no path of a file in a repository", pr.Key, f.Path)
		}
		if seen[f.Path] {
			return fmt.Errorf("%s: %s changes twice", pr.Key, f.Path)
		}
		seen[f.Path] = true
	}
	return nil
}

// isGitFolder reports whether git, on some file system, takes a name for its own folder.
func isGitFolder(name string) bool { return strings.EqualFold(strings.TrimRight(name, " ."), ".git") }

func isCommit(s string) bool {
	_, err := hex.DecodeString(s)
	return err == nil && (len(s) == 40 || len(s) == 64)
}

// Digest returns what the content of a request is told by: its key, files and the commit below it. Text about them is
// none of it: other words are no reason to move a branch and have everything tested again.
func (pr *PullRequest) Digest() string {
	files := slices.Clone(pr.Files)
	slices.SortFunc(files, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	hash := sha256.New()
	write := func(parts ...string) {
		for _, part := range parts {
			_, _ = fmt.Fprintf(hash, "%d:%s", len(part), part) // a hash takes everything
		}
	}
	write(pr.Key, pr.Commit)
	for _, f := range files {
		write(path.Clean(f.Path), fmt.Sprint(f.Executable, f.Delete), string(f.Content))
	}
	return hex.EncodeToString(hash.Sum(nil))
}

// CommitMessage returns the message of the commit.
func (pr *PullRequest) CommitMessage() string {
	if pr.Message != "" {
		return strings.TrimSpace(pr.Message)
	}
	return pr.Title
}
