// Package nodetest is the suite that a full node, real or simulated, has to
// pass with Coffer's client: it drives the node to known states and compares
// what the client takes from it over every transport.
//
// Whoever adds a node, or a coin, writes one factory and calls [Run].
package nodetest
