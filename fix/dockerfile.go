package fix

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"

	"github.com/trifecta-scanner/trifecta/scanner"
)

// baseImage is one FROM of a Dockerfile (https://docs.docker.com/reference/dockerfile/#from).
type baseImage struct {
	line      int    // of the reference, from 1
	reference string // as written
	text      string // the whole line
}

var (
	fromLine  = regexp.MustCompile(`(?i)^\s*FROM\s+(?:--platform=\S+\s+)?(\S+)(?:\s+AS\s+(\S+))?\s*$`)
	heredoc   = regexp.MustCompile(`<<-?\s*["']?([A-Za-z_][A-Za-z0-9_]*)["']?`)
	escapeChr = regexp.MustCompile("(?i)^#\\s*escape\\s*=\\s*(`|\\\\)\\s*$")
)

// baseImages reads the FROM lines: those that name an earlier stage, or scratch, are no images. why says of lines that
// name one in a way that can't be edited what that is.
func baseImages(data []byte) (images []baseImage, why map[int]string) {
	why = map[int]string{}
	stages := map[string]bool{}
	escape := byte('\\')
	until := "" // the end of a here-document
	continued := false
	number := 0
	for raw := range bytes.Lines(data) {
		number++
		line := strings.TrimRight(string(raw), "\r\n")
		if number == 1 {
			if m := escapeChr.FindStringSubmatch(strings.TrimSpace(line)); m != nil {
				escape = m[1][0]
			}
		}
		trimmed := strings.TrimSpace(line)
		if until != "" {
			if trimmed == until {
				until = ""
			}
			continue
		}
		if trimmed == "" || strings.HasPrefix(trimmed, "#") {
			continue
		}
		inside := continued
		continued = strings.HasSuffix(strings.TrimRight(line, " \t"), string(escape))
		if inside {
			continue
		}
		if m := heredoc.FindStringSubmatch(line); m != nil && !strings.HasPrefix(strings.ToUpper(trimmed), "FROM") {
			until = m[1]
			continue
		}
		if !strings.EqualFold(firstWord(trimmed), "FROM") {
			continue
		}
		m := fromLine.FindStringSubmatch(line)
		switch {
		case continued || m == nil:
			why[number] = "it goes over several lines, or says more than an image and a stage"
			continue
		case strings.Contains(m[1], "$"):
			why[number] = fmt.Sprintf("its image is put together from build arguments (%s), which others may set", m[1])
		case !stages[strings.ToLower(m[1])] && !strings.EqualFold(m[1], "scratch"):
			images = append(images, baseImage{line: number, reference: m[1], text: line})
		}
		if m[2] != "" {
			stages[strings.ToLower(m[2])] = true
		}
	}
	return images, why
}

func firstWord(text string) string {
	word, _, _ := strings.Cut(strings.ReplaceAll(text, "\t", " "), " ")
	return word
}

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
	images, why := baseImages(data)
	repository, tag, digest := imageParts(from)
	newRepository, newTag, newDigest := imageParts(to)
	var edits []scanner.Edit
	for _, image := range images {
		r, t, d := imageParts(image.reference)
		if r != repository || t != tag || digest != "" && d != digest {
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
			return nil, fmt.Errorf("%s:%d is pinned by a digest, and that of %s is known to its registry alone", name, image.line, to)
		}
		edits = append(edits, scanner.Edit{
			Path: name, Line: image.line, EndLine: image.line, Text: strings.Replace(image.text, image.reference, reference, 1),
		})
	}
	if len(edits) == 0 {
		for number := 1; len(why) > 0 && number <= bytes.Count(data, []byte("\n"))+1; number++ {
			if reason, ok := why[number]; ok {
				return nil, fmt.Errorf("%s:%d is left alone: %s", name, number, reason)
			}
		}
	}
	return edits, nil
}
