package fix

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestJSONText(t *testing.T) {
	const manifest = "{\n\t\"name\": \"shop\",\r\n\t\"dependencies\": {\n\t\t\"a\": \"1\",\n\t\t\"c\": \"2\"\n\t},\n\t\"empty\": {}\n}\n"
	tests := []struct {
		name, in, want string
		edit           func(*jsonText)
	}{
		{"change", manifest, "{\n\t\"name\": \"shop\",\r\n\t\"dependencies\": {\n\t\t\"a\": \"9\",\n\t\t\"c\": \"2\"\n\t},\n\t\"empty\": {}\n}\n",
			func(t *jsonText) { t.set(t.root.get("dependencies"), "a", "9") }},
		{"insert in order", manifest, "{\n\t\"name\": \"shop\",\r\n\t\"dependencies\": {\n\t\t\"a\": \"1\",\n\t\t\"b\": \"<9&\",\n\t\t\"c\": \"2\"\n\t},\n\t\"empty\": {}\n}\n",
			func(t *jsonText) { t.set(t.root.get("dependencies"), "b", "<9&") }},
		{"insert last", manifest, "{\n\t\"name\": \"shop\",\r\n\t\"dependencies\": {\n\t\t\"a\": \"1\",\n\t\t\"c\": \"2\",\n\t\t\"d\": \"9\"\n\t},\n\t\"empty\": {}\n}\n",
			func(t *jsonText) { t.set(t.root.get("dependencies"), "d", "9") }},
		{"insert into nothing", manifest, "{\n\t\"name\": \"shop\",\r\n\t\"dependencies\": {\n\t\t\"a\": \"1\",\n\t\t\"c\": \"2\"\n\t},\n\t\"empty\": {\n\t\t\"d\": \"9\"\n\t}\n}\n",
			func(t *jsonText) { t.set(t.root.get("empty"), "d", "9") }},
		{"remove the first", manifest, "{\n\t\"name\": \"shop\",\r\n\t\"dependencies\": {\n\t\t\"c\": \"2\"\n\t},\n\t\"empty\": {}\n}\n",
			func(t *jsonText) { t.remove(t.root.get("dependencies"), 0) }},
		{"remove the last", manifest, "{\n\t\"name\": \"shop\",\r\n\t\"dependencies\": {\n\t\t\"a\": \"1\"\n\t},\n\t\"empty\": {}\n}\n",
			func(t *jsonText) { t.remove(t.root.get("dependencies"), 1) }},
		{"remove all", manifest, "{\n\t\"name\": \"shop\",\r\n\t\"dependencies\": {},\n\t\"empty\": {}\n}\n",
			func(t *jsonText) { t.remove(t.root.get("dependencies"), 0, 1) }},
		{"one line", `{"a":{"b":"1"}}`, `{"a":{"b":"1","c":"2"}}`, func(t *jsonText) { t.set(t.root.get("a"), "c", "2") }},
		{"the last of two names", `{"a":"1","a":"2"}`, `{"a":"1","a":"3"}`, func(t *jsonText) { t.set(t.root, "a", "3") }},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			text, err := parseJSON([]byte(test.in))
			if err != nil {
				t.Fatal(err)
			}
			test.edit(text)
			got, err := text.bytes()
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, string(got)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestCompareNames(t *testing.T) {
	// In the order in which npm writes them.
	sorted := []string{"_x", "@babel/core", "@types/node", "1to2", "a", "A", "a-b", "a.b", "aa", "ab", "b_c", "b-c", "bc"}
	for i := range sorted {
		for j := range sorted {
			got := compareNames(sorted[i], sorted[j])
			if want := i - j; got < 0 != (want < 0) || got > 0 != (want > 0) {
				t.Errorf("compareNames(%q, %q) = %d", sorted[i], sorted[j], got)
			}
		}
	}
}

func FuzzJSONText(f *testing.F) {
	f.Add([]byte(`{"dependencies": {"a": "1"}}`))
	f.Add([]byte("\xef\xbb\xbf{\n  \"dependencies\": {}\n}"))
	f.Add([]byte(`{"dependencies":[1,{"x":"\u00e4"}],"a":"b"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		text, err := parseJSON(data)
		if err != nil {
			return
		}
		object := text.root
		if v := object.get("dependencies"); v != nil && v.kind == '{' {
			object = v
		}
		text.set(object, "new name", "new value")
		out, err := text.bytes()
		if err != nil {
			t.Fatal(err)
		}
		again, err := parseJSON(out)
		if err != nil {
			t.Fatalf("%q became %q: %v", data, out, err)
		}
		object = again.root
		if v := object.get("dependencies"); v != nil && v.kind == '{' {
			object = v
		}
		if object.get("new name").str() != "new value" {
			t.Errorf("%q became %q", data, out)
		}
		if json.Valid(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))) && !json.Valid(bytes.TrimPrefix(out, []byte("\xef\xbb\xbf"))) {
			t.Errorf("%q became %q, which is not valid", data, out)
		}
	})
}
