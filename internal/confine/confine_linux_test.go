package confine_test

import (
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/trifecta-scanner/trifecta/internal/confine"
)

// shell runs a script of sh under the policy and returns what it prints.
func shell(t *testing.T, policy confine.Policy, script string, env ...string) (string, error) {
	t.Helper()
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Skip(err)
	}
	policy.Execute = append(policy.Execute, sh)
	cmd := exec.CommandContext(t.Context(), sh, "-c", script)
	cmd.Env = env
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	err = confine.Start(cmd, policy)
	if errors.Is(err, confine.ErrUnsupported) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	err = cmd.Wait()
	return out.String(), err
}

func write(t *testing.T, name, text string) string {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestStart(t *testing.T) {
	dir := t.TempDir()
	open, closed, scratch := filepath.Join(dir, "open"), filepath.Join(dir, "closed"), filepath.Join(dir, "scratch")
	for _, d := range []string{open, closed, scratch} {
		if err := os.Mkdir(d, 0o755); err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(d, "file"), "content of "+filepath.Base(d)+"\n")
	}
	single := write(t, filepath.Join(dir, "single"), "content of single\n")
	if err := os.Symlink(filepath.Join(closed, "file"), filepath.Join(open, "link")); err != nil {
		t.Fatal(err)
	}
	policy := confine.Policy{Read: []string{open, single, filepath.Join(dir, "absent")}, Write: []string{scratch}}
	t.Setenv("SECRET_OF_THE_PARENT", "canary")

	tests := []struct {
		name, script string
		ok           bool
	}{
		{"read what is open", `read line <"` + open + `/file"; echo "$line"`, true},
		{"read a single file", `read line <"` + single + `"`, true},
		{"read what is closed", `read line <"` + closed + `/file"`, false},
		{"read through a link", `read line <"` + open + `/link"`, false},
		{"write where only reading is allowed", `echo x >"` + open + `/new"`, false},
		{"write over what is open", `echo x >"` + open + `/file"`, false},
		{"write into the scratch folder", `echo x >"` + scratch + `/new" && read line <"` + scratch + `/new"`, true},
		{"write elsewhere", `echo x >"` + closed + `/new"`, false},
		{"make a link", `/bin/ln -s file "` + scratch + `/new-link"`, false},
		{"start a program", `/bin/true`, false},
		{"start a program of the scratch folder", `"` + scratch + `/program"`, false},
		{"read the environment of the parent", `read line </proc/$PPID/environ`, false},
		{"stop the parent", `kill -0 $PPID`, false},
	}
	write(t, filepath.Join(scratch, "program"), "#!/bin/sh\n")
	if err := os.Chmod(filepath.Join(scratch, "program"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			out, err := shell(t, policy, tt.script)
			if (err == nil) != tt.ok {
				t.Errorf("%v: %s", err, out)
			}
			if strings.Contains(out, "canary") || strings.Contains(out, "content of closed") {
				t.Errorf("%q got out", out)
			}
		})
	}
	// The test itself is as free as before.
	if _, err := os.ReadFile(filepath.Join(closed, "file")); err != nil {
		t.Error(err)
	}
	write(t, filepath.Join(open, "after"), "x")
}

func TestLinks(t *testing.T) {
	ln, err := exec.LookPath("ln")
	if err != nil {
		t.Skip(err)
	}
	dir := t.TempDir()
	scratch := filepath.Join(dir, "scratch")
	if err := os.Mkdir(scratch, 0o755); err != nil {
		t.Fatal(err)
	}
	secret := write(t, filepath.Join(dir, "secret"), "content of closed\n")
	for _, allowed := range []bool{true, false} {
		link := filepath.Join(scratch, "link")
		_ = os.Remove(link) // of the turn before
		_, err := shell(t, confine.Policy{Write: []string{scratch}, Execute: []string{ln}, Links: allowed}, `"`+ln+`" -s "`+secret+`" "`+link+`"`)
		if (err == nil) != allowed {
			t.Errorf("links %v: %v", allowed, err)
		}
		// A link gives no right to what it leads to.
		if out, err := shell(t, confine.Policy{Write: []string{scratch}, Links: true}, `read line <"`+link+`"; echo "$line"`); strings.Contains(out, "content") {
			t.Errorf("%q got out, %v", out, err)
		}
	}
}

func TestNetwork(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("needs bash, which opens sockets")
	}
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Skip(err)
	}
	defer func() { _ = listener.Close() }() // nothing is sent
	host, port, err := net.SplitHostPort(listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	for _, allowed := range []bool{true, false} {
		cmd := exec.CommandContext(t.Context(), bash, "-c", "exec 3<>/dev/tcp/"+host+"/"+port)
		err := confine.Start(cmd, confine.Policy{Execute: []string{bash}, Network: allowed})
		if errors.Is(err, confine.ErrUnsupported) {
			t.Skip(err)
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Wait(); (err == nil) != allowed {
			t.Errorf("network %v: %v", allowed, err)
		}
	}
}

func TestStartErrors(t *testing.T) {
	err := confine.Start(exec.CommandContext(t.Context(), filepath.Join(t.TempDir(), "none")), confine.Policy{})
	if err == nil || errors.Is(err, confine.ErrUnsupported) {
		if err != nil {
			t.Skip(err)
		}
		t.Error("a program that does not exist was started")
	}
}
