package main

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"

	"github.com/trifecta-scanner/trifecta/scanner"
)

// nights is what a tracking issue remembers between two nights, so that nothing has to be stored elsewhere: digests of
// fingerprints, eight characters each, and the names of the most urgent findings. A second run on the same day is
// compared with the same night before as the first one, and so says the same.
type nights struct {
	Day    string               `json:"day"`
	Before string               `json:"before,omitempty"` // the day that it was compared with
	Known  string               `json:"known,omitempty"`  // that were there the night before too
	Fresh  string               `json:"fresh,omitempty"`  // that were new
	Gone   string               `json:"gone,omitempty"`   // that were not there any more
	Lost   bool                 `json:"lost,omitempty"`   // these may be there still: not all could be looked at
	Codes  []string             `json:"codes,omitempty"`  // kinds of parts that could not be looked at
	Sound  []string             `json:"sound,omitempty"`  // and those of the night before
	Over   bool                 `json:"over,omitempty"`   // there were more than are remembered
	Early  bool                 `json:"early,omitempty"`  // the night before had more
	Names  map[string]memorized `json:"names,omitempty"`

	size int // bytes of names so far
}

// memorized is by what people know a finding that is gone.
type memorized struct {
	Rule    string `json:"r"`
	Subject string `json:"s"`
	Path    string `json:"p"`
}

// Bounds of what is remembered: 32 KiB of the 64 that an issue has.
const (
	maxRemembered = 2000
	maxGone       = 500
	maxNames      = 8 << 10 // bytes of names of findings that are there
	maxGoneNames  = 3 << 10 // and of those that are gone
	longestName   = 120
	digestLength  = 8
	memoryBegin   = "\n<!-- trifecta nights "
	memoryEnd     = " -->\n"
)

// digest is a fingerprint in eight characters: among 2,000 findings two of 2^48 are the same by chance once in 140
// million nights.
func digest(fingerprint string) string {
	sum := sha256.Sum256([]byte(fingerprint))
	return base64.RawStdEncoding.EncodeToString(sum[:6])
}

// recall reads the memory of an issue. A body without one, or with one that a person broke, remembers nothing.
func recall(body string) *nights {
	at := strings.LastIndex(body, memoryBegin)
	if at < 0 {
		return &nights{}
	}
	data, _, ok := strings.Cut(body[at+len(memoryBegin):], strings.TrimSpace(memoryEnd))
	var n nights
	if !ok || json.Unmarshal([]byte(data), &n) != nil || !n.short() {
		return &nights{}
	}
	return &n
}

// short reports whether what is shown, or remembered again as it is, has the size that we gave it.
func (n *nights) short() bool {
	const most = 64
	long := func(s string) bool { return len(s) > most }
	if len(n.Codes) > most || len(n.Sound) > most || slices.ContainsFunc(n.Codes, long) || slices.ContainsFunc(n.Sound, long) {
		return false
	}
	return !long(n.Day) && !long(n.Before)
}

// hide writes the memory as people do not see it.
func (n *nights) hide() string {
	data, err := json.Marshal(n) // <, > and & become escapes in it
	if err != nil {
		return "" // strings and booleans always succeed
	}
	return memoryBegin + strings.ReplaceAll(string(data), "--", `-\u002d`) + memoryEnd
}

// nightBefore is the night that one is compared with.
type nightBefore struct {
	day     string // empty: there is none
	order   []string
	has     map[string]bool
	codes   []string
	partial bool
}

// before returns the night that a scan of day is compared with: the one that is remembered, or on the same day the one
// that this was compared with.
func (n *nights) before(day string) nightBefore {
	b := nightBefore{day: n.Day, codes: n.Codes, partial: n.Over}
	b.order = append(digests(n.Known), digests(n.Fresh)...)
	switch {
	case n.Day == day:
		b.day, b.codes, b.partial = n.Before, n.Sound, n.Early
		b.order = append(digests(n.Known), digests(n.Gone)...)
	case n.Lost:
		b.order = append(b.order, digests(n.Gone)...)
	}
	b.has = make(map[string]bool, len(b.order))
	for _, d := range b.order {
		b.has[d] = true
	}
	return b
}

// seen returns what the issue says.
func (n *nights) seen() map[string]bool {
	seen := map[string]bool{}
	for _, d := range append(digests(n.Known), digests(n.Fresh)...) {
		seen[d] = true
	}
	return seen
}

// remember keeps a finding that is there. They come most urgent first.
func (n *nights) remember(d string, f *scanner.Finding) {
	if len(n.Known)+len(n.Fresh) >= maxRemembered*digestLength {
		n.Over = true
		return
	}
	if f.Status == scanner.StatusNew {
		n.Fresh += d
	} else {
		n.Known += d
	}
	n.name(d, memorized{shorten(f.RuleID), shorten(string(f.Subject)), shorten(f.Location.Path)}, maxNames)
}

// forget keeps a finding that is gone for a second run on the same day, and where it may be there still for the next
// night.
func (n *nights) forget(d string, m memorized, named, lost bool) {
	if len(n.Gone) >= maxGone*digestLength {
		return
	}
	n.Gone += d
	n.Lost = n.Lost || lost
	if named {
		n.name(d, memorized{shorten(m.Rule), shorten(m.Subject), shorten(m.Path)}, maxNames+maxGoneNames)
	}
}

// name keeps a name while there is room.
func (n *nights) name(d string, m memorized, room int) {
	const around = 40 // what JSON adds, at least
	size := around
	for _, s := range []string{m.Rule, m.Subject, m.Path} {
		quoted, err := json.Marshal(s)
		if err != nil {
			return // a string always succeeds
		}
		size += len(quoted) + 5*strings.Count(s, "--") // see hide
	}
	if n.size+size > room {
		return
	}
	n.size += size
	if n.Names == nil {
		n.Names = map[string]memorized{}
	}
	n.Names[d] = m
}

// shorten cuts a name that people can recognise by its beginning.
func shorten(s string) string {
	if len(s) <= longestName {
		return s
	}
	return strings.ToValidUTF8(s[:longestName], "") + "…"
}

// digests takes a list apart; what is no digest at its end is left out.
func digests(list string) []string {
	var all []string
	for ; len(list) >= digestLength; list = list[digestLength:] {
		all = append(all, list[:digestLength])
	}
	return all
}
