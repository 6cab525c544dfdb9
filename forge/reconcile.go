package forge

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// Plan is all that one run wants proposed for a scope.
type Plan struct {
	Scope  string
	Wanted []PullRequest // the most urgent first; each key once
	// Limit is how many requests may be open at once. Those that are open beyond it stay so.
	Limit int
	// Gone returns why an open request that is not wanted is not needed any more, such as "lodash 4.17.21 stands in
	// web/package-lock.json already", and nothing where the run can't tell: a part that was not looked at says nothing
	// about its requests. nil tells of none.
	Gone func(Proposal) string
}

// Reconcile makes the open requests of a scope those of the plan: it closes what is not needed any more, brings up to
// date what is open, opens what is new within the limit, and closes last what a new request supersedes. It returns what
// came of each, those of the plan in its order and then those that were closed. One request that fails does not keep
// the others from being made; a host that refuses ends the run.
func Reconcile(ctx context.Context, host Proposer, plan Plan) ([]Proposal, error) {
	open, err := host.Proposals(ctx, plan.Scope)
	if err != nil {
		return nil, err
	}
	r := reconciler{host: host, plan: plan}
	at := func(key string) int {
		return slices.IndexFunc(plan.Wanted, func(pr PullRequest) bool { return pr.Key == key })
	}
	room := plan.Limit
	var superseded []Proposal
	isOpen := map[string]bool{}
	for _, p := range open {
		switch {
		case at(p.Key) >= 0:
			isOpen[p.Key] = true
			room--
		case plan.supersedes(p) >= 0:
			superseded = append(superseded, p) // stays until what replaces it is open; its place is free
		default:
			reason := ""
			if plan.Gone != nil {
				reason = plan.Gone(p)
			}
			if reason == "" {
				room--
				continue
			}
			if p := r.withdraw(ctx, p, reason); p.State != Withdrawn {
				room--
			}
		}
	}
	closed := r.done
	r.done = nil
	for i := range plan.Wanted {
		pr := plan.Wanted[i]
		switch {
		case r.denied:
			r.done = append(r.done, pr.proposal(Failed, "the host refused an earlier request"))
		case !isOpen[pr.Key] && room <= 0:
			r.done = append(r.done, pr.proposal(Deferred, fmt.Sprintf("%d requests may be open at once", plan.Limit)))
		default:
			p := r.propose(ctx, pr)
			if !isOpen[pr.Key] && p.State.Open() {
				room--
			}
		}
	}
	for _, p := range superseded {
		if by := r.done[plan.supersedes(p)]; by.State.Open() {
			at := len(r.done)
			r.withdraw(ctx, p, "superseded by "+by.Ref())
			closed = append(closed, r.done[at:]...)
			r.done = r.done[:at]
		}
	}
	return append(r.done, closed...), r.err
}

// supersedes returns the first request of the plan that holds all of an open one; -1 where none does.
func (plan *Plan) supersedes(p Proposal) int {
	of := p.Parts
	if len(of) == 0 {
		of = []string{p.Key}
	}
	return slices.IndexFunc(plan.Wanted, func(pr PullRequest) bool {
		return !slices.ContainsFunc(of, func(key string) bool { return key != pr.Key && !slices.Contains(pr.Parts, key) })
	})
}

// proposal is the answer about a request that the host was not asked for.
func (pr *PullRequest) proposal(state State, reason string) Proposal {
	return Proposal{Key: pr.Key, Version: pr.Version, Parts: pr.Parts, Scope: pr.Scope, State: state, Reason: reason}
}

// reconciler collects what came of a plan.
type reconciler struct {
	host   Proposer
	plan   Plan
	done   []Proposal
	denied bool
	err    error
}

func (r *reconciler) propose(ctx context.Context, pr PullRequest) Proposal {
	pr.Scope = r.plan.Scope
	p, err := r.host.Propose(ctx, pr)
	if err != nil {
		p = pr.proposal(Failed, err.Error())
		r.failed(err)
	}
	r.done = append(r.done, p)
	return p
}

func (r *reconciler) withdraw(ctx context.Context, p Proposal, reason string) Proposal {
	after, err := r.host.Withdraw(ctx, p, reason)
	if err != nil {
		p.State, p.Reason = Failed, err.Error()
		after = p
		r.failed(err)
	}
	r.done = append(r.done, after)
	return after
}

func (r *reconciler) failed(err error) {
	r.err = errors.Join(r.err, err)
	if refused := (*DeniedError)(nil); errors.As(err, &refused) {
		r.denied = true
	}
}
