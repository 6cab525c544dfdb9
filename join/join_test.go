package join

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trifecta-scanner/trifecta/inventory"
)

func TestNames(t *testing.T) {
	for _, tt := range []struct {
		a, b inventory.ID
		want inventory.Confidence
	}{
		{"shop/api:1.4", "shop/api:1.4", inventory.Declared},
		{"docker.io/library/nginx:1", "nginx:1", inventory.Declared},
		{"registry.example/shop/api:1.4", "shop/api:1.4", inventory.Declared},
		{"registry.example:5000/shop/api", "shop/api", inventory.Declared},
		{"shop/api:1.4", "shop/api:1.5", inventory.Resolved},
		{"shop/api:1.4", "shop/api", inventory.Resolved},
		{"*/shop/api:*", "registry.example/shop/api:1", inventory.Resolved},
		{"*.dkr.ecr.*.amazonaws.com/shop:*", "123456789012.dkr.ecr.eu-central-1.amazonaws.com/shop:1", inventory.Resolved},
		{"*/api", "org/shop/api:1", inventory.Resolved},
		{"shop/api@sha256:aa", "other/name@sha256:aa", inventory.Declared},
		{"shop/api@sha256:aa", "shop/api@sha256:bb", ""},
		{"api", "shop/api", ""},
		{"shop/api", "store/api", ""},
		{"*", "shop/api", ""},
		{"*/*", "shop/api", ""},
		{"shop/*-api:1", "shop/web-api:1", inventory.Resolved},
		{"Shop/API:1", "shop/api:1", inventory.Declared},
	} {
		for _, pair := range [][2]inventory.ID{{tt.a, tt.b}, {tt.b, tt.a}} {
			got, ok := parseName(pair[0]).same(parseName(pair[1]))
			if got != tt.want || ok != (tt.want != "") {
				t.Errorf("%s and %s: %q, want %q", pair[0], pair[1], got, tt.want)
			}
		}
	}
}

func source(recipe string, paths ...string) []inventory.BuildSource {
	var list []inventory.BuildSource
	for i, p := range paths {
		list = append(list, inventory.BuildSource{Path: p, Location: inventory.Location{Path: recipe, Line: i + 2}})
	}
	return list
}

func dockerfile(recipe, context string, names []string, paths ...string) inventory.Build {
	b := inventory.Build{
		ID: inventory.ID("build:" + recipe), Kind: inventory.BuildDockerfile, Recipe: inventory.Location{Path: recipe, Line: 1},
		Context: context, Sources: source(recipe, paths...),
	}
	for _, n := range names {
		b.Images = append(b.Images, inventory.BuiltImage{Name: inventory.ID(n), Location: inventory.Location{Path: "compose.yaml", Line: 3}})
	}
	return b
}

// ignoring gives the sources of a build what stays out of them.
func ignoring(b inventory.Build, patterns ...string) inventory.Build {
	for i := range b.Sources {
		b.Sources[i].Ignore = &inventory.BuildIgnore{Context: b.Context, Patterns: patterns}
	}
	return b
}

func pod(name string, images ...string) Runner {
	r := Runner{Workload: inventory.ID("Deployment/default/" + name), Location: inventory.Location{Path: "deploy/" + name + ".yaml", Line: 1}}
	for _, image := range images {
		r.Images = append(r.Images, Image{inventory.ID(image), inventory.Location{Path: "deploy/" + name + ".yaml", Line: 9}})
	}
	return r
}

