package report

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/spdx/tools-golang/json"
	"github.com/spdx/tools-golang/spdx/v2/common"
	"github.com/spdx/tools-golang/spdx/v2/v2_3"

	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/scanner"
)

// SPDX writes an SPDX 2.3 document (https://spdx.github.io/spdx-spec/v2.3/): every package and image with its package
// URL, declared licence, digests and advisories, and who needs whom. The name space and the time are computed from the
// content, so that equal runs give equal bytes.
func SPDX(w io.Writer, res *scanner.Result, _ Options) error {
	s := spdxWriter{bill: newBill(res), licenses: licenses{}, extracted: map[string]string{}}
	doc := s.document()
	doc.DocumentNamespace = "https://spdx.org/spdxdocs/" + url.PathEscape(doc.DocumentName) + "-" + uuid.Nil.String()
	var buf bytes.Buffer
	if err := json.Write(doc, &buf, json.Indent("  "), json.EscapeHTML(false)); err != nil {
		return err
	}
	_, err := w.Write(numbered(readable(buf.Bytes()), `"documentNamespace": "`+doc.DocumentNamespace))
	return err
}

// spdxWriter holds what one document needs while it is made.
type spdxWriter struct {
	*bill
	licenses  licenses
	extracted map[string]string // licence reference -> the text that it stands for
}

const (
	noAssertion  = "NOASSERTION"
	spdxDocument = common.ElementID("DOCUMENT")
	spdxRoot     = common.ElementID("Root")
)

func (s *spdxWriter) document() *v2_3.Document {
	doc := &v2_3.Document{
		SPDXVersion:    v2_3.Version,
		DataLicense:    v2_3.DataLicense,
		SPDXIdentifier: spdxDocument,
		DocumentName:   s.name,
		CreationInfo: &v2_3.CreationInfo{
			Created:  cmp.Or(created(s.res), "1970-01-01T00:00:00Z"),
			Creators: []common.Creator{{CreatorType: "Tool", Creator: "trifecta-" + cmp.Or(clean(s.res.Tool.Version), "0.0.0")}},
		},
	}
	if len(s.res.Notices) > 0 {
		doc.DocumentComment = count(len(s.res.Notices), "part") + " of the repository could not be looked at in full"
	}
	root := spdxPackage(spdxRoot, s.name, s.version, "APPLICATION")
	if u := httpURL(s.res.Target.Repository); u != "" {
		root.PackageDownloadLocation = u
	}
	doc.Packages = append(doc.Packages, root)
	relate := func(a common.ElementID, kind string, b common.ElementID) {
		doc.Relationships = append(doc.Relationships, &v2_3.Relationship{
			RefA: common.DocElementID{ElementRefID: a}, Relationship: kind, RefB: common.DocElementID{ElementRefID: b},
		})
	}
	relate(spdxDocument, common.TypeRelationshipDescribe, spdxRoot)

	ids := make([]common.ElementID, len(s.refs))
	for i, ref := range s.refs {
		ids[i] = elementID("Package", s.res.Packages[i].Name+"-"+s.res.Packages[i].Version, ref)
	}
	for _, i := range s.roots {
		if scope(&s.res.Packages[i]) == inventory.ScopeDevelopment {
			relate(ids[i], common.TypeRelationshipDevDependencyOf, spdxRoot)
		} else {
			relate(spdxRoot, common.TypeRelationshipDependsOn, ids[i])
		}
	}
	advisories := s.advisories()
	for i := range s.res.Packages {
		p := &s.res.Packages[i]
		doc.Packages = append(doc.Packages, s.pkg(p, ids[i], advisories[p.ID]))
		for _, n := range s.needs(p) {
			relate(ids[i], common.TypeRelationshipDependsOn, ids[n])
		}
	}
	for i := range s.res.Images {
		image := &s.res.Images[i]
		id := elementID("Image", string(image.ID), string(image.ID))
		pkg := spdxPackage(id, cmp.Or(string(image.ID), "image"), image.Digest, "CONTAINER")
		pkg.PackageSourceInfo = foundAt(image.Locations)
		doc.Packages = append(doc.Packages, pkg)
		relate(spdxRoot, common.TypeRelationshipDependsOn, id)
	}
	for _, ref := range slices.Sorted(maps.Keys(s.extracted)) {
		text := s.extracted[ref]
		doc.OtherLicenses = append(doc.OtherLicenses, &v2_3.OtherLicense{LicenseIdentifier: ref, LicenseName: text, ExtractedText: text})
	}
	return doc
}

