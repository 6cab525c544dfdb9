package cloud

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/trifecta-scanner/trifecta/aws"
	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/scanner"
)

// patchDocument is the document that installs what the baseline of a machine approves
// (https://docs.aws.amazon.com/systems-manager/latest/userguide/patch-manager-aws-runpatchbaseline.html).
const patchDocument = "AWS-RunPatchBaseline"

// patchDocuments begin the names of AWS's documents that install patches.
var patchDocuments = []string{patchDocument, "AWS-PatchInstanceWithRollback", "AWS-PatchAsgInstance", "AWS-ApplyPatchBaseline", "AWS-InstallWindowsUpdates"}

// patchRun is one thing that runs a patch document: an association, a task of a maintenance window, a patch policy of Quick Setup.
type patchRun struct {
	name    inventory.ID
	lacks   string // what is missing for it to install patches again and again; empty for nothing
	all     bool
	unknown bool // it may reach any machine
	nodes   map[aws.Node]bool
	tags    map[string]map[string]bool // tag -> values; "" is any
	groups  [][]tagFilter              // of resource groups: a machine is in one that has all of its filters
}

// tagFilter is one filter of a resource group. Without values any value of the tag is one.
type tagFilter struct {
	Key    string
	Values []string
}

// patching is what of a unit patches machines.
type patching struct {
	runs   []*patchRun
	groups []string // patch groups that have a baseline
}

func newPatchRun(name inventory.ID) *patchRun {
	return &patchRun{name: name, nodes: map[aws.Node]bool{}, tags: map[string]map[string]bool{}}
}

func (t *patchRun) tag(name, value string) {
	if t.tags[name] == nil {
		t.tags[name] = map[string]bool{}
	}
	t.tags[name][value] = true
}

// target adds machines by the targets of an association or task.
func (p *pass) target(t *patchRun, unit aws.Unit, targets []aws.SSMTarget) {
	for _, target := range targets {
		key, ok := target.Key.Known()
		if !ok {
			t.unknown = true
			continue
		}
		for _, ref := range target.Refs {
			for _, node := range ref.Targets() {
				t.nodes[node] = true
				if w, ok := node.(*aws.MaintenanceWindowTarget); ok {
					p.target(t, unit, w.Targets)
				}
			}
		}
		for _, v := range target.Values {
			text, ok := v.Known()
			switch {
			case !ok:
				t.unknown = t.unknown || len(target.Refs) == 0
			case strings.EqualFold(key, "InstanceIds") && text == "*":
				t.all = true
			case strings.EqualFold(key, "tag-key"):
				t.tag(text, "")
			case strings.HasPrefix(key, "tag:"):
				t.tag(strings.TrimPrefix(key, "tag:"), text)
			case strings.HasPrefix(key, "resource-groups:"):
				p.resourceGroup(t, unit, text)
			}
		}
	}
}

// resourceGroup adds the machines of a resource group, who are a query over tags.
func (p *pass) resourceGroup(t *patchRun, unit aws.Unit, name string) {
	for _, r := range p.inv.Resources {
		if unitOf(r) != unit || r.Type != "aws_resourcegroups_group" && r.Type != "AWS::ResourceGroups::Group" {
			continue
		}
		if called := textOf(r, "name", "Name"); called != "" && called != name {
			continue
		}
		if filters, known := groupFilters(r); known {
			t.groups = append(t.groups, filters)
			return
		}
	}
	t.unknown = true // it is not in the code, or its query is not known
}

// groupFilters returns the tags that a resource group asks for
// (https://docs.aws.amazon.com/ARG/latest/APIReference/API_ResourceQuery.html).
func groupFilters(r *inventory.Resource) ([]tagFilter, bool) {
	var query struct{ TagFilters []tagFilter }
	if text, ok := r.Get("resource_query", "query").Text(); ok {
		if err := json.Unmarshal([]byte(text), &query); err != nil {
			return nil, false
		}
		return query.TagFilters, len(query.TagFilters) > 0
	}
	filters := r.Get("ResourceQuery", "Query", "TagFilters")
	for _, f := range filters.Elements() {
		key, ok := f.Get("Key").Text()
		if !ok {
			return nil, false
		}
		filter := tagFilter{Key: key}
		for _, v := range f.Get("Values").Elements() {
			value, ok := v.Text()
			if !ok {
				return nil, false
			}
			filter.Values = append(filter.Values, value)
		}
		query.TagFilters = append(query.TagFilters, filter)
	}
	return query.TagFilters, len(query.TagFilters) > 0
}

