// Package intel reads what is known about exploitation and end of life: CISA's catalogue of known exploited
// vulnerabilities (KEV), FIRST's exploit prediction scores (EPSS) and the release cycles of endoflife.date.
//
// The data is a folder with kev.json, epss.csv.gz (or epss.csv) and eol.json, each in its publisher's format. Files are
// read when they are first asked about. A file that is missing or broken is a notice, and the answers without it are
// "not known"; they are never "not exploited".
package intel

import (
	"bufio"
	"bytes"
	"cmp"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// The files of a folder.
const (
	kevFile  = "kev.json"
	epssFile = "epss.csv.gz"
	epssRaw  = "epss.csv"
	eolFile  = "eol.json"
)

// maxFile bounds what is read of one file, packed or not: the public ones have below 12 MB.
const maxFile = 128 << 20

// Data is one folder of exploit and end-of-life data. A nil *Data knows nothing. It is safe for use by several
// goroutines.
type Data struct {
	root *os.Root
	dir  string

	mu    sync.Mutex
	files map[string]func() ([]byte, error)
	asOf  string
	count map[string]int // by file
	eol   func() (map[string]Product, error)

	compiled *compiled // instead of root and files
}

// Open opens the folder dir, which must exist. What it lacks is told by notices.
func Open(dir string) (*Data, []inventory.Notice, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, nil, err
	}
	d := &Data{root: root, dir: dir, files: map[string]func() ([]byte, error){}, count: map[string]int{}}
	var notices []inventory.Notice
	has := func(name string) bool {
		info, err := root.Stat(name)
		return err == nil && info.Mode().IsRegular()
	}
	add := func(name string) { d.files[name] = sync.OnceValues(func() ([]byte, error) { return d.read(name) }) }
	if has(kevFile) {
		add(kevFile)
	} else {
		notices = append(notices, missing(dir, kevFile, lacksKEV))
	}
	switch {
	case has(epssFile):
		add(epssFile)
	case has(epssRaw):
		add(epssRaw)
	default:
		notices = append(notices, missing(dir, epssFile, lacksEPSS))
	}
	if has(eolFile) {
		add(eolFile)
	}
	d.eol = sync.OnceValues(d.products)
	return d, notices, nil
}

// Find returns the folder of intelligence that belongs to a database of advisories: a folder named intel inside of it
// or beside it. It is empty where there is none.
func Find(db string) string {
	if db == "" {
		return ""
	}
	for _, dir := range []string{filepath.Join(db, "intel"), filepath.Join(filepath.Dir(filepath.Clean(db)), "intel")} {
		for _, name := range []string{kevFile, epssFile, epssRaw, eolFile} {
			if info, err := os.Stat(filepath.Join(dir, name)); err == nil && info.Mode().IsRegular() {
				return dir
			}
		}
	}
	return ""
}

// Close releases the folder.
func (d *Data) Close() error {
	if d == nil || d.root == nil {
		return nil
	}
	return d.root.Close()
}

// Info describes the data.
type Info struct {
	Source string // the folder
	AsOf   string // the newest date of the files that were read, as 2006-01-02
	Digest string // sha256:hex over the names and contents of all files
	Count  int    // vulnerabilities with an answer, of the files that were read
}

