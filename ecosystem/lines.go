package ecosystem

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// maxText bounds the files that people write and that are read line by line. Real ones have some ten thousand lines.
const maxText = 8 << 20

// readText reads a file of at most maxText bytes.
func readText(tree *inventory.Tree, name string) ([]byte, error) {
	return readAtMost(tree, name, maxText)
}

// maxProgram bounds manifests that are programs, of which only single lines are looked at.
const maxProgram = 1 << 20

// readProgram reads a file of at most maxProgram bytes.
func readProgram(tree *inventory.Tree, name string) ([]byte, error) {
	return readAtMost(tree, name, maxProgram)
}

func readAtMost(tree *inventory.Tree, name string, most int) ([]byte, error) {
	data, err := tree.ReadFile(name)
	if err == nil && len(data) > most {
		return nil, &Error{Location: inventory.Location{Path: name}, Err: fmt.Errorf("larger than %d MiB", most>>20)}
	}
	return data, err
}

// commented reports whether a sign that begins a comment stands before an offset in its line. It looks back a little
// way only, so that a file of one endless line costs no more than others.
func commented(data []byte, at int, sign string) bool {
	const far = 256
	before := data[max(0, at-far):at]
	return bytes.Contains(before[bytes.LastIndexByte(before, '\n')+1:], []byte(sign))
}

// lineLocation returns the place of a line without the white space around it.
func lineLocation(path string, number int, line string) inventory.Location {
	start := len(line) - len(strings.TrimLeft(line, " \t"))
	end := len(strings.TrimRight(line, " \t"))
	return inventory.Location{Path: path, Line: number, Column: start + 1, EndLine: number, EndColumn: max(start, end) + 1}
}
