package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/trifecta-scanner/trifecta/internal/container"
	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/report"
	"github.com/trifecta-scanner/trifecta/sbom"
)

// billsOfMaterials are the formats of sbom.
var billsOfMaterials = []string{"cyclonedx", "spdx"}

func (a *app) sbomCommand() *cobra.Command {
	var specs []string
	var platform string
	cmd := &cobra.Command{
		Use:   "sbom [DIR|IMAGE]",
		Short: "Writes the software bill of materials, without looking anything up",
		Long: `sbom lists the packages of a repository, or what is installed in a container image: a folder in the
OCI layout, an archive of docker save, or a reference that is pulled from its registry. Nothing in
the image is run.`,
		Example: `  trifecta sbom
  trifecta sbom web -o cyclonedx=web.cdx.json
  trifecta sbom registry.example/shop/api:1.4 -o cyclonedx=api.cdx.json
  trifecta scan --sbom api.cdx.json`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			dir := "."
			if len(args) == 1 {
				dir = args[0]
			}
			if len(specs) == 0 {
				specs = []string{billsOfMaterials[0]}
			}
			for _, spec := range specs {
				name, _, _ := strings.Cut(spec, "=")
				if !slices.Contains(billsOfMaterials, name) {
					return usage("", "%q is no bill of materials; use %s", name, strings.Join(billsOfMaterials, " or "))
				}
			}
			outputs, err := report.ParseOutputs(specs)
			if err != nil {
				return usage("", "%w", err)
			}
			if isImage(dir) {
				return a.runImage(cmd.Context(), dir, platform, outputs)
			}
			done, err := a.scan(cmd.Context(), dir, &scanOptions{only: []string{"dependencies"}, noMatch: true})
			if err != nil {
				return err
			}
			return a.write(outputs, done.res)
		},
	}
	registerOutput(cmd, &specs, billsOfMaterials)
	cmd.Flags().StringVar(&platform, "platform", container.DefaultPlatform, "the `PLATFORM` that is taken of an image for several")
	return cmd
}

// readBills reads the bills of materials that the user names.
func readBills(names []string) ([]inventory.Source, error) {
	var sources []inventory.Source
	for _, name := range names {
		info, err := os.Stat(name)
		if err == nil && info.Size() > inventory.DefaultLimits.FileSize {
			err = fmt.Errorf("%s: %w", name, inventory.ErrTooLarge)
		}
		if err != nil {
			return nil, unreadable(err)
		}
		data, err := os.ReadFile(name)
		if err != nil {
			return nil, unreadable(err)
		}
		sources = append(sources, sbom.Bill{Path: filepath.ToSlash(name), Data: data})
	}
	return sources, nil
}
