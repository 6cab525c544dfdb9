package fix

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/trifecta-scanner/trifecta/internal/web"
)

// GitTags reads the tags of public repositories as git itself does before it fetches: one request, no token, no limit of
// an API (https://git-scm.com/docs/http-protocol#_smart_clients).
type GitTags struct {
	Client *web.Client
	Server string // https://host; empty stands for github.com
}

// errUnasked says that a registry could not be asked, so that versions are those that advisories name.
var errUnasked = errors.New("it could not be asked")

var repositoryName = regexp.MustCompile(`^[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+$`)

// Tags returns the tags with the commits that they stand for: of an annotated one, the commit that it names.
func (g *GitTags) Tags(ctx context.Context, repository string) ([]Tag, error) {
	if !repositoryName.MatchString(repository) || strings.Contains(repository, "..") {
		return nil, fmt.Errorf("%q is no repository: %w", repository, ErrNoPackage)
	}
	server, err := url.Parse(cmp.Or(g.Server, "https://github.com"))
	if err != nil || server.Scheme != "https" && server.Scheme != "http" {
		return nil, fmt.Errorf("%q is no address of a server", g.Server)
	}
	address := server.JoinPath(repository+".git", "info", "refs")
	address.RawQuery = "service=git-upload-pack"
	data, err := g.Client.Get(ctx, address.String())
	if status := (*web.StatusError)(nil); errors.As(err, &status) && (status.Status == http.StatusNotFound || status.Status == http.StatusUnauthorized) {
		return nil, fmt.Errorf("%s: %w", repository, ErrNoPackage)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errUnasked, err)
	}
	return tagsOf(data)
}

// tagsOf reads the references that a server advertises, in lines that begin with their length.
func tagsOf(data []byte) ([]Tag, error) {
	var tags []Tag
	for len(data) > 0 {
		if len(data) < 4 {
			return nil, errors.New("the answer of the server is no list of references")
		}
		n, err := strconv.ParseUint(string(data[:4]), 16, 16)
		if err != nil || int(n) > len(data) {
			return nil, errors.New("the answer of the server is no list of references")
		}
		if n < 4 { // a flush between sections
			data = data[4:]
			continue
		}
		line := data[4:n]
		data = data[n:]
		line, _, _ = bytes.Cut(line, []byte{0}) // capabilities follow
		commit, ref, ok := strings.Cut(strings.TrimSuffix(string(line), "\n"), " ")
		name, isTag := strings.CutPrefix(ref, "refs/tags/")
		if !ok || !isTag || !commitHash.MatchString(commit) {
			continue
		}
		if peeled, ok := strings.CutSuffix(name, "^{}"); ok {
			if i := slices.IndexFunc(tags, func(t Tag) bool { return t.Name == peeled }); i >= 0 {
				tags[i].Commit = commit
			}
			continue
		}
		tags = append(tags, Tag{Name: name, Commit: commit})
	}
	return tags, nil
}
