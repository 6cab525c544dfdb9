package report_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"path"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/trifecta-scanner/trifecta/internal/golden"
	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/network"
	"github.com/trifecta-scanner/trifecta/report"
	"github.com/trifecta-scanner/trifecta/scanner"
)

// schemaFile is the schema that users get.
const schemaFile = "../docs/result.schema.json"

// The schema is made from the Go types and their comments, so that it can't say anything else than what is written.
// go test -update ./report writes it anew after a change of the types.
func TestSchemaIsThatOfTheTypes(t *testing.T) {
	m := schemaMaker{tb: t, comments: map[string]map[string]string{}, defs: map[string]any{}, names: map[string]reflect.Type{}}
	schema := m.object(reflect.TypeFor[scanner.Result]())
	schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	schema["$id"] = "https://raw.githubusercontent.com/trifecta-scanner/trifecta/main/docs/result.schema.json"
	schema["title"] = "Result of a trifecta scan"
	schema["$defs"] = m.defs
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(schema); err != nil {
		t.Fatal(err)
	}
	golden.Check(t, schemaFile, b.Bytes())
	if t.Failed() {
		t.Log("the types of the result or their comments have changed; go test -update ./report writes the schema anew")
	}
}

func TestResultsAreValid(t *testing.T) {
	schema := compile(t, schemaFile)
	for name, res := range map[string]*scanner.Result{"sample": sample(), "empty": empty(t), "hostile": hostile(), "many": many(t, 200)} {
		var b bytes.Buffer
		if err := report.JSON(&b, res, report.Options{}); err != nil {
			t.Fatal(err)
		}
		err := validate(schema, b.Bytes())
		if name == "hostile" { // it breaks the lists of words on purpose
			if err == nil {
				t.Error("hostile: the schema takes words outside of its lists")
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// compile reads a schema with the further ones that it refers to by their $id.
func compile(tb testing.TB, file string, others ...string) *jsonschema.Schema {
	tb.Helper()
	c := jsonschema.NewCompiler()
	c.UseLoader(jsonschema.SchemeURLLoader{"file": jsonschema.FileLoader{}}) // never the network
	for _, other := range others {
		doc, err := jsonschema.FileLoader{}.Load("file://" + abs(tb, other))
		if err != nil {
			tb.Fatal(err)
		}
		id, _ := doc.(map[string]any)["$id"].(string)
		if err := c.AddResource(id, doc); err != nil {
			tb.Fatal(err)
		}
	}
	schema, err := c.Compile("file://" + abs(tb, file))
	if err != nil {
		tb.Fatal(err)
	}
	return schema
}

func abs(tb testing.TB, file string) string {
	tb.Helper()
	path, err := filepath.Abs(file)
	if err != nil {
		tb.Fatal(err)
	}
	return filepath.ToSlash(path)
}

func validate(schema *jsonschema.Schema, data []byte) error {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		return err
	}
	return schema.Validate(doc)
}

// schemaMaker writes Go types as JSON Schema.
type schemaMaker struct {
	tb       testing.TB
	comments map[string]map[string]string // package path, then Type and Type.Field
	defs     map[string]any
	names    map[string]reflect.Type
}

// name returns the name of a type among the definitions; types of two packages may share one.
func (m *schemaMaker) name(t reflect.Type) string {
	name := t.Name()
	if other, ok := m.names[name]; ok && other != t {
		name = path.Base(t.PkgPath()) + name
	}
	m.names[name] = t
	return name
}

// comment returns what the source says about a type, or about a field of it.
func (m *schemaMaker) comment(t reflect.Type, field string) string {
	pkg := t.PkgPath()
	if m.comments[pkg] == nil {
		_, dir, _ := strings.Cut(pkg, "trifecta-scanner/trifecta/")
		m.comments[pkg] = comments(m.tb, filepath.Join("..", filepath.FromSlash(dir)))
	}
	return m.comments[pkg][t.Name()+field]
}

// words are the types whose values come from a list.
var words = map[reflect.Type]any{
	reflect.TypeFor[scanner.Severity](): scanner.Severities,
	reflect.TypeFor[scanner.Tier]():     scanner.Tiers,
	reflect.TypeFor[scanner.Kind](): []scanner.Kind{scanner.KindVulnerability, scanner.KindMalware, scanner.KindMisconfiguration, scanner.KindExposure,
		scanner.KindMachineImage, scanner.KindImage, scanner.KindEndOfLife, scanner.KindLicense, scanner.KindSecret},
	reflect.TypeFor[scanner.Pillar](): []scanner.Pillar{scanner.PillarLayer, scanner.PillarFirewall, scanner.PillarVulnerability},
	reflect.TypeFor[scanner.Status](): []scanner.Status{scanner.StatusNew, scanner.StatusExisting, scanner.StatusSuppressed},
	reflect.TypeFor[scanner.ExposureLevel](): []scanner.ExposureLevel{scanner.ExposureOpen, scanner.ExposureControlled, scanner.ExposureAdjacent,
		scanner.ExposureInternal, scanner.ExposureIsolated, scanner.ExposureUnknown},
	reflect.TypeFor[inventory.Language]():   []inventory.Language{inventory.Terraform, inventory.CloudFormation, inventory.Kubernetes, inventory.Packer},
	reflect.TypeFor[inventory.Confidence](): []inventory.Confidence{inventory.Declared, inventory.Resolved, inventory.Inferred},
	reflect.TypeFor[network.Verdict]():      []network.Verdict{network.Yes, network.No, network.Unknown},
	reflect.TypeFor[network.Breadth]():      []network.Breadth{"", network.BreadthAny, network.BreadthWide, network.BreadthRestricted},
	reflect.TypeFor[network.Kind]():         []network.Kind{network.KindWorkload, network.KindStore, network.KindProxy, network.KindFront, network.KindInterface},
	reflect.TypeFor[inventory.Scope]():      []inventory.Scope{"", inventory.ScopeRuntime, inventory.ScopeDevelopment, inventory.ScopeUnknown},
	reflect.TypeFor[inventory.Origin](): []inventory.Origin{"", inventory.OriginRegistry, inventory.OriginPrivate, inventory.OriginGit, inventory.OriginURL,
		inventory.OriginPath, inventory.OriginWorkspace},
}

// bounds say more about a field than its type does.
var bounds = map[string]map[string]any{
	"Result.SchemaVersion":       {"const": scanner.SchemaVersion},
	"Location.Line":              {"minimum": 1},
	"Location.Column":            {"minimum": 1},
	"Location.EndLine":           {"minimum": 1},
	"Location.EndColumn":         {"minimum": 1},
	"Location.Path":              {"description": "Relative to the root of the tree, with slashes."},
	"Advisory.EPSS":              {"minimum": 0, "maximum": 1},
	"CVSS.Score":                 {"minimum": 0, "maximum": 10},
	"CVSS.Version":               {"enum": []string{"2.0", "3.0", "3.1", "4.0"}},
	"Finding.Fingerprint":        {"pattern": "^[0-9a-f]{32}(/[0-9]+)?$"},
	"Finding.Called":             {"enum": []string{"called", "imported", "not-imported", "not-called", "not-analysed"}},
	"Finding.FingerprintVersion": {"minimum": 1},
}

func (m *schemaMaker) schema(t reflect.Type) map[string]any {
	if list, ok := words[t]; ok {
		return map[string]any{"enum": list}
	}
	if t.Implements(reflect.TypeFor[json.Marshaler]()) { // its form is its own
		return map[string]any{}
	}
	switch t.Kind() {
	case reflect.Pointer:
		return m.schema(t.Elem())
	case reflect.String:
		return map[string]any{"type": "string"}
	case reflect.Bool:
		return map[string]any{"type": "boolean"}
	case reflect.Int, reflect.Int64:
		return map[string]any{"type": "integer"}
	case reflect.Float64:
		return map[string]any{"type": "number"}
	case reflect.Slice:
		return map[string]any{"type": "array", "items": m.schema(t.Elem())}
	case reflect.Array:
		return map[string]any{"type": "array", "items": m.schema(t.Elem()), "minItems": t.Len(), "maxItems": t.Len()}
	case reflect.Map:
		s := map[string]any{"type": "object", "additionalProperties": m.schema(t.Elem())}
		if list, ok := words[t.Key()]; ok {
			s["propertyNames"] = map[string]any{"enum": list}
		}
		return s
	case reflect.Struct:
		name := m.name(t)
		if _, ok := m.defs[name]; !ok {
			m.defs[name] = nil // for types that refer to themselves
			m.defs[name] = m.object(t)
		}
		return map[string]any{"$ref": "#/$defs/" + name}
	default: // any: a value of whatever kind the scanned file gives
		return map[string]any{}
	}
}

func (m *schemaMaker) object(t reflect.Type) map[string]any {
	properties, required := map[string]any{}, []string{}
	m.fields(t, properties, &required)
	s := map[string]any{"type": "object", "properties": properties, "additionalProperties": false}
	if len(required) > 0 {
		s["required"] = required
	}
	if c := m.comment(t, ""); c != "" {
		s["description"] = c
	}
	return s
}

func (m *schemaMaker) fields(t reflect.Type, properties map[string]any, required *[]string) {
	for field := range t.Fields() {
		tag := field.Tag.Get("json")
		name, options, _ := strings.Cut(tag, ",")
		switch {
		case tag == "-" || !field.IsExported():
			continue
		case field.Anonymous && name == "":
			m.fields(field.Type, properties, required)
			continue
		}
		p := m.schema(field.Type)
		if field.Type.Kind() == reflect.Pointer && !strings.Contains(options, "omitempty") {
			p["type"] = []any{p["type"], "null"}
		}
		if c := m.comment(t, "."+field.Name); c != "" {
			p["description"] = c
		}
		for keyword, value := range bounds[t.Name()+"."+field.Name] {
			p[keyword] = value
		}
		properties[name] = p
		if !strings.Contains(options, "omitempty") && !strings.Contains(options, "omitzero") {
			*required = append(*required, name)
		}
	}
}

// comments returns what is written about the structs of the package in dir and their fields, by Type and Type.Field.
func comments(tb testing.TB, dir string) map[string]string {
	tb.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil || len(files) == 0 {
		tb.Fatalf("no Go files in %s: %v", dir, err)
	}
	all := map[string]string{}
	for _, file := range files {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments)
		if err != nil {
			tb.Fatal(err)
		}
		for _, decl := range parsed.Decls {
			if gen, ok := decl.(*ast.GenDecl); ok && gen.Tok == token.TYPE {
				for _, spec := range gen.Specs {
					ts := spec.(*ast.TypeSpec)
					if structure, ok := ts.Type.(*ast.StructType); ok {
						all[ts.Name.Name] = sentence(cmp.Or(ts.Doc.Text(), gen.Doc.Text()))
						fieldComments(ts.Name.Name, structure, all)
					}
				}
			}
		}
	}
	return all
}

func fieldComments(owner string, structure *ast.StructType, all map[string]string) {
	for _, field := range structure.Fields.List {
		for _, name := range field.Names {
			all[owner+"."+name.Name] = sentence(cmp.Or(field.Doc.Text(), field.Comment.Text()))
		}
	}
}

func sentence(comment string) string { return strings.Join(strings.Fields(comment), " ") }
