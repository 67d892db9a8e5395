// Command chaingen grows a mainnet-shaped regtest chain: on a running node, on a node that it starts itself, or in a file.
//
//	chaingen -start -datadir DIR                 start bitcoind on DIR, grow 500 full blocks, stop it
//	chaingen -rpc URL -cookie FILE               grow the chain of a node that runs
//	chaingen -out FILE                           no node: frames of magic, length and raw block
//
// The chain is the same for the same -coin, -seed, -txs and -watch; a longer -blocks continues it.
package main
