package github

import (
	"bytes"
	"context"
	"crypto/sha1" //nolint:gosec // the sum that git's pack format asks for
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/trifecta-scanner/trifecta/forge"
)

// lease moves branches by git's own protocol, which moves one only if it is still where the caller saw it. The API has
// nothing like that: a push by a person at the wrong moment would be lost.
// https://git-scm.com/docs/http-protocol, https://git-scm.com/docs/pack-protocol
type lease struct {
	client  *http.Client
	address string // of the repository, such as https://github.com/acme/shop.git
	token   string
}

func newLease(o Options, client *http.Client, owner, name string) (*lease, error) {
	if o.ServerURL == "" || o.Token == "" {
		return nil, nil //nolint:nilnil // without an address branches are moved by the API
	}
	base, err := url.Parse(strings.TrimSuffix(o.ServerURL, "/"))
	if err != nil || base.Host == "" || base.Scheme != "https" && base.Scheme != "http" {
		return nil, fmt.Errorf("%q is no address of a server", o.ServerURL)
	}
	return &lease{client: client, address: base.JoinPath(owner, name+".git").String(), token: o.Token}, nil
}

// none is what git writes for a commit that is not there.
var none = strings.Repeat("0", 40)

// move puts a reference from one commit on another that the repository has; an empty one stands for none. It returns
// forge.ErrAgain where the reference is elsewhere by now.
func (l *lease) move(ctx context.Context, ref, from, to string) error {
	if from == "" {
		from = none
	}
	if to == "" {
		to = none
	}
	var body bytes.Buffer
	command := fmt.Sprintf("%s %s %s\x00 report-status agent=trifecta\n", from, to, ref)
	fmt.Fprintf(&body, "%04x%s0000", len(command)+4, command)
	if to != none {
		body.Write(emptyPack())
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, l.address+"/git-receive-pack", &body)
	if err != nil {
		return err
	}
	req.SetBasicAuth("x-access-token", l.token)
	req.Header.Set("Content-Type", "application/x-git-receive-pack-request")
	req.Header.Set("Accept", "application/x-git-receive-pack-result")
	res, err := l.client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }() // it was read as far as it matters
	answer, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err != nil {
		return err
	}
	if res.StatusCode != http.StatusOK {
		return &pushError{ref: ref, status: res.StatusCode}
	}
	return report(ref, answer)
}

// emptyPack is a pack without an object: all that a move needs is in the repository.
func emptyPack() []byte {
	head := []byte("PACK\x00\x00\x00\x02\x00\x00\x00\x00")
	sum := sha1.Sum(head) //nolint:gosec // see the import
	return append(head, sum[:]...)
}

// pushError says that the server did not take a push at all.
type pushError struct {
	ref    string
	status int
}

func (e *pushError) Error() string { return fmt.Sprintf("push %s: status %d", e.ref, e.status) }

// report reads the answer of the server: "unpack ok", and "ok" or "ng" with a reason for the reference.
func report(ref string, answer []byte) error {
	for len(answer) >= 4 {
		size, err := hex.DecodeString(string(answer[:4]))
		if err != nil {
			break
		}
		n := int(size[0])<<8 | int(size[1])
		if n == 0 {
			break
		}
		if n < 4 || n > len(answer) {
			break
		}
		line := strings.TrimSpace(string(answer[4:n]))
		answer = answer[n:]
		if line == "ok "+ref {
			return nil
		}
		if reason, ok := strings.CutPrefix(line, "ng "+ref+" "); ok {
			// Whatever the reason, it was not moved. Where another run was faster, the next look sees it.
			return fmt.Errorf("%w: %s: %s", forge.ErrAgain, ref, reason)
		}
		if reason, ok := strings.CutPrefix(line, "unpack "); ok && reason != "ok" {
			return fmt.Errorf("push %s: %s", ref, reason)
		}
	}
	return errors.New("push " + ref + ": the server gave no report")
}
