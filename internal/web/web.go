// Package web is the one HTTP client: every request that the program makes goes through it.
//
// It verifies certificates, takes proxies from the environment, bounds the time and the size of every answer, and
// tries again what may pass: lost connections, overload, and answers cut short. It sends a request to the address it is
// given and follows redirects only from https to https; which addresses are asked is the caller's decision.
package web

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Options are the bounds of a Client. Each zero value stands for the default that its comment names.
type Options struct {
	UserAgent string            // "trifecta"
	Transport http.RoundTripper // NewTransport()
	Tries     int               // 5, the first one included
	Timeout   time.Duration     // of one try with its body: 60 seconds
	MaxBody   int64             // bytes of an answer, unpacked: 32 MiB
	Backoff   time.Duration     // the first wait, doubled each time: 500 milliseconds
	MaxWait   time.Duration     // the longest wait, also where the server asks for more: 30 seconds
	// Sleep waits; tests hand in a clock of their own. nil waits in real time.
	Sleep func(context.Context, time.Duration) error
}

// Client sends requests that may be repeated. It is safe for use by several goroutines, and when the server asks one
// of them to wait, all of them do.
type Client struct {
	opts Options
	http *http.Client

	mu    sync.Mutex
	after time.Time // no request before
}

// New returns a client.
func New(o Options) *Client {
	o.UserAgent = cmp.Or(o.UserAgent, "trifecta")
	o.Tries = cmp.Or(o.Tries, 5)
	o.Timeout = cmp.Or(o.Timeout, time.Minute)
	o.MaxBody = cmp.Or(o.MaxBody, 32<<20)
	o.Backoff = cmp.Or(o.Backoff, 500*time.Millisecond)
	o.MaxWait = cmp.Or(o.MaxWait, 30*time.Second)
	if o.Transport == nil {
		o.Transport = NewTransport()
	}
	if o.Sleep == nil {
		o.Sleep = Sleep
	}
	return &Client{opts: o, http: &http.Client{Transport: o.Transport, CheckRedirect: redirect}}
}

// NewTransport returns a transport for clients that bring their own retries: strict TLS, the environment's proxy, and
// bounds on every step of a connection.
func NewTransport() *http.Transport {
	return &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		TLSClientConfig:       &tls.Config{MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:   10 * time.Second,
		ResponseHeaderTimeout: 30 * time.Second,
		ExpectContinueTimeout: time.Second,
		IdleConnTimeout:       30 * time.Second,
		MaxIdleConnsPerHost:   32,
		ForceAttemptHTTP2:     true,
	}
}

func redirect(next *http.Request, via []*http.Request) error {
	switch {
	case len(via) >= 5:
		return errors.New("more than 5 redirects")
	case via[0].URL.Scheme == "https" && next.URL.Scheme != "https":
		return errors.New("a redirect leads away from https")
	}
	return nil
}

// StatusError is an answer that is none: its status is not one of success.
type StatusError struct {
	Status int
	Body   string // the beginning of it, on one line
}

func (e *StatusError) Error() string {
	text := fmt.Sprintf("status %d %s", e.Status, http.StatusText(e.Status))
	if e.Body != "" {
		text += ": " + e.Body
	}
	return text
}

// ErrTooLarge says that an answer is above Options.MaxBody.
var ErrTooLarge = errors.New("the answer is too large")

// Get returns the body that the address answers with.
func (c *Client) Get(ctx context.Context, address string) ([]byte, error) {
	return c.Do(ctx, http.MethodGet, address, "", nil)
}

// GetAs returns the body that the address answers with where it can answer in several media types.
func (c *Client) GetAs(ctx context.Context, address, accept string) ([]byte, error) {
	return c.send(ctx, http.MethodGet, address, http.Header{"Accept": {accept}}, nil)
}

// Do sends a request, which may be repeated, and returns the body of a successful answer. The error is that of the last
// try: a *StatusError, ErrTooLarge, the context's, or the connection's.
func (c *Client) Do(ctx context.Context, method, address, contentType string, body []byte) ([]byte, error) {
	header := http.Header{}
	if contentType != "" {
		header.Set("Content-Type", contentType)
	}
	return c.send(ctx, method, address, header, body)
}

