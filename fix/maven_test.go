package fix_test

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trifecta-scanner/trifecta/fix"
	"github.com/trifecta-scanner/trifecta/fix/fixtest"
)

func TestMavenCases(t *testing.T) {
	runCases(t, "maven", func(t *testing.T, dir string, files map[string]string) {
		poms := maps.Clone(files)
		maps.DeleteFunc(poms, func(name, _ string) bool { return filepath.Base(name) != "pom.xml" }) // what the canary has would fire here
		unpack(t, dir, poms)
		acceptMaven(t, dir)
	})
}

// acceptMaven lets Maven read the projects and resolve what they need, and read them once more without a network.
func acceptMaven(t *testing.T, dir string) string {
	t.Helper()
	local := "-Dmaven.repo.local=" + filepath.Join(os.Getenv("TRIFECTA_TOOL_CACHE"), "m2")
	list := ""
	for _, args := range [][]string{
		{"-B", local, "validate", "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:list"},
		{"-B", "-o", local, "validate"},
	} {
		cmd := exec.Command("mvn", args...)
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Errorf("Maven does not accept it: %v\n%.3000s", err, out)
		}
		list += string(out)
	}
	return list
}

// TestMavenManages puts versions of packages that something else brings in under management, which the scan of a pom.xml
// alone never asks for: what is not declared is in no file of the tree.
func TestMavenManages(t *testing.T) {
	const head = "<project>\n  <modelVersion>4.0.0</modelVersion>\n  <groupId>example.shop</groupId>\n  <artifactId>shop</artifactId>\n  <version>1.0</version>\n"
	const asks = "  <dependencies>\n    <dependency>\n      <groupId>com.fasterxml.jackson.dataformat</groupId>\n      <artifactId>jackson-dataformat-yaml</artifactId>\n" +
		"      <version>2.13.5</version>\n    </dependency>\n  </dependencies>\n"
	const entry = "      <dependency>\n        <groupId>org.yaml</groupId>\n        <artifactId>snakeyaml</artifactId>\n        <version>1.33</version>\n      </dependency>\n"
	const other = "      <dependency>\n        <groupId>commons-io</groupId>\n        <artifactId>commons-io</artifactId>\n        <version>2.14.0</version>\n      </dependency>\n"
	const open, shut = "  <dependencyManagement>\n    <dependencies>\n", "    </dependencies>\n  </dependencyManagement>\n"
	for _, test := range []struct{ name, before, after string }{
		{"none yet", head + asks + "</project>\n", head + open + entry + shut + asks + "</project>\n"},
		{"another entry", head + open + other + shut + asks + "</project>\n", head + open + other + entry + shut + asks + "</project>\n"},
		{"an older one", head + open + strings.Replace(entry, "1.33", "1.31", 1) + shut + asks + "</project>\n", head + open + entry + shut + asks + "</project>\n"},
		{"an empty list", head + "  <dependencyManagement>\n  </dependencyManagement>\n" + asks + "</project>\n", head + open + entry + shut + asks + "</project>\n"},
		{"no dependencies", head + "</project>\n", head + open + entry + shut + "</project>\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			ws := fix.NewWorkspace(fixtest.Tree(t, map[string]string{"pom.xml": test.before}))
			project, err := fix.Maven.Open(t.Context(), ws, "pom.xml")
			if err != nil {
				t.Fatal(err)
			}
			target := fix.Target{Package: "org.yaml:snakeyaml", From: "1.31", To: "1.33", How: fix.HowOverride}
			if err := fix.Maven.Write(t.Context(), &fix.Job{Env: &fix.Env{}, Workspace: ws, Project: project, Targets: []fix.Target{target}}); err != nil {
				t.Fatal(err)
			}
			got, err := ws.ReadFile("pom.xml")
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.after, string(got)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if fixtest.Recording() {
				dir := t.TempDir()
				unpack(t, dir, map[string]string{"pom.xml": string(got)})
				if list := acceptMaven(t, dir); strings.Contains(string(got), "jackson") && !strings.Contains(list, "org.yaml:snakeyaml:jar:1.33") {
					t.Errorf("Maven takes another snakeyaml:\n%s", list)
				}
			}
		})
	}
}

// BenchmarkMavenOpen opens the project of each of many modules, as a plan does that has a finding in each.
func BenchmarkMavenOpen(b *testing.B) {
	const modules = 200
	files := map[string]string{}
	root := "<project><groupId>g</groupId><artifactId>root</artifactId><version>1</version><packaging>pom</packaging><properties><v>1.2</v></properties><modules>"
	for i := range modules {
		name := fmt.Sprintf("m%d", i)
		root += "<module>" + name + "</module>"
		files[name+"/pom.xml"] = "<project><parent><groupId>g</groupId><artifactId>root</artifactId><version>1</version></parent><artifactId>" + name + "</artifactId><dependencies>" +
			strings.Repeat("<dependency><groupId>a</groupId><artifactId>b</artifactId><version>${v}</version></dependency>", 20) + "</dependencies></project>"
	}
	files["pom.xml"] = root + "</modules></project>"
	for b.Loop() {
		ws := fix.NewWorkspace(fixtest.Tree(b, files))
		for i := range modules {
			if _, err := fix.Maven.Open(b.Context(), ws, fmt.Sprintf("m%d/pom.xml", i)); err != nil {
				b.Fatal(err)
			}
		}
	}
}
