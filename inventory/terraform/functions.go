package terraform

import (
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// languageFunction is one function of the language. args are evaluated; none of them is an error.
type languageFunction func(c *calling, args []*value) *value

// calling is one call of a function.
type calling struct {
	e    *evaluator
	f    *frame
	name string
	at   inventory.Location
	rng  hcl.Range
}

func (c *calling) fail(what string) *value { return failure(c.at, c.name+": "+what) }

// unknown is the result where what is not known of args decides.
func (c *calling) unknown(args ...*value) *value { return unknownFrom(c.at, args...) }

// call evaluates a function call. Functions that look at what lists and maps hold (collections.go) keep what is known
// of their arguments; all others are unknown as soon as a part of an argument is.
func (e *evaluator) call(x *hclsyntax.FunctionCallExpr, f *frame) *value {
	c := &calling{e: e, f: f, name: strings.TrimPrefix(x.Name, "core::"), at: location(x.Range()), rng: x.Range()}
	switch c.name {
	case "try":
		return c.try(x.Args)
	case "can":
		if len(x.Args) != 1 {
			return c.fail("wants one argument")
		}
		v := e.quiet(func() *value { return e.expr(x.Args[0], f) })
		if v.kind == kindUnknown && !v.failed() && v.unknown.ref == nil {
			// Whether it is an error may depend on what is not known; a type conversion or a missing attribute of it.
			return c.unknown(v)
		}
		return boolean(!v.failed(), c.at)
	case "templatefile", "templatestring":
		return c.templated(x.Args)
	}
	do := e.functions[c.name]
	if do == nil {
		if strings.Contains(c.name, "::") {
			return unknownValue(c.at, inventory.Reason{Code: inventory.NotEvaluated, Ref: c.name})
		}
		return c.fail("is not a function that is known")
	}
	args := make([]*value, 0, len(x.Args))
	for i, arg := range x.Args {
		v := e.expr(arg, f)
		if v.failed() {
			return v.placed(c.at)
		}
		if i == len(x.Args)-1 && x.ExpandFinal {
			elements, ok := v.elements()
			if !ok || v.kind == kindMap {
				return c.fail("wants a list before ...")
			}
			args = append(args, elements...)
			break
		}
		args = append(args, v.sure())
	}
	for _, arg := range args {
		e.spend(arg)
	}
	v := do(c, args)
	e.spend(v)
	if !v.sensitive && !keepsSensitive[c.name] {
		for _, arg := range args {
			if arg.sensitive {
				return v.asSensitive(true)
			}
		}
	}
	return v
}

// keepsSensitive are functions whose result is not sensitive because an argument is.
var keepsSensitive = map[string]bool{"nonsensitive": true, "issensitive": true, "sensitive": true}

// quiet evaluates without notices about names that are not declared: what fails is expected to.
func (e *evaluator) quiet(do func() *value) *value {
	e.notices.quiet++
	defer func() { e.notices.quiet-- }()
	return do()
}

func (c *calling) try(args []hclsyntax.Expression) *value {
	if len(args) == 0 {
		return c.fail("wants an argument")
	}
	var last *value
	for i, arg := range args {
		if i < len(args)-1 {
			last = c.e.quiet(func() *value { return c.e.expr(arg, c.f) })
		} else {
			last = c.e.expr(arg, c.f)
		}
		if !last.failed() {
			return last
		}
	}
	return last
}

// languageFunctions returns the functions of the language by name. Those with a name of their own are here or in
// collections.go, strings.go, filesystem.go and encoding.go; the rest are cty's (see ctyTable).
func languageFunctions() map[string]languageFunction {
	all := map[string]languageFunction{
		"alltrue": fnAllTrue, "anytrue": fnAnyTrue, "chunklist": fnChunklist, "coalesce": fnCoalesce, "coalescelist": fnCoalesceList,
		"compact": fnCompact, "concat": fnConcat, "contains": fnContains, "distinct": fnDistinct, "element": fnElement, "flatten": fnFlatten,
		"index": fnIndex, "issensitive": fnIsSensitive, "keys": fnKeys, "length": fnLength, "lookup": fnLookup, "matchkeys": fnMatchkeys,
		"merge": fnMerge, "nonsensitive": fnNonsensitive, "one": fnOne, "range": fnRange, "reverse": fnReverse, "sensitive": fnSensitive,
		"setintersection": fnSetIntersection, "setproduct": fnSetProduct, "setsubtract": fnSetSubtract, "setunion": fnSetUnion,
		"slice": fnSlice, "sort": fnSort, "sum": fnSum, "tobool": fnToBool, "tolist": fnToList, "tomap": fnToMap, "tonumber": fnToNumber,
		"toset": fnToSet, "tostring": fnToString, "transpose": fnTranspose, "values": fnValues, "zipmap": fnZipmap,
		"list": fnOldList, "map": fnOldMap, "ephemeralasnull": fnSame, "deprecated": fnSame,

		"join": fnJoin, "split": fnSplit, "format": fnFormat, "formatlist": fnFormatList, "startswith": fnStartsWith, "endswith": fnEndsWith,
		"strcontains": fnStrContains, "replace": fnReplace, "basename": fnBasename, "dirname": fnDirname,

		"jsonencode": fnJSONEncode, "yamlencode": fnYAMLEncode, "jsondecode": fnJSONDecode, "yamldecode": fnYAMLDecode, "base64encode": fnBase64Encode,
		"base64decode": fnBase64Decode, "base64gzip": fnBase64Gzip, "textencodebase64": fnTextEncodeBase64,
		"textdecodebase64": fnTextDecodeBase64, "urlencode": fnURLEncode, "urldecode": fnURLDecode, "base64gunzip": fnBase64Gunzip,

		"file": fnFile, "fileexists": fnFileExists, "fileset": fnFileSet, "filebase64": fnFileBase64, "abspath": fnUnknown, "pathexpand": fnPathExpand,

		"timestamp": fnUnknown, "plantimestamp": fnUnknown, "uuid": fnUnknown, "bcrypt": fnUnknown, "rsadecrypt": fnUnknown,
		"uuidv5": fnUUIDv5, "timecmp": fnTimeCmp, "type": fnUnknown,
	}
	for name, hash := range hashes {
		all[name] = hash.ofText
		all["file"+name] = hash.ofFile
	}
	for name, f := range ctyTable() {
		all[name] = fromCtyFunction(f)
	}
	return all
}

// fnUnknown stands for functions that give another answer each time or on each machine.
func fnUnknown(c *calling, args []*value) *value {
	u := unknownFrom(c.at, args...)
	u.unknown.reasons = addReasons(u.unknown.reasons, []inventory.Reason{{Code: inventory.NotEvaluated, Ref: c.name + "()"}})
	return u
}

func fnSame(c *calling, args []*value) *value {
	if len(args) == 0 {
		return c.fail("wants an argument")
	}
	return args[0]
}

// fnOldList and fnOldMap are of Terraform up to 0.11.
func fnOldList(c *calling, args []*value) *value {
	return c.convertTo([]*value{list(structural, args, c.at)}, anyList)
}

func fnOldMap(c *calling, args []*value) *value {
	f := newFields()
	if len(args)%2 != 0 {
		return c.fail("wants keys and values")
	}
	for i := 0; i < len(args); i += 2 {
		name, ok := args[i].asText()
		if !ok {
			return c.unknownOrFail(args[i], args)
		}
		f.put(name, args[i+1])
	}
	return mapping(structural, f, c.at)
}
