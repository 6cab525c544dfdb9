// Package gitlabtest is a stand-in for GitLab: one project with a real repository, its merge requests, their notes and
// its issues, on a server of one's own below a path. It keeps what it is told, so that a test can ask whether doing
// something twice, or being cut off, leaves what doing it once leaves.
//
// The repository is that of package githubtest. GitLab publishes no description that the answers could be checked by; they
// hold the fields that https://docs.gitlab.com/api/ shows and the client reads.
package gitlabtest

import (
	"bytes"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/trifecta-scanner/trifecta/internal/githubtest"
)

// Token is the one that may do everything. Any other is refused; as a job's token it may only read the repository.
const Token = "glpat-secret"

// Prefix is where the API is served: the server shares its name with others.
const Prefix = "/gitlab/api/v4"

const (
	site    = "https://gitlab.example/gitlab/acme/shop"
	project = 42
	me      = 7
	other   = 8
)

// Server is one project, acme/shop with the number 42. Its handler is Server itself.
type Server struct {
	// Repository has the branches and what is asked of people by hand: Commit, Close, Merge.
	Repository *githubtest.Server
	// Fail, where not nil, may answer a request itself and return true. It is asked before anything is done.
	Fail func(w http.ResponseWriter, r *http.Request) bool
	// People are the users, and groups as acme/name with one member, who may be asked for a review.
	People []string

	// Store, where not empty, is the address of ServeStore, to which downloads of archives are sent.
	Store string
	// After, where not nil, is asked once a request was carried out and may answer in its place.
	After func(w http.ResponseWriter, r *http.Request) bool

	mu      sync.Mutex
	next    int
	notes   []Note
	issues  []Issue
	changed []int // numbers of issues, the one that changed last at the end
	jobs    []Job
	log     []string
}

// Note is a note on a merge request.
type Note struct {
	ID, Number int
	Body       string
	Author     int
}

// NewServer returns a project whose repository is kept in dir.
func NewServer(dir string) (*Server, error) {
	s := &Server{Repository: githubtest.NewServer(nil), next: 100}
	return s, s.Repository.UseGit(dir)
}

// Start serves on loopback until the test ends and returns the address of the API.
func (s *Server) Start(t interface{ Cleanup(func()) }) string {
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	return server.URL + Prefix
}

// StartTLS serves as Start does, with a certificate for the hosts from an authority of its own, whose certificate it
// returns in PEM.
func (s *Server) StartTLS(t interface{ Cleanup(func()) }, hosts ...string) (address string, authority []byte, err error) {
	certificate, authority, err := githubtest.Certificate(hosts...)
	if err != nil {
		return "", nil, err
	}
	server := httptest.NewUnstartedServer(s)
	server.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}
	server.StartTLS()
	t.Cleanup(server.Close)
	return server.URL + Prefix, authority, nil
}

// Notes returns the notes of a merge request in order.
func (s *Server) Notes(number int) []Note {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []Note
	for _, n := range s.notes {
		if n.Number == number {
			all = append(all, n)
		}
	}
	return all
}

// AddNote writes a note as a person would.
func (s *Server) AddNote(number int, body string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.next++
	s.notes = append(s.notes, Note{s.next, number, body, other})
}

// Log returns the requests so far.
func (s *Server) Log() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.log)
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.log = append(s.log, r.Method+" "+r.URL.EscapedPath())
	fail, after := s.Fail, s.After
	s.mu.Unlock()
	if fail != nil && fail(w, r) {
		return
	}
	answer := s.serve(r)
	if after == nil || !after(w, r) {
		answer.write(w)
	}
}

// answer is what the server says.
type answer struct {
	status int
	header http.Header
	value  any // bytes as they are, anything else as JSON
}

