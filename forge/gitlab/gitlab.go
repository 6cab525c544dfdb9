// Package gitlab is the forge of gitlab.com and of GitLab on a server of one's own, below any path: the note on a merge
// request, the tracking issue, and merge requests for changes, each of which may be sent twice without doing harm.
//
// What passes (lost connections, overload, rate limits) is waited for, within bounds. What a token may not do is a
// *forge.DeniedError that names what would.
//
// # Limitations
//
// The Commits API moves a branch wherever it is. It is looked at just before, which leaves a moment in which the push of a
// person to one of our branches is lost. Of the sections of a CODEOWNERS file the lines are read, and not the defaults.
package gitlab

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	gogitlab "gitlab.com/gitlab-org/api/client-go"

	"github.com/trifecta-scanner/trifecta/forge"
	"github.com/trifecta-scanner/trifecta/internal/web"
)

// Options say which project of which server is meant.
type Options struct {
	BaseURL string // of the API, as CI_API_V4_URL gives it: https://gitlab.example/path/api/v4
	Project string // its number, as CI_PROJECT_ID gives it, or its path group/name
	Token   string
	// JobToken says that Token is the CI_JOB_TOKEN of a job, which may read little and write no notes and no requests.
	JobToken  bool
	UserAgent string
	// Authority holds certificates in PEM that are trusted beside those of the system: a company's own.
	Authority []byte
	Transport http.RoundTripper // below the repetitions; nil: that of package web
	// Sleep waits; tests hand in a clock of their own. nil waits in real time.
	Sleep func(context.Context, time.Duration) error
}

// Client acts on one project. It is safe for use by several goroutines.
type Client struct {
	api      *gogitlab.Client
	files    *gogitlab.Client // follows redirects to where files are kept
	project  string
	jobToken bool
	sleep    func(context.Context, time.Duration) error
}

var _ forge.Forge = (*Client)(nil)

// unlimited lets every request through; web.Repeat waits where the host asks for it.
type unlimited struct{}

func (unlimited) Wait(context.Context) error { return nil }

// New returns a client. It sends nothing yet.
func New(o Options) (*Client, error) {
	base, err := url.Parse(strings.TrimSuffix(o.BaseURL, "/"))
	if err != nil || base.Host == "" || base.Scheme != "https" && base.Scheme != "http" || base.User != nil {
		return nil, fmt.Errorf("%q is no address of an API", o.BaseURL)
	}
	if o.Project == "" {
		return nil, errors.New("the project is not known; CI_PROJECT_ID names it")
	}
	if o.Transport == nil && len(o.Authority) > 0 {
		if o.Transport, err = trusting(o.Authority); err != nil {
			return nil, err
		}
	}
	repeat := web.NewRepeat(o.Transport, o.Sleep)
	connect := func(redirect func(*http.Request, []*http.Request) error) (*gogitlab.Client, error) {
		options := []gogitlab.ClientOptionFunc{
			gogitlab.WithBaseURL(base.String()), gogitlab.WithoutRetries(), gogitlab.WithCustomLimiter(unlimited{}),
			gogitlab.WithHTTPClient(&http.Client{Transport: repeat, Timeout: web.RepeatTimeout, CheckRedirect: redirect}),
		}
		if o.UserAgent != "" {
			options = append(options, gogitlab.WithUserAgent(o.UserAgent))
		}
		if o.JobToken {
			return gogitlab.NewJobClient(o.Token, options...)
		}
		return gogitlab.NewClient(o.Token, options...)
	}
	c := &Client{project: o.Project, jobToken: o.JobToken, sleep: repeat.Sleep}
	if c.api, err = connect(stay); err != nil {
		return nil, err
	}
	if c.files, err = connect(leave); err != nil {
		return nil, err
	}
	return c, nil
}

const mostRedirects = 5

// trusting returns a transport that trusts an authority beside those of the system.
func trusting(authority []byte) (http.RoundTripper, error) {
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool() // a system without certificates has those that it is given
	}
	if !pool.AppendCertsFromPEM(authority) {
		return nil, errors.New("the file of the authority holds no certificate")
	}
	transport := web.NewTransport()
	transport.TLSClientConfig.RootCAs = pool
	return transport, nil
}

// stay follows no redirect to another host: the header with the token would go along.
func stay(next *http.Request, via []*http.Request) error {
	if len(via) >= mostRedirects || next.URL.Host != via[0].URL.Host || next.URL.Scheme != via[0].URL.Scheme {
		return http.ErrUseLastResponse
	}
	return nil
}

const (
	pageSize = 100
	// needsNote is what a token must be allowed for notes.
	needsNote = "a project access token with the scope api and the role Reporter"
	needsRead = "a project access token with the scope read_api and the role Reporter"
)

// again does something that looks before it acts, and does it anew where another run was faster or an answer was lost.
func (c *Client) again(ctx context.Context, do func() error) error {
	return forge.Again(ctx, c.sleep, lost, do)
}

