package report

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/github/go-spdx/v2/spdxexp/spdxlicenses"
	"github.com/google/uuid"

	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/scanner"
)

// bill is what the two kinds of bill of materials have in common: the scanned project, a name for each thing in it, and
// who needs whom.
type bill struct {
	name, version string
	// refs names each of Result.Packages within the document: the package URL, with a number where two share one.
	refs []string
	// roots are the packages that the project itself asks for, and its own ones, as indices of Result.Packages.
	roots []int

	byID map[inventory.ID]int
	res  *scanner.Result
}

func newBill(res *scanner.Result) *bill {
	name := projectName(res.Target)
	if res.Target.Kind == scanner.ContainerTarget { // the reference whole, by which others know what runs it
		name = valid(res.Target.Path)
	}
	b := &bill{name: name, version: valid(res.Target.Commit), res: res, byID: make(map[inventory.ID]int, len(res.Packages))}
	taken := make(map[string]bool, len(res.Packages))
	for i, p := range res.Packages {
		ref := valid(string(p.ID))
		for n := 2; taken[ref]; n++ {
			ref = fmt.Sprintf("%s#%d", valid(string(p.ID)), n)
		}
		taken[ref] = true
		b.refs = append(b.refs, ref)
		if _, ok := b.byID[p.ID]; !ok {
			b.byID[p.ID] = i
		}
	}
	ofOwn := map[inventory.ID]bool{}
	for i := range res.Packages {
		if p := &res.Packages[i]; own(p) {
			for _, id := range p.Dependencies {
				ofOwn[id] = true
			}
		}
	}
	for i := range res.Packages {
		p := &res.Packages[i]
		direct := slices.ContainsFunc(p.Locations, func(l inventory.PackageLocation) bool { return l.Direct })
		if own(p) || direct && !ofOwn[p.ID] {
			b.roots = append(b.roots, i)
		}
	}
	return b
}

// documents is the name space of the UUIDs of our documents, itself made from the project's address.
var documents = uuid.NewSHA1(uuid.NameSpaceURL, []byte(informationURI))

// numbered puts a UUID of the document's content where a JSON property ends in the zero UUID. The property is given from
// its opening quote on, which no value in the document can hold.
func numbered(content []byte, property string) []byte {
	id := uuid.NewSHA1(documents, content).String()
	return bytes.Replace(content, []byte(property), []byte(strings.TrimSuffix(property, uuid.Nil.String())+id), 1)
}

// projectName is the last part of the repository's address, or of the path where there is none.
func projectName(t scanner.Target) string {
	for _, s := range []string{t.Repository, t.Path} {
		s = strings.TrimSuffix(strings.TrimRight(valid(s), "/"), ".git")
		if name := path.Base(s); s != "" && name != "." && name != "/" && name != ".." {
			return name
		}
	}
	return "repository"
}

// own reports whether the package is part of the project itself.
func own(p *inventory.Package) bool {
	return slices.ContainsFunc(p.Locations, func(l inventory.PackageLocation) bool { return l.Origin.Own() })
}

// needs returns what a package depends on as indices of Result.Packages, in order and each once; what the inventory does
// not have is left out.
func (b *bill) needs(p *inventory.Package) []int {
	var indices []int
	for _, id := range p.Dependencies {
		if i, ok := b.byID[id]; ok {
			indices = append(indices, i)
		}
	}
	slices.Sort(indices)
	return slices.Compact(indices)
}

// scope is what the project as a whole needs a package for: one place of use at run time is enough.
func scope(p *inventory.Package) inventory.Scope {
	development := len(p.Locations) > 0
	for _, l := range p.Locations {
		if l.Scope == inventory.ScopeRuntime {
			return inventory.ScopeRuntime
		}
		development = development && l.Scope == inventory.ScopeDevelopment
	}
	if development {
		return inventory.ScopeDevelopment
	}
	return inventory.ScopeUnknown
}

// created is the time that a bill of materials says it was made: the day of the run, so that equal runs give equal
// bytes. It is empty where the result names no day.
func created(res *scanner.Result) string {
	if t, err := time.Parse(time.DateOnly, res.Run.AsOf); err == nil {
		return t.UTC().Format(time.RFC3339)
	}
	return timestamp(res.Run.StartedAt)
}