func (a *answer) write(w http.ResponseWriter) {
	maps.Copy(w.Header(), a.header)
	if data, ok := a.value.([]byte); ok {
		w.WriteHeader(a.status)
		_, _ = w.Write(data) // whoever hangs up early is part of the tests
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(a.status)
	if a.value != nil {
		_ = json.NewEncoder(w).Encode(a.value) // as above
	}
}

// serve carries a request out.
func (s *Server) serve(r *http.Request) *answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	body, err := io.ReadAll(io.LimitReader(r.Body, 64<<20))
	in := map[string]any{}
	if err == nil && len(body) > 0 {
		err = json.Unmarshal(body, &in)
	}
	if err != nil {
		return &answer{status: http.StatusBadRequest, value: message("400 Bad request")}
	}
	w := httptest.NewRecorder() // for its headers
	status, value := s.handle(w, r, in)
	return &answer{status, w.Header(), value}
}

func message(text string) map[string]any { return map[string]any{"message": text} }

func notFound() (int, any) { return http.StatusNotFound, message("404 Not found") }

func (s *Server) handle(w http.ResponseWriter, r *http.Request, in map[string]any) (int, any) {
	rest, ok := strings.CutPrefix(r.URL.EscapedPath(), Prefix+"/")
	if !ok {
		return notFound()
	}
	var parts []string
	for part := range strings.SplitSeq(rest, "/") {
		name, err := url.PathUnescape(part)
		if err != nil {
			return notFound()
		}
		parts = append(parts, name)
	}
	job := r.Header.Get("Job-Token") != ""
	if !job && r.Header.Get("Private-Token") != Token {
		return http.StatusUnauthorized, message("401 Unauthorized")
	}
	switch {
	case job && (len(parts) < 4 || parts[2] != "repository" && (parts[2] != "jobs" || parts[3] != "artifacts") || r.Method != http.MethodGet):
		return http.StatusUnauthorized, message("401 Unauthorized")
	case parts[0] == "user":
		return http.StatusOK, map[string]any{"id": me, "username": "project_42_bot"}
	case parts[0] == "users":
		return http.StatusOK, s.users(r.URL.Query().Get("username"))
	case parts[0] == "groups" && len(parts) == 3:
		if !slices.Contains(s.People, parts[1]) {
			return notFound()
		}
		return http.StatusOK, s.users(parts[1])
	case len(parts) < 3 || parts[0] != "projects" || parts[1] != strconv.Itoa(project) && parts[1] != "acme/shop":
		return notFound()
	case parts[2] == "issues":
		return s.handleIssues(w, r, parts[3:], in)
	case parts[2] == "pipelines":
		return s.handlePipelines(w, r, parts[3:])
	case parts[2] == "jobs":
		return s.handleJobs(w, r, parts[3:])
	case parts[2] == "members":
		return members(parts[3:])
	case parts[2] == "merge_requests":
		return s.mergeRequests(w, r, parts[3:], in)
	case parts[2] == "repository" && len(parts) > 3:
		return s.repository(w, r, parts[3:], in)
	}
	return notFound()
}

func (s *Server) users(name string) []any {
	if i := slices.Index(s.People, name); i >= 0 {
		return []any{map[string]any{"id": 1000 + i, "username": name}}
	}
	return []any{}
}

// page returns the part of a list that was asked for.
func page(w http.ResponseWriter, r *http.Request, list []any) []any {
	query := r.URL.Query()
	size, err := strconv.Atoi(query.Get("per_page"))
	if err != nil || size < 1 || size > 100 {
		size = 20
	}
	number, err := strconv.Atoi(query.Get("page"))
	if err != nil || number < 1 {
		number = 1
	}
	from := min((number-1)*size, len(list))
	to := min(from+size, len(list))
	if to < len(list) {
		w.Header().Set("X-Next-Page", strconv.Itoa(number+1))
	}
	return append([]any{}, list[from:to]...)
}

func text(in map[string]any, key string) string {
	s, _ := in[key].(string) // absent is empty
	return s
}