// writes returns why the token can't write at all, which is known without asking.
func (c *Client) writes(operation, needs string) error {
	if c.jobToken {
		return &forge.DeniedError{Operation: operation, Missing: needs + ", because a job token may not do that"}
	}
	return nil
}

// Comment implements forge.Forge by a note on a merge request. Of several notes with the marker, which two runs at once
// can leave, the oldest is kept. Notes of others do not count: they can change later what we write into theirs.
func (c *Client) Comment(ctx context.Context, number int, marker, body string) (string, error) {
	operation := fmt.Sprintf("write the note on merge request %d", number)
	if err := c.writes(operation, needsNote); err != nil {
		return "", err
	}
	text := marker + "\n" + body
	var note *gogitlab.Note
	err := c.again(ctx, func() error {
		notes, err := c.notes(ctx, number, marker)
		if err != nil {
			return err
		}
		note = nil
		keep := 0
		if body != "" {
			keep = 1
			if len(notes) == 0 {
				note, _, err = c.api.Notes.CreateMergeRequestNote(c.project, int64(number), &gogitlab.CreateMergeRequestNoteOptions{Body: &text}, gogitlab.WithContext(ctx))
				return err
			}
			note = notes[0]
			if !forge.SameText(note.Body, text) {
				_, _, err := c.api.Notes.UpdateMergeRequestNote(c.project, int64(number), note.ID, &gogitlab.UpdateMergeRequestNoteOptions{Body: &text}, gogitlab.WithContext(ctx))
				if status(err) == http.StatusNotFound { // another run took it away
					return fmt.Errorf("%w: %w", forge.ErrAgain, err)
				}
				if err != nil {
					return err
				}
			}
		}
		for _, n := range notes[min(keep, len(notes)):] {
			_, err := c.api.Notes.DeleteMergeRequestNote(c.project, int64(number), n.ID, gogitlab.WithContext(ctx))
			if err != nil && status(err) != http.StatusNotFound { // another run was faster
				return err
			}
		}
		return nil
	})
	if err != nil {
		return "", denied(operation, needsNote, err)
	}
	if note == nil {
		return "", nil
	}
	mr, _, err := c.api.MergeRequests.GetMergeRequest(c.project, int64(number), nil, gogitlab.WithContext(ctx))
	if err != nil {
		return "", denied(operation, needsNote, err)
	}
	return fmt.Sprintf("%s#note_%d", mr.WebURL, note.ID), nil
}

// notes returns our notes of a merge request that begin with the marker, oldest first.
func (c *Client) notes(ctx context.Context, number int, marker string) ([]*gogitlab.Note, error) {
	me, _, err := c.api.Users.CurrentUser(gogitlab.WithContext(ctx))
	if err != nil {
		return nil, err
	}
	order, sort := "created_at", "asc"
	opts := &gogitlab.ListMergeRequestNotesOptions{OrderBy: &order, Sort: &sort, ListOptions: gogitlab.ListOptions{PerPage: pageSize}}
	var found []*gogitlab.Note
	for {
		page, res, err := c.api.Notes.ListMergeRequestNotes(c.project, int64(number), opts, gogitlab.WithContext(ctx))
		if err != nil {
			return nil, err
		}
		for _, n := range page {
			if !n.System && n.Author.ID == me.ID && strings.HasPrefix(n.Body, marker) {
				found = append(found, n)
			}
		}
		if res.NextPage == 0 {
			return found, nil
		}
		opts.Page = res.NextPage
	}
}

// denied explains an error of the API. Only refusals become a *forge.DeniedError.
func denied(operation, needs string, err error) error {
	switch code := status(err); code {
	case 0:
		if err == nil {
			return nil
		}
	case http.StatusForbidden, http.StatusUnauthorized, http.StatusNotFound:
		return &forge.DeniedError{Operation: operation, Status: code, Missing: needs, Err: err}
	case http.StatusBadRequest, http.StatusUnprocessableEntity:
		return fmt.Errorf("%s: GitLab does not accept the request: %w", operation, err)
	}
	return fmt.Errorf("%s: %w", operation, err)
}

// status returns the status of the answer behind an error, 0 where there was none.
func status(err error) int {
	var answer *gogitlab.ErrorResponse
	if errors.As(err, &answer) && answer.Response != nil {
		return answer.Response.StatusCode
	}
	if errors.Is(err, gogitlab.ErrNotFound) {
		return http.StatusNotFound
	}
	return 0
}

// lost reports whether a request may have been carried out although there is no answer that says so.
func lost(err error) bool {
	if err == nil || errors.Is(err, context.Canceled) || web.Distrusted(err) {
		return false
	}
	var denied *forge.DeniedError
	var unfit unfitError
	if errors.As(err, &denied) || errors.As(err, &unfit) {
		return false
	}
	code := status(err)
	return code == 0 || code >= http.StatusInternalServerError
}

// unfitError says that what was asked for can't be done, whatever the host says.
type unfitError string

func (e unfitError) Error() string { return string(e) }
