package terraform

import (
	"context"
	"fmt"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// Bounded returns a source that evaluates fewer expressions of each root.
func Bounded(steps int) Source { return Source{steps: steps} }

// Evaluate returns the values of expressions in the root module of a folder, with what is wrong with those that fail.
func Evaluate(ctx context.Context, tree *inventory.Tree, root string, expressions []string) ([]inventory.Value, []string) {
	n := &notices{}
	r := &reader{files: newFiles(tree, n), notices: n, functions: languageFunctions(), answers: answers()}
	v := r.variants(root)[0]
	s := r.scopeOf(r.newEvaluator(ctx, root, v), root, v)
	values, failures := make([]inventory.Value, len(expressions)), make([]string, len(expressions))
	for i, text := range expressions {
		x, diags := hclsyntax.ParseExpression([]byte(text), fmt.Sprintf("expression %d", i+1), hcl.Pos{Line: 1, Column: 1})
		if diags.HasErrors() {
			failures[i] = diags.Error()
			continue
		}
		got := s.e.expr(x, s.frame())
		if got.failed() {
			failures[i] = got.unknown.failed
		}
		values[i] = s.e.out(got)
	}
	return values, failures
}
