package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"coffer.example/coffer/bench/chaingen"
	"coffer.example/coffer/internal/testnodes"
)

// passwordVariable keeps the password off the command line.
const passwordVariable = "COFFER_RPC_PASSWORD"

// errUsage is returned for a command line that says nothing or too much; what to give is in the text around it.
var errUsage = errors.New("usage")

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
	case errors.Is(err, errUsage):
		fmt.Fprintln(os.Stderr, "chaingen:", err)
		os.Exit(2)
	default:
		fmt.Fprintln(os.Stderr, "chaingen:", err)
		os.Exit(1)
	}
}

// config is the command line.
type config struct {
	coin, rpc, user, cookie, dataDir, out, watch string

	start  bool
	blocks int
	txs    int
	seed   uint64
}

func run(ctx context.Context, args []string, out io.Writer) error {
	c, err := parse(args, out)
	if err != nil {
		return err
	}
	p, err := c.params()
	if err != nil {
		return err
	}
	switch {
	case c.out != "":
		return toFile(ctx, c, p, out)
	case c.start:
		return toOwnNode(ctx, c, p, out)
	default:
		return toNode(ctx, c, p, out)
	}
}

func parse(args []string, out io.Writer) (config, error) {
	var c config
	f := flag.NewFlagSet("chaingen", flag.ContinueOnError)
	f.SetOutput(out)
	f.StringVar(&c.coin, "coin", "btc", "btc or ltc (litecoind with -vbparams=mweb:-2:0)")
	f.IntVar(&c.blocks, "blocks", 500, fmt.Sprintf("full blocks, after %d small ones", chaingen.WarmUp))
	f.IntVar(&c.txs, "txs", 0, "transactions in a full block; 0: as many as the main chain has")
	f.Uint64Var(&c.seed, "seed", 1, "another seed, another chain")
	f.StringVar(&c.watch, "watch", "1:1000000:1,2:1000000:9,3:1000000:90",
		"SEED:COUNT:PERMILLE of watch lists: how many scripts share how much of the outputs")
	f.StringVar(&c.out, "out", "", "write to this file, without a node")
	f.BoolVar(&c.start, "start", false, "start a node, and stop it at the end")
	f.StringVar(&c.dataDir, "datadir", "", "with -start: where the chain stays; empty: thrown away")
	f.StringVar(&c.rpc, "rpc", "", "address of a running regtest node, http://127.0.0.1:PORT")
	f.StringVar(&c.cookie, "cookie", "", "with -rpc: the node's cookie file")
	f.StringVar(&c.user, "user", "", "with -rpc: user name; the password is taken from "+passwordVariable)
	if err := f.Parse(args); errors.Is(err, flag.ErrHelp) {
		return c, err
	} else if err != nil {
		return c, fmt.Errorf("%w: %w", errUsage, err)
	}
	targets := 0
	for _, given := range []bool{c.out != "", c.start, c.rpc != ""} {
		if given {
			targets++
		}
	}
	if targets != 1 || f.NArg() > 0 || c.blocks < 1 {
		return c, fmt.Errorf("%w: give one of -start, -rpc URL and -out FILE, and -blocks of at least 1; -h shows all", errUsage)
	}
	return c, nil
}

func (c config) params() (chaingen.Params, error) {
	var p chaingen.Params
	switch testnodes.Coin(c.coin) {
	case testnodes.BTC:
		p = chaingen.BitcoinRegtest(c.seed)
	case testnodes.LTC:
		p = chaingen.LitecoinRegtest(c.seed)
	default:
		return p, fmt.Errorf("%w: -coin %q is neither btc nor ltc", errUsage, c.coin)
	}
	p.Txs = c.txs
	for _, text := range strings.Split(c.watch, ",") {
		if text == "" {
			continue
		}
		var w chaingen.WatchList
		if _, err := fmt.Sscanf(text, "%d:%d:%d", &w.Seed, &w.Count, &w.Permille); err != nil {
			return p, fmt.Errorf("%w: watch list %q is not SEED:COUNT:PERMILLE", errUsage, text)
		}
		p.Watch = append(p.Watch, w)
	}
	return p, nil
}

func toFile(ctx context.Context, c config, p chaingen.Params, out io.Writer) (err error) {
	g, err := chaingen.New(p)
	if err != nil {
		return err
	}
	file, err := os.Create(c.out)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	w := bufio.NewWriterSize(file, 1<<20)
	r := newReport(out, c.blocks)
	for range chaingen.WarmUp + c.blocks {
		if err := ctx.Err(); err != nil {
			return err
		}
		b := g.Next()
		if err := chaingen.WriteBlock(w, b.Raw); err != nil {
			return err
		}
		r.add(b)
	}
	r.end()
	return w.Flush()
}

func toOwnNode(ctx context.Context, c config, p chaingen.Params, out io.Writer) (err error) {
	n, err := testnodes.Start(ctx, testnodes.Options{
		Coin: testnodes.Coin(c.coin), DataDir: c.dataDir, NoWallet: true, DBCache: 450,
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, n.Stop()) }()
	return grow(ctx, n, c, p, out)
}

func toNode(ctx context.Context, c config, p chaingen.Params, out io.Writer) error {
	user, password := c.user, os.Getenv(passwordVariable)
	if c.cookie != "" {
		text, err := os.ReadFile(c.cookie)
		if err != nil {
			return err
		}
		user, password, _ = strings.Cut(strings.TrimSpace(string(text)), ":")
	}
	client := testnodes.NewClient(c.rpc, user, password)
	defer client.Close()
	return grow(ctx, client, c, p, out)
}

func grow(ctx context.Context, node chaingen.Caller, c config, p chaingen.Params, out io.Writer) error {
	r := newReport(out, c.blocks)
	if err := chaingen.Grow(ctx, node, p, chaingen.WarmUp+c.blocks, r.add); err != nil {
		return err
	}
	r.end()
	return chaingen.Freshen(ctx, node)
}

// report prints progress and totals.
type report struct {
	out     io.Writer
	started time.Time
	shown   time.Time
	total   int
	sum     chaingen.Block
	blocks  int
	bytes   int
}

func newReport(out io.Writer, full int) *report {
	now := time.Now()
	return &report{out: out, started: now, shown: now, total: chaingen.WarmUp + full}
}

func (r *report) add(b chaingen.Block) {
	r.blocks++
	r.bytes += len(b.Raw)
	r.sum.Txs += b.Txs
	r.sum.Inputs += b.Inputs
	r.sum.Outputs += b.Outputs
	r.sum.WatchedIn += b.WatchedIn
	r.sum.WatchedOut += b.WatchedOut
	if now := time.Now(); now.Sub(r.shown) >= 5*time.Second {
		r.shown = now
		fmt.Fprintf(r.out, "%d of %d blocks, %s\n", r.blocks, r.total, r.rate())
	}
}

func (r *report) rate() string {
	seconds := time.Since(r.started).Seconds()
	return fmt.Sprintf("%.1f s, %.1f blocks/s, %.1f MB/s", seconds, float64(r.blocks)/seconds, float64(r.bytes)/seconds/1e6)
}

func (r *report) end() {
	fmt.Fprintf(r.out, "%d blocks in %s\n%d bytes, %d transactions, %d inputs, %d outputs; watched: %d outputs, %d inputs\n",
		r.blocks, r.rate(), r.bytes, r.sum.Txs, r.sum.Inputs, r.sum.Outputs, r.sum.WatchedOut, r.sum.WatchedIn)
}
