package main

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
)

// event is what ci reads of the event that started a workflow; see
// https://docs.github.com/en/webhooks/webhook-events-and-payloads.
type event struct {
	PullRequest struct {
		Number int `json:"number"`
		Base   struct {
			SHA  string     `json:"sha"`
			Repo repository `json:"repo"`
		} `json:"base"`
		Head struct {
			SHA  string     `json:"sha"`
			Repo repository `json:"repo"`
		} `json:"head"`
		User struct {
			Login string `json:"login"`
		} `json:"user"`
	} `json:"pull_request"`
	Repository struct {
		DefaultBranch string `json:"default_branch"`
	} `json:"repository"`
	MergeGroup struct {
		BaseSHA string `json:"base_sha"`
	} `json:"merge_group"`
	WorkflowRun struct {
		Event          string `json:"event"`
		HeadSHA        string `json:"head_sha"`
		HeadBranch     string `json:"head_branch"`
		HeadRepository struct {
			FullName string `json:"full_name"`
		} `json:"head_repository"`
	} `json:"workflow_run"`
}

// repository is one side of a pull request; empty where the fork is gone.
type repository struct {
	FullName string `json:"full_name"`
}

// maxEvent is far above what GitHub sends: 25 MB for a webhook.
const maxEvent = 64 << 20

// readEvent reads the event of the workflow. Without a file there is none.
func readEvent(name string) (event, error) {
	var e event
	if name == "" {
		return e, nil
	}
	f, err := os.Open(name)
	if err != nil {
		return e, fmt.Errorf("read the event: %w", err)
	}
	defer func() { _ = f.Close() }() // it was only read
	if err := json.NewDecoder(io.LimitReader(f, maxEvent)).Decode(&e); err != nil {
		return event{}, fmt.Errorf("read the event: %w", err)
	}
	return e, nil
}

// base returns the commit that a change is compared with; empty for an event that is no change.
func (e event) base() string {
	for _, sha := range []string{e.PullRequest.Base.SHA, e.MergeGroup.BaseSHA} {
		if _, err := hex.DecodeString(sha); err == nil && (len(sha) == 40 || len(sha) == 64) {
			return sha
		}
	}
	return ""
}

// proposal reports whether the event is about a change that somebody proposes, whose own configuration does not count
// before it is merged.
func (e event) proposal() bool { return e.base() != "" }

// foreign reports whether the tree is the word of somebody who may not write to the repository: a fork, Dependabot,
// whose runs GitHub treats as those of a fork, or whatever runs on pull_request_target.
func (e event) foreign(getenv func(string) string) bool {
	const dependabot = "dependabot[bot]"
	pr := e.PullRequest
	return pr.Number > 0 && (pr.Head.Repo.FullName == "" || !strings.EqualFold(pr.Head.Repo.FullName, pr.Base.Repo.FullName) || pr.User.Login == dependabot) ||
		getenv("GITHUB_ACTOR") == dependabot || getenv("GITHUB_EVENT_NAME") == "pull_request_target"
}
