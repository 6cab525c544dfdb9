package advisory

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"unsafe"
)

// errDamaged says that a part of an index does not hold what its format says.
var errDamaged = errors.New("damaged")

// encoder appends values to a buffer: numbers as varints, texts with their lengths in front.
type encoder struct{ b []byte }

func (e *encoder) uint(n uint64)   { e.b = binary.AppendUvarint(e.b, n) }
func (e *encoder) string(s string) { e.uint(uint64(len(s))); e.b = append(e.b, s...) }

func (e *encoder) strings(list []string) {
	e.uint(uint64(len(list)))
	for _, s := range list {
		e.string(s)
	}
}

// decoder reads what an encoder wrote. After the first value that is not there, all further ones are zero and err is
// set: callers check it once, before they use what they read. Texts share the memory of the buffer.
type decoder struct {
	b     string
	err   error
	arena *arena // where lists are taken from; nil: each from memory of its own
}

// arena is memory that is taken a piece at a time for many small lists.
type arena struct {
	ranges  []Range
	events  []Event
	strings []string
}

const arenaPiece = 64

// take returns a list of n zero values.
func take[T any](slab *[]T, n int) []T {
	if n > arenaPiece/4 {
		return make([]T, n)
	}
	if n > len(*slab) {
		*slab = make([]T, arenaPiece)
	}
	list := (*slab)[:n:n]
	*slab = (*slab)[n:]
	return list
}

// newDecoder reads a buffer that is never changed afterwards.
func newDecoder(b []byte) *decoder { return &decoder{b: unsafe.String(unsafe.SliceData(b), len(b))} }

func (d *decoder) lists() *arena {
	if d.arena == nil {
		d.arena = new(arena)
	}
	return d.arena
}

func (d *decoder) fail() { d.b, d.err = "", errDamaged }

func (d *decoder) uint() uint64 {
	var n uint64
	for i := range min(len(d.b), binary.MaxVarintLen64) {
		c := d.b[i]
		n |= uint64(c&0x7f) << (7 * i)
		if c < 0x80 {
			d.b = d.b[i+1:]
			return n
		}
	}
	d.fail()
	return 0
}

func (d *decoder) string() string {
	n := d.uint()
	if n > uint64(len(d.b)) {
		d.fail()
		return ""
	}
	s := d.b[:n]
	d.b = d.b[n:]
	return s
}

// count reads the length of a list whose items take at least size bytes each, so that a damaged length allocates no
// more than a small multiple of the buffer.
func (d *decoder) count(size int) int {
	n := d.uint()
	if n > uint64(len(d.b)/size) {
		d.fail()
		return 0
	}
	return int(n)
}

func (d *decoder) strings() []string {
	n := d.count(1)
	if n == 0 {
		return nil
	}
	list := take(&d.lists().strings, n)
	for i := range list {
		list[i] = d.string()
	}
	return list
}

func (d *decoder) raw() json.RawMessage {
	s := d.string()
	if s == "" {
		return nil
	}
	return json.RawMessage(unsafe.Slice(unsafe.StringData(s), len(s)))
}

// The kinds of ranges and events as the index writes them. Anything else is written by name.
const (
	kindOther = iota
	kindFirst
	kindSecond
	kindThird
	kindFourth
)

var rangeKinds = []string{kindFirst: "SEMVER", kindSecond: "ECOSYSTEM", kindThird: "GIT"}

func (e *encoder) ranges(ranges []Range) {
	e.uint(uint64(len(ranges)))
	for i := range ranges {
		r := &ranges[i]
		kind := kindOther
		for k, name := range rangeKinds {
			if name != "" && name == r.Type {
				kind = k
			}
		}
		e.uint(uint64(kind))
		if kind == kindOther {
			e.string(r.Type)
		}
		e.string(r.Repo)
		e.uint(uint64(len(r.Events)))
		for _, v := range r.Events {
			// The bits say which fields are set; the schema allows one.
			var bits uint64
			values := [...]string{v.Introduced, v.Fixed, v.LastAffected, v.Limit}
			for i, s := range values {
				if s != "" {
					bits |= 1 << i
				}
			}
			e.uint(bits)
			for _, s := range values {
				if s != "" {
					e.string(s)
				}
			}
		}
	}
}