func (s *Server) mergeRequests(w http.ResponseWriter, r *http.Request, parts []string, in map[string]any) (int, any) {
	if len(parts) == 0 {
		if r.Method == http.MethodPost {
			return s.open(in)
		}
		query := r.URL.Query()
		list := []any{}
		for _, p := range s.Repository.Pulls() {
			branch, state := query.Get("source_branch"), query.Get("state")
			if (branch == "" || branch == p.Branch) && (state == "" || state == "all" || state == stateOf(p)) {
				list = append(list, mergeRequest(p))
			}
		}
		return http.StatusOK, page(w, r, list)
	}
	number, err := strconv.Atoi(parts[0])
	pulls := s.Repository.Pulls()
	at := slices.IndexFunc(pulls, func(p githubtest.Pull) bool { return p.Number == number })
	switch {
	case err != nil || at < 0:
		return notFound()
	case len(parts) == 1 && r.Method == http.MethodGet:
		return http.StatusOK, mergeRequest(pulls[at])
	case len(parts) == 1 && r.Method == http.MethodPut:
		s.Repository.EditPull(number, func(p *githubtest.Pull) { s.edit(p, in) })
		return http.StatusOK, mergeRequest(s.Repository.Pulls()[at])
	case len(parts) > 1 && parts[1] == "notes":
		return s.handleNotes(w, r, number, parts[2:], in)
	}
	return notFound()
}

func stateOf(p githubtest.Pull) string {
	switch {
	case p.Merged:
		return "merged"
	case p.State == "closed":
		return "closed"
	}
	return "opened"
}

func mergeRequest(p githubtest.Pull) map[string]any {
	source := project
	if p.Repository != "acme/shop" {
		source = project + 1
	}
	return map[string]any{
		"id": 5000 + p.Number, "iid": p.Number, "project_id": project, "source_project_id": source, "target_project_id": project,
		"source_branch": p.Branch, "target_branch": p.Base, "title": p.Title, "description": p.Body, "state": stateOf(p), "sha": p.Commit,
		"merge_commit_sha": p.MergeCommit, "labels": p.Labels, "web_url": fmt.Sprintf("%s/-/merge_requests/%d", site, p.Number),
	}
}

func (s *Server) open(in map[string]any) (int, any) {
	branch, base := text(in, "source_branch"), text(in, "target_branch")
	if s.Repository.Head(branch) == "" || s.Repository.Head(base) == "" {
		return http.StatusBadRequest, message("source or target branch does not exist")
	}
	pulls := s.Repository.Pulls()
	for _, p := range pulls {
		if p.Branch == branch && p.Base == base && stateOf(p) == "opened" {
			return http.StatusConflict, map[string]any{"message": []string{fmt.Sprintf("Another open merge request already exists for this source branch: !%d", p.Number)}}
		}
	}
	s.next++
	p := githubtest.Pull{Number: s.next, Repository: "acme/shop", Branch: branch, Commit: s.Repository.Head(branch), Base: base, State: "open"}
	s.edit(&p, in)
	s.Repository.SetPulls(append(pulls, p)...)
	return http.StatusCreated, mergeRequest(p)
}

// edit changes what a request names.
func (s *Server) edit(p *githubtest.Pull, in map[string]any) {
	if _, ok := in["title"]; ok {
		p.Title = text(in, "title")
	}
	if _, ok := in["description"]; ok {
		p.Body = strings.TrimSpace(text(in, "description"))
	}
	if text(in, "state_event") == "close" && p.State != "closed" {
		p.State = "closed"
	}
	for _, key := range []string{"labels", "add_labels"} {
		for label := range strings.SplitSeq(text(in, key), ",") {
			if label != "" && !slices.Contains(p.Labels, label) {
				p.Labels = append(p.Labels, label)
			}
		}
	}
	if ids, ok := in["reviewer_ids"].([]any); ok {
		p.Reviewers = nil
		for _, v := range ids {
			if id, ok := v.(float64); ok && int(id) >= 1000 && int(id)-1000 < len(s.People) {
				p.Reviewers = append(p.Reviewers, s.People[int(id)-1000])
			}
		}
		slices.Sort(p.Reviewers)
	}
}