// Info reads all files for the digest. The zero Info stands for no data.
func (d *Data) Info() Info {
	if d == nil {
		return Info{}
	}
	if c := d.compiled; c != nil {
		return Info{Source: d.dir, AsOf: c.about.AsOf, Digest: c.about.Digest, Count: c.about.Count}
	}
	hash := sha256.New()
	for _, name := range d.names() {
		data, err := d.files[name]()
		if err != nil {
			continue
		}
		sum := sha256.Sum256(data)
		fmt.Fprintf(hash, "%s %x\n", name, sum)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	count := 0
	for _, n := range d.count {
		count += n
	}
	return Info{Source: d.dir, AsOf: d.asOf, Digest: "sha256:" + hex.EncodeToString(hash.Sum(nil)), Count: count}
}

// names returns the files in a fixed order.
func (d *Data) names() []string {
	var names []string
	for name := range d.files {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func (d *Data) read(name string) ([]byte, error) {
	f, err := d.root.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readAll(f)
}

func readAll(r io.Reader) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxFile {
		return nil, fmt.Errorf("it is larger than the limit of %d MiB", maxFile>>20)
	}
	return data, nil
}

// saw takes note of what a file says about itself.
func (d *Data) saw(file, date string, count int) {
	date = date[:min(len(date), len("2006-01-02"))]
	d.mu.Lock()
	defer d.mu.Unlock()
	d.asOf = max(d.asOf, date)
	d.count[file] = max(d.count[file], count)
}

// Threat is what is known about the exploitation of one vulnerability.
type Threat struct {
	KEV  bool     // in CISA's catalogue
	EPSS *float64 // probability of exploitation within 30 days, 0 to 1; nil where unknown
}

// Threats returns what is known about each of the vulnerabilities, named by their CVE ids; one that nothing is known
// about is left out. Both files are read at the same time, and of EPSS only the rows asked for are looked at.
func (d *Data) Threats(cves []string) (map[string]Threat, []inventory.Notice) {
	threats := make(map[string]Threat, len(cves))
	if d == nil || len(cves) == 0 {
		return threats, nil
	}
	if d.compiled != nil {
		threats, err := d.compiled.threats(cves)
		if err != nil {
			return threats, []inventory.Notice{notice("exploitation is partly unknown: %v", err)}
		}
		return threats, nil
	}
	wanted := make(map[string]bool, len(cves))
	for _, cve := range cves {
		wanted[cve] = true
	}
	var exploited []string
	var scores map[string]float64
	var kevErr, epssErr error
	var wg sync.WaitGroup
	wg.Go(func() { exploited, kevErr = d.kev(wanted) })
	scores, epssErr = d.epss(wanted)
	wg.Wait()
	var notices []inventory.Notice
	if kevErr != nil {
		notices = append(notices, notice("%s can't be read, so no finding is marked as known to be exploited: %v", filepath.Join(d.dir, kevFile), cause(kevErr)))
	}
	if epssErr != nil {
		notices = append(notices, notice("%s can't be read to its end, so how likely exploitation is stays partly unknown: %v", filepath.Join(d.dir, epssFile), cause(epssErr)))
	}
	for cve, score := range scores {
		threats[cve] = Threat{EPSS: &score}
	}
	for _, cve := range exploited {
		t := threats[cve]
		t.KEV = true
		threats[cve] = t
	}
	return threats, notices
}

// kev returns those of the wanted vulnerabilities that are in the catalogue, all of it if wanted is nil.
// Format: https://www.cisa.gov/sites/default/files/feeds/known_exploited_vulnerabilities_schema.json
func (d *Data) kev(wanted map[string]bool) ([]string, error) {
	if d.files[kevFile] == nil {
		return nil, nil
	}
	data, err := d.files[kevFile]()
	if err != nil {
		return nil, err
	}
	if !json.Valid(data) {
		return nil, errors.New("it is no JSON, or cut short")
	}
	var found []string
	count := 0
	for cve := range members(data, "cveID") {
		count++
		if wanted == nil || wanted[string(cve)] {
			found = append(found, string(cve))
		}
	}
	if count == 0 {
		return nil, errors.New("it lists no vulnerabilities")
	}
	released := ""
	for date := range members(data, "dateReleased") {
		released = string(date)
	}
	d.saw(kevFile, released, count)
	return found, nil
}

// members yields the string values of all members with this name in valid JSON, at whatever depth. Decoding the whole
// catalogue, most of which is prose, would take three times as long. Inside of a string the name's quotes are escaped,
// so that a match is a name or a whole string; values with escapes are none that this package looks for.
func members(data []byte, name string) iter.Seq[[]byte] {
	quoted := []byte(strconv.Quote(name))
	return func(yield func([]byte) bool) {
		for {
			i := bytes.Index(data, quoted)
			if i < 0 {
				return
			}
			data = bytes.TrimLeft(data[i+len(quoted):], " \t\r\n")
			value, isName := bytes.CutPrefix(data, []byte(":"))
			value, isString := bytes.CutPrefix(bytes.TrimLeft(value, " \t\r\n"), []byte(`"`))
			if !isName || !isString {
				continue
			}
			if end := bytes.IndexByte(value, '"'); end >= 0 && !yield(value[:end]) {
				return
			}
		}
	}
}

// epss returns the scores of the wanted vulnerabilities, of all if wanted is nil; with an error, those that stand before the fault.
// Format: https://www.first.org/epss/data_stats, a comment line, a header, then cve,epss,percentile.
func (d *Data) epss(wanted map[string]bool) (map[string]float64, error) {
	name := epssFile
	if d.files[name] == nil {
		name = epssRaw
	}
	if d.files[name] == nil {
		return nil, nil
	}
	data, err := d.files[name]()
	if err != nil {
		return nil, err
	}
	var r io.Reader = bytes.NewReader(data)
	if name == epssFile {
		if r, err = gzip.NewReader(r); err != nil {
			return nil, err
		}
	}
	found := make(map[string]float64, len(wanted))
	lines := bufio.NewScanner(io.LimitReader(r, maxFile))
	rows := 0
	for lines.Scan() {
		line := lines.Bytes()
		if rest, ok := bytes.CutPrefix(line, []byte("#")); ok {
			for field := range bytes.SplitSeq(rest, []byte(",")) {
				if date, ok := bytes.CutPrefix(field, []byte("score_date:")); ok {
					d.saw(epssFile, string(date), 0)
				}
			}
			continue
		}
		cve, rest, ok := bytes.Cut(line, []byte(","))
		if !ok || !bytes.HasPrefix(cve, []byte("CVE-")) {
			continue
		}
		rows++
		if wanted != nil && !wanted[string(cve)] { // the compiler makes no copy for this look-up
			continue
		}
		value, _, _ := bytes.Cut(rest, []byte(","))
		score, err := strconv.ParseFloat(string(value), 64)
		if err != nil || math.IsNaN(score) || score < 0 || score > 1 {
			return found, fmt.Errorf("%q is no probability of %s", value, cve)
		}
		found[string(cve)] = score
	}
	if err := lines.Err(); err != nil {
		return found, err
	}
	if rows == 0 {
		return found, errors.New("it lists no vulnerabilities")
	}
	d.saw(epssFile, "", rows)
	return found, nil
}

// Product is one product with its release cycles, newest first.
type Product struct {
	Name        string    `json:"-"` // endoflife.date's name: nodejs, amazon-linux, ...
	Title       string    `json:"title"`
	Category    string    `json:"category"`
	Identifiers []string  `json:"identifiers"` // package URLs and CPEs that mean this product
	Releases    []Release `json:"releases"`
}

// Release is one release cycle. Support ends in the order of the fields Active, EndOfLife, Extended.
type Release struct {
	Cycle     string `json:"releaseCycle"`
	Codename  string `json:"codename"`
	Released  string `json:"releaseDate"`
	Latest    string `json:"latest"`
	Active    Date   `json:"eoas"`
	EndOfLife Date   `json:"eol"`
	Extended  Date   `json:"eoes"`
}

// Date is the day on which support ends, or only whether it has ended. The zero value is not known.
type Date struct {
	Day   string // 2006-01-02, or empty
	Over  bool   // without Day: it has ended
	Known bool
}

// UnmarshalJSON reads endoflife.date's mixture: a day, true or false.
func (d *Date) UnmarshalJSON(data []byte) error {
	switch s := string(data); {
	case s == "null":
		*d = Date{}
	case s == "true" || s == "false":
		*d = Date{Over: s == "true", Known: true}
	default:
		var day string
		if err := json.Unmarshal(data, &day); err != nil {
			return err
		}
		*d = Date{Day: day, Known: day != ""}
	}
	return nil
}

// Passed reports whether support has ended on a day, as 2006-01-02. A date that is not known has not passed.
func (d Date) Passed(day string) bool {
	if d.Day != "" {
		return d.Day < day
	}
	return d.Over
}

// Product returns a product by endoflife.date's name. ok is false where the data does not know it.
func (d *Data) Product(name string) (p Product, ok bool, err error) {
	if d == nil {
		return Product{}, false, nil
	}
	products, err := d.eol()
	p, ok = products[name]
	p.Name = name
	return p, ok, err
}

// Release returns the cycle that a version belongs to: the one with the longest name that the version begins with.
func (p Product) Release(version string) (Release, bool) {
	version = strings.TrimPrefix(version, "v")
	var found Release
	for _, r := range p.Releases {
		rest, ok := strings.CutPrefix(version, r.Cycle)
		if ok && (rest == "" || strings.ContainsAny(rest[:1], ".-+_")) && len(r.Cycle) > len(found.Cycle) {
			found = r
		}
	}
	return found, found.Cycle != ""
}

func (d *Data) products() (map[string]Product, error) {
	read := d.files[eolFile]
	if read == nil {
		return nil, nil
	}
	data, err := read()
	if err != nil {
		return nil, err
	}
	products, err := decodeProducts(data)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", filepath.Join(d.dir, eolFile), err)
	}
	return products, nil
}

func decodeProducts(data []byte) (map[string]Product, error) {
	var file struct {
		Products map[string]Product `json:"products"`
	}
	if err := json.Unmarshal(data, &file); err != nil {
		return nil, err
	}
	return file.Products, nil
}

// What a report lacks without a file.
const (
	lacksKEV  = "no finding can be marked as known to be exploited"
	lacksEPSS = "how likely exploitation is stays unknown"
)

func missing(source, name, effect string) inventory.Notice {
	return notice("%s has no %s; %s", source, name, effect)
}

func notice(format string, args ...any) inventory.Notice {
	return inventory.Notice{Code: "intelligence-incomplete", Message: fmt.Sprintf(format, args...)}
}

// cause returns the reason inside a path error, whose path the message names already.
func cause(err error) error {
	if pathErr := (*fs.PathError)(nil); errors.As(err, &pathErr) {
		return pathErr.Err
	}
	return cmp.Or(err, io.EOF)
}
