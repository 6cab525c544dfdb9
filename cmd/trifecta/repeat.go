package main

import (
	"context"
	"reflect"
	"slices"

	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/scanner"
)

// repeating asks a scanner once for facts that several trees of one run have in common: the base of most changes has
// the same packages as its head, and equal input gives equal output.
type repeating struct {
	scanner.Scanner
	facts     *inventory.Inventory
	judgement *scanner.Judgement
}

// Scan implements scanner.Scanner.
func (r *repeating) Scan(ctx context.Context, inv *inventory.Inventory) (*scanner.Judgement, error) {
	if r.judgement == nil || !sameFacts(r.facts, inv) {
		judgement, err := r.Scanner.Scan(ctx, inv)
		if err != nil {
			return nil, err
		}
		r.facts, r.judgement = inv, judgement
	}
	// Whoever ranks and suppresses findings changes them where they stand.
	return &scanner.Judgement{
		Rules: slices.Clone(r.judgement.Rules), Findings: slices.Clone(r.judgement.Findings), Notices: slices.Clone(r.judgement.Notices),
	}, nil
}

// sameFacts reports whether two inventories say the same. Notices are no facts.
func sameFacts(a, b *inventory.Inventory) bool {
	without := func(inv *inventory.Inventory) inventory.Inventory {
		facts := *inv
		facts.Notices = nil
		return facts
	}
	return reflect.DeepEqual(without(a), without(b))
}
