// Package githubtest is a stand-in for GitHub's REST API. It keeps what it is told, answers from that, checks every
// request and every answer against GitHub's own description of the API, and fails on demand.
package githubtest

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/legacy"
	gogit "github.com/go-git/go-git/v5"
)

// Server is one repository, acme/shop, on a GitHub of its own. Its handler is Server itself.
type Server struct {
	// Spec checks requests and answers; nil checks nothing.
	Spec *Spec
	// Fail, where not nil, may answer a request itself and return true. It is asked before anything is done.
	Fail func(w http.ResponseWriter, r *http.Request) bool
	// After, where not nil, may spoil the answer to a request that has been carried out, and returns true then.
	After func(w http.ResponseWriter, r *http.Request) bool
	// People are the users, and teams as acme/name, who may be asked for a review.
	People []string

	mu         sync.Mutex
	nextID     int64
	comments   map[int64]Comment
	reviews    []Review
	files      []File
	pulls      []Pull
	issues     []Issue
	checks     map[int64]*Check
	uploads    map[string]*Upload
	snapshots  map[string]json.RawMessage // by correlator
	log        []string
	violations []string

	repo    *gogit.Repository
	repoDir string
	commits int
}

// Comment is a comment on a pull request or an issue.
type Comment struct {
	ID     int64
	Number int
	Body   string
	// Stranger says that a person wrote it who has nothing to do with the repository.
	Stranger bool `json:",omitempty"`
}

// Review is a comment on a line of a pull request.
type Review struct {
	ID        int64
	Path      string
	Line      int
	StartLine int
	Body      string
}

// File is a file that the pull request changes.
type File struct{ Name, Patch string }

// Pull is a pull request.
type Pull struct {
	Number      int
	Repository  string // owner/name of its head
	Branch      string
	Commit      string
	Base        string // empty: main
	Title, Body string
	State       string // empty: open
	Merged      bool
	MergeCommit string
	Labels      []string
	Reviewers   []string
}

func (p Pull) base() string { return cmp.Or(p.Base, "main") }

// Check is a check run.
type Check struct {
	ID          int64
	Name        string
	Commit      string
	ExternalID  string
	Conclusion  string
	Title       string
	Summary     string
	Annotations []map[string]any
}

// Upload is a SARIF file.
type Upload struct {
	Ref, Commit string
	SARIF       string // base64 of gzip
	Polls       int    // how often its state was asked
}

// NewServer returns an empty repository.
func NewServer(spec *Spec) *Server {
	return &Server{
		Spec: spec, nextID: 100,
		comments: map[int64]Comment{}, checks: map[int64]*Check{}, uploads: map[string]*Upload{}, snapshots: map[string]json.RawMessage{},
	}
}

// Start serves on loopback until the test ends.
func (s *Server) Start(t interface{ Cleanup(func()) }) *httptest.Server {
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	return server
}

// SetFiles says what the pull request changes.
func (s *Server) SetFiles(files ...File) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.files = files
}

// SetPulls says which pull requests are open.
func (s *Server) SetPulls(pulls ...Pull) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pulls = pulls
}

// Pulls returns the pull requests in order of their numbers.
func (s *Server) Pulls() []Pull {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.pulls)
}

// EditPull changes a pull request as a person would.
func (s *Server) EditPull(number int, edit func(*Pull)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p := s.pull(number); p != nil {
		edit(p)
	}
}

// AddComment writes a comment as somebody else would and returns its id.
func (s *Server) AddComment(number int, body string) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	id := s.id()
	s.comments[id] = Comment{ID: id, Number: number, Body: body}
	return id
}

// AddForeignComment writes a comment as a stranger would.
func (s *Server) AddForeignComment(number int, body string) {
	id := s.AddComment(number, body)
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.comments[id]
	c.Stranger = true
	s.comments[id] = c
}

// Comments returns the comments in order of their ids.
func (s *Server) Comments() []Comment {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []Comment
	for _, id := range slices.Sorted(maps.Keys(s.comments)) {
		all = append(all, s.comments[id])
	}
	return all
}

// Reviews returns the comments on lines.
func (s *Server) Reviews() []Review {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.reviews)
}

// Checks returns the check runs in order of their ids.
func (s *Server) Checks() []Check {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []Check
	for _, id := range slices.Sorted(maps.Keys(s.checks)) {
		all = append(all, *s.checks[id])
	}
	return all
}

