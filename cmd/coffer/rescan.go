package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/urfave/cli/v2"
	"golang.org/x/sync/errgroup"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/engine"
	"coffer.example/coffer/utxo"
)

func (a *app) rescanCommand() *cli.Command {
	job := func(name, usage string, operation func(context.Context, *session, coins.Symbol, utxo.JobID) (engine.Job, error)) *cli.Command {
		return &cli.Command{
			Name: name, Usage: usage, ArgsUsage: "COIN ID",
			Action: func(c *cli.Context) error { return a.rescanJob(c, operation) },
		}
	}
	return &cli.Command{
		Name: "rescan", Usage: "read blocks again, for watched addresses", ArgsUsage: "COIN",
		Description: "A rescan is a job with a durable cursor of its own: it goes on where it stopped, beside the daemon's following\n" +
			"of the tip and beside others. Jobs that are at the same block share the reading of it.",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "from", Value: "genesis", Usage: "first block: a `HEIGHT`, a date or genesis"},
			&cli.StringFlag{Name: "to", Usage: "last block of which outputs are taken (default: the tip)"},
			&cli.StringSliceFlag{Name: "address", Usage: "only for this `ADDRESS`; may be given several times"},
			&cli.BoolFlag{Name: "wait", Usage: "wait until it is done; without a daemon, do it here"},
		},
		Action: a.rescan,
		Subcommands: []*cli.Command{
			{Name: "list", Usage: "list the jobs", ArgsUsage: "[COIN]", Action: a.rescanList},
			job("show", "show one job", func(ctx context.Context, s *session, coin coins.Symbol, id utxo.JobID) (engine.Job, error) {
				return s.Job(ctx, coin, id)
			}),
			job("cancel", "stop a job; it can be resumed", func(ctx context.Context, s *session, coin coins.Symbol, id utxo.JobID) (engine.Job, error) {
				return s.CancelJob(ctx, coin, id)
			}),
			job("resume", "go on with a cancelled or failed job", func(ctx context.Context, s *session, coin coins.Symbol, id utxo.JobID) (engine.Job, error) {
				return s.ResumeJob(ctx, coin, id)
			}),
		},
	}
}

func (a *app) rescan(c *cli.Context) error {
	coin, _, err := coinArg(c, 0, 0)
	if err != nil {
		return err
	}
	request := engine.RescanRequest{From: c.String("from"), To: c.String("to"), Addresses: c.StringSlice("address")}
	return a.with(c.Context, func(s *session) error {
		job, err := s.Rescan(c.Context, coin, request)
		if err != nil {
			return err
		}
		if c.Bool("wait") {
			if job, err = a.wait(c.Context, s, job); err != nil {
				return err
			}
			a.show(job, func() { a.tellJobEnd(job) })
			return nil
		}
		a.show(job, func() { a.tellJobs([]engine.Job{job}) })
		if s.engine != nil && !a.json {
			fmt.Fprintln(a.err, "no daemon is running: it begins when `coffer daemon` does; --wait does it at once")
		}
		return nil
	})
}

func (a *app) rescanJob(c *cli.Context, operation func(context.Context, *session, coins.Symbol, utxo.JobID) (engine.Job, error)) error {
	coin, rest, err := coinArg(c, 1, 1)
	if err != nil {
		return err
	}
	id, err := strconv.ParseUint(rest[0], 10, 64)
	if err != nil {
		return usagef("%q is not a job's number; `coffer rescan list %s` lists them", rest[0], coin)
	}
	return a.with(c.Context, func(s *session) error {
		job, err := operation(c.Context, s, coin, utxo.JobID(id))
		if err != nil {
			return err
		}
		a.show(job, func() { a.tellJobs([]engine.Job{job}) })
		return nil
	})
}

func (a *app) rescanList(c *cli.Context) error {
	if c.NArg() > 1 {
		return usagef("usage: %s", usageLine(c))
	}
	return a.with(c.Context, func(s *session) error {
		symbols := []coins.Symbol{coins.Symbol(c.Args().First())}
		if c.NArg() == 0 {
			symbols = nil
			for _, coin := range s.config.Coins {
				symbols = append(symbols, coin.Symbol)
			}
		}
		all := []engine.Job{}
		for _, symbol := range symbols {
			jobs, err := s.Jobs(c.Context, symbol)
			if err != nil {
				return err
			}
			all = append(all, jobs...)
		}
		a.show(all, func() { a.tellJobs(all) })
		return nil
	})
}

