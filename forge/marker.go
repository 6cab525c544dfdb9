package forge

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"
)

// Marker is what a host needs to know of a request on the next run. It stands in the body of the request, where people
// do not see it, because the request is all that lives from run to run.
type Marker struct {
	Key     string   `json:"key"`
	Version string   `json:"version"`
	Scope   string   `json:"scope,omitempty"`
	Parts   []string `json:"parts,omitempty"`
	// Title is the title that we gave, so that one which a person changed is left alone.
	Title string `json:"title"`
	// Asked says that labels were set and reviews asked for. What people take away later stays away.
	Asked bool `json:"asked,omitempty"`
	// Closed says that it was closed by us and not by a person, who would have refused it.
	Closed bool `json:"closed,omitempty"`
}

const (
	markerBegin = "<!-- trifecta request "
	markerEnd   = " -->"
)

// Hide returns a body with the marker below it.
func (m Marker) Hide(body string) string {
	data, err := json.Marshal(m) // <, > and & become escapes in it
	if err != nil {
		data = []byte("{}") // strings and booleans always succeed
	}
	return strings.TrimRight(body, "\n") + "\n\n" + markerBegin + strings.ReplaceAll(string(data), "--", `-\u002d`) + markerEnd + "\n"
}

// FindMarker returns the marker of a body, the last one where a person has copied another into the text, and false
// where there is none.
func FindMarker(body string) (Marker, bool) {
	var m Marker
	at := strings.LastIndex(body, markerBegin)
	if at < 0 {
		return m, false
	}
	data, _, ok := strings.Cut(body[at+len(markerBegin):], markerEnd)
	if !ok || json.Unmarshal([]byte(data), &m) != nil || m.Key == "" {
		return Marker{}, false
	}
	return m, true
}

// Visible returns the part of a body that people see.
func Visible(body string) string {
	if _, ok := FindMarker(body); ok {
		body = body[:strings.LastIndex(body, markerBegin)]
	}
	return strings.TrimRight(body, "\r\n")
}

// Marker returns the marker of a request that was just made.
func (pr *PullRequest) Marker() Marker {
	return Marker{Key: pr.Key, Version: pr.Version, Scope: pr.Scope, Parts: pr.Parts, Title: pr.Title}
}

// Lines at the end of the message of a commit of ours: what it was made from, and that nobody has changed it since.
const (
	contentLine = "Trifecta-Content: "
	sealLine    = "Trifecta-Seal: "
)

// Seal returns the message of a commit with what it is known by on the next run: the digest of its content, and a seal
// over that, its tree and its parent. A person who amends or rebases it breaks the seal.
func Seal(message, digest, tree, parent string) string {
	return strings.TrimSpace(message) + "\n\n" + contentLine + digest + "\n" + sealLine + seal(digest, tree, parent) + "\n"
}

func seal(digest, tree, parent string) string {
	sum := sha256.Sum256([]byte(strings.Join([]string{digest, tree, parent}, "\x00")))
	return hex.EncodeToString(sum[:])
}

// Unseal returns the digest of a commit that was made by us and that nobody has changed, and false for any other.
func Unseal(message, tree string, parents []string) (digest string, ok bool) {
	var sealed string
	for line := range strings.Lines(message) {
		line = strings.TrimSpace(line)
		if rest, ok := strings.CutPrefix(line, contentLine); ok {
			digest = rest
		}
		if rest, ok := strings.CutPrefix(line, sealLine); ok {
			sealed = rest
		}
	}
	if len(parents) != 1 || digest == "" || sealed != seal(digest, tree, parents[0]) {
		return "", false
	}
	return digest, true
}
