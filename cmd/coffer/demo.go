package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/engine"
	"coffer.example/coffer/internal/simnode"
)

func (a *app) demoCommand() *cli.Command {
	return &cli.Command{
		Name: "demo", Usage: "see the main job end to end, on simulated nodes: no node and no configuration needed",
		Flags:  []cli.Flag{&cli.StringFlag{Name: "coins", Value: "btc,ltc,doge", Usage: "a `LIST` of coins, separated by commas"}},
		Action: a.demo,
	}
}

// demoBlocks is how long the simulated chains are when the story begins: long enough for rewards to be mature.
const demoBlocks = 160

// demo tells the story of each coin on a simulated node, with the real engine on a folder that is removed again.
func (a *app) demo(c *cli.Context) (err error) {
	if err := noArgs(c); err != nil {
		return err
	}
	symbols := symbolList(c.String("coins"))
	if len(symbols) == 0 {
		return usagef("--coins names no coin")
	}
	began := time.Now()
	ctx, cancel := context.WithCancel(c.Context)
	defer cancel()
	d := &demo{out: a.out}
	if a.json {
		d.out = a.err
	}
	defer func() { err = errors.Join(err, d.close()) }()
	if err := d.open(ctx, symbols); err != nil {
		return err
	}
	running := make(chan error, 1)
	go func() { running <- d.engine.Run(ctx) }()
	err = d.tell(ctx)
	cancel()
	if err := errors.Join(err, <-running); err != nil {
		return err
	}
	a.show(d.results, func() { d.summary(time.Since(began)) })
	return nil
}

// demo is the world of the story: simulated nodes, and the engine that follows them.
type demo struct {
	out     writer
	dir     string
	stages  []*stage
	engine  *engine.Engine
	results []demoResult
}

// writer is what the story is written to.
type writer interface{ Write([]byte) (int, error) }

// stage is where one coin's story plays.
type stage struct {
	demo   *demo
	coin   coins.Coin
	symbol coins.Symbol
	chain  *simnode.Chain
	node   *simnode.Node
	line   int
	// watched are the addresses of the story, whose coins are compared at its end.
	watched []place
	result  demoResult
}

// place is an address and its script.
type place struct {
	address string
	script  []byte
}

// demoResult is a line of the summary.
type demoResult struct {
	Coin     coins.Symbol  `json:"coin"`
	Blocks   coins.Height  `json:"blocks"`
	Seen     time.Duration `json:"deposit_seen_ns"`
	Counted  time.Duration `json:"block_counted_ns"`
	Reorgs   int           `json:"reorgs"`
	Coins    int           `json:"coins"`
	Total    coins.Total   `json:"total"`
	Equal    bool          `json:"equal_to_node"`
	CheckOK  bool          `json:"index_sound"`
	Way      string        `json:"blocks_by"`
	ImportIn time.Duration `json:"import_ns"`
}

func (d *demo) open(ctx context.Context, symbols []coins.Symbol) error {
	var err error
	if d.dir, err = os.MkdirTemp("", "coffer-demo-"); err != nil {
		return fmt.Errorf("demo folder: %w", err)
	}
	config := &engine.Config{DataDir: filepath.Join(d.dir, "data")}
	for _, symbol := range symbols {
		s, err := d.stage(ctx, symbol)
		if err != nil {
			return err
		}
		policy := s.coin.Params().Policy
		config.Coins = append(config.Coins, engine.CoinConfig{
			Symbol: symbol, Network: coins.Regtest, Index: "watched", Start: engine.Start{Tip: true}, Verify: "merkle",
			Confirmations: policy.Confirmations, FinalDepth: policy.FinalDepth, MaxReorg: policy.MaxReorg, PollInterval: time.Second,
			Nodes: []engine.NodeConfig{{
				RPC: s.node.RPC, User: s.node.User, Password: engine.Secret(s.node.Password), REST: true, P2P: s.node.P2P, ZMQ: []string{s.node.ZMQ},
			}},
		})
	}
	d.engine, err = engine.Open(ctx, config, engine.Options{})
	return err
}