func (a *app) tellJobs(jobs []engine.Job) {
	t := newTable("coin", ">job", "state", ">from", ">to", ">next", ">done", ">blocks/s", ">left", ">addresses", ">found", "created (UTC)", "error")
	for _, job := range jobs {
		t.row(string(job.Coin), fmt.Sprint(job.ID), job.State, fmt.Sprint(int(job.From)), fmt.Sprint(int(job.To)), fmt.Sprint(int(job.Next)),
			fmt.Sprintf("%d%%", percent(job)), paceText(job), leftText(job), count(job.Scripts), count(job.Found), timeText(job.Created), job.Error)
	}
	t.write(a.out, a.width)
}

func paceText(job engine.Job) string {
	if job.BlocksPerSecond == 0 {
		return ""
	}
	return fmt.Sprintf("%.0f", job.BlocksPerSecond)
}

func leftText(job engine.Job) string {
	if job.Remaining == 0 {
		return ""
	}
	return age(job.Remaining)
}

func percent(job engine.Job) int {
	blocks := job.Tip - job.From + 1
	if job.State == "done" || blocks <= 0 {
		return 100
	}
	return int(100 * int64(min(max(job.Next-job.From, 0), blocks)) / int64(blocks))
}

// tellJobEnd says what a job that was waited for has done.
func (a *app) tellJobEnd(job engine.Job) {
	fmt.Fprintf(a.out, "job %d is %s: read blocks %d to %d, found %s\n",
		job.ID, job.State, job.From, job.Next-1, plural(job.Found, "output or spend", "outputs and spends"))
}

// jobPoll is how often a job that is waited for is looked at.
const jobPoll = 200 * time.Millisecond

// wait returns the job when it has ended, showing its progress. Without a daemon the work is done here. A job that
// fails or is cancelled is an error.
func (a *app) wait(ctx context.Context, s *session, job engine.Job) (engine.Job, error) {
	ended := job
	if s.engine == nil {
		var err error
		if ended, err = a.follow(ctx, s, job); err != nil {
			return ended, a.interrupted(err, "\njob %d goes on in the daemon: watch it with `coffer rescan show %s %d`\n", job.ID, job.Coin, job.ID)
		}
	} else {
		watching, stop := context.WithCancel(ctx)
		group, working := errgroup.WithContext(ctx)
		group.Go(func() error {
			defer stop()
			return s.engine.RunJob(working, job.Coin, job.ID)
		})
		group.Go(func() error {
			if _, err := a.follow(watching, s, job); watching.Err() == nil {
				return err
			}
			return nil
		})
		if err := group.Wait(); err != nil {
			return ended, a.interrupted(err, "\njob %d is kept: it goes on where it stopped when `coffer daemon` runs\n", job.ID)
		}
		var err error
		if ended, err = s.Job(ctx, job.Coin, job.ID); err != nil {
			return ended, err
		}
	}
	if ended.State != "done" {
		return ended, fmt.Errorf("job %d is %s: %s; `coffer rescan resume %s %d` goes on with it",
			ended.ID, ended.State, ended.Error, ended.Coin, ended.ID)
	}
	return ended, nil
}

// interrupted says, where it is the user who ended the waiting, what becomes of the job.
func (a *app) interrupted(err error, format string, args ...any) error {
	if errors.Is(err, context.Canceled) && !a.json {
		fmt.Fprintf(a.err, format, args...)
	}
	return err
}

// follow polls a job until it has ended, and draws its progress.
func (a *app) follow(ctx context.Context, s *session, job engine.Job) (engine.Job, error) {
	drawn := a.newBar(fmt.Sprintf("job %d", job.ID), "blocks")
	defer drawn.close()
	tick := time.NewTicker(jobPoll)
	defer tick.Stop()
	for {
		job, err := s.Job(ctx, job.Coin, job.ID)
		if err != nil {
			return job, err
		}
		drawn.set(int64(job.Next-job.From), int64(job.Tip-job.From+1))
		if job.Ended() {
			return job, nil
		}
		select {
		case <-ctx.Done():
			return job, ctx.Err()
		case <-tick.C:
		}
	}
}
