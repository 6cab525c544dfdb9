package github

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/trifecta-scanner/trifecta/forge"
	"github.com/trifecta-scanner/trifecta/forge/forgetest"
	"github.com/trifecta-scanner/trifecta/internal/githubtest"
)

// tracker is the stand-in for GitHub as forgetest wants it.
type tracker struct {
	t       *testing.T
	server  *githubtest.Server
	address string
}

func startTracker(t *testing.T) *tracker {
	t.Helper()
	description, err := spec()
	if err != nil {
		t.Fatal(err)
	}
	h := &tracker{t: t, server: githubtest.NewServer(description)}
	h.address = h.server.Start(t).URL
	h.server.SetPulls(githubtest.Pull{Number: 1, Repository: "acme/shop", Branch: "topic", Body: "<!-- trifecta tracking shop -->\nof a pull request", Labels: []string{trackingLabel}})
	t.Cleanup(func() {
		for _, v := range h.server.Violations() {
			t.Error(v)
		}
	})
	return h
}

func (h *tracker) Tracker(before func(int), after func(int) bool) forge.Tracker {
	h.t.Helper()
	var w waits
	client, err := New(Options{
		BaseURL: h.address + "/api/v3", Repository: "acme/shop", Token: "ghs_secret", Sleep: w.sleep, Transport: &watched{before: before, after: after},
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return client
}

func (h *tracker) Issues() []forgetest.TrackerIssue {
	var all []forgetest.TrackerIssue
	for _, i := range h.server.Issues() {
		all = append(all, seen(i))
	}
	return all
}

func seen(i githubtest.Issue) forgetest.TrackerIssue {
	return forgetest.TrackerIssue{Number: i.Number, Title: i.Title, Body: i.Body, Open: i.State == "open", Labels: i.Labels}
}

func (h *tracker) AddIssue(title, body string, stranger bool) {
	h.server.AddIssue(githubtest.Issue{Title: title, Body: body, Stranger: stranger, Labels: []string{trackingLabel}})
}

func (h *tracker) EditIssue(number int, edit func(*forgetest.TrackerIssue)) {
	h.server.EditIssue(number, func(i *githubtest.Issue) {
		as := seen(*i)
		edit(&as)
		i.Title, i.Body, i.Labels, i.State = as.Title, as.Body, as.Labels, "closed"
		if as.Open {
			i.State = "open"
		}
	})
}

func TestTrack(t *testing.T) {
	forgetest.RunTracker(t, func(t *testing.T) forgetest.TrackerHost { return startTracker(t) })
}

// Saying the same again is reading alone, and what was closed says that it was completed.
func TestTrackRequests(t *testing.T) {
	client, server, _ := start(t)
	want := forge.Tracking{Marker: marker, Title: "t", Body: "b"}
	for n := range 2 {
		at := len(server.Log())
		if _, err := client.Track(t.Context(), want); err != nil {
			t.Fatal(err)
		}
		for _, request := range server.Log()[at:] {
			if n > 0 && !strings.HasPrefix(request, "GET ") {
				t.Errorf("saying the same again sends %s", request)
			}
		}
	}
	want.Done = true
	if _, err := client.Track(t.Context(), want); err != nil {
		t.Fatal(err)
	}
	if i := server.Issues()[0]; i.State != "closed" || i.Reason != "completed" {
		t.Errorf("%+v", i)
	}
}

// A refusal names what is missing: the permission, or the setting where there are no issues at all.
func TestTrackDenied(t *testing.T) {
	for code, missing := range map[int]string{
		http.StatusUnauthorized: "issues: write", http.StatusForbidden: "issues: write", http.StatusNotFound: "issues: write", http.StatusGone: "issues switched on",
	} {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			client, server, _ := start(t)
			server.Fail = func(w http.ResponseWriter, r *http.Request) bool {
				if r.Method != method {
					return false
				}
				answered(code)(w)
				return true
			}
			_, err := client.Track(t.Context(), forge.Tracking{Marker: marker, Title: "t", Body: "b"})
			var denied *forge.DeniedError
			if !errors.As(err, &denied) || denied.Status != code || !strings.Contains(denied.Missing, missing) || strings.Contains(denied.Missing, "issues: write") != (code != http.StatusGone) {
				t.Errorf("%s %d: %v", method, code, err)
			}
		}
	}
}