func (s *Server) handleNotes(w http.ResponseWriter, r *http.Request, number int, parts []string, in map[string]any) (int, any) {
	object := func(n Note) map[string]any {
		return map[string]any{"id": n.ID, "body": n.Body, "system": false, "author": map[string]any{"id": n.Author}}
	}
	if len(parts) == 0 {
		if r.Method == http.MethodPost {
			if text(in, "body") == "" {
				return http.StatusBadRequest, message("400 (Bad request) \"body\" not given")
			}
			s.next++
			n := Note{s.next, number, text(in, "body"), me}
			s.notes = append(s.notes, n)
			return http.StatusCreated, object(n)
		}
		var list []any
		for _, n := range s.notes {
			if n.Number == number {
				list = append(list, object(n))
			}
		}
		return http.StatusOK, page(w, r, list)
	}
	at := slices.IndexFunc(s.notes, func(n Note) bool { return strconv.Itoa(n.ID) == parts[0] && n.Number == number })
	if at < 0 {
		return notFound()
	}
	if s.notes[at].Author != me {
		return http.StatusForbidden, message("403 Forbidden")
	}
	switch r.Method {
	case http.MethodPut:
		s.notes[at].Body = text(in, "body")
		return http.StatusOK, object(s.notes[at])
	case http.MethodDelete:
		s.notes = slices.Delete(s.notes, at, at+1)
		return http.StatusNoContent, nil
	}
	return notFound()
}

