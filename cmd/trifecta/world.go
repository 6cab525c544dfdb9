package main

import (
	"slices"

	"github.com/trifecta-scanner/trifecta/aws"
	"github.com/trifecta-scanner/trifecta/config"
	"github.com/trifecta-scanner/trifecta/diagram"
	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/join"
	"github.com/trifecta-scanner/trifecta/kube"
	"github.com/trifecta-scanner/trifecta/machine"
	"github.com/trifecta-scanner/trifecta/network"
	"github.com/trifecta-scanner/trifecta/scanner"
	"github.com/trifecta-scanner/trifecta/scanner/ami"
	"github.com/trifecta-scanner/trifecta/scanner/cloud"
	"github.com/trifecta-scanner/trifecta/scanner/exposure"
)

// world is what a tree declares, evaluated: the typed models, what runs where, and the network of it all. It is made once
// for each tree.
type world struct {
	cloud     *aws.Model
	cluster   *kube.Model
	graph     *network.Graph
	results   []network.Result
	resources []*inventory.Resource
	machines  []machine.Reference
	known     facts // what AWS says of them
	deployed  exposure.Deployed
	// criticality is what the workloads of an environment are worth, by its name.
	criticality map[string]string
	// left are the environments of the tree that nobody asked about.
	left []string
}

// newWorld builds the models of what the inventory declares, follows packages to workloads and puts both into the
// inventory.
func newWorld(tree *inventory.Tree, inv *inventory.Inventory, p *pipeline) *world {
	w := &world{criticality: map[string]string{}, resources: inv.Resources, cloud: aws.Build(inv.Resources), cluster: kube.Read(inv.Resources)}
	if p.looksAt("amis") {
		w.machines = machine.Find(tree, w.cloud, w.cluster, inv.Resources)
	}
	w.graph = network.Build(w.cloud, w.cluster)
	w.results = w.graph.Results()
	w.join(inv, p.cfg)
	for _, e := range p.cfg.Environments {
		w.criticality[e.Name] = e.Criticality
	}
	return w
}

// join follows the files that list packages to what runs them.
func (w *world) join(inv *inventory.Inventory, cfg *config.Config) {
	runners, builds := join.AWSRunners(w.cloud, inv.Resources)
	runners = append(runners, join.KubeRunners(w.cluster)...)
	runners = append(runners, join.ComposeRunners(inv.Automation)...)
	if len(runners) == 0 {
		return
	}
	var files []string
	for i := range inv.Packages {
		for _, l := range inv.Packages[i].Locations {
			files = append(files, l.Path)
		}
	}
	slices.Sort(files)
	declared := make([]join.Declaration, 0, len(cfg.Links))
	for _, l := range cfg.Links {
		declared = append(declared, join.Declaration{LockFile: l.LockFile, Image: inventory.ID(l.Image), Source: inventory.Location{Path: cfg.Path}})
	}
	joined := join.Join(slices.Compact(files), slices.Concat(inv.Builds, builds), runners, declared)
	bills := inv.Links // of images that were read
	inv.Links = append(slices.Clip(inv.Links), joined.Links...)
	inv.Notices = append(inv.Notices, joined.Notices...)
	w.deployed = w.started(bills, runners, joined)
	for file, into := range joined.Files {
		if w.deployed[file] == nil {
			w.deployed[file] = map[inventory.ID]inventory.Confidence{}
		}
		for i, confidence := range into {
			w.deployed[file][runners[i].Workload] = confidence
		}
	}
	for i := range inv.Packages {
		p := &inv.Packages[i]
		for _, l := range p.Locations {
			for id := range w.deployed[l.Path] {
				p.Workloads = append(p.Workloads, id)
			}
		}
		slices.Sort(p.Workloads)
		p.Workloads = slices.Compact(p.Workloads)
	}
	w.runs(inv, runners, joined)
}

