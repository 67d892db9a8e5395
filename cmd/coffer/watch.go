package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/engine"
)

func (a *app) importCommand() *cli.Command {
	return &cli.Command{
		Name: "import-address", Usage: "watch addresses, and read their past", ArgsUsage: "COIN ADDRESS…",
		Description: "From now on every output to these addresses is seen, in blocks and before. Their past is read by a job\n" +
			"that begins at --from; reading from genesis reads every block once, however many addresses are given at once.",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "file", Usage: "read addresses from `FILE`, one a line, # begins a comment; - is standard input"},
			&cli.StringFlag{Name: "from", Value: "genesis",
				Usage: "where their past begins: a `HEIGHT`, a date (2026-11-20, two hours earlier to be safe), genesis or none"},
			&cli.StringFlag{Name: "label", Usage: "a `TEXT` kept with them"},
			&cli.BoolFlag{Name: "wait", Usage: "wait until their past is read; without a daemon, read it here"},
		},
		Action: a.importAddresses,
	}
}

// manyAddresses take long enough to import for a word to the person who waits.
const manyAddresses = 20_000

func (a *app) importAddresses(c *cli.Context) error {
	coin, addresses, err := coinArg(c, 0, engine.MaxImport)
	if err != nil {
		return err
	}
	list := addressList{addresses: addresses}
	if file := c.String("file"); file != "" {
		if err := a.readAddresses(file, &list); err != nil {
			return err
		}
	}
	if len(list.addresses) == 0 {
		return usagef("no address given; usage: %s", usageLine(c))
	}
	request := engine.ImportRequest{Addresses: list.addresses, From: c.String("from"), Label: c.String("label")}
	return a.with(c.Context, func(s *session) error {
		if len(list.addresses) >= manyAddresses && a.terminal {
			fmt.Fprintf(a.err, "importing %s addresses…\n", count(len(list.addresses)))
		}
		result, err := s.ImportAddresses(c.Context, coin, request)
		if err != nil {
			return list.locate(err)
		}
		if c.Bool("wait") && result.Job != nil {
			a.tellImport(coin, result, true, false)
			job, err := a.wait(c.Context, s, *result.Job)
			if err != nil {
				return err
			}
			result.Job = &job
			a.show(result, func() { a.tellJobEnd(job) })
			return nil
		}
		if c.Bool("wait") {
			if err := a.reachTip(c.Context, s, coin); err != nil {
				return err
			}
		}
		a.show(result, func() {})
		a.tellImport(coin, result, false, s.engine == nil)
		return nil
	})
}

