package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/engine"
)

func (a *app) importXpubCommand() *cli.Command {
	return &cli.Command{
		Name: "import-xpub", Usage: "watch what an extended public key or a descriptor derives", ArgsUsage: "COIN KEY|DESCRIPTOR",
		Description: "All addresses up to a gap behind the last used one are watched; when one of the last is paid, more are.\n" +
			"A plain key stands for what its version says (ypub, zpub), and an xpub for every form but taproot, on the\n" +
			"receiving and the change branch. Quote a descriptor, as in 'wpkh(xpub…/<0;1>/*)'. Private keys are refused.",
		Flags: []cli.Flag{
			&cli.UintFlag{Name: "gap", Value: 20, Usage: "`N` addresses behind the last used one are watched at least"},
			&cli.StringFlag{Name: "from", Value: "genesis",
				Usage: "where their past begins: a `HEIGHT`, a date (2026-11-20, two hours earlier to be safe), genesis or none"},
			&cli.StringFlag{Name: "label", Usage: "a `TEXT` kept with the key"},
			&cli.BoolFlag{Name: "wait", Usage: "wait until the past is read; without a daemon, read it here"},
		},
		Action: a.importXpub,
	}
}

func (a *app) importXpub(c *cli.Context) error {
	coin, keys, err := coinArg(c, 1, 1)
	if err != nil {
		return err
	}
	gap := c.Uint("gap")
	if gap < 1 || gap > 1<<31 {
		return usagef("--gap %d is not a number of addresses", gap)
	}
	request := engine.XpubRequest{Key: keys[0], Gap: uint32(gap), From: c.String("from"), Label: c.String("label")}
	return a.with(c.Context, func(s *session) error {
		result, err := s.ImportXpub(c.Context, coin, request)
		if err != nil {
			return err
		}
		a.tellXpub(coin, &result, c.Bool("wait"), s.engine == nil)
		if c.Bool("wait") {
			if err := a.waitXpub(c.Context, s, coin, &result); err != nil {
				return err
			}
		}
		a.show(result, func() {})
		return nil
	})
}

// waitXpub waits for the job that reads the past, and for those that read the past of what it derived.
func (a *app) waitXpub(ctx context.Context, s *session, coin coins.Symbol, result *engine.XpubResult) error {
	if result.Job == nil {
		return a.reachTip(ctx, s, coin)
	}
	for next := *result.Job; ; {
		job, err := a.wait(ctx, s, next)
		if err != nil {
			return err
		}
		result.Job = &job
		if !a.json {
			a.tellJobEnd(job)
		}
		if result.Xpub, err = s.Xpub(ctx, coin, result.Xpub.ID); err != nil {
			return err
		}
		if result.Xpub.Job == 0 || result.Xpub.Job == job.ID {
			return nil
		}
		if next, err = s.Job(ctx, coin, result.Xpub.Job); err != nil {
			return err
		}
	}
}

func (a *app) tellXpub(coin coins.Symbol, result *engine.XpubResult, waiting, daemon bool) {
	if a.json {
		return
	}
	known := ""
	if result.Known {
		known = " (known before)"
	}
	fmt.Fprintf(a.out, "xpub %d%s: %s\n", result.Xpub.ID, known, result.Xpub.Descriptor)
	fmt.Fprintf(a.out, "%s watched from now on, and others as these are used\n", plural(result.Added, "more script is", "more scripts are"))
	if job := result.Job; job != nil {
		fmt.Fprintf(a.err, "job %d reads %s for their past, from %d\n", job.ID, plural(job.Tip-job.From+1, "block", "blocks"), job.From)
		switch {
		case waiting:
		case daemon:
			fmt.Fprintf(a.err, "the daemon does it now: watch it with `coffer rescan show %s %d`\n", coin, job.ID)
		default:
			fmt.Fprintln(a.err, "no daemon is running: it begins when `coffer daemon` does")
		}
	}
}

func (a *app) xpubCommand() *cli.Command {
	return &cli.Command{
		Name: "xpub", Usage: "extended keys and descriptors that are watched",
		Subcommands: []*cli.Command{
			{Name: "list", Usage: "list them", ArgsUsage: "COIN", Flags: pageFlags(), Action: a.xpubList},
			{Name: "show", Usage: "show one with its branches", ArgsUsage: "COIN ID", Action: a.xpubShow},
		},
	}
}

