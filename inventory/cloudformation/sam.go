package cloudformation

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// serverless begins the types of SAM.
const serverless = "AWS::Serverless::"

// samExpansion makes the resources of CloudFormation that SAM's stand for, with SAM's ids
// (https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-specification-generated-resources.html).
// What SAM names by a hash of its content (deployments, versions, layers) has its id without the hash here.
type samExpansion struct {
	*stack
	apis map[string]*samAPI
}

// expandSAM replaces the resources of SAM.
func (s *stack) expandSAM() {
	x := &samExpansion{stack: s, apis: map[string]*samAPI{}}
	for _, id := range slices.Clone(s.ids) { // APIs are made last: functions add their routes to them
		switch kind := s.resources[id].node.get("Type").scalar(); kind {
		case serverless + "Api", serverless + "HttpApi":
			x.api(id, kind == serverless+"HttpApi").decl = s.resources[id]
		}
	}
	for _, id := range slices.Clone(s.ids) {
		decl := s.resources[id]
		kind, ok := strings.CutPrefix(decl.node.get("Type").scalar(), serverless)
		if !ok {
			continue
		}
		properties := merged(s.body.find("Globals", kind), decl.node.get("Properties"))
		switch kind {
		case "Function":
			x.function(id, decl, properties)
		case "SimpleTable":
			x.table(id, decl, properties)
		case "LayerVersion":
			x.replace(id, "AWS::Lambda::LayerVersion", decl, with(properties, "Content", properties.get("ContentUri"), "ContentUri"))
		case "StateMachine":
			x.stateMachine(id, decl, properties)
		case "Application":
			location := properties.get("Location")
			x.replace(id, "AWS::CloudFormation::Stack", decl, with(properties, "TemplateURL", location, "Location"))
		case "GraphQLApi":
			x.replace(id, "AWS::AppSync::GraphQLApi", decl, properties)
			fallthrough
		default:
			if kind != "Api" && kind != "HttpApi" {
				s.opaque = true
				s.notice("transform-not-evaluated", decl.at, "%s: what SAM makes of %s, an %s%s, is not evaluated", s.tmpl.path, shorten(id), serverless, shorten(kind))
			}
		}
	}
	for _, id := range slices.Sorted(maps.Keys(x.apis)) {
		x.makeAPI(id, x.apis[id])
	}
}

// kept are the attributes of a resource that what is made of it has, too.
var kept = []string{"Condition", "DependsOn", "DeletionPolicy", "UpdateReplacePolicy", "Metadata"}

// make declares a resource that comes from one of SAM.
func (x *samExpansion) make(id, kind string, from *declared, properties *node) {
	n := &node{kind: object, at: from.node.at}
	n.entries = append(n.entries, entry{"Type", from.at, textNode(kind, from.at)})
	for _, name := range kept[:1] {
		if v := from.node.get(name); v != nil {
			n.entries = append(n.entries, entry{name, v.at, v})
		}
	}
	n.entries = append(n.entries, entry{"Properties", properties.at, properties})
	if x.resources[id] == nil {
		x.add(id, from.at, n)
	}
}

// replace makes a resource of SAM the one of CloudFormation that has its id.
func (x *samExpansion) replace(id, kind string, from *declared, properties *node) {
	n := &node{kind: object, at: from.node.at}
	n.entries = append(n.entries, entry{"Type", from.at, textNode(kind, from.at)})
	for _, name := range kept {
		if v := from.node.get(name); v != nil {
			n.entries = append(n.entries, entry{name, v.at, v})
		}
	}
	n.entries = append(n.entries, entry{"Properties", properties.at, properties})
	x.resources[id] = &declared{from.at, n}
}

// alias lets templates refer to a resource by one more name: Function.Alias, Api.Stage.
func (x *samExpansion) alias(name, id string) {
	if x.samNames == nil {
		x.samNames = map[string]string{}
	}
	x.samNames[name] = id
}

// samReference returns what a reference such as !Ref Function.Alias stands for.
func (s *stack) samReference(name string, at inventory.Location) (inventory.Value, bool) {
	if id, ok := s.samNames[name]; ok && id != name {
		return s.ref(id, at), true
	}
	return inventory.Value{}, false
}

