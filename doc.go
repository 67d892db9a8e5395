// Package coffer embeds Coffer in a Go program: an engine that follows the chains of its full nodes and answers about the
// addresses it watches. It is one of three views of the same operations; the command line and the HTTP API are the
// others.
//
// Its place in the flow: a thin front of [coffer.example/coffer/engine], which documents every operation. It adds
// nothing but options.
//
//	config, err := coffer.Load("coffer.yaml")
//	…
//	c, err := coffer.Open(ctx, config)
//	…
//	defer c.Close()
//	go c.Run(ctx)
//	result, err := c.ImportAddresses(ctx, "btc", coffer.ImportRequest{Addresses: addresses})
//	balance, err := c.Balance(ctx, "btc", addresses[0])
//
// A data folder belongs to one process at a time: while a program has it open, the daemon and the command line cannot,
// and the other way round.
package coffer
