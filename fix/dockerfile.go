package fix

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"

	"github.com/trifecta-scanner/trifecta/internal/dockerfile"
	"github.com/trifecta-scanner/trifecta/scanner"
)

// imageParts splits a reference into repository, tag and digest.
func imageParts(reference string) (repository, tag, digest string) {
	repository, digest, _ = strings.Cut(reference, "@")
	if i := strings.LastIndexByte(repository, ':'); i > strings.LastIndexByte(repository, '/') {
		repository, tag = repository[:i], repository[i+1:]
	}
	return repository, tag, digest
}

var imageReference = regexp.MustCompile(`^[a-z0-9][a-z0-9._/:-]*(?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(?:@sha256:[0-9a-f]{64})?$`)

// EditFrom returns the edits that make every FROM of a Dockerfile that names one image name another: tag and digest. Both
// are references as they may be written, from without a digest for whatever digest the line has. A line that is pinned
// by a digest stays so: to must have one then, as the digest of a tag is known to its registry alone.
//
// The error says, in words for the user, why a line that is meant can't be changed: its image comes from a build
// argument, or it goes over several lines. No edit and no error means that no line names the image.
func EditFrom(name string, data []byte, from, to string) ([]scanner.Edit, error) {
	if !imageReference.MatchString(to) {
		return nil, fmt.Errorf("%q is no reference of an image", to)
	}
	file, err := dockerfile.Parse(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	repository, tag, digest := imageParts(from)
	newRepository, newTag, newDigest := imageParts(to)
	lines := bytes.Split(data, []byte("\n"))
	var edits []scanner.Edit
	var left error
	for _, stage := range file.Stages {
		if stage.Parent >= 0 {
			continue
		}
		r, t, d := imageParts(stage.Base)
		meant := r == repository && t == tag && (digest == "" || d == digest)
		at := fmt.Sprintf("%s:%d", name, stage.From.Line)
		switch {
		case strings.Contains(stage.Written, "$"):
			if left == nil && (meant || len(stage.Unresolved) > 0) {
				left = fmt.Errorf("%s is left alone: its image is put together from build arguments (%s), which others may set", at, stage.Written)
			}
			continue
		case !meant:
			continue
		case stage.From.EndLine > stage.From.Line || stage.From.Line > len(lines):
			left = fmt.Errorf("%s is left alone: it goes over several lines", at)
			continue
		}
		reference := newRepository
		if newTag != "" {
			reference += ":" + newTag
		}
		switch {
		case newDigest != "" && (d != "" || newTag == ""):
			reference += "@" + newDigest
		case d != "":
			return nil, fmt.Errorf("%s is pinned by a digest, and that of %s is known to its registry alone", at, to)
		}
		line := strings.TrimSuffix(string(lines[stage.From.Line-1]), "\r")
		edits = append(edits, scanner.Edit{
			Path: name, Line: stage.From.Line, EndLine: stage.From.Line, Text: strings.Replace(line, stage.Written, reference, 1),
		})
	}
	if len(edits) == 0 {
		return nil, left
	}
	return edits, nil
}