func (a *app) xpubList(c *cli.Context) error {
	coin, _, err := coinArg(c, 0, 0)
	if err != nil {
		return err
	}
	page, err := pageOf(c)
	if err != nil {
		return err
	}
	return a.with(c.Context, func(s *session) error {
		list, err := s.Xpubs(c.Context, coin, page)
		if err != nil {
			return err
		}
		a.show(list, func() {
			t := newTable(">id", "state", ">gap", ">watched", ">complete from", "label", "added (UTC)", "descriptor")
			for i := range list.Xpubs {
				x := &list.Xpubs[i]
				t.row(fmt.Sprint(x.ID), xpubState(x), fmt.Sprint(x.Gap), count(watchedBy(x)), fmt.Sprint(int(x.From)), x.Label, timeText(x.Added), x.Descriptor)
			}
			t.write(a.out, a.width)
		})
		a.more(list.Next)
		return nil
	})
}

// watchedBy counts the scripts that are watched for an extended key.
func watchedBy(x *engine.Xpub) (scripts int) {
	for _, b := range x.Branches {
		scripts += int(b.Derived)
	}
	return scripts
}

func xpubState(x *engine.Xpub) string {
	if x.Job != 0 {
		return fmt.Sprintf("%s (job %d)", x.State, x.Job)
	}
	return x.State
}

// xpubArg reads the number of an extended key.
func xpubArg(text string) (engine.XpubID, error) {
	id, err := strconv.ParseUint(text, 10, 32)
	if err != nil {
		return 0, usagef("%q is not the number of an xpub; `coffer xpub list COIN` lists them", text)
	}
	return engine.XpubID(id), nil
}

func (a *app) xpubShow(c *cli.Context) error {
	coin, args, err := coinArg(c, 1, 1)
	if err != nil {
		return err
	}
	id, err := xpubArg(args[0])
	if err != nil {
		return err
	}
	return a.with(c.Context, func(s *session) error {
		x, err := s.Xpub(c.Context, coin, id)
		if err != nil {
			return err
		}
		a.show(x, func() {
			fmt.Fprintf(a.out, "%s\nxpub %d, %s, complete from block %d, gap %d\n", x.Descriptor, x.ID, xpubState(&x), x.From, x.Gap)
			t := newTable(">branch", "first path", ">watched", ">used", ">given out", "")
			for _, b := range x.Branches {
				note := ""
				if b.Branch == x.Receiving {
					note = "addresses are given out from here"
				}
				t.row(fmt.Sprint(b.Branch), b.Path, count(int(b.Derived)), count(int(b.Used)), count(int(b.Issued)), note)
			}
			t.write(a.out, a.width)
		})
		return nil
	})
}

func (a *app) addressCommand() *cli.Command {
	return &cli.Command{
		Name: "address", Usage: "addresses to be paid at",
		Subcommands: []*cli.Command{{
			Name: "next", Usage: "give out an unused address of an xpub", ArgsUsage: "COIN XPUB-ID",
			Description: "The address was never given out nor paid, and is watched before it is shown. Each call gives another one.",
			Flags:       []cli.Flag{&cli.UintFlag{Name: "branch", Usage: "take it from branch `N`; the default is the receiving branch"}},
			Action:      a.addressNext,
		}},
	}
}

func (a *app) addressNext(c *cli.Context) error {
	coin, args, err := coinArg(c, 1, 1)
	if err != nil {
		return err
	}
	id, err := xpubArg(args[0])
	if err != nil {
		return err
	}
	var request engine.NextRequest
	if c.IsSet("branch") {
		given := c.Uint("branch")
		if given > 1<<16 {
			return usagef("--branch %d is not a branch", given)
		}
		branch := uint32(given)
		request.Branch = &branch
	}
	return a.with(c.Context, func(s *session) error {
		next, err := s.NextAddress(c.Context, coin, id, request)
		if err != nil {
			return err
		}
		a.show(next, func() { fmt.Fprintln(a.out, next.Address) })
		return nil
	})
}

// originsText says which extended keys derive an address, and on which path.
func originsText(origins []engine.Origin) string {
	var texts []string
	for _, o := range origins {
		texts = append(texts, strings.TrimSpace(fmt.Sprintf("xpub %d %s", o.Xpub, o.Path)))
	}
	return strings.Join(texts, ", ")
}
