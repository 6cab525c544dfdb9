// Package pack writes values as bytes and reads them back, for files that one build of this program writes and only the
// same build reads. It is several times as fast as encoding/gob, which describes its types in each file, and keeps apart
// what gob and others do not: no slice and an empty one.
//
// The types say what may be packed: booleans, numbers, strings, structs, slices, pointers and maps of them, and whatever
// has a binary form of its own (encoding.BinaryMarshaler). A field that is not exported, an interface, a function or a
// channel is an error, so that nothing is lost in silence.
package pack

import (
	"encoding"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
)

// Marshal returns the bytes of what v points to, or of v itself. Equal values have equal bytes.
func Marshal(v any) ([]byte, error) {
	w := writer{own: ownForm{}, index: map[string]uint64{}}
	if err := w.value(reflect.Indirect(reflect.ValueOf(v)), 0); err != nil {
		return nil, err
	}
	out := binary.AppendUvarint(nil, uint64(len(w.table)))
	for _, s := range w.table {
		out = binary.AppendUvarint(out, uint64(len(s)))
	}
	for _, s := range w.table {
		out = append(out, s...)
	}
	return append(out, w.body...), nil
}

// ErrCorrupt is returned for bytes that Marshal did not write for the type.
var ErrCorrupt = errors.New("these are not the bytes of such a value")

// Unmarshal reads what Marshal wrote for a value of the type that into points to. Bytes of others give an error or
// another value of the type, but no panic, and at most a fixed multiple of their number in memory.
func Unmarshal(data []byte, into any) error {
	target := reflect.ValueOf(into)
	if target.Kind() != reflect.Pointer || target.IsNil() {
		return fmt.Errorf("unpack into %T: it is no pointer", into)
	}
	r := reader{own: ownForm{}, data: data}
	n := r.length()
	sizes := make([]int, 0, n)
	total := 0
	for range n {
		size := r.length()
		sizes = append(sizes, size)
		total += size
	}
	if r.bad || total > len(r.data) {
		return ErrCorrupt
	}
	text := string(r.data[:total]) // one for all: the strings are parts of it
	r.data = r.data[total:]
	r.table = make([]string, n)
	for i, size := range sizes {
		r.table[i], text = text[:size], text[size:]
	}
	if err := r.value(target.Elem(), 0); err != nil {
		return err
	}
	if r.bad || len(r.data) > 0 {
		return ErrCorrupt
	}
	return nil
}

// maxDepth bounds types that hold themselves.
const maxDepth = 200

var errDepth = fmt.Errorf("a value is more than %d deep", maxDepth)

// ownForm are the types with a binary form of their own.
type ownForm map[reflect.Type]bool

func (o ownForm) has(t reflect.Type) bool {
	known, ok := o[t]
	if !ok {
		pointer := reflect.PointerTo(t)
		known = pointer.Implements(reflect.TypeFor[encoding.BinaryMarshaler]()) && pointer.Implements(reflect.TypeFor[encoding.BinaryUnmarshaler]())
		o[t] = known
	}
	return known
}

type writer struct {
	own   ownForm
	index map[string]uint64
	table []string
	body  []byte
}

func (w *writer) uint(n uint64) { w.body = binary.AppendUvarint(w.body, n) }

func (w *writer) value(v reflect.Value, depth int) error {
	if depth > maxDepth {
		return errDepth
	}
	switch v.Kind() {
	case reflect.Bool:
		if v.Bool() {
			w.uint(1)
		} else {
			w.uint(0)
		}
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		w.body = binary.AppendVarint(w.body, v.Int())
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		w.uint(v.Uint())
	case reflect.Float32, reflect.Float64:
		w.uint(math.Float64bits(v.Float()))
	case reflect.String:
		at, ok := w.index[v.String()]
		if !ok {
			at = uint64(len(w.table))
			w.index[v.String()] = at
			w.table = append(w.table, v.String())
		}
		w.uint(at)
	case reflect.Pointer:
		if v.IsNil() {
			w.uint(0)
			return nil
		}
		w.uint(1)
		return w.value(v.Elem(), depth+1)
	case reflect.Slice:
		return w.slice(v, depth)
	case reflect.Map:
		return w.mapping(v, depth)
	case reflect.Struct:
		if w.own.has(v.Type()) {
			return w.ownForm(v)
		}
		for i := range v.NumField() {
			if !v.Type().Field(i).IsExported() {
				return fmt.Errorf("%s.%s is not exported and can't be packed", v.Type(), v.Type().Field(i).Name)
			}
			if err := w.value(v.Field(i), depth+1); err != nil {
				return err
			}
		}
	default:
		return fmt.Errorf("%s can't be packed", v.Type())
	}
	return nil
}

func (w *writer) ownForm(v reflect.Value) error {
	at := reflect.New(v.Type())
	at.Elem().Set(v)
	m, _ := at.Interface().(encoding.BinaryMarshaler) // ownForm.has says so
	data, err := m.MarshalBinary()
	if err != nil {
		return err
	}
	w.uint(uint64(len(data)))
	w.body = append(w.body, data...)
	return nil
}

