// Package forge holds what code hosts have in common: comments that are written once and kept up to date, and requests
// for changes, which are opened, brought up to date and closed as Reconcile decides.
//
// An implementation lives in a directory below this one and is all that knows the host's API. Every operation may be
// called twice: the second call changes nothing. To add a host, implement Forge and run package forgetest against it.
package forge

import (
	"context"
	"fmt"
)

// Forge is a code host as the publishing half of ci sees it.
type Forge interface {
	// Comment makes the one comment with the marker on a pull request say body, and returns its address. An empty body
	// takes the comment away. The marker is part of no text that people write; it stands in the comment unseen.
	Comment(ctx context.Context, number int, marker, body string) (url string, err error)
	Proposer
}

// DeniedError says that a host refused an operation, and what would allow it.
type DeniedError struct {
	Operation string // what was tried: "comment on pull request 7"
	Status    int    // of the answer; 0 where it is known without asking
	Missing   string // the permission or setting that the operation needs
	Err       error
}

func (e *DeniedError) Error() string {
	if e.Status == 0 {
		return fmt.Sprintf("%s: not possible; it needs %s", e.Operation, e.Missing)
	}
	return fmt.Sprintf("%s: refused with status %d; it needs %s", e.Operation, e.Status, e.Missing)
}

func (e *DeniedError) Unwrap() error { return e.Err }
