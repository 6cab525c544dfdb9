package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/package-url/packageurl-go"

	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/scanner"
)

// vexContext begins the @context of every OpenVEX document, whatever its version.
const vexContext = "https://openvex.dev/ns"

// vexComponent is a product or a part of one, as versions 0.2.0 and 0.0.1 of the specification write it.
type vexComponent struct {
	ID          string `json:"@id"`
	Identifiers struct {
		PURL string `json:"purl"`
	} `json:"identifiers"`
	Subcomponents []vexComponent `json:"subcomponents"`
}

func (c *vexComponent) UnmarshalJSON(data []byte) error {
	if bytes.HasPrefix(data, []byte{'"'}) {
		return json.Unmarshal(data, &c.ID)
	}
	type plain vexComponent
	return json.Unmarshal(data, (*plain)(c))
}

// purls returns the package URLs that name the component.
func (c *vexComponent) purls() []string {
	var purls []string
	for _, purl := range []string{c.ID, c.Identifiers.PURL} {
		if strings.HasPrefix(purl, "pkg:") {
			purls = append(purls, purl)
		}
	}
	return purls
}

type vexVulnerability struct {
	Name    string   `json:"name"`
	Aliases []string `json:"aliases"`
}

func (v *vexVulnerability) UnmarshalJSON(data []byte) error {
	if bytes.HasPrefix(data, []byte{'"'}) {
		return json.Unmarshal(data, &v.Name)
	}
	type plain vexVulnerability
	return json.Unmarshal(data, (*plain)(v))
}

// vexStatement is what a document says about one vulnerability in some products.
type vexStatement struct {
	Vulnerability   vexVulnerability `json:"vulnerability"`
	Timestamp       string           `json:"timestamp"`
	LastUpdated     string           `json:"last_updated"`
	Products        []vexComponent   `json:"products"`
	Subcomponents   []vexComponent   `json:"subcomponents"` // of version 0.0.1
	Status          string           `json:"status"`
	StatusNotes     string           `json:"status_notes"`
	Justification   string           `json:"justification"`
	ImpactStatement string           `json:"impact_statement"`

	purls []string // of the packages it speaks of
	at    time.Time
}

// Statuses of OpenVEX (https://github.com/openvex/spec/blob/main/OPENVEX-SPEC.md#status-labels).
const (
	vexNotAffected = "not_affected"
	vexAffected    = "affected"
	vexFixed       = "fixed"
	vexUndecided   = "under_investigation"
)

// readVEX reads an OpenVEX document. Its statements hold for the packages that their products name by package URL, or
// the subcomponents where there are some; a URL without a version stands for every version. Of the statements of a
// document about one package, the last one counts. Documents of other formats are passed over without a word.
func readVEX(ig *Ignores, name string, data []byte) {
	doc, err := parseVEX(data)
	if errors.Is(err, errNoVEX) {
		return
	}
	if err != nil {
		ig.malformed(name, 0, "%s has no effect: %v", name, err)
		return
	}
	lines := inventory.NewLines(data)
	byID := map[string][]*vexStatement{}
	for i := range doc.statements {
		s := &doc.statements[i]
		for _, id := range append([]string{s.Vulnerability.Name}, s.Vulnerability.Aliases...) {
			byID[idKey(id)] = append(byID[idKey(id)], s)
		}
	}
	for i := range doc.statements {
		s := &doc.statements[i]
		line, _ := lines.Position(doc.offsets[i])
		switch {
		case s.Status == vexAffected || s.Status == vexUndecided:
			continue
		case s.Status != vexNotAffected && s.Status != vexFixed:
			ig.malformed(name, line, "the statement about %s has no effect: %q is no status of OpenVEX", short(s.Vulnerability.Name), short(s.Status))
			continue
		case s.Status == vexNotAffected && s.Justification == "" && s.ImpactStatement == "":
			ig.notice(codeNoReason, name, line, "the statement that %s does not affect has neither justification nor impact_statement and no effect", short(s.Vulnerability.Name))
			continue
		case len(s.purls) == 0:
			continue // about something that is not named by a package URL
		}
		w := waiver{at: inventory.Location{Path: name, Line: line}, name: "of " + s.Vulnerability.Name, reason: s.reason()}
		for _, id := range append([]string{s.Vulnerability.Name}, s.Vulnerability.Aliases...) {
			w.keys = append(w.keys, keyID+idKey(id))
		}
		w.matches = func(res *scanner.Result, f *scanner.Finding) bool {
			p := res.Package(f.Subject)
			if f.Advisory == nil || p == nil || !s.speaksOf(p) {
				return false
			}
			for _, id := range namesOf(res, f) {
				for _, later := range byID[id] {
					if later.at.After(s.at) && later.speaksOf(p) && later.Status != s.Status {
						return false
					}
				}
			}
			return true
		}
		ig.add(w)
	}
}

