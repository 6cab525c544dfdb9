package inventory_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// streams are YAML streams with what their documents say, as JSON; an error stands as its text after the line.
var streams = []struct {
	name, text string
	want       []string
}{
	{"empty", "", nil},
	{"comments only", "# nothing\n---\n# here\n", nil},
	{"two documents", "a: 1\n---\nb: [x, 'y', \"z\"]\n", []string{`{"a":1}`, `{"b":["x","y","z"]}`}},
	{"a marker with a comment", "--- # first\na: 1\n--- {b: 2}\n", []string{`{"a":1}`, `{"b":2}`}},
	{"dashes inside of a block", "a: |\n  ---\n  x\n---\nb: 1\n", []string{`{"a":"---\nx\n"}`, `{"b":1}`}},
	{"a broken one between two", "a: 1\n---\nb: [1\n---\nc: 3\n", []string{`{"a":1}`, `2 did not find expected ',' or ']'`, `{"c":3}`}},
	{"truth values of YAML 1.1", "a: yes\nb: off\nc: 'yes'\nd: True\ne: ~\n", []string{`{"a":true,"b":false,"c":"yes","d":true,"e":null}`}},
	{"numbers", "a: 0644\nb: 0x10\nc: 1.50\nd: 1e3\ne: .inf\nf: 1_000\n", []string{`{"a":420,"b":16,"c":1.5,"d":1000,"e":".inf","f":1000}`}},
	{"anchors and merges", "a: &a {x: 1, y: 2}\nb: {<<: *a, y: 3}\nc: *a\n", []string{`{"a":{"x":1,"y":2},"b":{"x":1,"y":3},"c":{"x":1,"y":2}}`}},
	{"of several merged the first counts", "a: &a {x: 1}\nb: &b {x: 2}\nc: {<<: [*a, *b]}\n", []string{`{"a":{"x":1},"b":{"x":2},"c":{"x":1}}`}},
	{"the later of two keys counts", "a: 1\na: 2\n", []string{`{"a":2}`}},
	{"a byte order mark", "\xef\xbb\xbfa: 1\n", []string{`{"a":1}`}},
	{"aliases that multiply", bomb(), []string{"1 aliases make more than 100000 values of it"}},
	{"too deep", strings.Repeat("[", 300) + strings.Repeat("]", 300), []string{"1 more than 200 levels inside each other"}},
	{"an alias of itself", "a: &a\n  b: *a\n", []string{"1 more than 200 levels inside each other"}},
	{"a tab", "a:\n\tb: 1\n", []string{"2 found character that cannot start any token"}},
}

func bomb() string {
	var b strings.Builder
	b.WriteString("a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n")
	for i := range 8 {
		b.WriteString("a" + string(rune('1'+i)) + ": &a" + string(rune('1'+i)) + " [" + strings.Repeat("*a"+string(rune('0'+i))+",", 10) + "]\n")
	}
	return b.String()
}

// shown is what documents say, as the tables have it.
func shown(t *testing.T, documents []inventory.Document) []string {
	t.Helper()
	var got []string
	for _, d := range documents {
		if d.Err != nil {
			line, _ := json.Marshal(d.Line)
			got = append(got, string(line)+" "+d.Err.Error())
			continue
		}
		text, err := json.Marshal(d.Value)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, string(text))
	}
	return got
}

