package main

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"coffer.example/coffer/coins"
)

// errViolated says that a check found something wrong.
var errViolated = errors.New("the index is damaged")

func (a *app) blockCommand() *cli.Command {
	return &cli.Command{
		Name: "block", Usage: "look at a block, through the node", ArgsUsage: "COIN HEIGHT|HASH",
		Flags:  []cli.Flag{&cli.BoolFlag{Name: "txids", Usage: "list its transactions too"}},
		Action: a.block,
	}
}

func (a *app) block(c *cli.Context) error {
	coin, rest, err := coinArg(c, 1, 1)
	if err != nil {
		return err
	}
	return a.with(c.Context, func(s *session) error {
		b, err := s.Block(c.Context, coin, rest[0])
		if err != nil {
			return err
		}
		a.show(b, func() {
			var p pairs
			p.add("height", "%d", b.ID.Height)
			p.add("hash", "%s", b.ID.Hash)
			p.add("previous", "%s", b.Prev)
			p.add("time", "%s UTC", timeText(b.Time))
			p.add("confirmations", "%s", count(b.Confirmations))
			p.add("size", "%s", plural(b.Bytes, "byte", "bytes"))
			p.add("transactions", "%s, with %s and %s", count(b.Transactions), plural(b.Inputs, "input", "inputs"),
				plural(b.Outputs, "output", "outputs"))
			if b.PegOuts > 0 {
				p.add("peg-outs", "%d", b.PegOuts)
			}
			if b.MergeMined {
				p.add("merge-mined", "yes")
			}
			if b.Nodes != nil {
				p.add("on the chain of", "%d of %d nodes", b.Nodes.Agree, b.Nodes.Of)
			}
			p.write(a.out)
			if c.Bool("txids") {
				for _, id := range b.TxIDs {
					fmt.Fprintln(a.out, id)
				}
			}
		})
		return nil
	})
}

func (a *app) txCommand() *cli.Command {
	return &cli.Command{
		Name: "tx", Usage: "look at transactions",
		Subcommands: []*cli.Command{{
			Name: "raw", Usage: "a transaction's bytes in hexadecimal, through the node", ArgsUsage: "COIN TXID",
			Flags:  []cli.Flag{&cli.StringFlag{Name: "block", Usage: "look in the block of this `HEIGHT|HASH` (default: the mempool)"}},
			Action: a.txRaw,
		}},
	}
}

func (a *app) txRaw(c *cli.Context) error {
	coin, rest, err := coinArg(c, 1, 1)
	if err != nil {
		return err
	}
	id, err := coins.ParseTxID(rest[0])
	if err != nil {
		return err
	}
	return a.with(c.Context, func(s *session) error {
		tx, err := s.Transaction(c.Context, coin, id, c.String("block"))
		if err != nil {
			return err
		}
		a.show(tx, func() { fmt.Fprintln(a.out, tx.Hex) })
		return nil
	})
}

func (a *app) indexCommand() *cli.Command {
	return &cli.Command{
		Name: "index", Usage: "look after an index",
		Subcommands: []*cli.Command{
			{Name: "check", Usage: "prove every invariant of the index", ArgsUsage: "COIN", Action: a.indexCheck},
			{
				Name: "rebuild", Usage: "drop everything but the watch set and read it from the node again", ArgsUsage: "COIN",
				Flags: []cli.Flag{
					&cli.BoolFlag{Name: "yes", Usage: "do not ask"},
					&cli.BoolFlag{Name: "all", Usage: "the index of every script (index: all), not the watched one"},
					&cli.BoolFlag{Name: "wait", Usage: "wait until it is done; without a daemon, do it here"},
				},
				Action: a.indexRebuild,
			},
			{Name: "compact", Usage: "give back the space of what was deleted or written again", ArgsUsage: "COIN", Action: a.indexCompact},
		},
	}
}

func (a *app) indexCheck(c *cli.Context) error {
	coin, _, err := coinArg(c, 0, 0)
	if err != nil {
		return err
	}
	return a.with(c.Context, func(s *session) error {
		if a.terminal {
			fmt.Fprintf(a.err, "checking every row of the %s index…\n", coin)
		}
		report, err := s.CheckIndex(c.Context, coin)
		if err != nil {
			return err
		}
		a.show(report, func() {
			verdict := "sound"
			if len(report.Violations) > 0 {
				verdict = "damaged"
			}
			var p pairs
			p.add("index", "%s", verdict)
			p.add("tip", "%s", blockText(report.Tip))
			if report.Digest != "" {
				p.add("digest", "%s", report.Digest)
			}
			p.add("took", "%s", report.Took.Round(time.Millisecond))
			p.write(a.out)
			for _, violation := range report.Violations {
				fmt.Fprintln(a.out, violation)
			}
			a.tellWholeReport(report.Whole)
		})
		if !report.OK {
			return fmt.Errorf("%s: %w; %s", coin, errViolated, rebuildRemedy(coin, report))
		}
		return nil
	})
}

func (a *app) indexRebuild(c *cli.Context) error {
	coin, _, err := coinArg(c, 0, 0)
	if err != nil {
		return err
	}
	if c.Bool("all") {
		return a.rebuildWhole(c, coin)
	}
	if !c.Bool("yes") {
		if !a.terminal {
			return usagef("rebuilding drops coins and history until they are read again: say --yes")
		}
		fmt.Fprintf(a.err, "This drops the coins and history of %s until they are read from the node again. The watch set is kept.\nGo on? [y/N] ", coin)
		var answer string
		if _, err := fmt.Fscanln(a.in, &answer); err != nil || !strings.HasPrefix(strings.ToLower(answer), "y") {
			return usagef("not rebuilt")
		}
	}
	return a.with(c.Context, func(s *session) error {
		result, err := s.RebuildIndex(c.Context, coin)
		if err != nil {
			return err
		}
		if c.Bool("wait") && result.Job != nil {
			job, err := a.wait(c.Context, s, *result.Job)
			if err != nil {
				return err
			}
			result.Job = &job
		}
		a.show(result, func() {
			fmt.Fprintf(a.out, "the index begins anew; %s watched\n", plural(result.Known, "address is still", "addresses are still"))
			if job := result.Job; job != nil && job.State == "done" {
				a.tellJobEnd(*job)
			} else if job != nil {
				fmt.Fprintf(a.out, "job %d reads their past from block %d\n", job.ID, job.From)
			}
		})
		return nil
	})
}
