// Package ltc holds Litecoin's parameters.
//
// Its place in the flow: the wiring calls [New]; everything that works with
// the parameters is in coins/core. To read addresses in the old form that is
// Bitcoin's too, build the coin from [Params] with core.AcceptAmbiguous.
//
// Sources: Litecoin Core 0.21, src/chainparams.cpp (genesis, prefixes, peer
// ports, magic, segwit height), src/chainparamsbase.cpp (RPC ports),
// src/consensus (block weight, maturity of coinbase and peg-outs, money range)
// and src/policy (dust and relay rates, chain limits). The taproot heights of
// main and test are those from which its BIP 8 deployment may be active.
package ltc
