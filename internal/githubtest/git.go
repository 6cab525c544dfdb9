package githubtest

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cgi"
	"os/exec"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	gogit "github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/plumbing/storer"
)

// UseGit makes the stand-in answer about branches and commits from a bare repository in dir, which is made where it is
// not there. Git's own clients reach it at /acme/shop.git below the address of the server, where git is installed.
func (s *Server) UseGit(dir string) error {
	repo, err := gogit.PlainInit(dir, true)
	if errors.Is(err, gogit.ErrRepositoryAlreadyExists) {
		repo, err = gogit.PlainOpen(dir)
	}
	if err != nil {
		return fmt.Errorf("make the repository: %w", err)
	}
	config, err := repo.Config()
	if err != nil {
		return err
	}
	config.Raw.Section("http").SetOption("receivepack", "true")
	config.Raw.Section("receive").SetOption("advertisePushOptions", "false")
	if err := repo.SetConfig(config); err != nil {
		return err
	}
	if err := repo.Storer.SetReference(plumbing.NewSymbolicReference(plumbing.HEAD, "refs/heads/main")); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.repo, s.repoDir = repo, dir
	return nil
}

// gitPath is where git's own clients find the repository.
const gitPath = "/acme/shop.git"

// serveGit answers git's own clients. Whoever pushes needs a token as the password, as on GitHub.
func (s *Server) serveGit(w http.ResponseWriter, r *http.Request) {
	git, err := exec.LookPath("git")
	if err != nil || s.repo == nil {
		http.Error(w, "no git here", http.StatusNotFound)
		return
	}
	if _, password, _ := r.BasicAuth(); password == "" && (strings.HasSuffix(r.URL.Path, "git-receive-pack") || r.URL.Query().Get("service") == "git-receive-pack") {
		w.Header().Set("WWW-Authenticate", `Basic realm="GitHub"`)
		http.Error(w, "who are you", http.StatusUnauthorized)
		return
	}
	handler := cgi.Handler{
		Path: git, Args: []string{"http-backend"}, Root: gitPath,
		Env: []string{
			"GIT_PROJECT_ROOT=" + s.repoDir, "GIT_HTTP_EXPORT_ALL=1", "GIT_CONFIG_NOSYSTEM=1", "HOME=" + s.repoDir, "REMOTE_USER=pusher",
			"GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=safe.directory", "GIT_CONFIG_VALUE_0=*",
		},
		Stderr: io.Discard,
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.log = append(s.log, r.Method+" "+r.URL.Path)
	handler.ServeHTTP(w, r)
	s.settle()
}

// Blob is one file of a commit.
type Blob struct {
	Content string
	Mode    filemode.FileMode // zero: a regular file
}

// Commit puts a commit on a branch as a person would, who changes these files and removes those with empty content and
// mode. A branch that is not there starts without a parent. It returns the commit.
func (s *Server) Commit(branch string, files map[string]Blob) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	ref := plumbing.NewBranchReferenceName(branch)
	var parents []plumbing.Hash
	tree := map[string]object.TreeEntry{}
	if at, err := s.repo.Reference(ref, true); err == nil {
		parents = append(parents, at.Hash())
		commit, err := s.repo.CommitObject(at.Hash())
		if err != nil {
			return "", err
		}
		if err := s.flatten(commit.TreeHash, "", tree); err != nil {
			return "", err
		}
	}
	for name, f := range files {
		if f == (Blob{}) {
			delete(tree, name)
			continue
		}
		hash, err := s.writeBlob([]byte(f.Content))
		if err != nil {
			return "", err
		}
		mode := f.Mode
		if mode == 0 {
			mode = filemode.Regular
		}
		tree[name] = object.TreeEntry{Mode: mode, Hash: hash}
	}
	root, err := s.writeTree(tree, "")
	if err != nil {
		return "", err
	}
	hash, err := s.writeCommit("a change by a person", "person", root, parents)
	if err != nil {
		return "", err
	}
	err = s.repo.Storer.SetReference(plumbing.NewHashReference(ref, hash))
	s.settle()
	return hash.String(), err
}

