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

import (
	"context"
	"os"
	"time"

	"coffer.example/coffer/engine"
)

// What the operations take and give; [engine] documents them.
type (
	Config        = engine.Config
	CoinConfig    = engine.CoinConfig
	NodeConfig    = engine.NodeConfig
	Operations    = engine.Operations
	Event         = engine.Event
	Page          = engine.Page
	ImportRequest = engine.ImportRequest
	RescanRequest = engine.RescanRequest
	CoinQuery     = engine.CoinQuery
	HistoryQuery  = engine.HistoryQuery
)

// Load reads a configuration file, with ${NAME}s from the environment. Every fault is reported at once, as an
// [*engine.ConfigError].
func Load(file string) (*Config, error) { return engine.LoadConfig(file, os.LookupEnv) }

// Option changes how an engine is opened.
type Option func(*engine.Options)

// OnEvent has what happens told to a function, by the goroutine that it happens in. It must not block, nor call the
// engine.
func OnEvent(tell func(Event)) Option {
	return func(o *engine.Options) { o.OnEvent = tell }
}

// WithClock gives the engine another time than the machine's.
func WithClock(now func() time.Time) Option {
	return func(o *engine.Options) { o.Clock = now }
}

// Coffer is an open engine. Its methods are those of [engine.Engine]: the [Operations], Run, CatchUp and Close.
type Coffer struct{ *engine.Engine }

// Open opens an engine on the configuration's data folder. Indexes and nodes are opened by what first needs them; Run
// follows the chains. Close it when done.
func Open(ctx context.Context, config *Config, options ...Option) (*Coffer, error) {
	var o engine.Options
	for _, option := range options {
		option(&o)
	}
	opened, err := engine.Open(ctx, config, o)
	if err != nil {
		return nil, err
	}
	return &Coffer{opened}, nil
}
