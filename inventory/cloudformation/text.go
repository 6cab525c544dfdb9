package cloudformation

import (
	"encoding/base64"
	"encoding/json"
	"regexp"
	"slices"
	"strings"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// concat returns the text that parts make. Where not all of it is known, what is known stays as its parts.
func (s *stack) concat(at inventory.Location, parts []inventory.Value) inventory.Value {
	var flat []inventory.Value
	var reasons []inventory.Reason
	sensitive, known := false, true
	var pending strings.Builder
	flush := func() {
		if pending.Len() > 0 {
			flat = append(flat, inventory.StringValue(pending.String(), at))
			pending.Reset()
		}
	}
	for _, part := range parts {
		sensitive = sensitive || part.IsSensitive()
		pieces := part.Parts()
		if !part.IsUnknown() || len(pieces) == 0 {
			pieces = []inventory.Value{part}
		}
		for _, piece := range pieces {
			sensitive = sensitive || piece.IsSensitive()
			if t, ok := piece.Text(); ok && !piece.IsMaybe() {
				if pending.Len()+len(t) > maxText {
					s.notice("template-budget", at, "%s: a text longer than %d KiB was not put together", s.tmpl.path, maxText>>10)
					return unknown(at, inventory.NotEvaluated, "budget")
				}
				pending.WriteString(t)
				continue
			}
			if piece.IsNull() {
				continue
			}
			flush()
			known = false
			reasons = union(reasons, piece.AllReasons())
			if !piece.IsUnknown() && !piece.IsMaybe() { // a list or an object is no text
				piece = unknown(piece.Location(), inventory.NotEvaluated, "text")
				reasons = union(reasons, piece.Reasons())
			}
			flat = append(flat, piece)
		}
	}
	var v inventory.Value
	switch {
	case known:
		v = s.dynamic(inventory.StringValue(pending.String(), at))
	case len(flat) == 1 && pending.Len() == 0:
		v = flat[0].At(at)
	default:
		flush()
		if len(flat) > maxParts {
			flat = append(flat[:maxParts:maxParts], unknown(at, inventory.NotEvaluated, "budget"))
		}
		v = inventory.UnknownValue(at, reasons...).WithParts(flat...)
		if candidates := s.products(at, flat); candidates != nil {
			v = v.WithCandidates(candidates...)
		}
		sensitive = sensitive || secretParts(flat)
	}
	if sensitive {
		v = v.AsSensitive()
	}
	return v
}

// products returns the texts that parts with candidates make; nil where there are too many, or one is not known.
func (s *stack) products(at inventory.Location, parts []inventory.Value) []inventory.Value {
	texts := []string{""}
	for _, part := range parts {
		var next []string
		for _, c := range choices(part) {
			t, ok := c.Text()
			if !ok || part.IsMaybe() || part.IsSensitive() {
				return nil
			}
			for _, prefix := range texts {
				if len(next) >= maxCandidates || len(prefix)+len(t) > maxText/maxCandidates {
					return nil
				}
				next = append(next, prefix+t)
			}
		}
		texts = next
	}
	candidates := make([]inventory.Value, len(texts))
	for i, t := range texts {
		candidates[i] = s.dynamic(inventory.StringValue(t, at))
	}
	return candidates
}

// dynamicPattern is a reference that CloudFormation resolves at deployment
// (https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/dynamic-references.html).
var dynamicPattern = regexp.MustCompile(`\{\{resolve:((?:ssm|ssm-secure|secretsmanager):[^{}]+)\}\}`)

const dynamicStart = "{{resolve:"

// dynamic returns a text with the dynamic references in it as unknown parts.
func (s *stack) dynamic(v inventory.Value) inventory.Value {
	t, ok := v.Text()
	if !ok || !strings.Contains(t, dynamicStart) {
		return v
	}
	at := v.Location()
	var parts []inventory.Value
	var reasons []inventory.Reason
	end := 0
	secret := v.IsSensitive()
	for _, m := range dynamicPattern.FindAllStringSubmatchIndex(t, -1) {
		if m[0] > end {
			parts = append(parts, inventory.StringValue(t[end:m[0]], at))
		}
		ref := s.dynamicReference(t[m[2]:m[3]], at)
		secret = secret || ref.IsSensitive()
		reasons = union(reasons, ref.Reasons())
		parts = append(parts, ref)
		end = m[1]
		if len(parts) > maxParts {
			break
		}
	}
	if len(parts) == 0 {
		return v
	}
	if end < len(t) {
		parts = append(parts, inventory.StringValue(t[end:], at))
	}
	if len(parts) == 1 {
		return parts[0]
	}
	whole := inventory.UnknownValue(at, reasons...).WithParts(parts...)
	if secret {
		whole = whole.AsSensitive()
	}
	return whole
}

// dynamicReference is a value that stands in a parameter of Systems Manager or in a secret: "ssm:/path",
// "secretsmanager:name:SecretString:key". Its Ref is "resolve:" and this, and its attribute is empty.
func (s *stack) dynamicReference(name string, at inventory.Location) inventory.Value {
	ref := "resolve:" + name
	v := unknown(at, inventory.DataSource, ref).WithRef(inventory.Ref{Resource: inventory.ID(ref)})
	if !strings.HasPrefix(name, "ssm:") {
		v = v.AsSensitive()
	}
	return v
}

// secretParts reports whether the parts of a text make a reference to a secret whose name is not known as a whole.
func secretParts(parts []inventory.Value) bool {
	return slices.ContainsFunc(parts, func(part inventory.Value) bool {
		t, _ := part.Text()
		return strings.Contains(t, dynamicStart+"secretsmanager:") || strings.Contains(t, dynamicStart+"ssm-secure:")
	})
}

// split cuts a text. What is computed, such as an id, holds none of the delimiters that lists are written with.
func (s *stack) split(n, arg *node) inventory.Value {
	items := arg.elements()
	if len(items) != 2 {
		return s.wrong(n, "Fn::Split", "a delimiter and a text")
	}
	delimiter, ok := s.eval(items[0]).Text()
	if !ok || delimiter == "" {
		return s.wrong(n, "Fn::Split", "a delimiter")
	}
	return s.splitText(n, delimiter, s.eval(items[1]))
}

func (s *stack) splitText(n *node, delimiter string, v inventory.Value) inventory.Value {
	if t, ok := v.Text(); ok {
		pieces := strings.Split(t, delimiter)
		elements := make([]inventory.Value, len(pieces))
		for i, piece := range pieces {
			elements[i] = inventory.StringValue(piece, v.Location())
		}
		return inventory.ListValue(elements, n.at)
	}
	if !v.IsUnknown() {
		return s.wrong(n, "Fn::Split", "a text")
	}
	if len(v.Candidates()) > 0 && len(v.Parts()) == 0 {
		return s.over(v, n.at, func(v inventory.Value) inventory.Value { return s.splitText(n, delimiter, v) })
	}
	parts := v.Parts()
	if len(parts) == 0 {
		parts = []inventory.Value{v}
	}
	var elements, current []inventory.Value
	for _, part := range parts {
		t, ok := part.Text()
		if !ok {
			ref, isRef := part.Ref()
			whole := isRef && strings.Trim(delimiter, ",;| ") == "" && !strings.HasPrefix(string(ref.Resource), "resolve:")
			if !whole || part.IsMaybe() {
				return inventory.UnknownValue(n.at, v.AllReasons()...)
			}
			current = append(current, part)
			continue
		}
		for i, piece := range strings.Split(t, delimiter) {
			if i > 0 {
				elements = append(elements, s.concat(n.at, current))
				current = nil
			}
			if piece != "" {
				current = append(current, inventory.StringValue(piece, part.Location()))
			}
		}
	}
	return inventory.ListValue(append(elements, s.concat(n.at, current)), n.at)
}

// base64 encodes a text. What it encodes stays with the value, known as a whole or in part: user data is read there.
func (s *stack) base64(n *node, v inventory.Value) inventory.Value {
	result := inventory.UnknownValue(n.at, v.AllReasons()...)
	if t, ok := v.Text(); ok {
		result = inventory.StringValue(base64.StdEncoding.EncodeToString([]byte(t)), n.at)
	}
	result = result.WithEncoded(v)
	if v.IsSensitive() {
		result = result.AsSensitive()
	}
	return result
}

func (s *stack) toJSON(n *node, v inventory.Value) inventory.Value {
	result := inventory.UnknownValue(n.at, v.AllReasons()...)
	if v.Known() && !hasSecret(v) {
		if data, err := json.Marshal(v); err == nil && len(data) <= maxText {
			result = inventory.StringValue(string(data), n.at)
		}
	}
	if result = result.WithEncoded(v); hasSecret(v) {
		result = result.AsSensitive()
	}
	return result
}

// hasSecret reports whether anything in a value must not be shown.
func hasSecret(v inventory.Value) bool {
	if v.IsSensitive() {
		return true
	}
	if v.Kind() == inventory.List || v.Kind() == inventory.Map {
		return slices.ContainsFunc(v.Elements(), hasSecret)
	}
	return false
}
