package infra

import (
	"fmt"

	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/kube"
	"github.com/trifecta-scanner/trifecta/scanner"
)

// keptPrivate are ports of programs that are made for a private network: their name.
var keptPrivate = map[int]string{
	22: "SSH", 23: "Telnet", 445: "SMB", 1433: "SQL Server", 1521: "Oracle", 2181: "ZooKeeper", 2375: "Docker", 2376: "Docker", 2379: "etcd", 3306: "MySQL", 3389: "RDP",
	5432: "PostgreSQL", 5601: "Kibana", 5900: "VNC", 5984: "CouchDB", 6379: "Redis", 6443: "Kubernetes", 7474: "Neo4j", 8086: "InfluxDB", 8200: "Vault", 8500: "Consul",
	9042: "Cassandra", 9092: "Kafka", 9200: "Elasticsearch", 9300: "Elasticsearch", 11211: "memcached", 15672: "RabbitMQ", 27017: "MongoDB",
}

var composeOpenPort = Check{
	Rule: scanner.Rule{
		ID: "compose-open-port", Title: "Database or administration port published on all addresses", Severity: scanner.Medium, URL: "https://docs.docker.com/engine/network/port-publishing/", Tags: []string{"compose"},
		Help: "A published port listens on every address of the machine, and Docker's own rules come before those of its firewall (ufw, firewalld). Services of one file reach each other without it: remove the port, or publish it on 127.0.0.1.",
	},
	Pillar: scanner.PillarFirewall,
	Service: func(p *Pass, s *inventory.Resource) {
		if mode, _ := s.Get("network_mode").Text(); mode == "host" || mode == "none" {
			return // ports mean nothing there
		}
		for _, port := range publishedPorts(s) {
			program := keptPrivate[port.target]
			if program == "" || port.host != "" && port.host != "0.0.0.0" && port.host != "::" {
				continue
			}
			var fix *change
			if written, _ := port.at.Text(); port.short && port.host == "" {
				fix = replace(port.at, `"127.0.0.1:`+written+`"`, fmt.Sprintf("publish port %d on this machine alone", port.target))
			}
			p.say(s, kube.Yes, port.at, fmt.Sprintf("publishes port %d (%s) on every address of the machine; remove it, or publish it on 127.0.0.1", port.target, program), fix)
		}
	},
}
