package terraform

import "github.com/apparentlymart/go-textseg/v15/textseg"

// graphemes finds byte columns in a file that is not ASCII.
type graphemes struct{ lines [][]byte }

// column returns the column in bytes of one in grapheme clusters, as hcl counts them.
func (g *graphemes) column(line, column int) int {
	if line < 1 || line > len(g.lines) {
		return column
	}
	rest, bytes := g.lines[line-1], 0
	for n := 1; n < column && len(rest) > 0; n++ {
		advance, _, err := textseg.ScanGraphemeClusters(rest, true)
		if err != nil || advance == 0 {
			break
		}
		bytes += advance
		rest = rest[advance:]
	}
	return bytes + 1
}

// graphemeCount returns how many characters a text has, as length counts them.
func graphemeCount(s string) int {
	n, _ := textseg.TokenCount([]byte(s), textseg.ScanGraphemeClusters)
	return n
}
