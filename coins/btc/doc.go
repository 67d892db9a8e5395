// Package btc holds Bitcoin's parameters.
//
// Its place in the flow: the wiring calls [New]; everything that works with
// the parameters is in coins/core.
//
// Sources: Bitcoin Core 29, src/kernel/chainparams.cpp (genesis, prefixes,
// ports, magic, segwit and taproot heights), src/chainparamsbase.cpp (RPC
// ports), src/consensus (block weight, maturity, money range) and src/policy
// (dust and relay rates, chain limits). Taproot on test is active from 2011968
// as getdeploymentinfo reports. The relay floor is that of releases before
// 29.1, so that what we send relays through every node.
package btc
