package node

import (
	"fmt"
	"strings"

	"coffer.example/coffer/coins"
)

// NodeConfig returns the settings to put into the node's own configuration
// file (bitcoin.conf and its likes), with the reason for each, in the dialect
// of the coin's reference node. It holds no secrets and listens on the machine
// itself only.
func NodeConfig(p *coins.Params) string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("# Settings of %s for Coffer, %s %s.", p.Node.Daemon, p.Name, p.Network)
	line("# The node's own wallet is not used: it is only a source of blocks and a")
	line("# place to hand signed transactions to.")
	section := networkSection(p)
	if section.flag != "" {
		line("%s", section.flag)
	}
	if section.name != "" {
		line("\n[%s]", section.name)
	}
	line("\n# Calls. The node writes a cookie file at each start: give its path as")
	line("# cookie_file. For a user with a password make an rpcauth line with the")
	line("# node's share/rpcauth/rpcauth.py; a password is never to stand here in clear.")
	line("server=1")
	line("rpcbind=127.0.0.1")
	line("rpcallowip=127.0.0.1")
	line("rpcport=%d", p.Node.RPCPort)
	line("# Enough threads and room for batches beside the blocks in flight.")
	line("rpcthreads=8")
	line("rpcworkqueue=64")
	line("\n# Blocks as raw bytes over HTTP: the fastest way. It asks for no password, so")
	line("# keep the port closed to others.")
	line("rest=1")
	line("\n# The peer protocol: the next fastest way. A trusted peer is served also during")
	line("# initial download, is never banned, and hears of transactions without delay.")
	line("listen=1")
	line("port=%d", p.Node.P2PPort)
	line("whitelist=%s127.0.0.1", whitelistRight(p))
	line("\n# Wake-ups: deposits are seen the moment the node has them. The addresses are")
	line("# free to choose; give the same one as zmq.")
	const endpoint = "tcp://127.0.0.1:28332"
	for _, topic := range []string{topicHashBlock, topicRawTx} {
		line("zmqpub%s=%s", topic, endpoint)
		if !isOldDialect(p) {
			line("zmqpub%shwm=10000", topic)
		}
	}
	line("\n# Every block is kept, so that addresses can be imported with their history.")
	line("prune=0")
	line("# Neither a transaction index nor the node's wallet is needed.")
	line("txindex=0")
	line("disablewallet=1")
	line("\n# Memory for the node's own coin set, in MiB: more makes its first download faster.")
	line("dbcache=1000")
	return b.String()
}

// isOldDialect tells the nodes that branched off Core before 0.17: their files
// have no sections, a whitelist has no rights, and ZMQ no high-water marks. A
// coin without segwit on its network has such a node; a configuration is written
// before there is a node that could be asked.
func isOldDialect(p *coins.Params) bool { return !p.Format.Segwit }

func whitelistRight(p *coins.Params) string {
	if isOldDialect(p) {
		return ""
	}
	return "noban@"
}

// chainSection is how a network is named in the configuration file.
type chainSection struct{ flag, name string }

func networkSection(p *coins.Params) chainSection {
	var s chainSection
	switch p.Network {
	case coins.Main:
		return s
	case coins.Test:
		s = chainSection{"testnet=1", "test"}
	case coins.Testnet4:
		s = chainSection{"testnet4=1", "testnet4"}
	case coins.Signet:
		s = chainSection{"signet=1", "signet"}
	case coins.Regtest:
		s = chainSection{"regtest=1", "regtest"}
	}
	if isOldDialect(p) {
		s.name = ""
	}
	return s
}

// NotifyConfig returns the lines for the node's own configuration file by which
// it wakes Coffer over HTTP at HOST:PORT, where Coffer listens. ZMQ and the peer
// protocol do the same sooner; these need neither.
func NotifyConfig(p *coins.Params, listen string) string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	const curl = "curl -s -m 5 -o /dev/null http://"
	line("\n# Wake-ups over HTTP, where neither ZMQ nor the peer protocol can be had. They")
	line("# carry no truth and need no answer: Coffer looks at the node by itself too.")
	line("blocknotify=%s%s/hint/%s/block/%%s", curl, listen, p.Symbol)
	line("# For the node's own wallet only, which Coffer does not need (disablewallet=0):")
	line("# walletnotify=%s%s/hint/%s/wallet/%%s", curl, listen, p.Symbol)
	return b.String()
}
