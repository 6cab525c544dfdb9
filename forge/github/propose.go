package github

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"path"
	"slices"
	"strings"
	"unicode/utf8"

	gogithub "github.com/google/go-github/v60/github"

	"github.com/trifecta-scanner/trifecta/forge"
)

// needsToPropose is what a token must be allowed for requests.
const needsToPropose = "the permissions contents: write and pull-requests: write, and the setting that lets Actions create pull requests"

// Propose implements forge.Proposer. The commit is made by the Git Data API, so that a token is all it needs. Its
// branch is the one thing that two runs share: whoever finds that the other has moved it looks again, and a request
// exists once for a branch, for which the host cares itself.
func (c *Client) Propose(ctx context.Context, pr forge.PullRequest) (forge.Proposal, error) {
	p := forge.Proposal{Key: pr.Key, Version: pr.Version, Parts: pr.Parts, Scope: pr.Scope}
	if err := pr.Check(); err != nil {
		return p, err
	}
	err := c.again(ctx, func() error {
		run := proposing{Client: c, pr: &pr, p: p}
		if err := run.propose(ctx); err != nil {
			return err
		}
		p = run.p
		return nil
	})
	return p, denied(fmt.Sprintf("propose %q", pr.Title), needed(&pr), err)
}

// again does something that looks before it acts, and does it anew where another run was faster or an answer was lost.
func (c *Client) again(ctx context.Context, do func() error) error {
	return forge.Again(ctx, c.sleep, lost, do)
}

// needed returns what a token must be allowed for a request.
func needed(pr *forge.PullRequest) string {
	if slices.ContainsFunc(pr.Files, func(f forge.File) bool { return strings.HasPrefix(f.Path, ".github/workflows/") }) {
		return needsToPropose + "; for a change of workflows a token other than that of the job, with the permission workflows: write"
	}
	return needsToPropose
}

// proposing is one try to propose.
type proposing struct {
	*Client
	pr *forge.PullRequest
	p  forge.Proposal

	open *gogithub.PullRequest // the open request of the branch, if there is one
	all  []*gogithub.PullRequest
}

func (r *proposing) state(state forge.State, reason string) { r.p.State, r.p.Reason = state, reason }

func (r *proposing) propose(ctx context.Context) error {
	var err error
	if r.all, err = r.requests(ctx, r.pr.Branch()); err != nil {
		return err
	}
	for _, pull := range r.all {
		if pull.GetState() == "open" && pull.GetBase().GetRef() == r.pr.Base {
			r.open = pull
			r.p.Number, r.p.URL = pull.GetNumber(), pull.GetHTMLURL()
		}
	}
	if r.open == nil {
		if stop, err := r.decided(ctx); err != nil || stop {
			return err
		}
	}
	moved, err := r.branch(ctx)
	if err != nil || r.p.State != "" {
		return err
	}
	return r.request(ctx, moved)
}

// requests returns all requests that the branch has ever had, the newest first.
func (c *Client) requests(ctx context.Context, branch string) ([]*gogithub.PullRequest, error) {
	var all []*gogithub.PullRequest
	opts := &gogithub.PullRequestListOptions{State: "all", Head: c.owner + ":" + branch, ListOptions: gogithub.ListOptions{PerPage: pageSize}}
	for {
		page, res, err := c.api.PullRequests.List(ctx, c.owner, c.name, opts)
		if err != nil {
			return nil, err
		}
		for _, pull := range page {
			if c.own(pull) && pull.GetHead().GetRef() == branch {
				all = append(all, pull)
			}
		}
		if res.NextPage == 0 {
			return all, nil
		}
		opts.Page = res.NextPage
	}
}

// own reports whether a request is for a branch of the repository itself. The branch of a fork can have any name.
func (c *Client) own(pull *gogithub.PullRequest) bool {
	return strings.EqualFold(pull.GetHead().GetRepo().GetFullName(), c.owner+"/"+c.name)
}

