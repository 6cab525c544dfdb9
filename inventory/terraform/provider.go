package terraform

import (
	"cmp"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// configuration is a provider block, evaluated where it stands.
type configuration struct {
	scope    *scope
	provider *provider
	done     bool
	region   *value
	account  string
	tags     *value // default_tags, nil where there are none
	busy     bool
}

// providerOf returns the configuration of the provider of a resource; nil where there is none.
func (s *scope) providerOf(r *resource) *configuration {
	key, _, _ := strings.Cut(r.typ, "_")
	if attr := r.body.Attributes["provider"]; attr != nil {
		if named := providerName(attr.Expr); named != "" {
			key = named
		}
	}
	return s.configuration(key)
}

// providerName returns the local name that an expression gives: aws.west, also in quotes as Terraform 0.11 had it.
func providerName(x hclsyntax.Expression) string {
	if index, ok := x.(*hclsyntax.IndexExpr); ok { // OpenTofu: aws.by_region[each.key]
		x = index.Collection
	}
	if t, diags := hcl.AbsTraversalForExpr(x); !diags.HasErrors() {
		return traversalName(t)
	}
	return literalText(x)
}

// providerVersion returns the versions of a resource's provider that its module and those around it ask for, all of which
// hold (https://developer.hashicorp.com/terraform/language/providers/requirements#version-constraints), and the one that the
// root has locked.
func (s *scope) providerVersion(r *resource) string {
	name, _, _ := strings.Cut(r.typ, "_")
	var list []string
	for at := s; at != nil; at = at.parent {
		version := at.mod.versions[name]
		if at.parent == nil {
			version = cmp.Or(s.e.files.locked(at.mod.dir)[name], version)
		}
		if version != "" && !slices.Contains(list, version) {
			list = append(list, version)
		}
	}
	return strings.Join(list, ", ")
}

// maxLock bounds a lock file of providers, in bytes.
const maxLock = 1 << 20

// locked returns the versions of providers that the lock file of a root selects, by the last part of their addresses
// (https://developer.hashicorp.com/terraform/language/files/dependency-lock).
func (f *files) locked(dir string) map[string]string {
	have, ok := f.locks[dir]
	if ok {
		return have
	}
	have = map[string]string{}
	f.locks[dir] = have
	name := path.Join(dir, ".terraform.lock.hcl")
	data, err := f.read(name, maxLock)
	if err != nil {
		return have // there is none, or package ecosystem says that it can't be read
	}
	body, _, err := parseBody(data, name)
	if err != nil {
		return have
	}
	for _, block := range body.Blocks {
		if attr := block.Body.Attributes["version"]; block.Type == "provider" && len(block.Labels) == 1 && attr != nil {
			have[path.Base(block.Labels[0])] = literalText(attr.Expr)
		}
	}
	return have
}

// configuration finds a provider by its local name: in the module itself, as passed by the call, or inherited.
func (s *scope) configuration(key string) *configuration {
	if have, ok := s.providers[key]; ok {
		return have
	}
	s.providers[key] = nil
	var found *configuration
	if p := s.mod.providers[key]; p != nil {
		found = &configuration{scope: s, provider: p}
	} else if s.parent != nil {
		found = s.passed(key)
	}
	s.providers[key] = found
	return found
}

// passed finds a provider that the caller gives.
func (s *scope) passed(key string) *configuration {
	if attr := s.call.body.Attributes["providers"]; attr != nil {
		pairs, _ := hcl.ExprMap(attr.Expr)
		for _, pair := range pairs {
			inner, outer := providerKey(pair.Key), ""
			if x, ok := pair.Value.(hclsyntax.Expression); ok {
				outer = providerName(x)
			}
			if inner == key && outer != "" {
				return s.parent.configuration(outer)
			}
		}
	}
	if !strings.Contains(key, ".") {
		return s.parent.configuration(key) // providers without alias are inherited
	}
	return nil
}

func providerKey(x hcl.Expression) string {
	if key, ok := x.(*hclsyntax.ObjectConsKeyExpr); ok {
		return providerName(key.Wrapped)
	}
	if x, ok := x.(hclsyntax.Expression); ok {
		return providerName(x)
	}
	return ""
}

func (c *configuration) evaluate() {
	if c.done || c.busy {
		return
	}
	c.busy = true
	e, f, body := c.scope.e, c.scope.frame(), c.provider.body
	if attr := body.Attributes["region"]; attr != nil {
		c.region = e.expr(attr.Expr, f)
	}
	if attr := body.Attributes["allowed_account_ids"]; attr != nil {
		if v := e.expr(attr.Expr, f); v.kind == kindList && len(v.list) == 1 {
			c.account, _ = v.list[0].asText()
		}
	}
	for _, block := range body.Blocks {
		switch block.Type {
		case "assume_role", "assume_role_with_web_identity":
			attr := block.Body.Attributes["role_arn"]
			if attr == nil {
				continue
			}
			if role, ok := e.expr(attr.Expr, f).asText(); ok {
				c.account = role
				if m := roleAccount.FindStringSubmatch(role); m != nil {
					c.account = m[1]
				}
			}
		case "default_tags":
			if attr := block.Body.Attributes["tags"]; attr != nil {
				c.tags = e.expr(attr.Expr, f)
			}
		}
	}
	if attr := body.Attributes["default_tags"]; attr != nil { // JSON has no blocks
		c.tags = e.attribute(e.expr(attr.Expr, f), "tags", attr.SrcRange)
	}
	c.busy, c.done = false, true
}

// roleAccount finds the account of a role's ARN (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html).
var roleAccount = regexp.MustCompile(`^arn:[a-z-]+:iam::(\d{12}):`)

// place returns region and account of a resource; empty where they are not known.
func (i *instance) place() (region, account string) {
	region, _ = i.region().asText()
	if c := i.scope.providerOf(i.res); c != nil {
		c.evaluate()
		account = c.account
	}
	return region, account
}

// region is that of the resource itself (provider 6) or of its provider.
func (i *instance) region() *value {
	if strings.HasPrefix(i.res.typ, "aws_") {
		if attr := i.res.body.Attributes["region"]; attr != nil {
			if v := i.given("region", attr.SrcRange); v != nil && v.kind == kindString {
				return v
			}
		}
	}
	if c := i.scope.providerOf(i.res); c != nil {
		c.evaluate()
		if c.region != nil {
			return c.region
		}
	}
	return unknownValue(location(i.res.at), inventory.Reason{Code: inventory.NotEvaluated, Ref: "the region of the provider"})
}
