package aws

import (
	"context"
	"net"
	"net/http"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// moto starts a moto server (https://github.com/getmoto/moto), which answers as AWS does with images and public parameters
// that AWS once had. It skips the test where the machine has none.
func moto(t *testing.T) (endpoint string) {
	t.Helper()
	program, err := exec.LookPath("moto_server")
	if err != nil {
		t.Skip("moto_server is not installed: pip install 'moto[server]'")
	}
	if testing.Short() {
		t.Skip("moto_server takes seconds to start")
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	server := exec.CommandContext(t.Context(), program, "-H", "127.0.0.1", "-p", port)
	if err := server.Start(); err != nil {
		t.Skipf("moto_server does not start: %v", err)
	}
	t.Cleanup(func() {
		_ = server.Process.Kill()
		_ = server.Wait()
	})
	for range 600 {
		res, err := http.Get("http://" + address + "/moto-api/")
		if err == nil {
			_ = res.Body.Close()
			return "http://" + address
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Skip("moto_server does not answer after a minute")
	return ""
}

// TestMoto asks a server that is not ours by the real chain of credentials: what we send and read is what AWS's own forms are.
func TestMoto(t *testing.T) {
	credentials(t, moto(t))
	c, err := Open(t.Context(), Options{Now: time.Now, Sleep: func(context.Context, time.Duration) error { return nil }})
	if err != nil {
		t.Fatal(err)
	}
	const linux = "/aws/service/ami-amazon-linux-latest/amzn2-ami-hvm-x86_64-gp2"
	got, err := c.Ask(t.Context(), Question{"us-east-1": {
		Images: []string{"ami-12c6146b", "ami-0fffffffffffffff1"}, Parameters: []string{linux, "/aws/service/ami-amazon-linux-latest/none"},
		Searches: []Search{{Owners: []string{"099720109477"}, Filters: []Filter{{"name", []string{"ubuntu/images/*trusty*"}}}}}, Machines: []Machines{{[]Filter{{"tag:Name", []string{"web"}}}}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	r := got.Region("us-east-1")
	if r == nil || len(r.Refused) > 1 || len(r.Refused) == 1 && r.Refused[0].Operation != getImageFindings { // moto 5.2.1 has no findings
		t.Fatalf("got %+v", got)
	}
	if f := r.Search(Search{Owners: []string{"099720109477"}, Filters: []Filter{{"name", []string{"ubuntu/images/*trusty*"}}}}); f == nil || f.Count == 0 || r.Image(f.Image) == nil {
		t.Errorf("search: %+v", f)
	}
	if len(r.Machines) != 1 || r.Machines[0].Machines != 0 {
		t.Errorf("machines: %+v", r.Machines)
	}
	if p := r.Parameter(linux); p == nil || !p.Exists || !imageID().MatchString(p.Image) {
		t.Errorf("parameter: %+v", p)
	}
	if p := r.Parameter("/aws/service/ami-amazon-linux-latest/none"); p == nil || p.Exists {
		t.Errorf("parameter that is not there: %+v", p)
	}
	if i := r.Image("ami-12c6146b"); i == nil || i.Name == "" || i.State != "available" || i.CreatedAt == "" {
		t.Errorf("image: %+v", i)
	}
	if !strings.Contains(strings.Join(r.Absent, " "), "ami-0fffffffffffffff1") {
		t.Errorf("absent: %q", r.Absent)
	}
}
