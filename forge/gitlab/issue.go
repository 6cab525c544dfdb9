package gitlab

import (
	"context"
	"fmt"
	"net/http"

	gogitlab "gitlab.com/gitlab-org/api/client-go"

	"github.com/trifecta-scanner/trifecta/forge"
)

var _ forge.Tracker = (*Client)(nil)

// issueNeeds is what everything about issues asks for. A project without issues answers as one that is not there.
const issueNeeds = "a project access token with the scope api and the role Reporter, and issues switched on for the project"

// trackingLabel is the label by which the issue is found among all of a project. Every issue gets it.
const trackingLabel = "trifecta"

// trackedIssue is an issue with its marker.
type trackedIssue struct {
	forge.Issue
	closed bool // by us
}

// Tracked implements forge.Tracker.
func (c *Client) Tracked(ctx context.Context, marker string) (forge.Issue, error) {
	const operation = "read the tracking issue"
	if err := c.writes(operation, issueNeeds); err != nil {
		return forge.Issue{}, err
	}
	all, err := c.trackedIssues(ctx, marker)
	if err != nil || len(all) == 0 {
		return forge.Issue{}, denied(operation, issueNeeds, err)
	}
	return all[0].Issue, nil
}

// Track implements forge.Tracker. An issue is opened as a confidential one, because it tells what is wrong with what may
// run already; whether it stays so is people's business. Of several issues with the marker, which two runs at once can
// leave, the oldest is kept and the others are closed.
func (c *Client) Track(ctx context.Context, want forge.Tracking) (forge.Issue, error) {
	if err := want.Check(); err != nil {
		return forge.Issue{}, err
	}
	const operation = "keep the tracking issue"
	if err := c.writes(operation, issueNeeds); err != nil {
		return forge.Issue{}, err
	}
	run := tracking{Client: c, want: &want}
	err := c.again(ctx, func() error { return run.track(ctx) })
	return run.issue, denied(operation, issueNeeds, err)
}

// tracking is one call of Track, with all of its tries.
type tracking struct {
	*Client
	want  *forge.Tracking
	issue forge.Issue
	sent  forge.State // what was asked of the host, also where its answer was lost
}

// track is one try.
func (r *tracking) track(ctx context.Context) error {
	all, err := r.trackedIssues(ctx, r.want.Marker)
	if err != nil {
		return err
	}
	if len(all) == 0 {
		if r.want.Done || r.issue.Number > 0 { // a list may lag behind what was just made
			return nil
		}
		if err := r.create(ctx); err != nil {
			return err
		}
		return r.track(ctx) // another run may have opened one meanwhile
	}
	if err := r.bringUp(ctx, all[0]); err != nil {
		return err
	}
	return r.closeDoubles(ctx, all[1:])
}

func (r *tracking) create(ctx context.Context) error {
	r.sent = forge.Opened
	text := r.want.Text()
	labels := append(gogitlab.LabelOptions{trackingLabel}, r.want.Labels...)
	made, _, err := r.api.Issues.CreateIssue(r.project, &gogitlab.CreateIssueOptions{
		Title: &r.want.Title, Description: &text, Labels: &labels, Confidential: gogitlab.Ptr(true),
	}, gogitlab.WithContext(ctx))
	if err == nil {
		r.issue = forge.Issue{Number: int(made.IID), URL: made.WebURL, Body: r.want.Body, Open: true, State: forge.Opened}
	}
	return err
}

// bringUp makes an issue that is there say what is wanted. Text and state change in one request.
func (r *tracking) bringUp(ctx context.Context, have trackedIssue) error {
	state := r.want.Decide(have.Issue, have.closed)
	r.issue = have.Issue
	r.issue.State = state
	text := r.want.Text()
	edit := &gogitlab.UpdateIssueOptions{Description: &text}
	switch state {
	case forge.Updated:
	case forge.Opened:
		edit.StateEvent, r.issue.Open = gogitlab.Ptr("reopen"), true
	case forge.Withdrawn:
		edit.StateEvent, r.issue.Open = gogitlab.Ptr("close"), false
	default:
		if r.sent != "" && state == forge.Unchanged { // it is as it is because of us
			r.issue.State = r.sent
		}
		return nil
	}
	if r.sent == "" {
		r.sent = state
	}
	r.issue.Body, r.issue.State = r.want.Body, r.sent
	_, _, err := r.api.Issues.UpdateIssue(r.project, int64(r.issue.Number), edit, gogitlab.WithContext(ctx))
	return err
}

