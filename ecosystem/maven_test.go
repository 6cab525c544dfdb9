package ecosystem

import (
	"encoding/xml"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"deps.dev/util/maven"
	"github.com/google/go-cmp/cmp"

	"github.com/trifecta-scanner/trifecta/inventory"
)

func TestMavenVersion(t *testing.T) {
	for _, tt := range []struct {
		want, version string
		isRange       bool
	}{
		{"1.0", "1.0", false},
		{"1.0-SNAPSHOT", "1.0-SNAPSHOT", false},
		{"[1.0]", "1.0", false},
		{"[1.0,2.0)", "1.0", true},
		{"(1.0, 2.0]", "1.0", true},
		{"[1.0,)", "1.0", true},
		{"(,2.0]", "", false},
		{"[1.0,2.0),[3.0,4.0)", "1.0", true},
		{"LATEST", "", false},
		{"RELEASE", "", false},
		{"", "", false},
		{"[", "", false},
	} {
		if version, isRange := mavenVersion(tt.want); version != tt.version || isRange != tt.isRange {
			t.Errorf("mavenVersion(%q) = %q, %t; want %q, %t", tt.want, version, isRange, tt.version, tt.isRange)
		}
	}
}

// TestMavenAgrees compares the versions of dependencies with those that deps.dev/util/maven, a second reading of
// Maven's rules, finds for the same files.
func TestMavenAgrees(t *testing.T) {
	read := func(path string) maven.Project {
		data, err := os.ReadFile(filepath.Join("testdata/maven/reactor", path))
		if err != nil {
			t.Fatal(err)
		}
		var p maven.Project
		if err := xml.Unmarshal(data, &p); err != nil {
			t.Fatal(err)
		}
		return p
	}
	tree, err := inventory.OpenTree(t.Context(), "testdata/maven/reactor", inventory.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	defer tree.Close()
	for _, path := range []string{"pom.xml", "app/pom.xml", "lib/pom.xml", "bom/pom.xml", "nested/deep/pom.xml"} {
		p := read(path)
		if path != "pom.xml" {
			p.MergeParent(read("pom.xml"))
		}
		if err := p.Interpolate(); err != nil {
			t.Fatal(err)
		}
		p.ProcessDependencies(func(_, artifact, _ maven.String) (maven.DependencyManagement, error) {
			if artifact != "bom" {
				return maven.DependencyManagement{}, fmt.Errorf("no bill of materials %s", artifact)
			}
			bom := read("bom/pom.xml")
			bom.MergeParent(read("pom.xml"))
			err := bom.Interpolate()
			return bom.DependencyManagement, err
		})
		want := map[string]string{}
		for _, d := range p.Dependencies {
			want[fmt.Sprintf("%s %s", d.Name(), d.Classifier)] = fmt.Sprintf("%s %t", d.Version, d.Scope == "test")
		}
		got := map[string]string{}
		doc, err := readPOM(t.Context(), tree, path)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range doc.Roots {
			e := doc.Entries[r]
			classifier := ""
			if e.Version == "1.4.0" {
				classifier = "legacy"
			}
			got[e.Name+" "+classifier] = fmt.Sprintf("%s %t", e.Version, e.Scope == inventory.ScopeDevelopment)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-deps.dev +ours):\n%s", path, diff)
		}
	}
}

