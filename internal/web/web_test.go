package web

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// clock records the waits that a client wants and does not wait.
type clock struct {
	mu    sync.Mutex
	waits []time.Duration
}

func (c *clock) sleep(ctx context.Context, d time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.waits = append(c.waits, d)
	return ctx.Err()
}

func client(c *clock, change ...func(*Options)) *Client {
	o := Options{Sleep: c.sleep, Transport: &http.Transport{}} // no proxy: the servers of the tests are here
	for _, f := range change {
		f(&o)
	}
	return New(o)
}

// answers serves one handler after the other and repeats the last.
func answers(t *testing.T, handlers ...http.HandlerFunc) (address string, calls *atomic.Int32) {
	t.Helper()
	calls = new(atomic.Int32)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := int(calls.Add(1))
		handlers[min(n, len(handlers))-1](w, r)
	}))
	t.Cleanup(srv.Close)
	return srv.URL, calls
}

func status(code int, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(code)
		fmt.Fprintf(w, "no\nluck")
	}
}

func ok(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	fmt.Fprintf(w, "%s %s %s", r.Method, body, r.Header.Get("User-Agent"))
}

// cut promises more than it sends.
func cut(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Length", "100")
	fmt.Fprint(w, "half")
}

// reset closes the connection without an answer.
func reset(w http.ResponseWriter, _ *http.Request) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err == nil {
		if tcp, ok := conn.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0)
		}
		conn.Close()
	}
}

func TestDo(t *testing.T) {
	tests := []struct {
		name     string
		handlers []http.HandlerFunc
		calls    int32
		want     string // the answer, or a part of the error
		fails    bool
	}{
		{"at once", []http.HandlerFunc{ok}, 1, "POST question trifecta", false},
		{"after an overload", []http.HandlerFunc{status(503), status(429), ok}, 3, "POST question", false},
		{"after a reset", []http.HandlerFunc{reset, ok}, 2, "POST question", false},
		{"after a short answer", []http.HandlerFunc{cut, ok}, 2, "POST question", false},
		{"never", []http.HandlerFunc{status(500)}, 5, "status 500 Internal Server Error: no luck", true},
		{"never whole", []http.HandlerFunc{cut}, 5, "unexpected EOF", true},
		{"refused", []http.HandlerFunc{status(400)}, 1, "status 400 Bad Request: no luck", true},
		{"unknown", []http.HandlerFunc{status(404)}, 1, "status 404", true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			address, calls := answers(t, test.handlers...)
			body, err := client(&clock{}).Do(t.Context(), http.MethodPost, address, "text/plain", []byte("question"))
			got := string(body)
			if err != nil {
				got = err.Error()
			}
			if (err != nil) != test.fails || !strings.Contains(got, test.want) || calls.Load() != test.calls {
				t.Errorf("%q after %d calls, want %q after %d", got, calls.Load(), test.want, test.calls)
			}
		})
	}
}

func TestWaits(t *testing.T) {
	address, _ := answers(t, status(500), status(500), status(500), ok)
	c := &clock{}
	if _, err := client(c).Get(t.Context(), address); err != nil {
		t.Fatal(err)
	}
	for i, wait := range c.waits {
		if most := 500 * time.Millisecond << i; wait < most/2 || wait > most {
			t.Errorf("wait %d is %v, want %v to %v", i, wait, most/2, most)
		}
	}
	if len(c.waits) != 3 {
		t.Errorf("waits %v", c.waits)
	}
}

func TestRetryAfter(t *testing.T) {
	date := time.Now().Add(10 * time.Second).UTC().Format(http.TimeFormat)
	tests := []struct {
		value       string
		least, most time.Duration
	}{
		{"7", 6 * time.Second, 7 * time.Second},
		{date, 8 * time.Second, 10 * time.Second},
		{"86400", 29 * time.Second, 30 * time.Second}, // bounded
		{"-5", 0, 500 * time.Millisecond},
		{"soon", 0, 500 * time.Millisecond},
	}
	for _, test := range tests {
		address, _ := answers(t, status(429, "Retry-After", test.value), ok)
		c := &clock{}
		if _, err := client(c).Get(t.Context(), address); err != nil {
			t.Fatal(err)
		}
		if len(c.waits) != 1 || c.waits[0] < test.least || c.waits[0] > test.most {
			t.Errorf("%q: waits %v, want %v to %v", test.value, c.waits, test.least, test.most)
		}
	}
}

func TestTooLarge(t *testing.T) {
	address, calls := answers(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, strings.Repeat("x", 2000)) })
	_, err := client(&clock{}, func(o *Options) { o.MaxBody = 1000 }).Get(t.Context(), address)
	if !errors.Is(err, ErrTooLarge) || calls.Load() != 1 {
		t.Errorf("%v after %d calls", err, calls.Load())
	}
}

func TestSlow(t *testing.T) {
	stop := make(chan struct{})
	address, calls := answers(t, func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "one byte, then nothing")
		_ = http.NewResponseController(w).Flush()
		select {
		case <-r.Context().Done():
		case <-stop:
		}
	})
	defer close(stop)
	_, err := client(&clock{}, func(o *Options) { o.Timeout, o.Tries = 30*time.Millisecond, 2 }).Get(t.Context(), address)
	if !errors.Is(err, context.DeadlineExceeded) || calls.Load() != 2 {
		t.Errorf("%v after %d calls", err, calls.Load())
	}
}

func TestCancel(t *testing.T) {
	address, calls := answers(t, status(500))
	ctx, cancel := context.WithCancel(t.Context())
	c := New(Options{Transport: &http.Transport{}, Sleep: func(ctx context.Context, _ time.Duration) error { cancel(); return ctx.Err() }})
	if _, err := c.Get(ctx, address); !errors.Is(err, context.Canceled) || calls.Load() != 1 {
		t.Errorf("%v after %d calls", err, calls.Load())
	}
}

func TestNobodyThere(t *testing.T) {
	srv := httptest.NewServer(http.NotFoundHandler())
	srv.Close()
	c := &clock{}
	if _, err := client(c).Get(t.Context(), srv.URL); err == nil || len(c.waits) != 1 {
		t.Errorf("%v after waits %v", err, c.waits)
	}
	if _, err := client(c).Get(t.Context(), "::no address"); err == nil || len(c.waits) != 1 {
		t.Errorf("%v after waits %v", err, c.waits)
	}
}

// TestCertificate checks that a server that nobody vouches for is not talked to.
func TestCertificate(t *testing.T) {
	srv := httptest.NewTLSServer(http.HandlerFunc(ok))
	defer srv.Close()
	srv.Config.ErrorLog = nil
	transport := NewTransport()
	transport.Proxy = nil
	c := &clock{}
	if _, err := client(c, func(o *Options) { o.Transport = transport }).Get(t.Context(), srv.URL); err == nil || len(c.waits) != 0 {
		t.Errorf("%v after waits %v", err, c.waits)
	}
}

func TestRedirect(t *testing.T) {
	plain, calls := answers(t, ok)
	srv := httptest.NewTLSServer(http.RedirectHandler(plain, http.StatusFound))
	defer srv.Close()
	_, err := client(&clock{}, func(o *Options) { o.Transport, o.Tries = srv.Client().Transport, 1 }).Get(t.Context(), srv.URL)
	if err == nil || !strings.Contains(err.Error(), "away from https") || calls.Load() != 0 {
		t.Errorf("%v after %d calls", err, calls.Load())
	}
}
