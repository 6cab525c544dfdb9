package ecosystem

import (
	"bytes"
	"context"
	"path"
	"regexp"
	"strings"

	"github.com/package-url/packageurl-go"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// Terraform are the providers of Terraform and OpenTofu. OSV has no advisories for them under this name.
var Terraform = &Ecosystem{
	Name: "Terraform",
	Formats: []Format{
		{Name: ".terraform.lock.hcl", Match: base(".terraform.lock.hcl"), LockFile: true, Read: readTerraformLock},
	},
	PURL: func(name, version string) packageurl.PackageURL {
		namespace, name := splitLast(name, "/")
		return packageurl.PackageURL{Type: packageurl.TypeTerraform, Namespace: namespace, Name: name, Version: version}
	},
}

var (
	terraformProvider = regexp.MustCompile(`^provider\s+"([^"]+)"\s*\{`)
	terraformVersion  = regexp.MustCompile(`^\s+version\s*=\s*"([^"]*)"`)
	terraformHash     = regexp.MustCompile(`^\s+"zh:([0-9a-f]{64})"`)
)

// readTerraformLock reads a dependency lock file (https://developer.hashicorp.com/terraform/language/files/dependency-lock),
// which Terraform itself writes in one form; a line-wise reading needs no evaluator. Of the checksums, "zh:" is that of
// the archive; "h1:" is one over the files inside and has no name elsewhere.
func readTerraformLock(_ context.Context, tree *inventory.Tree, name string) (*Document, error) {
	data, err := readText(tree, name)
	if err != nil {
		return nil, err
	}
	doc := &Document{Root: projectName("", name)}
	doc.Declared = bytes.Count(data, []byte("\nprovider \""))
	if bytes.HasPrefix(data, []byte("provider \"")) {
		doc.Declared++
	}
	var at *Entry
	number := 0
	for raw := range bytes.Lines(data) {
		number++
		line := strings.TrimRight(string(raw), "\r\n")
		if m := terraformProvider.FindStringSubmatch(line); m != nil {
			if doc.full(lineLocation(name, number, line)) != nil {
				break
			}
			doc.Entries = append(doc.Entries, Entry{Name: m[1], Location: lineLocation(name, number, line), Scope: inventory.ScopeDevelopment})
			at = &doc.Entries[len(doc.Entries)-1]
			continue
		}
		switch {
		case at == nil:
		case line == "}":
			at = nil
		case at.Version == "" && terraformVersion.MatchString(line):
			at.Version = terraformVersion.FindStringSubmatch(line)[1]
			at.Location.EndLine, at.Location.EndColumn = number, len(strings.TrimRight(line, " \t"))+1
		default:
			if m := terraformHash.FindStringSubmatch(line); m != nil {
				at.Hashes = append(at.Hashes, inventory.Hash{Algorithm: "SHA-256", Value: m[1]})
			}
		}
	}
	doc.terraformManifest(tree, path.Dir(name))
	doc.Resolve()
	return doc, nil
}

var (
	terraformSource = regexp.MustCompile(`^\s*source\s*=\s*"([^"]+)"`)
	terraformBlock  = regexp.MustCompile(`^\s*provider\s+"([^"]+)"\s*\{`)
	terraformUse    = regexp.MustCompile(`^\s*(?:resource|data|ephemeral)\s+"([A-Za-z0-9-]+)_?[^"]*"\s+"`)
	terraformShort  = regexp.MustCompile(`^\s*([A-Za-z0-9_-]+)\s*=\s*"[^"]*\d`)
)

// terraformManifest finds the lines of the module that ask for the providers: the source in required_providers, else
// the provider's block, else the first resource of the provider. A provider without any is what a called module asks
// for.
func (d *Document) terraformManifest(tree *inventory.Tree, dir string) {
	source, block, use := map[string]inventory.Location{}, map[string]inventory.Location{}, map[string]inventory.Location{}
	known := false
	for _, name := range filesIn(tree, dir) {
		if path.Ext(name) != ".tf" {
			continue
		}
		data, err := readText(tree, name)
		if err != nil {
			continue
		}
		known = true
		number := 0
		required := 0 // lines of required_providers that are open
		for raw := range bytes.Lines(data) {
			number++
			line := strings.TrimRight(string(raw), "\r\n")
			keep := func(in map[string]inventory.Location, key string) {
				if _, ok := in[key]; !ok {
					in[key] = lineLocation(name, number, line)
				}
			}
			switch m := terraformSource.FindStringSubmatch(line); {
			case strings.Contains(line, "required_providers"):
				required = 1
				continue
			case m != nil && required > 0:
				keep(source, strings.ToLower(m[1]))
			case terraformBlock.MatchString(line):
				keep(block, terraformBlock.FindStringSubmatch(line)[1])
			case terraformUse.MatchString(line):
				keep(use, terraformUse.FindStringSubmatch(line)[1])
			case required == 1 && terraformShort.MatchString(line):
				keep(block, terraformShort.FindStringSubmatch(line)[1])
			}
			if required > 0 {
				required += strings.Count(line, "{") - strings.Count(line, "}")
			}
		}
	}
	for i := range d.Entries {
		e := &d.Entries[i]
		host, address, _ := strings.Cut(strings.ToLower(e.Name), "/")
		_, kind := splitLast(address, "/")
		for _, at := range []inventory.Location{source[address], source[host+"/"+address], block[kind], use[kind]} {
			if e.Manifest.IsZero() {
				e.Manifest = at
			}
		}
		if !known || !e.Manifest.IsZero() {
			d.Roots = append(d.Roots, i)
		}
	}
}