// merged puts the properties of a resource on top of the global ones: objects are merged, lists follow each other.
func merged(global, own *node) *node {
	switch {
	case own == nil && global == nil:
		return &node{kind: object}
	case own == nil:
		return global
	case global == nil || global.kind != own.kind:
		return own
	case own.kind == list:
		return &node{kind: list, at: own.at, items: slices.Concat(global.items, own.items)}
	case own.kind != object:
		return own
	}
	if name, _ := own.only(); name == "Ref" || strings.HasPrefix(name, "Fn::") {
		return own
	}
	result := &node{kind: object, at: own.at}
	for _, e := range global.entries {
		if mine := own.get(e.key); mine != nil {
			e.value = merged(e.value, mine)
		}
		result.entries = append(result.entries, e)
	}
	for _, e := range own.entries {
		if global.get(e.key) == nil {
			result.entries = append(result.entries, e)
		}
	}
	return result
}

// with returns a copy of an object with a field added, if its value is one, and without some others.
func with(n *node, key string, value *node, without ...string) *node {
	result := &node{kind: object, at: n.at}
	for _, e := range n.keys() {
		if e.key != key && !slices.Contains(without, e.key) {
			result.entries = append(result.entries, e)
		}
	}
	if value != nil {
		result.entries = append(result.entries, entry{key, value.at, value})
	}
	return result
}

// onlySAM are properties of a function that CloudFormation's has not.
var onlySAM = []string{
	"CodeUri", "InlineCode", "ImageUri", "Events", "Policies", "FunctionUrlConfig", "AutoPublishAlias", "AutoPublishCodeSha256",
	"AutoPublishAliasAllProperties", "DeploymentPreference", "EventInvokeConfig", "ProvisionedConcurrencyConfig", "VersionDescription",
	"AssumeRolePolicyDocument", "PermissionsBoundary", "RolePath", "PropagateTags", "Tracing", "DeadLetterQueue", "Tags", "Role",
	"VersionDeletionPolicy", "PublishToLatestPublished",
}

func (x *samExpansion) function(id string, decl *declared, properties *node) {
	at := decl.at
	own := properties
	role := own.get("Role")
	if role == nil {
		x.role(id+"Role", "lambda.amazonaws.com", decl, own, x.managedPolicies(own))
		role = getAttNode(id+"Role", "Arn", at)
	}
	code := own.get("CodeUri")
	switch {
	case own.get("ImageUri") != nil:
		code = objectNode(at, "ImageUri", own.get("ImageUri"))
	case own.get("InlineCode") != nil:
		code = objectNode(at, "ZipFile", own.get("InlineCode"))
	case code != nil && code.kind == object && code.get("Bucket") != nil:
		code = objectNode(code.at, "S3Bucket", code.get("Bucket"), "S3Key", code.get("Key"), "S3ObjectVersion", code.get("Version"))
	}
	result := with(own, "Code", code, onlySAM...)
	result = with(result, "Role", role)
	result = with(result, "Tags", tagList(own.get("Tags")))
	if mode := own.get("Tracing"); mode != nil {
		result = with(result, "TracingConfig", objectNode(mode.at, "Mode", mode))
	}
	if queue := own.get("DeadLetterQueue"); queue != nil {
		result = with(result, "DeadLetterConfig", objectNode(queue.at, "TargetArn", queue.get("TargetArn")))
	}
	x.replace(id, "AWS::Lambda::Function", decl, result)

	target := id
	if alias := own.get("AutoPublishAlias"); alias != nil {
		x.make(id+"Version", "AWS::Lambda::Version", decl, objectNode(at, "FunctionName", refNode(id, at)))
		target = id + "Alias" + alphanumeric(alias.scalar())
		x.make(target, "AWS::Lambda::Alias", decl, objectNode(at, "Name", alias, "FunctionName", refNode(id, at), "FunctionVersion", getAttNode(id+"Version", "Version", at)))
		x.alias(id+".Version", id+"Version")
		x.alias(id+".Alias", target)
	}
	if url := own.get("FunctionUrlConfig"); url != nil {
		x.functionURL(id, target, decl, url)
	}
	if config := own.get("EventInvokeConfig"); config != nil {
		x.make(id+"EventInvokeConfig", "AWS::Lambda::EventInvokeConfig", decl, with(with(config, "FunctionName", refNode(id, at)), "Qualifier", textNode("$LATEST", at)))
	}
	for _, event := range own.get("Events").keys() {
		x.event(samEvent{function: id, target: target, id: id + event.key, decl: decl, at: event.at, kind: event.value.get("Type").scalar(), properties: event.value.get("Properties")})
	}
}

