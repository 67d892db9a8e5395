package main

import (
	"fmt"

	"github.com/urfave/cli/v2"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/engine"
)

func (a *app) watchCommand() *cli.Command {
	file := func() cli.Flag {
		return &cli.StringFlag{Name: "file", Usage: "read addresses from `FILE`, one a line; - is standard input"}
	}
	return &cli.Command{
		Name: "watch", Usage: "what is watched",
		Subcommands: []*cli.Command{
			{
				Name: "list", Usage: "list watched addresses", ArgsUsage: "COIN", Action: a.watchList,
				Flags: append([]cli.Flag{
					&cli.StringFlag{Name: "label", Usage: "those with a label that begins with `TEXT`"},
					&cli.StringFlag{Name: "state", Usage: "those that are `STATE`: live or scanning"},
					&cli.BoolFlag{Name: "archived", Usage: "the archived ones, in place of the others"},
				}, pageFlags()...),
			},
			{
				Name: "label", Usage: "change the label or the metadata of addresses", ArgsUsage: "COIN ADDRESS…", Action: a.watchLabel,
				Flags: []cli.Flag{
					&cli.StringFlag{Name: "label", Usage: "the new `TEXT`, \"\" for none"},
					&cli.StringFlag{Name: "metadata", Usage: "key=value;key=value or a JSON object of texts in place of what there was, \"\" for none"}, file(),
				},
			},
			{
				Name: "archive", Usage: "leave addresses out of lists; they stay watched", ArgsUsage: "COIN ADDRESS…", Action: a.watchArchive,
				Flags: []cli.Flag{&cli.BoolFlag{Name: "undo", Usage: "list them again"}, file()},
			},
			{
				Name: "remove", Usage: "stop watching addresses, and forget their coins and history", ArgsUsage: "COIN ADDRESS…",
				Flags: []cli.Flag{file()}, Action: a.watchRemove,
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
	query := engine.WatchQuery{Label: c.String("label"), State: c.String("state"), Archived: c.Bool("archived"), Page: page}
	return a.with(c.Context, func(s *session) error {
		list, err := s.Watches(c.Context, coin, query)
		if err != nil {
			return err
		}
		a.show(list, func() {
			t := newTable("address", ">complete from", "state", "label", "metadata", "watched since (UTC)", "derived")
			for _, watch := range list.Watches {
				state := watch.State
				if watch.Job != 0 {
					state = fmt.Sprintf("%s (job %d)", state, watch.Job)
				}
				t.row(watch.Address, fmt.Sprint(int(watch.Birth)), state, watch.Label, string(watch.Metadata), timeText(watch.Added), originsText(watch.Origins))
			}
			t.write(a.out, a.width)
		})
		a.more(list.Next)
		return nil
	})
}

// listed reads COIN ADDRESS… and --file.
func (a *app) listed(c *cli.Context) (coins.Symbol, *addressList, error) {
	coin, addresses, err := coinArg(c, 0, engine.MaxImport)
	if err != nil {
		return "", nil, err
	}
	list := &addressList{addresses: addresses}
	if file := c.String("file"); file != "" {
		if err := a.readAddresses(file, list); err != nil {
			return "", nil, err
		}
	}
	if len(list.addresses) == 0 {
		return "", nil, usagef("no address given; usage: %s", usageLine(c))
	}
	return coin, list, nil
}

func (a *app) watchLabel(c *cli.Context) error {
	if !c.IsSet("label") && !c.IsSet("metadata") {
		return usagef("what is the new --label or --metadata? usage: %s", usageLine(c))
	}
	var change engine.WatchChange
	if text := c.String("label"); c.IsSet("label") {
		change.Label = &text
	}
	if text := c.String("metadata"); c.IsSet("metadata") {
		change.Metadata = &text
	}
	return a.changeWatches(c, change, "changed")
}

func (a *app) watchArchive(c *cli.Context) error {
	archived := !c.Bool("undo")
	done := "archived"
	if !archived {
		done = "listed again"
	}
	return a.changeWatches(c, engine.WatchChange{Archived: &archived}, done)
}

func (a *app) changeWatches(c *cli.Context, change engine.WatchChange, done string) error {
	coin, list, err := a.listed(c)
	if err != nil {
		return err
	}
	change.Addresses = list.addresses
	return a.with(c.Context, func(s *session) error {
		changed, err := s.ChangeWatches(c.Context, coin, change)
		if err != nil {
			return list.locate(err)
		}
		a.show(map[string]int{"changed": changed}, func() { fmt.Fprintf(a.out, "%s %s\n", plural(changed, "address", "addresses"), done) })
		return nil
	})
}

func (a *app) watchRemove(c *cli.Context) error {
	coin, list, err := a.listed(c)
	if err != nil {
		return err
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