// reachTip waits until the index has read every block up to the node's tip; without a daemon, it reads them here.
func (a *app) reachTip(ctx context.Context, s *session, coin coins.Symbol) error {
	if s.engine != nil {
		return s.engine.RunJob(ctx, coin, 0)
	}
	tick := time.NewTicker(jobPoll)
	defer tick.Stop()
	for {
		status, err := s.Coin(ctx, coin)
		switch {
		case err != nil:
			return err
		case status.State == engine.StateFollowing:
			return nil
		case status.State == engine.StateHalted:
			return fmt.Errorf("%s is halted: %s: %w", coin, status.Reason, engine.ErrHalted)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// tellImport says what was imported and what reading its past costs.
func (a *app) tellImport(coin coins.Symbol, result engine.ImportResult, waiting, daemon bool) {
	if a.json {
		return
	}
	total := result.Added + result.Known
	fmt.Fprintf(a.out, "%s watched from now on", plural(total, "address is", "addresses are"))
	if result.Known > 0 {
		fmt.Fprintf(a.out, " (%d known before)", result.Known)
	}
	fmt.Fprintln(a.out)
	job := result.Job
	if job == nil {
		return
	}
	fmt.Fprintf(a.err, "job %d reads %s for their past, from %d; a later --from costs less\n",
		job.ID, plural(job.Tip-job.From+1, "block", "blocks"), job.From)
	switch {
	case waiting:
	case daemon:
		fmt.Fprintf(a.err, "the daemon does it now: watch it with `coffer rescan show %s %d`\n", coin, job.ID)
	default:
		fmt.Fprintln(a.err, "no daemon is running: it begins when `coffer daemon` does")
	}
}

// addressList is addresses with the places that they came from.
type addressList struct {
	addresses []string
	// lines are the line numbers of the last len(lines) addresses, which are from file.
	lines []int
	file  string
}

// place names where address i came from, "" for the command line.
func (l *addressList) place(i int) string {
	given := len(l.addresses) - len(l.lines)
	if i < given {
		return ""
	}
	return fmt.Sprintf("%s:%d: ", l.file, l.lines[i-given])
}

// longestLine bounds a line of an address file.
const longestLine = 64 << 10

func (a *app) readAddresses(file string, list *addressList) error {
	list.file = file
	var in io.Reader = a.in
	if file == "-" {
		list.file = "standard input"
	} else {
		opened, err := os.Open(file)
		if err != nil {
			return usagef("%v", err)
		}
		defer opened.Close()
		in = opened
	}
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, longestLine)
	number := 0
	for lines.Scan() {
		number++
		text, _, _ := strings.Cut(lines.Text(), "#")
		if text = strings.TrimSpace(text); text != "" {
			list.addresses = append(list.addresses, text)
			list.lines = append(list.lines, number)
		}
	}
	switch err := lines.Err(); {
	case errors.Is(err, bufio.ErrTooLong):
		return usagef("%s:%d: the line is longer than %d KB: a file has one address a line", list.file, number+1, longestLine>>10)
	case err != nil:
		return usagef("%s:%d: %v", list.file, number+1, err)
	}
	return nil
}

// lineError is a list of faults, one a line, with a line that sums them up.
type lineError struct {
	summary string
	lines   []string
	cause   error
}

func (e *lineError) Error() string { return strings.Join(append(e.lines, e.summary), "\n") }
func (e *lineError) Unwrap() error { return e.cause }

// locate turns the places in the list of an engine.AddressError into those in the files they came from.
func (l *addressList) locate(err error) error {
	var bad *engine.AddressError
	if !errors.As(err, &bad) {
		return err
	}
	if len(l.addresses) == 1 && len(l.lines) == 0 {
		return err
	}
	located := &lineError{cause: err, summary: fmt.Sprintf("nothing was changed: %s of %s cannot be taken", count(bad.Count),
		plural(len(l.addresses), "address", "addresses"))}
	for _, fault := range bad.Faults {
		located.lines = append(located.lines, l.place(fault.Index)+fault.Text)
	}
	if hidden := bad.Count - len(bad.Faults); hidden > 0 {
		located.lines = append(located.lines, fmt.Sprintf("… and %s", plural(hidden, "more", "more")))
	}
	return located
}

func (a *app) watchCommand() *cli.Command {
	return &cli.Command{
		Name: "watch", Usage: "what is watched",
		Subcommands: []*cli.Command{
			{Name: "list", Usage: "list watched addresses", ArgsUsage: "COIN", Flags: pageFlags(), Action: a.watchList},
			{
				Name: "remove", Usage: "stop watching addresses, and forget their coins and history", ArgsUsage: "COIN ADDRESS…",
				Flags:  []cli.Flag{&cli.StringFlag{Name: "file", Usage: "read addresses from `FILE`, one a line; - is standard input"}},
				Action: a.watchRemove,
			},
		},
	}
}

func (a *app) watchList(c *cli.Context) error {
	coin, _, err := coinArg(c, 0, 0)
	if err != nil {
		return err
	}
	page, err := pageOf(c)
	if err != nil {
		return err
	}
	return a.with(c.Context, func(s *session) error {
		list, err := s.Watches(c.Context, coin, page)
		if err != nil {
			return err
		}
		a.show(list, func() {
			t := newTable("address", ">complete from", "state", "label", "watched since (UTC)", "derived")
			for _, watch := range list.Watches {
				state := watch.State
				if watch.Job != 0 {
					state = fmt.Sprintf("%s (job %d)", state, watch.Job)
				}
				t.row(watch.Address, fmt.Sprint(int(watch.Birth)), state, watch.Label, timeText(watch.Added), originsText(watch.Origins))
			}
			t.write(a.out, a.width)
		})
		a.more(list.Next)
		return nil
	})
}

func (a *app) watchRemove(c *cli.Context) error {
	coin, addresses, err := coinArg(c, 0, engine.MaxImport)
	if err != nil {
		return err
	}
	list := addressList{addresses: addresses}
	if file := c.String("file"); file != "" {
		if err := a.readAddresses(file, &list); err != nil {
			return err
		}
	}
	if len(list.addresses) == 0 {
		return usagef("no address given; usage: %s", usageLine(c))
	}
	return a.with(c.Context, func(s *session) error {
		removed, err := s.RemoveWatches(c.Context, coin, list.addresses)
		if err != nil {
			return list.locate(err)
		}
		a.show(map[string]int{"removed": removed}, func() {
			fmt.Fprintf(a.out, "%s no longer watched\n", plural(removed, "address is", "addresses are"))
		})
		return nil
	})
}
