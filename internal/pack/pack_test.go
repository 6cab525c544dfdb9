package pack_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trifecta-scanner/trifecta/internal/pack"
)

type leaf struct {
	Word string
	Yes  bool
	N    int
	U    uint8
	F    float64
}

type tree struct {
	leaf
}

type node struct {
	Leaf     leaf
	Leaves   []leaf
	Next     *node
	Named    map[string][]string
	Raw      []byte
	Optional *int
}

func sample() node {
	n := -7
	return node{
		Leaf:   leaf{"a", true, -1 << 40, 255, 1.5},
		Leaves: []leaf{{Word: "a"}, {Word: strings.Repeat("ü", 300), N: 1 << 40}},
		Next:   &node{Leaves: []leaf{}, Named: map[string][]string{}, Raw: []byte{}},
		Named:  map[string][]string{"b": {"x", ""}, "a": nil, "c": {}},
		Raw:    []byte{0, 255}, Optional: &n,
	}
}

func TestRoundTrip(t *testing.T) {
	for _, want := range []node{{}, sample()} {
		data, err := pack.Marshal(&want)
		if err != nil {
			t.Fatal(err)
		}
		again, err := pack.Marshal(want)
		if err != nil || string(again) != string(data) {
			t.Errorf("the same value has other bytes: %v", err)
		}
		var got node
		if err := pack.Unmarshal(data, &got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" { // tells nil from empty
			t.Error(diff)
		}
		for i := range data {
			var cut node
			if err := pack.Unmarshal(data[:i], &cut); err == nil {
				t.Errorf("the first %d of %d bytes are taken for all", i, len(data))
			}
		}
		if err := pack.Unmarshal(append(data, 0), &got); !errors.Is(err, pack.ErrCorrupt) {
			t.Errorf("a byte too many: %v", err)
		}
	}
}

func TestRefused(t *testing.T) {
	for name, v := range map[string]any{
		"unexported":    tree{leaf{}},
		"interface":     struct{ V any }{1},
		"function":      struct{ F func() }{},
		"keys":          map[int]string{1: ""},
		"nil interface": struct{ E error }{},
	} {
		if _, err := pack.Marshal(v); err == nil {
			t.Errorf("%s: packed", name)
		}
	}
	cycle := &node{}
	cycle.Next = cycle
	if _, err := pack.Marshal(cycle); err == nil {
		t.Error("a value that holds itself was packed")
	}
	if err := pack.Unmarshal(nil, node{}); err == nil {
		t.Error("unpacked into no pointer")
	}
}

func FuzzUnmarshal(f *testing.F) {
	data, err := pack.Marshal(sample())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add([]byte("\x00\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		var n node
		if err := pack.Unmarshal(data, &n); err != nil {
			return
		}
		again, err := pack.Marshal(&n)
		if err != nil {
			t.Fatal(err)
		}
		var m node
		if err := pack.Unmarshal(again, &m); err != nil {
			t.Fatal(err)
		}
	})
}
