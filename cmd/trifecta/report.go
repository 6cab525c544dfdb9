package main

import (
	"errors"
	"io/fs"

	"github.com/spf13/cobra"

	"github.com/trifecta-scanner/trifecta/report"
)

func (a *app) reportCommand() *cobra.Command {
	var specs []string
	cmd := &cobra.Command{
		Use:   "report RESULT.json",
		Short: "Writes a saved result in any format",
		Example: `  trifecta scan -o json=result.json
  trifecta report result.json -o sarif=result.sarif -o markdown`,
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			outputs, err := report.ParseOutputs(specs)
			if err != nil {
				return usage("", "%w", err)
			}
			res, err := savedResult(args[0])
			if err != nil {
				return err
			}
			return a.write(outputs, res)
		},
	}
	registerOutput(cmd, &specs, report.Names())
	return cmd
}

// unreadable says why a file that the user named can't be used.
func unreadable(err error) error {
	hint := ""
	if errors.Is(err, fs.ErrNotExist) {
		hint = "name a file that exists"
	}
	return &exitError{code: exitUsage, err: err, hint: hint}
}
