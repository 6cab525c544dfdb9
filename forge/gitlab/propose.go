package gitlab

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"strings"

	gogitlab "gitlab.com/gitlab-org/api/client-go"

	"github.com/trifecta-scanner/trifecta/forge"
)

// needsToPropose is what a token must be allowed for requests.
const needsToPropose = "a project access token with the scope api and the role Developer, and branches named trifecta/* that it may push to"

// sign stands before the number of a merge request; with another one it would be an issue.
const sign = "!"

// Propose implements forge.Proposer. One request makes the commit and moves the branch to it, and one opens the merge
// request with labels and reviewers, so that no run that is cut off leaves half of either.
func (c *Client) Propose(ctx context.Context, pr forge.PullRequest) (forge.Proposal, error) {
	p := forge.Proposal{Sign: sign, Key: pr.Key, Version: pr.Version, Parts: pr.Parts, Scope: pr.Scope}
	if err := pr.Check(); err != nil {
		return p, err
	}
	operation := fmt.Sprintf("propose %q", pr.Title)
	if err := c.writes(operation, needsToPropose); err != nil {
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
	return p, denied(operation, needsToPropose, err)
}

// proposing is one try to propose.
type proposing struct {
	*Client
	pr *forge.PullRequest
	p  forge.Proposal

	open *gogitlab.BasicMergeRequest // the open request of the branch, if there is one
	all  []*gogitlab.BasicMergeRequest
}

func (r *proposing) state(state forge.State, reason string) { r.p.State, r.p.Reason = state, reason }

func (r *proposing) propose(ctx context.Context) error {
	branch := r.pr.Branch()
	var err error
	r.all, err = r.requests(ctx, &gogitlab.ListProjectMergeRequestsOptions{SourceBranch: &branch})
	if err != nil {
		return err
	}
	for _, mr := range r.all {
		if isOpen(mr) && mr.TargetBranch == r.pr.Base {
			r.open = mr
			r.p.Number, r.p.URL = int(mr.IID), mr.WebURL
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

// requests returns the requests for branches of the project itself, oldest first. The branch of a fork can have any name.
func (c *Client) requests(ctx context.Context, opts *gogitlab.ListProjectMergeRequestsOptions) ([]*gogitlab.BasicMergeRequest, error) {
	order, sort := "created_at", "asc"
	opts.OrderBy, opts.Sort, opts.PerPage = &order, &sort, pageSize
	var all []*gogitlab.BasicMergeRequest
	for {
		page, res, err := c.api.MergeRequests.ListProjectMergeRequests(c.project, opts, gogitlab.WithContext(ctx))
		if err != nil {
			return nil, err
		}
		for _, mr := range page {
			if own(mr) && (opts.SourceBranch == nil || mr.SourceBranch == *opts.SourceBranch) {
				all = append(all, mr)
			}
		}
		if res.NextPage == 0 {
			return all, nil
		}
		opts.Page = res.NextPage
	}
}

func own(mr *gogitlab.BasicMergeRequest) bool { return mr.SourceProjectID == mr.TargetProjectID }

// The states of a merge request that are told apart; a locked one is being merged.
const (
	stateOpened = "opened"
	stateMerged = "merged"
)

func isOpen(mr *gogitlab.BasicMergeRequest) bool {
	return mr.State == stateOpened || mr.State == "locked"
}

// decided reports whether people have said already what becomes of the change: they have closed it at this version, or
// merged it, which this run has not seen yet.
func (r *proposing) decided(ctx context.Context) (bool, error) {
	for _, mr := range slices.Backward(r.all) {
		marker, ok := forge.FindMarker(mr.Description)
		if !ok || marker.Version != r.pr.Version || mr.TargetBranch != r.pr.Base {
			continue
		}
		r.p.Number, r.p.URL = int(mr.IID), mr.WebURL
		if mr.State != stateMerged {
			if marker.Closed {
				continue
			}
			r.state(forge.Refused, fmt.Sprintf("!%d was closed without being merged", mr.IID))
			return true, nil
		}
		seen, err := r.descends(ctx, mergedAs(mr), r.pr.Commit)
		if err != nil {
			return false, err
		}
		if !seen {
			r.state(forge.Outdated, fmt.Sprintf("!%d was merged after the commit that was scanned", mr.IID))
			return true, nil
		}
	}
	r.p.Number, r.p.URL = 0, ""
	return false, nil
}

// mergedAs returns the commit by which a request came into its target: a merge, a squashed commit, or its own.
func mergedAs(mr *gogitlab.BasicMergeRequest) string {
	for _, sha := range []string{mr.MergeCommitSHA, mr.SquashCommitSHA} {
		if sha != "" {
			return sha
		}
	}
	return mr.SHA
}

// descends reports whether a commit comes after another one, or is it.
func (c *Client) descends(ctx context.Context, before, after string) (bool, error) {
	if before == after {
		return true, nil
	}
	base, _, err := c.api.Repositories.MergeBase(c.project, &gogitlab.MergeBaseOptions{Ref: &[]string{before, after}}, gogitlab.WithContext(ctx))
	if err != nil {
		if code := status(err); code == http.StatusNotFound || code == http.StatusBadRequest { // a history that was rewritten
			return false, nil
		}
		return false, err
	}
	return base.ID == before, nil
}

// tip is the last commit of a branch.
type tip struct {
	sha     string // empty: there is no branch
	ours    bool
	digest  string
	parents []string
}

func (c *Client) tip(ctx context.Context, branch string) (tip, error) {
	b, _, err := c.api.Branches.GetBranch(c.project, branch, gogitlab.WithContext(ctx))
	if status(err) == http.StatusNotFound {
		return tip{}, nil
	}
	if err != nil {
		return tip{}, err
	}
	if b.Commit == nil {
		return tip{}, unfitError("the host says of the branch " + branch + " not which commit it is on")
	}
	t := tip{sha: b.Commit.ID, parents: b.Commit.ParentIDs}
	name, err := c.tree(t.sha).with(ctx, nil)
	if err != nil {
		return t, err
	}
	t.digest, t.ours = forge.Unseal(b.Commit.Message, name, t.parents)
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
			r.state(forge.Outdated, fmt.Sprintf("!%d was made from a newer commit of %s", r.p.Number, r.pr.Base))
			return false, nil
		}
	}
	return true, r.commit(ctx, digest, at.sha)
}

// left reports whether the branch was left behind by a request that was merged with just this commit, so that nothing on
// it can be lost.
func (r *proposing) left(at tip) bool {
	return r.open == nil && slices.ContainsFunc(r.all, func(mr *gogitlab.BasicMergeRequest) bool {
		return mr.State == stateMerged && mr.SHA == at.sha
	})
}

// commit makes the commit and puts the branch on it, which was on the commit from, or is not there yet where that is
// empty. forge.ErrAgain says that it is elsewhere by now.
func (r *proposing) commit(ctx context.Context, digest, from string) error {
	base := r.tree(r.pr.Commit)
	changes := map[string]node{}
	var actions []*gogitlab.CommitActionOptions
	for i := range r.pr.Files {
		more, err := r.actions(ctx, base, &r.pr.Files[i], changes)
		if err != nil {
			return err
		}
		actions = append(actions, more...)
	}
	name, err := base.with(ctx, changes)
	if err != nil {
		return err
	}
	if len(actions) == 0 {
		return unfitError(r.pr.Key + ": nothing changes")
	}
	branch := r.pr.Branch()
	message := forge.Seal(r.pr.CommitMessage(), digest, name, r.pr.Commit)
	opts := &gogitlab.CreateCommitOptions{Branch: &branch, CommitMessage: &message, StartSHA: &r.pr.Commit, Actions: actions}
	if from != "" {
		// The API has no "only if it is still there". The look just before makes the time in which a push can be lost as
		// short as it gets.
		now, _, err := r.api.Branches.GetBranch(r.project, branch, gogitlab.WithContext(ctx))
		if err != nil && status(err) != http.StatusNotFound {
			return err
		}
		if err != nil || now.Commit == nil || now.Commit.ID != from {
			return forge.ErrAgain
		}
		opts.Force = gogitlab.Ptr(true)
	}
	_, _, err = r.api.Commits.CreateCommit(r.project, opts, gogitlab.WithContext(ctx))
	if status(err) == http.StatusBadRequest && from == "" && strings.Contains(err.Error(), "already exists") {
		return fmt.Errorf("%w: %w", forge.ErrAgain, err)
	}
	return err
}

// actions returns what is to be done for a file, and adds its entry in the new tree to changes. For a file that is there
// already as it should be, or gone, nothing is to be done.
func (r *proposing) actions(ctx context.Context, base *tree, f *forge.File, changes map[string]node) ([]*gogitlab.CommitActionOptions, error) {
	there, err := base.find(ctx, f.Path)
	if err != nil {
		return nil, err
	}
	if there.id != "" && !there.regular() {
		return nil, unfitError(fmt.Sprintf("%s is no regular file at %s", f.Path, r.pr.Commit))
	}
	action := func(kind gogitlab.FileActionValue) *gogitlab.CommitActionOptions {
		return &gogitlab.CommitActionOptions{Action: &kind, FilePath: &f.Path}
	}
	switch {
	case f.Delete && there.id == "":
		return nil, nil
	case f.Delete:
		changes[f.Path] = node{}
		return []*gogitlab.CommitActionOptions{action(gogitlab.FileDelete)}, nil
	}
	after := node{mode: modeFile, id: base.object("blob", f.Content)}
	kind := gogitlab.FileCreate
	if there.id != "" {
		after.mode, kind = there.mode, gogitlab.FileUpdate // one that is there keeps its mode
	} else if f.Executable {
		after.mode = modeExecutable
	}
	if after == there {
		return nil, nil
	}
	changes[f.Path] = after
	write := action(kind)
	write.Content, write.Encoding = gogitlab.Ptr(base64.StdEncoding.EncodeToString(f.Content)), gogitlab.Ptr("base64")
	list := []*gogitlab.CommitActionOptions{write}
	if there.id == "" && f.Executable {
		mode := action(gogitlab.FileChmod)
		mode.ExecuteFilemode = gogitlab.Ptr(true)
		list = append(list, mode)
	}
	return list, nil
}

// request opens the request or brings its text up to date. Labels are set and reviews asked for once.
func (r *proposing) request(ctx context.Context, moved bool) error {
	pr := r.pr
	marker := pr.Marker()
	marker.Asked = true
	body := marker.Hide(pr.Body)
	was := forge.Marker{}
	if r.open != nil {
		was, _ = forge.FindMarker(r.open.Description) // one without a marker is one that a person has emptied
	}
	var labels *gogitlab.LabelOptions
	var reviewers *[]int64
	if !was.Asked {
		if len(pr.Labels) > 0 {
			labels = (*gogitlab.LabelOptions)(&pr.Labels)
		}
		ids, err := r.reviewers(ctx)
		if err != nil {
			return err
		}
		if len(ids) > 0 {
			reviewers = &ids
		}
	}
	if r.open == nil {
		branch := pr.Branch()
		mr, _, err := r.api.MergeRequests.CreateMergeRequest(r.project, &gogitlab.CreateMergeRequestOptions{
			Title: &pr.Title, Description: &body, SourceBranch: &branch, TargetBranch: &pr.Base, Labels: labels, ReviewerIDs: reviewers,
			RemoveSourceBranch: gogitlab.Ptr(true),
		}, gogitlab.WithContext(ctx))
		if status(err) == http.StatusConflict { // the other run's request is there
			return fmt.Errorf("%w: %w", forge.ErrAgain, err)
		}
		if err != nil {
			return err
		}
		r.p.Number, r.p.URL = int(mr.IID), mr.WebURL
		r.state(forge.Opened, "")
		return nil
	}
	edit := &gogitlab.UpdateMergeRequestOptions{AddLabels: labels, ReviewerIDs: reviewers}
	if !forge.SameText(body, r.open.Description) {
		edit.Description = &body
	}
	// A title that is neither ours nor what we gave it before is a person's.
	if title := r.open.Title; title != pr.Title && (title == was.Title || was.Title == "") {
		edit.Title = &pr.Title
	}
	if edit.Description != nil || edit.Title != nil {
		if _, _, err := r.api.MergeRequests.UpdateMergeRequest(r.project, r.open.IID, edit, gogitlab.WithContext(ctx)); err != nil {
			return err
		}
		moved = true
	}
	if moved {
		r.state(forge.Updated, "")
	} else {
		r.state(forge.Unchanged, "")
	}
	return nil
}

// Where GitLab looks for the owners of files, in its order, and what it reads of them.
// https://docs.gitlab.com/user/project/codeowners/#code-owners-file
var codeOwnersFiles = []string{"CODEOWNERS", "docs/CODEOWNERS", ".gitlab/CODEOWNERS"}

const maxCodeOwners = 3 << 20

// maxReviewers is how many are asked. A change that half of a company is asked about is nobody's. Where a project has one
// reviewer only, GitLab takes the first.
const maxReviewers = 15

// reviewers returns the numbers of the users to be asked: those named, and for a group its members. Who is not there is
// left out.
func (r *proposing) reviewers(ctx context.Context) ([]int64, error) {
	names := slices.Clone(r.pr.Reviewers)
	if r.pr.AskOwners {
		base := r.tree(r.pr.Commit)
		for _, file := range codeOwnersFiles {
			data, err := base.file(ctx, file, maxCodeOwners)
			if err != nil {
				return nil, err
			}
			if data == nil {
				continue
			}
			files := make([]string, len(r.pr.Files))
			for i, f := range r.pr.Files {
				files[i] = f.Path
			}
			names = append(names, forge.ParseCodeOwners(data).Reviewers(files...)...)
			break
		}
	}
	var ids []int64
	for _, name := range names {
		found, err := r.people(ctx, name)
		if err != nil && !refused(err) {
			return nil, err
		}
		for _, id := range found {
			if !slices.Contains(ids, id) && len(ids) < maxReviewers {
				ids = append(ids, id)
			}
		}
	}
	return ids, nil
}

func (c *Client) people(ctx context.Context, name string) ([]int64, error) {
	var ids []int64
	if strings.Contains(name, "/") {
		members, _, err := c.api.Groups.ListGroupMembers(name, &gogitlab.ListGroupMembersOptions{ListOptions: gogitlab.ListOptions{PerPage: maxReviewers}}, gogitlab.WithContext(ctx))
		for _, m := range members {
			ids = append(ids, m.ID)
		}
		return ids, err
	}
	users, _, err := c.api.Users.ListUsers(&gogitlab.ListUsersOptions{Username: &name}, gogitlab.WithContext(ctx))
	for _, u := range users {
		if strings.EqualFold(u.Username, name) {
			ids = append(ids, u.ID)
		}
	}
	return ids, err
}

// refused reports whether the host does not do what was asked for good.
func refused(err error) bool {
	switch status(err) {
	case http.StatusBadRequest, http.StatusForbidden, http.StatusNotFound, http.StatusUnprocessableEntity:
		return true
	}
	return false
}

// Proposals implements forge.Proposer.
func (c *Client) Proposals(ctx context.Context, scope string) ([]forge.Proposal, error) {
	const operation = "list the open merge requests"
	if err := c.writes(operation, needsRead); err != nil {
		return nil, err
	}
	open, err := c.requests(ctx, &gogitlab.ListProjectMergeRequestsOptions{State: gogitlab.Ptr(stateOpened)})
	if err != nil {
		return nil, denied(operation, needsRead, err)
	}
	var all []forge.Proposal
	for _, mr := range open {
		marker, ok := forge.FindMarker(mr.Description)
		if ok && marker.Scope == scope && forge.IsBranch(mr.SourceBranch) {
			all = append(all, forge.Proposal{
				Number: int(mr.IID), URL: mr.WebURL, Sign: sign, Key: marker.Key, Version: marker.Version, Parts: marker.Parts,
				Scope: marker.Scope, State: forge.Unchanged,
			})
		}
	}
	slices.SortFunc(all, func(a, b forge.Proposal) int { return a.Number - b.Number })
	return all, nil
}

// withdrawnMarker begins the note that says why a request was closed.
const withdrawnMarker = "<!-- trifecta withdrawn -->"

// Withdraw implements forge.Proposer. The mark that it was us comes first, so that one that was cut off is found open, or
// closed by us, and never as a refusal by a person. The branch goes before the request is closed, so that a run that is
// cut off between finds the request open and leaves no branch behind.
func (c *Client) Withdraw(ctx context.Context, p forge.Proposal, reason string) (forge.Proposal, error) {
	operation := fmt.Sprintf("close !%d", p.Number)
	if err := c.writes(operation, needsToPropose); err != nil {
		return p, err
	}
	err := c.again(ctx, func() error { return c.withdraw(ctx, &p, reason) })
	return p, denied(operation, needsToPropose, err)
}

func (c *Client) withdraw(ctx context.Context, p *forge.Proposal, reason string) error {
	mr, _, err := c.api.MergeRequests.GetMergeRequest(c.project, int64(p.Number), nil, gogitlab.WithContext(ctx))
	if err != nil {
		return err
	}
	branch := mr.SourceBranch
	marker, ok := forge.FindMarker(mr.Description)
	if !ok || !own(&mr.BasicMergeRequest) || !forge.IsBranch(branch) {
		p.State, p.Reason = forge.Touched, "it is not a request of ours any more"
		return nil
	}
	p.State, p.Reason = forge.Withdrawn, reason
	comment := "This merge request is not needed any more: " + reason + "."
	if !isOpen(&mr.BasicMergeRequest) {
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
		body := marker.Hide(forge.Visible(mr.Description))
		if err := c.edit(ctx, mr.IID, &gogitlab.UpdateMergeRequestOptions{Description: &body}); err != nil {
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
	if err := c.edit(ctx, mr.IID, &gogitlab.UpdateMergeRequestOptions{StateEvent: gogitlab.Ptr("close")}); err != nil {
		return err
	}
	_, err = c.Comment(ctx, p.Number, withdrawnMarker, comment) // two runs at once have said it twice
	return err
}

func (c *Client) edit(ctx context.Context, number int64, opts *gogitlab.UpdateMergeRequestOptions) error {
	_, _, err := c.api.MergeRequests.UpdateMergeRequest(c.project, number, opts, gogitlab.WithContext(ctx))
	return err
}

// removeBranch removes a branch that is still on the commit. Where it is on another by now the answer is forge.ErrAgain.
func (c *Client) removeBranch(ctx context.Context, branch, from string) error {
	now, _, err := c.api.Branches.GetBranch(c.project, branch, gogitlab.WithContext(ctx))
	switch {
	case status(err) == http.StatusNotFound:
		return nil
	case err != nil:
		return err
	case now.Commit == nil || now.Commit.ID != from:
		return forge.ErrAgain
	}
	_, err = c.api.Branches.DeleteBranch(c.project, branch, gogitlab.WithContext(ctx))
	if status(err) == http.StatusNotFound {
		return nil
	}
	return err
}
