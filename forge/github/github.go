// Package github is the forge of github.com and GitHub Enterprise Server: comments, review suggestions, code scanning,
// checks, dependency snapshots and requests for changes, each of which may be sent twice without doing harm.
//
// What passes (lost connections, overload, rate limits) is waited for, within bounds. What a token may not do is a
// *forge.DeniedError that names the permission.
package github

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	gogithub "github.com/google/go-github/v60/github"

	"github.com/trifecta-scanner/trifecta/forge"
	"github.com/trifecta-scanner/trifecta/internal/web"
)

// Options say which repository of which host is meant.
type Options struct {
	BaseURL    string // of the API, as GITHUB_API_URL gives it; empty: github.com
	ServerURL  string // of the server itself, as GITHUB_SERVER_URL gives it; with it branches move by git's protocol
	Repository string // owner/name
	Token      string
	UserAgent  string
	Transport  http.RoundTripper // below the retries; nil: that of package web
	// Sleep waits; tests hand in a clock of their own. nil waits in real time.
	Sleep func(context.Context, time.Duration) error
}

// Client acts on one repository. It is safe for use by several goroutines.
type Client struct {
	api         *gogithub.Client
	owner, name string
	sleep       func(context.Context, time.Duration) error
	lease       *lease // nil: branches are moved by the API
}

var _ forge.Forge = (*Client)(nil)

// New returns a client. It sends nothing yet.
func New(o Options) (*Client, error) {
	owner, name, ok := strings.Cut(o.Repository, "/")
	if !ok || owner == "" || name == "" || strings.Contains(name, "/") {
		return nil, fmt.Errorf("%q is no repository; it is written owner/name", o.Repository)
	}
	retries := web.NewRepeat(o.Transport, o.Sleep)
	client := &http.Client{Transport: retries, Timeout: web.RepeatTimeout}
	lease, err := newLease(o, client, owner, name)
	if err != nil {
		return nil, err
	}
	api := gogithub.NewClient(client)
	if o.Token != "" {
		api = api.WithAuthToken(o.Token)
	}
	if o.UserAgent != "" {
		api.UserAgent = o.UserAgent
	}
	if o.BaseURL != "" {
		base, err := url.Parse(strings.TrimSuffix(o.BaseURL, "/") + "/")
		if err != nil || base.Host == "" || base.Scheme != "https" && base.Scheme != "http" {
			return nil, fmt.Errorf("%q is no address of an API", o.BaseURL)
		}
		api.BaseURL = base
	}
	return &Client{api: api, owner: owner, name: name, sleep: retries.Sleep, lease: lease}, nil
}

// Comment implements forge.Forge. Of several comments with the marker, which two runs at once can leave, the oldest is
// kept.
func (c *Client) Comment(ctx context.Context, number int, marker, body string) (string, error) {
	operation := fmt.Sprintf("comment on pull request %d", number)
	const needs = "the permission pull-requests: write"
	text := marker + "\n" + body
	var address string
	err := c.once(ctx, func() (bool, error) {
		comments, err := c.comments(ctx, number, marker)
		if err != nil {
			return false, err
		}
		if body == "" {
			return true, c.deleteComments(ctx, comments)
		}
		if len(comments) == 0 {
			return false, nil
		}
		address = comments[0].GetHTMLURL()
		if comments[0].GetBody() != text {
			if _, _, err := c.api.Issues.EditComment(ctx, c.owner, c.name, comments[0].GetID(), &gogithub.IssueComment{Body: &text}); err != nil {
				return false, err
			}
		}
		return true, c.deleteComments(ctx, comments[1:])
	}, func() error {
		comment, _, err := c.api.Issues.CreateComment(ctx, c.owner, c.name, number, &gogithub.IssueComment{Body: &text})
		address = comment.GetHTMLURL()
		return err
	})
	return address, denied(operation, needs, err)
}

// comments returns the comments of a pull request that begin with the marker, oldest first. Those of strangers do not
// count: the author of a comment can change later what we write into it.
func (c *Client) comments(ctx context.Context, number int, marker string) ([]*gogithub.IssueComment, error) {
	var found []*gogithub.IssueComment
	opts := &gogithub.IssueListCommentsOptions{ListOptions: gogithub.ListOptions{PerPage: pageSize}}
	for {
		page, res, err := c.api.Issues.ListComments(ctx, c.owner, c.name, number, opts)
		if err != nil {
			return nil, err
		}
		for _, comment := range page {
			if strings.HasPrefix(comment.GetBody(), marker) && !strange(comment.GetAuthorAssociation(), comment.GetUser()) {
				found = append(found, comment)
			}
		}
		if res.NextPage == 0 {
			return found, nil
		}
		opts.Page = res.NextPage
	}
}

// strange reports whether something was written by somebody who is neither an app nor at home in the repository. Whose
// token we have can't be asked: that of a job may not read its own user.
func strange(association string, author *gogithub.User) bool {
	switch association {
	case "OWNER", "MEMBER", "COLLABORATOR":
		return false
	}
	return author.GetType() != "Bot"
}

func (c *Client) deleteComments(ctx context.Context, comments []*gogithub.IssueComment) error {
	for _, comment := range comments {
		_, err := c.api.Issues.DeleteComment(ctx, c.owner, c.name, comment.GetID())
		if err != nil && status(err) != http.StatusNotFound { // another run was faster
			return err
		}
	}
	return nil
}

// pageSize is the most that a page of a list holds.
const pageSize = 100

