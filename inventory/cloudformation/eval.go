package cloudformation

import (
	"slices"
	"strconv"
	"strings"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// eval returns the value of a node: a Null is AWS::NoValue, which the object or list around it leaves out.
func (s *stack) eval(n *node) inventory.Value {
	if n == nil {
		return inventory.Value{}
	}
	if !s.run.step(n.at) {
		return unknown(n.at, inventory.NotEvaluated, "budget")
	}
	switch n.kind {
	case text:
		return s.dynamic(n.value())
	case boolean, number, null:
		return n.value()
	case list:
		elements := make([]inventory.Value, 0, len(n.items))
		for _, item := range n.items {
			if v := s.eval(item); !v.IsNull() {
				elements = append(elements, v)
			}
		}
		return inventory.ListValue(elements, n.at)
	case object:
		return s.evalObject(n)
	case opaque:
		return unknown(n.at, inventory.NotEvaluated, n.text)
	}
	return unknown(n.at, inventory.NotEvaluated, "depth")
}

func (s *stack) evalObject(n *node) inventory.Value {
	name, arg := n.only()
	if name == "Ref" || strings.HasPrefix(name, "Fn::") {
		if !s.run.enter() {
			s.notice("template-budget", n.at, "%s: references lead through more than %d others from here", s.tmpl.path, maxChain)
			return unknown(n.at, inventory.NotEvaluated, "depth")
		}
		defer s.run.leave()
		v := s.call(n, name, arg)
		if v.Location().IsZero() {
			v = v.At(n.at)
		}
		if name != "Fn::Sub" {
			s.count(name, v)
		}
		return v
	}
	fields := make([]inventory.Field, 0, len(n.entries))
	for _, e := range n.entries {
		if e.key == "Fn::Transform" {
			fields = append(fields, s.included(e.value)...)
			continue
		}
		if v := s.eval(e.value); !v.IsNull() {
			fields = append(fields, inventory.Field{Name: e.key, Value: v})
		}
	}
	return inventory.MapValue(fields, n.at)
}

// call evaluates one function.
func (s *stack) call(n *node, name string, arg *node) inventory.Value {
	switch name {
	case "Ref":
		return s.ref(arg.scalar(), n.at)
	case "Fn::GetAtt":
		return s.getAtt(n, arg)
	case "Fn::Sub":
		return s.sub(n, arg)
	case "Fn::Join":
		return s.join(n, arg)
	case "Fn::Select":
		return s.choose(n, arg)
	case "Fn::Split":
		return s.split(n, arg)
	case "Fn::If":
		return s.branch(n, arg)
	case "Fn::FindInMap":
		return s.findInMap(n, arg)
	case "Fn::GetAZs":
		return s.zones(n, s.eval(arg))
	case "Fn::Cidr":
		return s.cidr(n, arg)
	case "Fn::ImportValue":
		return s.importValue(n, s.eval(arg))
	case "Fn::Base64":
		return s.base64(n, s.eval(arg))
	case "Fn::Length":
		return s.length(n, s.eval(arg))
	case "Fn::ToJsonString":
		return s.toJSON(n, s.eval(arg))
	case "Fn::Transform":
		fields := s.included(arg)
		if len(fields) == 1 && fields[0].Name == "" {
			return fields[0].Value
		}
		return inventory.MapValue(fields, n.at)
	case "Fn::Equals", "Fn::Not", "Fn::And", "Fn::Or":
		d := s.decide(n)
		if d.always() || d.never() {
			return inventory.BoolValue(d.always(), n.at)
		}
		return inventory.UnknownValue(n.at, d.reasons...).WithCandidates(inventory.BoolValue(true, n.at), inventory.BoolValue(false, n.at))
	}
	s.notice("template-invalid", n.at, "%s: the function %s is not one of CloudFormation's", s.tmpl.path, shorten(name))
	return unknown(n.at, inventory.NotEvaluated, name)
}

// wrong is the value of a function that is called in a way that CloudFormation does not take.
func (s *stack) wrong(n *node, name, want string) inventory.Value {
	s.notice("template-invalid", n.at, "%s: %s wants %s", s.tmpl.path, name, want)
	return unknown(n.at, inventory.NotEvaluated, name)
}

// names are the properties whose value Ref returns for a type, where the template writes them. For other types, and
// without the property, AWS makes the value
// (https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-template-resource-type-ref.html).
var names = map[string]string{
	"AWS::ApiGateway::Stage":                  "StageName",
	"AWS::ApiGatewayV2::Stage":                "StageName",
	"AWS::AutoScaling::AutoScalingGroup":      "AutoScalingGroupName",
	"AWS::AutoScaling::LaunchConfiguration":   "LaunchConfigurationName",
	"AWS::CloudWatch::Alarm":                  "AlarmName",
	"AWS::CodeBuild::Project":                 "Name",
	"AWS::CodePipeline::Pipeline":             "Name",
	"AWS::DynamoDB::Table":                    "TableName",
	"AWS::EC2::KeyPair":                       "KeyName",
	"AWS::ECR::Repository":                    "RepositoryName",
	"AWS::ECS::Cluster":                       "ClusterName",
	"AWS::EKS::Cluster":                       "Name",
	"AWS::ElastiCache::CacheCluster":          "ClusterName",
	"AWS::ElastiCache::ReplicationGroup":      "ReplicationGroupId",
	"AWS::ElastiCache::SubnetGroup":           "CacheSubnetGroupName",
	"AWS::ElasticLoadBalancing::LoadBalancer": "LoadBalancerName",
	"AWS::Elasticsearch::Domain":              "DomainName",
	"AWS::IAM::Group":                         "GroupName",
	"AWS::IAM::InstanceProfile":               "InstanceProfileName",
	"AWS::IAM::Role":                          "RoleName",
	"AWS::IAM::User":                          "UserName",
	"AWS::Kinesis::Stream":                    "Name",
	"AWS::Lambda::Function":                   "FunctionName",
	"AWS::Logs::LogGroup":                     "LogGroupName",
	"AWS::OpenSearchService::Domain":          "DomainName",
	"AWS::RDS::DBCluster":                     "DBClusterIdentifier",
	"AWS::RDS::DBInstance":                    "DBInstanceIdentifier",
	"AWS::RDS::DBParameterGroup":              "DBParameterGroupName",
	"AWS::RDS::DBSubnetGroup":                 "DBSubnetGroupName",
	"AWS::Redshift::Cluster":                  "ClusterIdentifier",
	"AWS::S3::Bucket":                         "BucketName",
	"AWS::SSM::Parameter":                     "Name",
}

// ref evaluates Ref: a parameter, a resource or what CloudFormation itself knows.
func (s *stack) ref(name string, at inventory.Location) inventory.Value {
	if v, ok := s.pseudo(name, at); ok {
		return v
	}
	if v, ok := s.parameter(name); ok {
		return v
	}
	if decl, ok := s.resources[name]; ok {
		if property := names[decl.node.get("Type").scalar()]; property != "" {
			if v, ok := s.property(name, property, at); ok {
				return v.WithRef(inventory.Ref{Resource: s.id(name)})
			}
		}
		return s.computed(name, "", at)
	}
	if v, ok := s.generated(name, at); ok {
		return v
	}
	s.notice("template-invalid", at, "%s: nothing is named %s", s.tmpl.path, shorten(name))
	return unknown(at, inventory.NotEvaluated, name)
}

// computed is an attribute that exists once the resource does.
func (s *stack) computed(logical, attribute string, at inventory.Location) inventory.Value {
	ref := inventory.Ref{Resource: s.id(logical), Attribute: attribute}
	return unknown(at, inventory.Computed, string(ref.Resource)).WithRef(ref)
}

// property returns a property of a resource as written, if it is written and no references lead in a circle.
func (s *stack) property(logical, name string, at inventory.Location) (inventory.Value, bool) {
	n := s.resources[logical].node.find("Properties", name)
	if n == nil {
		return inventory.Value{}, false
	}
	v, ok := once(s.attributes, attribute{logical, name}, func() inventory.Value { return s.eval(n) })
	if !ok {
		s.notice("template-cycle", at, "%s: the property %s of %s depends on itself", s.tmpl.path, name, shorten(logical))
		return unknown(at, inventory.NotEvaluated, string(s.id(logical))), true
	}
	return v, !v.IsNull()
}

// pseudo returns what CloudFormation itself knows
// (https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/pseudo-parameter-reference.html).
func (s *stack) pseudo(name string, at inventory.Location) (inventory.Value, bool) {
	if !strings.HasPrefix(name, "AWS::") {
		return inventory.Value{}, false
	}
	given := func(value string) (inventory.Value, bool) {
		if value == "" {
			return unknown(at, inventory.ParamNoDefault, name), true
		}
		return inventory.StringValue(value, at), true
	}
	switch name {
	case "AWS::NoValue":
		return inventory.NullValue(at), true
	case "AWS::Region":
		return given(s.region)
	case "AWS::AccountId":
		return given(s.account)
	case "AWS::StackName":
		return s.name.At(at), true
	case "AWS::Partition":
		partition, _ := partitionOf(s.region)
		return inventory.StringValue(partition, at).AsDefault(), true
	case "AWS::URLSuffix":
		_, suffix := partitionOf(s.region)
		return inventory.StringValue(suffix, at).AsDefault(), true
	}
	return unknown(at, inventory.ParamNoDefault, name), true // StackId, NotificationARNs
}

// partitionOf returns the partition of a region and the domain of its services. Without a region it is that of all
// regions but those of China and of governments.
func partitionOf(region string) (partition, suffix string) {
	switch {
	case strings.HasPrefix(region, "cn-"):
		return "aws-cn", "amazonaws.com.cn"
	case strings.HasPrefix(region, "us-gov-"):
		return "aws-us-gov", "amazonaws.com"
	}
	return "aws", "amazonaws.com"
}

func (s *stack) getAtt(n, arg *node) inventory.Value {
	logical, name := "", ""
	switch {
	case arg.kind == text:
		logical, name, _ = strings.Cut(arg.text, ".")
	case len(arg.elements()) >= 2:
		var parts []string
		for _, item := range arg.items {
			t, ok := s.eval(item).Text()
			if !ok {
				return unknown(n.at, inventory.NotEvaluated, "Fn::GetAtt")
			}
			parts = append(parts, t)
		}
		logical, name = parts[0], strings.Join(parts[1:], ".")
	}
	if logical == "" || name == "" {
		return s.wrong(n, "Fn::GetAtt", "a resource and an attribute of it")
	}
	return s.attribute(logical, name, n.at)
}

// attribute returns what Fn::GetAtt does. An attribute that is a property, such as the address range of a VPC, is what
// the template writes.
func (s *stack) attribute(logical, name string, at inventory.Location) inventory.Value {
	if v, ok := s.samReference(logical+"."+name, at); ok {
		return v
	}
	decl, ok := s.resources[logical]
	if !ok {
		if v, ok := s.generated(logical, at); ok {
			return v
		}
		s.notice("template-invalid", at, "%s: no resource is named %s", s.tmpl.path, shorten(logical))
		return unknown(at, inventory.NotEvaluated, logical)
	}
	if output, ok := strings.CutPrefix(name, "Outputs."); ok {
		if child := s.child(logical); child != nil {
			return child.output(output, at)
		}
		return s.computed(logical, name, at)
	}
	if isProperty(decl.node.get("Type").scalar(), name) {
		if v, ok := s.property(logical, lastOf(name), at); ok {
			return v
		}
	}
	return s.computed(logical, name, at)
}

// isProperty reports whether an attribute has the value of the property of the same name. Those of two words have it
// where the property is the second one: the port of an endpoint.
func isProperty(kind, name string) bool {
	return !strings.Contains(name, ".") || name == "Endpoint.Port" && strings.HasPrefix(kind, "AWS::RDS::")
}

func lastOf(name string) string {
	return name[strings.LastIndexByte(name, '.')+1:]
}

func (s *stack) sub(n, arg *node) inventory.Value {
	pattern, vars := arg, (*node)(nil)
	if items := arg.elements(); len(items) > 0 {
		pattern = items[0]
		if len(items) > 1 {
			vars = items[1]
		}
	}
	if pattern.kind != text {
		if pattern.kind == number || pattern.kind == boolean {
			return pattern.value()
		}
		return s.wrong(n, "Fn::Sub", "a text")
	}
	var parts []inventory.Value
	rest := pattern.text
	for {
		start := strings.Index(rest, "${")
		end := -1
		if start >= 0 {
			end = strings.IndexByte(rest[start:], '}')
		}
		if end < 0 {
			break
		}
		name := strings.TrimSpace(rest[start+2 : start+end])
		literal, escaped := strings.CutPrefix(name, "!")
		if escaped {
			parts = append(parts, inventory.StringValue(rest[:start]+"${"+literal+"}", n.at))
		} else {
			parts = append(parts, inventory.StringValue(rest[:start], n.at), s.variable(name, vars, n.at))
		}
		rest = rest[start+end+1:]
		if !s.run.step(n.at) {
			break
		}
	}
	parts = append(parts, inventory.StringValue(rest, n.at))
	return s.concat(n.at, parts)
}

// variable returns what ${name} stands for.
func (s *stack) variable(name string, vars *node, at inventory.Location) inventory.Value {
	if v := vars.get(name); v != nil {
		return s.eval(v)
	}
	var v inventory.Value
	logical, attribute, dotted := strings.Cut(name, ".")
	if dotted {
		v = s.attribute(logical, attribute, at)
	} else {
		v = s.ref(name, at)
	}
	s.count("Fn::Sub", v)
	return v
}

func (s *stack) join(n, arg *node) inventory.Value {
	items := arg.elements()
	if len(items) != 2 {
		return s.wrong(n, "Fn::Join", "a delimiter and a list")
	}
	delimiter := s.eval(items[0])
	values := s.eval(items[1])
	if values.IsUnknown() {
		return s.over(values, n.at, func(values inventory.Value) inventory.Value { return s.joined(n, delimiter, values) })
	}
	return s.joined(n, delimiter, values)
}

func (s *stack) joined(n *node, delimiter, values inventory.Value) inventory.Value {
	if values.Kind() != inventory.List {
		return s.wrong(n, "Fn::Join", "a list")
	}
	var parts []inventory.Value
	for i, v := range values.Elements() {
		if v.IsRest() {
			return inventory.UnknownValue(n.at, v.Reasons()...)
		}
		if i > 0 {
			parts = append(parts, delimiter)
		}
		parts = append(parts, v)
	}
	return s.concat(n.at, parts)
}

func (s *stack) choose(n, arg *node) inventory.Value {
	items := arg.elements()
	if len(items) != 2 {
		return s.wrong(n, "Fn::Select", "an index and a list")
	}
	index, values := s.eval(items[0]), s.eval(items[1])
	if index.IsUnknown() {
		return s.over(index, n.at, func(index inventory.Value) inventory.Value { return s.element(n, index, values) })
	}
	return s.element(n, index, values)
}

func (s *stack) element(n *node, index, values inventory.Value) inventory.Value {
	i, ok := index.Int()
	if !ok || i < 0 {
		return s.wrong(n, "Fn::Select", "an index from 0")
	}
	if values.IsUnknown() {
		v := s.over(values, n.at, func(values inventory.Value) inventory.Value { return s.element(n, index, values) })
		if ref, ok := values.Ref(); ok {
			ref.Attribute = strings.TrimPrefix(ref.Attribute+"."+strconv.Itoa(i), ".")
			v = v.WithRef(ref)
		}
		return v
	}
	elements := values.Elements()
	for at, v := range elements[:min(i+1, len(elements))] {
		if zone, ok := s.zone(v); ok {
			if at == i {
				return zone.At(n.at)
			}
			continue
		}
		if v.IsMaybe() || v.IsRest() {
			return inventory.UnknownValue(n.at, v.Reasons()...)
		}
	}
	if i >= len(elements) {
		return s.wrong(n, "Fn::Select", "an index within the list")
	}
	return elements[i]
}

func (s *stack) branch(n, arg *node) inventory.Value {
	items := arg.elements()
	if len(items) != 3 || items[0].kind != text {
		return s.wrong(n, "Fn::If", "a condition and two values")
	}
	d := s.condition(items[0].text, items[0].at)
	switch {
	case d.always():
		return s.eval(items[1])
	case d.never():
		return s.eval(items[2])
	}
	first, second := s.eval(items[1]), s.eval(items[2])
	switch {
	case first.IsNull() && second.IsNull():
		return first
	case first.IsNull():
		return second.AsMaybe(d.reasons...)
	case second.IsNull():
		return first.AsMaybe(d.reasons...)
	case first.Known() && second.Known() && same(first, second):
		return first
	}
	v := inventory.UnknownValue(n.at, d.reasons...).WithCandidates(first, second)
	if first.IsSensitive() || second.IsSensitive() {
		v = v.AsSensitive()
	}
	return v
}

func (s *stack) findInMap(n, arg *node) inventory.Value {
	items := arg.elements()
	if len(items) < 3 {
		return s.wrong(n, "Fn::FindInMap", "a map and two keys")
	}
	fallback := (*node)(nil)
	if len(items) > 3 {
		fallback = items[3].get("DefaultValue")
	}
	var keys [3]inventory.Value
	for i := range keys {
		keys[i] = s.eval(items[i])
	}
	if name, ok := keys[0].Text(); ok && s.body.find("Mappings", name) == nil && fallback == nil {
		if s.body.find("Mappings", "Fn::Transform") != nil {
			return unknown(n.at, inventory.NotEvaluated, "Fn::Transform")
		}
		return s.wrong(n, "Fn::FindInMap", "the name of a map of the template")
	}
	found, reasons := s.lookUp(s.body.get("Mappings"), keys[:], nil)
	if len(reasons) == 0 {
		switch {
		case len(found) == 1:
			return s.eval(found[0]) // maps hold no functions, but dynamic references and lists
		case fallback != nil:
			return s.eval(fallback)
		}
		s.notice("template-invalid", n.at, "%s: the map has no such keys", s.tmpl.path)
		return unknown(n.at, inventory.NotEvaluated, "Fn::FindInMap")
	}
	v := inventory.UnknownValue(n.at, reasons...)
	switch {
	case len(found) == 0 && fallback != nil:
		return s.eval(fallback)
	case len(found) == 0 || len(found) > maxCandidates:
		return v
	}
	var candidates []inventory.Value
	for _, f := range found {
		c := s.eval(f)
		if !slices.ContainsFunc(candidates, func(have inventory.Value) bool { return same(have, c) }) {
			candidates = append(candidates, c)
		}
	}
	if fallback != nil {
		candidates = append(candidates, s.eval(fallback))
	}
	if len(candidates) == 1 && candidates[0].Known() {
		return candidates[0]
	}
	return v.WithCandidates(candidates...)
}

// lookUp returns what stands at keys; of a key that is not known, what stands at each key that it may be.
func (s *stack) lookUp(n *node, keys []inventory.Value, found []*node) ([]*node, []inventory.Reason) {
	if n == nil {
		return found, nil
	}
	if len(keys) == 0 {
		return append(found, n), nil
	}
	if key, ok := keys[0].Text(); ok {
		return s.lookUp(n.get(key), keys[1:], found)
	}
	reasons := keys[0].AllReasons()
	if len(reasons) == 0 {
		reasons = []inventory.Reason{{Code: inventory.NotEvaluated, Ref: "Fn::FindInMap"}}
	}
	for _, e := range n.keys() {
		if !possible(keys[0], e.key) || len(found) > maxCandidates || !s.run.step(n.at) {
			continue
		}
		var more []inventory.Reason
		found, more = s.lookUp(e.value, keys[1:], found)
		reasons = union(reasons, more)
	}
	return found, reasons
}

// possible reports whether a value that is not known may be this text.
func possible(v inventory.Value, text string) bool {
	return !equal(v, inventory.StringValue(text, inventory.Location{})).never()
}

func (s *stack) length(n *node, v inventory.Value) inventory.Value {
	for _, e := range v.Elements() {
		if e.IsMaybe() || e.IsRest() {
			return inventory.UnknownValue(n.at, e.Reasons()...)
		}
	}
	return inventory.NumberValue(float64(len(v.Elements())), n.at)
}

// over applies a function to each value that an unknown one may be.
func (s *stack) over(v inventory.Value, at inventory.Location, apply func(inventory.Value) inventory.Value) inventory.Value {
	result := inventory.UnknownValue(at, v.Reasons()...)
	if v.IsSensitive() {
		result = result.AsSensitive()
	}
	candidates := v.Candidates()
	if len(candidates) == 0 || len(candidates) > maxCandidates {
		return result
	}
	s.muted++ // not every candidate fits everywhere
	defer func() { s.muted-- }()
	results := make([]inventory.Value, len(candidates))
	for i, c := range candidates {
		if !s.run.step(at) {
			return result
		}
		if c.IsUnknown() {
			results[i] = inventory.UnknownValue(at, c.Reasons()...)
			continue
		}
		results[i] = apply(c)
	}
	if results[0].Known() && !slices.ContainsFunc(results[1:], func(r inventory.Value) bool { return !same(r, results[0]) }) {
		return results[0]
	}
	return result.WithCandidates(results...)
}

// same reports whether two values are equal, wherever they stand.
func same(a, b inventory.Value) bool {
	if a.Kind() != b.Kind() {
		return false
	}
	switch a.Kind() {
	case inventory.Null:
		return true
	case inventory.List:
		return slices.EqualFunc(a.Elements(), b.Elements(), same)
	case inventory.Map:
		return slices.EqualFunc(a.Fields(), b.Fields(), func(x, y inventory.Field) bool { return x.Name == y.Name && same(x.Value, y.Value) })
	case inventory.Unknown:
		x, okX := a.Ref()
		y, okY := b.Ref()
		return okX && okY && x == y
	}
	x, _ := a.Text()
	y, _ := b.Text()
	return x == y
}
