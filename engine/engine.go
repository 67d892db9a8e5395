package engine

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/node"
	"coffer.example/coffer/store/watchlog"
)

// Options of an engine that are not configuration.
type Options struct {
	// OnEvent is told what happens, by the goroutine that it happens in. It must not block. May be nil.
	OnEvent func(Event)
	// Clock is time; nil is time.Now.
	Clock func() time.Time
	// Nodes says how several nodes of a coin are used as one; OnEvent of it is not used.
	Nodes node.PoolOptions
	// Free tells the bytes that are free on the disk of a folder; nil asks the system.
	Free func(dir string) (uint64, error)
	// Tend is how often Run looks for garbage in the indexes; 0 is ten minutes.
	Tend time.Duration
	// WatchLog is given the file of a coin's watch log and returns what is used in its place; nil is the file itself.
	WatchLog func(watchlog.File) watchlog.File
}

// Engine is Coffer at work on one data folder. It is safe for concurrent use.
type Engine struct {
	config  *Config
	options Options
	parts   []*part
	wholes  []*wholePart

	mu    sync.Mutex
	since time.Time // Run began; zero while nobody runs it
}

var _ Operations = (*Engine)(nil)

// Open prepares an engine. Indexes and nodes are opened by what first needs them, so that a coin in trouble is in the
// way of none. Close it when done.
func Open(_ context.Context, config *Config, options Options) (*Engine, error) {
	if options.OnEvent == nil {
		options.OnEvent = func(Event) {}
	}
	if options.Clock == nil {
		options.Clock = time.Now
	}
	if options.Free == nil {
		options.Free = freeSpace
	}
	if err := os.MkdirAll(config.DataDir, 0o700); err != nil {
		return nil, fmt.Errorf("data_dir: %w", err)
	}
	e := &Engine{config: config, options: options}
	for i := range config.Coins {
		p, err := newPart(config, &config.Coins[i], &e.options)
		if err != nil {
			return nil, err
		}
		e.parts = append(e.parts, p)
	}
	e.wholes = newWholes(e.parts)
	return e, nil
}

// Close closes what was opened. Run and everything else must have ended.
func (e *Engine) Close() error {
	var errs []error
	for _, w := range e.wholes {
		errs = append(errs, w.close())
	}
	for _, p := range e.parts {
		if err := p.close(); err != nil {
			errs = append(errs, fmt.Errorf("%s: close: %w", p.config.Symbol, err))
		}
	}
	return errors.Join(errs...)
}

// Run follows every coin's chain and does its rescans until ctx ends, and then returns nil. A coin in trouble is tried
// again by itself; only a part that panics ends Run, with [ErrPartDied].
func (e *Engine) Run(ctx context.Context) error {
	e.mu.Lock()
	e.since = e.options.Clock()
	e.mu.Unlock()
	group, ctx := errgroup.WithContext(ctx)
	for _, p := range e.parts {
		group.Go(func() error { return guard(p.config.Symbol, func() error { return p.run(ctx) }) })
	}
	for _, w := range e.wholes {
		group.Go(func() error { return guard(w.part.config.Symbol, func() error { return w.run(ctx) }) })
	}
	return group.Wait()
}

// CatchUp brings every coin to its node's tip and does all rescans that wait, then returns. A coin that fails does not
// stop the others; its error is in what is returned.
func (e *Engine) CatchUp(ctx context.Context) error {
	errs := make([]error, len(e.parts))
	var group sync.WaitGroup
	for i, p := range e.parts {
		group.Go(func() {
			err := guard(p.config.Symbol, func() error { return p.catchUp(ctx, 0) })
			if err != nil {
				errs[i] = fmt.Errorf("%s: %w", p.config.Symbol, err)
			}
		})
	}
	group.Wait()
	for _, w := range e.wholes {
		errs = append(errs, guard(w.part.config.Symbol, func() error { return w.catchUp(ctx) }))
	}
	return errors.Join(errs...)
}

// RunJob brings a coin to its node's tip and does the rescans that wait until one has ended; how is in its record.
// It is for a process of its own: where Run does the jobs, just look at the record.
func (e *Engine) RunJob(ctx context.Context, coin coins.Symbol, id JobID) error {
	p, err := e.part(coin)
	if err != nil {
		return err
	}
	return guard(coin, func() error { return p.catchUp(ctx, id) })
}

// part returns a configured coin's part.
func (e *Engine) part(coin coins.Symbol) (*part, error) {
	for _, p := range e.parts {
		if p.config.Symbol == coin {
			return p, nil
		}
	}
	_, err := e.config.Coin(coin)
	return nil, err
}

// guard turns a panic into [ErrPartDied], with where it happened.
func guard(coin coins.Symbol, work func() error) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("%s: %w: %v\n%s", coin, ErrPartDied, cause, debug.Stack())
		}
	}()
	return work()
}
