package inventory

import (
	"reflect"
	"testing"

	"github.com/trifecta-scanner/trifecta/internal/pack"
)

// every is a value in which every field of Value and detail says something.
func every() Value {
	at := Location{Path: "main.tf", Line: 3, Column: 1, EndLine: 3, EndColumn: 9}
	known := MapValue([]Field{
		{"b", ListValue([]Value{NumberValue(1.5, at), BoolValue(true, at), NullValue(at)}, at)},
		{"a", StringValue("text", at).AsDefault()},
		{"empty", ListValue([]Value{}, at)},
	}, at)
	return UnknownValue(at, Reason{Computed, "aws_vpc.main"}).WithRef(Ref{Resource: "aws_vpc.main", Attribute: "id", Root: "."}).
		WithCandidates(known, RestValue(at, Reason{Code: CountUnknown})).WithParts(StringValue("x", at)).WithEncoded(known).AsMaybe(Reason{Code: DataSource})
}

func TestValuePack(t *testing.T) {
	for _, want := range []Value{{}, every(), ListValue(nil, Location{}), MapValue([]Field{}, Location{})} {
		data, err := want.MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		var got Value
		if err := got.UnmarshalBinary(data); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(want, got) {
			t.Errorf("%+v became %+v", want, got)
		}
	}
	// A field that Value gets one day must be kept, too.
	for _, pair := range [][2]reflect.Type{
		{reflect.TypeFor[Value](), reflect.TypeFor[packedValue]()}, {reflect.TypeFor[detail](), reflect.TypeFor[packedDetail]()}, {reflect.TypeFor[Field](), reflect.TypeFor[packedField]()},
	} {
		if pair[0].NumField() != pair[1].NumField() {
			t.Errorf("%s has %d fields and %s keeps %d", pair[0], pair[0].NumField(), pair[1], pair[1].NumField())
		}
	}
	var v Value
	if err := v.UnmarshalBinary([]byte("nonsense")); err == nil {
		t.Error("nonsense is a value")
	}
}

// Everything that a source finds can be kept.
func TestInventoryPack(t *testing.T) {
	want := &Inventory{
		Resources: []*Resource{{ID: "a", Values: every(), Via: []Call{{Address: "module.a"}}, Exists: MayExist, Reasons: []Reason{{Code: CountUnknown}}}, {ID: "b"}},
		Builds:    []Build{{ID: "build:Dockerfile", Sources: []BuildSource{{Path: "."}}}},
		Notices:   []Notice{{Code: "x", Location: &Location{Path: "y"}}},
	}
	data, err := pack.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	got := new(Inventory)
	if err := pack.Unmarshal(data, got); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(want, got) {
		t.Errorf("%+v became %+v", want, got)
	}
}

func TestHasSensitive(t *testing.T) {
	secret := StringValue("s", Location{}).AsSensitive()
	for name, v := range map[string]Value{
		"itself": secret, "element": ListValue([]Value{secret}, Location{}), "field": MapValue([]Field{{"a", secret}}, Location{}),
		"candidate": UnknownValue(Location{}).WithCandidates(secret), "part": UnknownValue(Location{}).WithParts(secret), "encoded": UnknownValue(Location{}).WithEncoded(secret),
	} {
		if !v.hasSensitive() {
			t.Errorf("%s: not seen", name)
		}
		dir := t.TempDir()
		m := remember(t, dir, MemoryOptions{Build: "1"})
		_, inputs := shop(t, "a").Recording()
		m.KeepInventory("x", inputs, &Inventory{Resources: []*Resource{{Values: v}}})
		if m.Kept() != 0 {
			t.Errorf("%s: kept", name)
		}
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	}
	if every().hasSensitive() {
		t.Error("nothing in it is sensitive")
	}
}
