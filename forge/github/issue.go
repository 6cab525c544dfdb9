package github

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	gogithub "github.com/google/go-github/v60/github"

	"github.com/trifecta-scanner/trifecta/forge"
)

var _ forge.Tracker = (*Client)(nil)

// issueNeeds is what everything about issues asks for. A repository without issues answers that they are gone.
const issueNeeds = "the permission issues: write, and issues switched on for the repository"

// trackingLabel is the label by which the issue is found among all of a repository. Every issue gets it.
const trackingLabel = "trifecta"

// trackedIssue is an issue with its marker.
type trackedIssue struct {
	forge.Issue
	closed bool // by us
}

// Tracked implements forge.Tracker.
func (c *Client) Tracked(ctx context.Context, marker string) (forge.Issue, error) {
	all, err := c.trackedIssues(ctx, marker)
	if err != nil {
		return forge.Issue{}, deniedIssue("read the tracking issue", err)
	}
	if len(all) == 0 {
		return forge.Issue{}, nil
	}
	return all[0].Issue, nil
}

// Track implements forge.Tracker. Of several issues with the marker, which two runs at once can leave, the oldest is
// kept and the others are closed.
func (c *Client) Track(ctx context.Context, want forge.Tracking) (forge.Issue, error) {
	if err := want.Check(); err != nil {
		return forge.Issue{}, err
	}
	var issue forge.Issue
	fresh := false // it was opened here
	exists := func() (bool, error) {
		all, err := c.trackedIssues(ctx, want.Marker)
		if err != nil {
			return false, err
		}
		if len(all) == 0 {
			return want.Done || issue.Number > 0, nil // a list may lag behind what was just made
		}
		if issue, err = c.bringUp(ctx, all[0], want); err != nil {
			return false, err
		}
		if fresh {
			issue.State = forge.Opened
		}
		return true, c.closeDoubles(ctx, all[1:], issue.Number)
	}
	err := c.once(ctx, exists, func() error {
		fresh = true
		text := want.Text()
		labels := append([]string{trackingLabel}, want.Labels...)
		made, _, err := c.api.Issues.Create(ctx, c.owner, c.name, &gogithub.IssueRequest{Title: &want.Title, Body: &text, Labels: &labels})
		if err == nil {
			issue = forge.Issue{Number: made.GetNumber(), URL: made.GetHTMLURL(), Body: want.Body, Open: true, State: forge.Opened}
		}
		return err
	})
	if err == nil && fresh { // another run may have opened one meanwhile
		_, err = exists()
	}
	return issue, deniedIssue("keep the tracking issue", err)
}

// bringUp makes an issue that is there say what is wanted. Text and state change in one request.
func (c *Client) bringUp(ctx context.Context, have trackedIssue, want forge.Tracking) (forge.Issue, error) {
	issue := have.Issue
	issue.State = want.Decide(have.Issue, have.closed)
	text := want.Text()
	edit := &gogithub.IssueRequest{Body: &text}
	switch issue.State {
	case forge.Updated:
	case forge.Opened:
		edit.State, issue.Open = gogithub.String("open"), true
	case forge.Withdrawn:
		edit.State, edit.StateReason, issue.Open = gogithub.String("closed"), gogithub.String("completed"), false
	default:
		return issue, nil
	}
	issue.Body = want.Body
	_, _, err := c.api.Issues.Edit(ctx, c.owner, c.name, issue.Number, edit)
	return issue, err
}

// closeDoubles closes the open ones of several issues about the same.
func (c *Client) closeDoubles(ctx context.Context, doubles []trackedIssue, kept int) error {
	for _, d := range doubles {
		if !d.Open {
			continue
		}
		text := fmt.Sprintf("#%d says the same.\n", kept) // without the marker: it is none of ours any more
		edit := &gogithub.IssueRequest{Body: &text, State: gogithub.String("closed"), StateReason: gogithub.String("not_planned")}
		if _, _, err := c.api.Issues.Edit(ctx, c.owner, c.name, d.Number, edit); err != nil {
			return err
		}
	}
	return nil
}

// maxIssuePages is how many pages of issues without our label are looked through for one that a person took it from.
const maxIssuePages = 10

// trackedIssues returns the issues whose body begins with the marker, oldest first. They have our label; where none has,
// a person may have taken it away, and the open issues that changed last are looked through.
func (c *Client) trackedIssues(ctx context.Context, marker string) ([]trackedIssue, error) {
	found, err := c.issuesWith(ctx, marker, gogithub.IssueListByRepoOptions{State: "all", Labels: []string{trackingLabel}, Sort: "created", Direction: "asc"}, 0)
	if err != nil || len(found) > 0 {
		return found, err
	}
	return c.issuesWith(ctx, marker, gogithub.IssueListByRepoOptions{State: "open", Sort: "updated", Direction: "desc"}, maxIssuePages)
}

// issuesWith goes through a list of issues, as far as most pages; 0 is all.
func (c *Client) issuesWith(ctx context.Context, marker string, opts gogithub.IssueListByRepoOptions, most int) ([]trackedIssue, error) {
	var found []trackedIssue
	opts.ListOptions = gogithub.ListOptions{PerPage: pageSize}
	for page := 1; ; page++ {
		issues, res, err := c.api.Issues.ListByRepo(ctx, c.owner, c.name, &opts)
		if err != nil {
			return nil, err
		}
		for _, i := range issues {
			body, closed, ok := forge.Holds(i.GetBody(), marker)
			if !ok || i.IsPullRequest() || strange(i.GetAuthorAssociation(), i.GetUser()) {
				continue
			}
			found = append(found, trackedIssue{
				closed: closed,
				Issue:  forge.Issue{Number: i.GetNumber(), URL: i.GetHTMLURL(), Body: body, Open: i.GetState() == "open", State: forge.Unchanged},
			})
		}
		if res.NextPage == 0 || page == most {
			return found, nil
		}
		opts.Page = res.NextPage
	}
}

func deniedIssue(operation string, err error) error {
	if status(err) == http.StatusGone {
		return &forge.DeniedError{Operation: operation, Status: http.StatusGone, Missing: strings.TrimPrefix(issueNeeds, "the permission issues: write, and "), Err: err}
	}
	return denied(operation, issueNeeds, err)
}
