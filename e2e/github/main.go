// Command github is a GitHub for the end-to-end scripts: one repository, acme/shop, behind the part of GitHub's API that
// trifecta uses. It writes its address to a file, serves until it is interrupted, and prints what it holds then. Where
// TRIFECTA_SHARED leads to GitHub's own description of its API, requests and answers are checked against it.
package main

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/trifecta-scanner/trifecta/internal/githubtest"
)

func main() {
	address := flag.String("address", "", "`FILE` that gets the address once it answers")
	secure := flag.String("tls", "", "existing `FOLDER` that gets the files address and authority.pem, to serve over TLS too")
	releases := flag.String("releases", "", "`FOLDER` that is served below /releases/")
	repository := flag.String("git", "", "bare repository in `FOLDER` that branches and commits are of; made where it is missing")
	readOnly := flag.Bool("read-only", false, "refuse every change, as GitHub does to the token of a fork")
	var pulls pulls
	flag.Var(&pulls, "pull", "an open pull request as `NUMBER,OWNER/NAME,BRANCH,COMMIT` of its head; repeatable")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := serve(ctx, options{*address, *secure, *releases, *repository, *readOnly, pulls})
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "github:", err)
		os.Exit(1)
	}
}

// options are those of the command line.
type options struct {
	address, secure, releases, repository string
	readOnly                              bool
	pulls                                 pulls
}

// state is what the repository holds at the end, and whenever /state is asked for.
type state struct {
	Comments   []githubtest.Comment         `json:"comments"`
	Pulls      []githubtest.Pull            `json:"pulls,omitempty"` // this and the next two with -git
	Branches   []string                     `json:"branches,omitempty"`
	Issues     []githubtest.Issue           `json:"issues,omitempty"`
	Uploads    map[string]githubtest.Upload `json:"uploads"`
	Snapshots  map[string]json.RawMessage   `json:"snapshots"`
	Log        []string                     `json:"log"`
	Violations []string                     `json:"violations"`
}

// pulls are the pull requests of the command line.
type pulls []githubtest.Pull

func (p *pulls) String() string { return fmt.Sprint(*p) }

func (p *pulls) Set(text string) error {
	fields := strings.Split(text, ",")
	if len(fields) != 4 {
		return errors.New("want NUMBER,OWNER/NAME,BRANCH,COMMIT")
	}
	number, err := strconv.Atoi(fields[0])
	if err != nil {
		return err
	}
	*p = append(*p, githubtest.Pull{Number: number, Repository: fields[1], Branch: fields[2], Commit: fields[3]})
	return nil
}

func serve(ctx context.Context, o options) error {
	var spec *githubtest.Spec
	if dir := os.Getenv("TRIFECTA_SHARED"); dir != "" {
		var err error
		if spec, err = githubtest.LoadSpec(dir); err != nil {
			return err
		}
	}
	stand := githubtest.NewServer(spec)
	stand.SetPulls(o.pulls...)
	if o.readOnly {
		stand.Fail = refuse
	}
	if o.repository != "" {
		if err := stand.UseGit(o.repository); err != nil {
			return err
		}
	}
	mux := http.NewServeMux()
	mux.Handle("/", stand)
	mux.HandleFunc("GET /state", func(w http.ResponseWriter, _ *http.Request) {
		_ = write(w, stand, o.repository != "") // who asks sees that something is missing
	})
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	if o.releases != "" {
		mux.Handle("GET /releases/", http.StripPrefix("/releases", http.FileServer(http.Dir(o.releases))))
	}
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	done := make(chan error, 2)
	serving := 1
	go func() { done <- server.Serve(listener) }()
	if o.secure != "" {
		encrypted, err := listenTLS(ctx, o.secure)
		if err != nil {
			return errors.Join(err, server.Close())
		}
		serving++
		go func() { done <- server.Serve(encrypted) }()
	}
	if err := os.WriteFile(o.address, []byte("http://"+listener.Addr().String()), 0o600); err != nil {
		return err
	}
	<-ctx.Done()
	err = server.Close()
	for range serving {
		err = errors.Join(err, notClosed(<-done))
	}
	if err != nil {
		return err
	}
	err = write(os.Stdout, stand, o.repository != "")
	if n := len(stand.Violations()); n > 0 {
		err = errors.Join(err, fmt.Errorf("%d requests or answers are not as GitHub describes them", n))
	}
	return err
}

// write writes what the repository holds.
func write(w io.Writer, stand *githubtest.Server, git bool) error {
	s := state{
		Comments: stand.Comments(), Uploads: stand.Uploads(), Snapshots: stand.Snapshots(), Log: stand.Log(), Violations: stand.Violations(),
	}
	if git {
		s.Pulls, s.Branches, s.Issues = stand.Pulls(), stand.Branches(), stand.Issues()
	}
	out := json.NewEncoder(w)
	out.SetIndent("", "  ")
	out.SetEscapeHTML(false)
	return out.Encode(s)
}

// listenTLS listens with a certificate of an authority of its own, and writes the address and the authority to folder.
func listenTLS(ctx context.Context, folder string) (net.Listener, error) {
	certificate, authority, err := githubtest.Certificate("127.0.0.1")
	if err != nil {
		return nil, err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	for name, data := range map[string][]byte{"authority.pem": authority, "address": []byte(listener.Addr().String())} {
		if err := os.WriteFile(filepath.Join(folder, name), data, 0o600); err != nil {
			return nil, errors.Join(err, listener.Close())
		}
	}
	return tls.NewListener(listener, &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}), nil
}

func notClosed(err error) error {
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

func refuse(w http.ResponseWriter, r *http.Request) bool {
	if r.Method == http.MethodGet {
		return false
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusForbidden)
	_, err := io.WriteString(w, `{"message": "Resource not accessible by integration", "documentation_url": "https://docs.github.com/rest"}`)
	return err == nil
}
