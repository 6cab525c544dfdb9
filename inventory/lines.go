package inventory

import "slices"

// Lines finds the line and column of byte offsets in one file.
type Lines struct {
	starts []int
	size   int
}

// NewLines indexes data.
func NewLines(data []byte) *Lines {
	l := &Lines{starts: []int{0}, size: len(data)}
	for i, b := range data {
		if b == '\n' {
			l.starts = append(l.starts, i+1)
		}
	}
	return l
}

// Position returns the line and column of an offset, both from 1; an offset outside the file is moved to its edge.
func (l *Lines) Position(offset int) (line, column int) {
	offset = min(max(offset, 0), l.size)
	i, found := slices.BinarySearch(l.starts, offset)
	if !found {
		i--
	}
	return i + 1, offset - l.starts[i] + 1
}

// Location returns the place of the bytes from start to end, end excluded.
func (l *Lines) Location(path string, start, end int) Location {
	line, column := l.Position(start)
	endLine, endColumn := l.Position(end)
	return Location{Path: path, Line: line, Column: column, EndLine: endLine, EndColumn: endColumn}
}

// Offset returns the offset of a line and column; what is outside of the file is moved to its edge.
func (l *Lines) Offset(line, column int) int {
	line = min(max(line, 1), len(l.starts))
	return min(l.starts[line-1]+max(column, 1)-1, l.size)
}