// decided reports whether people have said already what becomes of the change: they have closed it at this version, or
// merged it, which this run has not seen yet.
func (r *proposing) decided(ctx context.Context) (bool, error) {
	for _, pull := range r.all {
		marker, ok := forge.FindMarker(pull.GetBody())
		if !ok || marker.Version != r.pr.Version || pull.GetBase().GetRef() != r.pr.Base {
			continue
		}
		r.p.Number, r.p.URL = pull.GetNumber(), pull.GetHTMLURL()
		if pull.MergedAt == nil {
			if marker.Closed {
				continue
			}
			r.state(forge.Refused, fmt.Sprintf("#%d was closed without being merged", pull.GetNumber()))
			return true, nil
		}
		seen, err := r.descends(ctx, pull.GetMergeCommitSHA(), r.pr.Commit)
		if err != nil {
			return false, err
		}
		if !seen {
			r.state(forge.Outdated, fmt.Sprintf("#%d was merged after the commit that was scanned", pull.GetNumber()))
			return true, nil
		}
	}
	r.p.Number, r.p.URL = 0, ""
	return false, nil
}

// descends reports whether a commit comes after another one, or is it.
func (c *Client) descends(ctx context.Context, before, after string) (bool, error) {
	if before == after {
		return true, nil
	}
	comparison, _, err := c.api.Repositories.CompareCommits(ctx, c.owner, c.name, before, after, &gogithub.ListOptions{PerPage: 1})
	if err != nil {
		if status(err) == http.StatusNotFound { // a history that was rewritten
			return false, nil
		}
		return false, err
	}
	return comparison.GetStatus() == "ahead" || comparison.GetStatus() == "identical", nil
}

// tip is the last commit of a branch.
type tip struct {
	sha     string // empty: there is no branch
	ours    bool
	digest  string
	parents []string
}

func (c *Client) tip(ctx context.Context, branch string) (tip, error) {
	ref, _, err := c.api.Git.GetRef(ctx, c.owner, c.name, "heads/"+branch)
	if status(err) == http.StatusNotFound {
		return tip{}, nil
	}
	if err != nil {
		return tip{}, err
	}
	t := tip{sha: ref.GetObject().GetSHA()}
	commit, _, err := c.api.Git.GetCommit(ctx, c.owner, c.name, t.sha)
	if err != nil {
		return t, err
	}
	for _, p := range commit.Parents {
		t.parents = append(t.parents, p.GetSHA())
	}
	t.digest, t.ours = forge.Unseal(commit.GetMessage(), commit.GetTree().GetSHA(), t.parents)
	return t, nil
}

// branch makes the branch say what is proposed, and returns whether it had to be moved. It sets the state where it must
// not be.
func (r *proposing) branch(ctx context.Context) (moved bool, err error) {
	name := r.pr.Branch()
	at, err := r.tip(ctx, name)
	if err != nil {
		return false, err
	}
	digest := r.pr.Digest()
	switch {
	case at.sha == "":
	case !at.ours && !r.left(at):
		r.state(forge.Touched, fmt.Sprintf("people have pushed to %s", name))
		return false, nil
	case at.ours && at.digest == digest && at.parents[0] == r.pr.Commit:
		return false, nil
	case at.ours && at.parents[0] != r.pr.Commit && r.open != nil:
		newer, err := r.descends(ctx, r.pr.Commit, at.parents[0])
		if err != nil {
			return false, err
		}
		if newer {
			r.state(forge.Outdated, fmt.Sprintf("#%d was made from a newer commit of %s", r.p.Number, r.pr.Base))
			return false, nil
		}
	}
	sha, err := r.commit(ctx, digest)
	if err != nil || r.p.State != "" {
		return false, err
	}
	return true, r.move(ctx, name, at.sha, sha)
}

// left reports whether the branch was left behind by a request that was merged with just this commit, so that nothing on
// it can be lost.
func (r *proposing) left(at tip) bool {
	return r.open == nil && slices.ContainsFunc(r.all, func(pull *gogithub.PullRequest) bool {
		return pull.MergedAt != nil && pull.GetHead().GetSHA() == at.sha
	})
}

