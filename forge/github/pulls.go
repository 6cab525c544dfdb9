package github

import (
	"context"
	"fmt"
	"strings"

	gogithub "github.com/google/go-github/v60/github"
)

// PullRequests returns the numbers of the open pull requests whose head is now that commit of that branch of that
// repository, written owner/name.
func (c *Client) PullRequests(ctx context.Context, repository, branch, commit string) ([]int, error) {
	owner, _, _ := strings.Cut(repository, "/")
	if owner == "" || branch == "" || commit == "" {
		return nil, nil // without a head GitHub would list the pull requests of everybody
	}
	var numbers []int
	opts := &gogithub.PullRequestListOptions{State: "open", Head: owner + ":" + branch, ListOptions: gogithub.ListOptions{PerPage: pageSize}}
	for {
		page, res, err := c.api.PullRequests.List(ctx, c.owner, c.name, opts)
		if err != nil {
			return nil, denied(fmt.Sprintf("find the pull request of commit %s", commit), "the permission pull-requests: read", err)
		}
		for _, pr := range page {
			head := pr.GetHead()
			if head.GetSHA() == commit && head.GetRef() == branch && strings.EqualFold(head.GetRepo().GetFullName(), repository) {
				numbers = append(numbers, pr.GetNumber())
			}
		}
		if res.NextPage == 0 {
			return numbers, nil
		}
		opts.Page = res.NextPage
	}
}
