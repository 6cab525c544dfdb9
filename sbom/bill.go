package sbom

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"regexp"
	"strings"

	"github.com/CycloneDX/cyclonedx-go"
	spdxjson "github.com/spdx/tools-golang/json"
	"github.com/spdx/tools-golang/spdx"
	"github.com/spdx/tools-golang/tagvalue"

	"github.com/trifecta-scanner/trifecta/ecosystem"
	"github.com/trifecta-scanner/trifecta/inventory"
)

// bills are the formats of bills of materials. Their packages are of any ecosystem: each says which by its package URL.
var bills = []ecosystem.Format{
	{Name: "CycloneDX", LockFile: true, Read: readBill, Match: func(name string) bool {
		base := path.Base(name)
		return base == "bom.json" || base == "bom.xml" || strings.HasSuffix(base, ".cdx.json") || strings.HasSuffix(base, ".cdx.xml")
	}},
	{Name: "SPDX", LockFile: true, Read: readBill, Match: func(name string) bool {
		return strings.HasSuffix(name, ".spdx.json") || strings.HasSuffix(name, ".spdx")
	}},
}

func readBill(_ context.Context, tree *inventory.Tree, name string) (*ecosystem.Document, error) {
	data, err := tree.ReadFile(name)
	if err != nil {
		return nil, err
	}
	return parseBill(data, name)
}

// errNoBill says that a file has the name of a bill of materials and not the content of one.
var errNoBill = errors.New("want CycloneDX as JSON or XML, or SPDX 2 as JSON or tag-value")

// parseBill reads a bill of materials in the format that its content shows.
func parseBill(data []byte, name string) (*ecosystem.Document, error) {
	var probe struct {
		BOMFormat   string `json:"bomFormat"`
		SPDXVersion string `json:"spdxVersion"`
	}
	text := bytes.TrimSpace(data)
	switch {
	case bytes.HasPrefix(text, []byte("{")):
		if err := json.Unmarshal(text, &probe); err != nil {
			return nil, placed(err, data, name)
		}
		switch {
		case probe.BOMFormat == "CycloneDX":
			return parseCycloneDX(data, name, cyclonedx.BOMFileFormatJSON)
		case probe.SPDXVersion != "":
			doc, err := spdxjson.Read(bytes.NewReader(data))
			return spdxDocument(doc, err, data, name)
		}
	case bytes.HasPrefix(text, []byte("<")):
		return parseCycloneDX(data, name, cyclonedx.BOMFileFormatXML)
	case bytes.Contains(data, []byte("SPDXVersion:")):
		doc, err := tagvalue.Read(bytes.NewReader(data))
		return spdxDocument(doc, err, data, name)
	}
	return nil, errNoBill
}

// placed gives an error of the JSON decoder its line.
func placed(err error, data []byte, name string) error {
	if syntax := (*json.SyntaxError)(nil); errors.As(err, &syntax) {
		line, column := inventory.NewLines(data).Position(int(syntax.Offset))
		return &ecosystem.Error{Location: inventory.Location{Path: name, Line: line, Column: column}, Err: err}
	}
	return err
}

// bill collects the packages of one bill of materials.
type bill struct {
	doc    *ecosystem.Document
	name   string
	lines  *inventory.Lines
	places map[string]int // package URL -> offset of its first mention
	byRef  map[string]int // the bill's own name of a package -> entry
	others int            // packages without a package URL that names an ecosystem
}

func newBill(data []byte, name string) *bill {
	b := &bill{doc: &ecosystem.Document{}, name: name, lines: inventory.NewLines(data), places: map[string]int{}, byRef: map[string]int{}}
	for at := 0; ; {
		i := bytes.Index(data[at:], []byte("pkg:"))
		if i < 0 {
			return b
		}
		at += i
		end := bytes.IndexAny(data[at:], "\"'<>\r\n \t")
		if end < 0 {
			end = len(data) - at
		}
		purl := string(data[at : at+end])
		if _, known := b.places[purl]; !known {
			b.places[purl] = at
		}
		at += end
	}
}

// add adds a package by its package URL and reports whether the URL names a package of an ecosystem.
func (b *bill) add(ref, purl string) *ecosystem.Entry {
	entry, ok := ecosystem.FromPURL(purl)
	if !ok || entry.Version == "" {
		b.others++
		return nil
	}
	entry.Location = inventory.Location{Path: b.name}
	if at, ok := b.places[purl]; ok {
		entry.Location = b.lines.Location(b.name, at, at+len(purl))
	}
	if _, twice := b.byRef[ref]; !twice {
		b.byRef[ref] = len(b.doc.Entries)
	}
	b.doc.Entries = append(b.doc.Entries, entry)
	return &b.doc.Entries[len(b.doc.Entries)-1]
}

// depends draws an edge between two of the bill's own names; root stands for the thing that the bill describes.
func (b *bill) depends(from, to, root string) {
	j, ok := b.byRef[to]
	if !ok {
		return
	}
	if i, ok := b.byRef[from]; ok {
		b.doc.Entries[i].Needs = append(b.doc.Entries[i].Needs, j)
	} else if from == root {
		b.doc.Roots = append(b.doc.Roots, j)
	}
}

// done completes the document.
func (b *bill) done() *ecosystem.Document {
	b.doc.Resolve()
	if b.others > 0 {
		b.doc.Notices = append(b.doc.Notices, inventory.Notice{
			Code: "packages-without-ecosystem", Location: &inventory.Location{Path: b.name},
			Message: fmt.Sprintf("%s lists %d components without a package URL and version of a known ecosystem; they can't be matched", b.name, b.others),
		})
	}
	return b.doc
}