// Uploads returns the SARIF files by id.
func (s *Server) Uploads() map[string]Upload {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := map[string]Upload{}
	for id, u := range s.uploads {
		all[id] = *u
	}
	return all
}

// Snapshots returns the dependency snapshots by correlator.
func (s *Server) Snapshots() map[string]json.RawMessage {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.snapshots)
}

// Log returns the requests that were carried out, as "METHOD path".
func (s *Server) Log() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.log)
}

// Violations returns what did not keep to the description of the API, requests and answers alike.
func (s *Server) Violations() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.violations)
}

func (s *Server) id() int64 { s.nextID++; return s.nextID }

const repository = "/repos/acme/shop"

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, gitPath) {
		if s.failed(w, r) {
			return
		}
		s.serveGit(w, r)
		return
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, 64<<20))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	r.URL.Path = strings.TrimPrefix(r.URL.Path, "/api/v3") // as GitHub Enterprise Server has it
	if s.failed(w, r) {
		return
	}
	s.mu.Lock()
	after := s.After
	s.mu.Unlock()
	route, params, err := s.Spec.request(r, body)
	if err != nil {
		s.violation("request %s %s: %v", r.Method, r.URL, err)
		answer(w, http.StatusUnprocessableEntity, map[string]any{"message": "Validation Failed", "documentation_url": "", "status": "422"})
		return
	}
	s.mu.Lock()
	s.log = append(s.log, r.Method+" "+r.URL.Path)
	status, value := s.handle(w, r, body)
	s.mu.Unlock()
	if after != nil && after(w, r) {
		return
	}
	data, err := json.Marshal(value)
	if err != nil {
		s.violation("answer to %s %s: %v", r.Method, r.URL, err)
	}
	if value == nil {
		data = nil
	}
	if status < 400 {
		if err := s.Spec.response(r, route, params, status, data); err != nil {
			s.violation("answer %d to %s %s: %v", status, r.Method, r.URL, err)
		}
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(data) // whoever hangs up early is part of the tests
}

func (s *Server) failed(w http.ResponseWriter, r *http.Request) bool {
	s.mu.Lock()
	fail := s.Fail
	s.mu.Unlock()
	return fail != nil && fail(w, r)
}

func answer(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(value) // as above
}

func (s *Server) violation(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.violations = append(s.violations, fmt.Sprintf(format, args...))
}

