package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"

	"golang.org/x/sync/errgroup"

	"coffer.example/coffer"
	"coffer.example/coffer/coins"
	"coffer.example/coffer/engine"
	"coffer.example/coffer/scanner"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if len(os.Args) < 4 {
		fmt.Fprintln(os.Stderr, "usage: deposits CONFIG COIN ADDRESS…")
		os.Exit(2)
	}
	if err := run(ctx, os.Stdout, os.Args[1], coins.Symbol(os.Args[2]), os.Args[3:]); err != nil {
		fmt.Fprintln(os.Stderr, "deposits:", err)
		os.Exit(1)
	}
}

// run follows the chain until ctx ends.
func run(ctx context.Context, out io.Writer, file string, coin coins.Symbol, addresses []string) (err error) {
	config, err := coffer.Load(file)
	if err != nil {
		return err
	}
	news := make(chan struct{}, 1)
	c, err := coffer.Open(ctx, config, coffer.OnEvent(func(e coffer.Event) {
		if e.Coin == coin && changes(e) {
			select {
			case news <- struct{}{}:
			default: // there is a look to come already
			}
		}
	}))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	group, working := errgroup.WithContext(ctx)
	group.Go(func() error { return c.Run(working) })
	w := watcher{operations: c, coin: coin, addresses: addresses, out: out}
	group.Go(func() error { return w.watch(working, news) })
	err = group.Wait()
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return nil // Ctrl-C, in the middle of a question
	}
	return err
}

// changes tells events after which balances may be others: blocks come and go, rescans end, the mempool moves.
func changes(e coffer.Event) bool {
	switch d := e.Detail.(type) {
	case engine.JobEnded:
		return true
	case engine.Scanned:
		switch d.Event.(type) {
		case scanner.Connected, scanner.Disconnected, scanner.MempoolSize:
			return true
		}
	}
	return false
}

// watcher prints the balances of addresses.
type watcher struct {
	operations coffer.Operations
	coin       coins.Symbol
	addresses  []string
	out        io.Writer
}

// watch imports the addresses and prints their balances whenever there is news.
func (w *watcher) watch(ctx context.Context, news <-chan struct{}) error {
	request := coffer.ImportRequest{Addresses: w.addresses, From: "none"}
	if _, err := w.operations.ImportAddresses(ctx, w.coin, request); err != nil {
		return err
	}
	for {
		for _, address := range w.addresses {
			b, err := w.operations.Balance(ctx, w.coin, address)
			if err != nil {
				return err
			}
			fmt.Fprintf(w.out, "%s: %s confirmed, %s coming in, %s going out\n", address, b.Confirmed, b.Incoming, b.Outgoing)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-news:
		}
	}
}
