package aws

import (
	"cmp"
	"context"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"math"
	"slices"
	"time"
)

// maxMachines bounds the machines of one question.
const maxMachines = 2000

// Key is what a question about machines is known by in a snapshot: equal questions have equal keys.
func (m Machines) Key() string { return Search{Filters: m.Filters}.Key() }

// patches asks for the machines that run and for the state of their patches.
func (r *Region) patches(ctx context.Context, ec2, ssm *service, questions []Machines) {
	for i, q := range questions {
		if i >= maxSeries {
			r.refuse(describeInstances, TooMuch)
			break
		}
		if r.Patching(q) != nil {
			continue
		}
		ids, err := ec2.machines(ctx, q)
		if err != nil {
			r.refuse(describeInstances, code(err))
			break
		}
		if len(ids) > maxMachines {
			r.refuse(describeInstances, TooMuch)
			continue
		}
		p := Patching{Filters: q.Filters, Machines: len(ids)}
		for batch := range slices.Chunk(ids, 50) {
			if err = ssm.states(ctx, patchStates, map[string]any{"InstanceIds": batch}, p.add); err != nil {
				break
			}
		}
		if err != nil {
			r.refuse(patchStates, code(err))
			break
		}
		r.Machines = append(r.Machines, p)
	}
	slices.SortFunc(r.Machines, func(a, b Patching) int { return cmp.Compare(Machines{a.Filters}.Key(), Machines{b.Filters}.Key()) })
}

// groups asks for the state of patch groups, and whether a baseline is registered for them.
func (r *Region) groups(ctx context.Context, ssm *service, names []string) {
	if len(names) == 0 {
		return
	}
	registered, err := ssm.registered(ctx)
	if err != nil {
		r.refuse(patchGroups, code(err))
	}
	names = slices.Compact(slices.Sorted(slices.Values(names)))
	if len(names) > maxSeries {
		r.refuse(patchGroupStates, TooMuch)
		names = names[:maxSeries]
	}
	for _, name := range names {
		p := Patching{Group: name}
		if err == nil {
			known := slices.Contains(registered, name)
			p.Registered = &known
		}
		if err := ssm.states(ctx, patchGroupStates, map[string]any{"PatchGroup": name, "MaxResults": 100}, p.add); err != nil {
			r.refuse(patchGroupStates, code(err))
			break
		}
		p.Machines = p.Reporting
		r.Groups = append(r.Groups, p)
	}
}

// machines returns the ids of the machines that run
// (https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeInstances.html).
func (s *service) machines(ctx context.Context, q Machines) ([]string, error) {
	var ids []string
	form := query("DescribeInstances", slices.Concat(q.Filters, []Filter{{"instance-state-name", []string{"running"}}})...)
	err := s.pages(ctx, form, func(data []byte) (string, error) {
		page, next, err := parseMachines(data)
		ids = append(ids, page...)
		return next, err
	})
	slices.Sort(ids)
	return slices.Compact(ids), err
}

func parseMachines(data []byte) (ids []string, next string, err error) {
	var page struct {
		XMLName xml.Name `xml:"DescribeInstancesResponse"`
		IDs     []string `xml:"reservationSet>item>instancesSet>item>instanceId"`
		Next    string   `xml:"nextToken"`
	}
	if err := xml.Unmarshal(data, &page); err != nil {
		return nil, "", fmt.Errorf("read the machines: %w", err)
	}
	return page.IDs, page.Next, nil
}

// state is the state of the patches of one machine
// (https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_InstancePatchState.html).
type state struct {
	Operation                 string
	OperationEndTime          moment
	MissingCount, FailedCount int
	Reboot                    int `json:"InstalledPendingRebootCount"`
	Critical                  int `json:"CriticalNonCompliantCount"`
	Security                  int `json:"SecurityNonCompliantCount"`
}

// add counts a machine in.
func (p *Patching) add(s state) {
	p.Reporting++
	if s.MissingCount > 0 || s.FailedCount > 0 || s.Critical > 0 || s.Security > 0 {
		p.Behind++
	}
	p.Missing += max(s.MissingCount, 0)
	p.Failed += max(s.FailedCount, 0)
	p.Reboot += max(s.Reboot, 0)
	p.Critical += max(s.Critical, 0)
	p.Security += max(s.Security, 0)
	if s.Operation == "Install" {
		p.Installs++
	}
	if day := s.OperationEndTime.day(); day != "" && (p.Since == "" || day < p.Since) {
		p.Since = day
	}
}

// states asks for states, all pages of them.
func (s *service) states(ctx context.Context, operation string, question map[string]any, add func(state)) error {
	for range maxPages {
		var page struct {
			States []state `json:"InstancePatchStates"`
			Next   string  `json:"NextToken"`
		}
		if err := s.post(ctx, operation, question, &page); err != nil {
			return err
		}
		for _, one := range page.States {
			add(one)
		}
		if page.Next == "" {
			return nil
		}
		question["NextToken"] = page.Next
	}
	return errPages
}

// registered returns the patch groups that a baseline is registered for
// (https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_DescribePatchGroups.html).
func (s *service) registered(ctx context.Context) ([]string, error) {
	var names []string
	question := map[string]any{"MaxResults": 100}
	for range maxPages {
		var page struct {
			Mappings []struct{ PatchGroup string }
			Next     string `json:"NextToken"`
		}
		if err := s.post(ctx, patchGroups, question, &page); err != nil {
			return nil, err
		}
		for _, m := range page.Mappings {
			names = append(names, m.PatchGroup)
		}
		if page.Next == "" {
			return names, nil
		}
		question["NextToken"] = page.Next
	}
	return nil, errPages
}

// moment is a time as AWS writes it in JSON: seconds since 1970, or ISO 8601.
type moment struct{ time.Time }

// UnmarshalJSON reads both forms. What is neither is the zero time.
func (m *moment) UnmarshalJSON(data []byte) error {
	var seconds float64
	if json.Unmarshal(data, &seconds) == nil {
		if seconds > 0 && seconds < math.MaxInt32*8 {
			m.Time = time.Unix(int64(seconds), 0).UTC()
		}
		return nil
	}
	var text string
	if json.Unmarshal(data, &text) == nil {
		if t, err := time.Parse(time.RFC3339, text); err == nil {
			m.Time = t.UTC()
		}
	}
	return nil
}

// day returns the day; empty where the time is not known.
func (m moment) day() string {
	if m.IsZero() {
		return ""
	}
	return m.Format(time.DateOnly)
}