// Head returns the commit of a branch, empty where there is none.
func (s *Server) Head(branch string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.head(branch)
}

func (s *Server) head(branch string) string {
	if s.repo == nil {
		return ""
	}
	ref, err := s.repo.Reference(plumbing.NewBranchReferenceName(branch), true)
	if err != nil {
		return ""
	}
	return ref.Hash().String()
}

// Files returns the files of a commit with their modes, and its parents.
func (s *Server) Files(commit string) (files map[string]Blob, parents []string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, err := s.repo.CommitObject(plumbing.NewHash(commit))
	if err != nil {
		return nil, nil, err
	}
	for _, p := range c.ParentHashes {
		parents = append(parents, p.String())
	}
	entries := map[string]object.TreeEntry{}
	if err := s.flatten(c.TreeHash, "", entries); err != nil {
		return nil, nil, err
	}
	files = map[string]Blob{}
	for name, e := range entries {
		data, err := s.readBlob(e.Hash)
		if err != nil {
			return nil, nil, err
		}
		files[name] = Blob{string(data), e.Mode}
	}
	return files, parents, nil
}

// Branches returns the names of the branches in order.
func (s *Server) Branches() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var names []string
	refs, err := s.repo.Branches()
	if err != nil {
		return nil
	}
	_ = refs.ForEach(func(r *plumbing.Reference) error { // it returns what the function does
		names = append(names, r.Name().Short())
		return nil
	})
	slices.Sort(names)
	return names
}

// Close closes a pull request as a person would.
func (s *Server) Close(number int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p := s.pull(number); p != nil {
		p.State = "closed"
	}
}

// Merge merges a pull request as a person would, with a merge commit on its base, and leaves its branch.
func (s *Server) Merge(number int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.pull(number)
	if p == nil {
		return fmt.Errorf("no pull request %d", number)
	}
	base, head := plumbing.NewHash(s.head(p.Base)), plumbing.NewHash(s.head(p.Branch))
	commit, err := s.repo.CommitObject(head)
	if err != nil {
		return err
	}
	merge, err := s.writeCommit("Merge pull request", "person", commit.TreeHash, []plumbing.Hash{base, head})
	if err != nil {
		return err
	}
	p.State, p.Merged, p.MergeCommit, p.Commit = "closed", true, merge.String(), head.String()
	return s.repo.Storer.SetReference(plumbing.NewHashReference(plumbing.NewBranchReferenceName(p.Base), merge))
}

func (s *Server) pull(number int) *Pull {
	for i := range s.pulls {
		if s.pulls[i].Number == number {
			return &s.pulls[i]
		}
	}
	return nil
}

// settle does what GitHub does after a push: an open request shows the new head of its branch, and is closed when the
// branch is gone.
func (s *Server) settle() {
	for i := range s.pulls {
		p := &s.pulls[i]
		if s.repo == nil || p.State == "closed" || p.Repository != "acme/shop" {
			continue
		}
		if head := s.head(p.Branch); head != "" {
			p.Commit = head
		} else {
			p.State = "closed"
		}
	}
}

func (s *Server) writeBlob(data []byte) (plumbing.Hash, error) {
	return s.write(plumbing.BlobObject, func(o plumbing.EncodedObject) error {
		w, err := o.Writer()
		if err != nil {
			return err
		}
		_, err = w.Write(data)
		return errors.Join(err, w.Close())
	})
}

func (s *Server) write(kind plumbing.ObjectType, encode func(plumbing.EncodedObject) error) (plumbing.Hash, error) {
	o := s.repo.Storer.NewEncodedObject()
	o.SetType(kind)
	if err := encode(o); err != nil {
		return plumbing.ZeroHash, err
	}
	return s.repo.Storer.SetEncodedObject(o)
}