// move puts the branch on a commit, if it is still on the one that was seen; empty stands for no branch.
func (r *proposing) move(ctx context.Context, name, from, to string) error {
	ref := &gogithub.Reference{Ref: gogithub.String("refs/heads/" + name), Object: &gogithub.GitObject{SHA: &to}}
	if from == "" {
		_, _, err := r.api.Git.CreateRef(ctx, r.owner, r.name, ref)
		if status(err) == http.StatusUnprocessableEntity {
			return fmt.Errorf("%w: %w", forge.ErrAgain, err)
		}
		return err
	}
	if r.lease != nil {
		return r.lease.move(ctx, "refs/heads/"+name, from, to)
	}
	// The API has no "only if it is still there". The look just before makes the time in which a push can be lost as
	// short as it gets.
	now, err := r.tip(ctx, name)
	if err != nil {
		return err
	}
	if now.sha != from {
		return forge.ErrAgain
	}
	_, _, err = r.api.Git.UpdateRef(ctx, r.owner, r.name, ref, true)
	if status(err) == http.StatusUnprocessableEntity {
		return fmt.Errorf("%w: %w", forge.ErrAgain, err)
	}
	return err
}

// maxInline is how much text of a file goes into the request that makes the tree; more goes alone.
const maxInline = 256 << 10

// commit makes the commit. Until a branch shows it nobody sees it, and the host forgets it after a while. It sets the
// state where the base says already what is proposed.
func (r *proposing) commit(ctx context.Context, digest string) (string, error) {
	parent, _, err := r.api.Git.GetCommit(ctx, r.owner, r.name, r.pr.Commit)
	if err != nil {
		return "", fmt.Errorf("read the commit %s: %w", r.pr.Commit, err)
	}
	base := &folders{client: r.Client, root: parent.GetTree().GetSHA(), known: map[string]map[string]*gogithub.TreeEntry{}}
	entries := make([]*gogithub.TreeEntry, 0, len(r.pr.Files))
	for i := range r.pr.Files {
		entry, err := r.entry(ctx, base, &r.pr.Files[i])
		if err != nil {
			return "", err
		}
		if entry != nil {
			entries = append(entries, entry)
		}
	}
	sha := base.root
	if len(entries) > 0 {
		tree, _, err := r.api.Git.CreateTree(ctx, r.owner, r.name, base.root, entries)
		if err != nil {
			return "", err
		}
		sha = tree.GetSHA()
	}
	if sha == base.root {
		return "", fmt.Errorf("%s: nothing changes", r.pr.Key)
	}
	message := forge.Seal(r.pr.CommitMessage(), digest, sha, r.pr.Commit)
	// Without an author the host names the one of the token, and signs for an app.
	commit, _, err := r.api.Git.CreateCommit(ctx, r.owner, r.name, &gogithub.Commit{
		Message: &message, Tree: &gogithub.Tree{SHA: &sha}, Parents: []*gogithub.Commit{{SHA: &r.pr.Commit}},
	}, nil)
	return commit.GetSHA(), err
}

// entry returns the entry of the new tree for a file, nil for one that is to be removed and is not there.
func (r *proposing) entry(ctx context.Context, base *folders, f *forge.File) (*gogithub.TreeEntry, error) {
	there, err := base.find(ctx, f.Path)
	if err != nil {
		return nil, err
	}
	mode := "100644"
	if f.Executable {
		mode = "100755"
	}
	if there != nil {
		if there.GetType() != "blob" || there.GetMode() == "120000" {
			return nil, fmt.Errorf("%s is no regular file at %s", f.Path, r.pr.Commit)
		}
		mode = there.GetMode()
	}
	entry := &gogithub.TreeEntry{Path: &f.Path, Mode: &mode, Type: gogithub.String("blob")}
	switch {
	case f.Delete && there == nil:
		return nil, nil //nolint:nilnil // nothing is to be done, which is no error
	case f.Delete:
	case len(f.Content) > 0 && len(f.Content) <= maxInline && utf8.Valid(f.Content):
		entry.Content = gogithub.String(string(f.Content))
	default:
		blob, _, err := r.api.Git.CreateBlob(ctx, r.owner, r.name, &gogithub.Blob{
			Content: gogithub.String(base64.StdEncoding.EncodeToString(f.Content)), Encoding: gogithub.String("base64"),
		})
		if err != nil {
			return nil, err
		}
		entry.SHA = blob.SHA
	}
	return entry, nil
}

