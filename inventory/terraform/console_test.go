package terraform_test

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/trifecta-scanner/trifecta/internal/golden"
	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/inventory/terraform"
)

// TestConsole compares expressions with what terraform console answered to them. With -update the answers are asked
// again of the terraform in PATH.
func TestConsole(t *testing.T) {
	const folder = "testdata/console"
	expressions := lines(t, "testdata/expressions.txt")
	if len(expressions) < 300 {
		t.Fatalf("only %d expressions", len(expressions))
	}
	encoded := make([]string, len(expressions))
	for i, x := range expressions {
		encoded[i] = "jsonencode(" + x + ")"
	}
	if golden.Update() {
		ask(t, folder, encoded)
	}
	answers := lines(t, "testdata/answers.txt")
	if len(answers) != len(expressions) {
		t.Fatalf("%d answers to %d expressions; run the test with -update where terraform is installed", len(answers), len(expressions))
	}
	tree, err := inventory.OpenTree(t.Context(), folder, inventory.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	defer tree.Close()
	values, failures := terraform.Evaluate(t.Context(), tree, ".", encoded)
	for i, x := range expressions {
		got, ok := values[i].Text()
		switch {
		case failures[i] != "":
			got = "error: " + failures[i]
		case !ok:
			got = "unknown"
		}
		if got != answers[i] {
			t.Errorf("%s\n got %s\nwant %s", x, got, answers[i])
		}
	}
}

// lines returns the lines of a file that are no comments.
func lines(t *testing.T, name string) []string {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	scan := bufio.NewScanner(bytes.NewReader(data))
	scan.Buffer(nil, 1<<20)
	for scan.Scan() {
		if line := scan.Text(); line != "" && !strings.HasPrefix(line, "#") {
			all = append(all, line)
		}
	}
	return all
}

// ask writes the answers of terraform console. It works on a copy, for terraform leaves files behind.
func ask(t *testing.T, folder string, expressions []string) {
	t.Helper()
	binary, err := exec.LookPath("terraform")
	if err != nil {
		t.Skip("no terraform to ask")
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(folder)); err != nil {
		t.Fatal(err)
	}
	// A console that reads from a pipe prints its last answer only: all of them go into one.
	command := exec.CommandContext(t.Context(), binary, "console")
	command.Dir = dir
	command.Stdin = strings.NewReader("base64encode(jsonencode([" + strings.Join(expressions, ", ") + "]))\n")
	command.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "CHECKPOINT_DISABLE=1"} // no settings of the machine
	var problems bytes.Buffer
	command.Stderr = &problems
	out, err := command.Output()
	if err != nil {
		t.Fatalf("terraform console: %v\n%s", err, &problems)
	}
	decoded, err := base64.StdEncoding.DecodeString(strings.Trim(strings.TrimSpace(string(out)), `"`))
	if err != nil {
		t.Fatalf("terraform console says %s: %v", out, err)
	}
	var all []string
	if err := json.Unmarshal(decoded, &all); err != nil {
		t.Fatal(err)
	}
	answers := "# What terraform console answers to the lines of expressions.txt; made by go test -run TestConsole -update.\n" + strings.Join(all, "\n") + "\n"
	if err := os.WriteFile("testdata/answers.txt", []byte(answers), 0o644); err != nil {
		t.Fatal(err)
	}
}