func (s *Server) readBlob(hash plumbing.Hash) ([]byte, error) {
	blob, err := s.repo.BlobObject(hash)
	if err != nil {
		return nil, err
	}
	r, err := blob.Reader()
	if err != nil {
		return nil, err
	}
	defer func() { _ = r.Close() }() // it was only read
	return io.ReadAll(r)
}

// flatten lists the files below a tree by their paths.
func (s *Server) flatten(tree plumbing.Hash, prefix string, into map[string]object.TreeEntry) error {
	t, err := s.repo.TreeObject(tree)
	if err != nil {
		return err
	}
	for _, e := range t.Entries {
		name := path.Join(prefix, e.Name)
		if e.Mode != filemode.Dir {
			into[name] = e
			continue
		}
		if err := s.flatten(e.Hash, name, into); err != nil {
			return err
		}
	}
	return nil
}

// writeTree makes trees of the files below prefix, which ends in a slash where it is not empty.
func (s *Server) writeTree(files map[string]object.TreeEntry, prefix string) (plumbing.Hash, error) {
	tree := &object.Tree{}
	folders := map[string]bool{}
	for name, e := range files {
		rest, ok := strings.CutPrefix(name, prefix)
		if !ok {
			continue
		}
		folder, _, inner := strings.Cut(rest, "/")
		if !inner {
			tree.Entries = append(tree.Entries, object.TreeEntry{Name: rest, Mode: e.Mode, Hash: e.Hash})
			continue
		}
		if folders[folder] {
			continue
		}
		folders[folder] = true
		hash, err := s.writeTree(files, prefix+folder+"/")
		if err != nil {
			return plumbing.ZeroHash, err
		}
		tree.Entries = append(tree.Entries, object.TreeEntry{Name: folder, Mode: filemode.Dir, Hash: hash})
	}
	slices.SortFunc(tree.Entries, func(a, b object.TreeEntry) int {
		key := func(e object.TreeEntry) string { // git sorts folders as if their names ended in a slash
			if e.Mode == filemode.Dir {
				return e.Name + "/"
			}
			return e.Name
		}
		return strings.Compare(key(a), key(b))
	})
	return s.write(plumbing.TreeObject, tree.Encode)
}

func (s *Server) writeCommit(message, author string, tree plumbing.Hash, parents []plumbing.Hash) (plumbing.Hash, error) {
	s.commits++ // a second later each time, so that no two are the same
	who := object.Signature{Name: author, Email: author + "@users.example", When: time.Unix(1767225600+int64(s.commits), 0).UTC()}
	commit := &object.Commit{Author: who, Committer: who, Message: message, TreeHash: tree, ParentHashes: parents}
	return s.write(plumbing.CommitObject, commit.Encode)
}

