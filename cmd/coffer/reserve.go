package main

import (
	"fmt"
	"strconv"
	"time"

	"github.com/urfave/cli/v2"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/engine"
	"coffer.example/coffer/utxo"
)

func (a *app) reserveCommand() *cli.Command {
	owner := &cli.StringFlag{Name: "owner", Usage: "`WHO` reserves"}
	token := &cli.StringFlag{Name: "token", Usage: "the reservation with this `TOKEN`"}
	return &cli.Command{
		Name: "reserve", Usage: "keep unspent outputs for somebody", ArgsUsage: "COIN OUTPOINT…",
		Description: "All of the outputs are reserved, or none. The reservation ends when it is released, when its time is over, or when\n" +
			"the outputs are spent beyond any reorg. Its token names it; with --token the same outputs are kept for longer.",
		Flags: []cli.Flag{owner, token,
			&cli.StringFlag{Name: "ttl", Usage: "how long: a `DURATION` like 30m, or none for until it is released"},
			&cli.StringFlag{Name: "purpose", Usage: "a `TEXT` that says what for"},
		},
		Action: a.reserve,
		Subcommands: []*cli.Command{
			{Name: "list", Usage: "list what is reserved", ArgsUsage: "COIN", Flags: append(pageFlags(), owner), Action: a.reserveList},
			{
				Name: "release", Usage: "give reserved outputs back, all of a reservation or the named ones", ArgsUsage: "COIN [OUTPOINT…]",
				Flags: []cli.Flag{owner, token,
					&cli.BoolFlag{Name: "force", Usage: "whoever the owner is; without --token, whatever holds the outputs"}},
				Action: a.reserveRelease,
			},
		},
	}
}

func (a *app) reserve(c *cli.Context) error {
	coin, rest, err := coinArg(c, 1, utxo.MaxReserve)
	if err != nil {
		return err
	}
	request := engine.ReserveRequest{Owner: c.String("owner"), Purpose: c.String("purpose")}
	if request.OutPoints, request.Token, err = reservedOf(c, rest); err != nil {
		return err
	}
	switch ttl := c.String("ttl"); ttl {
	case "":
		return usagef("how long? say --ttl 30m, or --ttl none for until it is released")
	case "none":
	default:
		if request.TTL, err = time.ParseDuration(ttl); err != nil || request.TTL <= 0 {
			return usagef("--ttl %q is not a duration like 30m or 12h, nor none", ttl)
		}
	}
	if request.Owner == "" {
		return usagef("for whom? say --owner NAME")
	}
	return a.with(c.Context, func(s *session) error {
		reservation, err := s.Reserve(c.Context, coin, request)
		if err != nil {
			return err
		}
		a.show(reservation, func() { a.tellReservations([]engine.Reservation{reservation}) })
		return nil
	})
}

// reservedOf reads the outpoints and the token of a command.
func reservedOf(c *cli.Context, args []string) (list []coins.OutPoint, token utxo.Token, err error) {
	for _, arg := range args {
		at, err := coins.ParseOutPoint(arg)
		if err != nil {
			return nil, 0, err
		}
		list = append(list, at)
	}
	if text := c.String("token"); text != "" {
		number, err := strconv.ParseUint(text, 10, 64)
		if err != nil || number == 0 {
			return nil, 0, usagef("--token %q is not a token; `coffer reserve list COIN` shows them", text)
		}
		token = utxo.Token(number)
	}
	return list, token, nil
}

func (a *app) reserveList(c *cli.Context) error {
	coin, _, err := coinArg(c, 0, 0)
	if err != nil {
		return err
	}
	page, err := pageOf(c)
	if err != nil {
		return err
	}
	return a.with(c.Context, func(s *session) error {
		list, err := s.Reservations(c.Context, coin, engine.ReservationQuery{Owner: c.String("owner"), Page: page})
		if err != nil {
			return err
		}
		a.show(list, func() { a.tellReservations(list.Reservations) })
		a.more(list.Next)
		return nil
	})
}

func (a *app) tellReservations(list []engine.Reservation) {
	t := newTable(">token", "owner", "until (UTC)", "outpoint", ">value", "state", "purpose")
	for _, r := range list {
		until := "released"
		if !r.Expires.IsZero() {
			until = timeText(r.Expires)
		}
		for _, coin := range r.Coins {
			t.row(strconv.FormatUint(uint64(r.Token), 10), r.Owner, until, coin.OutPoint.String(), coin.Value.String(), coin.State, r.Purpose)
		}
	}
	t.write(a.out, a.width)
}

func (a *app) reserveRelease(c *cli.Context) error {
	coin, rest, err := coinArg(c, 0, utxo.MaxReserve)
	if err != nil {
		return err
	}
	request := engine.ReleaseRequest{Owner: c.String("owner"), Force: c.Bool("force")}
	if request.OutPoints, request.Token, err = reservedOf(c, rest); err != nil {
		return err
	}
	if request.Token == 0 && (!request.Force || len(rest) == 0) || request.Owner == "" && !request.Force {
		return usagef("name the reservation with --owner and --token, or the outputs with --force; `coffer reserve list %s` shows them", coin)
	}
	return a.with(c.Context, func(s *session) error {
		released, err := s.Release(c.Context, coin, request)
		if err != nil {
			return err
		}
		a.show(struct {
			Released int `json:"released"`
		}{released}, func() {
			fmt.Fprintf(a.out, "%s released\n", plural(released, "output is", "outputs are"))
		})
		return nil
	})
}
