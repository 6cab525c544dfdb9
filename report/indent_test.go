package report

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"testing"
)

func FuzzIndented(f *testing.F) {
	for _, seed := range []string{`{}`, `[]`, `{"a":[1,{},[],"x\\\"]{",null,true],"b":{"c":-1.5e9}}`, `"a\\"`, `3`, `[[[]]]`, `{"\u2028":"ü"}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var compact, want bytes.Buffer
		if json.Compact(&compact, data) != nil {
			t.Skip("no JSON")
		}
		if err := json.Indent(&want, compact.Bytes(), "    ", "  "); err != nil {
			t.Fatal(err)
		}
		var got bytes.Buffer
		out := bufio.NewWriter(&got)
		if err := errors.Join(indented(out, compact.Bytes(), "    "), out.Flush()); err != nil {
			t.Fatal(err)
		}
		if got.String() != want.String() {
			t.Errorf("%s\nwant\n%s", got.String(), want.String())
		}
	})
}
