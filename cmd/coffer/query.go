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
		Flags: []cli.Flag{&cli.StringFlag{Name: "at",
			Usage: "what it was after a block: a `HEIGHT`, or a date (2026-11-20 or RFC 3339) for the last block till then"}},
		Action: a.balance,
	}
}

func (a *app) balance(c *cli.Context) error {
	coin, rest, err := coinArg(c, 0, 1)
	if err != nil {
		return err
	}
	if c.IsSet("at") {
		return a.balanceAt(c, coin, first(rest))
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

func (a *app) balanceAt(c *cli.Context, coin coins.Symbol, address string) error {
	return a.with(c.Context, func(s *session) error {
		past, err := s.BalanceAt(c.Context, coin, address, c.String("at"))
		if err != nil {
			return err
		}
		a.show(past, func() {
			var p pairs
			p.add("confirmed", "%s", past.Confirmed)
			p.add("outputs", "%s unspent, of %s received in all", count(past.Coins), count(past.Received))
			p.add("after block", "%s", blockText(&past.Block))
			p.add("time", "%s UTC", timeText(past.Time))
			p.write(a.out)
		})
		switch {
		case a.json:
		case past.Scanning:
			fmt.Fprintf(a.err, "the past is still being read: there may be more; see `coffer rescan list %s`\n", coin)
		case past.Incomplete:
			fmt.Fprintf(a.err, "the history is complete from block %d on: what came before is not in it\n", past.CompleteFrom)
		}
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
			&cli.IntFlag{Name: "min-confirmations", Usage: "only those with at least `N` confirmations; 0 has the unconfirmed too"},
			&cli.IntFlag{Name: "max-confirmations", Usage: "only those with at most `N`; 0 has the unconfirmed only"},
			&cli.StringFlag{Name: "min-value", Usage: "only those worth at least `AMOUNT` coins"},
			&cli.StringFlag{Name: "max-value", Usage: "only those worth at most `AMOUNT` coins"},
			&cli.BoolFlag{Name: "spendable", Usage: "only what can be spent now: mature, not reserved, not being spent"},
			&cli.BoolFlag{Name: "reserved", Usage: "only what somebody has reserved"},
			&cli.BoolFlag{Name: "coinbase", Usage: "only coinbase outputs"}),
		Action: a.utxos,
	}
}

// coinQuery reads the filters of utxos.
func coinQuery(c *cli.Context, address string) (query engine.CoinQuery, err error) {
	query = engine.CoinQuery{Address: address, Coinbase: c.Bool("coinbase"), Reserved: c.Bool("reserved"), Spendable: c.Bool("spendable")}
	if query.Page, err = pageOf(c); err != nil {
		return query, err
	}
	for _, name := range []string{"min-confirmations", "max-confirmations"} {
		if n := c.Int(name); n < 0 || n > int(coins.MaxHeight) {
			return query, usagef("--%s %d is not a number of blocks", name, n)
		}
	}
	query.MinConfirmations = coins.Height(c.Int("min-confirmations"))
	if c.IsSet("max-confirmations") {
		most := coins.Height(c.Int("max-confirmations"))
		query.MaxConfirmations = &most
	}
	for name, value := range map[string]*coins.Amount{"min-value": &query.MinValue, "max-value": &query.MaxValue} {
		if !c.IsSet(name) {
			continue
		}
		if *value, err = coins.ParseAmount(c.String(name)); err != nil || *value < 0 || *value == 0 && name == "max-value" {
			return query, usagef("--%s %q is not an amount of coins like 0.5", name, c.String(name))
		}
	}
	return query, nil
}

func (a *app) utxos(c *cli.Context) error {
	coin, rest, err := coinArg(c, 0, 1)
	if err != nil {
		return err
	}
	query, err := coinQuery(c, first(rest))
	if err != nil {
		return err
	}
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
	case coin.Reserved != nil:
		return "reserved by " + coin.Reserved.Owner
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
		Flags: append(pageFlags(),
			&cli.StringFlag{Name: "kind", Usage: "only `KIND`: funded or spent"},
			&cli.StringFlag{Name: "from", Usage: "from a `HEIGHT` on, or from a date (2026-11-20 or RFC 3339)"},
			&cli.StringFlag{Name: "to", Usage: "up to a `HEIGHT`, or a date; leaves out what is unconfirmed"},
			&cli.BoolFlag{Name: "oldest", Usage: "oldest first"}),
		Action: a.history,
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
	query := engine.HistoryQuery{Address: first(rest), Kind: c.String("kind"), From: c.String("from"), To: c.String("to"), Oldest: c.Bool("oldest"), Page: page}
	return a.with(c.Context, func(s *session) error {
		list, err := s.History(c.Context, coin, query)
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
