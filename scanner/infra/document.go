package infra

import (
	"fmt"
	"io"
	"strings"
)

// sections are the parts of docs/rules.md.
var sections = []struct {
	title, text string
	checks      *[]Check
}{
	{"Pod Security Standards: baseline", "The controls of the [baseline policy](" + podSecurity + "), which keeps known ways to more privileges shut.", &podSecurityBaseline},
	{"Pod Security Standards: restricted", "What the restricted policy adds. As in the standard, pods for Windows (`spec.os.name: windows`) are excepted from what only Linux has, and pods with user namespaces (`hostUsers: false`) from the rules about root and `procMount`.", &podSecurityRestricted},
	{"Hardening of Kubernetes", "What manifests show of the [Kubernetes Hardening Guide](" + hardeningGuide + ") of NSA and CISA, and of images and Services.", &hardening},
	{"Access control of Kubernetes", "Roles and bindings, by the [good practices](" + rbacPractices + ") for RBAC. What the cluster brings itself (`system:`) is left out.", &accessControl},
	{"Dockerfiles", "What an image carries, and who it runs as, by the [practices](" + dockerPractices + ") of Docker. Of a base image whose user is not known, it is possible that it is root.", &dockerfiles},
	{"Workflows of GitHub", "Workflows and composite actions, by GitHub's page on [secure use](" + secureUse + ").", &workflows},
}

// Document writes docs/rules.md.
func Document(w io.Writer) {
	var b strings.Builder
	b.WriteString("# Rules for declared infrastructure\n\n<!-- made from scanner/infra by its test; go test ./scanner/infra -update -->\n\n" +
		"A rule that depends on what the code does not say gives a *possible* finding, one level lower, that names what is missing. A\n" +
		"template has one finding at its line, however often it is rendered. Rules are named in `severity` and `ignore` of\n" +
		"[the configuration](configuration.md), and in comments such as `# trifecta:ignore RULE reason`.\n")
	for _, s := range sections {
		fmt.Fprintf(&b, "\n## %s\n\n%s\n\n| rule | severity | what is wrong | what to do |\n| --- | --- | --- | --- |\n", s.title, s.text)
		for i := range *s.checks {
			r := &(*s.checks)[i].Rule
			fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", r.ID, r.Severity, r.Title, strings.ReplaceAll(r.Help, "|", "\\|"))
		}
	}
	_, _ = io.WriteString(w, b.String()) // the caller's writer is a buffer
}
