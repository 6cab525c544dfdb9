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
	// Dir is the folder of the model within Files, which is of one model alone. Calls of local modules in it resolve within
	// Files.
	Dir   string
	Files fs.FS
}

//go:embed modules
var moduleFiles embed.FS

// moduleModel is a built-in model of one module.
type moduleModel struct {
	address  string // namespace/name/provider, with //submodule
	from, to int    // major versions
	dirs     []string
	dir      string // within dirs; empty: at their top
}

// groupModules is where the modules for named groups of rules are: http-80, mysql, ...
const (
	groupModules = "terraform-aws-modules/security-group/aws//modules/"
	groupsFrom   = 3
	groupsTo     = 5
)

// moduleModels are the built-in models by the address of their module and the major versions that they hold for. The
// first folder lies over the second: what is different in old versions stands in an override file of its own.
var moduleModels = []moduleModel{
	{"terraform-aws-modules/vpc/aws", 2, 3, []string{"vpc-2", "vpc"}, ""},
	{"terraform-aws-modules/vpc/aws", 4, 6, []string{"vpc"}, ""},
	{"terraform-aws-modules/security-group/aws", 3, 5, []string{"security-group"}, ""},
	{"terraform-aws-modules/alb/aws", 5, 7, []string{"alb-5", "alb-8"}, ""},
	{"terraform-aws-modules/alb/aws", 8, 8, []string{"alb-8"}, ""},
	{"terraform-aws-modules/alb/aws", 9, 10, []string{"alb"}, ""},
	{"terraform-aws-modules/eks/aws", 18, 18, []string{"eks-18", "eks"}, ""},
	{"terraform-aws-modules/eks/aws", 19, 20, []string{"eks-19", "eks"}, ""},
	{"terraform-aws-modules/eks/aws", 21, 21, []string{"eks"}, ""},
	{"terraform-aws-modules/ec2-instance/aws", 3, 4, []string{"ec2-instance-3", "ec2-instance"}, ""},
	{"terraform-aws-modules/ec2-instance/aws", 5, 5, []string{"ec2-instance-5", "ec2-instance"}, ""},
	{"terraform-aws-modules/ec2-instance/aws", 6, 6, []string{"ec2-instance"}, ""},
	{"terraform-aws-modules/autoscaling/aws", 5, 8, []string{"autoscaling-5", "autoscaling"}, ""},
	{"terraform-aws-modules/autoscaling/aws", 9, 9, []string{"autoscaling"}, ""},
	{"terraform-aws-modules/rds/aws", 3, 7, []string{"rds"}, ""},
	{"terraform-aws-modules/rds-aurora/aws", 6, 7, []string{"rds-aurora-6", "rds-aurora"}, ""},
	{"terraform-aws-modules/rds-aurora/aws", 8, 10, []string{"rds-aurora"}, ""},
	{"terraform-aws-modules/ecs/aws", 2, 4, []string{"ecs-2"}, ""},
	{"terraform-aws-modules/ecs/aws", 5, 7, []string{"ecs"}, ""},
	{"terraform-aws-modules/ecs/aws//modules/cluster", 5, 7, []string{"ecs/cluster"}, ""},
	{"terraform-aws-modules/ecs/aws//modules/service", 5, 7, []string{"ecs/service"}, ""},
	{"terraform-aws-modules/lambda/aws", 2, 8, []string{"lambda"}, ""},
	{"terraform-aws-modules/opensearch/aws", 1, 2, []string{"opensearch"}, ""},
	{"cloudposse/elasticache-redis/aws", 0, 1, []string{"elasticache-redis"}, ""},
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
	models := moduleModels
	if group, ok := strings.CutPrefix(address, groupModules); ok {
		if !fs.ValidPath(group) || strings.Contains(group, "/") {
			return ModuleModel{}, false
		}
		if _, err := fs.Stat(moduleFiles, path.Join("modules", "groups", group)); err != nil {
			return ModuleModel{}, false
		}
		// The whole tree of models, for the model calls that of the module above it.
		models = []moduleModel{{address, groupsFrom, groupsTo, []string{"groups/" + group, "."}, "security-group-named"}}
	}
	newest := -1
	for _, m := range models {
		if m.address == address {
			newest = max(newest, m.to)
		}
	}
	if newest < 0 {
		return ModuleModel{}, false
	}
	major := majorOf(version, newest)
	for _, m := range models {
		if m.address == address && m.from <= major && major <= m.to {
			return ModuleModel{Assumed: m.address + " " + majors(m.from, m.to), Dir: path.Join(".", m.dir), Files: layered(m.dirs)}, true
		}
	}
	return ModuleModel{}, false
}

func majors(from, to int) string {
	if from == to {
		return strconv.Itoa(from) + ".x"
	}
	return strconv.Itoa(from) + ".x to " + strconv.Itoa(to) + ".x"
}

// layered is the file system of folders of moduleFiles, the first one on top.
type layered []string

// Open implements fs.FS. Folders are to be listed with ReadDir: an opened one knows its own layer only.
func (l layered) Open(name string) (fs.File, error) {
	if !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrInvalid}
	}
	var err error
	for _, dir := range l {
		var f fs.File
		if f, err = moduleFiles.Open(path.Join("modules", dir, name)); err == nil {
			return f, nil
		}
	}
	return nil, err
}

// ReadDir implements fs.ReadDirFS.
func (l layered) ReadDir(name string) ([]fs.DirEntry, error) {
	if !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: fs.ErrInvalid}
	}
	var all []fs.DirEntry
	var failure error
	for _, dir := range l {
		entries, err := moduleFiles.ReadDir(path.Join("modules", dir, name))
		if err != nil {
			failure = err
			continue
		}
		for _, e := range entries {
			if !slices.ContainsFunc(all, func(have fs.DirEntry) bool { return have.Name() == e.Name() }) {
				all = append(all, e)
			}
		}
	}
	if all == nil {
		return nil, failure
	}
	slices.SortFunc(all, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return all, nil
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

// ModuleModels returns the modules that have a built-in model, with the major versions that it holds for.
func ModuleModels() []string {
	all := make([]string, 0, len(moduleModels)+1)
	for _, m := range moduleModels {
		all = append(all, m.address+" "+majors(m.from, m.to))
	}
	return append(all, groupModules+"* "+majors(groupsFrom, groupsTo))
}
