package gitlabtest

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// Issue is an issue of the project.
type Issue struct {
	Number       int
	Title, Body  string
	State        string // opened or closed
	Labels       []string
	Confidential bool
	Author       int // 0: the one whose token is Token
}

// Users who write issues, beside the one whose token is Token.
const (
	Member   = other // of the project
	Stranger = 9     // who has nothing to do with it
)

// maxDescription is what GitLab takes of text.
const maxDescription = 1_048_576

// Issues returns the issues, oldest first.
func (s *Server) Issues() []Issue {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.issues)
}

// AddIssue opens an issue as somebody would and returns its number.
func (s *Server) AddIssue(i Issue) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.next++
	i.Number, i.State = s.next, cmp.Or(i.State, "opened")
	s.issues = append(s.issues, i)
	return i.Number
}

// EditIssue changes an issue as a person would.
func (s *Server) EditIssue(number int, edit func(*Issue)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if i := s.issue(number); i != nil {
		edit(i)
		s.touch(number)
	}
}

func (s *Server) issue(number int) *Issue {
	if at := slices.IndexFunc(s.issues, func(i Issue) bool { return i.Number == number }); at >= 0 {
		return &s.issues[at]
	}
	return nil
}

// touch makes an issue the one that changed last.
func (s *Server) touch(number int) {
	s.changed = append(slices.DeleteFunc(s.changed, func(n int) bool { return n == number }), number)
}

func issueObject(i Issue) map[string]any {
	return map[string]any{
		"id": 9000 + i.Number, "iid": i.Number, "project_id": project, "title": i.Title, "description": i.Body, "state": i.State, "labels": i.Labels,
		"confidential": i.Confidential, "author": map[string]any{"id": cmp.Or(i.Author, me)}, "web_url": fmt.Sprintf("%s/-/issues/%d", site, i.Number),
	}
}

func (s *Server) handleIssues(w http.ResponseWriter, r *http.Request, parts []string, in map[string]any) (int, any) {
	if len(text(in, "description")) > maxDescription {
		return http.StatusBadRequest, message("description is too long (maximum is 1048576 characters)")
	}
	switch {
	case len(parts) == 0 && r.Method == http.MethodPost:
		s.next++
		i := Issue{Number: s.next, State: "opened", Labels: []string{}}
		i.Confidential, _ = in["confidential"].(bool) // absent is false
		if text(in, "title") == "" {
			return http.StatusBadRequest, message("title is missing")
		}
		s.changeIssue(&i, in)
		s.issues = append(s.issues, i)
		return http.StatusCreated, issueObject(i)
	case len(parts) == 0 && r.Method == http.MethodGet:
		return http.StatusOK, page(w, r, s.listIssues(r))
	case len(parts) == 1:
		number, err := strconv.Atoi(parts[0])
		i := s.issue(number)
		if err != nil || i == nil {
			return notFound()
		}
		if r.Method == http.MethodPut {
			s.changeIssue(i, in)
		}
		return http.StatusOK, issueObject(*i)
	}
	return notFound()
}

// changeIssue changes what a request names.
func (s *Server) changeIssue(i *Issue, in map[string]any) {
	if _, ok := in["title"]; ok {
		i.Title = text(in, "title")
	}
	if _, ok := in["description"]; ok {
		i.Body = text(in, "description")
	}
	for label := range strings.SplitSeq(text(in, "labels"), ",") {
		if label != "" && !slices.Contains(i.Labels, label) {
			i.Labels = append(i.Labels, label)
		}
	}
	switch text(in, "state_event") {
	case "close":
		i.State = "closed"
	case "reopen":
		i.State = "opened"
	}
	s.touch(i.Number)
}

func (s *Server) listIssues(r *http.Request) []any {
	query := r.URL.Query()
	state := query.Get("state")
	found := slices.DeleteFunc(slices.Clone(s.issues), func(i Issue) bool {
		for label := range strings.SplitSeq(query.Get("labels"), ",") {
			if label != "" && !slices.Contains(i.Labels, label) {
				return true
			}
		}
		return state != "" && state != "all" && state != i.State
	})
	if query.Get("order_by") == "updated_at" {
		slices.SortStableFunc(found, func(a, b Issue) int {
			return slices.Index(s.changed, a.Number) - slices.Index(s.changed, b.Number)
		})
	}
	if query.Get("sort") != "asc" {
		slices.Reverse(found)
	}
	list := []any{}
	for _, i := range found {
		list = append(list, issueObject(i))
	}
	return list
}

// members answers who is at home in the project.
func members(parts []string) (int, any) {
	if len(parts) == 2 && parts[0] == "all" && (parts[1] == strconv.Itoa(me) || parts[1] == strconv.Itoa(Member)) {
		id, err := strconv.Atoi(parts[1])
		if err != nil {
			return notFound()
		}
		return http.StatusOK, map[string]any{"id": id, "access_level": 20}
	}
	return notFound()
}
