package aws

import (
	"embed"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// ModuleModel is a built-in model of a public Terraform module: Terraform code of our own that declares, for the usual
// inputs, the resources which the module declares, under the same addresses and with the same outputs. It stands in
// where the source of the module is not in the tree. Inputs it does not know are ignored, outputs it does not have are
// unknown.
type ModuleModel struct {
	// Assumed names the module and the major versions that the model holds for.
	Assumed string
	// Dir is the folder of the model within Files. Calls of local modules in it resolve within Files.
	Dir   string
	Files fs.FS
}

//go:embed modules
var moduleFiles embed.FS

// moduleModels are the built-in models by the address of their module and the major versions that they hold for.
var moduleModels = []struct {
	address  string // namespace/name/provider, with //submodule
	from, to int    // major versions
	dir      string
}{
	{"terraform-aws-modules/vpc/aws", 2, 6, "modules/vpc"},
}

// gitModule recognises a module of the registry by its repository: the registry requires repositories to be called so
// (https://developer.hashicorp.com/terraform/registry/modules/publish).
var gitModule = regexp.MustCompile(`github\.com[/:]([A-Za-z0-9-]+)/terraform-([a-z0-9]+)-([A-Za-z0-9_-]+?)(?:\.git)?(//[^?]*)?(?:\?(.*))?$`)

// Module returns the built-in model of a public module. The source is as it is written: an address of the registry, with
// or without its host, or of the repository; the version is a constraint, empty where there is none.
func Module(source, version string) (ModuleModel, bool) {
	address := strings.TrimPrefix(strings.TrimPrefix(source, "registry.terraform.io/"), "registry.opentofu.org/")
	if m := gitModule.FindStringSubmatch(source); m != nil {
		address = m[1] + "/" + m[3] + "/" + m[2] + m[4]
		version = ""
		for _, parameter := range strings.Split(m[5], "&") {
			if ref, ok := strings.CutPrefix(parameter, "ref="); ok {
				version = strings.TrimPrefix(ref, "v")
			}
		}
	}
	newest := 0
	for _, m := range moduleModels {
		if m.address == address {
			newest = max(newest, m.to)
		}
	}
	if newest == 0 {
		return ModuleModel{}, false
	}
	major := majorOf(version, newest)
	for _, m := range moduleModels {
		if m.address == address && m.from <= major && major <= m.to {
			majors := strconv.Itoa(m.from) + ".x"
			if m.from != m.to {
				majors += " to " + strconv.Itoa(m.to) + ".x"
			}
			return ModuleModel{Assumed: m.address + " " + majors, Dir: path.Clean(m.dir), Files: moduleFiles}, true
		}
	}
	return ModuleModel{}, false
}

var (
	constraint = regexp.MustCompile(`(~>|>=|<=|!=|=|>|<)?\s*v?(\d+)(?:\.(\d+))?[^\s,]*`)
	commit     = regexp.MustCompile(`^[0-9a-f]{7,40}$`)
)

// majorOf returns the newest major version that a constraint allows; newest where there is none, or a commit.
func majorOf(version string, newest int) int {
	if commit.MatchString(version) && !strings.Contains(version, ".") {
		return newest
	}
	major, found := newest, false
	for _, m := range constraint.FindAllStringSubmatch(version, -1) {
		n, err := strconv.Atoi(m[2])
		if err != nil {
			continue
		}
		switch m[1] {
		case "", "=", "~>", "<=":
			major = n
			if found {
				major = min(major, n)
			}
		case "<":
			if m[3] == "" || m[3] == "0" {
				n--
			}
			major = min(major, n)
		default:
			continue
		}
		found = true
	}
	return major
}

// ModuleModels returns the modules that have a built-in model, with the majors that it holds for.
func ModuleModels() []string {
	var all []string
	for _, m := range moduleModels {
		if model, ok := Module(m.address, strconv.Itoa(m.from)+".0"); ok {
			all = append(all, model.Assumed)
		}
	}
	return slices.Compact(all)
}
