// Package utxo is the index: watched scripts, their coins, balances and
// history, as a pure function of the chain and the watch set.
package utxo
