package main

import (
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/engine"
)

// tellWhole tells how a coin's index of every script stands.
func (a *app) tellWhole(coin coins.Symbol, w *engine.WholeStatus) {
	if w == nil {
		return
	}
	fmt.Fprintf(a.out, "\n%s, every script: %s at block %s", coin, w.State, heightText(w.Tip))
	if w.State == engine.StateSyncing && w.Target > 0 {
		fmt.Fprintf(a.out, " of %d", w.Target)
		if w.Remaining > 0 {
			fmt.Fprintf(a.out, ", %.0f blocks and %.1f MB a second, %s to go", w.BlocksPerSecond, w.BytesPerSecond/1e6, age(w.Remaining))
		}
	}
	fmt.Fprintf(a.out, "; %s, %s unspent, %d MB\n", plural(w.Transactions, "transaction", "transactions"), plural(w.Coins, "output", "outputs"), w.DiskBytes>>20)
	if w.Reason != "" {
		fmt.Fprintf(a.out, "%s, every script, is %s: %s\n", coin, w.State, w.Reason)
	}
}

// fromWhole says on stderr where an answer comes from that is not the watched index's.
func (a *app) fromWhole(source string, tip *coins.BlockID) {
	if source == engine.SourceAll {
		fmt.Fprintf(a.err, "not watched: from the index of every script, up to its block %s, without what is unconfirmed\n", heightText(tip))
	}
}

// rebuildWhole is index rebuild --all.
func (a *app) rebuildWhole(c *cli.Context, coin coins.Symbol) error {
	if !c.Bool("yes") {
		if !a.terminal {
			return usagef("rebuilding drops the index of every script until it is read again: say --yes")
		}
		fmt.Fprintf(a.err, "This drops the index of every script of %s until it is read from the node again. Watched addresses are not concerned.\nGo on? [y/N] ", coin)
		var answer string
		if _, err := fmt.Fscanln(a.in, &answer); err != nil || !strings.HasPrefix(strings.ToLower(answer), "y") {
			return usagef("not rebuilt")
		}
	}
	return a.with(c.Context, func(s *session) error {
		status, err := s.RebuildWhole(c.Context, coin)
		if err != nil {
			return err
		}
		a.show(status, func() { fmt.Fprintln(a.out, "the index of every script begins anew") })
		return nil
	})
}

// tellWholeReport tells what a check found of the index of every script.
func (a *app) tellWholeReport(w *engine.WholeReport) {
	if w == nil {
		return
	}
	verdict := "sound"
	if !w.OK {
		verdict = "damaged"
	}
	var p pairs
	p.add("every script", "%s", verdict)
	p.add("tip", "%s", blockText(w.Tip))
	if w.Digest != "" {
		p.add("digest", "%s", w.Digest)
	}
	p.write(a.out)
	for _, violation := range w.Violations {
		fmt.Fprintln(a.out, violation)
	}
}

// rebuildRemedy is the command that makes anew what a check has found damaged.
func rebuildRemedy(coin coins.Symbol, report engine.CheckReport) string {
	command := fmt.Sprintf("`coffer index rebuild %s", coin)
	if len(report.Violations) == 0 && report.Whole != nil && !report.Whole.OK {
		command += " --all"
	}
	return command + "` makes it anew from the node"
}
