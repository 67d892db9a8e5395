// Package coinstest is the conformance suite that every coin must pass. A
// coin's own tests call [Run] with the facts that its data must have and, where
// a node can be had, with the node.
//
// Its place in the flow: none at run time. It is exported for people who add
// a coin, in code or by a parameter file.
//
// What is compared with a node, or with what a node once answered:
//
//   - chain name, genesis hash and header, protocol version, relay floor
//   - each sample script's type and address, and each address's script
//   - every block: ids, outpoints, values, scripts, types, addresses, HogEx
//
// # Recorded blocks
//
// A fixture is a gzip file with one JSON object a line and block:
//
//	{"height": 0, "hash": "…", "hex": "…", "tx": [{"txid": "…",
//	  "vin": [{"coinbase": "…"} or {"txid": "…", "vout": 0} or {"ismweb": true}],
//	  "vout": [{"value": "88.00000000", "script": "…", "type": "pubkey", "addresses": ["…"]} or {"ismweb": true}]}]}
package coinstest
