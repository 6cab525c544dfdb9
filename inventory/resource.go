package inventory

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Language is what a resource is declared in.
type Language string

// The languages of declared resources.
const (
	Terraform      Language = "terraform"
	CloudFormation Language = "cloudformation"
	Kubernetes     Language = "kubernetes"
	Packer         Language = "packer"

	Dockerfile Language = "dockerfile" // of Inventory.Automation, as the others below
	Workflow   Language = "workflow"   // of GitHub Actions
	Action     Language = "action"     // of GitHub Actions
	Compose    Language = "compose"    // one service of a Compose file
	GitLabCI   Language = "gitlab-ci"  // one file of a pipeline of GitLab
)

// Existence says whether a declared resource will be there.
type Existence uint8

// The three answers. The zero value is the usual one.
const (
	Exists    Existence = iota
	MayExist            // count, for_each or a condition is not known; Resource.Reasons says which
	NotExists           // count is 0 or a condition is false; kept because people ask about it by its address
)

// existences are the words of Existence.
var existences = [...]string{"yes", "maybe", "no"}

// String returns yes, maybe or no.
func (e Existence) String() string {
	if int(e) < len(existences) {
		return existences[e]
	}
	return existences[MayExist]
}

// MarshalText returns the word of e.
func (e Existence) MarshalText() ([]byte, error) { return []byte(e.String()), nil }

// UnmarshalText reads what MarshalText writes.
func (e *Existence) UnmarshalText(text []byte) error {
	i := slices.Index(existences[:], string(text))
	if i < 0 {
		return fmt.Errorf("%q is neither yes, maybe nor no", text)
	}
	*e = Existence(i)
	return nil
}

// Call is one module, nested stack or chart on the way from the root to a resource.
type Call struct {
	Address  ID       `json:"address"` // module.vpc, or the logical id of the stack
	Location Location `json:"location"`
}

// Resource is one declared thing: a Terraform resource instance, a CloudFormation resource or a Kubernetes object.
// Values and everything in it is known, or unknown with a reason; later stages ask the typed models (package aws and
// package kube) and never the language.
type Resource struct {
	// ID is the address in the user's own notation: module.a.aws_instance.b["x"], a logical id (Stack/LogicalId in a nested
	// stack), Kind/namespace/name. It is unique within Root and Environment.
	ID       ID       `json:"id"`
	Type     string   `json:"type"` // aws_instance, AWS::EC2::Instance, apps/v1/Deployment
	Name     string   `json:"name"` // the label, logical id or metadata.name
	Language Language `json:"language"`
	// Root is what is deployed as one: the folder of the root module ("." at the top), the path of the template, the folder
	// of the chart or kustomization, or the path of the manifest.
	Root string `json:"root"`
	// Environment is the one that the root was evaluated for; empty where there is only one.
	Environment string `json:"environment,omitempty"`
	Region      string `json:"region,omitempty"`  // eu-central-1; empty where it is not known
	Account     string `json:"account,omitempty"` // twelve digits, or the role's ARN that tells accounts apart; empty where it is not known
	// Location is the block, the logical id or the object.
	Location Location `json:"location"`
	// Via leads from the root to the resource, outermost first; empty in the root itself.
	Via []Call `json:"via,omitempty"`
	// Exists says whether it will be there: "maybe" or "no" in JSON, and left out where it will.
	Exists  Existence `json:"exists,omitempty"`
	Reasons []Reason  `json:"reasons,omitempty"` // why Exists is MayExist or NotExists
	// Assumed names the built-in model that the resource comes from where the source of its module is not in the tree.
	Assumed string `json:"assumed,omitempty"`
	// ProviderVersion is the versions of its provider that the root and the modules on the way ask for, as they are
	// written: "~> 5.80, < 5.90"; empty where they ask for none, and in other languages than Terraform.
	ProviderVersion string `json:"-"`
	Values          Value  `json:"values"`
}

// Get returns what stands at a path of attribute names; see Value.Get.
func (r *Resource) Get(path ...string) Value { return r.Values.Get(path...) }

// Compare orders resources by root, environment and address.
func (r *Resource) Compare(s *Resource) int {
	return cmp.Or(strings.Compare(r.Root, s.Root), strings.Compare(r.Environment, s.Environment), strings.Compare(string(r.ID), string(s.ID)))
}

// Environment is one way to evaluate the infrastructure of a tree: prod, staging, ...
type Environment struct {
	Name           string
	Paths          []string // roots that belong to it; patterns as in .gitignore; none: all
	VarFiles       []string // Terraform variable files, as paths in the tree
	Values         []string // Helm values files, as paths in the tree
	ParameterFiles []string // CloudFormation parameter files, as paths in the tree
}

// Covers reports whether the root at a path of the tree belongs to the environment.
func (e Environment) Covers(root string) bool {
	if len(e.Paths) == 0 || root == "." {
		return true
	}
	var patterns *ignores
	parts := strings.Split(root, "/")
	patterns = patterns.with(e.Paths, nil)
	for i := range parts { // a pattern that names a folder holds for what is below it
		if patterns.ignored(parts[:i+1], i+1 < len(parts)) {
			return true
		}
	}
	return false
}

// MachineImage is one machine image (AMI) that the tree refers to, in one form.
type MachineImage struct {
	ID   ID     `json:"id"`   // ami-..., a name pattern, a parameter's path or an alias
	Form string `json:"form"` // literal, data-source, ssm-parameter, mapping, packer, family
	Name string `json:"name,omitempty"`
	// Owner is the account or alias that the code names, or that publishes images under this id.
	Owner        string `json:"owner,omitempty"`
	Region       string `json:"region,omitempty"`
	CreatedAt    string `json:"created_at,omitempty"`    // a day, as 2006-01-02
	DeprecatedAt string `json:"deprecated_at,omitempty"` // likewise
	EndOfLife    string `json:"end_of_life,omitempty"`   // of its operating system, likewise
	Replacement  ID     `json:"replacement,omitempty"`
	// Regions is what the account knows, by region: of a search what it finds there today. Empty where no account was asked.
	Regions   []RegionalImage `json:"regions,omitempty"`
	Locations []Location      `json:"locations"`
	Workloads []ID            `json:"workloads"`
}

// RegionalImage is the image that a reference leads to in one region. Days are written as 2006-01-02.
type RegionalImage struct {
	Region       string `json:"region"`
	ID           ID     `json:"id"`
	Name         string `json:"name,omitempty"`
	CreatedAt    string `json:"created_at,omitempty"`
	DeprecatedAt string `json:"deprecated_at,omitempty"`
	Replacement  ID     `json:"replacement,omitempty"` // the newest of its series there, where that is another one
}

// Confidence says how a link is known.
type Confidence string

// The confidences, surest first.
const (
	Declared Confidence = "declared" // the same reference or digest
	Resolved Confidence = "resolved" // the same repository path, the tag differs or is unknown
	Inferred Confidence = "inferred" // a folder, an image and a workload share a name that is unique
)

// Link says that From uses To: a workload runs an image, an image contains a lock file's packages.
type Link struct {
	From       ID         `json:"from"`
	To         ID         `json:"to"`
	Confidence Confidence `json:"confidence"`
	Evidence   []Location `json:"evidence"`
}
