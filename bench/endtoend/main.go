package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"

	"coffer.example/coffer/bench/chaingen"
	"coffer.example/coffer/coins"
	"coffer.example/coffer/coins/btc"
	"coffer.example/coffer/coins/ltc"
	"coffer.example/coffer/internal/testnodes"
	"coffer.example/coffer/node"
	"coffer.example/coffer/utxo/whole"
)

// Watch lists of the generated chain: seeds of chaingen.WatchScript, each of listSize scripts, with their share of all
// outputs in thousandths.
const listSize = 1_000_000

func watchLists() []chaingen.WatchList {
	return []chaingen.WatchList{
		{Seed: 1, Count: listSize, Permille: 1},
		{Seed: 2, Count: listSize, Permille: 9},
		{Seed: 3, Count: listSize, Permille: 90},
	}
}

// config is the command line.
type config struct {
	coin, dataDir, transports, verify string

	blocks, rounds int
	prove          int
	// backfill is how many addresses to measure a backfill with; 0 measures scans.
	backfill      int
	rescan, curve bool
	serveDoge     bool
	profile       string

	// index is what is built: watched or all; recent is the memory of the latter.
	index  string
	recent int
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "endtoend:", err)
		stop()
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	var c config
	f := flag.NewFlagSet("endtoend", flag.ContinueOnError)
	f.StringVar(&c.coin, "coin", "btc", "btc or ltc on a real node, doge on the simulated one")
	f.StringVar(&c.dataDir, "datadir", "", "the node's folder; its chain is grown once and used again")
	f.StringVar(&c.transports, "transports", "rest,p2p", "of rest, p2p, rpc")
	f.StringVar(&c.verify, "verify", "header,merkle", "of header, merkle")
	f.BoolVar(&c.serveDoge, "serve-doge", false, "be the simulated node (used by this program itself)")
	f.IntVar(&c.blocks, "blocks", 500, "full blocks")
	f.IntVar(&c.prove, "prove", 0, "watch so many scripts and compare every answer with a brute-force oracle's, and nothing else (btc)")
	f.IntVar(&c.rounds, "rounds", 3, "how often each is measured; the median is printed")
	f.IntVar(&c.backfill, "backfill", 0, "measure reading the past of so many addresses beside the tip, and nothing else (btc)")
	f.BoolVar(&c.rescan, "rescan", true, "measure the node's own rescanblockchain too")
	f.BoolVar(&c.curve, "curve", true, "measure 1 % and 10 % of outputs matching too")
	f.StringVar(&c.profile, "cpuprofile", "", "write CPU profiles of the scans to files of this name and a number")
	f.StringVar(&c.index, "index", "watched", "watched, or all: build the index of every script")
	f.IntVar(&c.recent, "recent", whole.DefaultRecent, "transactions that the index of every script holds in memory")
	if err := f.Parse(args); err != nil {
		return err
	}
	if c.serveDoge {
		return serveDoge(ctx, c.blocks)
	}
	if c.dataDir == "" && c.coin != "doge" {
		return fmt.Errorf("-datadir: name a folder for the node's chain (about %d MB)", 2*c.blocks)
	}
	start := startReal
	if c.coin == "doge" {
		start, c.rescan, c.curve = startDoge, false, false
	}
	r, err := start(ctx, c)
	if err != nil {
		return err
	}
	return errors.Join(r.measureAll(ctx, out), r.stop())
}

// served is where a node listens.
type served struct {
	RPC, User, Password, P2P string
	PID                      int
}

// runner is one run against one node.
type runner struct {
	config config
	coin   coins.Coin
	at     served
	node   *testnodes.Node // nil where the node is simulated
	stop   func() error
	chain  chain
	// chainBytes is what the chain's blocks take over the transport measured last.
	chainBytes int64
	profiles   int
}