// stage makes a coin's chain and the node that serves it.
func (d *demo) stage(ctx context.Context, symbol coins.Symbol) (*stage, error) {
	coin, err := engine.CoinFor(symbol, coins.Regtest)
	if err != nil {
		return nil, usagef("%v", err)
	}
	s := &stage{demo: d, coin: coin, symbol: symbol, result: demoResult{Coin: symbol}}
	d.stages = append(d.stages, s)
	config := simnode.Config{Coin: coin, Seed: 2026, Start: time.Now().Add(-demoBlocks * coin.Params().Chain.Interval), MWEBFrom: demoBlocks}
	if s.chain, err = simnode.NewChain(config); err != nil {
		return nil, err
	}
	if err := s.prehistory(); err != nil {
		return nil, err
	}
	s.node, err = simnode.Serve(ctx, s.chain, simnode.Options{})
	return s, err
}

// prehistory mines the chain that is there before Coffer comes. An address that is imported later is paid in it.
func (s *stage) prehistory() error {
	const paidAt = 130
	if _, err := s.chain.Mine(paidAt - 1); err != nil {
		return err
	}
	if _, err := s.chain.Mine(1, simnode.Pay(s.script(oldAddress), demoAmount(7))); err != nil {
		return err
	}
	_, err := s.chain.Mine(demoBlocks - paidAt)
	return err
}

func (d *demo) close() error {
	var errs []error
	if d.engine != nil {
		errs = append(errs, d.engine.Close())
	}
	for _, s := range d.stages {
		if s.node != nil {
			s.node.Close()
		}
	}
	return errors.Join(append(errs, os.RemoveAll(d.dir))...)
}

func (d *demo) tell(ctx context.Context) error {
	fmt.Fprint(d.out, demoIntroduction)
	for _, s := range d.stages {
		if err := s.tell(ctx); err != nil {
			return fmt.Errorf("%s: %w", s.symbol, err)
		}
		d.results = append(d.results, s.result)
	}
	return nil
}

const demoIntroduction = `
Coffer follows the chains of your own full nodes, and keeps an index of the addresses you watch.

Here each coin gets a simulated node, which makes real blocks and speaks the real protocols. The
real engine follows it over the loopback interface, with its index on disk, in a folder that is
removed again. Nothing else on this machine is touched.
`

// The numbers of the story's addresses.
const (
	shopAddress byte = iota + 1
	oldAddress
	minerAddress
	pegOutAddress
)

// script makes an address of the story: key hash by number, native segwit where the coin has it.
func (s *stage) script(number byte) []byte {
	hash := bytes.Repeat([]byte{number}, 20)
	if s.coin.Params().Format.Segwit {
		return append([]byte{0x00, 20}, hash...)
	}
	return append(append([]byte{0x76, 0xa9, 20}, hash...), 0x88, 0xac)
}

// place returns an address of the story, which is compared with the node at the end.
func (s *stage) place(number byte) (place, error) {
	script := s.script(number)
	address, ok := s.coin.Address(script)
	if !ok {
		return place{}, fmt.Errorf("script %x has no address", script)
	}
	at := place{address: address, script: script}
	s.watched = append(s.watched, at)
	return at, nil
}

func demoAmount(whole int64) coins.Amount { return coins.Amount(whole) * coins.Unit / 2 }

// summary is the table at the end.
func (d *demo) summary(took time.Duration) {
	fmt.Fprintf(d.out, "\n%s\n\n", rule("Summary"))
	t := newTable("coin", ">blocks", "taken by", ">deposit seen", ">block counted", ">reorgs", ">coins", ">total", "index", "= node")
	for _, r := range d.results {
		t.row(string(r.Coin), fmt.Sprint(int(r.Blocks)), r.Way, short(r.Seen), short(r.Counted), fmt.Sprint(r.Reorgs), fmt.Sprint(r.Coins),
			r.Total.String(), verdict(r.CheckOK, "sound", "DAMAGED"), verdict(r.Equal, "yes", "NO"))
	}
	t.write(d.out, 0)
	fmt.Fprintf(d.out, "\nTold in %s. Next: `coffer init` writes a configuration; `coffer --help` lists the commands.\n",
		took.Round(100*time.Millisecond))
}

func verdict(ok bool, yes, no string) string {
	if ok {
		return yes
	}
	return no
}

// short is a time in milliseconds with one decimal.
func short(d time.Duration) string { return fmt.Sprintf("%.1f ms", d.Seconds()*1000) }

// rule is a heading across the page.
func rule(title string) string {
	const page = 98
	return "── " + title + " " + strings.Repeat("─", max(page-4-len([]rune(title)), 3))
}
