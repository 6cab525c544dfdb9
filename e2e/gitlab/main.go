// Command gitlab is a GitLab for the end-to-end scripts: one project, acme/shop with the number 42 and the merge request
// 7, behind the part of GitLab's API that trifecta uses. It writes the address of the API to a file, serves until it is
// interrupted, and prints what it holds then. With -check it is GitLab taking the reports of a job instead: each file
// must be as GitLab's own schemas want it, which TRIFECTA_SHARED leads to.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"github.com/trifecta-scanner/trifecta/internal/githubtest"
	"github.com/trifecta-scanner/trifecta/internal/gitlabtest"
)

func main() {
	address := flag.String("address", "", "`FILE` that gets the address of the API once it answers")
	folder := flag.String("check", "", "`FOLDER` with the reports of a job, which are checked; nothing is served")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := check(*folder)
	if *folder == "" {
		err = serve(ctx, *address)
	}
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "gitlab:", err)
		os.Exit(1)
	}
}

// state is what the project holds at the end.
type state struct {
	Notes  []gitlabtest.Note  `json:"notes"`
	Issues []gitlabtest.Issue `json:"issues"`
	Log    []string           `json:"log"`
}

// theRequest is the number of the merge request.
const theRequest = 7

func serve(ctx context.Context, address string) error {
	repository, err := os.MkdirTemp("", "gitlab-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(repository) }() // it is in the folder for temporary files
	stand, err := gitlabtest.NewServer(repository)
	if err != nil {
		return err
	}
	stand.Repository.SetPulls(githubtest.Pull{Number: theRequest, Repository: "acme/shop", Branch: "change", Base: "main"})
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{Handler: stand, ReadHeaderTimeout: 10 * time.Second}
	done := make(chan error, 1)
	go func() { done <- server.Serve(listener) }()
	if err := os.WriteFile(address, []byte("http://"+listener.Addr().String()+gitlabtest.Prefix), 0o600); err != nil {
		return err
	}
	<-ctx.Done()
	err = server.Close()
	if served := <-done; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	if err != nil {
		return err
	}
	out := json.NewEncoder(os.Stdout)
	out.SetIndent("", "  ")
	out.SetEscapeHTML(false)
	return out.Encode(state{stand.Notes(theRequest), stand.Issues(), stand.Log()})
}

// check takes every report of a folder.
func check(folder string) error {
	if folder == "" {
		return nil
	}
	dir := os.Getenv("TRIFECTA_SHARED")
	if dir == "" {
		return errors.New("TRIFECTA_SHARED does not lead to GitLab's schemas")
	}
	reports, err := gitlabtest.LoadReports(dir)
	if err != nil {
		return err
	}
	names := reports.Names()
	slices.Sort(names)
	for _, name := range names {
		data, err := os.ReadFile(filepath.Join(folder, name))
		if err == nil {
			err = reports.Check(name, data)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		fmt.Println("valid:", name)
	}
	return nil
}
