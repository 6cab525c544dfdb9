package inventory

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestValueGet(t *testing.T) {
	at := Location{Path: "main.tf", Line: 3}
	missing := Reason{VarNoDefault, "var.rules"}
	v := MapValue([]Field{
		{"b", ListValue([]Value{MapValue([]Field{{"c", StringValue("443", at)}}, at)}, at)},
		{"u", UnknownValue(at, missing).WithCandidates(MapValue([]Field{{"c", BoolValue(true, at)}}, at), NullValue(at))},
		{"a", NumberValue(1, at)}, {"a", NumberValue(2, at)},
	}, at)
	if n, ok := v.Get("a").Int(); !ok || n != 2 {
		t.Errorf("a = %d, %v; of two fields with one name the later one counts", n, ok)
	}
	if n, ok := v.Get("b", "c").Int(); !ok || n != 443 {
		t.Errorf("b.c = %d, %v", n, ok)
	}
	if !v.Get("b", "d").IsNull() || !v.Get("a", "b").IsNull() || v.Get("b", "d").Location() != at {
		t.Error("what is not there is null, at the place of what should hold it")
	}
	u := v.Get("u", "c")
	if !u.IsUnknown() || !cmp.Equal(u.Reasons(), []Reason{missing}) || len(u.Candidates()) != 2 {
		t.Errorf("u.c = %+v; it is unknown for the reason of u, and one of two candidates", u)
	}
	if b, ok := u.Candidates()[0].Bool(); !ok || !b || !u.Candidates()[1].IsNull() {
		t.Errorf("candidates %+v", u.Candidates())
	}
}

func TestValueElements(t *testing.T) {
	at := Location{}
	for _, tt := range []struct {
		value Value
		count int
		rest  bool
	}{
		{NullValue(at), 0, false},
		{StringValue("a", at), 1, false},
		{ListValue([]Value{NullValue(at), NullValue(at)}, at), 2, false},
		{UnknownValue(at, Reason{Code: Computed}), 1, true},
	} {
		elements := tt.value.Elements()
		if len(elements) != tt.count || tt.rest != (len(elements) > 0 && elements[0].IsRest()) {
			t.Errorf("%+v has elements %+v", tt.value, elements)
		}
	}
	if v := UnknownValue(at); v.Elements()[0].IsMaybe() == v.IsMaybe() {
		t.Error("asking for the elements changed the value")
	}
}

func TestValueKnown(t *testing.T) {
	at := Location{}
	inner := UnknownValue(at, Reason{Computed, "aws_vpc.a"})
	v := ListValue([]Value{StringValue("x", at), MapValue([]Field{{"k", inner}}, at)}, at)
	if v.Known() || !StringValue("x", at).Known() || StringValue("x", at).AsMaybe(Reason{CountUnknown, "var.n"}).Known() {
		t.Error("a value is known when all of it is, and is there")
	}
	if diff := cmp.Diff([]Reason{{Computed, "aws_vpc.a"}}, v.AllReasons()); diff != "" {
		t.Error(diff)
	}
}

func TestValueJSON(t *testing.T) {
	at := Location{}
	v := MapValue([]Field{
		{"id", UnknownValue(at, Reason{Computed, "aws_vpc.a"}).WithRef(Ref{Resource: "aws_vpc.a", Attribute: "id", Root: "network.yaml"})},
		{"password", StringValue("hunter2", at).AsSensitive()},
		{"list", ListValue(nil, at)}, {"n", NumberValue(1.5, at)}, {"b", BoolValue(false, at)}, {"none", NullValue(at)},
	}, at)
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"b":false,"id":{"$ref":"aws_vpc.a.id","$root":"network.yaml","$unknown":[{"code":"COMPUTED","ref":"aws_vpc.a"}]},"list":[],"n":1.5,"none":null,"password":{"$sensitive":true}}`
	if diff := cmp.Diff(want, string(data)); diff != "" {
		t.Error(diff)
	}
	var again Value
	if err := json.Unmarshal(data, &again); err != nil {
		t.Fatal(err)
	}
	if ref, ok := again.Get("id").Ref(); !ok || ref != (Ref{Resource: "aws_vpc.a", Attribute: "id", Root: "network.yaml"}) || !again.Get("password").IsSensitive() {
		t.Errorf("read back: %+v", again)
	}
	second, err := json.Marshal(again)
	if err != nil || string(second) != want {
		t.Errorf("written again: %s, %v", second, err)
	}
}
