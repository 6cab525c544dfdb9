package cloudformation

import (
	"slices"
	"strings"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// The APIs that SAM makes for events that name none.
const (
	implicitRest = "ServerlessRestApi"
	implicitHTTP = "ServerlessHttpApi"
)

// samAPI is an API of either kind with the routes that functions add to it.
type samAPI struct {
	http   bool
	decl   *declared // nil: it is implicit
	routes []samRoute
}

type samRoute struct {
	event        samEvent
	path, method string
	auth         *node
}

func (x *samExpansion) api(id string, http bool) *samAPI {
	a := x.apis[id]
	if a == nil {
		a = &samAPI{http: http}
		x.apis[id] = a
	}
	return a
}

// named returns the id of the API that an event names, or the implicit one; empty where it is not one of the template.
func (x *samExpansion) named(n *node, implicit string) string {
	if n == nil {
		return implicit
	}
	id := n.scalar()
	if name, arg := n.only(); name == "Ref" {
		id = arg.scalar()
	}
	if _, ok := x.apis[id]; ok {
		return id
	}
	return ""
}

func (x *samExpansion) restEvent(e samEvent) {
	id := x.named(e.properties.get("RestApiId"), implicitRest)
	suffix := "AllStages"
	method, where := e.properties.get("Method").scalar(), e.properties.get("Path").scalar()
	source := e.properties.get("RestApiId")
	if id != "" {
		api := x.api(id, false)
		api.routes = append(api.routes, samRoute{e, where, strings.ToLower(method), e.properties.get("Auth")})
		source = refNode(id, e.at)
		suffix = "Prod"
		if api.decl != nil {
			if stage := merged(x.body.find("Globals", "Api"), api.decl.node.get("Properties")).get("StageName").scalar(); stage != "" {
				suffix = alphanumeric(stage)
			} else {
				suffix = "Stage"
			}
		}
	}
	if strings.EqualFold(method, "any") {
		method = "*"
	}
	x.permission(e, suffix, executeArn(source, strings.ToUpper(method)+where, e.at))
}

func (x *samExpansion) httpEvent(e samEvent) {
	id := x.named(e.properties.get("ApiId"), implicitHTTP)
	method, where := e.properties.get("Method").scalar(), e.properties.get("Path").scalar()
	source := e.properties.get("ApiId")
	if where == "" || where == "$default" {
		where, method = "$default", "any"
	}
	if id != "" {
		api := x.api(id, true)
		api.routes = append(api.routes, samRoute{e, where, strings.ToLower(method), e.properties.get("Auth")})
		source = refNode(id, e.at)
	}
	if id != "" && where != "$default" && x.hasDefault(e, id) {
		return // the permission of that route is for all
	}
	resource := "*" + where
	if !strings.EqualFold(method, "any") && method != "" {
		resource = strings.ToUpper(method) + where
	}
	if where == "$default" {
		resource = ""
	}
	x.permission(e, "", executeArn(source, resource, e.at))
}

// hasDefault reports whether a function has the default route of an API, too.
func (x *samExpansion) hasDefault(e samEvent, api string) bool {
	events := merged(x.body.find("Globals", "Function"), e.decl.node.get("Properties")).get("Events")
	return slices.ContainsFunc(events.keys(), func(other entry) bool {
		properties := other.value.get("Properties")
		where := properties.get("Path").scalar()
		return other.value.get("Type").scalar() == "HttpApi" && (where == "" || where == "$default") && x.named(properties.get("ApiId"), implicitHTTP) == api
	})
}

// executeArn is the address of a route in permissions, for all stages.
func executeArn(api *node, resource string, at inventory.Location) *node {
	if api == nil {
		return nil
	}
	return objectNode(at, "Fn::Sub", listNode(at,
		textNode("arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${__ApiId__}/*/"+resource, at), objectNode(at, "__ApiId__", api)))
}

// makeAPI makes an API with its deployment and stage.
func (x *samExpansion) makeAPI(id string, a *samAPI) {
	section, decl := "Api", a.decl
	if a.http {
		section = "HttpApi"
	}
	if decl == nil {
		first := a.routes[0].event
		decl = &declared{first.at, objectNode(first.at, "Condition", x.shared(id, a.routes))}
	}
	properties := merged(x.body.find("Globals", section), decl.node.get("Properties")).or(decl.at)
	body := properties.get("DefinitionBody")
	if body == nil {
		body = x.definition(a, properties, decl.at)
	}
	if where := properties.get("DefinitionUri"); where != nil {
		body = opaqueNode("DefinitionUri", where.at)
	}
	if a.http {
		x.httpAPI(id, decl, properties, body)
	} else {
		x.restAPI(id, decl, properties, body)
	}
	for _, authorizer := range properties.find("Auth", "Authorizers").keys() {
		if function := authorizer.value.get("FunctionArn"); function != nil {
			x.make(id+authorizer.key+"AuthorizerPermission", "AWS::Lambda::Permission", decl, objectNode(authorizer.at,
				"Action", textNode("lambda:InvokeFunction", authorizer.at), "FunctionName", function, "Principal", textNode("apigateway.amazonaws.com", authorizer.at)))
		}
	}
}

// shared is the condition of an implicit API: it is there where one of its functions is.
func (x *samExpansion) shared(id string, routes []samRoute) *node {
	var names []string
	for _, r := range routes {
		name := r.event.decl.node.get("Condition").scalar()
		if name == "" {
			return nil
		}
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	at := routes[0].event.at
	if len(names) == 1 {
		return textNode(names[0], at)
	}
	var operands []*node
	for _, name := range names {
		operands = append(operands, objectNode(at, "Condition", textNode(name, at)))
	}
	if x.conditionsMade == nil {
		x.conditionsMade = map[string]*node{}
	}
	x.conditionsMade[id+"Condition"] = objectNode(at, "Fn::Or", listNode(at, operands...))
	return textNode(id+"Condition", at)
}

func (x *samExpansion) restAPI(id string, decl *declared, properties, body *node) {
	at := decl.at
	endpoint := properties.get("EndpointConfiguration")
	if endpoint != nil && endpoint.kind == object && endpoint.get("Type") != nil {
		endpoint = with(objectNode(endpoint.at, "Types", listNode(endpoint.at, endpoint.get("Type"))), "VpcEndpointIds", endpoint.get("VPCEndpointIds"))
	}
	result := objectNode(properties.at, "Name", properties.get("Name"), "Description", properties.get("Description"), "Body", body,
		"EndpointConfiguration", endpoint, "Policy", properties.find("Auth", "ResourcePolicy", "CustomStatements"), "DisableExecuteApiEndpoint", properties.get("DisableExecuteApiEndpoint"),
		"MinimumCompressionSize", properties.get("MinimumCompressionSize"), "BinaryMediaTypes", properties.get("BinaryMediaTypes"), "Tags", tagList(properties.get("Tags")))
	if policy := result.get("Policy"); policy != nil {
		result = with(result, "Policy", objectNode(policy.at, "Version", textNode("2012-10-17", policy.at), "Statement", policy))
	}
	x.put(id, "AWS::ApiGateway::RestApi", decl, result)
	x.make(id+"Deployment", "AWS::ApiGateway::Deployment", decl, objectNode(at, "RestApiId", refNode(id, at)))
	stage := properties.get("StageName")
	if stage == nil {
		stage = textNode("Prod", at)
	}
	made := id + alphanumeric(stage.scalar()) + "Stage"
	x.make(made, "AWS::ApiGateway::Stage", decl, objectNode(stage.at, "DeploymentId", refNode(id+"Deployment", at), "RestApiId", refNode(id, at), "StageName", stage,
		"AccessLogSetting", properties.get("AccessLogSetting"), "MethodSettings", properties.get("MethodSettings"), "TracingEnabled", properties.get("TracingEnabled"),
		"Variables", properties.get("Variables"), "CacheClusterEnabled", properties.get("CacheClusterEnabled")))
	x.alias(id+".Stage", made)
	x.alias(id+".Deployment", id+"Deployment")
}

func (x *samExpansion) httpAPI(id string, decl *declared, properties, body *node) {
	at := decl.at
	x.put(id, "AWS::ApiGatewayV2::Api", decl, objectNode(properties.at, "Name", properties.get("Name"), "Description", properties.get("Description"), "Body", body,
		"DisableExecuteApiEndpoint", properties.get("DisableExecuteApiEndpoint"), "CorsConfiguration", properties.get("CorsConfiguration"), "Tags", properties.get("Tags")))
	stage, made := properties.get("StageName"), id+"ApiGatewayDefaultStage"
	if stage == nil {
		stage = textNode("$default", at)
	} else {
		made = id + alphanumeric(stage.scalar()) + "Stage"
	}
	x.make(made, "AWS::ApiGatewayV2::Stage", decl, objectNode(stage.at, "ApiId", refNode(id, at), "StageName", stage, "AutoDeploy", boolNode(true, at),
		"AccessLogSettings", properties.get("AccessLogSettings"), "DefaultRouteSettings", properties.get("DefaultRouteSettings"), "StageVariables", properties.get("StageVariables")))
	x.alias(id+".Stage", made)
}

// put replaces a resource of the template, or adds an implicit one.
func (x *samExpansion) put(id, kind string, decl *declared, properties *node) {
	if x.resources[id] == nil {
		x.make(id, kind, decl, properties)
		return
	}
	x.replace(id, kind, decl, properties)
}

// definition is the OpenAPI document that SAM writes for the routes of an API: paths with their integrations and the
// names of the authorizers that guard them.
func (x *samExpansion) definition(a *samAPI, properties *node, at inventory.Location) *node {
	fallback := properties.find("Auth", "DefaultAuthorizer")
	paths := &node{kind: object, at: at}
	for _, r := range a.routes {
		where := r.event.at
		uri := "arn:${AWS::Partition}:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${" + r.event.target + ".Arn}/invocations"
		if r.event.target != r.event.function { // an alias has no Arn; its Ref is one
			uri = strings.Replace(uri, ".Arn}", "}", 1)
		}
		if r.event.machine {
			uri = "arn:${AWS::Partition}:apigateway:${AWS::Region}:states:action/StartExecution"
		}
		operation := objectNode(where, "x-amazon-apigateway-integration", objectNode(where, "httpMethod", textNode("POST", where), "type", textNode("aws_proxy", where), "uri", subNode(uri, where)))
		if security := securityOf(r.auth, fallback, where); security != nil {
			operation = with(operation, "security", security)
		}
		if condition := r.event.decl.node.get("Condition"); condition != nil {
			operation = objectNode(where, "Fn::If", listNode(where, condition, operation, refNode("AWS::NoValue", where)))
		}
		method := r.method
		if method == "any" || method == "" || method == "*" {
			method = "x-amazon-apigateway-any-method"
		}
		at := slices.IndexFunc(paths.entries, func(e entry) bool { return e.key == r.path })
		if at < 0 {
			paths.entries = append(paths.entries, entry{r.path, where, &node{kind: object, at: where}})
			at = len(paths.entries) - 1
		}
		paths.entries[at].value = with(paths.entries[at].value, method, operation)
	}
	schemes := &node{kind: object, at: at}
	for _, e := range properties.find("Auth", "Authorizers").keys() {
		schemes.entries = append(schemes.entries, entry{e.key, e.at, scheme(a.http, e.value)})
	}
	iam := fallback
	for _, r := range a.routes {
		if own := r.auth.get("Authorizer"); own.scalar() == "AWS_IAM" {
			iam = own
		}
	}
	if iam.scalar() == "AWS_IAM" {
		schemes.entries = append(schemes.entries, entry{"AWS_IAM", iam.at, objectNode(iam.at, "type", textNode("apiKey", iam.at), "x-amazon-apigateway-authtype", textNode("awsSigv4", iam.at))})
	}
	body := objectNode(at, "openapi", textNode("3.0.1", at), "paths", paths)
	if len(schemes.entries) > 0 {
		body = with(body, "components", objectNode(at, "securitySchemes", schemes))
	}
	return body
}

// securityOf names what guards a route: its own authorizer, else that of the API; nil where nothing does.
func securityOf(own, fallback *node, at inventory.Location) *node {
	name := own.get("Authorizer")
	if name == nil {
		name = fallback
	}
	var guards []*node
	if n := name.scalar(); n != "" && n != "NONE" {
		guards = append(guards, objectNode(name.at, n, listNode(name.at)))
	}
	if key := own.get("ApiKeyRequired"); key.scalar() == "true" {
		guards = append(guards, objectNode(key.at, "api_key", listNode(key.at)))
	}
	if guards == nil {
		return nil
	}
	return listNode(at, guards...)
}

// scheme is an authorizer of SAM in the words of API Gateway's extensions of OpenAPI.
func scheme(http bool, authorizer *node) *node {
	at := authorizer.at
	kind := "custom"
	switch {
	case authorizer.get("JwtConfiguration") != nil || authorizer.get("OpenIdConnectUrl") != nil:
		kind = "jwt"
	case authorizer.get("UserPoolArn") != nil:
		kind = "cognito_user_pools"
	case http:
		kind = "request"
	}
	return objectNode(at, "type", textNode("apiKey", at), "x-amazon-apigateway-authtype", textNode(kind, at),
		"x-amazon-apigateway-authorizer", objectNode(at, "type", textNode(kind, at), "jwtConfiguration", authorizer.get("JwtConfiguration"), "providerARNs", authorizer.get("UserPoolArn"), "authorizerUri", authorizer.get("FunctionArn")))
}
