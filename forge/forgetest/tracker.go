package forgetest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trifecta-scanner/trifecta/forge"
)

// TrackerHost is a code host with issues. It belongs to one test.
type TrackerHost interface {
	// Tracker returns a client as a new run makes it. before and after are those of Host.Client.
	Tracker(before func(n int), after func(n int) bool) forge.Tracker
	Issues() []TrackerIssue // open and closed, oldest first
	// AddIssue opens an issue as a person does who is at home in the repository, or as a stranger.
	AddIssue(title, body string, stranger bool)
	// EditIssue changes an issue as a person does.
	EditIssue(number int, edit func(*TrackerIssue))
}

// TrackerIssue is an issue as people see it.
type TrackerIssue struct {
	Number      int
	Title, Body string
	Open        bool
	Labels      []string
}

const trackingMarker = "<!-- trifecta tracking shop -->"

// found is what most tests track.
func found() forge.Tracking {
	return forge.Tracking{Marker: trackingMarker, Title: "Findings in shop", Body: "two findings\n\n<!-- trifecta nights {} -->\n", Labels: []string{"security"}, News: true}
}

func updated() forge.Tracking {
	want := found()
	want.Body, want.Title = "one finding\n", "another title"
	return want
}

func nothing() forge.Tracking {
	want := found()
	want.Body, want.Done, want.News = "nothing is left\n", true, false
	return want
}

// tracking is one test with its host.
type tracking struct {
	*testing.T
	host TrackerHost
}

// RunTracker runs all tests of what Track and Tracked promise, each with a host of its own.
func RunTracker(t *testing.T, start func(t *testing.T) TrackerHost) {
	for _, test := range []struct {
		name string
		run  func(*tracking)
	}{
		{"open, update, close, open again", (*tracking).life},
		{"twice", (*tracking).twice},
		{"nothing to say", (*tracking).silent},
		{"of others", (*tracking).others},
		{"what people change", (*tracking).people},
		{"closed by a person", (*tracking).refused},
		{"unfit", (*tracking).unfit},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(&tracking{t, start(t)}) })
	}
	for name, st := range trackerStories {
		t.Run(name+" cut off", func(t *testing.T) { st.cutOff(t, start) })
		t.Run(name+" two at once", func(t *testing.T) { st.twoAtOnce(t, start) })
	}
}

// track expects what comes of a call.
func (s *tracking) track(want forge.Tracking, state forge.State) forge.Issue {
	s.Helper()
	issue, err := s.host.Tracker(nil, nil).Track(s.Context(), want)
	if err != nil {
		s.Fatal(err)
	}
	if issue.State != state {
		s.Errorf("%s, want %s", issue.State, state)
	}
	return issue
}

// only expects one issue that says text.
func (s *tracking) only(open bool, text string) TrackerIssue {
	s.Helper()
	all := s.host.Issues()
	if len(all) != 1 {
		s.Fatalf("%d issues: %+v", len(all), all)
	}
	if i := all[0]; i.Open != open || !strings.HasPrefix(i.Body, trackingMarker+"\n"+text) {
		s.Errorf("open %v, %q", i.Open, i.Body)
	}
	return all[0]
}

func (s *tracking) life() {
	opened := s.track(found(), forge.Opened)
	i := s.only(true, "two findings")
	if i.Title != "Findings in shop" || !slices.Contains(i.Labels, "security") || opened.Number != i.Number || opened.URL == "" || !opened.Open {
		s.Errorf("%+v is %+v", opened, i)
	}
	s.track(updated(), forge.Updated)
	s.only(true, "one finding")
	if have, err := s.host.Tracker(nil, nil).Tracked(s.Context(), trackingMarker); err != nil || have.Body != "one finding" || have.Number != opened.Number || !have.Open {
		s.Errorf("%+v, %v", have, err)
	}
	s.track(nothing(), forge.Withdrawn)
	s.only(false, "nothing is left")
	want := found()
	want.News = false // it was closed by us: what is there again is reason enough
	s.track(want, forge.Opened)
	s.only(true, "two findings")
	if have, err := s.host.Tracker(nil, nil).Tracked(s.Context(), trackingMarker); err != nil || have.Body != strings.TrimRight(found().Body, "\n") {
		s.Errorf("%+v, %v", have, err)
	}
}

func (s *tracking) twice() {
	for _, want := range []forge.Tracking{found(), updated(), nothing()} {
		if _, err := s.host.Tracker(nil, nil).Track(s.Context(), want); err != nil {
			s.Fatal(err)
		}
		before := s.host.Issues()
		s.track(want, forge.Unchanged)
		if diff := cmp.Diff(before, s.host.Issues()); diff != "" {
			s.Error(diff)
		}
	}
}

func (s *tracking) silent() {
	if issue := s.track(nothing(), ""); issue.Number != 0 {
		s.Errorf("%+v", issue)
	}
	if have, err := s.host.Tracker(nil, nil).Tracked(s.Context(), trackingMarker); err != nil || have != (forge.Issue{}) || len(s.host.Issues()) != 0 {
		s.Errorf("%+v, %v, %+v", have, err, s.host.Issues())
	}
}