// functionURL makes the URL of a function and, where anyone may call it, the permissions that AWS wants for that.
func (x *samExpansion) functionURL(id, target string, decl *declared, config *node) {
	at := config.at
	x.make(id+"Url", "AWS::Lambda::Url", decl, with(config, "TargetFunctionArn", refNode(target, at)))
	if config.get("AuthType").scalar() != "NONE" {
		return
	}
	x.make(id+"UrlPublicPermissions", "AWS::Lambda::Permission", decl, objectNode(at,
		"Action", textNode("lambda:InvokeFunctionUrl", at), "FunctionName", refNode(target, at), "Principal", textNode("*", at), "FunctionUrlAuthType", textNode("NONE", at)))
	x.make(id+"URLInvokeAllowPublicAccess", "AWS::Lambda::Permission", decl, objectNode(at,
		"Action", textNode("lambda:InvokeFunction", at), "FunctionName", refNode(target, at), "Principal", textNode("*", at), "InvokedViaFunctionUrl", boolNode(true, at)))
}

// managedPolicies are those that SAM adds for what a function uses.
func (x *samExpansion) managedPolicies(properties *node) []string {
	policies := []string{"service-role/AWSLambdaBasicExecutionRole"}
	if mode := properties.get("Tracing").scalar(); mode == "Active" {
		policies = append(policies, "AWSXrayWriteOnlyAccess")
	}
	if properties.get("VpcConfig") != nil {
		policies = append(policies, "service-role/AWSLambdaVPCAccessExecutionRole")
	}
	for _, event := range properties.get("Events").keys() {
		if policy := pulled[event.value.get("Type").scalar()]; policy != "" && !slices.Contains(policies, policy) {
			policies = append(policies, policy)
		}
	}
	return policies
}

// role makes the role of a function or state machine that names none.
func (x *samExpansion) role(id, service string, decl *declared, properties *node, managed []string) {
	at := decl.at
	if policies := properties.get("Policies"); policies != nil {
		at = policies.at
	}
	var attached, inline []*node
	for _, name := range managed {
		attached = append(attached, subNode("arn:${AWS::Partition}:iam::aws:policy/"+name, decl.at))
	}
	policies := properties.get("Policies")
	items := policies.elements()
	if policies != nil && policies.kind != list {
		items = []*node{policies}
	}
	for i, policy := range items {
		switch name, _ := policy.only(); {
		case policy.kind == text && !strings.Contains(policy.text, ":"):
			prefix := ""
			if strings.HasPrefix(policy.text, "AWSLambda") && strings.HasSuffix(policy.text, "Role") {
				prefix = "service-role/"
			}
			attached = append(attached, subNode("arn:${AWS::Partition}:iam::aws:policy/"+prefix+policy.text, policy.at))
		case policy.kind != object, name == "Ref", strings.HasPrefix(name, "Fn::") && name != "Fn::If":
			attached = append(attached, policy)
		default:
			document := policy
			if policy.get("Statement") == nil { // a template of SAM, or a choice
				document = opaqueNode(name, policy.at)
			}
			inline = append(inline, objectNode(policy.at, "PolicyName", textNode(fmt.Sprintf("%sPolicy%d", id, i), policy.at), "PolicyDocument", document))
		}
	}
	assume := properties.get("AssumeRolePolicyDocument")
	if assume == nil {
		assume = objectNode(decl.at, "Version", textNode("2012-10-17", decl.at), "Statement", listNode(decl.at, objectNode(decl.at,
			"Effect", textNode("Allow", decl.at), "Action", listNode(decl.at, textNode("sts:AssumeRole", decl.at)),
			"Principal", objectNode(decl.at, "Service", listNode(decl.at, textNode(service, decl.at))))))
	}
	pairs := []any{"AssumeRolePolicyDocument", assume, "ManagedPolicyArns", listNode(at, attached...), "PermissionsBoundary", properties.get("PermissionsBoundary"), "Path", properties.get("RolePath")}
	if len(inline) > 0 {
		pairs = append(pairs, "Policies", listNode(at, inline...))
	}
	x.make(id, "AWS::IAM::Role", decl, objectNode(at, pairs...))
}