func spdxPackage(id common.ElementID, name, version, purpose string) *v2_3.Package {
	return &v2_3.Package{
		PackageName:             name,
		PackageSPDXIdentifier:   id,
		PackageVersion:          version,
		PackageDownloadLocation: noAssertion,
		PackageLicenseConcluded: noAssertion,
		PackageLicenseDeclared:  noAssertion,
		PackageCopyrightText:    noAssertion,
		PrimaryPackagePurpose:   purpose,
	}
}

func (s *spdxWriter) pkg(p *inventory.Package, id common.ElementID, advisories []*v2_3.PackageExternalReference) *v2_3.Package {
	purpose := "LIBRARY"
	if own(p) {
		purpose = "APPLICATION"
	}
	pkg := spdxPackage(id, cmp.Or(p.Name, string(p.ID)), p.Version, purpose)
	pkg.PackageSourceInfo = foundAt(places(p))
	if list := s.licenses.of(p); len(list) > 0 {
		pkg.PackageLicenseDeclared = joined(list, s.reference)
	}
	for _, h := range hashes(p) {
		// SPDX writes SHA1 where CycloneDX writes SHA-1, and SHA3-256 as it is.
		algorithm := h.Algorithm
		if rest, ok := strings.CutPrefix(algorithm, "SHA-"); ok {
			algorithm = "SHA" + rest
		}
		pkg.PackageChecksums = append(pkg.PackageChecksums, common.Checksum{Algorithm: common.ChecksumAlgorithm(algorithm), Value: h.Value})
	}
	if p.PURL != "" {
		pkg.PackageExternalReferences = append(pkg.PackageExternalReferences, &v2_3.PackageExternalReference{
			Category: common.CategoryPackageManager, RefType: common.TypePackageManagerPURL, Locator: p.PURL,
		})
	}
	pkg.PackageExternalReferences = append(pkg.PackageExternalReferences, advisories...)
	return pkg
}

// advisories returns the pages of the advisories that apply to each package, those that were decided about left out:
// SPDX 2.3 has no place for the decision.
func (s *spdxWriter) advisories() map[inventory.ID][]*v2_3.PackageExternalReference {
	urls := make(map[string]string, len(s.res.Rules))
	for _, r := range s.res.Rules {
		urls[r.ID] = httpURL(r.URL)
	}
	refs := map[inventory.ID][]*v2_3.PackageExternalReference{}
	seen := map[[2]string]bool{}
	for i := range s.res.Findings {
		f := &s.res.Findings[i]
		key := [2]string{string(f.Subject), f.RuleID}
		if f.Advisory == nil || f.Status == scanner.StatusSuppressed || urls[f.RuleID] == "" || seen[key] {
			continue
		}
		seen[key] = true
		refs[f.Subject] = append(refs[f.Subject], &v2_3.PackageExternalReference{
			Category: common.CategorySecurity, RefType: common.TypeSecurityAdvisory, Locator: urls[f.RuleID], ExternalRefComment: f.RuleID,
		})
	}
	return refs
}

// reference names a licence that is not on the SPDX list and keeps its text for the document.
func (s *spdxWriter) reference(name string) string {
	ref := "LicenseRef-" + idString(name, name)
	s.extracted[ref] = name
	return ref
}

// elementID returns an identifier that is readable, allowed and different for each ref.
func elementID(kind, readable, ref string) common.ElementID {
	return common.ElementID(kind + "-" + idString(readable, ref))
}

// idString writes text with the characters of an SPDX idstring and makes it unique by a digest of ref.
func idString(text, ref string) string {
	var b strings.Builder
	for _, r := range cut(text, 60) {
		switch {
		case r >= '0' && r <= '9', r >= 'A' && r <= 'Z', r >= 'a' && r <= 'z', r == '.':
			b.WriteRune(r)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
	}
	sum := sha256.Sum256([]byte(valid(ref)))
	return strings.Trim(b.String()+"-"+hex.EncodeToString(sum[:6]), "-")
}

// foundAt says in which lines a package is named.
func foundAt(list []inventory.Location) string {
	if len(list) == 0 {
		return ""
	}
	names := make([]string, len(list))
	for i, l := range list {
		names[i] = where(l)
	}
	return fmt.Sprintf("found in %s", strings.Join(names, ", "))
}