// coinOf returns the coin, and the generator's parameters of its chain.
func coinOf(name string) (coins.Coin, testnodes.Coin, chaingen.Params, error) {
	switch name {
	case "btc":
		coin, err := btc.New(coins.Regtest)
		return coin, testnodes.BTC, chaingen.BitcoinRegtest(1, watchLists()...), err
	case "ltc":
		coin, err := ltc.New(coins.Regtest)
		return coin, testnodes.LTC, chaingen.LitecoinRegtest(1, watchLists()...), err
	}
	return nil, "", chaingen.Params{}, fmt.Errorf("-coin %q: give btc or ltc", name)
}

// startReal brings up a real node and grows its chain where that is still short.
func startReal(ctx context.Context, c config) (*runner, error) {
	coin, kind, params, err := coinOf(c.coin)
	if err != nil {
		return nil, err
	}
	dir, err := filepath.Abs(c.dataDir)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	n, err := testnodes.Start(ctx, testnodes.Options{Coin: kind, DataDir: dir, NoWallet: true, DBCache: 500})
	if err != nil {
		return nil, err
	}
	at := served{RPC: n.RPC, User: n.User, Password: n.Password, P2P: n.P2P, PID: n.PID()}
	r := &runner{config: c, coin: coin, at: at, node: n, stop: n.Stop}
	if err := r.grow(ctx, params); err != nil {
		return nil, errors.Join(err, n.Stop())
	}
	return r, nil
}

// grow brings the node's chain to its length, and out of initial download.
func (r *runner) grow(ctx context.Context, params chaingen.Params) error {
	have, err := r.node.Height(ctx)
	if err != nil {
		return err
	}
	if want := chaingen.WarmUp + r.config.blocks; have < want {
		fmt.Fprintf(os.Stderr, "growing the chain to %d blocks\n", want)
		if err := chaingen.Grow(ctx, r.node, params, want, func(chaingen.Block) {}); err != nil {
			return err
		}
	}
	return chaingen.Freshen(ctx, r.node)
}

// measureAll reads the ids of the chain's blocks, measures and prints.
func (r *runner) measureAll(ctx context.Context, out io.Writer) error {
	source, err := r.open(ctx, "rest")
	if err != nil {
		return err
	}
	r.chain, err = readChain(ctx, source)
	version := source.Status().Info.Subversion
	if err = errors.Join(err, source.Close()); err != nil {
		return err
	}
	fmt.Fprintf(out, "%s, %d blocks, %d cores, node %s\n\n", r.coin.Params().Name, len(r.chain.ids), runtime.NumCPU(), version)
	if r.config.index == "all" {
		if most := chaingen.WarmUp + r.config.blocks; len(r.chain.ids) > most {
			r.chain.ids = r.chain.ids[:most]
		}
		if r.chainBytes, err = r.measureChain(ctx); err != nil {
			return err
		}
		return r.wholes(ctx, out)
	}
	if r.config.prove > 0 {
		return r.prove(ctx, out)
	}
	if r.config.backfill > 0 {
		return r.backfillAll(ctx, out)
	}
	return r.all(ctx, out)
}

// measureChain takes every block once, for their bytes.
func (r *runner) measureChain(ctx context.Context) (int64, error) {
	source, err := r.open(ctx, "rest")
	if err != nil {
		return 0, err
	}
	bytes, err := r.chain.takeAll(ctx, source)
	return bytes, errors.Join(err, source.Close())
}

// open connects with one way of taking blocks.
func (r *runner) open(ctx context.Context, transport string) (*node.Node, error) {
	o := node.Options{RPC: r.at.RPC, User: r.at.User, Password: r.at.Password}
	switch transport {
	case "rest":
		o.REST = true
	case "p2p":
		o.P2P = r.at.P2P
	case "rpc":
	default:
		return nil, fmt.Errorf("-transports %q: give rest, p2p, rpc", transport)
	}
	source, err := node.Open(ctx, r.coin.Params(), o)
	if err != nil {
		return nil, err
	}
	if got := source.Status().Transport; string(got) != transport {
		source.Close()
		return nil, fmt.Errorf("asked for %s, the node serves %s", transport, got)
	}
	return source, nil
}

func list(text string) []string { return strings.Split(text, ",") }