// folders reads the folders of a tree, each once.
type folders struct {
	client *Client
	root   string
	known  map[string]map[string]*gogithub.TreeEntry // by path
}

// find returns the entry of a path, nil where there is none.
func (f *folders) find(ctx context.Context, name string) (*gogithub.TreeEntry, error) {
	folder, err := f.folder(ctx, path.Dir(name))
	return folder[path.Base(name)], err
}

func (f *folders) folder(ctx context.Context, name string) (map[string]*gogithub.TreeEntry, error) {
	if entries, ok := f.known[name]; ok {
		return entries, nil
	}
	sha := f.root
	if name != "." {
		entry, err := f.find(ctx, name)
		if err != nil || entry.GetType() != "tree" {
			return nil, err
		}
		sha = entry.GetSHA()
	}
	tree, _, err := f.client.api.Git.GetTree(ctx, f.client.owner, f.client.name, sha, false)
	if err != nil {
		return nil, err
	}
	if tree.GetTruncated() {
		return nil, fmt.Errorf("the folder %s has more files than the host lists", name)
	}
	entries := map[string]*gogithub.TreeEntry{}
	for _, e := range tree.Entries {
		entries[e.GetPath()] = e
	}
	f.known[name] = entries
	return entries, nil
}

// request opens the request or brings its text up to date, and asks for reviews once.
func (r *proposing) request(ctx context.Context, moved bool) error {
	pr := r.pr
	if r.open == nil {
		pull, _, err := r.api.PullRequests.Create(ctx, r.owner, r.name, &gogithub.NewPullRequest{
			Title: &pr.Title, Head: gogithub.String(pr.Branch()), Base: &pr.Base, Body: gogithub.String(pr.Marker().Hide(pr.Body)),
		})
		// The other run's request is there, or the host does not know yet of the branch that it was just given.
		if status(err) == http.StatusUnprocessableEntity && (strings.Contains(err.Error(), "already exists") || strings.Contains(err.Error(), "Field:head Code:invalid")) {
			return fmt.Errorf("%w: %w", forge.ErrAgain, err)
		}
		if err != nil {
			return err
		}
		r.open = pull
		r.p.Number, r.p.URL = pull.GetNumber(), pull.GetHTMLURL()
		r.state(forge.Opened, "")
	}
	was, _ := forge.FindMarker(r.open.GetBody()) // a body without one is one that a person has emptied
	marker := pr.Marker()
	marker.Asked = was.Asked
	if !was.Asked {
		if err := r.ask(ctx); err != nil {
			return err
		}
		marker.Asked = true
	}
	edit := &gogithub.PullRequest{}
	if body := marker.Hide(pr.Body); !forge.SameText(body, r.open.GetBody()) {
		edit.Body = &body
	}
	// A title that is neither ours nor what we gave it before is a person's.
	if title := r.open.GetTitle(); title != pr.Title && (title == was.Title || was.Title == "") {
		edit.Title = &pr.Title
	}
	if edit.Body != nil || edit.Title != nil {
		if _, _, err := r.api.PullRequests.Edit(ctx, r.owner, r.name, r.p.Number, edit); err != nil {
			return err
		}
	}
	switch {
	case r.p.State != "":
	case moved, edit.Body != nil, edit.Title != nil:
		r.state(forge.Updated, "")
	default:
		r.state(forge.Unchanged, "")
	}
	return nil
}

// ask sets the labels and asks for reviews. Those who can't be asked, because they are not there or opened the request
// themselves, do not keep the others from being asked, and never the request from being there.
func (r *proposing) ask(ctx context.Context) error {
	if len(r.pr.Labels) > 0 {
		// go-github sends the bare list, which GitHub's description of the API leaves out.
		req, err := r.api.NewRequest(http.MethodPost, fmt.Sprintf("repos/%s/%s/issues/%d/labels", r.owner, r.name, r.p.Number),
			map[string][]string{"labels": r.pr.Labels})
		if err != nil {
			return err
		}
		if _, err := r.api.Do(ctx, req, nil); unlessRefused(err) != nil {
			return err
		}
	}
	people, err := r.reviewers(ctx)
	if err != nil {
		return err
	}
	err = r.askFor(ctx, people...)
	if !refused(err) || len(people) < 2 {
		return unlessRefused(err)
	}
	for _, name := range people {
		if err := unlessRefused(r.askFor(ctx, name)); err != nil {
			return err
		}
	}
	return nil
}

