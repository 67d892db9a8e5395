// Package acceptance holds Coffer as a whole to what its users are promised: the real engine on real full nodes, and
// the real daemon against everything that can end a process.
//
// Its place: above everything. It has no code of its own but tests, and judges the engine by what the nodes say only.
//
//	scenario_test.go   stories with named people and transactions, told on bitcoind, litecoind and dogecoind
//	mweb_test.go       Litecoin's peg-ins and peg-outs
//	story_test.go      what a story can do; prove_test.go what is compared after each
//	rig_test.go        a node that stories are told on, real (real_test.go) or simulated (sim_test.go)
//	latency_test.go    how soon a block can be queried, measured and logged
//	kill_test.go       the daemon under SIGKILL and SIGTERM; disk_test.go on a disk that is full
//
// After each story the index has to be equal, to the base unit, with the node's own decode of every block and with
// its scantxoutset, with its own change log, with an index made from nothing, and with itself rebuilt.
//
// Where a node is not installed its stories are skipped with what to install, and fail with CI=true. Dogecoin's are
// told on the simulated node where there is no dogecoind. COFFER_SOAK=1 makes the kill test a long one, and
// COFFER_SEED=N repeats a run of it.
package acceptance
