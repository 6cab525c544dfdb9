package gitlab

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	gogitlab "gitlab.com/gitlab-org/api/client-go"
)

// needsArtifacts is what a token must be allowed to read what an earlier job left.
const needsArtifacts = "a project access token with the scope read_api and the role Developer, or a job token that may read the project's artifacts"

// Bounds of what is looked through for an earlier job, and of the file that is taken from it.
const (
	maxPipelines = 20
	maxArtifact  = 256 << 20
)

// Artifact is a file that an earlier job of the same name left.
type Artifact struct {
	Content []byte
	// Scheduled says that it is of the last schedule. Otherwise it is of the last pipeline that ended well, whatever
	// started it: a job token can ask for nothing else.
	Scheduled bool
}

// LastArtifact returns the file that the job of a name left in the last schedule of a branch before a pipeline, also
// where the job failed. There is none, and no error, where no such job is known or its files have expired.
func (c *Client) LastArtifact(ctx context.Context, branch, job string, before int64, file string) (Artifact, error) {
	operation := fmt.Sprintf("read %s of the last schedule", file)
	a := Artifact{Scheduled: !c.jobToken}
	var archive *bytes.Reader
	var err error
	if c.jobToken {
		parts := strings.Split(branch, "/")
		for i := range parts {
			parts[i] = url.PathEscape(parts[i])
		}
		archive, _, err = c.files.Jobs.DownloadArtifactsFile(c.project, strings.Join(parts, "/"), &gogitlab.DownloadArtifactsFileOptions{Job: &job}, gogitlab.WithContext(ctx))
		if status(err) == http.StatusNotFound {
			return Artifact{}, nil
		}
	} else {
		archive, err = c.lastSchedule(ctx, branch, job, before)
	}
	if err != nil {
		return Artifact{}, denied(operation, needsArtifacts, err)
	}
	if archive == nil {
		return Artifact{}, nil
	}
	a.Content, err = unpack(archive, file)
	if err != nil {
		return Artifact{}, fmt.Errorf("%s: %w", operation, err)
	}
	if a.Content == nil {
		return Artifact{}, nil
	}
	return a, nil
}

// lastSchedule returns the archive of the job in the last schedule that has one.
func (c *Client) lastSchedule(ctx context.Context, branch, job string, before int64) (*bytes.Reader, error) {
	pipelines, _, err := c.api.Pipelines.ListProjectPipelines(c.project, &gogitlab.ListProjectPipelinesOptions{
		Source: gogitlab.Ptr("schedule"), Ref: &branch, OrderBy: gogitlab.Ptr("id"), Sort: gogitlab.Ptr("desc"),
		ListOptions: gogitlab.ListOptions{PerPage: maxPipelines},
	}, gogitlab.WithContext(ctx))
	if err != nil {
		return nil, err
	}
	for _, p := range pipelines {
		if p.ID >= before {
			continue
		}
		jobs, _, err := c.api.Jobs.ListPipelineJobs(c.project, p.ID, &gogitlab.ListJobsOptions{
			Scope: &[]gogitlab.BuildStateValue{gogitlab.Success, gogitlab.Failed}, ListOptions: gogitlab.ListOptions{PerPage: pageSize},
		}, gogitlab.WithContext(ctx))
		if err != nil {
			return nil, err
		}
		for _, j := range jobs {
			if j.Name != job || j.ArtifactsFile.Filename == "" {
				continue
			}
			archive, _, err := c.files.Jobs.GetJobArtifacts(c.project, j.ID, gogitlab.WithContext(ctx))
			if status(err) == http.StatusNotFound { // they have expired
				continue
			}
			return archive, err
		}
	}
	return nil, nil
}

// unpack returns a file of an archive, nil where it has none.
func unpack(archive *bytes.Reader, name string) ([]byte, error) {
	r, err := zip.NewReader(archive, archive.Size())
	if err != nil {
		return nil, fmt.Errorf("the archive of the job can't be read: %w", err)
	}
	for _, f := range r.File {
		if f.Name != name {
			continue
		}
		in, err := f.Open()
		if err != nil {
			return nil, err
		}
		data, err := io.ReadAll(io.LimitReader(in, maxArtifact+1))
		if err := errors.Join(err, in.Close()); err != nil {
			return nil, err
		}
		if len(data) > maxArtifact {
			return nil, fmt.Errorf("the file has more than %d MiB", maxArtifact>>20)
		}
		return data, nil
	}
	return nil, nil
}

// leave follows a redirect to another host, where GitLab keeps files, and takes no token along.
func leave(next *http.Request, via []*http.Request) error {
	if next.URL.Host == via[0].URL.Host && next.URL.Scheme == via[0].URL.Scheme {
		return stay(next, via)
	}
	if next.URL.Scheme != "https" && via[0].URL.Scheme == "https" || len(via) >= mostRedirects {
		return http.ErrUseLastResponse
	}
	for _, name := range []string{"Private-Token", "Job-Token", "Authorization"} {
		next.Header.Del(name)
	}
	return nil
}
