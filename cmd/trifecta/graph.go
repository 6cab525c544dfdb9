package main

import (
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/trifecta-scanner/trifecta/aws"
	"github.com/trifecta-scanner/trifecta/diagram"
	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/network"
)

// drawings are the formats of graph beside json.
var drawings = map[string]func(io.Writer, *diagram.Drawing) error{
	"mermaid": diagram.Mermaid,
	"dot":     diagram.DOT,
	"svg":     diagram.SVG,
}

// graphOptions are what graph takes on top of the inputs of scan.
type graphOptions struct {
	scan    scanOptions
	format  string
	exposed bool
	to      []string
}

func (a *app) graphCommand() *cobra.Command {
	var opts graphOptions
	formats := append(slices.Sorted(maps.Keys(drawings)), "json")
	cmd := &cobra.Command{
		Use:   "graph [DIR]",
		Short: "Draws the declared network and what of it a stranger reaches",
		Long: `graph draws the network that the code declares: regions, VPCs, tiers of subnets and zones, what stands in
them, and the ways from the internet. Equal things fold into one, so that a few hundred stay readable. The
format json prints the facts instead: resources, what they mean on AWS, workloads with their answers, and the
drawing.`,
		Example: `  trifecta graph infra > network.mmd
  trifecta graph --format svg --exposed > exposed.svg
  trifecta graph --format dot --to aws_ecs_service.web | dot -Tpng > way.png`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			dir := "."
			if len(args) == 1 {
				dir = args[0]
			}
			if opts.format != "json" && drawings[opts.format] == nil {
				return usage("", "--format: %q is none of %s", opts.format, strings.Join(formats, ", "))
			}
			return a.graph(cmd, dir, &opts)
		},
	}
	opts.scan.registerInputs(cmd)
	f := cmd.Flags()
	f.StringVar(&opts.format, "format", "mermaid", "`FORMAT`: "+strings.Join(formats, ", "))
	f.BoolVar(&opts.exposed, "exposed", false, "only what lies on a way from the internet")
	f.StringArrayVar(&opts.to, "to", nil, "only the ways to this `ADDRESS`; repeatable")
	return cmd
}

func (a *app) graph(cmd *cobra.Command, dir string, opts *graphOptions) error {
	scan := opts.scan
	if len(scan.only) == 0 { // nothing else is drawn
		scan.only = []string{"network"}
	}
	done, err := a.scan(cmd.Context(), dir, &scan)
	if err != nil {
		return err
	}
	drawing := diagram.Build(done.world.cloud, done.world.cluster, done.res.Workloads)
	if len(opts.to) > 0 {
		ids := make([]inventory.ID, len(opts.to))
		for i, to := range opts.to {
			ids[i] = inventory.ID(to)
			if !slices.ContainsFunc(drawing.Nodes, func(n diagram.Node) bool { return n.ID == ids[i] }) {
				return usage("trifecta graph --format json lists what there is", "--to: nothing in %s has the address %s", dir, to)
			}
		}
		drawing = drawing.Exposed(ids...)
	} else if opts.exposed {
		drawing = drawing.Exposed()
	}
	for _, n := range done.res.Notices {
		a.say("%s", noticeLine(n))
	}
	if opts.format == "json" {
		return a.printJSON(struct {
			Resources []*inventory.Resource `json:"resources"`
			Facts     []aws.Fact            `json:"facts"`
			Workloads []network.Result      `json:"workloads"`
			Drawing   *diagram.Drawing      `json:"drawing"`
			Notices   []inventory.Notice    `json:"notices"`
		}{done.res.Resources, done.world.cloud.Facts(), done.res.Workloads, drawing, done.res.Notices})
	}
	return drawings[opts.format](a.out, drawing.Fold())
}

// noticeLine is a notice as one line.
func noticeLine(n inventory.Notice) string {
	if n.Location == nil {
		return n.Message
	}
	return n.Location.Path + ": " + n.Message
}