// handle carries out a request.
func (s *Server) handle(w http.ResponseWriter, r *http.Request, body []byte) (int, any) {
	path, ok := strings.CutPrefix(r.URL.Path, repository)
	if !ok {
		return notFound()
	}
	parts := strings.Split(strings.Trim(path, "/"), "/")
	in := map[string]any{}
	if len(body) > 0 {
		if err := json.Unmarshal(body, &in); err != nil {
			return http.StatusBadRequest, map[string]any{"message": "Problems parsing JSON"}
		}
	}
	number := func(i int) int64 {
		n, _ := strconv.ParseInt(parts[i], 10, 64) // the description of the API has checked it
		return n
	}
	if parts[0] == "git" && s.repo != nil {
		return s.handleGit(r, parts, in)
	}
	if parts[0] == "compare" && s.repo != nil && len(parts) == 2 {
		return s.compare(parts[1])
	}
	switch shape := r.Method + " " + shapeOf(parts); shape {
	case "GET issues/#/comments":
		var list []any
		for _, id := range slices.Sorted(maps.Keys(s.comments)) {
			if c := s.comments[id]; int64(c.Number) == number(1) {
				list = append(list, s.comment(c))
			}
		}
		return http.StatusOK, page(w, r, list)
	case "POST issues/#/comments":
		c := Comment{ID: s.id(), Number: int(number(1)), Body: text(in, "body")}
		s.comments[c.ID] = c
		return http.StatusCreated, s.comment(c)
	case "PATCH issues/comments/#":
		c, ok := s.comments[number(2)]
		if !ok {
			return notFound()
		}
		c.Body = text(in, "body")
		s.comments[c.ID] = c
		return http.StatusOK, s.comment(c)
	case "DELETE issues/comments/#":
		if _, ok := s.comments[number(2)]; !ok {
			return notFound()
		}
		delete(s.comments, number(2))
		return http.StatusNoContent, nil
	case "GET issues", "POST issues", "PATCH issues/#":
		return s.handleIssues(w, r, parts, in)
	case "GET pulls":
		var list []any
		for _, p := range slices.Backward(s.pulls) { // the newest first, as GitHub has it
			owner, _, _ := strings.Cut(p.Repository, "/")
			query := r.URL.Query()
			if head := query.Get("head"); head != "" && head != owner+":"+p.Branch {
				continue
			}
			if state := cmp.Or(query.Get("state"), "open"); state != "all" && state != cmp.Or(p.State, "open") {
				continue
			}
			list = append(list, pullObject(p))
		}
		return http.StatusOK, page(w, r, list)
	case "POST pulls":
		return s.openPull(in)
	case "GET pulls/#", "PATCH pulls/#", "POST issues/#/labels", "POST pulls/#/requested_reviewers":
		p := s.pull(int(number(1)))
		if p == nil {
			return notFound()
		}
		switch shape {
		case "PATCH pulls/#":
			return s.editPull(p, in)
		case "POST issues/#/labels":
			return s.addLabels(p, in)
		case "POST pulls/#/requested_reviewers":
			return s.askReviewers(p, in)
		}
		return http.StatusOK, s.fullPull(*p)
	case "GET pulls/#/files":
		var list []any
		for _, f := range s.files {
			list = append(list, fileObject(f))
		}
		return http.StatusOK, page(w, r, list)
	case "GET pulls/#/comments":
		var list []any
		for _, v := range s.reviews {
			list = append(list, s.reviewComment(v))
		}
		return http.StatusOK, page(w, r, list)
	case "POST pulls/#/reviews":
		for _, c := range objects(in["comments"]) {
			s.reviews = append(s.reviews, Review{s.id(), text(c, "path"), whole(c, "line"), whole(c, "start_line"), text(c, "body")})
		}
		return http.StatusOK, s.review(text(in, "commit_id"))
	case "POST code-scanning/sarifs":
		id := fmt.Sprintf("47177e22-5596-11eb-80a1-%012d", s.id())
		s.uploads[id] = &Upload{Ref: text(in, "ref"), Commit: text(in, "commit_sha"), SARIF: text(in, "sarif")}
		return http.StatusAccepted, map[string]any{"id": id, "url": "https://github.example" + r.URL.Path + "/" + id}
	case "GET code-scanning/sarifs/*":
		u, ok := s.uploads[parts[2]]
		if !ok {
			return notFound()
		}
		if u.Polls++; u.Polls == 1 {
			return http.StatusOK, map[string]any{"processing_status": "pending"}
		}
		return http.StatusOK, map[string]any{"processing_status": "complete", "analyses_url": "https://github.example" + repository + "/code-scanning/analyses"}
	case "GET commits/*/check-runs":
		list := []any{}
		for _, id := range slices.Sorted(maps.Keys(s.checks)) {
			if c := s.checks[id]; c.Commit == parts[1] && c.Name == r.URL.Query().Get("check_name") {
				list = append(list, s.check(c))
			}
		}
		return http.StatusOK, map[string]any{"total_count": len(list), "check_runs": list}
	case "POST check-runs":
		c := &Check{ID: s.id(), Commit: text(in, "head_sha"), ExternalID: text(in, "external_id")}
		s.checks[c.ID] = c
		c.update(in)
		return http.StatusCreated, s.check(c)
	case "GET check-runs/#", "PATCH check-runs/#":
		c, ok := s.checks[number(1)]
		if !ok {
			return notFound()
		}
		if r.Method == http.MethodGet {
			return http.StatusOK, s.check(c)
		}
		c.update(in)
		return http.StatusOK, s.check(c)
	case "POST dependency-graph/snapshots":
		job, _ := in["job"].(map[string]any)
		s.snapshots[text(job, "correlator")] = body
		return http.StatusCreated, map[string]any{"id": s.id(), "created_at": created, "result": "SUCCESS", "message": "Dependency results for the repo have been successfully updated."}
	}
	return notFound()
}

// shapeOf replaces the numbers of a path by # and names by *.
func shapeOf(parts []string) string {
	shape := slices.Clone(parts)
	for i, p := range shape {
		if _, err := strconv.Atoi(p); err == nil {
			shape[i] = "#"
		}
	}
	switch {
	case len(shape) == 3 && shape[0] == "code-scanning" && shape[1] == "sarifs":
		shape[2] = "*"
	case len(shape) == 3 && shape[0] == "commits":
		shape[1] = "*"
	}
	return strings.Join(shape, "/")
}

