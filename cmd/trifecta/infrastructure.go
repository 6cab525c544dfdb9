package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/trifecta-scanner/trifecta/config"
	"github.com/trifecta-scanner/trifecta/internal/git"
	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/inventory/automation"
	"github.com/trifecta-scanner/trifecta/inventory/builds"
	"github.com/trifecta-scanner/trifecta/inventory/cloudformation"
	"github.com/trifecta-scanner/trifecta/inventory/kubernetes"
	"github.com/trifecta-scanner/trifecta/inventory/packer"
	"github.com/trifecta-scanner/trifecta/inventory/terraform"
)

// infrastructure returns the sources of declared resources, with the values that the user and the configuration give.
func (o *scanOptions) infrastructure(dir string, cfg *config.Config, memory *inventory.Memory, looksAt func(part string) bool) ([]inventory.Source, error) {
	vars, err := assignments("--var", o.vars)
	if err != nil {
		return nil, err
	}
	params, err := assignments("--param", o.params)
	if err != nil {
		return nil, err
	}
	if !slices.ContainsFunc([]string{"infrastructure", "network", "images", "amis"}, looksAt) {
		return nil, nil
	}
	return []inventory.Source{
		terraform.Source{VarFiles: o.varFiles, Vars: vars, Environments: environments(cfg), Repositories: remotes(dir)},
		remembered{cloudformation.Source{Params: params, Environments: environments(cfg), Region: onlyRegion(cfg)}, memory, []any{params, environments(cfg), onlyRegion(cfg)}},
		remembered{kubernetes.Source{Environments: environments(cfg), Values: o.values}, memory, []any{o.values, environments(cfg)}},
		builds.Source{},
		automation.Source{},
		packer.Source{},
		// Each language's Source stands here, in the order in which their facts are read.
	}, nil
}

// remotes returns the addresses by which others name the repository whose root dir is: its examples call its own modules
// by them. A folder within a repository has none, for paths after such a name count from the root.
func remotes(dir string) []string {
	if _, err := os.Stat(filepath.Join(dir, ".git")); err != nil {
		return nil
	}
	head, err := git.ReadHead(dir)
	if err != nil || head.Repository == "" {
		return nil
	}
	return []string{head.Repository}
}

// assignments reads the values NAME=VALUE of a flag. Of two with one name the later one counts.
func assignments(flag string, list []string) (map[string]string, error) {
	values := make(map[string]string, len(list))
	for _, item := range list {
		name, value, ok := strings.Cut(item, "=")
		if !ok || name == "" {
			return nil, usage("", "%s wants NAME=VALUE, not %q", flag, item)
		}
		values[name] = value
	}
	return values, nil
}

// onlyRegion returns the region that the configuration allows where it is one: a template says nowhere where it is
// deployed.
func onlyRegion(cfg *config.Config) string {
	if len(cfg.Regions) == 1 {
		return cfg.Regions[0]
	}
	return ""
}

// environments returns the environments of the configuration as the evaluators want them.
func environments(cfg *config.Config) []inventory.Environment {
	list := make([]inventory.Environment, 0, len(cfg.Environments))
	for _, e := range cfg.Environments {
		list = append(list, inventory.Environment{Name: e.Name, Paths: e.Paths, VarFiles: e.VarFiles, Values: e.Values, ParameterFiles: e.Parameters})
	}
	return list
}
