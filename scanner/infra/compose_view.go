package infra

import (
	"strconv"
	"strings"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// binds returns the folders and files of the machine that a service mounts, at their places
// (https://docs.docker.com/reference/compose-file/services/#volumes).
func binds(service *inventory.Resource) []inventory.Value {
	var sources []inventory.Value
	for _, v := range service.Get("volumes").Elements() {
		text, short := v.Text()
		source, _, mounted := strings.Cut(text, ":")
		if !short {
			kind, _ := v.Get("type").Text()
			v = v.Get("source")
			source, _ = v.Text()
			mounted = kind == "bind"
		}
		if mounted && strings.HasPrefix(source, "/") {
			sources = append(sources, inventory.StringValue(source, v.Location()))
		}
	}
	return sources
}

// published is a port of the machine that leads to a port of a service.
type published struct {
	at     inventory.Value
	host   string // the address on which it listens; empty: all
	port   string // of the machine
	target int
	short  bool // one text
}

// publishedPorts returns the ports of a service that are published over TCP under a number that the file says
// (https://docs.docker.com/reference/compose-file/services/#ports). Of ranges it is the first.
func publishedPorts(service *inventory.Resource) []published {
	var ports []published
	for _, v := range service.Get("ports").Elements() {
		p := published{at: v}
		var target, protocol string
		if v.Kind() == inventory.Map {
			p.host, _ = v.Get("host_ip").Text()
			p.port, _ = v.Get("published").Text()
			target, _ = v.Get("target").Text()
			protocol, _ = v.Get("protocol").Text()
			if mode, _ := v.Get("mode").Text(); mode == "ingress" {
				p.host = ""
			}
			p.at = v.Get("published")
		} else {
			text, _ := v.Text()
			text, protocol, _ = strings.Cut(text, "/")
			p.short = true
			var ok bool
			if at := strings.LastIndexByte(text, ':'); at >= 0 {
				p.port, target = text[:at], text[at+1:]
				if at := strings.LastIndexByte(p.port, ':'); at >= 0 {
					p.host, p.port = strings.Trim(p.port[:at], "[]"), p.port[at+1:]
				}
				ok = p.port != "" && p.port != "0"
			}
			if !ok { // one that the machine chooses
				continue
			}
		}
		first, _, _ := strings.Cut(target, "-")
		n, err := strconv.Atoi(first)
		if err != nil || p.port == "" || protocol != "" && protocol != "tcp" {
			continue
		}
		p.target = n
		ports = append(ports, p)
	}
	return ports
}

// environmentOf returns the variables that a map, or a list of NAME=VALUE, sets
// (https://docs.docker.com/reference/compose-file/services/#environment).
func environmentOf(v inventory.Value) []inventory.Field {
	if v.Kind() == inventory.Map {
		return v.Fields()
	}
	var fields []inventory.Field
	for _, e := range v.Elements() {
		text, _ := e.Text()
		if name, value, ok := strings.Cut(text, "="); ok {
			fields = append(fields, inventory.Field{Name: name, Value: inventory.StringValue(value, e.Location())})
		}
	}
	return fields
}
