package aws

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/trifecta-scanner/trifecta/internal/golden"
)

// TestDocs keeps docs/aws-model.md as the structs and tables of this package say.
func TestDocs(t *testing.T) {
	path := filepath.Join("..", "docs", "aws-model.md")
	page, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	const begin = "<!-- made from package aws; run go test ./aws -update -->\n"
	head, _, ok := strings.Cut(strings.ReplaceAll(string(page), "\r\n", "\n"), begin)
	if !ok {
		t.Fatalf("%s has no line %q", path, begin)
	}
	golden.Check(t, path, []byte(head+begin+objectsTable(t)+defaultsTable()+modulesTable()))
}

// objectsTable lists the structs of the model with what fills their fields.
func objectsTable(t *testing.T) string {
	comments := structComments(t)
	var b strings.Builder
	b.WriteString("\n## Objects\n\n`+` adds lists up, `|` takes the first that is written, `[]` goes over every block.\n")
	seen := map[reflect.Type]bool{}
	byType := map[reflect.Type][]*kind{}
	for _, k := range kinds() {
		byType[k.node] = append(byType[k.node], k)
	}
	added := partTypes()
	for _, k := range kinds() {
		if seen[k.node] {
			continue
		}
		seen[k.node] = true
		var terraform, cloudformation []string
		for _, k := range byType[k.node] {
			terraform, cloudformation = append(terraform, k.terraform...), append(cloudformation, k.cloudformation...)
		}
		fmt.Fprintf(&b, "\n### %s\n\n%s\n\nTerraform: %s. CloudFormation: %s.\n", k.name, comments[k.name], quoted(terraform), quoted(cloudformation))
		rows := fieldRows(k.node.Elem(), "")
		if len(rows) > 0 {
			b.WriteString("\n| field | Terraform | CloudFormation |\n| --- | --- | --- |\n" + strings.Join(rows, ""))
		}
	}
	fmt.Fprintf(&b, "\n## Resources that only add to objects\n\nTerraform: %s.\n\nCloudFormation: %s.\n", quoted(added[0]), quoted(added[1]))
	return b.String()
}

func partTypes() [2][]string {
	var types [2][]string
	for t := range partsByType() {
		if name, ok := strings.CutPrefix(t, "AWS::"); ok {
			types[1] = append(types[1], name)
		} else {
			types[0] = append(types[0], t)
		}
	}
	slices.Sort(types[0])
	slices.Sort(types[1])
	return types
}

func quoted(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return "`" + strings.Join(names, "`, `") + "`"
}

func fieldRows(t reflect.Type, prefix string) []string {
	var rows []string
	for i := range t.NumField() {
		f := t.Field(i)
		switch {
		case f.Anonymous && f.Type != reflect.TypeFor[Object]() && f.Type != reflect.TypeFor[Written]():
			rows = append(rows, fieldRows(f.Type, prefix)...)
			continue
		case f.Tag.Get("tf") == "":
			continue
		}
		tf, cfn := paths(f.Tag)
		rows = append(rows, fmt.Sprintf("| %s%s | %s | %s |\n", prefix, f.Name, spelled(tf), spelled(cfn)))
		inner := f.Type
		if inner.Kind() == reflect.Slice || inner.Kind() == reflect.Pointer {
			inner = inner.Elem()
		}
		if inner.Kind() == reflect.Struct && !reflect.PointerTo(inner).Implements(reflect.TypeFor[filler]()) && inner.PkgPath() != "github.com/trifecta-scanner/trifecta/inventory" && !reflect.PointerTo(inner).Implements(reflect.TypeFor[Node]()) {
			rows = append(rows, fieldRows(inner, prefix+f.Name+".")...)
		}
	}
	return rows
}

func spelled(all []alternative) string {
	if len(all) == 0 {
		return ""
	}
	var words []string
	for _, a := range all {
		var sum []string
		for _, path := range a {
			var names []string
			for _, s := range path {
				if s.each {
					s.name += "[]"
				}
				names = append(names, s.name)
			}
			sum = append(sum, strings.Join(names, "."))
		}
		words = append(words, strings.Join(sum, " + "))
	}
	return "`" + strings.Join(words, "` or `") + "`"
}

func defaultsTable() string {
	var b strings.Builder
	b.WriteString("\n## Defaults of fields\n\n| field | Terraform | CloudFormation | source |\n| --- | --- | --- | --- |\n")
	word := func(v any) string {
		if v == nil {
			return "absent"
		}
		return fmt.Sprintf("`%v`", v)
	}
	for _, d := range Defaults {
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", d.Field, word(d.Terraform), word(d.CloudFormation), d.Source)
	}
	return b.String()
}

func modulesTable() string {
	var b strings.Builder
	b.WriteString("\n## Modules with a built-in model\n\n")
	for _, m := range ModuleModels() {
		fmt.Fprintf(&b, "- `%s`\n", m)
	}
	return b.String()
}

// structComments returns the doc comments of this package's types in one line each.
func structComments(t *testing.T) map[string]string {
	comments := map[string]string{}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			if g, ok := d.(*ast.GenDecl); ok && g.Doc != nil && len(g.Specs) == 1 {
				if s, ok := g.Specs[0].(*ast.TypeSpec); ok {
					comments[s.Name.Name] = strings.Join(strings.Fields(g.Doc.Text()), " ")
				}
			}
		}
	}
	return comments
}

// TestDefaults checks that every default is of a field that there is, and of its type.
func TestDefaults(t *testing.T) {
	types := map[string]reflect.Type{}
	var walk func(reflect.Type)
	walk = func(st reflect.Type) {
		for st.Kind() == reflect.Slice || st.Kind() == reflect.Pointer {
			st = st.Elem()
		}
		if st.Kind() != reflect.Struct || types[st.Name()] != nil && st.Name() != "" {
			return
		}
		if st.Name() != "" {
			types[st.Name()] = st
		}
		for i := range st.NumField() {
			if ft := st.Field(i).Type; ft.PkgPath() != "" || ft.Kind() == reflect.Slice || ft.Kind() == reflect.Pointer || ft.Kind() == reflect.Struct {
				walk(ft)
			}
		}
	}
	for _, k := range kinds() {
		walk(k.node)
	}
	seen := map[string]bool{}
	for _, d := range Defaults {
		if seen[d.Field] {
			t.Errorf("%s is listed twice", d.Field)
		}
		seen[d.Field] = true
		name, _, _ := strings.Cut(d.Field, "@")
		typeName, fieldName, _ := strings.Cut(name, ".")
		st := types[typeName]
		if st == nil {
			t.Errorf("%s: no struct %s", d.Field, typeName)
			continue
		}
		f, ok := st.FieldByName(fieldName)
		if !ok {
			t.Errorf("%s: no such field", d.Field)
			continue
		}
		for _, v := range []any{d.Terraform, d.CloudFormation} {
			want, ok := map[reflect.Type]reflect.Type{
				reflect.TypeFor[Bool](): reflect.TypeFor[bool](), reflect.TypeFor[Int](): reflect.TypeFor[int](), reflect.TypeFor[Text](): reflect.TypeFor[string](),
				reflect.TypeFor[[]Prefix](): reflect.TypeFor[[]string](), reflect.TypeFor[[]Text](): reflect.TypeFor[[]string](),
			}[f.Type]
			if v != nil && (!ok || reflect.TypeOf(v) != want) {
				t.Errorf("%s: %v is no value of a %s", d.Field, v, f.Type)
			}
		}
		if d.Source == "" {
			t.Errorf("%s: no source", d.Field)
		}
	}
}
