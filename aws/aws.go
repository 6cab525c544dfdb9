// Package aws is the one typed model of what a tree declares on AWS, whatever language declares it. Terraform and
// CloudFormation fill the same structs; the network, the rules and the images ask the model and never the language.
//
// [Build] turns evaluated resources into a [Model]. Each struct says with its tags which attribute of Terraform (tf) and
// which property of CloudFormation (cfn) fills a field; docs/aws-model.md is made from them. Three kinds of fields stand
// for everything:
//
//   - a [Value] is a leaf: absent, known (written, or a default of [Defaults]), or unknown with reasons;
//   - a [Ref] leads to another object of the model, or says why it does not;
//   - nested structs are blocks.
//
// Elements of lists may be Maybe (they may not be there) or Rest (they stand for any number of unknown ones), so that an
// unknown list is never mistaken for an empty one.
//
// What AWS makes without being asked is in the model too: main route tables, default network ACLs and security groups,
// the default VPC with its subnets. Such objects have Origin Implied. What the code only refers to (a data source, a
// literal id) has Origin External: it exists, and nothing is known of it but what the reference says.
//
// To add a resource type, write its struct beside its neighbours, list it in kinds and, where its parts are joined from
// several resources, join them in a link function.
//
// # Limitations
//
// IAM policies are read for who is named and what is allowed, not evaluated. Attributes that no rule and no path asks for
// are left out; the inventory's resource has them all.
package aws

import "github.com/trifecta-scanner/trifecta/inventory"

// Origin says why an object is in the model.
type Origin uint8

// The origins of objects.
const (
	Declared Origin = iota // a resource of the code
	Implied                // AWS makes it with what the code declares
	External               // it exists outside of the code, which refers to it: a data source or a literal id
)

// String returns the word of o.
func (o Origin) String() string {
	switch o {
	case Implied:
		return "implied"
	case External:
		return "external"
	}
	return "declared"
}

// Unit is what references hold within: a root, evaluated for one environment.
type Unit struct{ Root, Environment string }

// Object is what all objects of the model have.
type Object struct {
	// Resource declares the object. Of an implied object it is the resource that implies it, such as the VPC of a main
	// route table, and nil for what belongs to the default VPC. Of an external object it is the data source, and nil for
	// a literal id.
	Resource *inventory.Resource
	Origin   Origin
	Unit     Unit
	// Literal is the id, name or ARN by which the code refers to an external object; empty for others.
	Literal string

	region, account string
	exported        bool
	why             []inventory.Reason // of an external object
}

// Self returns o; it makes every struct that embeds Object a Node.
func (o *Object) Self() *Object { return o }

// Address is the address that evidence shows for the object: its own, that of the resource which implies it, or the
// literal by which it is known. It is empty for what belongs to the default VPC, where the resource that is placed there
// stands for all of it.
func (o *Object) Address() inventory.ID {
	if o.Resource != nil {
		return o.Resource.ID
	}
	return inventory.ID(o.Literal)
}

// Location is the place of the resource that declares or implies the object; zero where there is none.
func (o *Object) Location() inventory.Location {
	if o.Resource == nil {
		return inventory.Location{}
	}
	return o.Resource.Location
}

// Exists says whether the object will be there; Reasons says why that is not known or false.
func (o *Object) Exists() inventory.Existence {
	if o.Resource == nil {
		return inventory.Exists
	}
	return o.Resource.Exists
}

// Reasons returns why Exists is not Exists.
func (o *Object) Reasons() []inventory.Reason {
	if o.Resource == nil {
		return nil
	}
	return o.Resource.Reasons
}

// Unknowable returns why nothing is known about the inside of an external object, and nil for others.
func (o *Object) Unknowable() []inventory.Reason {
	if o.Origin == External && len(o.why) == 0 {
		return []inventory.Reason{{Code: inventory.DataSource, Ref: string(o.Address())}}
	}
	return o.why
}

// Exported reports whether an output of the root, or an export of the stack, hands the object to others.
func (o *Object) Exported() bool { return o.exported }

// Region is the region that the object is in; empty where it is not known.
func (o *Object) Region() string { return o.region }

// Account is the account that the object is in; empty where it is not known.
func (o *Object) Account() string { return o.account }

// Node is an object of the model: a pointer to a struct that embeds Object.
type Node interface{ Self() *Object }

// Written says where a part of an object is written: in the object's own resource, or in a resource that only adds to
// it, such as aws_security_group_rule or AWS::EC2::Route.
type Written struct {
	// At is the resource in which the part is written. Evidence names its address. For what is implied it is the
	// resource that implies it; nil in the default VPC.
	At *inventory.Resource
	// Location is the block, or the whole resource where it is one of its own.
	Location inventory.Location
	// Maybe says that the part may not be there, Reasons why.
	Maybe   bool
	Reasons []inventory.Reason
}

// Address is the address of At, empty where there is none.
func (w *Written) Address() inventory.ID {
	if w.At == nil {
		return ""
	}
	return w.At.ID
}