// once makes something that must exist once. exists looks whether it is there and brings it up to date; make makes it
// where it is not. When the answer to make is lost, exists is asked again before make is.
func (c *Client) once(ctx context.Context, exists func() (bool, error), make func() error) error {
	var err error
	for try := range forge.Tries {
		if try > 0 {
			if err := c.sleep(ctx, web.Backoff(try)); err != nil {
				return err
			}
		}
		var done bool
		if done, err = exists(); err != nil || done {
			return err
		}
		if err = make(); err == nil || !lost(err) {
			return err
		}
	}
	return err
}

// Upload is the state of a SARIF file that was sent.
type Upload struct {
	ID       string
	Complete bool     // processed; otherwise still waiting when the time was over
	Errors   []string // what code scanning did not take
}

// UploadSARIF sends a SARIF file for a commit, which stands at a ref such as refs/pull/7/merge, and waits until it was
// processed or wait is over. Sending the same file twice replaces it.
func (c *Client) UploadSARIF(ctx context.Context, ref, commit string, sarif []byte, wait time.Duration) (*Upload, error) {
	const operation = "upload SARIF"
	const needs = "the permission security-events: write, and code scanning switched on for the repository"
	var packed bytes.Buffer
	encoder := base64.NewEncoder(base64.StdEncoding, &packed)
	zip := gzip.NewWriter(encoder)
	if _, err := zip.Write(sarif); err != nil {
		return nil, err
	}
	if err := errors.Join(zip.Close(), encoder.Close()); err != nil {
		return nil, err
	}
	if packed.Len() > maxSARIF {
		return nil, fmt.Errorf("%s: %d MB packed, and code scanning takes %d", operation, packed.Len()>>20, maxSARIF>>20)
	}
	text, tool := packed.String(), "trifecta"
	var id *gogithub.SarifID
	for try := 0; ; try++ { // a lost answer does no harm: the later upload replaces the earlier one
		var err error
		id, _, err = c.api.CodeScanning.UploadSarif(ctx, c.owner, c.name, &gogithub.SarifAnalysis{CommitSHA: &commit, Ref: &ref, Sarif: &text, ToolName: &tool})
		if id != nil && id.GetID() != "" {
			break // go-github reports status 202 as an error
		}
		if err == nil {
			return nil, fmt.Errorf("%s: the answer has no id", operation)
		}
		if !lost(err) || try == forge.Tries-1 {
			return nil, denied(operation, needs, err)
		}
		if err := c.sleep(ctx, web.Backoff(try+1)); err != nil {
			return nil, err
		}
	}
	upload := &Upload{ID: id.GetID()}
	for waited, step := time.Duration(0), time.Second; waited < wait; waited, step = waited+step, min(2*step, 10*time.Second) {
		if err := c.sleep(ctx, step); err != nil {
			return upload, err
		}
		state, err := c.sarifState(ctx, upload.ID)
		switch {
		case status(err) == http.StatusNotFound: // not there yet
			continue
		case err != nil:
			return upload, denied(operation, needs, err)
		case state.Status == "complete" || state.Status == "failed":
			upload.Complete = state.Status == "complete"
			upload.Errors = state.Errors
			return upload, nil
		}
	}
	return upload, nil
}

// maxSARIF is what code scanning takes, packed.
// https://docs.github.com/en/code-security/code-scanning/troubleshooting-sarif-uploads/file-too-large
const maxSARIF = 10 << 20

// sarifState is the answer about an upload; go-github leaves the errors out.
type sarifState struct {
	Status string   `json:"processing_status"`
	Errors []string `json:"errors"`
}

func (c *Client) sarifState(ctx context.Context, id string) (sarifState, error) {
	var state sarifState
	req, err := c.api.NewRequest(http.MethodGet, fmt.Sprintf("repos/%s/%s/code-scanning/sarifs/%s", c.owner, c.name, url.PathEscape(id)), nil)
	if err != nil {
		return state, err
	}
	_, err = c.api.Do(ctx, req, &state)
	return state, err
}

// denied explains an error of the API. Only refusals become a *forge.DeniedError.
func denied(operation, needs string, err error) error {
	switch code := status(err); {
	case err == nil:
		return nil
	case code == http.StatusForbidden && !limited(err), code == http.StatusUnauthorized, code == http.StatusNotFound:
		return &forge.DeniedError{Operation: operation, Status: code, Missing: needs, Err: err}
	case code == http.StatusUnprocessableEntity:
		return fmt.Errorf("%s: GitHub does not accept the request: %w", operation, err)
	}
	return fmt.Errorf("%s: %w", operation, err)
}

// status returns the status of the answer behind an error, 0 where there was none.
func status(err error) int {
	var answer *gogithub.ErrorResponse
	if errors.As(err, &answer) && answer.Response != nil {
		return answer.Response.StatusCode
	}
	var push *pushError
	if errors.As(err, &push) {
		return push.status
	}
	var rate *gogithub.RateLimitError
	if errors.As(err, &rate) && rate.Response != nil {
		return rate.Response.StatusCode
	}
	var abuse *gogithub.AbuseRateLimitError
	if errors.As(err, &abuse) && abuse.Response != nil {
		return abuse.Response.StatusCode
	}
	return 0
}

// limited reports whether a refusal is a rate limit.
func limited(err error) bool {
	var rate *gogithub.RateLimitError
	var abuse *gogithub.AbuseRateLimitError
	return errors.As(err, &rate) || errors.As(err, &abuse)
}

// lost reports whether a request may have been carried out although there is no answer that says so.
func lost(err error) bool {
	if err == nil || errors.Is(err, context.Canceled) || limited(err) || web.Distrusted(err) {
		return false
	}
	code := status(err)
	return code == 0 || code >= http.StatusInternalServerError
}
