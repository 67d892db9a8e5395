// Command deposits is the smallest embedding: it watches addresses of a coin and prints their balances as blocks come.
//
//	go run ./examples/deposits coffer.yaml btc ADDRESS…
//
// Its place in the flow: a program of a user's, beside cmd/coffer. Invariant: it says a balance again only after
// something that may have changed it.
package main