func (x *samExpansion) table(id string, decl *declared, properties *node) {
	at := decl.at
	name, kind := textNode("id", at), textNode("S", at)
	if key := properties.get("PrimaryKey"); key != nil {
		if key.get("Name") != nil {
			name = key.get("Name")
		}
		switch key.get("Type").scalar() {
		case "Number":
			kind = textNode("N", at)
		case "Binary":
			kind = textNode("B", at)
		}
	}
	pairs := []any{
		"TableName", properties.get("TableName"), "SSESpecification", properties.get("SSESpecification"), "Tags", tagList(properties.get("Tags")),
		"PointInTimeRecoverySpecification", properties.get("PointInTimeRecoverySpecification"),
		"AttributeDefinitions", listNode(at, objectNode(at, "AttributeName", name, "AttributeType", kind)),
		"KeySchema", listNode(at, objectNode(at, "AttributeName", name, "KeyType", textNode("HASH", at))),
	}
	if throughput := properties.get("ProvisionedThroughput"); throughput != nil {
		pairs = append(pairs, "ProvisionedThroughput", throughput)
	} else {
		pairs = append(pairs, "BillingMode", textNode("PAY_PER_REQUEST", at))
	}
	x.replace(id, "AWS::DynamoDB::Table", decl, objectNode(properties.at, pairs...))
}

func (x *samExpansion) stateMachine(id string, decl *declared, properties *node) {
	at := decl.at
	role := properties.get("Role")
	if role == nil {
		x.role(id+"Role", "states.amazonaws.com", decl, properties, nil)
		role = getAttNode(id+"Role", "Arn", at)
	}
	result := with(properties, "RoleArn", role, "Role", "Policies", "Events", "Definition", "DefinitionUri", "Type", "Name", "Tracing", "Logging", "Tags", "PermissionsBoundary", "RolePath", "AutoPublishAlias", "DeploymentPreference", "UseAliasAsEventTarget", "PropagateTags")
	result = with(result, "StateMachineName", properties.get("Name"))
	result = with(result, "StateMachineType", properties.get("Type"))
	result = with(result, "Definition", properties.get("Definition"))
	result = with(result, "TracingConfiguration", properties.get("Tracing"))
	result = with(result, "LoggingConfiguration", properties.get("Logging"))
	x.replace(id, "AWS::StepFunctions::StateMachine", decl, result)
	for _, event := range properties.get("Events").keys() {
		e := samEvent{function: id, target: id, id: id + event.key, decl: decl, at: event.at, kind: event.value.get("Type").scalar(), properties: event.value.get("Properties"), machine: true}
		if e.kind != "ScheduleV2" { // its role is made with it
			x.role(e.id+"Role", e.principal(), decl, &node{kind: object, at: event.at}, nil)
		}
		x.event(e)
	}
}

// tagList makes CloudFormation's tags of SAM's.
func tagList(n *node) *node {
	if n == nil || n.kind != object {
		return n
	}
	var tags []*node
	for _, e := range n.entries {
		tags = append(tags, objectNode(e.at, "Key", textNode(e.key, e.at), "Value", e.value))
	}
	return listNode(n.at, tags...)
}

func alphanumeric(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' {
			return r
		}
		return -1
	}, s)
}
