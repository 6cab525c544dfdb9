package intel

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"sort"
	"strconv"
	"strings"
	"sync"

	"github.com/klauspost/compress/zstd"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// compiled is data in the form of Compile: a look-up reads a few bytes of it.
//
//	u32 length of the description, the description as JSON
//	u32 number of vulnerabilities; for each, in ascending order, 16 bytes:
//	    u32 year and u32 number of its CVE id (the year in the upper half of one u64), u32 EPSS x 10^9, u32 flags
//	the end-of-life data as JSON, compressed with zstd, to the end
//
// All numbers are little-endian.
type compiled struct {
	read    func(offset, n uint64) ([]byte, error)
	size    uint64
	entries uint64 // offset of the first
	count   uint64
	about   description
}

type description struct {
	AsOf   string `json:"as_of"`
	Digest string `json:"digest"`
	Count  int    `json:"count"`
	KEV    bool   `json:"kev"` // these files were there
	EPSS   bool   `json:"epss"`
	EOL    bool   `json:"eol"`
}

const (
	entrySize = 16
	flagKEV   = 1
	flagEPSS  = 2
	scale     = 1e9 // EPSS has at most nine decimals, so the exact value comes back
)

// Compile returns the whole data in the form that FromCompiled reads, the same bytes for the same data. A file that
// can't be read is an error.
func (d *Data) Compile() ([]byte, error) {
	exploited, err := d.kev(nil)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", kevFile, cause(err))
	}
	scores, err := d.epss(nil)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", epssFile, cause(err))
	}
	type entry struct {
		key         uint64
		epss, flags uint32
	}
	byKey := make(map[uint64]entry, len(scores))
	for cve, score := range scores {
		if key, ok := cveKey(cve); ok {
			byKey[key] = entry{key, uint32(math.Round(score * scale)), flagEPSS}
		}
	}
	for _, cve := range exploited {
		if key, ok := cveKey(cve); ok {
			e := byKey[key]
			e.key, e.flags = key, e.flags|flagKEV
			byKey[key] = e
		}
	}
	entries := make([]entry, 0, len(byKey))
	for _, e := range byKey {
		entries = append(entries, e)
	}
	slices.SortFunc(entries, func(a, b entry) int { return cmp.Compare(a.key, b.key) })

	info := d.Info()
	about, err := json.Marshal(description{
		AsOf: info.AsOf, Digest: info.Digest, Count: info.Count,
		KEV: d.files[kevFile] != nil, EPSS: d.files[epssFile] != nil || d.files[epssRaw] != nil, EOL: d.files[eolFile] != nil,
	})
	if err != nil {
		return nil, err
	}
	out := binary.LittleEndian.AppendUint32(nil, uint32(len(about)))
	out = append(out, about...)
	out = binary.LittleEndian.AppendUint32(out, uint32(len(entries)))
	for _, e := range entries {
		out = binary.LittleEndian.AppendUint64(out, e.key)
		out = binary.LittleEndian.AppendUint32(out, e.epss)
		out = binary.LittleEndian.AppendUint32(out, e.flags)
	}
	if read := d.files[eolFile]; read != nil {
		text, err := read()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", eolFile, cause(err))
		}
		if _, err := d.eol(); err != nil {
			return nil, err
		}
		var compact bytes.Buffer
		if err := json.Compact(&compact, text); err != nil {
			return nil, err
		}
		z, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
		if err != nil {
			return nil, err
		}
		out = z.EncodeAll(compact.Bytes(), out)
	}
	return out, nil
}

// FromCompiled returns the data of size bytes that Compile made. read returns n of them from an offset and is asked when
// they are needed; source is what Info names. What the data lacks is told by notices, as Open does.
func FromCompiled(size uint64, source string, read func(offset, n uint64) ([]byte, error)) (*Data, []inventory.Notice, error) {
	c := &compiled{read: read, size: size}
	about, err := c.number(0)
	if err != nil {
		return nil, nil, err
	}
	text, err := c.bytes(4, uint64(about))
	if err != nil {
		return nil, nil, err
	}
	if err := json.Unmarshal(text, &c.about); err != nil {
		return nil, nil, fmt.Errorf("intelligence of the index: %w", err)
	}
	count, err := c.number(4 + uint64(about))
	if err != nil {
		return nil, nil, err
	}
	c.entries, c.count = 8+uint64(about), uint64(count)
	if c.count > (size-c.entries)/entrySize {
		return nil, nil, errCut
	}
	d := &Data{dir: source, compiled: c}
	d.eol = sync.OnceValues(d.compiledProducts)
	var notices []inventory.Notice
	if !c.about.KEV {
		notices = append(notices, missing(source, kevFile, lacksKEV))
	}
	if !c.about.EPSS {
		notices = append(notices, missing(source, epssFile, lacksEPSS))
	}
	return d, notices, nil
}

var errCut = errors.New("the intelligence of the index is cut short")

func (c *compiled) bytes(offset, n uint64) ([]byte, error) {
	if offset > c.size || n > c.size-offset {
		return nil, errCut
	}
	return c.read(offset, n)
}

func (c *compiled) number(offset uint64) (uint32, error) {
	b, err := c.bytes(offset, 4)
	if err != nil {
		return 0, err
	}
	return binary.LittleEndian.Uint32(b), nil
}

// cveKey returns the number by which a CVE id is sorted.
func cveKey(cve string) (uint64, bool) {
	rest, ok := strings.CutPrefix(cve, "CVE-")
	year, number, ok2 := strings.Cut(rest, "-")
	y, err1 := strconv.ParseUint(year, 10, 16)
	n, err2 := strconv.ParseUint(number, 10, 32)
	return y<<32 | n, ok && ok2 && err1 == nil && err2 == nil
}

func (c *compiled) threats(cves []string) (map[string]Threat, error) {
	threats := make(map[string]Threat, len(cves))
	for _, cve := range cves {
		key, ok := cveKey(cve)
		if !ok {
			continue
		}
		var failed error
		entry := func(i int) []byte {
			b, err := c.bytes(c.entries+uint64(i)*entrySize, entrySize)
			if err != nil {
				failed = err
				return make([]byte, entrySize)
			}
			return b
		}
		i := sort.Search(int(c.count), func(i int) bool { return failed != nil || binary.LittleEndian.Uint64(entry(i)) >= key })
		if failed != nil {
			return threats, failed
		}
		if uint64(i) == c.count {
			continue
		}
		b := entry(i)
		if failed != nil {
			return threats, failed
		}
		if binary.LittleEndian.Uint64(b) != key {
			continue
		}
		flags := binary.LittleEndian.Uint32(b[12:])
		t := Threat{KEV: flags&flagKEV != 0}
		if flags&flagEPSS != 0 {
			score := float64(binary.LittleEndian.Uint32(b[8:])) / scale
			t.EPSS = &score
		}
		threats[cve] = t
	}
	return threats, nil
}

func (d *Data) compiledProducts() (map[string]Product, error) {
	c := d.compiled
	if !c.about.EOL {
		return nil, nil
	}
	at := c.entries + c.count*entrySize
	packed, err := c.bytes(at, c.size-at)
	if err != nil {
		return nil, err
	}
	z, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxFile))
	if err != nil {
		return nil, err
	}
	defer z.Close()
	text, err := z.DecodeAll(packed, nil)
	if err != nil {
		return nil, fmt.Errorf("end-of-life data of the index: %w", err)
	}
	return decodeProducts(text)
}
