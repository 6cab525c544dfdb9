package gitlab

import (
	"errors"
	"strings"
	"testing"

	"github.com/trifecta-scanner/trifecta/forge"
	"github.com/trifecta-scanner/trifecta/forge/forgetest"
	"github.com/trifecta-scanner/trifecta/internal/gitlabtest"
)

// tracker is the stand-in for GitLab as forgetest wants it.
type tracker struct{ *host }

func startTracker(t *testing.T) tracker { return tracker{startEmpty(t)} }

func (h tracker) Tracker(before func(int), after func(int) bool) forge.Tracker {
	return h.client(Options{Token: gitlabtest.Token, Transport: &watched{before: before, after: after}})
}

func (h tracker) Issues() []forgetest.TrackerIssue {
	var all []forgetest.TrackerIssue
	for _, i := range h.server.Issues() {
		all = append(all, seen(i))
	}
	return all
}

func seen(i gitlabtest.Issue) forgetest.TrackerIssue {
	return forgetest.TrackerIssue{Number: i.Number, Title: i.Title, Body: i.Body, Open: i.State == stateOpened, Labels: i.Labels}
}

func (h tracker) AddIssue(title, body string, stranger bool) {
	i := gitlabtest.Issue{Title: title, Body: body, Author: gitlabtest.Member, Labels: []string{trackingLabel}}
	if stranger {
		i.Author = gitlabtest.Stranger
	}
	h.server.AddIssue(i)
}

func (h tracker) EditIssue(number int, edit func(*forgetest.TrackerIssue)) {
	h.server.EditIssue(number, func(i *gitlabtest.Issue) {
		as := seen(*i)
		edit(&as)
		i.Title, i.Body, i.Labels, i.State = as.Title, as.Body, as.Labels, "closed"
		if as.Open {
			i.State = stateOpened
		}
	})
}

func TestTrack(t *testing.T) {
	forgetest.RunTracker(t, func(t *testing.T) forgetest.TrackerHost { return startTracker(t) })
}

// Saying the same again is reading alone, and nobody but the project's members sees what is wrong with it.
func TestTrackRequests(t *testing.T) {
	h := startTracker(t)
	for n := range 2 {
		at := len(h.server.Log())
		if _, err := h.Tracker(nil, nil).Track(t.Context(), forge.Tracking{Marker: marker, Title: "t", Body: "b"}); err != nil {
			t.Fatal(err)
		}
		for _, request := range h.server.Log()[at:] {
			if n > 0 && !strings.HasPrefix(request, "GET ") {
				t.Errorf("saying the same again sends %s", request)
			}
		}
	}
	if i := h.server.Issues()[0]; !i.Confidential {
		t.Errorf("%+v", i)
	}
}

// The issue of a token that has gone is kept on by the next one, as long as its user is at home here.
func TestTrackOfAnotherToken(t *testing.T) {
	h := startTracker(t)
	number := h.server.AddIssue(gitlabtest.Issue{Body: marker + "\nb", Labels: []string{trackingLabel}, Author: gitlabtest.Member})
	issue, err := h.Tracker(nil, nil).Track(t.Context(), forge.Tracking{Marker: marker, Title: "t", Body: "c", News: true})
	if err != nil || issue.Number != number || issue.State != forge.Updated {
		t.Errorf("%+v, %v", issue, err)
	}
}

// A job's token can read no issue either, which is said without asking.
func TestTrackByJob(t *testing.T) {
	h := startTracker(t)
	client := h.client(Options{Token: "job-secret", JobToken: true})
	_, read := client.Tracked(t.Context(), marker)
	_, kept := client.Track(t.Context(), forge.Tracking{Marker: marker, Title: "t", Body: "b"})
	for _, err := range []error{read, kept} {
		var denied *forge.DeniedError
		if !errors.As(err, &denied) || !strings.Contains(err.Error(), "role Reporter") || strings.Contains(err.Error(), "secret") {
			t.Errorf("error %v", err)
		}
	}
	if log := h.server.Log(); len(log) != 0 {
		t.Errorf("it sent %q", log)
	}
}