// started returns the workloads that start from the images whose bills of materials are at hand, by the bill: links lead from
// a machine or container image to its bill.
func (w *world) started(links []inventory.Link, runners []join.Runner, joined *join.Joined) exposure.Deployed {
	deployed := exposure.Deployed{}
	note := func(bill, workload inventory.ID, c inventory.Confidence) {
		if deployed[string(bill)] == nil {
			deployed[string(bill)] = map[inventory.ID]inventory.Confidence{}
		}
		deployed[string(bill)][workload] = c
	}
	for _, l := range links {
		for i := range w.machines {
			if w.machines[i].ID == l.From {
				for _, workload := range w.machines[i].Workloads {
					note(l.To, workload, l.Confidence)
				}
			}
		}
		for i, r := range runners {
			for _, run := range joined.Runs[i] {
				if confidence, ok := join.OfImage(l.From, run.ID); ok {
					note(l.To, r.Workload, confidence)
				}
			}
		}
	}
	return deployed
}

// runs puts what each workload runs into the network's answers and the images.
func (w *world) runs(inv *inventory.Inventory, runners []join.Runner, joined *join.Joined) {
	by := map[inventory.ID][]inventory.ID{}
	for i, r := range runners {
		for _, run := range joined.Runs[i] {
			by[run.ID] = append(by[run.ID], r.Workload)
		}
	}
	for i := range inv.Images {
		image := &inv.Images[i]
		image.Workloads = append(image.Workloads, by[image.ID]...)
		slices.Sort(image.Workloads)
		image.Workloads = slices.Compact(image.Workloads)
	}
	of := map[inventory.ID][]int{}
	for i, r := range runners {
		of[r.Workload] = append(of[r.Workload], i)
	}
	for k := range w.results {
		r := &w.results[k]
		for _, i := range of[r.Address] {
			for _, run := range joined.Runs[i] {
				if next := (network.Run{ID: run.ID, Confidence: run.Confidence}); !slices.Contains(r.Runs, next) {
					r.Runs = append(r.Runs, next)
				}
			}
		}
	}
}

// scanners are those that judge the world by the rules of ours.
func (w *world) scanners(tree *inventory.Tree, p *pipeline) []scanner.Scanner {
	var list []scanner.Scanner
	if p.looksAt("amis") && !p.noMatch {
		list = append(list, ami.Scanner{References: w.machines, Model: w.cloud, Resources: w.resources, Intel: p.intel, AsOf: p.asOf, Account: w.known.images, Patches: w.known.patches, Kubernetes: w.known.kubernetes, Read: tree.ReadFile, StaleDays: p.cfg.MaxImageAge})
	}
	if !p.looksAt("network") && !p.looksAt("infrastructure") {
		return list
	}
	judge := cloud.Scanner{
		Model: w.cloud, Cluster: w.cluster, Results: w.results, Regions: p.cfg.Regions, Read: tree.ReadFile,
		Network: p.looksAt("network"), Hosts: p.looksAt("infrastructure"), Patched: w.known.evidence(),
	}
	for _, e := range p.cfg.Environments {
		if e.Criticality == "high" || e.Criticality == "very high" {
			judge.Production = append(judge.Production, e.Name)
		}
	}
	return append(list, judge)
}

// weigh puts what the network answers into a result that is to be ranked.
func (w *world) weigh(res *scanner.Result) {
	res.Workloads = w.results
	exposure.Apply(res, w.deployed, w.criticality)
}

// conclude adds what follows from the ranked findings and the network together, and the drawing of the network.
func (w *world) conclude(res *scanner.Result) {
	if w.results == nil {
		return
	}
	res.Add(exposure.Trifecta(res, w.deployed))
	res.Rank()
	exposure.Surface(res, w.deployed)
	if drawing := diagram.Build(w.cloud, w.cluster, w.results).Fold(); len(drawing.Nodes) > 0 {
		res.Network = drawing
	}
}

// explain answers a question about the resource at an address, once for each root that has it. A port other than 0 narrows
// the question to it.
func (w *world) explain(address, from inventory.ID, port int) []network.Result {
	if w == nil || w.graph == nil {
		return nil
	}
	answers := w.graph.Explain(address, from)
	for i := range answers {
		if port != 0 {
			answers[i] = answers[i].OnPort(port)
		}
	}
	return answers
}
