package githubtest

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// Issue is an issue, which is no pull request.
type Issue struct {
	Number      int
	Title, Body string
	State       string // open or closed
	Reason      string // of a closed one
	Labels      []string
	// Stranger says that a person wrote it who has nothing to do with the repository.
	Stranger bool
}

// Issues returns the issues, oldest first.
func (s *Server) Issues() []Issue {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.issues)
}

// AddIssue opens an issue as somebody else would and returns its number.
func (s *Server) AddIssue(i Issue) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	i.Number, i.State = int(s.id()), cmp.Or(i.State, "open")
	s.issues = append(s.issues, i)
	return i.Number
}

// EditIssue changes an issue as a person would.
func (s *Server) EditIssue(number int, edit func(*Issue)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.issues {
		if s.issues[i].Number == number {
			edit(&s.issues[i])
		}
	}
}

// maxBody is what GitHub takes of text.
const maxBody = 65_536

func (s *Server) handleIssues(w http.ResponseWriter, r *http.Request, parts []string, in map[string]any) (int, any) {
	if len(text(in, "body")) > maxBody {
		return invalid("Validation Failed: body is too long (maximum is 65536 characters)")
	}
	switch r.Method {
	case http.MethodGet:
		return http.StatusOK, page(w, r, s.listIssues(r))
	case http.MethodPost:
		i := Issue{Number: int(s.id()), Title: text(in, "title"), Body: text(in, "body"), State: "open"}
		list, _ := in["labels"].([]any) // absent is none
		for _, l := range list {
			if name, ok := l.(string); ok {
				i.Labels = append(i.Labels, name)
			}
		}
		s.issues = append(s.issues, i)
		return http.StatusCreated, issueObject(i)
	}
	number, _ := strconv.Atoi(parts[1]) // the description of the API has checked it
	at := slices.IndexFunc(s.issues, func(i Issue) bool { return i.Number == number })
	if at < 0 {
		return notFound()
	}
	i := &s.issues[at]
	for field, value := range map[string]*string{"title": &i.Title, "body": &i.Body, "state": &i.State, "state_reason": &i.Reason} {
		if _, ok := in[field]; ok {
			*value = text(in, field)
		}
	}
	if i.State == "open" {
		i.Reason = ""
	}
	return http.StatusOK, issueObject(*i)
}

// listIssues lists pull requests too, as GitHub does.
func (s *Server) listIssues(r *http.Request) []any {
	query := r.URL.Query()
	state := cmp.Or(query.Get("state"), "open")
	labels := strings.FieldsFunc(query.Get("labels"), func(r rune) bool { return r == ',' })
	listed := func(of string, has []string) bool {
		return (state == "all" || state == of) && !slices.ContainsFunc(labels, func(l string) bool { return !slices.Contains(has, l) })
	}
	var list []any
	for _, i := range s.issues {
		if listed(i.State, i.Labels) {
			list = append(list, issueObject(i))
		}
	}
	for _, p := range s.pulls {
		if state := cmp.Or(p.State, "open"); listed(state, p.Labels) {
			object := issueObject(Issue{Number: p.Number, Title: cmp.Or(p.Title, "a change"), Body: p.Body, State: state, Labels: p.Labels})
			address := fmt.Sprintf("%s%s/pulls/%d", site, repository, p.Number)
			object["pull_request"] = map[string]any{"url": address, "html_url": address, "diff_url": address, "patch_url": address}
			list = append(list, object)
		}
	}
	if query.Get("direction") != "asc" { // the newest first
		slices.Reverse(list)
	}
	return list
}

func issueObject(i Issue) map[string]any {
	address := fmt.Sprintf("%s%s/issues/%d", site, repository, i.Number)
	author := user()
	if i.Stranger {
		author["login"], author["type"] = "stranger", "User"
	}
	labels := []any{}
	for _, name := range i.Labels {
		labels = append(labels, label(name))
	}
	object := map[string]any{
		"id": i.Number, "node_id": fmt.Sprint("I", i.Number), "number": i.Number, "title": i.Title, "body": i.Body, "state": i.State, "labels": labels,
		"user": author, "assignee": nil, "milestone": nil, "locked": false, "comments": 0, "author_association": "NONE",
		"created_at": created, "updated_at": created, "closed_at": nil,
		"url": address, "html_url": fmt.Sprintf("%s/acme/shop/issues/%d", site, i.Number), "repository_url": site + repository,
		"comments_url": address + "/comments", "events_url": address + "/events", "labels_url": address + "/labels",
	}
	if i.State == "closed" {
		object["closed_at"], object["state_reason"] = created, cmp.Or(i.Reason, "completed")
	}
	return object
}