// TestJoin has a line for each file that gets into a workload: file workload confidence.
func TestJoin(t *testing.T) {
	for _, tt := range []struct {
		name     string
		files    []string
		builds   []inventory.Build
		runners  []Runner
		declared []Declaration
		want     []string
		notices  int
	}{
		{
			"by the name of the image", []string{"api/go.mod", "web/package-lock.json"},
			[]inventory.Build{dockerfile("api/Dockerfile", "api", []string{"shop/api:1"}, "api"), dockerfile("web/Dockerfile", "web", []string{"shop/web"}, "web/package.json", "web/package-lock.json", "web")},
			[]Runner{pod("api", "shop/api:1"), pod("front", "registry.example/shop/web:2")}, nil,
			[]string{"api/go.mod api resolved", "web/package-lock.json front resolved"}, 0,
		},
		{
			"a Dockerfile and the file that names its image are one build", []string{"api/go.mod"},
			[]inventory.Build{dockerfile("api/Dockerfile", "api", nil, "api/go.mod"), {ID: "build:api/Dockerfile", Images: []inventory.BuiltImage{{Name: "shop/api:1"}}}},
			[]Runner{pod("api", "shop/api:1")}, nil,
			[]string{"api/go.mod api declared"}, 0,
		},
		{
			"the deepest folder wins over the one around it", []string{"package-lock.json", "svc/package-lock.json"},
			[]inventory.Build{dockerfile("Dockerfile", ".", []string{"all"}, "."), dockerfile("svc/Dockerfile", ".", []string{"svc"}, ".")},
			[]Runner{pod("all", "all:1"), pod("svc", "svc:1")}, nil,
			[]string{"package-lock.json all resolved", "svc/package-lock.json svc resolved"}, 0,
		},
		{
			"what an instruction names most closely", []string{"src/cart/package-lock.json"},
			[]inventory.Build{dockerfile("docker/cart", ".", []string{"cart"}, "src/cart"), dockerfile("docker/all", ".", []string{"all"}, ".")},
			[]Runner{pod("cart", "cart"), pod("all", "all")}, nil,
			[]string{"src/cart/package-lock.json cart resolved"}, 0,
		},
		{
			"called after the folder, which is unique", []string{"src/cart/pom.xml", "src/ui/pom.xml"},
			[]inventory.Build{dockerfile("src/cart/Dockerfile", "src/cart", nil, "src/cart"), dockerfile("src/ui/Dockerfile", "src/ui", nil, "src/ui")},
			[]Runner{pod("carts", "registry.example/retail-store-sample-cart:1"), pod("db", "mysql:8")}, nil,
			[]string{"src/cart/pom.xml carts inferred"}, 0,
		},
		{
			"called after two folders", []string{"a/api/go.mod", "b/api/go.mod"},
			[]inventory.Build{dockerfile("a/api/Dockerfile", "a/api", nil, "a/api"), dockerfile("b/api/Dockerfile", "b/api", nil, "b/api")},
			[]Runner{pod("x", "registry.example/api:1")}, nil, nil, 0,
		},
		{
			"two builds of one name, one stands nearer", []string{"one/package-lock.json", "two/package-lock.json"},
			[]inventory.Build{dockerfile("one/Dockerfile", "one", []string{"app"}, "one"), dockerfile("two/Dockerfile", "two", []string{"app"}, "two")},
			[]Runner{{Workload: "Deployment/default/app", Location: inventory.Location{Path: "two/k8s.yaml"}, Images: []Image{{"app", inventory.Location{}}}}}, nil,
			[]string{"two/package-lock.json app resolved"}, 0,
		},
		{
			"two builds of one name", []string{"one/package-lock.json", "two/package-lock.json"},
			[]inventory.Build{dockerfile("one/Dockerfile", "one", []string{"app"}, "one"), dockerfile("two/Dockerfile", "two", []string{"app"}, "two")},
			[]Runner{pod("app", "app")}, nil, nil, 1,
		},
		{
			"an official image is nobody's folder", []string{"redis/package-lock.json"},
			[]inventory.Build{dockerfile("redis/Dockerfile", "redis", nil, "redis")},
			[]Runner{pod("cache", "redis:7")}, nil, nil, 0,
		},
		{
			"the configuration says it", []string{"legacy/pom.xml"}, nil,
			[]Runner{pod("legacy", "registry.example/billing:9")}, []Declaration{{LockFile: "legacy/pom.xml", Image: "registry.example/billing"}},
			[]string{"legacy/pom.xml legacy declared"}, 0,
		},
		{
			"the archive of a function", []string{"fn/package-lock.json"},
			[]inventory.Build{{ID: "build:aws_lambda_function.fn", Kind: inventory.BuildArchive, Sources: source("main.tf", "fn")}},
			[]Runner{{Workload: "aws_lambda_function.fn", Builds: []inventory.ID{"build:aws_lambda_function.fn"}}}, nil,
			[]string{"fn/package-lock.json aws_lambda_function.fn resolved"}, 0,
		},
		{
			"what .dockerignore keeps out", []string{"api/package-lock.json", "api/docs/yarn.lock", "api/docs/keep/yarn.lock", "yarn.lock"},
			[]inventory.Build{ignoring(dockerfile("api/Dockerfile", "api", []string{"a"}, "api"), "docs", "!docs/keep", "../yarn.lock"), dockerfile("Dockerfile", ".", []string{"b"}, ".")},
			[]Runner{pod("a", "a"), pod("b", "b")}, nil,
			[]string{"api/docs/keep/yarn.lock a resolved", "api/docs/yarn.lock b resolved", "api/package-lock.json a resolved", "yarn.lock b resolved"}, 0,
		},
		{"nothing takes it in", []string{"docs/package-lock.json"}, []inventory.Build{dockerfile("api/Dockerfile", "api", []string{"a"}, "api")}, []Runner{pod("a", "a")}, nil, nil, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			out := Join(tt.files, tt.builds, tt.runners, tt.declared)
			var got []string
			for _, file := range slices.Sorted(maps.Keys(out.Files)) {
				for _, i := range slices.Sorted(maps.Keys(out.Files[file])) {
					got = append(got, fmt.Sprintf("%s %s %s", file, strings.TrimPrefix(string(tt.runners[i].Workload), "Deployment/default/"), out.Files[file][i]))
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if len(out.Notices) != tt.notices {
				t.Errorf("notices: %v", out.Notices)
			}
			for i, l := range out.Links[min(1, len(out.Links)):] {
				if p := out.Links[i]; p.From == l.From && p.To == l.To {
					t.Errorf("two links from %s to %s", l.From, l.To)
				}
			}
		})
	}
}

func TestPattern(t *testing.T) {
	at := inventory.Location{Path: "main.tf", Line: 1}
	unknown := inventory.UnknownValue(at, inventory.Reason{Code: inventory.VarNoDefault, Ref: "var.tag"})
	repository := inventory.UnknownValue(at).WithRef(inventory.Ref{Resource: "aws_ecr_repository.api", Attribute: "repository_url"})
	known := func(ref inventory.Ref) (string, bool) {
		return "*/shop/api", ref.Resource == "aws_ecr_repository.api" && ref.Attribute == "repository_url"
	}
	text := func(s string) inventory.Value { return inventory.StringValue(s, at) }
	for _, tt := range []struct {
		value inventory.Value
		want  string
	}{
		{text("shop/api:1"), "shop/api:1"},
		{unknown, "*"},
		{unknown.WithParts(repository, text(":"), unknown), "*/shop/api:*"},
		{unknown.WithParts(unknown, unknown, text("/x:"), unknown), "*/x:*"},
		{text("secret").AsSensitive(), "*"},
	} {
		if got := Pattern(tt.value, known); got != tt.want {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
}

func TestDockerRun(t *testing.T) {
	for line, want := range map[string]string{
		"docker run -d -p 80:80 --name web nginx:1.21\n":          "nginx:1.21",
		"sudo docker run --rm --env-file=/etc/x shop/api:2 serve": "shop/api:2",
		"docker run -d $IMAGE":                                    "",
		"docker ps":                                               "",
		"docker run":                                              "",
	} {
		if got := dockerRun(line); got != want {
			t.Errorf("%q runs %q, want %q", line, got, want)
		}
	}
}

func FuzzParseName(f *testing.F) {
	for _, s := range []string{"a/b:c@d", "*/x:*", "", "::@@//", "localhost:5000/a[b"} {
		f.Add(s, "a/b")
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		x, okX := parseName(inventory.ID(a)).same(parseName(inventory.ID(b)))
		y, okY := parseName(inventory.ID(b)).same(parseName(inventory.ID(a)))
		if x != y || okX != okY {
			t.Errorf("%q and %q compare differently the other way round: %q, %q", a, b, x, y)
		}
	})
}

func TestOfImage(t *testing.T) {
	const digest, another = "@sha256:aa", "@sha256:bb"
	for _, tt := range []struct {
		bill, runs string
		want       inventory.Confidence
	}{
		{"registry.example/shop/api:1.4", "registry.example/shop/api:1.4", inventory.Declared},
		{"registry.example/shop/api:1.4" + digest, "registry.example/shop/api:1.4", inventory.Resolved}, // the tag may have moved
		{"registry.example/shop/api:1.4", "registry.example/shop/api:1.5", ""},
		{"registry.example/shop/api:1.4" + digest, "registry.example/shop/api" + digest, inventory.Declared},
		{"registry.example/shop/api:1.4" + digest, "registry.example/shop/api:1.4" + another, ""},
		{"registry.example/shop/api:1.4", "*/shop/api", inventory.Resolved},
		{"registry.example/shop/api:1.4", "registry.example/shop/web:1.4", ""},
	} {
		got, ok := OfImage(inventory.ID(tt.bill), inventory.ID(tt.runs))
		if got != tt.want || ok != (tt.want != "") {
			t.Errorf("OfImage(%q, %q) = %q, %v; want %q", tt.bill, tt.runs, got, ok, tt.want)
		}
	}
}