// git asks the repository.
func (s *Server) git(method, path string, in, out any) error {
	data, err := json.Marshal(in)
	if err != nil {
		return err
	}
	req := httptest.NewRequest(method, "/repos/acme/shop/"+path, bytes.NewReader(data))
	answer := httptest.NewRecorder()
	s.Repository.ServeHTTP(answer, req)
	if answer.Code >= http.StatusBadRequest {
		return fmt.Errorf("%s %s: %d %s", method, path, answer.Code, answer.Body)
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(answer.Body.Bytes(), out)
}

type commit struct {
	SHA     string
	Message string
	Tree    struct{ SHA string }
	Parents []struct{ SHA string }
}

func (c commit) object() map[string]any {
	parents := []string{}
	for _, p := range c.Parents {
		parents = append(parents, p.SHA)
	}
	return map[string]any{"id": c.SHA, "message": c.Message, "parent_ids": parents}
}

type entry struct{ Path, Mode, Type, SHA string }

func (s *Server) entries(tree string) ([]entry, error) {
	var out struct{ Tree []entry }
	err := s.git(http.MethodGet, "git/trees/"+tree, nil, &out)
	return out.Tree, err
}

// at returns the entry of a path below a tree, and false where there is none.
func (s *Server) at(tree, name string) (entry, bool) {
	found := entry{Type: "tree", SHA: tree}
	for part := range strings.SplitSeq(name, "/") {
		list, err := s.entries(found.SHA)
		i := slices.IndexFunc(list, func(e entry) bool { return e.Path == part })
		if err != nil || i < 0 {
			return entry{}, false
		}
		found = list[i]
	}
	return found, true
}

func (s *Server) repository(w http.ResponseWriter, r *http.Request, parts []string, in map[string]any) (int, any) {
	query := r.URL.Query()
	switch r.Method + " " + parts[0] {
	case "GET branches", "DELETE branches":
		head := s.Repository.Head(parts[len(parts)-1])
		if len(parts) != 2 || head == "" {
			return http.StatusNotFound, message("404 Branch Not Found")
		}
		if r.Method == http.MethodDelete {
			if err := s.git(http.MethodDelete, "git/refs/heads/"+parts[1], nil, nil); err != nil {
				return http.StatusInternalServerError, message(err.Error())
			}
			return http.StatusNoContent, nil
		}
		c, err := s.commit(head)
		if err != nil {
			return http.StatusInternalServerError, message(err.Error())
		}
		return http.StatusOK, map[string]any{"name": parts[1], "commit": c.object()}
	case "GET tree":
		c, err := s.commit(query.Get("ref"))
		if err != nil {
			return notFound()
		}
		tree := c.Tree.SHA
		if path := query.Get("path"); path != "" {
			e, ok := s.at(tree, path)
			if !ok || e.Type != "tree" {
				return http.StatusNotFound, message("404 Tree Not Found")
			}
			tree = e.SHA
		}
		entries, err := s.entries(tree)
		if err != nil {
			return http.StatusInternalServerError, message(err.Error())
		}
		list := []any{}
		for _, e := range entries {
			list = append(list, map[string]any{"id": e.SHA, "name": e.Path, "type": e.Type, "mode": e.Mode, "path": strings.TrimPrefix(query.Get("path")+"/"+e.Path, "/")})
		}
		return http.StatusOK, page(w, r, list)
	case "GET blobs":
		var blob struct{ Content string }
		if len(parts) != 3 || s.git(http.MethodGet, "git/blobs/"+parts[1], nil, &blob) != nil {
			return notFound()
		}
		data, err := base64.StdEncoding.DecodeString(blob.Content)
		if err != nil {
			return http.StatusInternalServerError, message(err.Error())
		}
		return http.StatusOK, data
	case "GET merge_base":
		refs := query["refs[]"]
		var comparison struct{ Status string }
		if len(refs) != 2 || s.git(http.MethodGet, "compare/"+refs[0]+"..."+refs[1], nil, &comparison) != nil {
			return notFound()
		}
		base := strings.Repeat("0", 40) // some commit before both
		switch comparison.Status {
		case "ahead", "identical":
			base = refs[0]
		case "behind":
			base = refs[1]
		}
		return http.StatusOK, map[string]any{"id": base}
	case "POST commits":
		return s.makeCommit(in)
	}
	return notFound()
}

func (s *Server) commit(sha string) (commit, error) {
	var c commit
	err := s.git(http.MethodGet, "git/commits/"+sha, nil, &c)
	return c, err
}

// makeCommit does what the Commits API does: all actions on the tree of the start, one commit, and the branch on it.
func (s *Server) makeCommit(in map[string]any) (int, any) {
	invalid := func(format string, args ...any) (int, any) {
		return http.StatusBadRequest, message(fmt.Sprintf(format, args...))
	}
	branch := text(in, "branch")
	force, _ := in["force"].(bool) // absent is false
	head := s.Repository.Head(branch)
	if head != "" && !force {
		return invalid("A branch called '%s' already exists. Switch to that branch in order to make changes", branch)
	}
	start, err := s.commit(text(in, "start_sha"))
	if err != nil {
		return invalid("Cannot find start_sha")
	}
	actions, _ := in["actions"].([]any) // absent is none
	changes := map[string]map[string]any{}
	for _, v := range actions {
		a, _ := v.(map[string]any) // another value is an empty action, which is refused
		name := text(a, "file_path")
		there, ok := s.at(start.Tree.SHA, name)
		change := changes[name]
		switch kind := text(a, "action"); {
		case kind == "create" && ok, kind == "create" && change != nil:
			return invalid("A file with this name already exists")
		case (kind == "update" || kind == "delete") && (!ok || there.Type != "blob"):
			return invalid("A file with this name doesn't exist")
		case kind == "delete":
			changes[name] = map[string]any{"path": name, "mode": "100644", "type": "blob", "sha": nil}
		case kind == "create" || kind == "update":
			var blob struct{ SHA string }
			if err := s.git(http.MethodPost, "git/blobs", map[string]any{"content": text(a, "content"), "encoding": text(a, "encoding")}, &blob); err != nil {
				return invalid("%v", err)
			}
			mode := "100644"
			if ok {
				mode = there.Mode
			}
			changes[name] = map[string]any{"path": name, "mode": mode, "type": "blob", "sha": blob.SHA}
		case kind == "chmod" && change != nil:
			change["mode"] = "100755"
		default:
			return invalid("actions is invalid")
		}
	}
	list := []any{}
	for _, change := range changes {
		list = append(list, change)
	}
	var tree struct{ SHA string }
	var made commit
	if err := s.git(http.MethodPost, "git/trees", map[string]any{"base_tree": start.Tree.SHA, "tree": list}, &tree); err != nil {
		return invalid("%v", err)
	}
	err = s.git(http.MethodPost, "git/commits", map[string]any{"message": text(in, "commit_message"), "tree": tree.SHA, "parents": []string{start.SHA}}, &made)
	if err != nil {
		return invalid("%v", err)
	}
	method, path := http.MethodPost, "git/refs"
	if head != "" {
		method, path = http.MethodPatch, "git/refs/heads/"+branch
	}
	err = s.git(method, path, map[string]any{"ref": "refs/heads/" + branch, "sha": made.SHA, "force": true}, nil)
	if err != nil {
		return invalid("%v", err)
	}
	return http.StatusCreated, made.object()
}
