// Package doge holds Dogecoin's parameters.
//
// Its place in the flow: the wiring calls [New]; everything that works with
// the parameters is in coins/core.
//
// Sources: Dogecoin Core 1.14.7, src/chainparams.cpp (genesis, prefixes, peer
// ports, magic, maturity and merge mining by height), src/chainparamsbase.cpp
// (RPC ports), src/consensus and src/amount.h (block size, largest amount of
// one transaction) and src/policy with doc/fee-recommendation.md (dust limits,
// relay floor, wallet fee). There is no segwit, so a size in bytes is a size in
// virtual bytes and a weight is four times it.
package doge
