package main

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// tunnel is a proxy that connects to one address, whatever host it is asked for, and counts how often.
type tunnel struct {
	to   string
	used atomic.Int32
}

func (p *tunnel) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodConnect || r.Host != enterpriseHost+":443" {
		http.Error(w, r.Method+" "+r.Host, http.StatusForbidden)
		return
	}
	far, err := (&net.Dialer{}).DialContext(r.Context(), "tcp", p.to)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	defer func() { _ = far.Close() }() // a tunnel has nothing to say at its end
	near, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	defer func() { _ = near.Close() }() // as above
	p.used.Add(1)
	if _, err := io.WriteString(near, "HTTP/1.1 200 Connection established\r\n\r\n"); err != nil {
		return
	}
	ended := make(chan struct{}, 2)
	for _, ends := range [][2]net.Conn{{near, far}, {far, near}} {
		go func() {
			_, _ = io.Copy(ends[0], ends[1]) // it ends with the connection
			ended <- struct{}{}
		}()
	}
	<-ended
}

// enterpriseHost is in no name server, so that nothing gets there but through the tunnel.
const enterpriseHost = "github.registry.example"

// GitHub Enterprise Server as companies have it: an address of its own, a certificate from the company's authority, and
// a proxy in between. Without the authority nothing is sent and the job goes on, soon.
func TestPublishOnEnterpriseServer(t *testing.T) {
	if runtime.GOOS == "windows" || runtime.GOOS == "darwin" {
		t.Skip("SSL_CERT_FILE is read on other systems")
	}
	for _, trusted := range []bool{true, false} {
		t.Run(map[bool]string{true: "trusted", false: "not trusted"}[trusted], func(t *testing.T) {
			r := newCIRun(t)
			server, authority, err := r.server.StartTLS(t, enterpriseHost)
			if err != nil {
				t.Fatal(err)
			}
			r.write("ca.pem", string(authority))
			proxy := &tunnel{to: server.Listener.Addr().String()}
			front := httptest.NewServer(proxy)
			defer front.Close()
			env := []string{"GITHUB_API_URL=https://" + enterpriseHost + "/api/v3", "HTTPS_PROXY=" + front.URL, "https_proxy=" + front.URL, "NO_PROXY=", "no_proxy="}
			if trusted {
				env = append(env, "SSL_CERT_FILE="+filepath.Join(r.dir, "ca.pem"))
			}
			began := time.Now()
			log := r.run(env...)
			server.CloseClientConnections()
			if proxy.used.Load() == 0 {
				t.Error("the proxy was not used")
			}
			if !trusted {
				if len(r.server.Log()) > 0 || !strings.Contains(log, "certificate signed by unknown authority") {
					t.Errorf("sent %q; log:\n%s", r.server.Log(), log)
				}
				if took := time.Since(began); took > 20*time.Second {
					t.Errorf("took %v, although trying again can't help", took)
				}
				return
			}
			if strings.Contains(log, "not everything went as asked") || len(r.server.Comments()) != 1 || len(r.server.Uploads()) != 1 {
				t.Errorf("%d comments, %d uploads; log:\n%s", len(r.server.Comments()), len(r.server.Uploads()), log)
			}
			if data, err := os.ReadFile(filepath.Join(r.dir, "summary")); err != nil || len(data) == 0 {
				t.Errorf("summary: %s, %v", data, err)
			}
		})
	}
}
