package web

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"
)

// RepeatTimeout is how long a request through Repeat should have at most, with all its repetitions.
const RepeatTimeout = 5 * time.Minute

// Bounds of the waits between repetitions.
const (
	longestWait  = 90 * time.Second
	requestTries = 5
)

// Repeat repeats the requests to the API of a code host. One that the host did not carry out because of a rate limit is
// repeated whatever it is; one whose answer was lost or is a server's error only where doing it twice is doing it once.
// The rules of the hosts:
// https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api,
// https://docs.gitlab.com/administration/settings/user_and_ip_rate_limits/#response-headers
type Repeat struct {
	below http.RoundTripper
	sleep func(context.Context, time.Duration) error
	now   func() time.Time
}

// NewRepeat returns a transport above another one. Without one it is that of NewTransport; without sleep it waits in real
// time.
func NewRepeat(below http.RoundTripper, sleep func(context.Context, time.Duration) error) *Repeat {
	r := &Repeat{below: below, sleep: sleep, now: time.Now}
	if r.below == nil {
		r.below = NewTransport()
	}
	if r.sleep == nil {
		r.sleep = Sleep
	}
	return r
}

// Sleep waits as the transport does between two tries.
func (r *Repeat) Sleep(ctx context.Context, d time.Duration) error { return r.sleep(ctx, d) }

// RoundTrip implements http.RoundTripper. The answer was read to its end.
func (r *Repeat) RoundTrip(req *http.Request) (*http.Response, error) {
	var body []byte
	if req.Body != nil {
		var err error
		body, err = io.ReadAll(req.Body)
		if err != nil {
			return nil, err
		}
		_ = req.Body.Close() // it was read to its end
	}
	for try := 1; ; try++ {
		attempt := req.Clone(req.Context())
		if req.Body != nil {
			attempt.Body = io.NopCloser(bytes.NewReader(body))
		}
		res, err := whole(r.below.RoundTrip(attempt))
		wait, again := r.again(req, res, err, try)
		if !again || try == requestTries {
			return res, err
		}
		if sleepErr := r.sleep(req.Context(), wait); sleepErr != nil {
			return nil, fmt.Errorf("waiting to repeat the request: %w", sleepErr)
		}
	}
}

// maxAnswer is far above what the host answers: a page of a hundred requests has some megabytes.
const maxAnswer = 64 << 20

// whole reads an answer to its end, so that one which is cut off is as good as none.
func whole(res *http.Response, err error) (*http.Response, error) {
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	_ = res.Body.Close() // it was read
	if err != nil {
		return nil, fmt.Errorf("read the answer: %w", err)
	}
	res.Body = io.NopCloser(bytes.NewReader(body))
	return res, nil
}

type onceOnly struct{}

// OnceOnly marks the context of a request that is not a POST and still not the same when it is done twice.
func OnceOnly(ctx context.Context) context.Context { return context.WithValue(ctx, onceOnly{}, true) }

// again decides whether a request is repeated, and after which wait.
func (r *Repeat) again(req *http.Request, res *http.Response, err error, try int) (time.Duration, bool) {
	if req.Context().Err() != nil {
		return 0, false
	}
	harmless := req.Method != http.MethodPost && req.Context().Value(onceOnly{}) == nil
	if err != nil {
		return Backoff(try), harmless && !Distrusted(err)
	}
	switch {
	case res.StatusCode == http.StatusTooManyRequests, res.StatusCode == http.StatusForbidden && rateLimited(res):
		wait, ok := r.asked(res)
		if !ok {
			wait = Backoff(try + 2)
		}
		return wait, wait <= longestWait
	case res.StatusCode >= http.StatusInternalServerError:
		return Backoff(try), harmless
	}
	return 0, false
}

// Distrusted reports whether the host has shown a certificate that nobody vouches for. The next try sees the same one.
func Distrusted(err error) bool {
	var bad *tls.CertificateVerificationError
	return errors.As(err, &bad)
}

// rateLimited tells a rate limit from a missing permission, which both have the status 403.
func rateLimited(res *http.Response) bool {
	return res.Header.Get("Retry-After") != "" || remaining(res) == "0"
}

// remaining is how many more requests the host allows.
func remaining(res *http.Response) string { return limitHeader(res, "Remaining") }

// limitHeader returns a header about the rate limit, as GitHub or as GitLab calls it.
func limitHeader(res *http.Response, name string) string {
	return cmp.Or(res.Header.Get("X-RateLimit-"+name), res.Header.Get("RateLimit-"+name))
}

// asked returns how long the host asks to wait.
func (r *Repeat) asked(res *http.Response) (time.Duration, bool) {
	if seconds, err := strconv.Atoi(res.Header.Get("Retry-After")); err == nil && seconds >= 0 {
		return time.Duration(min(seconds, 1<<20)) * time.Second, true
	}
	if remaining(res) == "0" {
		if at, err := strconv.ParseInt(limitHeader(res, "Reset"), 10, 64); err == nil {
			return max(time.Unix(at, 0).Sub(r.now()), 0) + time.Second, true
		}
	}
	return 0, false
}

// Backoff is the wait before a repetition: doubled each time, and anywhere between half of that and all of it.
func Backoff(try int) time.Duration {
	wait := time.Second << min(try-1, 5)
	return wait/2 + rand.N(wait/2+1)
}