func (w *writer) slice(v reflect.Value, depth int) error {
	if v.IsNil() {
		w.uint(0)
		return nil
	}
	w.uint(uint64(v.Len()) + 1)
	if v.Type().Elem().Kind() == reflect.Uint8 {
		w.body = append(w.body, v.Bytes()...)
		return nil
	}
	for i := range v.Len() {
		if err := w.value(v.Index(i), depth+1); err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) mapping(v reflect.Value, depth int) error {
	if v.Type().Key().Kind() != reflect.String {
		return fmt.Errorf("%s can't be packed: its keys are no strings", v.Type())
	}
	if v.IsNil() {
		w.uint(0)
		return nil
	}
	w.uint(uint64(v.Len()) + 1)
	keys := v.MapKeys()
	slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
	for _, key := range keys {
		if err := errors.Join(w.value(key, depth+1), w.value(v.MapIndex(key), depth+1)); err != nil {
			return err
		}
	}
	return nil
}

type reader struct {
	own   ownForm
	data  []byte
	table []string
	bad   bool
}

func (r *reader) uint() uint64 {
	n, size := binary.Uvarint(r.data)
	if size <= 0 {
		r.bad = true
		r.data = nil
		return 0
	}
	r.data = r.data[size:]
	return n
}

// length is a number of things of which each takes at least a byte.
func (r *reader) length() int {
	n := r.uint()
	if n > uint64(len(r.data))+1 {
		r.bad = true
		return 0
	}
	return int(n)
}

func (r *reader) value(v reflect.Value, depth int) error {
	if depth > maxDepth {
		return errDepth
	}
	if r.bad {
		return ErrCorrupt
	}
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(r.uint() != 0)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		n, size := binary.Varint(r.data)
		if size <= 0 || v.OverflowInt(n) {
			return ErrCorrupt
		}
		r.data = r.data[size:]
		v.SetInt(n)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		n := r.uint()
		if v.OverflowUint(n) {
			return ErrCorrupt
		}
		v.SetUint(n)
	case reflect.Float32, reflect.Float64:
		v.SetFloat(math.Float64frombits(r.uint()))
	case reflect.String:
		at := r.uint()
		if at >= uint64(len(r.table)) {
			return ErrCorrupt
		}
		v.SetString(r.table[at])
	case reflect.Pointer:
		if r.uint() == 0 {
			return nil
		}
		v.Set(reflect.New(v.Type().Elem()))
		return r.value(v.Elem(), depth+1)
	case reflect.Slice:
		return r.slice(v, depth)
	case reflect.Map:
		return r.mapping(v, depth)
	case reflect.Struct:
		if r.own.has(v.Type()) {
			n := r.length()
			if r.bad || n > len(r.data) {
				return ErrCorrupt
			}
			m, _ := v.Addr().Interface().(encoding.BinaryUnmarshaler) // ownForm.has says so
			data := r.data[:n:n]
			r.data = r.data[n:]
			return m.UnmarshalBinary(data)
		}
		for i := range v.NumField() {
			if !v.Type().Field(i).IsExported() {
				return fmt.Errorf("%s.%s is not exported and can't be packed", v.Type(), v.Type().Field(i).Name)
			}
			if err := r.value(v.Field(i), depth+1); err != nil {
				return err
			}
		}
	default:
		return fmt.Errorf("%s can't be packed", v.Type())
	}
	return nil
}

// grownAt is how many elements are made at once: a length is believed as far as there are bytes for it.
const grownAt = 1024

func (r *reader) slice(v reflect.Value, depth int) error {
	n := r.length() - 1
	if n < 0 {
		return nil
	}
	if v.Type().Elem().Kind() == reflect.Uint8 {
		if n > len(r.data) {
			return ErrCorrupt
		}
		v.SetBytes(slices.Clone(r.data[:n:n]))
		r.data = r.data[n:]
		return nil
	}
	v.Set(reflect.MakeSlice(v.Type(), 0, min(n, grownAt)))
	for i := range n {
		if i == v.Cap() {
			v.Grow(min(n-i, i))
		}
		v.SetLen(i + 1)
		before := len(r.data)
		if err := r.value(v.Index(i), depth+1); err != nil {
			return err
		}
		if len(r.data) == before { // an element without content: no length of such is believed
			return ErrCorrupt
		}
	}
	return nil
}

func (r *reader) mapping(v reflect.Value, depth int) error {
	n := r.length() - 1
	if n < 0 {
		return nil
	}
	v.Set(reflect.MakeMap(v.Type()))
	for range n {
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		if err := r.value(key, depth+1); err != nil {
			return err
		}
		if err := r.value(value, depth+1); err != nil {
			return err
		}
		v.SetMapIndex(key, value)
	}
	return nil
}
