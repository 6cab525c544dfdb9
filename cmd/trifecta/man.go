package main

import (
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

// manCommand writes the manual pages. It is hidden: packagers call it, and make man.
func (a *app) manCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "man DIR",
		Short:   "Writes the manual pages into a folder, one for each command",
		Example: `  trifecta man share/man/man1 && man -l share/man/man1/trifecta-scan.1`,
		Hidden:  true,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			day, err := a.asOf("", time.Now())
			if err != nil {
				return err
			}
			if err := os.MkdirAll(args[0], 0o755); err != nil {
				return &exitError{code: exitUnable, err: err}
			}
			header := &doc.GenManHeader{Section: "1", Manual: "trifecta", Source: "trifecta " + version, Date: &day}
			root := cmd.Root()
			root.DisableAutoGenTag = true // the same program gives the same pages
			if err := doc.GenManTree(root, header, args[0]); err != nil {
				return &exitError{code: exitUnable, err: fmt.Errorf("write manual pages: %w", err)}
			}
			return nil
		},
	}
}
