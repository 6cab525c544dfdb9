package terraform_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/trifecta-scanner/trifecta/inventory/terraform"
)

// seeds calls add with the small files of the table tests that end so.
func seeds(f *testing.F, suffix string, add func(data []byte)) {
	f.Helper()
	const small = 16 << 10 // what is larger only slows the fuzzer down
	archives, err := filepath.Glob("testdata/trees/*.txtar")
	if err != nil || len(archives) == 0 {
		f.Fatalf("no trees: %v", err)
	}
	for _, name := range archives {
		archive, err := txtar.ParseFile(name)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range archive.Files {
			if strings.HasSuffix(file.Name, suffix) && len(file.Data) < small {
				add(file.Data)
			}
		}
	}
	for _, tt := range hostile {
		for name, content := range tt.files {
			if strings.HasSuffix(name, suffix) && len(content) < small {
				add([]byte(content))
			}
		}
	}
}

// twice reads a tree twice: the same tree gives the same facts, and everything unknown has a reason.
func twice(t *testing.T, fsys fstest.MapFS) {
	t.Helper()
	source := terraform.Bounded(20_000)
	inv := readFS(t, fsys, source)
	for _, place := range unexplained(inv) {
		t.Errorf("%s is unknown without a reason", place)
	}
	if diff := cmp.Diff(written(t, inv), written(t, readFS(t, fsys, source))); diff != "" {
		t.Errorf("two readings differ:\n%s", diff)
	}
}

func FuzzNative(f *testing.F) {
	seeds(f, ".tf", func(data []byte) { f.Add(data) })
	if data, err := os.ReadFile("testdata/expressions.txt"); err == nil {
		for _, x := range strings.Split(string(data), "\n") {
			f.Add([]byte("resource \"x_y\" \"z\" {\n  a = " + x + "\n}\n"))
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		twice(t, fstest.MapFS{"main.tf": {Data: data}, "modules/network/main.tf": {Data: []byte("variable \"name\" {}\noutput \"x\" { value = var.name }\n")}})
	})
}

func FuzzJSON(f *testing.F) {
	seeds(f, ".tf.json", func(data []byte) { f.Add(data) })
	f.Fuzz(func(t *testing.T, data []byte) { twice(t, fstest.MapFS{"main.tf.json": {Data: data}}) })
}

func FuzzPlan(f *testing.F) {
	seeds(f, "plan.json", func(data []byte) {
		f.Add(data, []byte("resource \"aws_instance\" \"web\" {\n  count = 2\n  subnet_id = var.x\n}\nvariable \"x\" {}\n"))
	})
	f.Fuzz(func(t *testing.T, plan, configuration []byte) {
		twice(t, fstest.MapFS{"app/plan.json": {Data: plan}, "app/main.tf": {Data: configuration}, "alone/plan.json": {Data: plan}})
	})
}

func FuzzTemplate(f *testing.F) {
	seeds(f, ".tpl", func(data []byte) { f.Add(data, "*.tf") })
	if data, err := os.ReadFile("testdata/console/templates/list.tftpl"); err == nil {
		f.Add(data, "{a,b}/**")
	}
	f.Fuzz(func(t *testing.T, data []byte, pattern string) {
		twice(t, fstest.MapFS{"t.tpl": {Data: data}, "terraform.tfvars": {Data: data}, "data.yaml": {Data: data}, "pattern.txt": {Data: []byte(pattern)}, "main.tf": {Data: []byte(`
variable "x" {}
resource "x_y" "z" {
  a = templatefile("t.tpl", { names = ["a", "b"], x = var.x })
  b = fileset(".", file("pattern.txt"))
  c = try(yamldecode(file("data.yaml")), jsondecode(file("data.yaml")), "")
  d = regexall(file("pattern.txt"), file("t.tpl"))
  e = format(file("pattern.txt"), 1, "b", var.x)
  f = csvdecode(file("data.yaml"))
  g = formatdate(file("pattern.txt"), "2018-01-02T23:12:01Z")
}
`)}})
	})
}