// patches reports whether a document installs patches: one of AWS's, or one of the code that runs it.
func (p *pass) patches(unit aws.Unit, document aws.Text, written inventory.Value) bool {
	name, ok := document.Known()
	name = name[strings.LastIndexByte(name, '/')+1:] // of an ARN
	if ok && slices.ContainsFunc(patchDocuments, func(d string) bool { return strings.HasPrefix(name, d) }) {
		return true
	}
	var at inventory.ID
	if ref, isRef := written.Ref(); isRef {
		at = ref.Resource
	}
	for _, r := range p.inv.Resources {
		if unitOf(r) != unit || r.Type != "aws_ssm_document" && r.Type != "AWS::SSM::Document" || r.ID != at && (!ok || textOf(r, "name", "Name") != name) {
			continue
		}
		runs := false
		for _, content := range []inventory.Value{r.Get("content"), r.Get("Content")} {
			walk(content, func(v inventory.Value) {
				text, _ := v.Text()
				runs = runs || strings.Contains(text, "RunPatchBaseline") || v.IsUnknown()
			})
		}
		return runs
	}
	return !ok && document.Written() && at == "" // a name from outside
}

// patchingOf reads what of a unit patches machines.
func (p *pass) patchingOf(unit aws.Unit) *patching {
	all := &patching{}
	for _, b := range p.Model.PatchBaselines {
		for _, g := range b.Groups {
			if text, ok := g.Known(); ok && b.Unit == unit {
				all.groups = append(all.groups, text)
			}
		}
	}
	for _, a := range p.Model.SSMAssociations {
		if a.Unit != unit || a.Exists() == inventory.NotExists || !p.patches(unit, a.Document, firstOf(a.Resource, "name", "Name")) {
			continue
		}
		t := newPatchRun(a.Address())
		switch {
		case a.Operation.Is("Scan"):
			t.lacks = "only looks: its Operation is Scan"
		case a.Schedule.Absent():
			t.lacks = "has no schedule, so that it runs once"
		}
		p.target(t, unit, a.Targets)
		for _, n := range a.Instance.Targets() {
			t.nodes[n] = true
		}
		all.runs = append(all.runs, t)
	}
	for _, task := range p.Model.WindowTasks {
		if task.Unit != unit || task.Exists() == inventory.NotExists || !p.patches(unit, task.Document, firstOf(task.Resource, "task_arn", "TaskArn")) {
			continue
		}
		t := newPatchRun(task.Address())
		if task.Operation.Is("Scan") {
			t.lacks = "only looks: its Operation is Scan"
		}
		for _, w := range task.Window.Targets() {
			if w.Enabled.Is(false) {
				t.lacks = fmt.Sprintf("never runs: %s is turned off", w.Address())
			}
		}
		p.target(t, unit, task.Targets)
		all.runs = append(all.runs, t)
	}
	for _, r := range p.inv.Resources {
		if unitOf(r) == unit {
			all.runs = append(all.runs, p.quickSetup(unit, r)...)
		}
	}
	return all
}

func unitOf(r *inventory.Resource) aws.Unit {
	return aws.Unit{Root: r.Root, Environment: r.Environment}
}

func textOf(r *inventory.Resource, names ...string) string {
	text, _ := firstOf(r, names...).Text()
	return text
}

func firstOf(r *inventory.Resource, names ...string) inventory.Value {
	for _, name := range names {
		if v := r.Get(name); !v.IsNull() {
			return v
		}
	}
	return inventory.Value{}
}

// quickSetup reads the patch policies of Quick Setup
// (https://docs.aws.amazon.com/quick-setup/latest/APIReference/API_ConfigurationDefinitionInput.html).
func (p *pass) quickSetup(unit aws.Unit, r *inventory.Resource) []*patchRun {
	if r.Type != "aws_ssmquicksetup_configuration_manager" && r.Type != "AWS::SSMQuickSetup::ConfigurationManager" {
		return nil
	}
	var all []*patchRun
	for _, definition := range append(r.Get("configuration_definition").Blocks(), r.Get("ConfigurationDefinitions").Elements()...) {
		kind, ok := definition.Get("type").Text()
		if !ok {
			kind, ok = definition.Get("Type").Text()
		}
		if ok && kind != "AWSQuickSetupType-PatchPolicy" {
			continue
		}
		parameters := definition.Get("parameters")
		if parameters.IsNull() {
			parameters = definition.Get("Parameters")
		}
		t := newPatchRun(r.ID)
		if text, ok := parameters.Get("ConfigurationOptionsPatchOperation").Text(); ok && text == "Scan" {
			t.lacks = "only looks: its patch operation is Scan"
		}
		target, known := parameters.Get("TargetType").Text()
		switch {
		case parameters.IsUnknown(), !parameters.Get("TargetType").IsNull() && !known:
			t.unknown = true
		case target == "" || target == "*":
			t.all = true
		case target == "Tags":
			key, _ := parameters.Get("TargetTagKey").Text()
			value, _ := parameters.Get("TargetTagValue").Text()
			t.tag(key, value)
		case target == "ResourceGroups":
			name, _ := parameters.Get("ResourceGroupName").Text()
			p.resourceGroup(t, unit, name)
		default: // ids of machines, which the code does not know
			t.unknown = true
		}
		all = append(all, t)
	}
	return all
}

