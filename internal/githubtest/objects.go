package githubtest

import (
	"cmp"
	"fmt"
	"strings"
)

// created is when everything happened.
const created = "2026-01-01T00:00:00Z"

// site is where the stand-in says that its pages are.
const site = "https://github.example"

// user is who wrote everything, with the fields that GitHub's description wants.
func user() map[string]any {
	address := site + "/users/bot"
	return map[string]any{
		"login": "bot", "id": 1, "node_id": "U1", "avatar_url": address, "gravatar_id": "", "url": address, "html_url": address,
		"followers_url": address, "following_url": address, "gists_url": address, "starred_url": address,
		"subscriptions_url": address, "organizations_url": address, "repos_url": address, "events_url": address,
		"received_events_url": address, "type": "Bot", "site_admin": false,
	}
}

func (s *Server) comment(c Comment) map[string]any {
	address := fmt.Sprintf("%s%s/issues/comments/%d", site, repository, c.ID)
	author := user()
	if c.Stranger {
		author["login"], author["type"] = "stranger", "User"
	}
	return map[string]any{
		"id": c.ID, "node_id": fmt.Sprint("IC", c.ID), "url": address, "html_url": fmt.Sprintf("%s/acme/shop/pull/%d#issuecomment-%d", site, c.Number, c.ID),
		"body": c.Body, "user": author, "created_at": created, "updated_at": created,
		"issue_url":          fmt.Sprintf("%s%s/issues/%d", site, repository, c.Number),
		"author_association": "NONE", "performed_via_github_app": nil,
	}
}

func (s *Server) reviewComment(v Review) map[string]any {
	address := fmt.Sprintf("%s%s/pulls/comments/%d", site, repository, v.ID)
	link := map[string]any{"href": address}
	object := map[string]any{
		"id": v.ID, "node_id": fmt.Sprint("RC", v.ID), "url": address, "html_url": address, "pull_request_url": address,
		"pull_request_review_id": 1, "diff_hunk": "", "path": v.Path, "commit_id": "", "original_commit_id": "",
		"body": v.Body, "user": user(), "created_at": created, "updated_at": created, "author_association": "NONE",
		"_links": map[string]any{"self": link, "html": link, "pull_request": link}, "line": v.Line, "side": "RIGHT",
	}
	if v.StartLine > 0 {
		object["start_line"], object["start_side"] = v.StartLine, "RIGHT"
	}
	return object
}

func (s *Server) review(commit string) map[string]any {
	address := site + repository + "/pulls/1#review"
	link := map[string]any{"href": address}
	return map[string]any{
		"id": s.id(), "node_id": "R1", "user": user(), "body": "", "state": "COMMENTED", "html_url": address, "pull_request_url": address,
		"_links": map[string]any{"html": link, "pull_request": link}, "commit_id": commit, "author_association": "NONE",
	}
}

func fileObject(f File) map[string]any {
	address := site + repository + "/contents/" + f.Name
	return map[string]any{
		"sha": "bbcd538c8e72b8c175046e27cc8f907076331401", "filename": f.Name, "status": "modified", "additions": 1, "deletions": 1, "changes": 2,
		"blob_url": address, "raw_url": address, "contents_url": address, "patch": f.Patch,
	}
}

func (s *Server) check(c *Check) map[string]any {
	address := fmt.Sprintf("%s%s/check-runs/%d", site, repository, c.ID)
	return map[string]any{
		"id": c.ID, "node_id": fmt.Sprint("CR", c.ID), "head_sha": c.Commit, "external_id": c.ExternalID, "url": address, "html_url": address,
		"details_url": address, "status": "completed", "conclusion": c.Conclusion, "started_at": created, "completed_at": created,
		"output": map[string]any{
			"title": c.Title, "summary": c.Summary, "text": nil, "annotations_count": len(c.Annotations), "annotations_url": address + "/annotations",
		},
		"name": c.Name, "check_suite": nil, "app": nil, "pull_requests": []any{},
	}
}

func pullObject(p Pull) map[string]any {
	address := fmt.Sprintf("%s%s/pulls/%d", site, repository, p.Number)
	link := map[string]any{"href": address}
	object := map[string]any{
		"id": p.Number, "node_id": fmt.Sprint("PR", p.Number), "number": p.Number, "state": cmp.Or(p.State, "open"), "locked": false, "title": cmp.Or(p.Title, "a change"),
		"body": p.Body, "user": user(), "labels": []any{}, "assignee": nil, "milestone": nil, "auto_merge": nil, "author_association": "NONE",
		"created_at": created, "updated_at": created, "closed_at": nil, "merged_at": nil, "merge_commit_sha": nil,
		"head": side(p.Repository, p.Branch, p.Commit), "base": side("acme/shop", p.base(), strings.Repeat("0", 40)),
		"_links": map[string]any{
			"comments": link, "commits": link, "statuses": link, "html": link, "issue": link, "review_comments": link, "review_comment": link, "self": link,
		},
	}
	if p.Merged {
		object["merged_at"], object["merge_commit_sha"] = created, p.MergeCommit
	}
	labels := []any{}
	for _, name := range p.Labels {
		labels = append(labels, label(name))
	}
	object["labels"] = labels
	for _, name := range []string{
		"url", "html_url", "diff_url", "patch_url", "issue_url", "comments_url", "commits_url", "statuses_url", "review_comment_url", "review_comments_url",
	} {
		object[name] = address
	}
	return object
}

// side is the head or the base of a pull request.
func side(repository, branch, commit string) map[string]any {
	owner, _, _ := strings.Cut(repository, "/")
	return map[string]any{"label": owner + ":" + branch, "ref": branch, "sha": commit, "user": user(), "repo": repositoryObject(repository)}
}

func repositoryObject(fullName string) map[string]any {
	address := site + "/repos/" + fullName
	_, name, _ := strings.Cut(fullName, "/")
	object := map[string]any{
		"id": 1, "node_id": "R1", "name": name, "full_name": fullName, "owner": user(), "private": false, "description": nil, "fork": false,
		"default_branch": "main", "homepage": nil, "language": nil, "license": nil, "mirror_url": nil, "archived": false, "disabled": false,
		"has_downloads": true, "has_issues": true, "has_projects": true, "has_wiki": true, "has_pages": false,
		"forks": 0, "forks_count": 0, "open_issues": 0, "open_issues_count": 0, "size": 1, "stargazers_count": 0, "watchers": 0, "watchers_count": 0,
		"created_at": created, "updated_at": created, "pushed_at": created, "ssh_url": "git@github.example:" + fullName + ".git",
	}
	for _, of := range []string{
		"archive", "assignees", "blobs", "branches", "clone", "collaborators", "comments", "commits", "compare", "contents", "contributors",
		"deployments", "downloads", "events", "forks", "git", "git_commits", "git_refs", "git_tags", "hooks", "html", "issue_comment",
		"issue_events", "issues", "keys", "labels", "languages", "merges", "milestones", "notifications", "pulls", "releases", "stargazers",
		"statuses", "subscribers", "subscription", "svn", "tags", "teams", "trees",
	} {
		object[of+"_url"] = address
	}
	object["url"] = address
	return object
}