// timestamp returns an RFC 3339 time in UTC, and nothing for what is none.
func timestamp(s string) string {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil || t.Year() < 1 {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// hashBits are the lengths of the digests that both formats know, by the names of CycloneDX.
var hashBits = map[string]int{
	"MD5": 128, "SHA-1": 160, "SHA-256": 256, "SHA-384": 384, "SHA-512": 512, "SHA3-256": 256, "SHA3-384": 384, "SHA3-512": 512,
	"BLAKE2b-256": 256, "BLAKE2b-384": 384, "BLAKE2b-512": 512, "BLAKE3": 256,
}

// hashes returns the digests of a package that are well formed; a wrong one would make the whole document invalid.
func hashes(p *inventory.Package) []inventory.Hash {
	var good []inventory.Hash
	for _, h := range p.Hashes {
		h.Value = strings.ToLower(h.Value)
		sum, err := hex.DecodeString(h.Value)
		if err == nil && len(sum)*8 == hashBits[h.Algorithm] && !slices.Contains(good, h) {
			good = append(good, h)
		}
	}
	return good
}

// license is one statement about a licence; exactly one field is set.
type license struct {
	id         string // of the SPDX list, in its spelling
	expression string // a valid SPDX expression of several ids
	name       string // anything else
}

// licenses tells ids, expressions and names apart, and remembers what it told.
type licenses map[string]license

// maxExpression bounds a licence expression that is parsed; longer ones are names.
const maxExpression = 500

func (known licenses) classify(s string) license {
	s = strings.TrimSpace(valid(s))
	if l, ok := known[s]; ok {
		return l
	}
	l := license{name: s}
	if id := licenseID(s); id != "" {
		l = license{id: id}
	} else if isExpression(s) {
		l = license{expression: s}
	}
	known[s] = l
	return l
}

// licenseID returns the SPDX list's spelling of an id, deprecated ones included, and nothing for what is none.
func licenseID(s string) string {
	if id := inList(spdxlicenses.GetLicenses(), s); id != "" {
		return id
	}
	return inList(spdxlicenses.GetDeprecated(), s)
}

func inList(list []string, s string) string {
	i := slices.IndexFunc(list, func(id string) bool { return strings.EqualFold(id, s) })
	if i < 0 {
		return ""
	}
	return list[i]
}

// isExpression reports whether s is a licence expression of the SPDX list's ids
// (https://spdx.github.io/spdx-spec/v2.3/SPDX-license-expressions/). References to licences that a document would have
// to define count as names. The parser of github.com/github/go-spdx is not used: it panics on "MIT OR (".
func isExpression(s string) bool {
	if len(s) > maxExpression {
		return false
	}
	operand, exception, canHaveException, depth := true, false, false, 0
	for token := range strings.FieldsSeq(strings.NewReplacer("(", " ( ", ")", " ) ").Replace(s)) {
		switch {
		case exception:
			if inList(spdxlicenses.GetExceptions(), token) == "" {
				return false
			}
			exception, canHaveException = false, false
		case operand && token == "(":
			depth++
		case operand:
			if licenseID(token) == "" && licenseID(strings.TrimSuffix(token, "+")) == "" {
				return false
			}
			operand, canHaveException = false, true
		case token == "AND", token == "OR":
			operand = true
		case token == "WITH" && canHaveException:
			exception = true
		case token == ")" && depth > 0:
			depth--
			canHaveException = false
		default:
			return false
		}
	}
	return !operand && !exception && depth == 0
}

// of returns the licences of a package, each once.
func (known licenses) of(p *inventory.Package) []license {
	var list []license
	for _, s := range p.Licenses {
		if l := known.classify(s); l != (license{}) && !slices.Contains(list, l) {
			list = append(list, l)
		}
	}
	return list
}

// joined writes licences that all hold as one SPDX expression.
func joined(list []license, ref func(name string) string) string {
	parts := make([]string, len(list))
	for i, l := range list {
		switch {
		case l.id != "":
			parts[i] = l.id
		case l.expression != "" && len(list) > 1:
			parts[i] = "(" + l.expression + ")"
		case l.expression != "":
			parts[i] = l.expression
		default:
			parts[i] = ref(l.name)
		}
	}
	return strings.Join(parts, " AND ")
}