// vexDocument is a document with the place of each of its statements.
type vexDocument struct {
	statements []vexStatement
	offsets    []int
}

var errNoVEX = errors.New("no OpenVEX document")

// parseVEX reads a document. errNoVEX says that it is JSON of another kind.
func parseVEX(data []byte) (*vexDocument, error) {
	var head struct {
		Context     json.RawMessage   `json:"@context"`
		Timestamp   string            `json:"timestamp"`
		LastUpdated string            `json:"last_updated"`
		Statements  []json.RawMessage `json:"statements"`
	}
	if err := json.Unmarshal(data, &head); err != nil {
		if wrong := (*json.UnmarshalTypeError)(nil); errors.As(err, &wrong) && !bytes.Contains(data, []byte(vexContext)) {
			return nil, errNoVEX
		}
		return nil, err
	}
	if !bytes.Contains(head.Context, []byte(vexContext)) {
		return nil, errNoVEX
	}
	if len(head.Statements) > maxEntries {
		return nil, fmt.Errorf("it has more than %d statements", maxEntries)
	}
	doc := &vexDocument{statements: make([]vexStatement, len(head.Statements)), offsets: make([]int, len(head.Statements))}
	from := 0
	for i, raw := range head.Statements {
		// The elements are copies; each stands in the file behind the one before it.
		if at := bytes.Index(data[from:], raw); at >= 0 {
			doc.offsets[i], from = from+at, from+at+len(raw)
		}
		s := &doc.statements[i]
		if err := json.Unmarshal(raw, s); err != nil {
			return nil, fmt.Errorf("statement %d: %w", i+1, err)
		}
		for _, word := range []string{head.Timestamp, head.LastUpdated, s.Timestamp, s.LastUpdated} {
			if t, ok := moment(word); ok {
				s.at = t
			}
		}
		parts := s.Subcomponents
		for _, p := range s.Products {
			parts = append(parts, p.Subcomponents...)
		}
		if len(parts) == 0 {
			parts = s.Products
		}
		for _, p := range parts {
			s.purls = append(s.purls, p.purls()...)
		}
	}
	// Statements of one time are in the order of the document.
	for i := 1; i < len(doc.statements); i++ {
		if before := doc.statements[i-1].at; !doc.statements[i].at.After(before) && doc.statements[i].Timestamp == "" {
			doc.statements[i].at = before.Add(time.Nanosecond)
		}
	}
	return doc, nil
}

func (s *vexStatement) speaksOf(p *inventory.Package) bool {
	return slices.ContainsFunc(s.purls, func(purl string) bool { return purlMatches(purl, p.PURL) })
}

// reason puts status, justification and the words of the author into one sentence.
func (s *vexStatement) reason() string {
	reason := "not affected"
	if s.Status == vexFixed {
		reason = "fixed"
	}
	if s.Justification != "" {
		reason += ", " + strings.ReplaceAll(s.Justification, "_", " ")
	}
	for _, text := range []string{s.ImpactStatement, s.StatusNotes} {
		if text = strings.Join(strings.Fields(text), " "); text != "" {
			return reason + ": " + text
		}
	}
	return reason
}

// purlMatches reports whether a package URL names a package: type, namespace and name are equal, and so are the version
// and the qualifiers that it has (https://github.com/openvex/spec/blob/main/OPENVEX-SPEC.md#product-matching).
func purlMatches(pattern, purl string) bool {
	if pattern == purl {
		return true
	}
	want, err := packageurl.FromString(pattern)
	if err != nil {
		return false
	}
	have, err := packageurl.FromString(purl)
	if err != nil || !strings.EqualFold(want.Type, have.Type) || want.Namespace != have.Namespace || want.Name != have.Name {
		return false
	}
	if want.Version != "" && want.Version != have.Version {
		return false
	}
	qualifiers := have.Qualifiers.Map()
	for _, q := range want.Qualifiers {
		if qualifiers[q.Key] != q.Value {
			return false
		}
	}
	return path.Clean("/"+want.Subpath) == "/" || want.Subpath == have.Subpath
}
