package network

import (
	"slices"
	"strings"

	"github.com/trifecta-scanner/trifecta/aws"
)

// addWebsite makes the front of a bucket that answers as a website: over plain HTTP and IPv4
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/WebsiteEndpoints.html). What strangers may read, its policy or its
// ACL says, where Block Public Access lets them count; without a word of the code it does not
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html).
func (g *Graph) addWebsite(o *aws.Bucket) {
	if o.Origin == aws.External || !o.Website.May(true) {
		return
	}
	n := g.newNode(o, KindFront)
	n.inbound = false
	whole := clientsOf(V4, protoTCP, Port(80))
	f := &front{exists: flag(g, o.Website, false)}

	unwritten := o.PublicAccess.At == nil // AWS blocks all of it in new buckets
	peers, unsure, why := g.readers(&o.Policy)
	byPolicy := flag(g, o.PublicAccess.BlockPolicy, unwritten).or(flag(g, o.PublicAccess.RestrictBuckets, unwritten)).not()
	byACL := flag(g, o.PublicAccess.IgnoreACLs, unwritten).or(is(g, o.Ownership, true, "BucketOwnerEnforced")).not().and(g.readableByACL(o))
	f.open = byPolicy.gate(whole.cut(peers).Union(whole.cut(unsure).Maybe(why))).Union(byACL.gate(whole))
	if !f.open.cut(internetV4).some() {
		f.closed = []Block{{EndpointPrivate, n.address}}
	}
	n.fronts = []*front{f}
}

// readers returns from where the policy of a bucket lets anyone read objects: certainly, and maybe with the reason.
func (g *Graph) readers(p *aws.Policy) (peers, unsure IPSet, why Bits) {
	if p.Unknown {
		return IPSet{}, everyV4, g.why.bits(p.Reasons...)
	}
	reading := aws.Policy{}
	for _, s := range p.Statements {
		if s.NotActions || slices.ContainsFunc(s.Actions, func(a aws.Text) bool {
			action, _ := a.Known()
			action = strings.ToLower(action)
			return action == "*" || action == "s3:*" || strings.HasPrefix(action, "s3:get")
		}) {
			reading.Statements = append(reading.Statements, s)
		}
	}
	return g.openPolicy(&reading)
}

// readableByACL says whether the ACL of a bucket lets everyone in.
func (g *Graph) readableByACL(o *aws.Bucket) cond {
	public := is(g, o.ACL, false, "public-read", "public-read-write", "PublicRead", "PublicReadWrite")
	for _, uri := range o.Grants {
		public = public.or(is(g, uri, false, "http://acs.amazonaws.com/groups/global/AllUsers"))
	}
	return public
}
