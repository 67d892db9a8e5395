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
			"that begins at --from; reading from genesis reads every block once, however many addresses are given at once.\n\n" +
			"A file has a line for each: ADDRESS[,LABEL[,METADATA]]. A label with a comma stands in double quotes; metadata is a\n" +
			"JSON object of texts, or key=value;key=value. # begins a comment. Nothing is imported where any line is bad.",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "file", Usage: "read lines from `FILE`; - is standard input"},
			&cli.StringFlag{Name: "from", Value: "genesis",
				Usage: "where their past begins: a `HEIGHT`, a date (2026-11-20, two hours earlier to be safe), genesis or none"},
			&cli.StringFlag{Name: "label", Usage: "a `TEXT` kept with them; of a file, with those that have none"},
			&cli.BoolFlag{Name: "wait", Usage: "wait until their past is read; without a daemon, read it here"},
		},
		Action: a.importAddresses,
	}
}

func (a *app) importAddresses(c *cli.Context) error {
	coin, addresses, err := coinArg(c, 0, engine.MaxImport)
	if err != nil {
		return err
	}
	source := lineSource{name: "the command line"}
	if file := c.String("file"); file != "" {
		if err := a.openLines(file, &source); err != nil {
			return err
		}
		defer source.close()
	}
	if len(addresses) == 0 && source.in == nil {
		return usagef("no address given; usage: %s", usageLine(c))
	}
	return a.with(c.Context, func(s *session) error {
		result, err := a.importFrom(c, s, coin, addresses, &source)
		if err != nil {
			return err
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

// importFrom imports arguments, and lines behind them where there are some.
func (a *app) importFrom(
	c *cli.Context, s *session, coin coins.Symbol, addresses []string, source *lineSource,
) (engine.ImportResult, error) {
	if source.in == nil {
		request := engine.ImportRequest{Addresses: addresses, From: c.String("from"), Label: c.String("label")}
		result, err := s.ImportAddresses(c.Context, coin, request)
		list := addressList{addresses: addresses}
		return result, list.locate(err)
	}
	source.given = len(addresses)
	lines := io.Reader(source)
	if len(addresses) > 0 {
		lines = io.MultiReader(strings.NewReader(strings.Join(addresses, "\n")+"\n"), source)
	}
	source.bar = a.newBar("reading", "bytes")
	storing := a.newBar("importing", "addresses")
	defer storing.close()
	defer func() { source.bar.close() }()
	request := engine.LinesRequest{Lines: lines, From: c.String("from"), Label: c.String("label")}
	result, err := s.ImportLines(c.Context, coin, request, func(p engine.ImportProgress) {
		if p.Total > 0 {
			source.bar.close()
			storing.set(p.Stored, p.Total)
		}
	})
	return result, source.locate(err)
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
