package aws

import (
	"slices"
	"strings"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// enginePorts are the ports that stores listen on where none is written, by the beginning of the engine's name
// (https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBInstance.html, Port, and the services' guides).
var enginePorts = []struct {
	engine string
	ports  []int
}{
	{"aurora-postgresql", []int{5432}}, {"aurora", []int{3306}}, {"mysql", []int{3306}}, {"mariadb", []int{3306}}, {"postgres", []int{5432}},
	{"oracle", []int{1521}}, {"custom-oracle", []int{1521}}, {"sqlserver", []int{1433}}, {"custom-sqlserver", []int{1433}}, {"db2", []int{50000}},
	{"docdb", []int{27017}}, {"neptune", []int{8182}}, {"memcached", []int{11211}}, {"redis", []int{6379}}, {"valkey", []int{6379}},
	{"activemq", []int{61617, 5671, 61614, 8883, 8162}}, {"rabbitmq", []int{5671, 443}},
}

// kindPorts are the ports of kinds without an engine.
var kindPorts = map[StoreKind][]int{
	RDSInstance: {3306}, RDSCluster: {3306}, RedshiftCluster: {5439}, RedshiftServerless: {5439}, DocDB: {27017}, Neptune: {8182}, ElastiCache: {6379},
	MemoryDB: {6379}, MSK: {9092, 9094, 9096, 9098}, OpenSearch: {443}, EFS: {2049},
}

// neverPublic are stores that have no public address whatever is written.
var neverPublic = []StoreKind{RDSCluster, DocDB, Neptune, ElastiCache, MemoryDB, EFS, EMR}

func (d *decoder) finishStore(s *Store) {
	switch {
	case s.Kind == DocDB && s.Engine.Absent():
		s.Engine = Of("docdb")
	case s.Kind == Neptune && s.Engine.Absent():
		s.Engine = Of("neptune")
	case s.Kind == RDSCluster && s.Engine.Absent():
		s.Engine = Of("aurora")
	}
	for _, v := range blocksOf(d.get("endpoint", "Endpoint")) { // Redshift Serverless, newer CloudFormation
		if p := leafAt[int](d, v.Get("Port"), ""); !p.Absent() && len(s.Ports) == 0 {
			s.Ports = []Int{p}
		}
	}
	if s.Kind == MSK {
		d.brokerPorts(s)
	}
	if mode, _ := d.get("engine_mode", "EngineMode").Text(); mode == "serverless" && !s.Encrypted.Written() {
		s.Encrypted = Of(true) // version 1 of Aurora Serverless knows no other way
	}
	d.storeDefaults(s)
}

// brokerPorts reads which listeners an MSK cluster has; public access takes ports of its own
// (https://docs.aws.amazon.com/msk/latest/developerguide/port-info.html).
func (d *decoder) brokerPorts(s *Store) {
	if s.Public.Is(true) {
		s.Ports = []Int{Of(9194), Of(9196), Of(9198)}
	}
}

// storeDefaults are those of section "Defaults" that depend on the kind.
func (d *decoder) storeDefaults(s *Store) {
	for _, f := range []struct {
		name  string
		value *Bool
	}{{"Public", &s.Public}, {"Encrypted", &s.Encrypted}, {"AutoUpgrade", &s.AutoUpgrade}, {"MultiAZ", &s.MultiAZ}} {
		row := d.b.defaults["Store."+f.name+"@"+string(s.Kind)]
		if row == nil || !f.value.Absent() {
			continue
		}
		if x := row.of(d.cfn); x != nil {
			f.value.setDefault(x)
		}
	}
	if slices.Contains(neverPublic, s.Kind) {
		s.Public = Of(false)
	}
	if s.Kind == OpenSearch {
		s.Public = Of(len(s.Subnets) == 0)
		if s.EnforceHTTPS.Absent() {
			s.EnforceHTTPS = Of(false)
		}
		s.Ports = []Int{Of(443)}
		if s.EnforceHTTPS.Unknown() {
			s.Ports = append(s.Ports, Int{value: 80, state: byDefault, flags: maybe, why: &doubt[int]{reasons: s.EnforceHTTPS.Reasons()}})
		} else if s.EnforceHTTPS.Is(false) {
			s.Ports = append(s.Ports, Of(80))
		}
	}
}

// ports returns the default ports of a store.
func (s *Store) ports() []Int {
	numbers := kindPorts[s.Kind]
	if s.Engine.Unknown() {
		return []Int{UnknownOf[int](s.Engine.Reasons()...)}
	}
	engine := strings.ToLower(s.Engine.Or(""))
	for _, e := range enginePorts {
		if engine != "" && strings.HasPrefix(engine, e.engine) {
			numbers = e.ports
			break
		}
	}
	ports := make([]Int, len(numbers))
	for i, n := range numbers {
		ports[i] = Of(n)
	}
	return ports
}

func (d *decoder) joinDomainPolicy() {
	r := refTo[*Store](d, d.get("domain_name", "-"))
	for _, s := range r.Targets() {
		s.Policy = d.policy(d.get("access_policies", "-"))
	}
}

// linkStores places stores in subnets and joins instances with their clusters.
func (b *builder) linkStores() {
	names := map[Unit]map[string]*Store{}
	for _, s := range b.m.Stores {
		if s.Resource == nil {
			continue
		}
		if names[s.Unit] == nil {
			names[s.Unit] = map[string]*Store{}
		}
		for _, attribute := range []string{"cluster_identifier", "replication_group_id", "DBClusterIdentifier"} {
			if text, ok := s.Resource.Get(attribute).Text(); ok && s.isCluster() {
				names[s.Unit][text] = s
			}
		}
	}
	for _, s := range b.m.Stores {
		if s.isCluster() { // its own identifier is no reference
			s.Cluster = Ref[*Store]{}
			continue
		}
		if s.Cluster.To == nil && s.Cluster.Literal() != "" {
			if c := names[s.Unit][s.Cluster.Literal()]; c != nil {
				s.Cluster = To(c)
			}
		}
		if c := s.Cluster.To; c != nil {
			if c == s {
				s.Cluster = Ref[*Store]{}
				continue
			}
			c.Members = append(c.Members, s)
		}
	}
	for _, s := range b.m.Stores {
		if s.Origin == Declared && s.Cluster.To == nil {
			b.placeStore(s)
		}
	}
	for _, s := range b.m.Stores {
		if c := s.Cluster.To; c != nil && s.Origin == Declared {
			s.follow(c)
		}
	}
	for _, s := range b.m.Stores {
		for _, f := range s.FileSystem.Targets() {
			f.Mounts = append(f.Mounts, s)
			s.Encrypted, s.Key = f.Encrypted, f.Key
		}
	}
	for _, f := range b.m.ManagedFronts {
		if len(f.Subnets) > 0 && f.VPC.Absent() {
			f.VPC = vpcOf(f.Subnets)
		}
	}
}

// clusterTypes are resources that are clusters of instances which are declared by themselves.
var clusterTypes = []string{
	"aws_rds_cluster", "aws_docdb_cluster", "aws_neptune_cluster", "aws_elasticache_replication_group", "aws_redshift_cluster", "aws_dms_replication_instance",
	"AWS::RDS::DBCluster", "AWS::DocDB::DBCluster", "AWS::Neptune::DBCluster", "AWS::ElastiCache::ReplicationGroup", "AWS::Redshift::Cluster",
}

func (s *Store) isCluster() bool {
	return s.Resource != nil && slices.Contains(clusterTypes, s.Resource.Type)
}

// placeStore finds the subnets, VPC, groups and ports of a store.
func (b *builder) placeStore(s *Store) {
	for _, g := range s.SubnetGroup.Targets() {
		for _, r := range g.Subnets {
			if !s.SubnetGroup.Resolved() {
				r.flags, r.reasons = r.flags|maybe, append(slices.Clip(r.reasons), s.SubnetGroup.Reasons()...)
			}
			s.Subnets = append(s.Subnets, r)
		}
		if g.Origin == External {
			s.Subnets = append(s.Subnets, unknownRef[*Subnet](g.Unknowable()...))
		}
	}
	if len(s.Subnets) == 0 {
		switch {
		case s.SubnetGroup.Unknown():
			s.Subnets = []Ref[*Subnet]{unknownRef[*Subnet](s.SubnetGroup.Reasons()...)}
		case s.Kind == OpenSearch:
		default:
			s.Subnets = []Ref[*Subnet]{b.inDefaultVPC(&s.Object)}
		}
	}
	if len(s.Subnets) > 0 {
		s.VPC = vpcOf(s.Subnets)
		if len(s.SecurityGroups) == 0 {
			s.SecurityGroups = defaultGroups(s.Subnets...)
		}
	}
	if len(s.Ports) == 0 {
		s.Ports = s.ports()
	}
}

// follow takes from the cluster of an instance what it has from there.
func (s *Store) follow(c *Store) {
	s.Subnets, s.VPC, s.SecurityGroups, s.SubnetGroup = c.Subnets, c.VPC, c.SecurityGroups, c.SubnetGroup
	if len(s.Ports) == 0 || !s.Ports[0].Written() {
		s.Ports = c.Ports
	}
	if s.Engine.Absent() {
		s.Engine = c.Engine
	}
	if !s.Encrypted.Written() {
		s.Encrypted = c.Encrypted
	}
}

// finishFront says what of a managed service strangers reach.
func (d *decoder) finishFront(f *ManagedFront) {
	yes, no := Of(true), Of(false)
	port := func(number int) FrontPort {
		return FrontPort{Written: d.own(), Protocol: Of(6), From: Of(number), To: Of(number)}
	}
	switch f.Kind {
	case "apprunner":
		f.Public = leafOf[bool](d.get("network_configuration.ingress_configuration.is_publicly_accessible", "NetworkConfiguration.IngressConfiguration.IsPubliclyAccessible"), "", 0)
		if f.Public.Absent() {
			f.Public = yes
		}
		f.Ports = []FrontPort{port(443)}
	case "lightsail": // its firewall opens SSH and HTTP
		f.Public = yes
		f.Ports = []FrontPort{port(22), port(80)}
		if own := blocksOf(d.get("-", "Networking.Ports")); len(own) > 0 {
			f.Ports = d.lightsailPorts(own)
		}
	case "transfer":
		switch t := f.PublicSetting; {
		case t.Absent() || t.Is("PUBLIC"):
			f.Public = yes
		case t.Unknown():
			f.Public = UnknownOf[bool](t.Reasons()...)
		case t.Is("VPC") && !d.get("endpoint_details.address_allocation_ids", "EndpointDetails.AddressAllocationIds").IsNull():
			f.Public = yes
		default:
			f.Public = no
		}
		f.Ports = []FrontPort{port(22)}
		if protocols := listed(d.get("protocols", "Protocols")); len(protocols) > 0 {
			f.Ports = nil
			for _, p := range protocols {
				switch text, _ := p.Text(); text {
				case "SFTP":
					f.Ports = append(f.Ports, port(22))
				case "FTP", "FTPS":
					f.Ports = append(f.Ports, port(21))
				case "AS2":
					f.Ports = append(f.Ports, port(5080))
				}
			}
		}
	case "beanstalk":
		scheme := f.Setting("aws:ec2:vpc", "ELBScheme")
		kind := f.Setting("aws:elasticbeanstalk:environment", "EnvironmentType")
		switch {
		case scheme.Unknown():
			f.Public = UnknownOf[bool](scheme.Reasons()...)
		case scheme.Is("internal") && !kind.Is("SingleInstance"):
			f.Public = no
		default:
			f.Public = yes
		}
		f.Ports = []FrontPort{port(80)}
	default: // a notebook's address wants a signed URL
		f.Public = no
	}
}

// Setting returns an option of an Elastic Beanstalk environment.
func (f *ManagedFront) Setting(namespace, name string) Text {
	for _, s := range f.Settings {
		if s.Namespace.Is(namespace) && s.Name.Is(name) {
			return s.Value
		}
	}
	return Text{}
}

func (d *decoder) joinLightsailPorts() {
	r := refTo[*ManagedFront](d, d.get("instance_name", "-"))
	for _, f := range r.Targets() {
		f.Ports = d.lightsailPorts(blocksOf(d.get("port_info", "-")))
	}
}

func (d *decoder) lightsailPorts(blocks []inventory.Value) []FrontPort {
	var ports []FrontPort
	for _, v := range blocks {
		p := FrontPort{Written: d.part(v)}
		get := func(tf, cfn string) inventory.Value {
			if d.cfn {
				return v.Get(cfn)
			}
			return v.Get(tf)
		}
		p.Protocol = leafAt[int](d, get("protocol", "Protocol"), "protocol")
		p.From, p.To = leafAt[int](d, get("from_port", "FromPort"), ""), leafAt[int](d, get("to_port", "ToPort"), "")
		for _, name := range [][2]string{{"cidrs", "Cidrs"}, {"ipv6_cidrs", "Ipv6Cidrs"}} {
			for _, c := range listed(get(name[0], name[1])) {
				p.Sources = append(p.Sources, prefixAt(d, c))
			}
		}
		ports = append(ports, p)
	}
	return ports
}
