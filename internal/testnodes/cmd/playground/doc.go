// Command playground starts real regtest nodes and the daemon on them, prints what to try, and cleans up at Ctrl-C.
// `make regtest` runs it.
//
//	playground -dir DIR -coffer EXECUTABLE       nodes, configuration, blocks, daemon
//	playground call FILE METHOD [PARAMETER…]     one JSON-RPC call to a node; DIR/btc, DIR/ltc run this
//
// DIR gets a folder for each node, a script to call it, coffer.yaml and the daemon's log. A file in it marks it as made
// by this command; a folder without that mark is left alone.
package main