// closeDoubles closes the open ones of several issues about the same.
func (r *tracking) closeDoubles(ctx context.Context, doubles []trackedIssue) error {
	for _, d := range doubles {
		if !d.Open {
			continue
		}
		text := fmt.Sprintf("#%d says the same.\n", r.issue.Number) // without the marker: it is none of ours any more
		edit := &gogitlab.UpdateIssueOptions{Description: &text, StateEvent: gogitlab.Ptr("close")}
		if _, _, err := r.api.Issues.UpdateIssue(r.project, int64(d.Number), edit, gogitlab.WithContext(ctx)); err != nil {
			return err
		}
	}
	return nil
}

// maxIssuePages is how many pages of issues without our label are looked through for one that a person took it from.
const maxIssuePages = 10

// trackedIssues returns the issues whose text begins with the marker, oldest first. They have our label; where none has,
// a person may have taken it away, and the open issues that changed last are looked through.
func (c *Client) trackedIssues(ctx context.Context, marker string) ([]trackedIssue, error) {
	me, _, err := c.api.Users.CurrentUser(gogitlab.WithContext(ctx))
	if err != nil {
		return nil, err
	}
	home := &household{Client: c, known: map[int64]bool{me.ID: true}}
	found, err := c.issuesWith(ctx, home, marker, gogitlab.ListProjectIssuesOptions{
		Labels: &gogitlab.LabelOptions{trackingLabel}, OrderBy: gogitlab.Ptr("created_at"), Sort: gogitlab.Ptr("asc"),
	}, 0)
	if err != nil || len(found) > 0 {
		return found, err
	}
	return c.issuesWith(ctx, home, marker, gogitlab.ListProjectIssuesOptions{
		State: gogitlab.Ptr(stateOpened), OrderBy: gogitlab.Ptr("updated_at"), Sort: gogitlab.Ptr("desc"),
	}, maxIssuePages)
}

// issuesWith goes through a list of issues, as far as most pages; 0 is all.
func (c *Client) issuesWith(ctx context.Context, home *household, marker string, opts gogitlab.ListProjectIssuesOptions, most int) ([]trackedIssue, error) {
	var found []trackedIssue
	opts.ListOptions = gogitlab.ListOptions{PerPage: pageSize}
	for page := 1; ; page++ {
		issues, res, err := c.api.Issues.ListProjectIssues(c.project, &opts, gogitlab.WithContext(ctx))
		if err != nil {
			return nil, err
		}
		for _, i := range issues {
			body, closed, ok := forge.Holds(i.Description, marker)
			if !ok || i.Author == nil {
				continue
			}
			if at, err := home.at(ctx, i.Author.ID); err != nil || !at {
				if err != nil {
					return nil, err
				}
				continue
			}
			found = append(found, trackedIssue{
				closed: closed,
				Issue:  forge.Issue{Number: int(i.IID), URL: i.WebURL, Body: body, Open: i.State == stateOpened, State: forge.Unchanged},
			})
		}
		if res.NextPage == 0 || page == most {
			return found, nil
		}
		opts.Page = res.NextPage
	}
}

// household tells who is at home in the project: ourselves, and members who may do more than look. The token of last
// month had another user, which is a member for as long as that token holds.
type household struct {
	*Client
	known map[int64]bool
}

func (h *household) at(ctx context.Context, user int64) (bool, error) {
	at, ok := h.known[user]
	if ok {
		return at, nil
	}
	member, _, err := h.api.ProjectMembers.GetInheritedProjectMember(h.project, user, gogitlab.WithContext(ctx))
	switch code := status(err); {
	case err == nil:
		at = member.AccessLevel >= gogitlab.ReporterPermissions
	case code == http.StatusNotFound, code == http.StatusForbidden:
	default:
		return false, err
	}
	h.known[user] = at
	return at, nil
}
