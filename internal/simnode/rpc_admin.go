package simnode

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

func adminMethods() map[string]method {
	return map[string]method{
		"getnetworkinfo":      {nil, (*Node).getNetworkInfo},
		"getpeerinfo":         {nil, (*Node).getPeerInfo},
		"getconnectioncount":  {nil, (*Node).getConnectionCount},
		"getzmqnotifications": {nil, (*Node).getZMQNotifications},
		"getindexinfo":        {[]string{"?index_name"}, func(*Node, args) (any, error) { return object{}, nil }},
		"uptime":              {nil, (*Node).uptime},
		"help":                {[]string{"?command"}, (*Node).help},
		"getinfo":             {nil, (*Node).getInfo},
		"stop":                {nil, (*Node).stop},
	}
}

func (n *Node) getNetworkInfo(args) (any, error) {
	d := n.dialect
	peers := n.peerCount()
	o := object{
		{"version", d.version}, {"subversion", d.subversion}, {"protocolversion", n.chain.params.Node.ProtocolVersion},
		{"localservices", fmt.Sprintf("%016x", d.services)},
	}
	newer := d.kind != dogecoin14
	o = o.when(newer, "localservicesnames", listOf(d.names)).with("localrelay", true).with("timeoffset", 0).
		with("networkactive", true).with("connections", peers).
		when(newer, "connections_in", peers).when(newer, "connections_out", 0).
		with("networks", list{}).with("relayfee", d.relay).with("incrementalfee", d.increment)
	if !newer {
		policy := n.chain.params.Policy
		o = o.with("softdustlimit", policy.SoftDust).with("harddustlimit", policy.HardDust)
	}
	return o.with("localaddresses", list{}).with("warnings", d.warnings()), nil
}

// getPeerInfo lists the peers, all of them trusted: nobody waits for news.
func (n *Node) getPeerInfo(args) (any, error) {
	found := list{}
	if n.doors.peers == nil {
		return found, nil
	}
	for i, address := range n.doors.peers.addresses() {
		o := object{{"id", i}, {"addr", address}, {"addrbind", n.P2P}, {"inbound", true}}
		if n.dialect.kind == dogecoin14 {
			o = o.with("whitelisted", true)
		} else {
			o = o.with("permissions", list{"noban"})
		}
		found = append(found, o)
	}
	return found, nil
}

func (n *Node) peerCount() int {
	if n.doors.peers == nil {
		return 0
	}
	return len(n.doors.peers.addresses())
}

func (n *Node) getConnectionCount(args) (any, error) { return n.peerCount(), nil }

func (n *Node) getZMQNotifications(args) (any, error) {
	found := list{}
	if n.doors.publisher != nil {
		for _, topic := range n.doors.publisher.topics {
			found = append(found, object{{"type", "pub" + topic}, {"address", n.ZMQ}, {"hwm", 1000}})
		}
	}
	return found, nil
}

func (n *Node) uptime(args) (any, error) { return int64(time.Since(n.state.started).Seconds()), nil }

func (n *Node) help(a args) (any, error) {
	if a.at(0) == nil {
		var lines []string
		for name, m := range n.methods {
			usage, _, _ := strings.Cut(m.usage(name), "\n")
			lines = append(lines, usage)
		}
		slices.Sort(lines)
		return "== Simulated ==\n" + strings.Join(lines, "\n"), nil
	}
	name, err := a.text(0)
	if err != nil {
		return nil, err
	}
	m, ok := n.methods[name]
	if !ok {
		return "help: unknown command: " + name, nil
	}
	return strings.TrimSpace(m.usage(name)), nil
}

func (n *Node) getInfo(args) (any, error) {
	return object{
		{"version", n.dialect.version}, {"protocolversion", n.chain.params.Node.ProtocolVersion},
		{"blocks", n.chain.Tip().Height}, {"timeoffset", 0}, {"connections", n.peerCount()}, {"proxy", ""},
		{"difficulty", regtestDifficulty}, {"testnet", false}, {"relayfee", n.dialect.relay}, {"errors", ""},
	}, nil
}

// stop ends the node; the answer may still arrive.
func (n *Node) stop(args) (any, error) {
	n.life.work.Go(n.shut)
	return "Server stopping", nil
}