// TestMavenHostile reads files that are made to cost time or memory.
func TestMavenHostile(t *testing.T) {
	const dependency = "<dependency><groupId>g</groupId><artifactId>a</artifactId><version>${p0}</version></dependency>"
	var laughs strings.Builder
	for i := range 40 {
		fmt.Fprintf(&laughs, "<p%d>${p%d}${p%[2]d}${p%[2]d}</p%[1]d>", i, i+1)
	}
	var parents []string
	for i := range 500 {
		parents = append(parents, fmt.Sprintf("d%d/pom.xml", i), fmt.Sprintf(
			"<project><parent><groupId>g</groupId><artifactId>p%d</artifactId><version>1</version></parent><groupId>g</groupId><artifactId>p%d</artifactId><version>1</version></project>", i+1, i))
	}
	var bill strings.Builder
	for i := range 60 { // each bill of materials imports all the others
		fmt.Fprintf(&bill, "<dependency><groupId>g</groupId><artifactId>b%d</artifactId><version>1</version><type>pom</type><scope>import</scope></dependency>", i)
	}
	var bills []string
	for i := range 60 {
		bills = append(bills, fmt.Sprintf("b%d/pom.xml", i), fmt.Sprintf(
			"<project><groupId>g</groupId><artifactId>b%d</artifactId><version>1</version><dependencyManagement><dependencies>%s</dependencies></dependencyManagement></project>", i, bill.String()))
	}
	tests := map[string]struct {
		files   []string
		file    string
		entries int
	}{
		"deep elements":       {files: []string{"pom.xml", "<project>" + strings.Repeat("<a>", 100_000)}, file: "pom.xml"},
		"deep and closed":     {files: []string{"pom.xml", "<project>" + strings.Repeat("<a>", 100_000) + strings.Repeat("</a>", 100_000) + "<dependencies>" + dependency + "</dependencies></project>"}, file: "pom.xml", entries: 1},
		"a billion laughs":    {files: []string{"pom.xml", "<project><properties>" + laughs.String() + "</properties><dependencies>" + dependency + "</dependencies></project>"}, file: "pom.xml", entries: 1},
		"parents without end": {files: parents, file: "d0/pom.xml", entries: 1},
		"bills in circles": {
			files: append(bills, "pom.xml", "<project><dependencyManagement><dependencies>"+bill.String()+"</dependencies></dependencyManagement><dependencies>"+
				"<dependency><groupId>g</groupId><artifactId>a</artifactId></dependency></dependencies></project>"),
			file: "pom.xml", entries: 1,
		},
		"empty":       {files: []string{"pom.xml", ""}, file: "pom.xml"},
		"binary":      {files: []string{"pom.xml", "\x00\x01\xff\xfe"}, file: "pom.xml"},
		"other root":  {files: []string{"pom.xml", "<html><body/></html>"}, file: "pom.xml"},
		"own parent":  {files: []string{"pom.xml", "<project><parent><groupId>g</groupId><artifactId>a</artifactId><version>1</version><relativePath>pom.xml</relativePath></parent><groupId>g</groupId><artifactId>a</artifactId><version>1</version></project>"}, file: "pom.xml", entries: 1},
		"far outside": {files: []string{"pom.xml", "<project><artifactId>a</artifactId><parent><artifactId>p</artifactId><relativePath>../../../../etc/passwd</relativePath></parent></project>"}, file: "pom.xml", entries: 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			tree := treeOf(t, tt.files...)
			started := time.Now()
			doc, err := readPOM(t.Context(), tree, tt.file)
			if took := time.Since(started); took > 10*time.Second {
				t.Errorf("took %s", took)
			}
			checkDocument(t, doc)
			if len(doc.Entries) != tt.entries {
				t.Errorf("got %d entries, want %d (error %v)", len(doc.Entries), tt.entries, err)
			}
		})
	}
}

func FuzzPOM(f *testing.F) {
	seeds(f, "pom.xml")
	parent, err := os.ReadFile("testdata/maven/reactor/pom.xml")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		tree := treeOf(t, "child/pom.xml", string(data), "pom.xml", string(parent), "other/pom.xml", string(data))
		for _, name := range []string{"child/pom.xml", "pom.xml", "other/pom.xml"} {
			doc, _ := readPOM(t.Context(), tree, name)
			checkDocument(t, doc)
		}
	})
}

// bigPOM has n dependencies, of which every second takes its version from the parent.
func bigPOM(n int) (parent, child string) {
	var p, c strings.Builder
	p.WriteString("<project>\n  <groupId>g</groupId>\n  <artifactId>parent</artifactId>\n  <version>1</version>\n  <properties>\n    <v>1.2.3</v>\n  </properties>\n  <dependencyManagement>\n    <dependencies>\n")
	c.WriteString("<project>\n  <parent>\n    <groupId>g</groupId>\n    <artifactId>parent</artifactId>\n    <version>1</version>\n  </parent>\n  <artifactId>child</artifactId>\n  <dependencies>\n")
	for i := range n {
		version := "\n      <version>${v}</version>"
		fmt.Fprintf(&p, "    <dependency>\n      <groupId>org.example</groupId>\n      <artifactId>a%d</artifactId>%s\n    </dependency>\n", i, version)
		if i%2 == 0 {
			version = ""
		}
		fmt.Fprintf(&c, "    <dependency>\n      <groupId>org.example</groupId>\n      <artifactId>a%d</artifactId>%s\n    </dependency>\n", i, version)
	}
	p.WriteString("    </dependencies>\n  </dependencyManagement>\n</project>\n")
	c.WriteString("  </dependencies>\n</project>\n")
	return p.String(), c.String()
}

func BenchmarkPOM(b *testing.B) {
	for _, n := range []int{50, 500} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			parent, child := bigPOM(n)
			b.SetBytes(int64(len(parent) + len(child)))
			b.ReportAllocs()
			for b.Loop() {
				tree := treeOf(b, "pom.xml", parent, "child/pom.xml", child)
				doc, err := readPOM(b.Context(), tree, "child/pom.xml")
				if err != nil || len(doc.Entries) != n+1 {
					b.Fatal(len(doc.Entries), err)
				}
			}
		})
	}
}
