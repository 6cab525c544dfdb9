package fix

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/trifecta-scanner/trifecta/scanner"
)

// edit replaces lines of the tree. Edits are in order of path and line and speak of the tree as it was scanned: where the
// workspace has changed a file since, they are made where these lines are now. Two of them may not touch the same line. Line
// ends stay what they are in the file.
func edit(ws *Workspace, edits []scanner.Edit) error {
	byPath := map[string][]scanner.Edit{}
	var paths []string
	for _, e := range edits {
		if byPath[e.Path] == nil {
			paths = append(paths, e.Path)
		}
		byPath[e.Path] = append(byPath[e.Path], e)
	}
	for _, name := range paths {
		data, err := ws.ReadFile(name)
		if err != nil {
			return err
		}
		was, err := ws.Tree().ReadFile(name)
		if err != nil {
			return err
		}
		now, base := strings.SplitAfter(string(data), "\n"), strings.SplitAfter(string(was), "\n")
		list := slices.Clone(byPath[name])
		if string(data) != string(was) {
			for i := range list {
				if list[i], err = rebase(base, now, list[i]); err != nil {
					return err
				}
			}
		}
		if now, err = replaceLines(now, list); err != nil {
			return err
		}
		if err := ws.WriteFile(name, []byte(strings.Join(now, ""))); err != nil {
			return err
		}
	}
	return nil
}

func replaceLines(lines []string, edits []scanner.Edit) ([]string, error) {
	slices.SortFunc(edits, func(a, b scanner.Edit) int { return b.Line - a.Line })
	last := len(lines) + 1
	for _, e := range edits {
		end := max(e.EndLine, e.Line)
		if e.Line < 1 || end >= last || end > len(lines) {
			return nil, fmt.Errorf("%s:%d: the lines to change are not there", e.Path, e.Line)
		}
		last = e.Line
		ending := lineEnd(lines[end-1])
		text := strings.ReplaceAll(strings.TrimSuffix(e.Text, "\n"), "\n", cmp.Or(ending, "\n"))
		if e.Text != "" {
			text += ending
		}
		lines = slices.Replace(lines, e.Line-1, end, text)
	}
	return lines, nil
}

// lineEnd returns how a line ends; empty for the last one of a file without an end.
func lineEnd(line string) string {
	switch {
	case strings.HasSuffix(line, "\r\n"):
		return "\r\n"
	case strings.HasSuffix(line, "\n"):
		return "\n"
	}
	return ""
}

var errLinesChanged = errors.New("another change has written these lines")

// rebase returns the edit of base that does the same to now.
func rebase(base, now []string, e scanner.Edit) (scanner.Edit, error) {
	end := max(e.EndLine, e.Line)
	if e.Line < 1 || end > len(base) {
		return e, fmt.Errorf("%s:%d: the lines to change are not there", e.Path, e.Line)
	}
	most := min(len(base), len(now))
	before := 0
	for before < most && base[before] == now[before] {
		before++
	}
	behind := 0
	for behind < most-before && base[len(base)-1-behind] == now[len(now)-1-behind] {
		behind++
	}
	move := func(by int) scanner.Edit {
		e.Line, e.EndLine = e.Line+by, end+by
		return e
	}
	switch {
	case end <= before:
		return e, nil
	case e.Line > len(base)-behind:
		return move(len(now) - len(base)), nil
	case len(base) == len(now) && slices.Equal(base[e.Line-1:end], now[e.Line-1:end]):
		return e, nil
	case len(base) == len(now) && e.Line == end:
		text, ok := mergeLine(trimEnd(base[end-1]), trimEnd(now[end-1]), strings.TrimSuffix(e.Text, "\n"))
		if !ok {
			return e, fmt.Errorf("%s:%d: %w", e.Path, e.Line, errLinesChanged)
		}
		e.Text = text
		return e, nil
	}
	// Lines came or went: they are found again where they stand once.
	found := -1
	for at := before; at+end-e.Line+1 <= len(now)-behind; at++ {
		if slices.Equal(now[at:at+end-e.Line+1], base[e.Line-1:end]) {
			if found >= 0 {
				return e, fmt.Errorf("%s:%d: %w", e.Path, e.Line, errLinesChanged)
			}
			found = at
		}
	}
	if found < 0 {
		return e, fmt.Errorf("%s:%d: %w", e.Path, e.Line, errLinesChanged)
	}
	return move(found - (e.Line - 1)), nil
}

func trimEnd(line string) string { return strings.TrimSuffix(line, lineEnd(line)) }

// mergeLine does to a line what two others do to it, and reports false where they change the same part.
func mergeLine(base, a, b string) (string, bool) {
	if a == b {
		return a, true
	}
	aStart, aEnd := differs(base, a)
	bStart, bEnd := differs(base, b)
	if bStart < aStart || bStart == aStart && bEnd < aEnd {
		a, b, aStart, aEnd, bStart = b, a, bStart, bEnd, aStart
	}
	if aEnd > bStart || aStart == bStart {
		return "", false
	}
	return a[:len(a)-(len(base)-aEnd)] + base[aEnd:bStart] + b[bStart:], true
}

// differs returns the part of base that is another one in text.
func differs(base, text string) (start, end int) {
	most := min(len(base), len(text))
	for start < most && base[start] == text[start] {
		start++
	}
	behind := 0
	for behind < most-start && base[len(base)-1-behind] == text[len(text)-1-behind] {
		behind++
	}
	return start, len(base) - behind
}

// joinEdits makes the edits of one line one edit, as several images can stand on it.
func (p *planner) joinEdits(c *Change) error {
	slices.SortStableFunc(c.Edits, func(a, b scanner.Edit) int {
		if a.Path != b.Path {
			return strings.Compare(a.Path, b.Path)
		}
		return a.Line - b.Line
	})
	files := map[string][]string{}
	var joined []scanner.Edit
	for _, e := range c.Edits {
		last := len(joined) - 1
		single := func(e scanner.Edit) bool { return e.EndLine <= e.Line }
		if last < 0 || joined[last].Path != e.Path || joined[last].Line != e.Line || !single(e) || !single(joined[last]) {
			joined = append(joined, e)
			continue
		}
		if files[e.Path] == nil {
			data, err := p.ws.ReadFile(e.Path)
			if err != nil {
				return err
			}
			files[e.Path] = strings.SplitAfter(string(data), "\n")
		}
		if e.Line > len(files[e.Path]) {
			return fmt.Errorf("%s:%d: the lines to change are not there", e.Path, e.Line)
		}
		text, ok := mergeLine(trimEnd(files[e.Path][e.Line-1]), joined[last].Text, e.Text)
		if !ok {
			return fmt.Errorf("%s:%d is to become two things at once", e.Path, e.Line)
		}
		joined[last].Text = text
	}
	c.Edits = joined
	return nil
}
