package aws

import (
	"fmt"
	"slices"
	"strings"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// finishClassic reads the listeners and targets of a classic load balancer, which stand in it.
func (d *decoder) finishClassic(l *LoadBalancer) {
	l.Type = Of("classic")
	for _, v := range blocksOf(d.get("listener", "Listeners")) {
		name := func(tf, cfn string) inventory.Value {
			if d.cfn {
				return v.Get(cfn)
			}
			return v.Get(tf)
		}
		listener := &Listener{
			LoadBalancer: To(l), Place: v.Location(),
			Port: leafAt[int](d, name("lb_port", "LoadBalancerPort"), ""), Protocol: leafAt[string](d, name("lb_protocol", "Protocol"), ""),
			InstancePort: leafAt[int](d, name("instance_port", "InstancePort"), ""),
		}
		implied(&listener.Object, &l.Object)
		d.b.m.Listeners = append(d.b.m.Listeners, listener)
	}
	for _, v := range listed(d.get("instances", "Instances")) {
		l.Targets = append(l.Targets, &TargetAttachment{Written: d.part(v), LoadBalancer: To(l), Target: refTo[Node](d, v)})
	}
}

func (d *decoder) finishListener(l *Listener) { l.Place = d.resource.Location }

// finishTargetGroup reads the targets that CloudFormation writes in the group.
func (d *decoder) finishTargetGroup(g *TargetGroup) {
	for _, v := range blocksOf(d.get("-", "Targets")) {
		t := &TargetAttachment{Written: d.part(v), Group: To(g)}
		d.sure().fields(t, v)
		g.Targets = append(g.Targets, t)
	}
	if d.cfn {
		for _, v := range blocksOf(d.get("-", "TargetGroupAttributes")) {
			if key, _ := v.Get("Key").Text(); key == "preserve_client_ip.enabled" {
				g.PreserveClientIP = leafAt[string](d, v.Get("Value"), "")
			}
		}
	}
}

func (d *decoder) joinTarget() {
	t := &TargetAttachment{Written: d.own()}
	d.sure().fields(t, d.resource.Values)
	for _, g := range t.Group.Targets() {
		g.Targets = append(g.Targets, t)
	}
	for _, l := range t.LoadBalancer.Targets() {
		l.Targets = append(l.Targets, t)
	}
}

func startClassicACL(_ *builder, _ *unit, _ *inventory.Resource, a *WebACL) { a.Classic = true }

func (d *decoder) joinWebACL() {
	use := WebACLUse{d.own(), refTo[*WebACL](d, first(d.resource.Values, alternatives("web_acl_arn|web_acl_id|WebACLArn|WebACLId", false)))}
	target := refTo[Node](d, d.get("resource_arn", "ResourceArn"))
	for _, n := range target.Targets() {
		switch n := n.(type) {
		case *LoadBalancer:
			n.WebACLs = append(n.WebACLs, use)
		case *APIStage:
			n.WebACLs = append(n.WebACLs, use)
		case *API:
			d.b.aclUses = append(d.b.aclUses, aclUse{n, use})
		}
	}
}

// aclUse is a web ACL in front of an API whose stage the ARN names.
type aclUse struct {
	api *API
	use WebACLUse
}

func (d *decoder) finishAPI(a *API) {
	if strings.Contains(d.resource.Type, "rest_api") || strings.HasSuffix(d.resource.Type, "RestApi") {
		a.Protocol = Of("REST")
		if len(a.EndpointTypes) == 0 {
			a.EndpointTypes = []Text{Of("EDGE")}
		}
	}
	d.openAPI(a, decoded(a.Body))
	if a.Target.Absent() {
		return
	}
	i := &APIIntegration{API: To(a), Target: a.Target}
	r := &APIRoute{API: To(a), Key: Of("$default"), Integration: i}
	if key := d.get("route_key", "RouteKey"); !key.IsNull() {
		r.Key = leafAt[string](d, key, "")
	}
	s := &APIStage{API: To(a), Name: Of("$default")}
	for _, o := range []*Object{&i.Object, &r.Object, &s.Object} {
		implied(o, &a.Object)
	}
	d.b.m.APIRoutes, d.b.m.APIIntegrations, d.b.m.APIStages = append(d.b.m.APIRoutes, r), append(d.b.m.APIIntegrations, i), append(d.b.m.APIStages, s)
}

// methods are what an OpenAPI path can have.
var methods = []string{"get", "put", "post", "delete", "options", "head", "patch", "trace", "x-amazon-apigateway-any-method"}

// openAPI makes the routes that an OpenAPI description declares.
func (d *decoder) openAPI(a *API, body inventory.Value) {
	schemes := body.Get("components", "securitySchemes")
	if schemes.IsNull() {
		schemes = body.Get("securityDefinitions")
	}
	for _, path := range body.Get("paths").Fields() {
		for _, method := range path.Value.Fields() {
			if !slices.Contains(methods, strings.ToLower(method.Name)) {
				continue
			}
			verb := strings.ToUpper(method.Name)
			if strings.HasPrefix(method.Name, "x-") {
				verb = "ANY"
			}
			r := &APIRoute{API: To(a), Key: Of(verb + " " + path.Name), Method: Of(verb), Authorization: Of("NONE")}
			implied(&r.Object, &a.Object)
			r.Authorization = authorization(method.Value, body, schemes)
			if in := method.Value.Get("x-amazon-apigateway-integration"); !in.IsNull() {
				r.Integration = &APIIntegration{
					API: To(a), Type: leafAt[string](d, in.Get("type"), ""), URI: leafAt[string](d, in.Get("uri"), ""), Target: refTo[Node](d, in.Get("uri")),
					ConnectionType: leafAt[string](d, in.Get("connectionType"), ""), VPCLink: refTo[*VPCLink](d, in.Get("connectionId")),
				}
				implied(&r.Integration.Object, &a.Object)
			}
			d.b.m.APIRoutes = append(d.b.m.APIRoutes, r)
		}
	}
}

// authorization reads which security scheme guards an operation of an OpenAPI description.
func authorization(operation, body, schemes inventory.Value) Text {
	security := operation.Get("security")
	if security.IsNull() {
		security = body.Get("security")
	}
	if security.IsUnknown() {
		return UnknownOf[string](security.Reasons()...)
	}
	for _, one := range security.Elements() {
		for _, f := range one.Fields() {
			scheme := schemes.Get(f.Name)
			switch kind, _ := scheme.Get("x-amazon-apigateway-authtype").Text(); strings.ToLower(kind) {
			case "awssigv4":
				return Of("AWS_IAM")
			case "cognito_user_pools":
				return Of("COGNITO_USER_POOLS")
			}
			if t, _ := scheme.Get("x-amazon-apigateway-authorizer", "type").Text(); strings.EqualFold(t, "jwt") {
				return Of("JWT")
			}
			if t, _ := scheme.Get("type").Text(); t == "apiKey" && scheme.Get("x-amazon-apigateway-authorizer").IsNull() {
				continue // a key meters, it does not authorise
			}
			return Of("CUSTOM")
		}
	}
	return Of("NONE")
}

func (d *decoder) finishRoute(r *APIRoute) {
	r.target = refTo[*APIIntegration](d, d.get("target", "Target"))
	if r.Integration != nil {
		r.Integration.Object = r.Object
		r.Integration.API = r.API
	}
}

// joinDeployment makes the stage that a deployment brings along.
func (d *decoder) joinDeployment() {
	name := d.get("stage_name", "StageName")
	if text, ok := name.Text(); name.IsNull() || ok && text == "" {
		return
	}
	s := &APIStage{API: refTo[*API](d, d.get("rest_api_id", "RestApiId")), Name: leafAt[string](d, name, "")}
	fillObject(s, d.resource, d.unit.Unit, Declared)
	d.b.m.APIStages = append(d.b.m.APIStages, s)
}

func (d *decoder) joinDomain() {
	domain := refTo[*APIDomain](d, d.get("domain_name", "DomainName"))
	api := refTo[*API](d, first(d.resource.Values, alternatives("api_id|ApiId|RestApiId", false)))
	for _, n := range domain.Targets() {
		n.APIs = append(n.APIs, api)
		for _, a := range api.Targets() {
			a.Domains = append(a.Domains, n)
		}
	}
}

func (d *decoder) joinAPIPolicy() {
	r := refTo[*API](d, d.get("rest_api_id", "-"))
	for _, a := range r.Targets() {
		a.Policy = d.policy(d.get("policy", "-"))
	}
}

// finishRecord looks for what a record leads to among its values.
func (d *decoder) finishRecord(r *Record) {
	if r.Target.To != nil {
		return
	}
	for _, v := range listed(d.get("records", "ResourceRecords")) {
		if t := refTo[Node](d, v); t.To != nil {
			r.Target = t
		}
	}
}

// linkEdge joins listeners, targets, routes and origins.
func (b *builder) linkEdge() {
	for _, l := range b.m.LoadBalancers {
		if l.Origin != Declared {
			continue
		}
		if len(l.Subnets) == 0 {
			l.Subnets = []Ref[*Subnet]{b.inDefaultVPC(&l.Object)}
		}
		l.VPC = vpcOf(l.Subnets)
		if len(l.SecurityGroups) == 0 && (l.Type.Is("application") || l.Type.Is("classic")) {
			l.SecurityGroups = defaultGroups(l.Subnets...)
		}
	}
	for _, l := range b.m.Listeners {
		for _, lb := range l.LoadBalancer.Targets() {
			lb.Listeners = append(lb.Listeners, l)
		}
	}
	for _, r := range b.m.ListenerRules {
		for _, l := range r.Listener.Targets() {
			l.Rules = append(l.Rules, r)
		}
	}
	b.linkTargets()
	b.linkAPIs()
	b.linkDistributions()
	for _, l := range b.m.AcceleratorListeners {
		for _, a := range l.Accelerator.Targets() {
			a.Listeners = append(a.Listeners, l)
		}
	}
	for _, g := range b.m.AcceleratorGroups {
		for _, l := range g.Listener.Targets() {
			l.Groups = append(l.Groups, g)
		}
	}
}

// linkTargets registers auto scaling groups and services with what they name.
func (b *builder) linkTargets() {
	register := func(node Node, at Written, group Ref[*TargetGroup], lb Ref[*LoadBalancer], port Int, container Text) {
		for _, r := range []struct {
			maybe   bool
			reasons []inventory.Reason
		}{{group.Maybe() || group.Unknown(), group.Reasons()}, {lb.Maybe() || lb.Unknown(), lb.Reasons()}} {
			if r.maybe {
				at.Maybe, at.Reasons = true, append(slices.Clip(at.Reasons), r.reasons...)
			}
		}
		t := &TargetAttachment{Written: at, Group: group, LoadBalancer: lb, Target: To(node), Port: port, Container: container}
		for _, g := range group.Targets() {
			g.Targets = append(g.Targets, t)
		}
		for _, l := range lb.Targets() {
			l.Targets = append(l.Targets, t)
		}
	}
	at := func(o *Object) Written {
		return Written{At: o.Resource, Location: o.Location(), Maybe: o.Exists() == inventory.MayExist, Reasons: o.Reasons()}
	}
	for _, g := range b.m.AutoScalingGroups {
		for _, t := range g.TargetGroups {
			register(g, at(&g.Object), t, Ref[*LoadBalancer]{}, Int{}, Text{})
		}
		for _, l := range g.LoadBalancers {
			register(g, at(&g.Object), Ref[*TargetGroup]{}, l, Int{}, Text{})
		}
	}
	for _, g := range b.m.NodeGroups {
		for _, t := range g.TargetGroups {
			register(g, at(&g.Object), t, Ref[*LoadBalancer]{}, Int{}, Text{})
		}
	}
	for _, s := range b.m.Services {
		for _, l := range s.LoadBalancers {
			register(s, at(&s.Object), l.TargetGroup, l.LoadBalancer, l.ContainerPort, l.Container)
			if !l.Alternate.Absent() {
				register(s, at(&s.Object), l.Alternate, Ref[*LoadBalancer]{}, l.ContainerPort, l.Container)
			}
		}
	}
}

// methodKey joins a method of a REST API with its integration.
type methodKey struct {
	api              *API
	resource, method string
}

func (b *builder) linkAPIs() {
	integrations := map[methodKey]*APIIntegration{}
	for _, i := range b.m.APIIntegrations {
		if i.API.To != nil && !i.Method.Absent() {
			integrations[methodKey{i.API.To, identity(i.Resource), b.verb(i.Resource, i.Method, i.Unit)}] = i
		}
	}
	for _, r := range b.m.APIRoutes {
		for _, a := range r.API.Targets() {
			a.Routes = append(a.Routes, r)
		}
		if r.Integration == nil {
			r.Integration = r.target.To
		}
		if r.Integration == nil && r.API.To != nil {
			r.Integration = integrations[methodKey{r.API.To, identity(r.Resource), b.verb(r.Resource, r.Method, r.Unit)}]
		}
	}
	for _, s := range b.m.APIStages {
		for _, a := range s.API.Targets() {
			a.Stages = append(a.Stages, s)
		}
	}
	for _, u := range b.aclUses {
		for _, s := range u.api.Stages {
			s.WebACLs = append(s.WebACLs, u.use)
		}
	}
	for _, p := range b.m.FunctionPermissions {
		if a, ok := p.Source.To.(*API); ok {
			a.Permissions = append(a.Permissions, p)
		}
	}
}

// verb returns the method of a route or integration as a text that is equal for equal methods.
func (b *builder) verb(_ inventory.Value, method Text, u Unit) string {
	if text, ok := method.Known(); ok {
		return strings.ToUpper(text)
	}
	if ref, ok := method.Source(); ok {
		if r := b.unit(u).resources[ref.Resource]; r != nil {
			if text, ok := r.Get("http_method").Text(); ok {
				return strings.ToUpper(text)
			}
		}
	}
	return fmt.Sprint(method.Reasons())
}

// identity is a text that is equal for values that are the same whatever they are.
func identity(v inventory.Value) string {
	if ref, ok := v.Ref(); ok {
		return ref.Root + "\x00" + string(ref.Resource) + "\x00" + ref.Attribute
	}
	if text, ok := v.Text(); ok {
		return text
	}
	return fmt.Sprint(v.Reasons())
}

// linkDistributions follows the origins of distributions: by reference, through VPC origins, and by the name of a record
// that leads somewhere.
func (b *builder) linkDistributions() {
	byName := map[string]*Record{}
	for _, r := range b.m.Records {
		if name := sameText(r.Name); name != "" && r.Target.To != nil {
			byName[r.Unit.Root+"\x00"+r.Unit.Environment+"\x00"+name] = r
		}
	}
	for _, d := range b.m.Distributions {
		for i := range d.Origins {
			o := &d.Origins[i]
			if v := o.VPCOrigin.To; v != nil && v.Target.To != nil {
				o.Target = v.Target
				continue
			}
			if o.Target.To != nil {
				continue
			}
			if r := byName[d.Unit.Root+"\x00"+d.Unit.Environment+"\x00"+sameText(o.DomainName)]; r != nil && sameText(o.DomainName) != "" {
				o.Target, o.Record = r.Target, r
			}
		}
	}
}

// sameText returns a text that is equal for two names of which it is certain that they are the same.
func sameText(v Text) string {
	if text, ok := v.Known(); ok {
		return strings.TrimSuffix(strings.ToLower(text), ".")
	}
	if v.Unknown() && v.why != nil {
		return v.why.key
	}
	return ""
}
