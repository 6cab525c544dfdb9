package infra

import "github.com/trifecta-scanner/trifecta/scanner"

// Section is a part of docs/rules.md.
type Section struct {
	Title, Text string
	Rules       []scanner.Rule
}

// Sections returns the parts of docs/rules.md that list the rules of this package: each rule is in one.
func Sections() []Section {
	section := func(title, text string, checks []Check) Section {
		rules := make([]scanner.Rule, len(checks))
		for i := range checks {
			rules[i] = checks[i].Rule
		}
		return Section{title, text, rules}
	}
	return []Section{
		section("Pod Security Standards: baseline", "The controls of the [baseline policy]("+podSecurity+"), which keeps known ways to more privileges shut.", podSecurityBaseline),
		section("Pod Security Standards: restricted", "What the restricted policy adds. As in the standard, pods for Windows (`spec.os.name: windows`) are excepted from what only Linux has, and pods with user namespaces (`hostUsers: false`) from the rules about root and `procMount`.", podSecurityRestricted),
		section("Hardening of Kubernetes", "What manifests show of the [Kubernetes Hardening Guide]("+hardeningGuide+") of NSA and CISA, and of images and Services.", hardening),
		section("Access control of Kubernetes", "Roles and bindings, by the [good practices]("+rbacPractices+") for RBAC. What the cluster brings itself (`system:`) is left out.", accessControl),
		section("Dockerfiles", "What an image carries, and who it runs as, by the [practices]("+dockerPractices+") of Docker. Of a base image whose user is not known, it is possible that it is root.", dockerfiles),
		section("Workflows of GitHub", "Workflows and composite actions, by GitHub's page on [secure use]("+secureUse+").", workflows),
		section("Compose files", "What the [services]("+composeServices+") of a Compose file have of the machine that they run on, and what they give away. Variables have the values of the file `.env` beside it, or their defaults; what is in no file is not judged.", composeFiles),
		section("Pipelines of GitLab", "`.gitlab-ci.yml`, files whose names end so, and what they include of the tree, by GitLab's page on [pipeline security]("+pipelineSecurity+").", pipelines),
	}
}
