package cloudformation

import (
	"math/big"
	"net/netip"
	"strconv"
	"strings"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// zonesOf is the resource behind the availability zones of Fn::GetAZs; its attributes are az0, az1, ... What a zone is
// called depends on the account, but equal ones are equal.
const zonesOf = "Fn::GetAZs"

const (
	sureZones = 2 // every region has as many
	mostZones = 6 // no region has more
)

// zones returns the availability zones of a region as a symbolic list: the first ones, those that may be there, and
// nothing more, since no region has more.
func (s *stack) zones(n *node, region inventory.Value) inventory.Value {
	name, ok := region.Text()
	if !ok || name == "" {
		name = s.region
	}
	resource := zonesOf
	if name != "" {
		resource += ":" + name
	}
	elements := make([]inventory.Value, mostZones)
	for i := range elements {
		elements[i] = symbolicZone(inventory.Ref{Resource: inventory.ID(resource), Attribute: "az" + strconv.Itoa(i)}, n.at)
		if i >= sureZones {
			elements[i] = elements[i].AsMaybe(elements[i].Reasons()...)
		}
	}
	return inventory.ListValue(elements, n.at)
}

func symbolicZone(ref inventory.Ref, at inventory.Location) inventory.Value {
	return unknown(at, inventory.DataSource, string(ref.Resource)).WithRef(ref)
}

// zone returns an element of zones as one that is there: a template that asks for the third zone is deployed where
// there are three.
func (s *stack) zone(v inventory.Value) (inventory.Value, bool) {
	ref, ok := v.Ref()
	if !ok || !strings.HasPrefix(string(ref.Resource), zonesOf) {
		return v, false
	}
	return symbolicZone(ref, v.Location()), true
}

// maxRanges is how many ranges Fn::Cidr makes at most.
const maxRanges = 256

// cidr divides an address range
// (https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-cidr.html).
func (s *stack) cidr(n, arg *node) inventory.Value {
	items := arg.elements()
	if len(items) < 2 {
		return s.wrong(n, "Fn::Cidr", "an address range, how many to make, and how many bits are left to each")
	}
	block, count := s.eval(items[0]), s.eval(items[1])
	bits := inventory.NullValue(n.at)
	if len(items) > 2 {
		bits = s.eval(items[2])
	}
	for _, v := range []inventory.Value{count, bits} {
		if v.IsUnknown() {
			return inventory.UnknownValue(n.at, v.Reasons()...)
		}
	}
	number, ok := count.Int()
	if !ok || number < 1 || number > maxRanges {
		return s.wrong(n, "Fn::Cidr", "between 1 and 256 ranges")
	}
	if block.IsUnknown() {
		if len(block.Candidates()) > 0 {
			return s.over(block, n.at, func(block inventory.Value) inventory.Value { return s.ranges(n, block, number, bits) })
		}
		elements := make([]inventory.Value, number)
		for i := range elements {
			elements[i] = inventory.UnknownValue(n.at, block.Reasons()...)
		}
		return inventory.ListValue(elements, n.at)
	}
	return s.ranges(n, block, number, bits)
}

func (s *stack) ranges(n *node, block inventory.Value, number int, bits inventory.Value) inventory.Value {
	written, _ := block.Text()
	prefix, err := netip.ParsePrefix(written)
	if err != nil {
		return s.wrong(n, "Fn::Cidr", "an address range")
	}
	prefix = prefix.Masked()
	width := prefix.Addr().BitLen()
	host, ok := bits.Int()
	if !ok {
		host = width / 4 // 8 for IPv4; IPv6 always states it
	}
	if host < 1 || host >= width || width-host < prefix.Bits() {
		return s.wrong(n, "Fn::Cidr", "ranges that fit into "+prefix.String())
	}
	step := new(big.Int).Lsh(big.NewInt(1), uint(host))
	address := new(big.Int).SetBytes(prefix.Addr().AsSlice())
	elements := make([]inventory.Value, 0, number)
	for range number {
		raw := make([]byte, width/8)
		if address.BitLen() > width {
			return s.wrong(n, "Fn::Cidr", "ranges that fit into "+prefix.String())
		}
		addr, _ := netip.AddrFromSlice(address.FillBytes(raw)) // 4 or 16 bytes
		if !prefix.Contains(addr) {
			return s.wrong(n, "Fn::Cidr", "ranges that fit into "+prefix.String())
		}
		elements = append(elements, inventory.StringValue(netip.PrefixFrom(addr, width-host).String(), n.at))
		address.Add(address, step)
	}
	return inventory.ListValue(elements, n.at)
}
