package ecosystem

import (
	"context"
	"path"
	"strings"
	"testing"
	"time"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// fuzzFormat feeds a format with changed lock files beside a manifest of the fixtures, and with changed manifests
// beside a lock file of the fixtures.
func fuzzFormat(f *testing.F, format Format, ecosystem, lock, manifest, goodLock, goodManifest string) {
	seed(f, ecosystem, lock)
	if manifest != "" {
		seed(f, ecosystem, manifest)
	}
	f.Fuzz(func(t *testing.T, data string) {
		for _, files := range [][]string{{lock, data, manifest, goodManifest}, {lock, goodLock, manifest, data}} {
			if manifest == "" {
				files = files[:2]
			}
			doc, _ := format.Read(t.Context(), treeOf(t, files...), files[0])
			checkDocument(t, doc)
		}
	})
}

func FuzzGemfileLock(f *testing.F) {
	fuzzFormat(f, RubyGems.Formats[0], "rubygems", "Gemfile.lock", "Gemfile",
		"GEM\n  remote: https://registry.example/\n  specs:\n    rails (7.1.0)\n      rack\n    rack (2.2.8)\n\nDEPENDENCIES\n  rails\n  rack!\n",
		"gem 'rails'\ngroup :test do\n  gem 'rack'\nend\n")
}

func FuzzComposerLock(f *testing.F) {
	fuzzFormat(f, Packagist.Formats[0], "packagist", "composer.lock", "composer.json",
		`{"packages":[{"name":"a/b","version":"1.0","require":{"c/d":"*"}}],"packages-dev":[{"name":"c/d","version":"v2"}]}`,
		`{"name":"x/y","require":{"a/b":"^1"},"require-dev":{"c/d":"*"}}`)
}

func FuzzMixLock(f *testing.F) {
	f.Add(strings.Repeat("%{[", 100) + strings.Repeat("]}", 100))
	fuzzFormat(f, Hex.Formats[0], "hex", "mix.lock", "",
		"", "")
}

func FuzzMixExs(f *testing.F) {
	f.Add("[app: :shop, deps: [{:a, only: [:dev]}, {:b, \"~> 1\", only: :test")
	f.Fuzz(func(t *testing.T, data string) {
		tree := treeOf(t, "mix.exs", data, "mix.lock", "%{\n  \"a\": {:hex, :a, \"1.0.0\", \"\", [:mix], [{:b, \"~> 1\", []}], \"hexpm\", \"\"},\n  \"b\": {:git, \"x\", \"y\", []},\n}\n")
		doc, _ := readMixLock(t.Context(), tree, "mix.lock")
		checkDocument(t, doc)
	})
}

func FuzzRebarLock(f *testing.F) {
	fuzzFormat(f, Hex.Formats[1], "hex", "rebar.lock", "rebar.config",
		"{\"1.2.0\",[{<<\"a\">>,{pkg,<<\"a\">>,<<\"1\">>},0}]}.", "{deps, [{a, \"1\"}]}.")
}

func FuzzPubspecLock(f *testing.F) {
	fuzzFormat(f, Pub.Formats[0], "pub", "pubspec.lock", "pubspec.yaml",
		"packages:\n  a:\n    dependency: \"direct main\"\n    source: hosted\n    version: \"1.0.0\"\n", "name: x\ndependencies:\n  a: ^1.0.0\n")
}

func FuzzPackageResolved(f *testing.F) {
	fuzzFormat(f, Swift.Formats[0], "swifturl", "Package.resolved", "Package.swift",
		`{"pins":[{"identity":"a","location":"https://git.example/a/b.git","state":{"version":"1.0.0"}}],"version":2}`,
		`.package(url: "https://git.example/a/b", from: "1.0.0")`)
}

func FuzzPodfileLock(f *testing.F) {
	fuzzFormat(f, CocoaPods.Formats[0], "cocoapods", "Podfile.lock", "Podfile",
		"PODS:\n  - A (1.0):\n    - B\n  - B (2.0)\nDEPENDENCIES:\n  - A\n", "pod 'A'\n")
}

func FuzzWorkflow(f *testing.F) {
	seed(f, "github actions", path.Join(".github", "workflows", "*.y*ml"))
	f.Add("runs:\n  steps:\n  - uses: a/b@v1 # v1.2\n  - &x {uses: c/d/e@main}\n  - *x\n")
	f.Fuzz(func(t *testing.T, data string) {
		for _, format := range GitHubActions.Formats {
			doc, _ := format.Read(t.Context(), treeOf(t, "action.yml", data), "action.yml")
			checkDocument(t, doc)
		}
	})
}

func FuzzTerraformLock(f *testing.F) {
	fuzzFormat(f, Terraform.Formats[0], "terraform", ".terraform.lock.hcl", "main.tf",
		"provider \"registry.example/a/b\" {\n  version = \"1.0\"\n}\n", "terraform {\n  required_providers {\n    b = { source = \"a/b\" }\n  }\n}\n")
}

func TestSwiftName(t *testing.T) {
	for address, want := range map[string]string{
		"https://git.example/a/b.git": "git.example/a/b", "git@git.example:a/b.git": "git.example/a/b",
		"ssh://git@git.example/a/b/": "git.example/a/b", "../b": "../b", "": "",
		"https://git.example/a/b@c": "git.example/a/b@c",
	} {
		if got := swiftName(address); got != want {
			t.Errorf("swiftName(%q) = %q, want %q", address, got, want)
		}
	}
}

func TestIsWorkflow(t *testing.T) {
	for path, want := range map[string]bool{
		".github/workflows/ci.yml": true, "sub/.github/workflows/ci.yaml": true, ".github/workflows/sub/ci.yml": false,
		"workflows/ci.yml": false, "x.github/workflows/ci.yml": false, ".github/workflows/README.md": false,
	} {
		if got := isWorkflow(path); got != want {
			t.Errorf("isWorkflow(%q) = %t, want %t", path, got, want)
		}
	}
}

func TestRubyScope(t *testing.T) {
	for groups, want := range map[string]inventory.Scope{
		"": inventory.ScopeRuntime, ":development, :test": inventory.ScopeDevelopment, "[:production, :test]": inventory.ScopeRuntime,
		":assets": inventory.ScopeRuntime, "'test'": inventory.ScopeDevelopment,
	} {
		if got := rubyScope(groups); got != want {
			t.Errorf("rubyScope(%q) = %s, want %s", groups, got, want)
		}
	}
}

// FuzzManifests feeds the manifests that are read where no lock file speaks for them.
func FuzzManifests(f *testing.F) {
	manifests := map[string]Format{}
	for _, eco := range []*Ecosystem{PyPI, Cargo, RubyGems, Packagist, Hex, Pub, Swift, CocoaPods} {
		for _, format := range eco.Formats {
			if !format.LockFile {
				manifests[format.Name] = format
				seed(f, strings.ToLower(eco.Name), format.Name)
			}
		}
	}
	f.Fuzz(func(t *testing.T, data string) {
		for name, format := range manifests {
			doc, _ := format.Read(t.Context(), treeOf(t, name, data), name)
			checkDocument(t, doc)
		}
	})
}

// FuzzInstalled feeds what package managers write beside the code that they install.
func FuzzInstalled(f *testing.F) {
	f.Add("Name: flask\nVersion: 1.0\nLicense: MIT\n\n")
	f.Add(`[{"name":"a/b","version":"1.0","require":[]}]`)
	f.Add(`{"packages":[{"name":"a/b","version":"1.0","replace":{"c/d":"*"}},{}],"dev-package-names":["a/b"]}`)
	f.Fuzz(func(t *testing.T, data string) {
		for name, read := range map[string]func(context.Context, *inventory.Tree, string) (*Document, error){
			"x.dist-info/METADATA": readInstalledWheel, "vendor/composer/installed.json": readComposerInstalled,
		} {
			doc, _ := read(t.Context(), treeOf(t, name, data, "composer.json", data), name)
			checkDocument(t, doc)
		}
	})
}

// TestHostileFiles reads files that are meant to cost more than their size: names that repeat, lists without end, brackets
// without a partner.
func TestHostileFiles(t *testing.T) {
	const size = 200 << 10
	fill := func(s string) string { return strings.Repeat(s, size/len(s)) }
	formats := map[string]Format{}
	for _, eco := range All {
		for _, format := range eco.Formats {
			formats[format.Name] = format
		}
	}
	for _, tt := range []struct{ format, name, data string }{
		{"Cargo.lock", "Cargo.lock", fill("[[package]]\nname = \"a\"\nversion = \"1.0.0\"\ndependencies = [\"a\", \"a\", \"a 1.0.0\"]\n")},
		{"Cargo.lock", "Cargo.lock", "[[package]]\nname = \"a\"\ndependencies = [" + fill("\"a\",\n") + "]"},
		{"poetry.lock", "poetry.lock", fill("[[package]]\nname = \"a\"\nversion=\"1\"\n[package.dependencies]\na=\"1\"\n")},
		{"poetry.lock", "poetry.lock", "[[package]]\nname=\"a\"\nfiles=[" + fill("{hash=\"sha256:"+strings.Repeat("0", 64)+"\"},\n") + "]"},
		{"uv.lock", "uv.lock", fill("[[package]]\nname = \"a\"\nversion=\"1\"\nsource={virtual=\".\"}\ndependencies=[{name=\"a\"}]\n")},
		{"requirements.txt", "requirements.txt", fill("a==1\n    # via a, b\n")},
		{"requirements.txt", "requirements.txt", "a==1 " + fill("--hash=sha256:"+strings.Repeat("0", 64)+" \\\n")},
		{"requirements.txt", "requirements.txt", "a==1\n# via " + fill("a,")},
		{"requirements.txt", "requirements.txt", fill("\\\n")},
		{"requirements.txt", "requirements.txt", fill("-r x.txt\n")},
		{"Pipfile.lock", "Pipfile.lock", "{\"default\":{" + fill("\"a\":{\"version\":\"==1\"},") + "\"b\":{}}}"},
		{"Gemfile.lock", "Gemfile.lock", "GEM\n  specs:\n" + fill("    a (1)\n      a\n      b\n") + "DEPENDENCIES\n" + fill("  a\n")},
		{"Gemfile", "Gemfile", fill("group :a do\ngem 'x', '1'\n")},
		{"Gemfile", "Gemfile", fill("gem 'x', do group: ")},
		{"composer.lock", "composer.lock", "{\"packages\":[" + fill("{\"name\":\"a/b\",\"require\":{\"a/b\":\"1\"}},") + "{}]}"},
		{"mix.lock", "mix.lock", "%{" + fill("\"a\": {:hex, :a, \"1\", \"\", [], [{:a, 1}]},\n") + "}"},
		{"mix.lock", "mix.lock", fill("{[")},
		{"mix.exs", "mix.exs", fill("{:a, \"1\" ")},
		{"rebar.lock", "rebar.lock", fill("{<<\"a\">>,{pkg,<<\"a\">>,<<\"1\">>},0},")},
		{"Package.swift", "Package.swift", fill(".package(url: \"x/y\" ")},
		{"Package.swift", "Package.swift", fill(".package(url: \"x/y\") ")},
		{"Package.resolved", "Package.resolved", "{\"pins\":[" + fill("{\"identity\":\"a\"},") + "{}]}"},
		{"setup.py", "setup.py", fill("'a==1',")},
		{"pyproject.toml", "pyproject.toml", "[project]\ndependencies=[" + fill("\"a\",\n") + "]"},
		{".terraform.lock.hcl", ".terraform.lock.hcl", fill("provider \"a\" {\n}\n")},
		{"workflow", ".github/workflows/a.yml", "jobs:\n  a:\n    steps: [" + strings.Repeat("{uses: a/b@c},", size/14-10) + "]\n"},
		{"workflow", ".github/workflows/a.yml", "jobs:\n  a:\n    steps: " + strings.Repeat("[", size) + "\n"},
		{"pubspec.lock", "pubspec.lock", "packages: {" + strings.Repeat("a: {},", size/6-10) + "}\n"},
		{"Podfile.lock", "Podfile.lock", "PODS:\n" + strings.Repeat("- a (1)\n", size/8-10)},
	} {
		t.Run(tt.format, func(t *testing.T) {
			start := time.Now()
			doc, _ := formats[tt.format].Read(t.Context(), treeOf(t, tt.name, tt.data), tt.name)
			checkDocument(t, doc)
			if took := time.Since(start); took > 10*time.Second {
				t.Errorf("%d bytes took %v: %.60q", len(tt.data), took, tt.data)
			}
		})
	}
}

func TestNewestAction(t *testing.T) {
	for version, want := range map[string]string{
		"v4": "v4.999999.999999", "v4.1": "v4.1.999999", "v4.1.2": "v4.1.2", "4": "4.999999.999999", "main": "main", "": "",
		"v4-beta": "v4-beta",
	} {
		if got := GitHubActions.Newest(version); got != want {
			t.Errorf("Newest(%q) = %q, want %q", version, got, want)
		}
	}
}
