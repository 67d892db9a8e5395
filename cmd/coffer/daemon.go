package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime/debug"
	"time"

	"github.com/urfave/cli/v2"
	"golang.org/x/sync/errgroup"

	"coffer.example/coffer/api"
	"coffer.example/coffer/engine"
)

// stopLimit is the longest that the daemon takes to stop after a signal.
const stopLimit = 45 * time.Second

func (a *app) daemonCommand() *cli.Command {
	return &cli.Command{
		Name: "daemon", Usage: "follow the chains of all coins, do the rescans, and answer the other commands",
		Description: "It logs to standard error; with --json it writes a line of JSON per event to standard output instead.\n" +
			"Ctrl-C and SIGTERM stop it cleanly.",
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "once", Usage: "catch up to the tips, do the waiting rescans, and end"},
			&cli.BoolFlag{Name: "verbose", Aliases: []string{"v"}, Usage: "log every block while catching up, and every retry"},
		},
		Action: a.daemon,
	}
}

func (a *app) daemon(c *cli.Context) (err error) {
	if err := noArgs(c); err != nil {
		return err
	}
	config, err := a.config()
	if err != nil {
		return err
	}
	socket, err := api.Listen(config.Socket(), config.LockFile())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, socket.Close()) }()
	log := newEventLog(a.logger(c.Bool("verbose")))
	thrifty()
	opened, err := engine.Open(c.Context, config, engine.Options{OnEvent: func(e engine.Event) {
		if ready, is := e.Detail.(engine.Ready); is && ready.Watched >= manyWatched {
			debug.FreeOSMemory() // what opening so large an index took once
		}
		log.event(e)
	}})
	if err != nil {
		return err
	}
	log.log.Info("coffer daemon starts", "version", engine.Version(), "data_dir", config.DataDir, "socket", config.Socket())
	err = inTime(c.Context, func() error {
		err := a.serve(c.Context, socket, opened, daemonOptions{once: c.Bool("once"), listen: config.HTTP.Listen})
		return errors.Join(err, opened.Close())
	})
	if err == nil {
		log.log.Info("coffer daemon has stopped cleanly")
	}
	return err
}

// daemonOptions say how the daemon runs.
type daemonOptions struct {
	once   bool
	listen string // for HTTP; "" does not
}

// serve runs engine, socket and HTTP until ctx ends, one of them fails, or with once all is caught up.
// manyWatched is from how many addresses on opening an index leaves garbage worth giving back at once.
const manyWatched = 1_000_000

// daemonGC is the garbage collector's target in percent of what lives. Most of what a daemon holds lives long, and half
// of it as garbage on top is plenty; GOGC and GOMEMLIMIT have their say before.
const daemonGC = 50

func thrifty() {
	if os.Getenv("GOGC") == "" && os.Getenv("GOMEMLIMIT") == "" {
		debug.SetGCPercent(daemonGC)
	}
}

func (a *app) serve(ctx context.Context, socket *api.Socket, opened *engine.Engine, o daemonOptions) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return socket.Serve(ctx, api.Handler(opened)) })
	if o.listen != "" {
		group.Go(func() error { return api.ServeHTTP(ctx, o.listen, api.HintHandler(opened, nil)) })
	}
	group.Go(func() error {
		if !o.once {
			return opened.Run(ctx)
		}
		defer stop()
		return opened.CatchUp(ctx)
	})
	return group.Wait()
}

// inTime does the work, and gives up on it when it has not ended within stopLimit after ctx.
func inTime(ctx context.Context, work func() error) error {
	done := make(chan error, 1)
	go func() { done <- work() }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	limit := time.NewTimer(stopLimit)
	defer limit.Stop()
	select {
	case err := <-done:
		if errors.Is(err, context.Canceled) {
			return nil
		}
		return err
	case <-limit.C:
		return fmt.Errorf("did not stop within %s; what was not stored yet is read again: %w", stopLimit, engine.ErrPartDied)
	}
}

// logger is where the daemon's events go.
func (a *app) logger(verbose bool) *slog.Logger {
	options := &slog.HandlerOptions{Level: slog.LevelInfo}
	if verbose {
		options.Level = slog.LevelDebug
	}
	if a.json {
		return slog.New(slog.NewJSONHandler(a.out, options))
	}
	return slog.New(slog.NewTextHandler(a.err, options))
}