func TestReadYAML(t *testing.T) {
	for _, tt := range streams {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, shown(t, inventory.ReadYAML("a.yaml", []byte(tt.text)))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestReadYAMLPlaces(t *testing.T) {
	const text = "kind: X\n---\n# comment\nspec:\n  ports:\n    - port: 80\n      name: 'web'\n  empty:\n  text: |\n    one\n    two\n  base: &b {x: 1}\n  more: *b\n"
	docs := inventory.ReadYAML("a.yaml", []byte(text))
	if len(docs) != 2 || docs[1].Err != nil {
		t.Fatalf("documents %v", docs)
	}
	tests := []struct {
		path                             []string
		line, column, endLine, endColumn int
	}{
		{nil, 4, 1, 12, 17},
		{[]string{"spec", "ports"}, 6, 5, 7, 18},
		{[]string{"spec", "ports", "port"}, 6, 13, 6, 15},
		{[]string{"spec", "ports", "name"}, 7, 13, 7, 18},
		{[]string{"spec", "empty"}, 8, 3, 8, 8},
		{[]string{"spec", "text"}, 9, 9, 11, 0},
		{[]string{"spec", "more", "x"}, 12, 16, 12, 17},
		{[]string{"spec", "absent"}, 5, 3, 12, 17},
	}
	for _, tt := range tests {
		want := inventory.Location{Path: "a.yaml", Line: tt.line, Column: tt.column, EndLine: tt.endLine, EndColumn: tt.endColumn}
		if got := docs[1].Value.Get(tt.path...).Location(); got != want {
			t.Errorf("%v stands at %v, want %v", tt.path, got, want)
		}
	}
}

func TestReadJSON(t *testing.T) {
	tests := []struct {
		name, text string
		want       []string
	}{
		{"object", "{\n\t\"a\": [1, true, null, \"x\"]\n}\n", []string{`{"a":[1,true,null,"x"]}`}},
		{"several", "{\"a\":1}\n{\"a\":2}\n", []string{`{"a":1}`, `{"a":2}`}},
		{"empty", " \n", nil},
		{"cut off", "{\"a\":\n1", []string{"2 unexpected EOF"}},
		{"too deep", strings.Repeat("[", 300), []string{"1 more than 200 levels inside each other"}},
		{"a number beyond all", "{\"a\":1e999}", []string{"1 1e999 is no number that fits: value out of range"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, shown(t, inventory.ReadJSON("a.json", []byte(tt.text)))); diff != "" {
				t.Error(diff)
			}
		})
	}
	docs := inventory.ReadJSON("a.json", []byte("{\n  \"a\": \"text\", \"b\": 12}\n"))
	if got, want := docs[0].Value.Get("a").Location(), (inventory.Location{Path: "a.json", Line: 2, Column: 8, EndLine: 2, EndColumn: 14}); got != want {
		t.Errorf("a stands at %v, want %v", got, want)
	}
	if got, want := docs[0].Value.Get("b").Location(), (inventory.Location{Path: "a.json", Line: 2, Column: 21, EndLine: 2, EndColumn: 23}); got != want {
		t.Errorf("b stands at %v, want %v", got, want)
	}
}

func FuzzReadYAML(f *testing.F) {
	for _, tt := range streams {
		f.Add([]byte(tt.text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		lines := strings.Count(string(data), "\n") + 1
		for _, d := range append(inventory.ReadYAML("a.yaml", data), inventory.ReadJSON("a.json", data)...) {
			if d.Line < 1 || d.Line > lines+1 {
				t.Errorf("line %d of %d", d.Line, lines)
			}
			if d.Err == nil {
				if _, err := json.Marshal(d.Value); err != nil {
					t.Error(err)
				}
			}
		}
	})
}

func TestMoved(t *testing.T) {
	docs := inventory.ReadYAML("a.yaml", []byte("a: [1, {b: 2}]\n"))
	moved := docs[0].Value.Moved(func(at inventory.Location) inventory.Location {
		return inventory.Location{Path: "b.yaml", Line: at.Line + 10}
	})
	for _, path := range [][]string{nil, {"a"}} {
		if at := moved.Get(path...).Location(); at.Path != "b.yaml" || at.Line != 11 {
			t.Errorf("%v stands at %v", path, at)
		}
	}
	if at := moved.Get("a").Elements()[1].Get("b").Location(); at.Path != "b.yaml" {
		t.Errorf("the inner value stands at %v", at)
	}
	if at := docs[0].Value.Get("a").Elements()[0].Location(); at.Path != "a.yaml" {
		t.Errorf("the value that was moved from stands at %v", at)
	}
}

func TestOffset(t *testing.T) {
	lines := inventory.NewLines([]byte("ab\ncd\n"))
	for _, tt := range [][3]int{{1, 1, 0}, {2, 2, 4}, {0, 0, 0}, {9, 9, 6}, {3, 1, 6}} {
		if got := lines.Offset(tt[0], tt[1]); got != tt[2] {
			t.Errorf("line %d, column %d is at %d, want %d", tt[0], tt[1], got, tt[2])
		}
	}
}
