package forge

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// Tracker is a code host with issues, one of which tells what there is in a folder. Whatever is called twice, or was cut
// off and is called again, leads to one right issue.
type Tracker interface {
	// Tracked returns the issue with the marker, the zero value where there is none. Issues of people who are not at home
	// in the repository are none: their authors can change them later.
	Tracked(ctx context.Context, marker string) (Issue, error)
	// Track opens the one issue with a marker, brings it up to date, closes it and opens it again. It touches no other
	// issue, and nothing of this one but its body and whether it is open: its title and its labels are people's as soon as
	// it is there.
	Track(ctx context.Context, want Tracking) (Issue, error)
}

// Tracking is what an issue is to say.
type Tracking struct {
	Marker string // begins the body, where people do not see it; an HTML comment of one line
	Title  string // of an issue that is opened
	Body   string // Markdown that fits as Check says; it also says why where the issue is closed
	Labels []string
	// Done says that nothing is left: an open issue is closed, and none is opened.
	Done bool
	// News says that something is there that people have not seen. Without it an issue that a person closed stays closed,
	// as it is.
	News bool
}

// Issue is a tracking issue as the host has it.
type Issue struct {
	Number int // 0 where there is none
	URL    string
	Body   string // without its marker
	Open   bool
	State  State // what came of it: Opened, Updated, Unchanged, Refused or Withdrawn
}

// MaxIssue is how long the body of an issue may be, with all that the host keeps in it, in bytes.
// GitHub takes 65,536 characters; counting bytes is on the safe side.
const MaxIssue = 65_536

// closedMark ends the body of an issue that was closed by us and not by a person. It goes with the state in one request.
const closedMark = "\n<!-- trifecta closed this -->"

// Text returns the whole body that a host is to hold.
func (t *Tracking) Text() string {
	text := t.Marker + "\n" + t.Body
	if t.Done {
		text += closedMark
	}
	return text
}

// Check returns why a host can't be asked for the issue.
func (t *Tracking) Check() error {
	switch size := len(t.Text()); {
	case !strings.HasPrefix(t.Marker, "<!--") || !strings.HasSuffix(t.Marker, "-->") || strings.Count(t.Marker, "-->") != 1 || strings.Contains(t.Marker, "\n"):
		return fmt.Errorf("%q is no marker", t.Marker)
	case t.Title == "":
		return errors.New("an issue needs a title")
	case size > MaxIssue:
		return fmt.Errorf("the body of the issue has %d bytes, and %d are the limit", size, MaxIssue)
	}
	return nil
}

// Holds returns the body of an issue behind its marker, whether it was closed by us, and false where it is another's.
// Hosts turn the ends of lines into others.
func Holds(text, marker string) (body string, closed, ok bool) {
	body, ok = strings.CutPrefix(strings.ReplaceAll(text, "\r\n", "\n"), marker+"\n")
	if !ok {
		return "", false, false
	}
	body = strings.TrimRight(body, "\n")
	body, closed = strings.CutSuffix(body, closedMark)
	return strings.TrimRight(body, "\n"), closed, true
}

// Decide returns what is to come of an issue that is there.
func (t *Tracking) Decide(have Issue, closed bool) State {
	same := have.Body == strings.TrimRight(t.Body, "\n")
	switch {
	case have.Open && t.Done:
		return Withdrawn
	case have.Open && same, !have.Open && t.Done:
		return Unchanged
	case have.Open:
		return Updated
	case !closed && !t.News:
		return Refused
	}
	return Opened
}