func (r *proposing) askFor(ctx context.Context, people ...string) error {
	var asked gogithub.ReviewersRequest
	for _, name := range people {
		if organization, team, ok := strings.Cut(name, "/"); !ok {
			asked.Reviewers = append(asked.Reviewers, name)
		} else if strings.EqualFold(organization, r.owner) { // teams of others can't be asked
			asked.TeamReviewers = append(asked.TeamReviewers, team)
		}
	}
	if len(asked.Reviewers)+len(asked.TeamReviewers) == 0 {
		return nil
	}
	_, _, err := r.api.PullRequests.RequestReviewers(ctx, r.owner, r.name, r.p.Number, asked)
	return err
}

// maxReviewers is how many are asked: the host takes no more than 15, and a change that half of a company is asked about
// is nobody's.
const maxReviewers = 15

func (r *proposing) reviewers(ctx context.Context) ([]string, error) {
	people := slices.Clone(r.pr.Reviewers)
	if r.pr.AskOwners {
		owners, err := r.codeOwners(ctx)
		if err != nil {
			return nil, err
		}
		files := make([]string, len(r.pr.Files))
		for i, f := range r.pr.Files {
			files[i] = f.Path
		}
		for _, name := range owners.Reviewers(files...) {
			if !slices.Contains(people, name) {
				people = append(people, name)
			}
		}
	}
	return people[:min(len(people), maxReviewers)], nil
}

// codeOwnersFiles are where GitHub looks; the first that is there counts.
var codeOwnersFiles = []string{".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS"}

// maxCodeOwners is the size above which GitHub does not read the file.
const maxCodeOwners = 3 << 20

func (r *proposing) codeOwners(ctx context.Context) (forge.CodeOwners, error) {
	commit, _, err := r.api.Git.GetCommit(ctx, r.owner, r.name, r.pr.Commit)
	if err != nil {
		return nil, err
	}
	base := &folders{client: r.Client, root: commit.GetTree().GetSHA(), known: map[string]map[string]*gogithub.TreeEntry{}}
	for _, name := range codeOwnersFiles {
		entry, err := base.find(ctx, name)
		if err != nil {
			return nil, err
		}
		if entry.GetType() != "blob" || entry.GetMode() == "120000" || entry.GetSize() > maxCodeOwners {
			continue
		}
		blob, _, err := r.api.Git.GetBlob(ctx, r.owner, r.name, entry.GetSHA())
		if err != nil {
			return nil, err
		}
		data, err := base64.StdEncoding.DecodeString(strings.ReplaceAll(blob.GetContent(), "\n", ""))
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", name, err)
		}
		return forge.ParseCodeOwners(data), nil
	}
	return nil, nil
}

// refused reports whether the host does not do what was asked for good.
func refused(err error) bool {
	switch status(err) {
	case http.StatusUnprocessableEntity, http.StatusNotFound:
		return true
	case http.StatusForbidden:
		return !limited(err)
	}
	return false
}

func unlessRefused(err error) error {
	if refused(err) {
		return nil
	}
	return err
}

// Proposals implements forge.Proposer.
func (c *Client) Proposals(ctx context.Context, scope string) ([]forge.Proposal, error) {
	var all []forge.Proposal
	opts := &gogithub.PullRequestListOptions{State: "open", Sort: "created", Direction: "asc", ListOptions: gogithub.ListOptions{PerPage: pageSize}}
	for {
		page, res, err := c.api.PullRequests.List(ctx, c.owner, c.name, opts)
		if err != nil {
			return nil, denied("list the open requests", "the permission pull-requests: read", err)
		}
		for _, pull := range page {
			marker, ok := forge.FindMarker(pull.GetBody())
			if ok && marker.Scope == scope && c.own(pull) && forge.IsBranch(pull.GetHead().GetRef()) {
				all = append(all, forge.Proposal{
					Number: pull.GetNumber(), URL: pull.GetHTMLURL(), Key: marker.Key, Version: marker.Version, Parts: marker.Parts,
					Scope: marker.Scope, State: forge.Unchanged,
				})
			}
		}
		if res.NextPage == 0 {
			slices.SortFunc(all, func(a, b forge.Proposal) int { return a.Number - b.Number })
			return all, nil
		}
		opts.Page = res.NextPage
	}
}