func (c *Check) update(in map[string]any) {
	c.Name, c.Conclusion = text(in, "name"), text(in, "conclusion")
	if output, ok := in["output"].(map[string]any); ok {
		c.Title, c.Summary = text(output, "title"), text(output, "summary")
		c.Annotations = append(c.Annotations, objects(output["annotations"])...) // as GitHub: each request adds
	}
}

func notFound() (int, any) {
	return http.StatusNotFound, map[string]any{"message": "Not Found", "documentation_url": "https://docs.github.com/rest", "status": "404"}
}

// page returns the part of a list that the request asks for, and names the next one as GitHub does.
func page(w http.ResponseWriter, r *http.Request, list []any) []any {
	size, _ := strconv.Atoi(r.URL.Query().Get("per_page")) // the description of the API has checked both
	if size <= 0 {
		size = 30
	}
	at, _ := strconv.Atoi(r.URL.Query().Get("page"))
	at = max(at, 1)
	if at*size < len(list) {
		query := r.URL.Query()
		query.Set("page", strconv.Itoa(at+1))
		w.Header().Set("Link", fmt.Sprintf(`<%s%s?%s>; rel="next"`, site, r.URL.Path, query.Encode()))
	}
	from := min((at-1)*size, len(list))
	return append([]any{}, list[from:min(from+size, len(list))]...)
}

func text(in map[string]any, key string) string {
	s, _ := in[key].(string) // absent is empty
	return s
}

func whole(in map[string]any, key string) int {
	n, _ := in[key].(float64) // absent is 0
	return int(n)
}

func objects(value any) []map[string]any {
	list, _ := value.([]any) // absent is empty
	var all []map[string]any
	for _, v := range list {
		if o, ok := v.(map[string]any); ok {
			all = append(all, o)
		}
	}
	return all
}

// Spec is GitHub's description of its API.
type Spec struct{ router routers.Router }

// LoadSpec reads the description from the folder of shared test data.
func LoadSpec(sharedDir string) (*Spec, error) {
	name := filepath.Join(sharedDir, "schemas", "github", "github-rest-api.trimmed.openapi.json")
	if _, err := os.Stat(name); err != nil {
		return nil, err
	}
	doc, err := openapi3.NewLoader().LoadFromFile(name)
	if err != nil {
		return nil, fmt.Errorf("read the description of the API: %w", err)
	}
	doc.Servers = nil // whatever the address of the stand-in is
	router, err := legacy.NewRouter(doc, openapi3.DisableExamplesValidation())
	if err != nil {
		return nil, fmt.Errorf("read the description of the API: %w", err)
	}
	return &Spec{router}, nil
}

func (s *Spec) request(r *http.Request, body []byte) (*routers.Route, map[string]string, error) {
	if s == nil {
		return nil, nil, nil
	}
	route, params, err := s.router.FindRoute(s.local(r))
	if err != nil {
		return nil, nil, err
	}
	check := r.Clone(context.Background())
	check.Body = io.NopCloser(bytes.NewReader(body))
	if len(body) > 0 && check.Header.Get("Content-Type") == "" {
		check.Header.Set("Content-Type", "application/json")
	}
	return route, params, openapi3filter.ValidateRequest(context.Background(), &openapi3filter.RequestValidationInput{
		Request: check, PathParams: params, Route: route,
		Options: &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, MultiError: true},
	})
}

// local is the request with the path alone, by which routes are found.
func (s *Spec) local(r *http.Request) *http.Request {
	local := r.Clone(r.Context())
	// The name of a branch holds slashes, which no parameter of a path does for a router.
	name := r.URL.Path
	for _, before := range []string{"/git/ref/", "/git/refs/", "/git/matching-refs/", "/contents/"} {
		if at, rest, ok := strings.Cut(name, before); ok {
			name = at + before + strings.ReplaceAll(rest, "/", "~")
			break
		}
	}
	local.URL = &url.URL{Path: name, RawQuery: r.URL.RawQuery}
	local.Host = ""
	return local
}

func (s *Spec) response(r *http.Request, route *routers.Route, params map[string]string, status int, body []byte) error {
	if s == nil {
		return nil
	}
	header := http.Header{}
	if len(body) > 0 {
		header.Set("Content-Type", "application/json; charset=utf-8")
	}
	return openapi3filter.ValidateResponse(context.Background(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{Request: r, PathParams: params, Route: route},
		Status:                 status, Header: header, Body: io.NopCloser(bytes.NewReader(body)),
		Options: &openapi3filter.Options{IncludeResponseStatus: true, MultiError: true},
	})
}
