package simnode

import "coffer.example/coffer/coins"

// dialect is how one kind of node answers, where nodes differ.
type dialect struct {
	kind       kind
	version    int
	subversion string
	services   uint64
	names      []string // of the services, where the node lists them
	// missing are the methods that this kind of node does not have.
	missing map[string]bool
	// relay and increment are the fee rates that the node reports.
	relay, increment coins.Amount
	// sequence: getrawmempool's mempool_sequence and the ZMQ topic exist.
	sequence bool
	// byHeight: REST has blockhashbyheight.
	byHeight bool
}

type kind uint8

const (
	core29 kind = iota
	litecoin21
	dogecoin14
)

// Services that a node may offer (BIP 144 and others).
const (
	serviceNetwork = 1
	serviceBloom   = 1 << 2
	serviceWitness = 1 << 3
	serviceLimited = 1 << 10
	serviceMWEB    = 1 << 24
)

// dialectOf returns the dialect of the coin's reference node, which the coin's
// block format tells.
func dialectOf(f coins.Format) *dialect {
	switch {
	case f.AuxPoW:
		return &dialect{
			kind: dogecoin14, version: 1149900, subversion: "/Shibetoshi:1.14.99/",
			services: serviceNetwork | serviceBloom | serviceWitness,
			missing: setOf("scantxoutset", "getindexinfo", "testmempoolaccept", "gettxspendingprevout",
				"getdeploymentinfo", "getzmqnotifications", "getblockfilter", "submitpackage"),
			relay: 100_000, increment: 10_000,
		}
	case f.MWEB:
		return &dialect{
			kind: litecoin21, version: 210201, subversion: "/LitecoinCore:0.21.2.1/",
			services: serviceNetwork | serviceWitness | serviceLimited | serviceMWEB,
			names:    []string{"NETWORK", "WITNESS", "NETWORK_LIMITED", "MWEB"},
			missing:  setOf("gettxspendingprevout", "getdeploymentinfo", "submitpackage", "estimatefee", "getinfo"),
			relay:    1000, increment: 1000, sequence: true, byHeight: true,
		}
	}
	return &dialect{
		kind: core29, version: 290000, subversion: "/Satoshi:29.0.0/",
		services: serviceNetwork | serviceWitness | serviceLimited,
		names:    []string{"NETWORK", "WITNESS", "NETWORK_LIMITED"},
		missing:  setOf("estimatefee", "getinfo"),
		relay:    1000, increment: 1000, sequence: true, byHeight: true,
	}
}

func setOf(names ...string) map[string]bool {
	set := make(map[string]bool, len(names))
	for _, name := range names {
		set[name] = true
	}
	return set
}

// warnings are in a list since Core 28, and a text before.
func (d *dialect) warnings() any {
	if d.kind == core29 {
		return list{}
	}
	return ""
}