// tagsOf returns the tags that a machine will have: its own, those that its template gives to instances, and those that its
// group hands down. unknown says that there may be others.
func (p *pass) tagsOf(m machine, user inventory.ID) (pairs map[string]string, unknown bool) {
	pairs = map[string]string{}
	put := func(v inventory.Value) {
		unknown = unknown || v.IsUnknown()
		for _, f := range v.Fields() {
			text, ok := f.Value.Text()
			if !ok {
				text = anyValue
			}
			pairs[f.Name] = text
		}
	}
	each := func(tags []inventory.Value, name, value, handsDown string) { // handsDown: what says whether machines get the tag
		for _, tag := range tags {
			key, ok := tag.Get(name).Text()
			if down, said := tag.Get(handsDown).Bool(); handsDown != "" && said && !down {
				continue
			}
			text, known := tag.Get(value).Text()
			if !known {
				text = anyValue
			}
			if ok {
				pairs[key] = text
			} else {
				unknown = true
			}
		}
	}
	list := func(v inventory.Value, handsDown string) { // as CloudFormation writes them
		unknown = unknown || v.IsUnknown()
		each(v.Elements(), "Key", "Value", handsDown)
	}
	own := func(r *inventory.Resource) {
		if tags := r.Get("tags_all"); !tags.IsNull() {
			put(tags)
		}
		put(r.Get("tags"))
		list(r.Get("Tags"), "")
	}
	template := func(t *aws.LaunchTemplate) {
		for _, spec := range t.Resource.Get("tag_specifications").Blocks() {
			if kind, ok := spec.Get("resource_type").Text(); !ok || kind == "instance" {
				put(spec.Get("tags"))
			}
		}
		for _, spec := range t.Resource.Get("LaunchTemplateData", "TagSpecifications").Elements() {
			if kind, ok := spec.Get("ResourceType").Text(); !ok || kind == "instance" {
				list(spec.Get("Tags"), "")
			}
		}
	}
	if i, ok := p.instance(m.self); ok {
		for _, t := range i.LaunchTemplate.Targets() {
			template(t)
		}
		own(i.Resource)
		return pairs, unknown
	}
	for _, t := range p.Model.LaunchTemplates {
		if &t.Object == m.self {
			template(t)
		}
	}
	for _, g := range p.Model.AutoScalingGroups {
		if g.Address() != user || g.Unit != m.self.Unit {
			continue
		}
		each(append(g.Resource.Get("tag").Blocks(), g.Resource.Get("tags").Elements()...), "key", "value", "propagate_at_launch")
		unknown = unknown || g.Resource.Get("tag").IsUnknown() || g.Resource.Get("tags").IsUnknown()
		list(g.Resource.Get("Tags"), "PropagateAtLaunch")
	}
	return pairs, unknown
}

// anyValue stands for the value of a tag that is not known: it may be every one.
const anyValue = "\x00any"

// hits reports whether a run reaches a machine, or may.
func (t *patchRun) hits(node aws.Node, pairs map[string]string, unknown bool) bool {
	if t.all || t.unknown || node != nil && t.nodes[node] || unknown && len(t.tags)+len(t.groups) > 0 {
		return true
	}
	for name, values := range t.tags {
		if value, ok := pairs[name]; ok && (values[""] || values[value] || values["*"] || value == anyValue) {
			return true
		}
	}
	return slices.ContainsFunc(t.groups, func(filters []tagFilter) bool {
		return !slices.ContainsFunc(filters, func(f tagFilter) bool {
			value, ok := pairs[f.Key]
			return !ok || len(f.Values) > 0 && value != anyValue && !slices.Contains(f.Values, value)
		})
	})
}

// patchGroup returns the patch group of a machine: EC2 writes the tag without a space where the metadata service shows tags.
func patchGroup(pairs map[string]string) string {
	if group := pairs["PatchGroup"]; group != "" {
		return group
	}
	return pairs["Patch Group"]
}

