package gitlabtest

import (
	"archive/zip"
	"bytes"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Job is a job that has ended, alone in its pipeline.
type Job struct {
	Pipeline int
	Name     string
	Branch   string
	Source   string // of the pipeline, such as schedule
	Failed   bool
	Expired  bool // its files are gone
	Files    map[string]string
}

// AddJob says that a job has ended, after all that were added so far. It returns the number of its pipeline.
func (s *Server) AddJob(j Job) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.next++
	j.Pipeline = s.next
	s.jobs = append(s.jobs, j)
	return j.Pipeline
}

func (j *Job) status() string {
	if j.Failed {
		return "failed"
	}
	return "success"
}

func (s *Server) handlePipelines(w http.ResponseWriter, r *http.Request, parts []string) (int, any) {
	query := r.URL.Query()
	if len(parts) == 0 {
		list := []any{}
		for _, j := range s.jobs {
			if source, ref := query.Get("source"), query.Get("ref"); (source == "" || source == j.Source) && (ref == "" || ref == j.Branch) {
				list = append(list, map[string]any{"id": j.Pipeline, "project_id": project, "status": j.status(), "source": j.Source, "ref": j.Branch})
			}
		}
		if query.Get("sort") != "asc" {
			slices.Reverse(list)
		}
		return http.StatusOK, page(w, r, list)
	}
	list := []any{}
	for _, j := range s.jobs {
		scope := query["scope[]"]
		if strconv.Itoa(j.Pipeline) != parts[0] || len(scope) > 0 && !slices.Contains(scope, j.status()) {
			continue
		}
		object := map[string]any{"id": 70_000 + j.Pipeline, "name": j.Name, "status": j.status(), "ref": j.Branch}
		if len(j.Files) > 0 {
			object["artifacts_file"] = map[string]any{"filename": "artifacts.zip", "size": 1}
		}
		list = append(list, object)
	}
	return http.StatusOK, page(w, r, list)
}

// handleJobs hands the archives of jobs out: of one by its number, or of the last good one of a branch by its name.
// Where s.Store is set they are kept there, as GitLab does with object storage.
func (s *Server) handleJobs(w http.ResponseWriter, r *http.Request, parts []string) (int, any) {
	at := -1
	switch {
	case len(parts) == 2 && parts[1] == "artifacts":
		at = slices.IndexFunc(s.jobs, func(j Job) bool { return strconv.Itoa(70_000+j.Pipeline) == parts[0] })
	case len(parts) > 2 && parts[0] == "artifacts" && parts[len(parts)-1] == "download":
		branch, name := strings.Join(parts[1:len(parts)-1], "/"), r.URL.Query().Get("job")
		for i, j := range s.jobs {
			if j.Branch == branch && j.Name == name && !j.Failed {
				at = i
			}
		}
	}
	if at < 0 || s.jobs[at].Expired || len(s.jobs[at].Files) == 0 {
		return notFound()
	}
	if s.Store != "" {
		w.Header().Set("Location", s.Store+"?"+url.Values{"pipeline": {strconv.Itoa(s.jobs[at].Pipeline)}}.Encode())
		return http.StatusFound, nil
	}
	archive, err := s.jobs[at].archive()
	if err != nil {
		return http.StatusInternalServerError, message(err.Error())
	}
	return http.StatusOK, archive
}

func (j *Job) archive() ([]byte, error) {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for name, text := range j.Files {
		f, err := z.Create(name)
		if err != nil {
			return nil, err
		}
		if _, err := f.Write([]byte(text)); err != nil {
			return nil, err
		}
	}
	err := z.Close()
	return b.Bytes(), err
}

// ServeStore is the handler of a store for archives at another address. It refuses whoever shows a token there.
func (s *Server) ServeStore(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Private-Token") != "" || r.Header.Get("Job-Token") != "" {
		http.Error(w, "no token belongs here", http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.jobs {
		if strconv.Itoa(s.jobs[i].Pipeline) == r.URL.Query().Get("pipeline") {
			archive, err := s.jobs[i].archive()
			if err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
				return
			}
			_, _ = w.Write(archive) // whoever hangs up early is part of the tests
			return
		}
	}
	http.NotFound(w, r)
}
