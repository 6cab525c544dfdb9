package packer

import (
	"encoding/json"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/trifecta-scanner/trifecta/inventory"
)

func read(tb testing.TB, files map[string]string) *inventory.Inventory {
	tb.Helper()
	fsys := fstest.MapFS{}
	for name, text := range files {
		fsys[name] = &fstest.MapFile{Data: []byte(text)}
	}
	tree, err := inventory.NewTree(tb.Context(), fsys, inventory.Limits{})
	if err != nil {
		tb.Fatal(err)
	}
	inv, err := Source{}.Read(tb.Context(), tree)
	if err != nil {
		tb.Fatal(err)
	}
	return inv
}

const template = `variable "owner" { default = "099720109477" }
variable "region" {}
locals { name = "app-${var.owner}" }
source "amazon-ebs" "app" {
  ami_name     = local.name
  region       = var.region
  encrypt_boot = true
  source_ami_filter {
    filters     = { name = "ubuntu/images/*" }
    owners      = [var.owner]
    most_recent = true
  }
}
source "docker" "x" {}
`

const old = "{\n  \"variables\": {\"base\": \"ami-0fb653ca2d3203ac1\", \"none\": \"\"},\n  \"builders\": [{\n    \"type\": \"amazon-ebs\",\n    \"source_ami\": \"{{user `base`}}\",\n    \"ami_name\": \"x-{{user `none`}}\"\n  }, {\"type\": \"docker\"}]\n}"

func TestRead(t *testing.T) {
	inv := read(t, map[string]string{"img/app.pkr.hcl": template, "old.json": old, "package.json": `{"builders": []}`, "broken.pkr.hcl": "source \"amazon-ebs\" {"})
	var got []string
	for _, r := range inv.Resources {
		data, err := json.Marshal(r.Values)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, r.Root+" "+string(r.ID)+" "+r.Type+" "+string(data))
	}
	want := []string{
		`img source.amazon-ebs.app packer_amazon-ebs {"ami_name":"app-099720109477","encrypt_boot":true,"region":{"$unknown":[{"code":"VAR_NO_DEFAULT"}]},` +
			`"source_ami_filter":{"filters":{"name":"ubuntu/images/*"},"most_recent":true,"owners":["099720109477"]}}`,
		`old.json builders[0] packer_amazon-ebs {"ami_name":{"$unknown":[{"code":"VAR_NO_DEFAULT","ref":"none"}]},"source_ami":"ami-0fb653ca2d3203ac1","type":"amazon-ebs"}`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if len(inv.Notices) != 1 || inv.Notices[0].Location.Path != "broken.pkr.hcl" {
		t.Errorf("notices: %+v", inv.Notices)
	}
	if at := inv.Resources[1].Get("source_ami").Location(); at.Path != "old.json" || at.Line != 5 {
		t.Errorf("source_ami is at %+v", at)
	}
}

func FuzzRead(f *testing.F) {
	f.Add(template, old)
	f.Add("source \"amazon-ebs\" \"a\" {", `{"builders": [{"type": "amazon-ebs"}]`)
	f.Fuzz(func(t *testing.T, hcl, json string) {
		read(t, map[string]string{"a.pkr.hcl": hcl, "b.json": json})
	})
}
