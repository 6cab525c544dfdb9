package github

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	gogithub "github.com/google/go-github/v60/github"
)

// Suggestion replaces lines of a file in a pull request.
type Suggestion struct {
	Path    string
	Line    int // the first line that is replaced, from 1
	EndLine int // the last one
	Marker  string
	Body    string // what is wrong, in Markdown, without the suggested text
	Text    string // the new lines
}

// DiffLines are the lines of the new files that a pull request shows: a comment can stand on these alone.
type DiffLines map[string][]LineRange

// LineRange is a run of lines, both ends included.
type LineRange struct{ First, Last int }

// Has reports whether all lines from first to last stand in one run.
func (d DiffLines) Has(path string, first, last int) bool {
	for _, r := range d[path] {
		if r.First <= first && last <= r.Last {
			return true
		}
	}
	return false
}

// Diff returns the lines that a pull request shows. Files whose diff is too large for the API have none.
func (c *Client) Diff(ctx context.Context, number int) (DiffLines, error) {
	operation := fmt.Sprintf("read the files of pull request %d", number)
	lines := DiffLines{}
	opts := &gogithub.ListOptions{PerPage: pageSize}
	for {
		files, res, err := c.api.PullRequests.ListFiles(ctx, c.owner, c.name, number, opts)
		if err != nil {
			return nil, denied(operation, "the permission pull-requests: read", err)
		}
		for _, f := range files {
			if ranges := hunks(f.GetPatch()); len(ranges) > 0 {
				lines[f.GetFilename()] = ranges
			}
		}
		if res.NextPage == 0 {
			return lines, nil
		}
		opts.Page = res.NextPage
	}
}

// hunks reads the headers of a unified diff: @@ -a,b +first,count @@.
func hunks(patch string) []LineRange {
	var ranges []LineRange
	for line := range strings.Lines(patch) {
		rest, ok := strings.CutPrefix(line, "@@ ")
		if !ok {
			continue
		}
		_, rest, ok = strings.Cut(rest, "+")
		if !ok {
			continue
		}
		span, _, _ := strings.Cut(rest, " ")
		start, count, _ := strings.Cut(span, ",")
		first, err := strconv.Atoi(start)
		if err != nil {
			continue
		}
		n := 1
		if count != "" {
			if n, err = strconv.Atoi(count); err != nil {
				continue
			}
		}
		if n > 0 {
			ranges = append(ranges, LineRange{first, first + n - 1})
		}
	}
	return ranges
}

// Suggest writes one review with those suggestions that are not on the pull request yet, at most limit of them, and
// returns how many it wrote. Suggestions on lines that the pull request does not show are left out: the host refuses
// a whole review for one of them.
func (c *Client) Suggest(ctx context.Context, number int, commit string, suggestions []Suggestion, limit int) (int, error) {
	operation := fmt.Sprintf("suggest changes on pull request %d", number)
	const needs = "the permission pull-requests: write"
	diff, err := c.Diff(ctx, number)
	if err != nil {
		return 0, err
	}
	written := 0
	err = c.once(ctx, func() (bool, error) {
		there, err := c.reviewComments(ctx, number)
		if err != nil {
			return false, err
		}
		var missing []Suggestion
		for _, s := range suggestions {
			if !there[s.Marker] && diff.Has(s.Path, s.Line, s.EndLine) && len(missing) < limit {
				missing = append(missing, s)
			}
		}
		suggestions = missing
		return len(missing) == 0, nil
	}, func() error {
		event := "COMMENT"
		review := &gogithub.PullRequestReviewRequest{CommitID: &commit, Event: &event}
		for _, s := range suggestions {
			review.Comments = append(review.Comments, s.draft())
		}
		_, _, err := c.api.PullRequests.CreateReview(ctx, c.owner, c.name, number, review)
		if err == nil {
			written = len(suggestions)
		}
		return err
	})
	return written, denied(operation, needs, err)
}

func (s Suggestion) draft() *gogithub.DraftReviewComment {
	fence := "```"
	for strings.Contains(s.Text, fence) { // the text must not end its own block
		fence += "`"
	}
	body := s.Marker + "\n" + s.Body + "\n\n" + fence + "suggestion\n" + strings.TrimSuffix(s.Text, "\n") + "\n" + fence
	side := "RIGHT"
	draft := &gogithub.DraftReviewComment{Path: &s.Path, Body: &body, Side: &side, Line: &s.EndLine}
	if s.Line < s.EndLine {
		draft.StartLine, draft.StartSide = &s.Line, &side
	}
	return draft
}

// reviewComments returns the first lines of the review comments of a pull request, where our markers stand.
func (c *Client) reviewComments(ctx context.Context, number int) (map[string]bool, error) {
	markers := map[string]bool{}
	opts := &gogithub.PullRequestListCommentsOptions{ListOptions: gogithub.ListOptions{PerPage: pageSize}}
	for {
		comments, res, err := c.api.PullRequests.ListComments(ctx, c.owner, c.name, number, opts)
		if err != nil {
			return nil, err
		}
		for _, comment := range comments {
			marker, _, _ := strings.Cut(comment.GetBody(), "\n")
			markers[strings.TrimSpace(marker)] = true
		}
		if res.NextPage == 0 {
			return markers, nil
		}
		opts.Page = res.NextPage
	}
}
