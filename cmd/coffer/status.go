package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"coffer.example/coffer/engine"
)

func (a *app) statusCommand() *cli.Command {
	return &cli.Command{Name: "status", Usage: "every coin, node, index and job at a glance", Action: a.status}
}

func (a *app) status(c *cli.Context) error {
	if err := noArgs(c); err != nil {
		return err
	}
	return a.with(c.Context, func(s *session) error {
		status, err := s.Status(c.Context)
		if err != nil {
			return err
		}
		a.show(status, func() { a.tellStatus(status, time.Now()) })
		return nil
	})
}

func (a *app) tellStatus(s engine.Status, now time.Time) {
	if s.Daemon {
		fmt.Fprintf(a.out, "daemon %s, process %d, up %s, data in %s\n\n", s.Version, s.PID, age(now.Sub(s.Since)), s.DataDir)
	} else {
		fmt.Fprintf(a.out, "no daemon is running (coffer %s), data in %s\n\n", s.Version, s.DataDir)
	}
	t := newTable("coin", "network", "state", ">index at", ">node at", ">addresses", ">jobs", "blocks by", "news by", "node")
	for _, coin := range s.Coins {
		watched, jobs, nodeTip, blocks, hints, version := "-", "-", "-", "-", "-", "-"
		if coin.Index != nil {
			watched, jobs = count(coin.Index.Watched), fmt.Sprint(coin.Index.Jobs)
		}
		if coin.Node != nil {
			nodeTip, version = heightText(coin.Node.Tip), orDash(strings.Trim(coin.Node.Version, "/"))
			blocks, hints = orDash(coin.Node.Blocks), orDash(newsOf(coin.Node.Hints, ", "))
		}
		t.row(string(coin.Coin), string(coin.Network), string(coin.State), heightText(coin.Tip), nodeTip, watched, jobs, blocks, hints, version)
	}
	t.write(a.out, a.width)
	a.tellNodes(s, now)
	for _, coin := range s.Coins {
		a.tellWhole(coin.Coin, coin.Whole)
		if coin.State == engine.StateSyncing && coin.Remaining > 0 {
			fmt.Fprintf(a.out, "\n%s: %.0f blocks a second, %s to go\n", coin.Coin, coin.BlocksPerSecond, age(coin.Remaining))
		}
		if coin.Reason != "" {
			fmt.Fprintf(a.out, "\n%s is %s: %s\n", coin.Coin, coin.State, coin.Reason)
		}
	}
}

// newsOf names the kinds of a node's feeds, without their addresses.
func newsOf(feeds []string, and string) string {
	var kinds []string
	for _, feed := range feeds {
		kind, _, _ := strings.Cut(feed, " ")
		kinds = append(kinds, kind)
	}
	slices.Sort(kinds)
	return strings.Join(slices.Compact(kinds), and)
}

func orDash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

func (a *app) versionCommand() *cli.Command {
	return &cli.Command{
		Name: "version", Usage: "the version of this program",
		Action: func(c *cli.Context) error {
			if err := noArgs(c); err != nil {
				return err
			}
			a.show(map[string]string{"version": engine.Version()}, func() { fmt.Fprintln(a.out, "coffer "+engine.Version()) })
			return nil
		},
	}
}
