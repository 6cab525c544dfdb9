package terraform

import (
	"github.com/hashicorp/hcl/v2"
)

// state is where a root keeps its state.
type state struct{ root string }

// answer returns an attribute of a data source, or of a resource that is known without its provider, where it can be
// computed; nil where it can't.
func (i *instance) answer(name string, at hcl.Range) *value { return nil }

// withAnswers adds to what is written of a data source what it answers.
func (i *instance) withAnswers(whole *value) *value { return whole }