// maxNesting bounds components inside of components.
const maxNesting = 100

func parseCycloneDX(data []byte, name string, format cyclonedx.BOMFileFormat) (*ecosystem.Document, error) {
	bom := new(cyclonedx.BOM)
	if err := cyclonedx.NewBOMDecoder(bytes.NewReader(data), format).Decode(bom); err != nil {
		return nil, placed(err, data, name)
	}
	b := newBill(data, name)
	root := ""
	if bom.Metadata != nil && bom.Metadata.Component != nil {
		root, b.doc.Root = bom.Metadata.Component.BOMRef, bom.Metadata.Component.Name
		b.doc.Image = imageOf(bom.Metadata.Component)
	}
	var walk func(list *[]cyclonedx.Component, depth int)
	walk = func(list *[]cyclonedx.Component, depth int) {
		if list == nil || depth > maxNesting {
			return
		}
		for i := range *list {
			c := &(*list)[i]
			if c.Type != cyclonedx.ComponentTypeFile {
				b.component(c)
			}
			walk(c.Components, depth+1)
		}
	}
	walk(bom.Components, 0)
	if bom.Dependencies != nil {
		for _, d := range *bom.Dependencies {
			if d.Dependencies == nil {
				continue
			}
			for _, to := range *d.Dependencies {
				b.depends(d.Ref, to, root)
			}
		}
	}
	return b.done(), nil
}

var machineImage = regexp.MustCompile(`^ami-(?:[0-9a-f]{8}|[0-9a-f]{17})$`)

// imageOf returns the image that a bill is of: a container with its digest, as Syft and trifecta write it, or an AMI.
func imageOf(c *cyclonedx.Component) inventory.ID {
	switch {
	case machineImage.MatchString(c.Name):
		return inventory.ID(c.Name)
	case c.Type == cyclonedx.ComponentTypeContainer && c.Name != "" && strings.HasPrefix(c.Version, "sha256:") && !strings.Contains(c.Name, "@"):
		return inventory.ID(c.Name + "@" + c.Version)
	case c.Type == cyclonedx.ComponentTypeContainer:
		return inventory.ID(c.Name)
	}
	return ""
}

func (b *bill) component(c *cyclonedx.Component) {
	entry := b.add(c.BOMRef, c.PackageURL)
	if entry == nil {
		return
	}
	switch c.Scope {
	case cyclonedx.ScopeRequired:
		entry.Scope = inventory.ScopeRuntime
	case cyclonedx.ScopeExcluded: // not there when the thing runs
		entry.Scope = inventory.ScopeDevelopment
	}
	if c.Licenses != nil {
		for _, choice := range *c.Licenses {
			switch {
			case choice.Expression != "":
				entry.Licenses = append(entry.Licenses, choice.Expression)
			case choice.License != nil && choice.License.ID != "":
				entry.Licenses = append(entry.Licenses, choice.License.ID)
			case choice.License != nil && choice.License.Name != "":
				entry.Licenses = append(entry.Licenses, choice.License.Name)
			}
		}
	}
	if c.Hashes != nil {
		for _, h := range *c.Hashes {
			entry.Hashes = append(entry.Hashes, inventory.Hash{Algorithm: string(h.Algorithm), Value: strings.ToLower(h.Value)})
		}
	}
}

func spdxDocument(doc *spdx.Document, err error, data []byte, name string) (*ecosystem.Document, error) {
	if err != nil {
		return nil, placed(err, data, name)
	}
	b := newBill(data, name)
	b.doc.Root = doc.DocumentName
	root := ""
	for _, r := range doc.Relationships {
		if r.Relationship == "DESCRIBES" && root == "" {
			root = string(r.RefB.ElementRefID)
		}
	}
	for _, p := range doc.Packages {
		purl := ""
		for _, ref := range p.PackageExternalReferences {
			if ref.RefType == "purl" {
				purl = ref.Locator
			}
		}
		if string(p.PackageSPDXIdentifier) == root && purl == "" {
			continue // the thing that the bill describes
		}
		entry := b.add(string(p.PackageSPDXIdentifier), purl)
		if entry == nil {
			continue
		}
		for _, license := range []string{p.PackageLicenseConcluded, p.PackageLicenseDeclared} {
			if license != "" && license != "NOASSERTION" && license != "NONE" {
				entry.Licenses = append(entry.Licenses, license)
				break
			}
		}
	}
	for _, r := range doc.Relationships {
		from, to := string(r.RefA.ElementRefID), string(r.RefB.ElementRefID)
		switch r.Relationship {
		case "DEPENDS_ON":
			b.depends(from, to, root)
		case "DEPENDENCY_OF", "RUNTIME_DEPENDENCY_OF", "DEV_DEPENDENCY_OF":
			b.depends(to, from, root)
		}
	}
	return b.done(), nil
}

// Bill is the inventory.Source of one bill of materials that need not be part of the tree.
type Bill struct {
	Path string // as the user names it
	Data []byte
}

// Name returns the name of the source.
func (Bill) Name() string { return "bill of materials" }

// Read returns the packages of the bill. One that can't be read is an error: the user asked for it.
func (s Bill) Read(context.Context, *inventory.Tree) (*inventory.Inventory, error) {
	doc, err := parseBill(s.Data, s.Path)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", s.Path, err)
	}
	inv := &inventory.Inventory{}
	m := merger{inv: inv, at: map[string]int{}}
	m.add(reading{claim: claim{path: s.Path, format: &bills[0]}, doc: doc, notices: doc.Notices})
	inv.Sort()
	return inv, nil
}
