package fix

import (
	"testing"

	"github.com/trifecta-scanner/trifecta/scanner"
)

func TestMergeLine(t *testing.T) {
	for _, tt := range []struct{ name, base, a, b, want string }{
		{"two places", "x = 1, y = 2", "x = 3, y = 2", "x = 1, y = 4", "x = 3, y = 4"},
		{"the other order", "x = 1, y = 2", "x = 1, y = 4", "x = 3, y = 2", "x = 3, y = 4"},
		{"the same", "x = 1", "x = 2", "x = 2", "x = 2"},
		{"nothing and something", "x = 1", "x = 1", "x = 2", "x = 2"},
		{"longer", `a = "1", b = "2"`, `a = "one", b = "2"`, `a = "1", b = ""`, `a = "one", b = ""`},
		{"one place, two texts", "x = 1", "x = 2", "x = 3", ""},
		{"one place within the other", "x = 123", "x = 456", "x = 153", ""},
		{"two ids with one beginning", "{a = ami-01, b = ami-02}", "{a = ami-03, b = ami-02}", "{a = ami-01, b = ami-04}", "{a = ami-03, b = ami-04}"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, ok := mergeLine(tt.base, tt.a, tt.b)
			if ok != (tt.want != "") || ok && got != tt.want {
				t.Errorf("%q, %v; want %q", got, ok, tt.want)
			}
		})
	}
}

// TestEditAfterOthers makes an edit of the scanned tree in a file that another change has written since.
func TestEditAfterOthers(t *testing.T) {
	const was = "one\ntwo\nthree = 1, 2\nfour\n"
	third := func(text string) scanner.Edit {
		return scanner.Edit{Path: "a.tf", Line: 3, EndLine: 3, Text: text}
	}
	for _, tt := range []struct {
		name, now string
		edit      scanner.Edit
		want      string // empty: it can't be made
	}{
		{"a line above went", "two\nthree = 1, 2\nfour\n", third("three = 9, 2"), "two\nthree = 9, 2\nfour\n"},
		{"lines above came", "zero\none\none and a half\ntwo\nthree = 1, 2\nfour\n", third("three = 9, 2"), "zero\none\none and a half\ntwo\nthree = 9, 2\nfour\n"},
		{"a line below came", "one\ntwo\nthree = 1, 2\nfour\nfive\n", third("three = 9, 2"), "one\ntwo\nthree = 9, 2\nfour\nfive\n"},
		{"lines around came", "zero\none\ntwo\nthree = 1, 2\nfour\nfive\n", third("three = 9, 2"), "zero\none\ntwo\nthree = 9, 2\nfour\nfive\n"},
		{"another part of the line", "one\ntwo\nthree = 1, 7\nfour\n", third("three = 9, 2"), "one\ntwo\nthree = 9, 7\nfour\n"},
		{"the same part of the line", "one\ntwo\nthree = 5, 2\nfour\n", third("three = 9, 2"), ""},
		{"other lines of the file", "ONE\ntwo\nthree = 1, 2\nFOUR\n", third("three = 9, 2"), "ONE\ntwo\nthree = 9, 2\nFOUR\n"},
		{"the line went", "one\ntwo\nfour\n", third("three = 9, 2"), ""},
		{"the line stands twice now", "zero\nthree = 1, 2\none\ntwo\nthree = 1, 2\nfive\n", third("three = 9, 2"), ""},
		{"two lines, of which one changed", "one\nTWO\nthree = 1, 2\nfour\n", scanner.Edit{Path: "a.tf", Line: 2, EndLine: 3, Text: "23"}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ws := NewWorkspace(treeOf(t, map[string]string{"a.tf": was}))
			if err := ws.WriteFile("a.tf", []byte(tt.now)); err != nil {
				t.Fatal(err)
			}
			err := edit(ws, []scanner.Edit{tt.edit})
			if (err != nil) != (tt.want == "") {
				t.Fatal(err)
			}
			got, readErr := ws.ReadFile("a.tf")
			if readErr != nil {
				t.Fatal(readErr)
			}
			if want := tt.want; err == nil && string(got) != want {
				t.Errorf("got %q, want %q", got, want)
			}
			if err != nil && string(got) != tt.now {
				t.Errorf("an edit that can't be made left %q", got)
			}
		})
	}
}

func FuzzRebase(f *testing.F) {
	f.Add("one\ntwo\n", "zero\none\ntwo\n", 2, 2, "2")
	f.Add("x = 1, 2", "x = 1, 3", 1, 1, "x = 4, 2")
	f.Fuzz(func(t *testing.T, was, now string, line, end int, text string) {
		ws := NewWorkspace(treeOf(t, map[string]string{"a.tf": was}))
		if err := ws.WriteFile("a.tf", []byte(now)); err != nil {
			t.Skip()
		}
		if err := edit(ws, []scanner.Edit{{Path: "a.tf", Line: line, EndLine: end, Text: text}}); err != nil {
			if data, _ := ws.ReadFile("a.tf"); string(data) != now {
				t.Errorf("%v, and yet %q became %q", err, now, data)
			}
		}
	})
}
