package terraform

import "testing"

func TestOwnSource(t *testing.T) {
	own := []string{repositoryName("git@github.com:terraform-aws-modules/terraform-aws-vpc.git"), repositoryName("https://gitlab.example/group/sub/infra.git")}
	tests := []struct {
		source, want string
		ok           bool
	}{
		{"terraform-aws-modules/vpc/aws", ".", true},
		{"terraform-aws-modules/vpc/aws//modules/vpc-endpoints", "modules/vpc-endpoints", true},
		{"registry.terraform.io/terraform-aws-modules/vpc/aws", ".", true},
		{"registry.opentofu.org/terraform-aws-modules/vpc/aws", ".", true},
		{"terraform-aws-modules/vpc/google", "", false},
		{"terraform-aws-modules/alb/aws", "", false},
		{"github.com/terraform-aws-modules/terraform-aws-vpc", ".", true},
		{"github.com/terraform-aws-modules/terraform-aws-vpc//modules/flow-log?ref=v6.0.0", "modules/flow-log", true},
		{"git::https://github.com/terraform-aws-modules/terraform-aws-vpc.git?ref=v5.0.0", ".", true},
		{"git::https://user:secret@github.com/terraform-aws-modules/terraform-aws-vpc.git//a/b", "a/b", true},
		{"git@github.com:terraform-aws-modules/terraform-aws-vpc.git", ".", true},
		{"git::ssh://git@github.com/terraform-aws-modules/terraform-aws-vpc.git//x", "x", true},
		{"git::https://gitlab.example/group/sub/infra.git//modules/a", "modules/a", true},
		{"git::https://gitlab.example/group/sub/infra.git//../../etc", "", false},
		{"git::https://gitlab.example/group/other.git//modules/a", "", false},
		{"https://example.com/vpc-module.zip", "", false},
		{"s3::https://s3.amazonaws.com/bucket/vpc.zip", "", false},
		{"./modules/a", "", false},
		{"", "", false},
	}
	for _, tt := range tests {
		dir, ok := ownSource(tt.source, own)
		if ok != tt.ok || ok && dir != tt.want {
			t.Errorf("ownSource(%q) = %q, %v; want %q, %v", tt.source, dir, ok, tt.want, tt.ok)
		}
	}
}

func TestRelative(t *testing.T) {
	tests := []struct{ from, to, want string }{
		{".", ".", "."}, {".", "a/b", "a/b"}, {"a", "a", "."}, {"a", "a/b", "b"}, {"a/b", "a", ".."}, {"a/b", "c", "../../c"}, {"examples/x", ".", "../.."},
		{"ab", "a", "../a"}, {"a/b", "a/c", "../c"},
	}
	for _, tt := range tests {
		if got := relative(tt.from, tt.to); got != tt.want {
			t.Errorf("relative(%q, %q) = %q; want %q", tt.from, tt.to, got, tt.want)
		}
	}
}
