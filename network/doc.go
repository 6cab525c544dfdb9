// Package network answers which workloads a stranger on the internet can reach, on which ports, along which path, and what
// stands in between: from the code alone, before anything is deployed.
//
// [Build] makes a [Graph] of the typed models of packages aws and kube. [Graph.Results] has one [Result] for each workload,
// managed front and proxy; [Graph.Explain] answers one question, from the internet or from another workload.
//
// The answer is yes, no, or unknown with the name of what is not known. A [Set] of connections is carried from the internet
// along the edges of the graph and cut by guards: security groups, network ACLs, routes, public addresses, block public
// access, source lists, network policies. Each guard is compiled once. What is certain (must) and what is possible (may) is
// kept apart all the way, so that an unknown value counts only where it changes the answer.
//
// docs/network-model.md says what is modelled and follows a packet hop by hop.
//
// # Limitations
//
// Host firewalls, application-layer proxies of unknown software, the rules of network firewalls, and anything that speaks
// BGP are not evaluated.
package network
