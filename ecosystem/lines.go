package ecosystem

import (
	"strings"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// lineLocation returns the place of a line without the white space around it.
func lineLocation(path string, number int, line string) inventory.Location {
	start := len(line) - len(strings.TrimLeft(line, " \t"))
	end := len(strings.TrimRight(line, " \t"))
	return inventory.Location{Path: path, Line: number, Column: start + 1, EndLine: number, EndColumn: max(start, end) + 1}
}
