package scanner

import "strings"

// Plain makes one line of text that somebody else wrote, such as a scanned file, an advisory or a program: control characters
// become spaces, and no two spaces follow each other.
func Plain(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r <= 0x9f {
			return ' '
		}
		return r
	}, s)
	return strings.Join(strings.Fields(s), " ")
}