// handleGit carries out a request of the Git Data API.
func (s *Server) handleGit(r *http.Request, parts []string, in map[string]any) (int, any) {
	name := strings.Join(parts[min(len(parts), 2):], "/")
	switch r.Method + " " + strings.Join(parts[:min(len(parts), 2)], "/") {
	case "GET git/ref":
		return s.answerRef(http.StatusOK, "refs/"+name)
	case "POST git/refs":
		ref := plumbing.ReferenceName(text(in, "ref"))
		if _, err := s.repo.Reference(ref, false); err == nil {
			return invalid("Reference already exists")
		}
		return s.setRef(http.StatusCreated, ref, text(in, "sha"))
	case "PATCH git/refs":
		ref := plumbing.ReferenceName("refs/" + name)
		at, err := s.repo.Reference(ref, false)
		if err != nil {
			return invalid("Reference does not exist")
		}
		if force, _ := in["force"].(bool); !force && !s.ancestor(at.Hash().String(), text(in, "sha")) {
			return invalid("Update is not a fast forward")
		}
		return s.setRef(http.StatusOK, ref, text(in, "sha"))
	case "DELETE git/refs":
		ref := plumbing.ReferenceName("refs/" + name)
		if _, err := s.repo.Reference(ref, false); err != nil {
			return invalid("Reference does not exist")
		}
		if err := s.repo.Storer.RemoveReference(ref); err != nil {
			return broken(err)
		}
		s.settle()
		return http.StatusNoContent, nil
	case "POST git/blobs":
		data := []byte(text(in, "content"))
		if text(in, "encoding") == "base64" {
			var err error
			if data, err = base64.StdEncoding.DecodeString(text(in, "content")); err != nil {
				return invalid("content is not Base64")
			}
		}
		hash, err := s.writeBlob(data)
		if err != nil {
			return broken(err)
		}
		return http.StatusCreated, map[string]any{"sha": hash.String(), "url": site + r.URL.Path + "/" + hash.String()}
	case "GET git/blobs":
		data, err := s.readBlob(plumbing.NewHash(name))
		if err != nil {
			return notFound()
		}
		return http.StatusOK, map[string]any{
			"sha": name, "node_id": "B", "url": site + r.URL.Path, "size": len(data), "encoding": "base64",
			"content": base64.StdEncoding.EncodeToString(data),
		}
	case "POST git/trees":
		return s.makeTree(in)
	case "GET git/trees":
		return s.answerTree(http.StatusOK, plumbing.NewHash(name))
	case "POST git/commits":
		return s.makeCommit(in)
	case "GET git/commits":
		return s.answerCommit(http.StatusOK, plumbing.NewHash(name))
	}
	return notFound()
}

func broken(err error) (int, any) {
	return http.StatusInternalServerError, map[string]any{"message": err.Error()}
}

func invalid(message string) (int, any) {
	return http.StatusUnprocessableEntity, map[string]any{"message": message, "documentation_url": "https://docs.github.com/rest", "status": "422"}
}

func (s *Server) answerRef(status int, name string) (int, any) {
	ref, err := s.repo.Reference(plumbing.ReferenceName(name), true)
	if err != nil {
		return notFound()
	}
	address := site + repository + "/git/" + name
	return status, map[string]any{
		"ref": name, "node_id": "REF", "url": address,
		"object": map[string]any{"type": "commit", "sha": ref.Hash().String(), "url": site + repository + "/git/commits/" + ref.Hash().String()},
	}
}

func (s *Server) setRef(status int, name plumbing.ReferenceName, sha string) (int, any) {
	hash := plumbing.NewHash(sha)
	if _, err := s.repo.CommitObject(hash); err != nil {
		return invalid("Object does not exist")
	}
	if err := s.repo.Storer.SetReference(plumbing.NewHashReference(name, hash)); err != nil {
		return broken(err)
	}
	s.settle()
	return s.answerRef(status, name.String())
}

func (s *Server) makeTree(in map[string]any) (int, any) {
	files := map[string]object.TreeEntry{}
	if base := text(in, "base_tree"); base != "" {
		if err := s.flatten(plumbing.NewHash(base), "", files); err != nil {
			return notFound()
		}
	}
	for _, e := range objects(in["tree"]) {
		name := text(e, "path")
		sha, hasSHA := e["sha"]
		if hasSHA && sha == nil {
			if _, ok := files[name]; !ok {
				return invalid("GitRPC::BadObjectState")
			}
			delete(files, name)
			continue
		}
		mode, err := filemode.New(text(e, "mode"))
		if err != nil {
			return invalid("tree.mode is not one of 100644, 100755, 040000, 160000, 120000")
		}
		hash := plumbing.NewHash(text(e, "sha"))
		if !hasSHA {
			if hash, err = s.writeBlob([]byte(text(e, "content"))); err != nil {
				return broken(err)
			}
		} else if _, err := s.repo.BlobObject(hash); err != nil {
			return invalid("tree.sha is not a valid blob")
		}
		files[name] = object.TreeEntry{Mode: mode, Hash: hash}
	}
	root, err := s.writeTree(files, "")
	if err != nil {
		return broken(err)
	}
	return s.answerTree(http.StatusCreated, root)
}