func (c *Client) send(ctx context.Context, method, address string, header http.Header, body []byte) ([]byte, error) {
	for try := 1; ; try++ {
		if err := c.ready(ctx); err != nil {
			return nil, err
		}
		answer, wait, err := c.once(ctx, method, address, header, body)
		if err == nil {
			return answer, nil
		}
		if ctx.Err() != nil {
			return nil, errors.Join(ctx.Err(), err)
		}
		if try >= c.tries(err) {
			return nil, err
		}
		if wait > 0 {
			c.pause(wait)
			continue
		}
		if err := c.opts.Sleep(ctx, c.backoff(try)); err != nil {
			return nil, err
		}
	}
}

// once makes one try. wait is how long the server asks to be left alone.
func (c *Client) once(ctx context.Context, method, address string, header http.Header, body []byte) (answer []byte, wait time.Duration, err error) {
	ctx, cancel := context.WithTimeout(ctx, c.opts.Timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader(body))
	if err != nil {
		return nil, 0, permanent{err}
	}
	maps.Copy(req.Header, header)
	req.Header.Set("User-Agent", c.opts.UserAgent)
	res, err := c.http.Do(req)
	if err != nil {
		return nil, 0, err
	}
	defer res.Body.Close()
	if res.StatusCode < 200 || res.StatusCode > 299 {
		text, _ := io.ReadAll(io.LimitReader(res.Body, 512)) // what it says beside the status may be missing
		status := &StatusError{Status: res.StatusCode, Body: strings.Join(strings.Fields(string(text)), " ")}
		return nil, c.retryAfter(res), status
	}
	answer, err = io.ReadAll(io.LimitReader(res.Body, c.opts.MaxBody+1))
	if err != nil {
		return nil, 0, fmt.Errorf("read the answer: %w", err)
	}
	if int64(len(answer)) > c.opts.MaxBody {
		return nil, 0, fmt.Errorf("%w: more than %d MiB", ErrTooLarge, c.opts.MaxBody>>20)
	}
	return answer, 0, nil
}

// permanent marks an error that another try would only repeat.
type permanent struct{ error }

func (p permanent) Unwrap() error { return p.error }

// tries is how often a request is sent in all, given how it failed.
func (c *Client) tries(err error) int {
	var status *StatusError
	var certificate *tls.CertificateVerificationError
	var name *net.DNSError
	var dial *net.OpError
	var forever permanent
	switch {
	case errors.As(err, &status):
		switch status.Status {
		case http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusInternalServerError,
			http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
			return c.opts.Tries
		}
		return 1
	case errors.Is(err, ErrTooLarge), errors.As(err, &certificate), errors.As(err, &forever):
		return 1
	case errors.As(err, &name) && name.IsNotFound:
		return 1
	case errors.As(err, &dial) && dial.Op == "dial":
		return min(2, c.opts.Tries) // nobody there: whoever is offline should not have to wait long to hear it
	}
	return c.opts.Tries
}

// backoff is the wait after a try: doubled each time, and anywhere between half of that and all of it, so that many
// clients do not come back at once.
func (c *Client) backoff(try int) time.Duration {
	wait := c.opts.Backoff << min(try-1, 16)
	wait = min(wait, c.opts.MaxWait)
	return wait/2 + rand.N(wait/2+1)
}

// retryAfter reads how long the server asks to be left alone, in seconds or as a date (RFC 9110, 10.2.3), bounded by
// MaxWait; 0 where it does not say.
func (c *Client) retryAfter(res *http.Response) time.Duration {
	value := res.Header.Get("Retry-After")
	wait := time.Duration(0)
	if seconds, err := strconv.Atoi(value); err == nil {
		wait = time.Duration(min(max(seconds, 0), 3600)) * time.Second
	} else if date, err := http.ParseTime(value); err == nil {
		wait = time.Until(date)
	}
	return min(max(wait, 0), c.opts.MaxWait)
}

// pause keeps every request of the client back for a while.
func (c *Client) pause(wait time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if after := time.Now().Add(wait); after.After(c.after) {
		c.after = after
	}
}

// ready waits until the pause is over.
func (c *Client) ready(ctx context.Context) error {
	c.mu.Lock()
	wait := time.Until(c.after)
	if wait > 0 && c.opts.MaxWait < wait {
		wait = c.opts.MaxWait
	}
	c.mu.Unlock()
	if wait <= 0 {
		return ctx.Err()
	}
	return c.opts.Sleep(ctx, wait)
}

// Sleep waits in real time, or until the context ends, and returns the context's error then.
func Sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
