package coffer

import (
	"context"
	"os"
	"time"

	"coffer.example/coffer/engine"
)

// What the operations take and give is the engine's.
type (
	// Config is a whole configuration: [engine.Config].
	Config = engine.Config
	// CoinConfig is one coin of it.
	CoinConfig = engine.CoinConfig
	// NodeConfig is one full node of a coin.
	NodeConfig = engine.NodeConfig
	// Operations is all that can be asked of an engine, or of a daemon.
	Operations = engine.Operations
	// Event is something that happened to a coin.
	Event = engine.Event
	// Page asks for a part of a list.
	Page = engine.Page
	// ImportRequest asks to watch addresses.
	ImportRequest = engine.ImportRequest
	// RescanRequest asks to read blocks again.
	RescanRequest = engine.RescanRequest
	// CoinQuery asks for unspent outputs.
	CoinQuery = engine.CoinQuery
	// HistoryQuery asks for what was received and spent.
	HistoryQuery = engine.HistoryQuery
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