func notPatched(p *pass) {
	byUnit := map[aws.Unit]*patching{}
	for _, m := range p.machines() {
		if len(m.users) == 0 || p.replaced(m) {
			continue
		}
		t := byUnit[m.self.Unit]
		if t == nil {
			t = p.patchingOf(m.self.Unit)
			byUnit[m.self.Unit] = t
		}
		missing, advice := "", ""
		var left []inventory.ID
		for _, user := range m.users {
			if why, way := p.unpatched(t, m, user); why != "" {
				missing, advice = why, way
				left = append(left, user)
			}
		}
		if len(left) == 0 {
			continue
		}
		for _, id := range left {
			if evidence := p.Patched[id]; evidence != "" {
				missing += " (" + evidence + ")"
				break
			}
		}
		severity := scanner.Medium
		if p.anyExposed(m.self.Unit, left) {
			severity = scanner.High
		}
		p.report(found{self: m.self, severity: severity, message: "is patched by nothing: " + missing, advice: advice, workloads: left})
	}
}

// unpatched says what is missing for a machine to be patched, and what to do; nothing is missing where it is.
func (p *pass) unpatched(all *patching, m machine, user inventory.ID) (missing, advice string) {
	var node aws.Node
	if i, ok := p.instance(m.self); ok {
		node = i
	}
	pairs, unknown := p.tagsOf(m, user)
	for _, t := range all.runs {
		if !t.hits(node, pairs, unknown) {
			continue
		}
		if t.lacks == "" {
			return "", ""
		}
		missing = fmt.Sprintf("%s reaches it and %s", t.name, t.lacks)
		advice = "let it install on a schedule, or let the group of the machine refresh instances"
	}
	switch group := patchGroup(pairs); {
	case missing != "":
	case slices.ContainsFunc(all.runs, func(t *patchRun) bool { return t.lacks == "" }):
		missing, advice = "those that run "+patchDocument+" target other machines", "target it by tag, or let its group refresh instances"
	case group != "" && slices.Contains(all.groups, group):
		missing = fmt.Sprintf("its patch group %s has a baseline, and no association or maintenance window with %s installs what that approves", group, patchDocument)
		advice = "add an association with a schedule that targets the tag, or let its group refresh instances"
	default:
		missing, advice = "no association or maintenance window with "+patchDocument+" reaches it", "target it by tag, or let its group refresh instances"
	}
	return missing, advice
}

func slowBaseline(p *pass) {
	registered := false
	for _, a := range p.Model.SSMAssociations {
		registered = registered || strings.HasPrefix(a.Document.Or(""), patchDocument)
	}
	for _, b := range p.Model.PatchBaselines {
		if b.Origin != aws.Declared || b.Exists() == inventory.NotExists {
			continue
		}
		for i := range b.Rules {
			r := &b.Rules[i]
			if days, ok := r.ApproveAfterDays.Known(); ok && days > 14 {
				p.report(found{self: &b.Object, at: r.ApproveAfterDays.Location(), message: fmt.Sprintf("approves patches after %d days", days), advice: "approve security updates after at most 14", edits: set(p, r.ApproveAfterDays, "7")})
			}
			for k := range r.Filters {
				filter := &r.Filters[k]
				if !filter.Key.Is("SEVERITY") && !filter.Key.Is("MSRC_SEVERITY") || len(filter.Values) == 0 {
					continue
				}
				all := slices.ContainsFunc(filter.Values, func(v aws.Text) bool { return v.May("*") || v.May("Critical") || v.May("CRITICAL") })
				if !all && len(b.Rules) == 1 {
					p.report(found{self: &b.Object, message: "leaves critical patches out", advice: "add the severity Critical"})
				}
			}
		}
		switch {
		case len(b.Groups) == 0:
			if !b.Default.May(true) && !registered {
				p.report(found{self: &b.Object, message: "is used by no patch group", advice: "register the groups that use it"})
			}
		case !b.Default.May(true):
			p.unusedGroups(b)
		}
	}
}

// unusedGroups reports a baseline whose patch groups are the tag of no machine, where the code declares machines beside it.
func (p *pass) unusedGroups(b *aws.PatchBaseline) {
	machines := 0
	for _, m := range p.machines() {
		if m.self.Unit != b.Unit {
			continue
		}
		for _, user := range m.users {
			machines++
			pairs, unknown := p.tagsOf(m, user)
			if group := patchGroup(pairs); unknown || group == anyValue || slices.ContainsFunc(b.Groups, func(g aws.Text) bool { return g.May(group) && group != "" }) {
				return
			}
		}
	}
	if machines > 0 {
		p.report(found{self: &b.Object, message: "is for patch groups that no machine of the code is in", advice: "give the machines the tag PatchGroup, or register the group that they have"})
	}
}
