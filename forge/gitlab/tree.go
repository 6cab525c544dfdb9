package gitlab

import (
	"context"
	"crypto/sha1" //nolint:gosec // the sum that names git's objects
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"net/http"
	"path"
	"slices"
	"strings"

	gogitlab "gitlab.com/gitlab-org/api/client-go"
)

// tree reads the folders of a commit, each once, and computes what git would call them. GitLab names the tree of no
// commit, and the seal of a commit of ours holds that name, so that whoever changes a file of it breaks the seal.
// https://git-scm.com/book/en/v2/Git-Internals-Git-Objects
type tree struct {
	client *Client
	commit string
	known  map[string]map[string]node // by path of the folder
}

// node is an entry of a folder.
type node struct{ mode, id string }

func (n node) folder() bool  { return n.mode == modeFolder }
func (n node) regular() bool { return n.mode == modeFile || n.mode == modeExecutable }

// The modes of git that are told apart.
const (
	modeFolder     = "040000"
	modeFile       = "100644"
	modeExecutable = "100755"
)

func (c *Client) tree(commit string) *tree {
	return &tree{client: c, commit: commit, known: map[string]map[string]node{}}
}

// find returns the entry of a path, zero where there is none.
func (t *tree) find(ctx context.Context, name string) (node, error) {
	folder, err := t.folder(ctx, path.Dir(name))
	return folder[path.Base(name)], err
}

// folder returns the entries of a folder, none where there is no such folder.
func (t *tree) folder(ctx context.Context, name string) (map[string]node, error) {
	if entries, ok := t.known[name]; ok {
		return entries, nil
	}
	opts := &gogitlab.ListTreeOptions{Ref: &t.commit, ListOptions: gogitlab.ListOptions{PerPage: pageSize}}
	if name != "." {
		at, err := t.find(ctx, name)
		if err != nil || !at.folder() {
			return nil, err
		}
		opts.Path = &name
	}
	entries := map[string]node{}
	for {
		page, res, err := t.client.api.Repositories.ListTree(t.client.project, opts, gogitlab.WithContext(ctx))
		if err != nil {
			return nil, err
		}
		for _, e := range page {
			entries[e.Name] = node{mode: e.Mode, id: e.ID}
		}
		if res.NextPage == 0 {
			t.known[name] = entries
			return entries, nil
		}
		opts.Page = res.NextPage
	}
}

// newHash returns the hash of the repository, which the length of its names tells.
func (t *tree) newHash() hash.Hash {
	if len(t.commit) == 2*sha256.Size {
		return sha256.New()
	}
	return sha1.New() //nolint:gosec // see the import
}

func (t *tree) object(kind string, content []byte) string {
	h := t.newHash()
	_, _ = fmt.Fprintf(h, "%s %d\x00", kind, len(content)) // a hash takes everything
	_, _ = h.Write(content)
	return hex.EncodeToString(h.Sum(nil))
}

// with returns the name of the tree with changes: path to entry, zero for one that is removed.
func (t *tree) with(ctx context.Context, changes map[string]node) (string, error) {
	return t.named(ctx, ".", changes)
}

// named returns the name of a folder with changes of what is in it, empty where nothing is left.
func (t *tree) named(ctx context.Context, name string, changes map[string]node) (string, error) {
	there, err := t.folder(ctx, name)
	if err != nil {
		return "", err
	}
	entries := make(map[string]node, len(there))
	for base, n := range there {
		entries[base] = n
	}
	below := map[string]map[string]node{}
	for file, n := range changes {
		first, rest, deeper := strings.Cut(file, "/")
		switch {
		case deeper:
			if below[first] == nil {
				below[first] = map[string]node{}
			}
			below[first][rest] = n
		case n.id == "":
			delete(entries, first)
		default:
			entries[first] = n
		}
	}
	for first, changes := range below {
		id, err := t.named(ctx, path.Join(name, first), changes)
		if err != nil {
			return "", err
		}
		delete(entries, first)
		if id != "" {
			entries[first] = node{mode: modeFolder, id: id}
		}
	}
	if len(entries) == 0 && name != "." {
		return "", nil
	}
	return t.encode(entries)
}

// encode returns the name of a folder: entries stand in order of their names, those of folders with a slash behind.
func (t *tree) encode(entries map[string]node) (string, error) {
	type named struct {
		key, name string
		node
	}
	list := make([]named, 0, len(entries))
	for name, n := range entries {
		key := name
		if n.folder() {
			key += "/"
		}
		list = append(list, named{key, name, n})
	}
	slices.SortFunc(list, func(a, b named) int { return strings.Compare(a.key, b.key) })
	var content []byte
	for _, e := range list {
		id, err := hex.DecodeString(e.id)
		if err != nil {
			return "", fmt.Errorf("the host calls %s %q, which is no name of an object", e.name, e.id)
		}
		content = append(content, strings.TrimPrefix(e.mode, "0")+" "+e.name+"\x00"...)
		content = append(content, id...)
	}
	return t.object("tree", content), nil
}

// file returns the content of a regular file of at most limit bytes, and nothing where there is none.
func (t *tree) file(ctx context.Context, name string, limit int) ([]byte, error) {
	at, err := t.find(ctx, name)
	if err != nil || !at.regular() {
		return nil, err
	}
	data, _, err := t.client.api.Repositories.RawBlobContent(t.client.project, at.id, gogitlab.WithContext(ctx))
	if status(err) == http.StatusNotFound || len(data) > limit {
		return nil, nil
	}
	return data, err
}
