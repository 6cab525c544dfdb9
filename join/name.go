package join

import (
	"path"
	"strings"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// name is the name of an image, taken apart for comparison. A part that the code does not give is a "*", also within a
// segment.
type name struct {
	segments []string // of the repository, without the registry's host and Docker Hub's library
	anywhere bool     // the registry, or more of the front of the path, is not known
	tag      string   // empty: none, or not known
	digest   string
}

// parseName takes a name apart (https://github.com/distribution/reference).
func parseName(s inventory.ID) name {
	var n name
	text, digest, _ := strings.Cut(strings.ToLower(strings.TrimSpace(string(s))), "@")
	n.digest = digest
	if i := strings.LastIndexByte(text, ':'); i > strings.LastIndexByte(text, '/') {
		text, n.tag = text[:i], text[i+1:]
		if strings.Contains(n.tag, "*") {
			n.tag = ""
		}
	}
	n.segments = strings.Split(text, "/")
	switch first := n.segments[0]; {
	case first == "*" && len(n.segments) > 1:
		n.segments, n.anywhere = n.segments[1:], true
	case len(n.segments) > 1 && (strings.ContainsAny(first, ".:") || first == "localhost"):
		n.segments = n.segments[1:]
	}
	if len(n.segments) == 2 && n.segments[0] == "library" {
		n.segments = n.segments[1:]
	}
	return n
}

// last is the last segment of the repository, which is what people call the image.
func (n name) last() string { return n.segments[len(n.segments)-1] }

// telling reports whether the name says enough to be compared: its last segment has a part that is known.
func (n name) telling() bool { return strings.Trim(n.last(), "*-_.") != "" }

// same compares two names: the same reference or digest is declared, the same repository resolved.
func (n name) same(m name) (inventory.Confidence, bool) {
	if n.digest != "" && n.digest == m.digest {
		return inventory.Declared, true
	}
	if !n.telling() || !m.telling() || n.digest != "" && m.digest != "" {
		return "", false
	}
	a, b := n.segments, m.segments
	if len(a) != len(b) && !(len(a) < len(b) && n.anywhere) && !(len(b) < len(a) && m.anywhere) {
		return "", false
	}
	exact := len(a) == len(b) && !n.anywhere && !m.anywhere
	for i := 1; i <= min(len(a), len(b)); i++ {
		x, y := a[len(a)-i], b[len(b)-i]
		if x == y {
			exact = exact && !strings.Contains(x, "*")
			continue
		}
		exact = false
		if !glob(x, y) && !glob(y, x) {
			return "", false
		}
	}
	if exact && n.tag == m.tag && n.digest == m.digest {
		return inventory.Declared, true
	}
	return inventory.Resolved, true
}

// glob reports whether text matches a pattern whose only wildcard is "*".
func glob(pattern, text string) bool {
	if !strings.Contains(pattern, "*") {
		return pattern == text
	}
	ok, err := path.Match(strings.NewReplacer(`\`, `\\`, "?", `\?`, "[", `\[`).Replace(pattern), text)
	return err == nil && ok
}

// OfImage reports whether the content of one image, known by its bill of materials, is that of the image that a workload runs: the
// same reference or digest is declared, the same repository without a tag resolved. Another tag has other content.
func OfImage(bill, runs inventory.ID) (inventory.Confidence, bool) {
	wanted := parseName(runs)
	confidence, ok := parseName(bill).same(wanted)
	if wanted.tag != "" && wanted.digest == "" && ok && confidence != inventory.Declared && parseName(bill).tag != wanted.tag {
		return "", false
	}
	return confidence, ok
}
