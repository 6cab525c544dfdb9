package main

import (
	"github.com/trifecta-scanner/trifecta/aws"
	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/network"
	"github.com/trifecta-scanner/trifecta/scanner"
)

// world is what a tree declares, evaluated: the typed models and the network of them. It is made once for each tree.
type world struct {
	inv   *inventory.Inventory
	cloud *aws.Model
}

func newWorld(inv *inventory.Inventory) *world {
	return &world{inv: inv, cloud: aws.Build(inv.Resources)}
}

// describe puts what the network answers into a result that is to be ranked.
func (w *world) describe(*scanner.Result) {}

// explain answers a question about the resource at an address, once for each root that has it.
func (w *world) explain(inventory.ID, inventory.ID, int) []network.Result { return nil }