func (d *decoder) ranges() []Range {
	n := d.count(3)
	if n == 0 {
		return nil
	}
	ranges := take(&d.lists().ranges, n)
	for i := range ranges {
		r := &ranges[i]
		switch kind := d.uint(); {
		case kind == kindOther:
			r.Type = d.string()
		case kind < uint64(len(rangeKinds)):
			r.Type = rangeKinds[kind]
		default:
			d.fail()
		}
		r.Repo = d.string()
		if n := d.count(1); n > 0 {
			r.Events = take(&d.lists().events, n)
		}
		for j := range r.Events {
			v := &r.Events[j]
			bits := d.uint()
			for k, field := range [...]*string{&v.Introduced, &v.Fixed, &v.LastAffected, &v.Limit} {
				if bits&(1<<k) != 0 {
					*field = d.string()
				}
			}
		}
	}
	return ranges
}

func (e *encoder) severities(list []Severity) {
	e.uint(uint64(len(list)))
	for _, s := range list {
		e.string(s.Type)
		e.string(s.Score)
	}
}

func (d *decoder) severities() []Severity {
	n := d.count(2)
	if n == 0 {
		return nil
	}
	list := make([]Severity, n)
	for i := range list {
		list[i] = Severity{Type: d.string(), Score: d.string()}
	}
	return list
}

// record appends a whole record. A record that is decoded again is equal to it, apart from empty lists, which come back
// as nil, and the spaces of the parts that are kept as JSON.
func (e *encoder) record(r *Record) {
	for _, s := range []string{r.ID, r.Modified, r.Published, r.Withdrawn, r.Summary} {
		e.string(s)
	}
	e.strings(r.Aliases)
	e.strings(r.Upstream)
	e.severities(r.Severity)
	e.uint(uint64(len(r.Affected)))
	var entry encoder
	for i := range r.Affected {
		a := &r.Affected[i]
		e.string(a.Package.Ecosystem)
		e.string(a.Package.Name)
		entry.b = entry.b[:0]
		entry.severities(a.Severity)
		entry.ranges(a.Ranges)
		entry.strings(a.Versions)
		entry.string(string(a.EcosystemSpecific))
		entry.string(string(a.DatabaseSpecific))
		e.string(string(entry.b)) // as one piece, which a decoder can pass over
	}
	e.string(string(r.DatabaseSpecific))
	e.uint(uint64(len(r.References)))
	for _, f := range r.References {
		e.string(f.Type)
		e.string(f.URL)
	}
	e.string(r.Details)
}

// record reads a record with those of its affected entries whose packages keep names; all of them if keep is nil.
func (d *decoder) record(keep func(Package) bool) *Record {
	r := &Record{ID: d.string(), Modified: d.string(), Published: d.string(), Withdrawn: d.string(), Summary: d.string()}
	r.Aliases = d.strings()
	r.Upstream = d.strings()
	r.Severity = d.severities()
	for n := d.count(3); n > 0 && d.err == nil; n-- {
		p := Package{Ecosystem: d.string(), Name: d.string()}
		entry := decoder{b: d.string(), arena: d.arena}
		if keep != nil && !keep(p) {
			continue
		}
		r.Affected = append(r.Affected, Affected{
			Package:           p,
			Severity:          entry.severities(),
			Ranges:            entry.ranges(),
			Versions:          entry.strings(),
			EcosystemSpecific: entry.raw(),
			DatabaseSpecific:  entry.raw(),
		})
		if entry.err != nil {
			d.fail()
		}
	}
	r.DatabaseSpecific = d.raw()
	if n := d.count(2); n > 0 {
		r.References = make([]Reference, n)
	}
	for i := range r.References {
		r.References[i] = Reference{Type: d.string(), URL: d.string()}
	}
	r.Details = d.string()
	return r
}
