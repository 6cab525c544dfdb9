package inventory

import "github.com/trifecta-scanner/trifecta/internal/pack"

// packedValue is a Value as a Memory keeps it: every field, by its own name.
type packedValue struct {
	Kind   Kind
	Flags  valueFlags
	Number float64
	Text   string
	List   []packedValue
	Fields []packedField
	At     Location
	Detail *packedDetail
}

type packedField struct {
	Name  string
	Value packedValue
}

type packedDetail struct {
	Reasons    []Reason
	Ref        *Ref
	Candidates []packedValue
	Parts      []packedValue
	Encoded    *packedValue
}

// MarshalBinary implements encoding.BinaryMarshaler for a Memory. The form is that of this build of the program.
func (v Value) MarshalBinary() ([]byte, error) {
	p := v.pack()
	return pack.Marshal(&p)
}

// UnmarshalBinary implements encoding.BinaryUnmarshaler, likewise.
func (v *Value) UnmarshalBinary(data []byte) error {
	var p packedValue
	if err := pack.Unmarshal(data, &p); err != nil {
		return err
	}
	*v = p.unpack()
	return nil
}

func (v Value) pack() packedValue {
	p := packedValue{Kind: v.kind, Flags: v.flags, Number: v.number, Text: v.text, At: v.at, List: each(v.list, Value.pack)}
	p.Fields = each(v.fields, func(f Field) packedField { return packedField{f.Name, f.Value.pack()} })
	if d := v.detail; d != nil {
		p.Detail = &packedDetail{Reasons: d.reasons, Ref: d.ref, Candidates: each(d.candidates, Value.pack), Parts: each(d.parts, Value.pack)}
		if d.encoded != nil {
			inner := d.encoded.pack()
			p.Detail.Encoded = &inner
		}
	}
	return p
}

func (p packedValue) unpack() Value {
	v := Value{kind: p.Kind, flags: p.Flags, number: p.Number, text: p.Text, at: p.At, list: each(p.List, packedValue.unpack)}
	v.fields = each(p.Fields, func(f packedField) Field { return Field{f.Name, f.Value.unpack()} })
	if d := p.Detail; d != nil {
		v.detail = &detail{reasons: d.Reasons, ref: d.Ref, candidates: each(d.Candidates, packedValue.unpack), parts: each(d.Parts, packedValue.unpack)}
		if d.Encoded != nil {
			inner := d.Encoded.unpack()
			v.detail.encoded = &inner
		}
	}
	return v
}

// each applies a function to every element, and keeps no list apart from an empty one.
func each[A, B any](list []A, of func(A) B) []B {
	if list == nil {
		return nil
	}
	all := make([]B, len(list))
	for i, a := range list {
		all[i] = of(a)
	}
	return all
}

// hasSensitive reports whether something in v must not be shown.
func (v Value) hasSensitive() bool {
	if v.IsSensitive() {
		return true
	}
	for _, e := range v.list {
		if e.hasSensitive() {
			return true
		}
	}
	for _, f := range v.fields {
		if f.Value.hasSensitive() {
			return true
		}
	}
	d := v.detail
	if d == nil {
		return false
	}
	for _, list := range [][]Value{d.candidates, d.parts} {
		for _, e := range list {
			if e.hasSensitive() {
				return true
			}
		}
	}
	return d.encoded != nil && d.encoded.hasSensitive()
}
