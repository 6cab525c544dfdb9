package fix

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
)

// textEdit replaces the bytes from start to end of a file, so that everything else of it stays as it is.
type textEdit struct {
	path       string
	start, end int
	text       string
}

var errOverlap = errors.New("two changes of the same place")

// applyEdits makes all edits or none. Equal ones count once.
func applyEdits(ws *Workspace, edits []textEdit) error {
	slices.SortStableFunc(edits, func(a, b textEdit) int {
		return cmp.Or(cmp.Compare(a.path, b.path), cmp.Compare(a.start, b.start), cmp.Compare(a.end, b.end))
	})
	edits = slices.Compact(edits)
	made := map[string][]byte{}
	for at := 0; at < len(edits); {
		name := edits[at].path
		data, err := ws.ReadFile(name)
		if err != nil {
			return err
		}
		var out []byte
		done := 0
		for ; at < len(edits) && edits[at].path == name; at++ {
			e := edits[at]
			if e.start < done || e.end < e.start || e.end > len(data) {
				return fmt.Errorf("%s: %w", name, errOverlap)
			}
			out = append(append(out, data[done:e.start]...), e.text...)
			done = e.end
		}
		made[name] = append(out, data[done:]...)
	}
	for _, name := range sortedKeys(made) {
		if err := ws.WriteFile(name, made[name]); err != nil {
			return err
		}
	}
	return nil
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// union returns a with what of b it lacks.
func union(a, b []string) []string {
	for _, v := range b {
		if !slices.Contains(a, v) {
			a = append(slices.Clip(a), v)
		}
	}
	return a
}
