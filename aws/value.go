package aws

import (
	"net/netip"
	"slices"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// Value is one leaf of the model. The zero Value is absent: neither written nor set by a default. Its methods never
// fail; what is not known is asked for with Unknown, Reasons and Candidates.
type Value[T comparable] struct {
	value T
	state state
	flags flags
	at    place
	why   *doubt[T]
}

type state uint8

const (
	absent state = iota
	written
	byDefault
	unknown
)

type flags uint8

const (
	maybe flags = 1 << iota
	rest
	sensitive
)

// doubt is what unknown values and those that may not be there have.
type doubt[T comparable] struct {
	reasons    []inventory.Reason
	candidates []Value[T]
	ref        *inventory.Ref
	key        string // equal for unknown values that are the same for certain
}

// place is a Location in half its size: a model has millions of them.
type place struct {
	path                             string
	line, column, endLine, endColumn int32
}

func placeOf(l inventory.Location) place {
	return place{l.Path, int32(l.Line), int32(l.Column), int32(l.EndLine), int32(l.EndColumn)} //nolint:gosec // lines of a file that fits into memory
}

func (p place) location() inventory.Location {
	return inventory.Location{Path: p.path, Line: int(p.line), Column: int(p.column), EndLine: int(p.endLine), EndColumn: int(p.endColumn)}
}

// The usual leaves.
type (
	// Bool is a truth value.
	Bool = Value[bool]
	// Int is a whole number.
	Int = Value[int]
	// Text is a text; enumerated values keep the case in which AWS documents them.
	Text = Value[string]
	// Prefix is an address range of either family.
	Prefix = Value[netip.Prefix]
)

// Known returns what v is, written or by default.
func (v Value[T]) Known() (T, bool) {
	return v.value, (v.state == written || v.state == byDefault) && v.flags&maybe == 0
}

// Or returns what v is, or otherwise where that is not known or absent.
func (v Value[T]) Or(otherwise T) T {
	if v.state == written || v.state == byDefault {
		return v.value
	}
	return otherwise
}

// Is reports whether v is known to be x.
func (v Value[T]) Is(x T) bool {
	known, ok := v.Known()
	return ok && known == x
}

// May reports whether v is x, or may be for all that is known.
func (v Value[T]) May(x T) bool {
	switch v.state {
	case absent:
		return false
	case unknown:
		if v.why == nil || len(v.why.candidates) == 0 {
			return true
		}
		return slices.ContainsFunc(v.why.candidates, func(c Value[T]) bool { return c.May(x) })
	}
	return v.value == x
}

// Absent reports whether v is neither written nor set by a default.
func (v Value[T]) Absent() bool { return v.state == absent }

// Unknown reports whether v is written, and the code does not say what it is.
func (v Value[T]) Unknown() bool { return v.state == unknown }

// Written reports whether the code gives v, known or not.
func (v Value[T]) Written() bool { return v.state == written || v.state == unknown }

// Default reports whether v is what the language, the provider or AWS sets where nothing is written.
func (v Value[T]) Default() bool { return v.state == byDefault }

// Maybe reports whether v, as an element of a list, may not be there.
func (v Value[T]) Maybe() bool { return v.flags&maybe != 0 }

// Rest reports whether v, as an element of a list, stands for any number of unknown elements, none included.
func (v Value[T]) Rest() bool { return v.flags&rest != 0 }

// Sensitive reports whether no log and no report may show v.
func (v Value[T]) Sensitive() bool { return v.flags&sensitive != 0 }

// Reasons returns why v is unknown or may not be there.
func (v Value[T]) Reasons() []inventory.Reason {
	if v.why == nil {
		return nil
	}
	return v.why.reasons
}

// Candidates returns the values of which an unknown v is one; none where it can be anything.
func (v Value[T]) Candidates() []Value[T] {
	if v.why == nil {
		return nil
	}
	return v.why.candidates
}

// Source returns the attribute of another resource that v is, where the code says so. A header value that both a
// distribution and a load balancer take from one random_password is equal although it is unknown.
func (v Value[T]) Source() (inventory.Ref, bool) {
	if v.why == nil || v.why.ref == nil {
		return inventory.Ref{}, false
	}
	return *v.why.ref, true
}

// Same reports whether v and w are the same for certain: equal and known, or one and the same unknown value, such as one
// attribute of one resource or one variable.
func (v Value[T]) Same(w Value[T]) bool {
	a, known := v.Known()
	b, alsoKnown := w.Known()
	if known || alsoKnown {
		return known && alsoKnown && a == b
	}
	return v.Unknown() && w.Unknown() && v.why != nil && w.why != nil && v.why.key != "" && v.why.key == w.why.key
}

// Location returns the place that gives v; zero for defaults and what is absent.
func (v Value[T]) Location() inventory.Location { return v.at.location() }

// Of returns a known value without a place, for tests and implied objects.
func Of[T comparable](v T) Value[T] { return Value[T]{value: v, state: byDefault} }

// UnknownOf returns an unknown value for the given reasons, without a place.
func UnknownOf[T comparable](reasons ...inventory.Reason) Value[T] {
	return Value[T]{state: unknown, why: &doubt[T]{reasons: reasons}}
}

// Ref leads from one object to another. T is a pointer to a struct of the model, or Node where objects of several kinds
// fit. The zero Ref is absent.
type Ref[T Node] struct {
	// To is the object, nil unless it is certain. It may be external.
	To T
	// AnyOf holds, where To is nil, the objects of which the target is one.
	AnyOf []T

	state   state
	flags   flags
	literal string
	at      place
	reasons []inventory.Reason
}

// Absent reports whether no target is written.
func (r Ref[T]) Absent() bool { return r.state == absent }

// Resolved reports whether To is the target, for certain.
func (r Ref[T]) Resolved() bool {
	return (r.state == written || r.state == byDefault) && r.flags&maybe == 0
}

// Default reports whether nothing is written and To is what AWS takes then, such as the default VPC.
func (r Ref[T]) Default() bool { return r.state == byDefault }

// Unknown reports whether a target is written and the code does not say which; AnyOf may still narrow it down.
func (r Ref[T]) Unknown() bool { return r.state == unknown }

// Maybe reports whether r, as an element of a list, may not be there.
func (r Ref[T]) Maybe() bool { return r.flags&maybe != 0 }

// Rest reports whether r, as an element of a list, stands for any number of unknown elements, none included.
func (r Ref[T]) Rest() bool { return r.flags&rest != 0 }

// Literal returns the id, name or ARN that the code writes where it names something by it.
func (r Ref[T]) Literal() string { return r.literal }

// Reasons returns why the target is unknown or may not be there.
func (r Ref[T]) Reasons() []inventory.Reason { return r.reasons }

// Location returns the place where the reference is written.
func (r Ref[T]) Location() inventory.Location { return r.at.location() }

// Targets returns what r can lead to: To, else AnyOf.
func (r Ref[T]) Targets() []T {
	if r.state == written || r.state == byDefault {
		return []T{r.To}
	}
	return r.AnyOf
}

// To returns a reference to an object, without a place: for tests and implied objects.
func To[T Node](object T) Ref[T] { return Ref[T]{To: object, state: byDefault} }

// maxAnyOf bounds the objects that a reference in doubt is narrowed down to; with more of them it can lead anywhere.
const maxAnyOf = 64

// oneOf returns a reference to one of several objects, or to the only one.
func oneOf[T Node](reasons []inventory.Reason, objects ...T) Ref[T] {
	var distinct []T
	for _, o := range objects {
		if len(distinct) > maxAnyOf {
			break
		}
		if !slices.ContainsFunc(distinct, func(have T) bool { return Node(have) == Node(o) }) {
			distinct = append(distinct, o)
		}
	}
	switch {
	case len(distinct) == 1:
		return To(distinct[0])
	case len(distinct) > maxAnyOf:
		return unknownRef[T](reasons...)
	}
	return Ref[T]{AnyOf: distinct, state: unknown, reasons: reasons}
}

// unknownRef returns a reference that leads nobody knows where.
func unknownRef[T Node](reasons ...inventory.Reason) Ref[T] {
	return Ref[T]{state: unknown, reasons: reasons}
}