// others are issues that look like ours: those of strangers, of other folders, and those that quote the marker.
func (s *tracking) others() {
	s.host.AddIssue("a trap", trackingMarker+"\nof a stranger", true)
	s.host.AddIssue("another folder", "<!-- trifecta tracking shop/web -->\nof it", false)
	s.host.AddIssue("a quotation", "> "+trackingMarker+"\nsays", false)
	for i := range 150 { // more than a page
		s.host.AddIssue(fmt.Sprint("question ", i), "", false)
	}
	before := s.host.Issues()
	s.track(found(), forge.Opened)
	s.track(updated(), forge.Updated)
	s.track(nothing(), forge.Withdrawn)
	all := s.host.Issues()
	if diff := cmp.Diff(before, all[:len(before)]); diff != "" || len(all) != len(before)+1 {
		s.Errorf("%d issues, %s", len(all), diff)
	}
}

func (s *tracking) people() {
	number := s.track(found(), forge.Opened).Number
	s.host.EditIssue(number, func(i *TrackerIssue) { i.Title, i.Labels = "our title", []string{"ours"} })
	s.track(updated(), forge.Updated)
	if i := s.only(true, "one finding"); i.Title != "our title" || !slices.Equal(i.Labels, []string{"ours"}) {
		s.Errorf("%+v", i)
	}
}

func (s *tracking) refused() {
	number := s.track(found(), forge.Opened).Number
	s.host.EditIssue(number, func(i *TrackerIssue) { i.Open = false })
	want := updated()
	want.News = false
	s.track(want, forge.Refused)
	s.only(false, "two findings")
	s.track(nothing(), forge.Unchanged)
	want.News = true
	s.track(want, forge.Opened)
	s.only(true, "one finding")
}

func (s *tracking) unfit() {
	for name, spoil := range map[string]func(*forge.Tracking){
		"no title":      func(t *forge.Tracking) { t.Title = "" },
		"no marker":     func(t *forge.Tracking) { t.Marker = "" },
		"broken marker": func(t *forge.Tracking) { t.Marker = "<!-- --> -->" },
		"too long":      func(t *forge.Tracking) { t.Body = strings.Repeat("é", forge.MaxIssue/2) },
	} {
		want := found()
		spoil(&want)
		if issue, err := s.host.Tracker(nil, nil).Track(s.Context(), want); err == nil {
			s.Errorf("%s: %+v", name, issue)
		}
	}
	want := found()
	want.Body = strings.Repeat("x", forge.MaxIssue-len(want.Marker)-1)
	s.track(want, forge.Opened)
}

// trackerStory is a call, and those before it.
type trackerStory struct {
	before []forge.Tracking
	call   forge.Tracking
}

var trackerStories = map[string]trackerStory{
	"open":       {call: found()},
	"update":     {before: []forge.Tracking{found()}, call: updated()},
	"close":      {before: []forge.Tracking{found()}, call: nothing()},
	"open again": {before: []forge.Tracking{found(), nothing()}, call: found()},
}

func (st trackerStory) prepared(t *testing.T, start func(*testing.T) TrackerHost) TrackerHost {
	t.Helper()
	host := start(t)
	for _, want := range st.before {
		if _, err := host.Tracker(nil, nil).Track(t.Context(), want); err != nil {
			t.Fatal(err)
		}
	}
	return host
}

// whole returns what the call leads to when nothing goes wrong, and how many requests it takes.
func (st trackerStory) whole(t *testing.T, start func(*testing.T) TrackerHost) (want []TrackerIssue, requests int) {
	t.Helper()
	host := st.prepared(t, start)
	if _, err := host.Tracker(func(n int) { requests = n }, nil).Track(t.Context(), st.call); err != nil {
		t.Fatal(err)
	}
	return tracked(host), requests
}

// cutOff ends a call after each of its requests, whose answer it never sees. The next one makes up for it.
func (st trackerStory) cutOff(t *testing.T, start func(*testing.T) TrackerHost) {
	want, requests := st.whole(t, start)
	for at := 1; at <= requests; at++ {
		host := st.prepared(t, start)
		ctx, cancel := context.WithCancel(t.Context())
		client := host.Tracker(nil, func(n int) bool {
			if n == at {
				cancel()
			}
			return n < at
		})
		if _, err := client.Track(ctx, st.call); err == nil {
			t.Errorf("cut off after request %d of %d: no error", at, requests)
		}
		cancel()
		if _, err := host.Tracker(nil, nil).Track(t.Context(), st.call); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, tracked(host)); diff != "" {
			t.Errorf("cut off after request %d of %d (-whole +cut off and run again):\n%s", at, requests, diff)
		}
	}
}

// twoAtOnce lets a second run do all of its work between two requests of a first one.
func (st trackerStory) twoAtOnce(t *testing.T, start func(*testing.T) TrackerHost) {
	want, requests := st.whole(t, start)
	for at := 1; at <= requests; at++ {
		host := st.prepared(t, start)
		client := host.Tracker(func(n int) {
			if n == at {
				if _, err := host.Tracker(nil, nil).Track(t.Context(), st.call); err != nil {
					t.Errorf("the second run, before request %d of %d: %v", at, requests, err)
				}
			}
		}, nil)
		if _, err := client.Track(t.Context(), st.call); err != nil {
			t.Errorf("the first run, interrupted before request %d of %d: %v", at, requests, err)
		}
		if diff := cmp.Diff(want, tracked(host)); diff != "" {
			t.Errorf("before request %d of %d (-alone +two):\n%s", at, requests, diff)
		}
	}
}

// tracked returns the issues of the host that hold the marker. One that was opened twice leaves a closed one without it.
func tracked(host TrackerHost) []TrackerIssue {
	var all []TrackerIssue
	for _, i := range host.Issues() {
		if i.Open || strings.HasPrefix(i.Body, trackingMarker) {
			i.Number = 0
			all = append(all, i)
		}
	}
	return all
}