func (s *Server) answerTree(status int, hash plumbing.Hash) (int, any) {
	tree, err := s.repo.TreeObject(hash)
	if err != nil {
		return notFound()
	}
	list := []any{}
	for _, e := range tree.Entries {
		kind := "blob"
		switch e.Mode {
		case filemode.Dir:
			kind = "tree"
		case filemode.Submodule:
			kind = "commit"
		}
		list = append(list, map[string]any{"path": e.Name, "mode": fmt.Sprintf("%06o", uint32(e.Mode)), "type": kind, "sha": e.Hash.String()})
	}
	return status, map[string]any{"sha": hash.String(), "url": site + repository + "/git/trees/" + hash.String(), "tree": list, "truncated": false}
}

func (s *Server) makeCommit(in map[string]any) (int, any) {
	tree := plumbing.NewHash(text(in, "tree"))
	if _, err := s.repo.TreeObject(tree); err != nil {
		return invalid("Tree SHA does not exist")
	}
	var parents []plumbing.Hash
	list, _ := in["parents"].([]any) // absent is none
	for _, p := range list {
		sha, _ := p.(string) // the description of the API has checked it
		parents = append(parents, plumbing.NewHash(sha))
	}
	hash, err := s.writeCommit(text(in, "message"), "bot", tree, parents)
	if err != nil {
		return broken(err)
	}
	return s.answerCommit(http.StatusCreated, hash)
}

func (s *Server) answerCommit(status int, hash plumbing.Hash) (int, any) {
	c, err := s.repo.CommitObject(hash)
	if err != nil {
		return notFound()
	}
	address := site + repository + "/git/commits/" + hash.String()
	who := map[string]any{"name": c.Author.Name, "email": c.Author.Email, "date": c.Author.When.Format(time.RFC3339)}
	parents := []any{}
	for _, p := range c.ParentHashes {
		parents = append(parents, map[string]any{"sha": p.String(), "url": address, "html_url": address})
	}
	return status, map[string]any{
		"sha": hash.String(), "node_id": "C", "url": address, "html_url": address, "author": who, "committer": who, "message": c.Message,
		"tree": map[string]any{"sha": c.TreeHash.String(), "url": address}, "parents": parents,
		"verification": map[string]any{"verified": false, "reason": "unsigned", "signature": nil, "payload": nil, "verified_at": nil},
	}
}

// ancestor reports whether a commit is, or comes before, another one.
func (s *Server) ancestor(before, after string) bool {
	if before == after {
		return true
	}
	from, err := s.repo.CommitObject(plumbing.NewHash(after))
	if err != nil {
		return false
	}
	found := false
	_ = object.NewCommitPreorderIter(from, nil, nil).ForEach(func(c *object.Commit) error { // what is missing is no ancestor
		if c.Hash.String() == before {
			found = true
			return storer.ErrStop
		}
		return nil
	})
	return found
}

// compare answers how one commit stands to another.
func (s *Server) compare(basehead string) (int, any) {
	base, head, _ := strings.Cut(basehead, "...")
	status := "diverged"
	switch {
	case base == head:
		status = "identical"
	case s.ancestor(base, head):
		status = "ahead"
	case s.ancestor(head, base):
		status = "behind"
	}
	commit, err := s.repo.CommitObject(plumbing.NewHash(base))
	if err != nil {
		return notFound()
	}
	if _, err := s.repo.CommitObject(plumbing.NewHash(head)); err != nil {
		return notFound()
	}
	address := site + repository + "/commits/" + base
	full := map[string]any{
		"url": address, "sha": base, "node_id": "C", "html_url": address, "comments_url": address, "author": user(), "committer": user(), "parents": []any{},
		"commit": map[string]any{
			"url": address, "author": map[string]any{"name": "a"}, "committer": map[string]any{"name": "a"}, "message": commit.Message, "comment_count": 0,
			"tree": map[string]any{"sha": commit.TreeHash.String(), "url": address},
		},
	}
	return http.StatusOK, map[string]any{
		"url": address, "html_url": address, "permalink_url": address, "diff_url": address, "patch_url": address, "base_commit": full,
		"merge_base_commit": full, "status": status, "ahead_by": 0, "behind_by": 0, "total_commits": 0, "commits": []any{}, "files": []any{},
	}
}

