package github

import (
	"context"
	"fmt"
	"time"

	gogithub "github.com/google/go-github/v60/github"

	"github.com/trifecta-scanner/trifecta/internal/web"
)

// Check is a check run on a commit, with findings on their lines.
type Check struct {
	Name        string
	Commit      string
	ExternalID  string // tells the run of one job from that of another
	Conclusion  string // success, failure, neutral, ...
	Title       string
	Summary     string // Markdown, at most 65,535 characters
	Annotations []CheckAnnotation
}

// CheckAnnotation is one finding on its lines.
type CheckAnnotation struct {
	Path    string
	Line    int
	EndLine int
	Level   string // notice, warning, failure
	Title   string // at most 255 characters
	Message string // at most 64 KB
}

// maxAnnotations is how many annotations one request may carry.
// https://docs.github.com/en/rest/checks/runs#update-a-check-run
const maxAnnotations = 50

// WriteCheck creates the check run, or brings the one with the same name and external id up to date.
func (c *Client) WriteCheck(ctx context.Context, check Check, now time.Time) error {
	operation := fmt.Sprintf("write the check %q", check.Name)
	const needs = "the permission checks: write"
	annotations := make([]*gogithub.CheckRunAnnotation, len(check.Annotations))
	for i, a := range check.Annotations {
		annotations[i] = &gogithub.CheckRunAnnotation{
			Path: &a.Path, StartLine: &a.Line, EndLine: &a.EndLine, AnnotationLevel: &a.Level, Title: &a.Title, Message: &a.Message,
		}
	}
	batch := func(from int) *gogithub.CheckRunOutput {
		to := min(from+maxAnnotations, len(annotations))
		return &gogithub.CheckRunOutput{Title: &check.Title, Summary: &check.Summary, Annotations: annotations[from:to]}
	}
	completed, at := "completed", gogithub.Timestamp{Time: now}
	var id int64
	sent := 0 // annotations that are on the check: each request adds to those before
	err := c.once(ctx, func() (bool, error) {
		runs, _, err := c.api.Checks.ListCheckRunsForRef(ctx, c.owner, c.name, check.Commit, &gogithub.ListCheckRunsOptions{CheckName: &check.Name})
		if err != nil {
			return false, err
		}
		for _, run := range runs.CheckRuns {
			if run.GetExternalID() == check.ExternalID {
				id = run.GetID()
				sent = min(run.GetOutput().GetAnnotationsCount(), len(annotations))
				return true, nil
			}
		}
		return false, nil
	}, func() error {
		run, _, err := c.api.Checks.CreateCheckRun(ctx, c.owner, c.name, gogithub.CreateCheckRunOptions{
			Name: check.Name, HeadSHA: check.Commit, ExternalID: &check.ExternalID,
			Status: &completed, Conclusion: &check.Conclusion, CompletedAt: &at, Output: batch(0),
		})
		if err == nil {
			id, sent = run.GetID(), min(maxAnnotations, len(annotations))
		}
		return err
	})
	if err == nil {
		err = c.again(ctx, func() error {
			for sent < len(annotations) {
				_, _, err := c.api.Checks.UpdateCheckRun(web.OnceOnly(ctx), c.owner, c.name, id, gogithub.UpdateCheckRunOptions{
					Name: check.Name, Status: &completed, Conclusion: &check.Conclusion, CompletedAt: &at, Output: batch(sent),
				})
				if lost(err) { // the host knows what has arrived
					if run, _, lookErr := c.api.Checks.GetCheckRun(ctx, c.owner, c.name, id); lookErr == nil {
						sent = min(run.GetOutput().GetAnnotationsCount(), len(annotations))
					}
				}
				if err != nil {
					return err
				}
				sent += maxAnnotations
			}
			return nil
		})
	}
	return denied(operation, needs, err)
}
