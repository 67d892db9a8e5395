package main

import (
	"fmt"
	"strconv"

	"github.com/urfave/cli/v2"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/engine"
)

func (a *app) balanceCommand() *cli.Command {
	return &cli.Command{
		Name: "balance", Usage: "what an address holds, or all watched addresses together", ArgsUsage: "COIN [ADDRESS]",
		Action: a.balance,
	}
}

func (a *app) balance(c *cli.Context) error {
	coin, rest, err := coinArg(c, 0, 1)
	if err != nil {
		return err
	}
	return a.with(c.Context, func(s *session) error {
		balance, err := s.Balance(c.Context, coin, first(rest))
		if err != nil {
			return err
		}
		a.show(balance, func() { a.tellBalance(balance) })
		return nil
	})
}

func (a *app) tellBalance(b engine.Balance) {
	t := newTable("", ">"+string(b.Coin))
	t.row("confirmed", b.Confirmed.String())
	t.row("  of it immature", b.Immature.String())
	t.row("incoming", b.Incoming.String())
	t.row("outgoing", b.Outgoing.String())
	t.row("reserved", b.Reserved.String())
	t.row("total", b.Total.String())
	t.write(a.out, a.width)
	fmt.Fprintf(a.out, "\n%s in blocks, of %s received in all; as of block %s\n",
		plural(b.Coins, "unspent output", "unspent outputs"), count(b.Received), heightText(b.Tip))
	a.fromWhole(b.Source, b.Tip)
	if b.Scanning {
		fmt.Fprintf(a.err, "the past is still being read: there may be more; see `coffer rescan list %s`\n", b.Coin)
	}
}

func (a *app) utxosCommand() *cli.Command {
	return &cli.Command{
		Name: "utxos", Usage: "unspent outputs, of an address or all", ArgsUsage: "COIN [ADDRESS]",
		Flags: append(pageFlags(),
			&cli.IntFlag{Name: "min-confirmations", Usage: "only those with at least `N` confirmations; 0 has the unconfirmed too"}),
		Action: a.utxos,
	}
}

func (a *app) utxos(c *cli.Context) error {
	coin, rest, err := coinArg(c, 0, 1)
	if err != nil {
		return err
	}
	page, err := pageOf(c)
	if err != nil {
		return err
	}
	least := c.Int("min-confirmations")
	if least < 0 || least > int(coins.MaxHeight) {
		return usagef("--min-confirmations %d is not a number of blocks", least)
	}
	query := engine.CoinQuery{Address: first(rest), MinConfirmations: coins.Height(least), Page: page}
	return a.with(c.Context, func(s *session) error {
		list, err := s.Coins(c.Context, coin, query)
		if err != nil {
			return err
		}
		a.show(list, func() {
			t := newTable("outpoint", ">value", ">confirmations", "address", "note")
			for _, coin := range list.Coins {
				t.row(coin.OutPoint.String(), coin.Value.String(), strconv.Itoa(int(coin.Confirmations)), coin.Address, noteOf(coin))
			}
			t.write(a.out, a.width)
			a.fromWhole(list.Source, list.Tip)
		})
		a.more(list.Next)
		return nil
	})
}

// noteOf says what is special about an output.
func noteOf(coin engine.Coin) string {
	kind := ""
	switch {
	case coin.SpentBy != "":
		return "being spent by " + coin.SpentBy
	case coin.Coinbase:
		kind = "coinbase"
	case coin.PegOut:
		kind = "peg-out"
	case coin.Block == nil:
		return "unconfirmed"
	}
	if coin.SpendableAt != 0 {
		return fmt.Sprintf("%s, spendable from block %d", kind, coin.SpendableAt)
	}
	return kind
}

func (a *app) historyCommand() *cli.Command {
	return &cli.Command{
		Name: "history", Usage: "what was received and spent, newest first", ArgsUsage: "COIN [ADDRESS]",
		Flags: pageFlags(), Action: a.history,
	}
}

func (a *app) history(c *cli.Context) error {
	coin, rest, err := coinArg(c, 0, 1)
	if err != nil {
		return err
	}
	page, err := pageOf(c)
	if err != nil {
		return err
	}
	return a.with(c.Context, func(s *session) error {
		list, err := s.History(c.Context, coin, engine.HistoryQuery{Address: first(rest), Page: page})
		if err != nil {
			return err
		}
		a.show(list, func() {
			t := newTable(">block", "time (UTC)", ">amount", "address", "transaction")
			for _, event := range list.Events {
				sign := "+"
				if event.Kind == "spent" {
					sign = "-"
				}
				t.row(heightText(event.Block), timeText(event.Time), sign+event.Value.String(), event.Address, event.TxID.String())
			}
			t.write(a.out, a.width)
			a.fromWhole(list.Source, list.Tip)
		})
		a.more(list.Next)
		return nil
	})
}

// first returns the first of args, or "".
func first(args []string) string {
	if len(args) == 0 {
		return ""
	}
	return args[0]
}
