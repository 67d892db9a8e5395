package main

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/engine"
)

func (a *app) snapshotCommand() *cli.Command {
	return &cli.Command{
		Name: "snapshot", Usage: "save indexes to a folder, while they go on", ArgsUsage: "[COIN…]",
		Description: "Saves each coin's index at one whole block, with its watch set, to a new folder. The daemon goes on meanwhile.\n" +
			"The folder appears when everything in it is on the disk; `coffer restore` reads it.",
		Flags:  []cli.Flag{&cli.StringFlag{Name: "to", Usage: "the new `FOLDER`"}},
		Action: a.snapshot,
	}
}

func (a *app) restoreCommand() *cli.Command {
	return &cli.Command{
		Name: "restore", Usage: "bring indexes back from a snapshot", ArgsUsage: "FOLDER [COIN…]",
		Description: "Loads each coin's index beside what is there, and puts it in its place when it is complete. It gets a new id,\n" +
			"and catches up with the chain from the snapshot's block when the daemon runs.",
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "verify", Usage: "prove every invariant of what was loaded, and that it is what was saved"},
			&cli.BoolFlag{Name: "replace", Usage: "move an index that is there aside; it is kept"},
		},
		Action: a.restore,
	}
}

func (a *app) snapshot(c *cli.Context) error {
	to, err := filepath.Abs(c.String("to"))
	if err != nil || c.String("to") == "" {
		return usagef("where to? --to FOLDER names the new folder")
	}
	symbols, err := symbolArgs(c.Args().Slice())
	if err != nil {
		return err
	}
	return a.with(c.Context, func(s *session) error {
		var report engine.SnapshotReport
		err := a.watched(c.Context, s, symbols, func(ctx context.Context) (err error) {
			report, err = s.Snapshot(ctx, engine.SnapshotRequest{To: to, Coins: symbols})
			return err
		})
		if err != nil {
			return err
		}
		a.show(report, func() {
			t := newTable("coin", "tip", ">addresses", ">rows", ">MB", "digest")
			for i := range report.Coins {
				t.row(savedRow(&report.Coins[i])...)
			}
			t.write(a.out, a.width)
			fmt.Fprintf(a.out, "saved to %s, %s MB in %s\n", report.Path, megabytes(report.Bytes), report.Took.Round(time.Millisecond))
		})
		return nil
	})
}

func savedRow(c *engine.SnapshotCoin) []string {
	return []string{string(c.Coin), blockText(c.Tip), count(c.Watched), count(c.Rows), megabytes(c.Bytes), c.Digest}
}

func (a *app) restore(c *cli.Context) error {
	if c.NArg() == 0 {
		return usagef("which snapshot? usage: %s", usageLine(c))
	}
	from, err := filepath.Abs(c.Args().First())
	if err != nil || c.Args().First() == "" {
		return usagef("%q is not a folder", c.Args().First())
	}
	symbols, err := symbolArgs(c.Args().Tail())
	if err != nil {
		return err
	}
	request := engine.RestoreRequest{From: from, Coins: symbols, Verify: c.Bool("verify"), Replace: c.Bool("replace")}
	return a.with(c.Context, func(s *session) error {
		var report engine.RestoreReport
		err := a.watched(c.Context, s, symbols, func(ctx context.Context) (err error) {
			report, err = s.Restore(ctx, request)
			return err
		})
		if err != nil {
			return err
		}
		a.show(report, func() { a.tellRestored(&report) })
		return nil
	})
}

func (a *app) tellRestored(report *engine.RestoreReport) {
	t := newTable("coin", "tip", ">addresses", ">rows", ">MB", "digest", "verified", "watch log")
	for i := range report.Coins {
		one := &report.Coins[i]
		verified := "no"
		if one.Verified {
			verified = "yes"
		}
		t.row(append(savedRow(&one.SnapshotCoin), verified, orDash(one.WatchLog))...)
	}
	t.write(a.out, a.width)
	for _, one := range report.Coins {
		if one.Replaced != "" {
			fmt.Fprintf(a.out, "%s: the index from before is kept in %s; delete it when you no longer need it\n", one.Coin, one.Replaced)
		}
	}
	fmt.Fprintf(a.out, "restored in %s; `coffer daemon` catches up from there\n", report.Took.Round(time.Millisecond))
}

func (a *app) indexCompact(c *cli.Context) error {
	coin, _, err := coinArg(c, 0, 0)
	if err != nil {
		return err
	}
	return a.with(c.Context, func(s *session) error {
		report, err := s.CompactIndex(c.Context, coin)
		if err != nil {
			return err
		}
		a.show(report, func() {
			var p pairs
			p.add("before", "%s MB", megabytes(report.Before))
			p.add("after", "%s MB", megabytes(report.After))
			p.add("won", "%s MB", megabytes(max(report.Before-report.After, 0)))
			p.add("took", "%s", report.Took.Round(time.Millisecond))
			p.write(a.out)
		})
		return nil
	})
}

func megabytes(bytes int64) string { return fmt.Sprintf("%.1f", float64(bytes)/1e6) }

// symbolArgs reads the names of coins.
func symbolArgs(args []string) (symbols []coins.Symbol, err error) {
	for _, arg := range args {
		if arg == "" {
			return nil, usagef("an argument is empty: is a variable not set?")
		}
		symbols = append(symbols, coins.Symbol(strings.ToLower(arg)))
	}
	return symbols, nil
}

// watched does work that is a task of coins, and draws its progress where somebody looks.
func (a *app) watched(ctx context.Context, s *session, symbols []coins.Symbol, work func(context.Context) error) error {
	if !a.terminal {
		return work(ctx)
	}
	if len(symbols) == 0 {
		for _, coin := range s.config.Coins {
			symbols = append(symbols, coin.Symbol)
		}
	}
	done := make(chan error, 1)
	go func() { done <- work(ctx) }()
	tick := time.NewTicker(jobPoll)
	defer tick.Stop()
	drawn, shown := &bar{}, ""
	defer func() { drawn.close() }()
	for {
		select {
		case err := <-done:
			return err
		case <-tick.C:
		}
		for _, symbol := range symbols {
			status, err := s.Coin(ctx, symbol)
			if err != nil || status.Index == nil || status.Index.Task == nil {
				continue // only the picture suffers
			}
			task := status.Index.Task
			if name := fmt.Sprintf("%s %s", task.Name, symbol); name != shown {
				drawn.close()
				drawn, shown = a.newBar(name, "rows"), name
			}
			drawn.set(int64(task.Done), int64(max(task.Total, task.Done)))
		}
	}
}
