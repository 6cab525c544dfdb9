package aws_test

import (
	"io/fs"
	"path"
	"slices"
	"testing"

	"github.com/trifecta-scanner/trifecta/aws"
)

func TestModule(t *testing.T) {
	const vpc = "terraform-aws-modules/vpc/aws"
	for _, tt := range []struct{ source, version, want string }{
		{vpc, "", vpc + " 4.x to 6.x"},
		{vpc, "~> 5.0", vpc + " 4.x to 6.x"},
		{vpc, "5.21.0", vpc + " 4.x to 6.x"},
		{vpc, "~>2.0", vpc + " 2.x to 3.x"},
		{vpc, ">= 2.0", vpc + " 4.x to 6.x"},
		{vpc, ">= 2.0, < 4.0", vpc + " 2.x to 3.x"},
		{vpc, ">= 2.0, < 4.2", vpc + " 4.x to 6.x"},
		{vpc, "1.66.0", ""},
		{vpc, "~> 7.0", ""},
		{"registry.terraform.io/" + vpc, "3.1", vpc + " 2.x to 3.x"},
		{"git::https://github.com/terraform-aws-modules/terraform-aws-vpc.git?ref=v3.2.0", "", vpc + " 2.x to 3.x"},
		{"github.com/terraform-aws-modules/terraform-aws-vpc?depth=1&ref=0123456789abcdef0123456789abcdef01234567", "", vpc + " 4.x to 6.x"},
		{"git@github.com:terraform-aws-modules/terraform-aws-vpc", "", vpc + " 4.x to 6.x"},
		{"terraform-aws-modules/ecs/aws//modules/service", "~> 5.2", "terraform-aws-modules/ecs/aws//modules/service 5.x to 7.x"},
		{"git::https://github.com/terraform-aws-modules/terraform-aws-ecs.git//modules/service?ref=v5.2.0", "", "terraform-aws-modules/ecs/aws//modules/service 5.x to 7.x"},
		{"terraform-aws-modules/vpc/aws//modules/vpc-endpoints", "5.0", ""},
		{"terraform-aws-modules/security-group/aws//modules/http-80", "~> 4.0", "terraform-aws-modules/security-group/aws//modules/http-80 3.x to 5.x"},
		{"terraform-aws-modules/security-group/aws//modules/unheard-of", "~> 4.0", ""},
		{"terraform-aws-modules/security-group/aws//modules/../../vpc", "~> 4.0", ""},
		{"someone/vpc/aws", "5.0", ""},
		{"./modules/vpc", "", ""},
	} {
		got, ok := aws.Module(tt.source, tt.version)
		if got.Assumed != tt.want || ok != (tt.want != "") {
			t.Errorf("Module(%q, %q) = %q, %v, want %q", tt.source, tt.version, got.Assumed, ok, tt.want)
		}
	}
}

// TestModuleFiles checks that every model can be read, with what lies over it.
func TestModuleFiles(t *testing.T) {
	for _, tt := range []struct{ source, version, file string }{
		{"terraform-aws-modules/vpc/aws", "~> 3.0", "defaults_override.tf"},
		{"terraform-aws-modules/vpc/aws", "~> 3.0", "subnets.tf"},
		{"terraform-aws-modules/eks/aws", "~> 18.0", "node-group/main.tf"},
		{"terraform-aws-modules/ecs/aws//modules/service", "~> 5.0", "main.tf"},
	} {
		model, ok := aws.Module(tt.source, tt.version)
		if !ok {
			t.Fatalf("no model of %s %s", tt.source, tt.version)
		}
		if _, err := fs.ReadFile(model.Files, path.Join(model.Dir, tt.file)); err != nil {
			t.Errorf("%s: %v", model.Assumed, err)
		}
		entries, err := fs.ReadDir(model.Files, path.Dir(path.Join(model.Dir, tt.file)))
		if err != nil || !slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return e.Name() == path.Base(tt.file) }) {
			t.Errorf("%s: %s is not listed: %v, %v", model.Assumed, tt.file, entries, err)
		}
	}
	model, _ := aws.Module("terraform-aws-modules/vpc/aws", "~> 5.0")
	if _, err := fs.ReadFile(model.Files, "defaults_override.tf"); err == nil {
		t.Error("the defaults of old versions lie over the newest one")
	}
}
