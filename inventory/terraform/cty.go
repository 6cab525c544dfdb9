package terraform

import (
	"math/big"
	"strconv"

	"github.com/hashicorp/go-cty-funcs/cidr"
	"github.com/zclconf/go-cty/cty"
	ctyconvert "github.com/zclconf/go-cty/cty/convert"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// ctyTable returns the functions that are cty's: they look at values that are known as a whole.
func ctyTable() map[string]function.Function {
	return map[string]function.Function{
		"abs": stdlib.AbsoluteFunc, "ceil": stdlib.CeilFunc, "floor": stdlib.FloorFunc, "log": stdlib.LogFunc, "max": stdlib.MaxFunc,
		"min": stdlib.MinFunc, "parseint": stdlib.ParseIntFunc, "pow": stdlib.PowFunc, "signum": stdlib.SignumFunc,
		"chomp": stdlib.ChompFunc, "indent": stdlib.IndentFunc, "lower": stdlib.LowerFunc, "regex": stdlib.RegexFunc,
		"regexall": stdlib.RegexAllFunc, "strrev": stdlib.ReverseFunc, "substr": stdlib.SubstrFunc, "title": stdlib.TitleFunc,
		"trim": stdlib.TrimFunc, "trimprefix": stdlib.TrimPrefixFunc, "trimspace": stdlib.TrimSpaceFunc, "trimsuffix": stdlib.TrimSuffixFunc,
		"upper": stdlib.UpperFunc, "csvdecode": stdlib.CSVDecodeFunc, "formatdate": stdlib.FormatDateFunc, "timeadd": stdlib.TimeAddFunc,
		"setsymmetricdifference": stdlib.SetSymmetricDifferenceFunc,
		"cidrhost":               cidr.HostFunc, "cidrnetmask": cidr.NetmaskFunc, "cidrsubnet": cidr.SubnetFunc, "cidrsubnets": cidr.SubnetsFunc,
	}
}

// fromCtyFunction makes a function of one of cty's. What it makes has the place of the call.
func fromCtyFunction(f function.Function) languageFunction {
	return func(c *calling, args []*value) *value {
		values := make([]cty.Value, len(args))
		for i, arg := range args {
			if arg.open || arg.maybe {
				return c.over(args, func(args []*value) *value { return fromCtyFunction(f)(c, args) })
			}
			values[i] = toCty(arg)
		}
		if what := tooMuch(c.name, args); what != "" {
			return beyond(c.at, c.name+": "+what)
		}
		values, ok := asParameters(f, values)
		if !ok {
			return c.fail("an argument has the wrong type")
		}
		result, err := f.Call(values)
		if err != nil {
			return c.fail(err.Error())
		}
		return fromCty(result, c.at)
	}
}

// tooMuch says which argument makes a function of cty cost more than it should; empty where none does.
func tooMuch(name string, args []*value) string {
	switch {
	case len(args) == 0:
	case name == "indent" && args[0].number > maxIndent:
		return "more than " + strconv.Itoa(maxIndent) + " spaces"
	case name == "parseint" && len(args[0].text) > maxDigits:
		return "more than " + strconv.Itoa(maxDigits) + " digits"
	case (name == "regex" || name == "regexall") && len(args[0].text) > maxPattern,
		name == "replace" && len(args) > 1 && len(args[1].text) > maxPattern:
		return "a pattern of more than " + strconv.Itoa(maxPattern) + " bytes"
	}
	return ""
}

// over applies do to each candidate of the one argument that is not known, where it has some; else the result is unknown.
func (c *calling) over(args []*value, do func([]*value) *value) *value {
	open := -1
	for i, arg := range args {
		if !arg.open && !arg.maybe {
			continue
		}
		if open >= 0 || arg.kind != kindUnknown || len(arg.unknown.candidates) == 0 {
			return c.unknown(args...)
		}
		open = i
	}
	if open < 0 {
		return c.unknown(args...)
	}
	u := c.e.overCandidates(args[open], c.at, func(candidate *value) *value {
		inner := append([]*value{}, args...)
		inner[open] = candidate
		if candidate.open {
			return c.unknown(inner...)
		}
		return do(inner)
	})
	if u == nil {
		return c.unknown(args...)
	}
	return sole(u)
}

// asParameters converts arguments to the types of a function's parameters, as hcl does for calls.
func asParameters(f function.Function, args []cty.Value) ([]cty.Value, bool) {
	params, rest := f.Params(), f.VarParam()
	if len(args) < len(params) || len(args) > len(params) && rest == nil {
		return nil, false
	}
	for i := range args {
		p := rest
		if i < len(params) {
			p = &params[i]
		}
		v, err := ctyconvert.Convert(args[i], p.Type)
		if err != nil || v.IsNull() && !p.AllowNull {
			return nil, false
		}
		args[i] = v
	}
	return args, true
}

// toCty returns a value that is known as a whole.
func toCty(v *value) cty.Value {
	switch v.kind {
	case kindBool:
		return cty.BoolVal(v.truth)
	case kindNumber:
		return cty.NumberVal(v.bigFloat())
	case kindString:
		return cty.StringVal(v.text)
	case kindList:
		elements := make([]cty.Value, len(v.list))
		for i, e := range v.list {
			elements[i] = toCty(e)
		}
		if v.flavour == set && len(elements) > 0 && cty.CanSetVal(elements) {
			return cty.SetVal(elements)
		}
		if v.flavour == collection && len(elements) > 0 && cty.CanListVal(elements) {
			return cty.ListVal(elements)
		}
		return cty.TupleVal(elements)
	case kindMap:
		fields := make(map[string]cty.Value, len(v.fields.keys))
		for key, e := range v.fields.values {
			fields[key] = toCty(e)
		}
		if v.flavour == collection && len(fields) > 0 && cty.CanMapVal(fields) {
			return cty.MapVal(fields)
		}
		return cty.ObjectVal(fields)
	case kindUnknown, kindObject:
		return cty.DynamicVal
	}
	return cty.NullVal(cty.DynamicPseudoType)
}

// fromCty returns a value of cty at a place.
func fromCty(v cty.Value, at inventory.Location) *value {
	if v.IsMarked() {
		v, _ = v.Unmark()
	}
	if !v.IsKnown() {
		return unknownValue(at, inventory.Reason{Code: inventory.NotEvaluated, Ref: "a function"})
	}
	if v.IsNull() {
		return null(at)
	}
	switch t := v.Type(); {
	case t == cty.String:
		return text(v.AsString(), at)
	case t == cty.Number:
		return bigNumber(new(big.Float).Copy(v.AsBigFloat()), at)
	case t == cty.Bool:
		return boolean(v.True(), at)
	case t.IsListType() || t.IsSetType() || t.IsTupleType():
		elements := make([]*value, 0, v.LengthInt())
		for it := v.ElementIterator(); it.Next(); {
			_, e := it.Element()
			elements = append(elements, fromCty(e, at))
		}
		fl := structural
		switch {
		case t.IsListType():
			fl = collection
		case t.IsSetType():
			fl = set
		}
		return list(fl, elements, at)
	case t.IsMapType() || t.IsObjectType():
		f := newFields()
		for it := v.ElementIterator(); it.Next(); {
			key, e := it.Element()
			f.put(key.AsString(), fromCty(e, at))
		}
		fl := structural
		if t.IsMapType() {
			fl = collection
		}
		return mapping(fl, f, at)
	}
	return failure(at, "a value of a type that is not known")
}
