package disk

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"strings"
	"unicode/utf16"
)

// span is a range of bytes of a disk.
type span struct {
	number      int // as Linux counts partitions; 0: the whole disk
	start, size int64
	kind        string // of a partition of a GPT: its GUID
	id          string // likewise the GUID of the partition itself
	label       string
}

// Bounds of tables: GPT has 128 entries by default, and MBR chains one logical partition to the next.
const (
	maxPartitions = 256
	maxGPTEntry   = 4096
)

// partitions returns the partitions of a disk; none where the whole of it is one file system, or nothing that is known.
func partitions(dev io.ReaderAt, size int64) ([]span, error) {
	first, err := readFull(dev, 512, 0)
	if err != nil {
		return nil, err
	}
	if first[510] != 0x55 || first[511] != 0xaa {
		return nil, nil
	}
	for _, sector := range []int64{512, 4096} {
		header, err := readFull(dev, 92, sector)
		if err == nil && string(header[:8]) == "EFI PART" {
			return gpt(dev, size, header, sector)
		}
	}
	return mbr(dev, size, first)
}

// gpt reads a table of GUIDs (UEFI specification, section 5.3).
func gpt(dev io.ReaderAt, size int64, header []byte, sector int64) ([]span, error) {
	le := binary.LittleEndian
	start, n, each := le.Uint64(header[72:]), le.Uint32(header[80:]), le.Uint32(header[84:])
	if each < 128 || each > maxGPTEntry || start > uint64(size/sector) {
		return nil, fmt.Errorf("%w: its table of partitions can't be read", errCorrupt)
	}
	var found []span
	for k := range min(n, maxPartitions) {
		e, err := readFull(dev, int64(each), int64(start)*sector+int64(k)*int64(each))
		if err != nil {
			return nil, err
		}
		first, last := le.Uint64(e[32:]), le.Uint64(e[40:])
		if bytes.Equal(e[:16], make([]byte, 16)) || first > last || first >= uint64(size/sector) {
			continue
		}
		units := make([]uint16, 36)
		for i := range units {
			units[i] = le.Uint16(e[56+2*i:])
		}
		label, _, _ := strings.Cut(string(utf16.Decode(units)), "\x00")
		s := span{number: int(k) + 1, start: int64(first) * sector, kind: guid(e[:16]), id: guid(e[16:32]), label: label}
		s.size = min(int64(min(last, uint64(size/sector))-first+1)*sector, size-s.start)
		found = append(found, s)
	}
	return found, nil
}

// guid writes a GUID as it is written elsewhere: its first three parts are little-endian.
func guid(b []byte) string {
	le := binary.LittleEndian
	return fmt.Sprintf("%08x-%04x-%04x-%x-%x", le.Uint32(b), le.Uint16(b[4:]), le.Uint16(b[6:]), b[8:10], b[10:16])
}

// mbr reads the older table of four partitions, one of which may hold a chain of others.
func mbr(dev io.ReaderAt, size int64, first []byte) ([]span, error) {
	le := binary.LittleEndian
	id := le.Uint32(first[440:])
	entries := func(sector []byte) []span {
		var list []span
		for k := range 4 {
			e := sector[446+16*k:]
			s := span{number: k + 1, start: int64(le.Uint32(e[8:])) * 512, size: int64(le.Uint32(e[12:])) * 512, kind: fmt.Sprintf("%02x", e[4])}
			if (e[0] != 0 && e[0] != 0x80) || e[4] == 0 || s.size == 0 {
				s.kind = ""
			}
			list = append(list, s)
		}
		return list
	}
	var found []span
	keep := func(s span) {
		if s.start > 0 && s.start < size {
			s.size = min(s.size, size-s.start)
			s.id = fmt.Sprintf("%08x-%02x", id, s.number)
			found = append(found, s)
		}
	}
	for _, s := range entries(first) {
		switch s.kind {
		case "":
		case "05", "0f", "85":
			next, number := s.start, 5
			for next > 0 && next < size && number < maxPartitions {
				sector, err := readFull(dev, 512, next)
				if err != nil || sector[510] != 0x55 || sector[511] != 0xaa {
					break
				}
				pair := entries(sector)
				if pair[0].kind != "" {
					keep(span{number: number, start: next + pair[0].start, size: pair[0].size, kind: pair[0].kind})
				}
				number++
				if pair[1].kind == "" || s.start+pair[1].start <= next { // the chain goes forward
					break
				}
				next = s.start + pair[1].start
			}
		default:
			keep(s)
		}
	}
	return found, nil
}
