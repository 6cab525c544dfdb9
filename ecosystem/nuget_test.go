package ecosystem

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/trifecta-scanner/trifecta/inventory"
)

func TestNuGetVersion(t *testing.T) {
	for _, tt := range []struct {
		want, version string
		isRange       bool
	}{
		{"1.0", "1.0", false},
		{"1.0.0-beta.1", "1.0.0-beta.1", false},
		{"[1.0]", "1.0", false},
		{"[1.0,2.0)", "1.0", false}, // NuGet takes the lowest version that satisfies a range
		{"[1.0, )", "1.0", false},
		{"(1.0,2.0)", "1.0", true},
		{"(,2.0]", "", false},
		{"1.*", "", false},
		{"*", "", false},
		{"[1.*,2.0)", "", false},
		{"$(Unknown)", "", false},
		{"", "", false},
	} {
		if version, isRange := nugetVersion(tt.want); version != tt.version || isRange != tt.isRange {
			t.Errorf("nugetVersion(%q) = %q, %t; want %q, %t", tt.want, version, isRange, tt.version, tt.isRange)
		}
	}
}

func TestNuGetMatch(t *testing.T) {
	for name, want := range map[string]string{
		"src/packages.lock.json":     "packages.lock.json",
		"src/packages.App.lock.json": "packages.lock.json",
		"packages.config":            "packages.config",
		"Packages.config":            "packages.config",
		"packages.App.config":        "packages.config",
		"App.csproj":                 "project file",
		"App.fsproj":                 "project file",
		"Directory.Build.targets":    "Directory.*.props",
		"bin/App.deps.json":          "deps.json",
		"obj/project.assets.json":    "project.assets.json",
		"app.config":                 "",
		"package-lock.json":          "",
	} {
		got := ""
		for _, f := range NuGet.Formats {
			if f.Match(name) {
				got += f.Name
			}
		}
		if got != want {
			t.Errorf("%s is read as %q, want %q", name, got, want)
		}
	}
}

// TestMSBuildHostile reads projects that are made to cost time or memory.
func TestMSBuildHostile(t *testing.T) {
	var laughs strings.Builder
	for i := range 30 {
		fmt.Fprintf(&laughs, "<p%d Condition='x'>$(p%d)$(p%[2]d)a</p%[1]d><p%[1]d Condition='y'>$(p%[2]d)b$(p%[2]d)</p%[1]d>", i, i+1)
	}
	laughs.WriteString("<p30>x</p30>")
	const item = "<ItemGroup><PackageReference Include='A' Version='$(p0)'/></ItemGroup>"
	for name, files := range map[string][]string{
		"a billion laughs": {"a.csproj", "<Project><PropertyGroup>" + laughs.String() + "</PropertyGroup>" + item + "</Project>"},
		"own import":       {"a.csproj", "<Project><Import Project='a.csproj'/><Import Project='b.props'/>" + item + "</Project>", "b.props", "<Project><Import Project='a.csproj'/></Project>"},
		"deep elements":    {"a.csproj", "<Project>" + strings.Repeat("<Choose><When>", 50_000)},
		"deep and skipped": {"a.csproj", "<Project>" + strings.Repeat("<x>", 100_000) + strings.Repeat("</x>", 100_000) + item + "</Project>"},
		"outside":          {"a.csproj", "<Project><Import Project='../../../../../../etc/passwd'/><Import Project='/etc/passwd'/>" + item + "</Project>"},
	} {
		t.Run(name, func(t *testing.T) {
			tree := treeOf(t, files...)
			started := time.Now()
			doc, _ := readMSBuildProject(t.Context(), tree, "a.csproj")
			if took := time.Since(started); took > 10*time.Second {
				t.Errorf("took %s", took)
			}
			checkDocument(t, doc)
		})
	}
}

func FuzzMSBuild(f *testing.F) {
	seeds(f, "Single.csproj", "Web.csproj", "Old.csproj", "Wide.csproj", "Directory.Packages.props", "Directory.Build.props")
	central, err := os.ReadFile("testdata/nuget/central/Directory.Packages.props")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		tree := treeOf(t, "src/a.csproj", string(data), "Directory.Packages.props", string(central), "Directory.Build.props", string(data))
		doc, _ := readMSBuildProject(t.Context(), tree, "src/a.csproj")
		checkDocument(t, doc)
		doc, _ = readMSBuildProps(t.Context(), tree, "Directory.Build.props")
		checkDocument(t, doc)
	})
}

func FuzzPackagesConfig(f *testing.F) {
	seeds(f, "packages.config")
	f.Fuzz(func(t *testing.T, data []byte) {
		doc, _ := readPackagesConfig(t.Context(), treeOf(t, "packages.config", string(data)), "packages.config")
		checkDocument(t, doc)
	})
}

func FuzzNuGetLock(f *testing.F) {
	seeds(f, "packages.lock.json")
	f.Fuzz(func(t *testing.T, data []byte) {
		tree := treeOf(t, "packages.lock.json", string(data), "a.csproj", `<Project><ItemGroup><PackageReference Include="Example.Json" Version="1"/></ItemGroup></Project>`)
		doc, _ := readNuGetLock(t.Context(), tree, "packages.lock.json")
		checkPlaces(t, doc, data)
		checkDocument(t, doc)
		doc, _ = readMSBuildProject(t.Context(), tree, "a.csproj")
		checkDocument(t, doc)
	})
}