// withdrawnMarker begins the comment that says why a request was closed.
const withdrawnMarker = "<!-- trifecta withdrawn -->"

// Withdraw implements forge.Proposer. The mark that it was us comes first, so that one that was cut off is found open, or
// closed by us, and never as a refusal by a person. Removing the branch closes the request, too, which leaves no branch
// behind when the last step is cut off.
func (c *Client) Withdraw(ctx context.Context, p forge.Proposal, reason string) (forge.Proposal, error) {
	err := c.again(ctx, func() error { return c.withdraw(ctx, &p, reason) })
	return p, denied(fmt.Sprintf("close #%d", p.Number), needsToPropose, err)
}

func (c *Client) withdraw(ctx context.Context, p *forge.Proposal, reason string) error {
	pull, _, err := c.api.PullRequests.Get(ctx, c.owner, c.name, p.Number)
	if err != nil {
		return err
	}
	branch := pull.GetHead().GetRef()
	marker, ok := forge.FindMarker(pull.GetBody())
	if !ok || !c.own(pull) || !forge.IsBranch(branch) {
		p.State, p.Reason = forge.Touched, "it is not a request of ours any more"
		return nil
	}
	p.State, p.Reason = forge.Withdrawn, reason
	comment := "This request is not needed any more: " + reason + "."
	if pull.GetState() != "open" {
		if !marker.Closed { // a person was faster, for reasons of their own
			return nil
		}
		_, err := c.Comment(ctx, p.Number, withdrawnMarker, comment)
		return err
	}
	at, err := c.tip(ctx, branch)
	if err != nil {
		return err
	}
	if at.sha != "" && !at.ours {
		p.State, p.Reason = forge.Touched, fmt.Sprintf("people have pushed to %s", branch)
		_, err := c.Comment(ctx, p.Number, withdrawnMarker, comment+" People have pushed to its branch, so it stays open for them to close.")
		return err
	}
	if !marker.Closed {
		marker.Closed = true
		body := marker.Hide(forge.Visible(pull.GetBody()))
		if _, _, err := c.api.PullRequests.Edit(ctx, c.owner, c.name, p.Number, &gogithub.PullRequest{Body: &body}); err != nil {
			return err
		}
	}
	if _, err := c.Comment(ctx, p.Number, withdrawnMarker, comment); err != nil {
		return err
	}
	if at.sha != "" {
		if err := c.removeBranch(ctx, branch, at.sha); err != nil {
			return err
		}
	}
	if _, _, err := c.api.PullRequests.Edit(ctx, c.owner, c.name, p.Number, &gogithub.PullRequest{State: gogithub.String("closed")}); err != nil {
		return err
	}
	_, err = c.Comment(ctx, p.Number, withdrawnMarker, comment) // two runs at once have said it twice
	return err
}

// removeBranch removes a branch that is still on the commit. Where it is on another by now the answer is forge.ErrAgain.
func (c *Client) removeBranch(ctx context.Context, branch, from string) error {
	if c.lease != nil {
		return c.lease.move(ctx, "refs/heads/"+branch, from, "")
	}
	now, err := c.tip(ctx, branch)
	switch {
	case err != nil, now.sha == "":
		return err
	case now.sha != from:
		return forge.ErrAgain
	}
	_, err = c.api.Git.DeleteRef(ctx, c.owner, c.name, "refs/heads/"+branch)
	if status(err) == http.StatusUnprocessableEntity {
		return fmt.Errorf("%w: %w", forge.ErrAgain, err)
	}
	return err
}
