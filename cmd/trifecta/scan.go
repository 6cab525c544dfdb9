package main

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/sbom"
	"github.com/trifecta-scanner/trifecta/scanner"
)

// scanOptions are the flags that scan and ci share.
type scanOptions struct {
	outputs []string
	failOn  []string
	offline bool
	db      string
	intel   string
	asOf    string
	config  string
	strict  bool
}

func (o *scanOptions) register(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringArrayVarP(&o.outputs, "output", "o", nil, "`FORMAT[=FILE]` of the report; repeatable")
	f.BoolVar(&o.offline, "offline", false, "open no socket; what could not be looked up is a notice")
	f.StringVar(&o.db, "db", "", "advisories: a `FOLDER` in the layout of the OSV bucket")
}

func (a *app) scanCommand() *cobra.Command {
	var opts scanOptions
	cmd := &cobra.Command{
		Use:   "scan [DIR]",
		Short: "Scans a repository: inventory, match, check, rank, report",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			dir := "."
			if len(args) == 1 {
				dir = args[0]
			}
			res, err := scan(cmd.Context(), dir, opts)
			if err != nil {
				return err
			}
			enc := json.NewEncoder(a.out)
			enc.SetIndent("", "  ")
			return enc.Encode(res)
		},
	}
	opts.register(cmd)
	return cmd
}

// scan is the pipeline: tree, inventory, findings, rank.
func scan(ctx context.Context, dir string, _ scanOptions) (*scanner.Result, error) {
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return nil, usage("name a folder that exists", "%s is not a folder", dir)
	}
	tree, err := inventory.OpenTree(ctx, dir, inventory.Limits{})
	if err != nil {
		return nil, &exitError{code: exitUnable, err: err}
	}
	defer tree.Close()
	inv, err := inventory.Read(ctx, tree, sbom.Source{})
	if err != nil {
		return nil, &exitError{code: exitUnable, err: err}
	}
	res, err := scanner.Run(ctx, inv)
	if err != nil {
		return nil, &exitError{code: exitUnable, err: err}
	}
	res.Target.Path = filepath.ToSlash(dir)
	return res, nil
}
