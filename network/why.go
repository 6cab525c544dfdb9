package network

import (
	"slices"
	"strings"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// Bits is a set of unknown values, as their numbers in the table of a Graph: four bytes each, in order. It is a text so
// that it can be compared and shared. The empty text is the empty set.
type Bits string

// tooComplex says that a set was widened because it had too many boxes.
var tooComplex = bit(0)

func bit(n uint32) Bits {
	return Bits([]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)})
}

// maxWhy bounds the reasons that one box carries. The rest adds nothing that a reader could use.
const maxWhy = 32

// Union returns the unknown values of both sets.
func (b Bits) Union(c Bits) Bits {
	switch {
	case b == c || c == "":
		return b
	case b == "":
		return c
	}
	var both strings.Builder
	for len(b) > 0 || len(c) > 0 {
		if both.Len() >= 4*maxWhy {
			break
		}
		switch {
		case len(c) == 0 || len(b) > 0 && b[:4] < c[:4]:
			both.WriteString(string(b[:4]))
			b = b[4:]
		case len(b) == 0 || c[:4] < b[:4]:
			both.WriteString(string(c[:4]))
			c = c[4:]
		default:
			both.WriteString(string(b[:4]))
			b, c = b[4:], c[4:]
		}
	}
	return Bits(both.String())
}

func (b Bits) numbers() []int {
	list := make([]int, 0, len(b)/4)
	for ; len(b) >= 4; b = b[4:] {
		list = append(list, int(b[0])<<24|int(b[1])<<16|int(b[2])<<8|int(b[3]))
	}
	return list
}

// reasons numbers unknown values.
type reasons struct {
	list   []inventory.Reason
	number map[inventory.Reason]uint32
	work   int // that is left for compiling guards
}

func newReasons() *reasons {
	r := &reasons{number: map[inventory.Reason]uint32{}, work: maxTotalWork}
	r.bits(inventory.Reason{Code: TooComplex})                                             // is tooComplex
	r.bits(inventory.Reason{Code: inventory.Computed, Ref: "addresses of an AWS service"}) // is serviceAddress
	return r
}

// bits returns the set of some unknown values. Without any it is not empty: something is not known.
func (r *reasons) bits(list ...inventory.Reason) Bits {
	if len(list) == 0 {
		list = []inventory.Reason{{Code: inventory.NotEvaluated}}
	}
	var set Bits
	for _, reason := range list {
		n, ok := r.number[reason]
		if !ok {
			n = uint32(len(r.list)) //nolint:gosec // not that many values in one tree
			r.number[reason] = n
			r.list = append(r.list, reason)
		}
		set = set.Union(bit(n))
	}
	return set
}

// names returns the unknown values of a set in order of code and reference.
func (r *reasons) names(set Bits) []inventory.Reason {
	list := make([]inventory.Reason, 0, len(set)/4)
	for _, n := range set.numbers() {
		list = append(list, r.list[n])
	}
	slices.SortFunc(list, compareReasons)
	return list
}

func compareReasons(a, b inventory.Reason) int {
	if c := strings.Compare(a.Code, b.Code); c != 0 {
		return c
	}
	return strings.Compare(a.Ref, b.Ref)
}
