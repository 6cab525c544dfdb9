package gitlab

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/trifecta-scanner/trifecta/forge"
	"github.com/trifecta-scanner/trifecta/internal/gitlabtest"
)

func TestLastArtifact(t *testing.T) {
	const file = "result.json"
	jobOf := func(content string, change func(*gitlabtest.Job)) gitlabtest.Job {
		j := gitlabtest.Job{Name: "trifecta", Branch: "release/1", Source: "schedule", Files: map[string]string{file: content, "other": "x"}}
		if change != nil {
			change(&j)
		}
		return j
	}
	for name, test := range map[string]struct {
		jobs []gitlabtest.Job
		want string // by a project's token
		job  string // by a job's
	}{
		"none":                {nil, "", ""},
		"one":                 {[]gitlabtest.Job{jobOf("a", nil)}, "a", "a"},
		"the last":            {[]gitlabtest.Job{jobOf("a", nil), jobOf("b", nil)}, "b", "b"},
		"also a failed one":   {[]gitlabtest.Job{jobOf("a", nil), jobOf("b", func(j *gitlabtest.Job) { j.Failed = true })}, "b", "a"},
		"a push between":      {[]gitlabtest.Job{jobOf("a", nil), jobOf("b", func(j *gitlabtest.Job) { j.Source = "push" })}, "a", "b"},
		"another branch":      {[]gitlabtest.Job{jobOf("a", func(j *gitlabtest.Job) { j.Branch = "main" })}, "", ""},
		"another job":         {[]gitlabtest.Job{jobOf("a", nil), jobOf("b", func(j *gitlabtest.Job) { j.Name = "test" })}, "a", "a"},
		"expired":             {[]gitlabtest.Job{jobOf("a", nil), jobOf("b", func(j *gitlabtest.Job) { j.Expired = true })}, "a", ""},
		"without the file":    {[]gitlabtest.Job{jobOf("a", func(j *gitlabtest.Job) { j.Files = map[string]string{"other": "x"} })}, "", ""},
		"without any file":    {[]gitlabtest.Job{jobOf("a", func(j *gitlabtest.Job) { j.Files = nil })}, "", ""},
		"a folder's own file": {[]gitlabtest.Job{jobOf("a", func(j *gitlabtest.Job) { j.Files = map[string]string{"x/" + file: "b"} })}, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			for _, elsewhere := range []bool{false, true} {
				h := startEmpty(t)
				if elsewhere { // where a token must not be shown
					store := httptest.NewServer(http.HandlerFunc(h.server.ServeStore))
					t.Cleanup(store.Close)
					h.server.Store = store.URL
				}
				for _, j := range test.jobs {
					h.server.AddJob(j)
				}
				now := h.server.AddJob(jobOf("now", func(j *gitlabtest.Job) { j.Files, j.Failed = nil, true }))
				for _, client := range []*Client{h.client(Options{Token: gitlabtest.Token}), h.client(Options{Token: "job", JobToken: true})} {
					want := test.want
					if client.jobToken {
						want = test.job
					}
					got, err := client.LastArtifact(t.Context(), "release/1", "trifecta", int64(now), file)
					if err != nil || string(got.Content) != want || got.Scheduled != (want != "" && !client.jobToken) {
						t.Errorf("job token %v, elsewhere %v: %q, %v, %v", client.jobToken, elsewhere, got.Content, got.Scheduled, err)
					}
				}
			}
		})
	}
}

func TestLastArtifactRefused(t *testing.T) {
	h := startEmpty(t)
	h.server.AddJob(gitlabtest.Job{Name: "trifecta", Branch: "main", Source: "schedule", Files: map[string]string{"f": "x"}})
	for status, want := range map[int]bool{http.StatusUnauthorized: true, http.StatusForbidden: true, http.StatusConflict: false, http.StatusTeapot: false} {
		h.server.Fail = func(w http.ResponseWriter, _ *http.Request) bool {
			answered(status)(w)
			return true
		}
		for _, o := range []Options{{Token: gitlabtest.Token}, {Token: "job-secret", JobToken: true}} {
			_, err := h.client(o).LastArtifact(t.Context(), "main", "trifecta", 1<<30, "f")
			var denied *forge.DeniedError
			if err == nil || errors.As(err, &denied) != want {
				t.Errorf("status %d, job %v: %v", status, o.JobToken, err)
			}
		}
	}
}

// What is no archive, or not all of one, is an error and no file.
func TestLastArtifactBroken(t *testing.T) {
	h := startEmpty(t)
	h.server.AddJob(gitlabtest.Job{Name: "trifecta", Branch: "main", Source: "schedule", Files: map[string]string{"f": "x"}})
	for _, body := range []string{"", "<html>", "PK\x03\x04"} {
		h.server.Fail = func(w http.ResponseWriter, r *http.Request) bool {
			_, _ = w.Write([]byte(body)) // whoever reads it is what is tested
			return true
		}
		if got, err := h.client(Options{Token: "job", JobToken: true}).LastArtifact(t.Context(), "main", "trifecta", 1<<30, "f"); err == nil {
			t.Errorf("%q: %q", body, got.Content)
		}
	}
}