// openPull makes a pull request.
func (s *Server) openPull(in map[string]any) (int, any) {
	head, base := strings.TrimPrefix(text(in, "head"), "acme:"), text(in, "base")
	if s.head(head) == "" || s.head(base) == "" {
		return invalid("Validation Failed: head or base is invalid")
	}
	if s.ancestor(s.head(head), s.head(base)) {
		return invalid("Validation Failed: No commits between " + base + " and " + head)
	}
	for _, p := range s.pulls {
		if p.State != "closed" && p.Branch == head && p.Repository == "acme/shop" && p.base() == base {
			return invalid("Validation Failed: A pull request already exists for acme:" + head + ".")
		}
	}
	p := Pull{
		Number: int(s.id()), Repository: "acme/shop", Branch: head, Commit: s.head(head), Base: base, Title: text(in, "title"), Body: text(in, "body"), State: "open",
	}
	s.pulls = append(s.pulls, p)
	return http.StatusCreated, s.fullPull(p)
}

func (s *Server) editPull(p *Pull, in map[string]any) (int, any) {
	for field, value := range map[string]*string{"title": &p.Title, "body": &p.Body, "state": &p.State} {
		if _, ok := in[field]; ok {
			*value = text(in, field)
		}
	}
	return http.StatusOK, s.fullPull(*p)
}

// addLabels makes labels that are not there, as GitHub does for those who may push.
func (s *Server) addLabels(p *Pull, in map[string]any) (int, any) {
	list, _ := in["labels"].([]any) // absent is none
	for _, l := range list {
		if name, ok := l.(string); ok && !slices.Contains(p.Labels, name) {
			p.Labels = append(p.Labels, name)
		}
	}
	all := []any{}
	for _, name := range p.Labels {
		all = append(all, label(name))
	}
	return http.StatusOK, all
}

func label(name string) map[string]any {
	return map[string]any{"id": 1, "node_id": "L", "url": site + "/labels/" + strconv.Quote(name), "name": name, "description": "", "color": "ededed", "default": false}
}

// askReviewers asks all or nobody: one who can't be asked spoils the request.
func (s *Server) askReviewers(p *Pull, in map[string]any) (int, any) {
	var names []string
	for field, prefix := range map[string]string{"reviewers": "", "team_reviewers": "acme/"} {
		list, _ := in[field].([]any) // absent is none
		for _, n := range list {
			name, _ := n.(string) // the description of the API has checked it
			if !slices.Contains(s.People, prefix+name) {
				return invalid("Reviews may only be requested from collaborators. One or more of the users or teams you specified is not a collaborator of the acme/shop repository.")
			}
			names = append(names, prefix+name)
		}
	}
	for _, name := range names {
		if !slices.Contains(p.Reviewers, name) {
			p.Reviewers = append(p.Reviewers, name)
		}
	}
	slices.Sort(p.Reviewers)
	return http.StatusCreated, pullObject(*p)
}

func (s *Server) fullPull(p Pull) map[string]any {
	o := pullObject(p)
	for name, value := range map[string]any{
		"additions": 1, "changed_files": 1, "comments": 0, "commits": 1, "deletions": 1, "mergeable": true, "mergeable_state": "clean", "merged": p.Merged,
		"maintainer_can_modify": false, "merged_by": nil, "review_comments": 0, "rebaseable": true,
	} {
		o[name] = value
	}
	return o
}
