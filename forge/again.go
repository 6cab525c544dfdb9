package forge

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/trifecta-scanner/trifecta/internal/web"
)

// Tries is how often something that must exist once is looked for and made, where the answer to making it was lost.
const Tries = 4

// ErrAgain says that another run was faster; what it has done is looked at anew.
var ErrAgain = errors.New("another run was faster")

// Again does something that looks before it acts, and does it anew where another run was faster or, as lost says, the answer
// to it never came.
func Again(ctx context.Context, sleep func(context.Context, time.Duration) error, lost func(error) bool, do func() error) error {
	var err error
	for try := range Tries {
		if try > 0 {
			if err := sleep(ctx, web.Backoff(try)); err != nil {
				return err
			}
		}
		if err = do(); err == nil || !errors.Is(err, ErrAgain) && !lost(err) {
			return err
		}
	}
	return err
}

// SameText compares two texts as a host that changes line ends and drops space at both ends does.
func SameText(a, b string) bool {
	clean := func(s string) string { return strings.TrimSpace(strings.ReplaceAll(s, "\r\n", "\n")) }
	return clean(a) == clean(b)
}
