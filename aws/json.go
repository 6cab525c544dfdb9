package aws

import (
	"encoding/json"
	"strconv"
	"strings"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// maxJSON bounds the JSON texts inside of values.
const maxJSON = 4 << 20

// fromJSON reads a JSON text that stands at a place; what is none is unknown.
func fromJSON(text string, at inventory.Location) inventory.Value {
	var raw any
	if len(text) > maxJSON || json.Unmarshal([]byte(text), &raw) != nil {
		return inventory.UnknownValue(at, inventory.Reason{Code: inventory.NotEvaluated, Ref: "JSON text"})
	}
	return inventory.FromJSON(raw, at)
}

// hole marks the place of an unknown part in a JSON text: a character that may stand in its strings and that nobody
// writes there, around the number of the part.
const hole = "\x7f"

// fromTemplate reads a JSON text that is put together from known texts and unknown values, such as a heredoc with
// references. What is known of it is known in the result.
func fromTemplate(v inventory.Value) inventory.Value {
	parts := v.Parts()
	var b strings.Builder
	quoted, escaped := false, false
	for i, p := range parts {
		text, ok := p.Text()
		if !ok || p.IsUnknown() {
			mark := hole + strconv.Itoa(i) + hole
			if !quoted {
				mark = `"` + mark + `"`
			}
			b.WriteString(mark)
			continue
		}
		if strings.Contains(text, hole) || b.Len()+len(text) > maxJSON {
			return v
		}
		for _, c := range []byte(text) {
			switch {
			case escaped:
				escaped = false
			case quoted && c == '\\':
				escaped = true
			case c == '"':
				quoted = !quoted
			}
		}
		b.WriteString(text)
	}
	read := fromJSON(b.String(), v.Location())
	if read.IsUnknown() {
		return v
	}
	return filled(read, parts)
}

// filled puts the unknown parts back into what was read.
func filled(v inventory.Value, parts []inventory.Value) inventory.Value {
	at := v.Location()
	switch v.Kind() {
	case inventory.List:
		elements := make([]inventory.Value, len(v.Elements()))
		for i, e := range v.Elements() {
			elements[i] = filled(e, parts)
		}
		return inventory.ListValue(elements, at)
	case inventory.Map:
		fields := make([]inventory.Field, len(v.Fields()))
		for i, f := range v.Fields() {
			fields[i] = inventory.Field{Name: f.Name, Value: filled(f.Value, parts)}
		}
		return inventory.MapValue(fields, at)
	case inventory.String:
		text, _ := v.Text()
		pieces := strings.Split(text, hole)
		if len(pieces) < 3 {
			return v
		}
		var inner []inventory.Value
		var reasons []inventory.Reason
		for i, piece := range pieces {
			if i%2 == 0 {
				if piece != "" {
					inner = append(inner, inventory.StringValue(piece, at))
				}
				continue
			}
			n, err := strconv.Atoi(piece)
			if err != nil || n < 0 || n >= len(parts) {
				return v
			}
			inner = append(inner, parts[n])
			reasons = append(reasons, parts[n].Reasons()...)
		}
		if len(inner) == 1 {
			return inner[0]
		}
		return inventory.UnknownValue(at, distinctReasons(reasons)...).WithParts(inner...)
	}
	return v
}