func FuzzNuGetAssets(f *testing.F) {
	seeds(f, "project.assets.json", "Tool.deps.json")
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, name := range []string{"project.assets.json", "Tool.deps.json"} {
			doc, _ := readNuGetAssets(t.Context(), treeOf(t, name, string(data)), name)
			checkPlaces(t, doc, data)
			checkDocument(t, doc)
		}
	})
}

func FuzzNuGetPins(f *testing.F) {
	seeds(f, "dotnet-tools.json", "global.json")
	f.Fuzz(func(t *testing.T, data []byte) {
		doc, _ := readNuGetTools(t.Context(), treeOf(t, "dotnet-tools.json", string(data)), "dotnet-tools.json")
		checkDocument(t, doc)
		doc, _ = readGlobalJSON(t.Context(), treeOf(t, "global.json", string(data)), "global.json")
		checkDocument(t, doc)
	})
}

func BenchmarkNuGetLock(b *testing.B) {
	var lock strings.Builder
	const n = 1000
	lock.WriteString("{\n  \"version\": 1,\n  \"dependencies\": {\n    \"net8.0\": {\n")
	for i := range n {
		fmt.Fprintf(&lock, "      \"Example.P%d\": {\n        \"type\": \"Transitive\",\n        \"resolved\": \"1.%[1]d.0\",\n        \"contentHash\": \"z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXcg/SpIdNs6c5H0NE8XYXysP+DGNKHfuwvY7kxvUdBeoGlODJ6+SfaPg==\",\n        \"dependencies\": {\n          \"Example.P%d\": \"1.0.0\"\n        }\n      }", i, (i+1)%n)
		if i < n-1 {
			lock.WriteString(",")
		}
		lock.WriteString("\n")
	}
	lock.WriteString("    }\n  }\n}\n")
	tree := treeOf(b, "packages.lock.json", lock.String())
	b.SetBytes(int64(lock.Len()))
	b.ReportAllocs()
	for b.Loop() {
		if doc, err := readNuGetLock(b.Context(), tree, "packages.lock.json"); err != nil || len(doc.Entries) != n {
			b.Fatal(err)
		}
	}
}

func BenchmarkMSBuild(b *testing.B) {
	var central, project strings.Builder
	const n = 200
	central.WriteString("<Project>\n  <PropertyGroup>\n    <V>8.0.0</V>\n  </PropertyGroup>\n  <ItemGroup>\n")
	project.WriteString("<Project Sdk=\"Microsoft.NET.Sdk\">\n  <ItemGroup>\n")
	for i := range n {
		fmt.Fprintf(&central, "    <PackageVersion Include=\"Example.P%d\" Version=\"$(V)\" />\n", i)
		fmt.Fprintf(&project, "    <PackageReference Include=\"Example.P%d\" />\n", i)
	}
	central.WriteString("  </ItemGroup>\n</Project>\n")
	project.WriteString("  </ItemGroup>\n</Project>\n")
	b.SetBytes(int64(central.Len() + project.Len()))
	b.ReportAllocs()
	for b.Loop() {
		tree := treeOf(b, "Directory.Packages.props", central.String(), "src/a.csproj", project.String())
		if doc, err := readMSBuildProject(b.Context(), tree, "src/a.csproj"); err != nil || len(doc.Entries) != n || doc.Entries[0].Version != "8.0.0" {
			b.Fatal(err)
		}
	}
}

func TestNuGetSources(t *testing.T) {
	public := "https://api." + strings.ToLower(nugetName) + ".org/v3/index.json"
	sources, err := parseNuGetConfig("nuget.config", []byte(`<configuration>
		<packageSources><add key="a" value="`+public+`"/><add key="b" value="https://feed.example/index.json"/></packageSources>
		<packageSourceMapping>
			<packageSource key="a"><package pattern="*"/><package pattern="Shared.*"/></packageSource>
			<packageSource key="b"><package pattern="Shared.*"/><package pattern="Ours.*"/><package pattern="Exact"/></packageSource>
		</packageSourceMapping></configuration>`))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]inventory.Origin{
		"Example.Json": inventory.OriginRegistry, // by *
		"Shared.Lib":   inventory.OriginRegistry, // by both
		"ours.lib":     inventory.OriginPrivate,
		"Ours":         inventory.OriginRegistry, // the pattern has a point
		"EXACT":        inventory.OriginPrivate,
		"Exactly":      inventory.OriginRegistry,
	} {
		if got := sources.origin(name); got != want {
			t.Errorf("%s comes from %s, want %s", name, got, want)
		}
	}
	if got := (*nugetSources)(nil).origin("Ours.Lib"); got != inventory.OriginRegistry {
		t.Errorf("without a mapping a package comes from %s", got)
	}
}

func FuzzNuGetConfig(f *testing.F) {
	seeds(f, "nuget.config")
	f.Fuzz(func(t *testing.T, data []byte) {
		doc, _ := readMSBuildProject(t.Context(), treeOf(t, "nuget.config", string(data), "a.csproj",
			`<Project><ItemGroup><PackageReference Include="Example.Only" Version="1"/></ItemGroup></Project>`), "a.csproj")
		checkDocument(t, doc)
	})
}
