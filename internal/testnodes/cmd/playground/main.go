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
	"syscall"
	"time"

	"coffer.example/coffer/internal/testnodes"
)

const (
	mark        = ".coffer-playground" // names the folders that may be removed
	setUpLimit  = 3 * time.Minute
	coinbases   = 10 // mature ones to spend
	callCommand = "call"
)

var (
	// errUsage is returned for a command line without what is needed. Give the flags that doc.go names.
	errUsage = errors.New("usage: playground -dir DIR -coffer EXECUTABLE")

	// errForeign is returned for a folder that this command did not make. Name another one, or remove it.
	errForeign = errors.New("the folder is not a playground's")

	// errDaemon is returned when the daemon ends by itself. Its log says why.
	errDaemon = errors.New("the daemon ended")
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "playground:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	if len(args) > 0 && args[0] == callCommand {
		return call(ctx, args[1:], out)
	}
	f := flag.NewFlagSet("playground", flag.ContinueOnError)
	dir := f.String("dir", "", "where everything goes; removed at the end")
	coffer := f.String("coffer", "", "the coffer executable")
	if err := f.Parse(args); err != nil {
		return err
	}
	if *dir == "" || *coffer == "" || f.NArg() > 0 {
		return errUsage
	}
	if err := claim(*dir); err != nil {
		return err
	}
	err := play(ctx, *dir, *coffer, out)
	fmt.Fprintln(out, "\nStopped. Removing", *dir)
	return errors.Join(err, os.RemoveAll(*dir))
}

// claim makes an empty folder of its own, in the place of what an earlier playground left.
func claim(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if _, err := os.Stat(filepath.Join(dir, mark)); err != nil && len(entries) > 0 {
		return fmt.Errorf("%s: %w", dir, errForeign)
	}
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, mark), nil, 0o600)
}

// play runs nodes and daemon until ctx ends or the daemon does.
func play(ctx context.Context, dir, coffer string, out io.Writer) (err error) {
	nodes, err := startNodes(ctx, dir, out)
	defer func() {
		for _, n := range nodes {
			err = errors.Join(err, n.Stop())
		}
	}()
	if err == nil {
		err = describe(dir, nodes)
	}
	if err != nil {
		return err
	}
	d, err := startDaemon(ctx, dir, coffer)
	if err != nil {
		return err
	}
	tell(out, dir, coffer, nodes)
	select {
	case <-ctx.Done():
		return d.stop()
	case <-d.ended:
		return d.fault()
	}
}

// startNodes starts every node there is and gives it a chain with money to spend. What was started is returned with an
// error too.
func startNodes(ctx context.Context, dir string, out io.Writer) ([]*testnodes.Node, error) {
	ctx, cancel := context.WithTimeout(ctx, setUpLimit)
	defer cancel()
	var nodes []*testnodes.Node
	for _, coin := range []testnodes.Coin{testnodes.BTC, testnodes.LTC, testnodes.DOGE} {
		if _, err := testnodes.Find(coin); errors.Is(err, testnodes.ErrNotInstalled) {
			fmt.Fprintln(out, "without", coin+":", err)
			continue
		}
		n, err := testnodes.Start(ctx, testnodes.Options{
			Coin: coin, DataDir: filepath.Join(dir, string(coin)+"-node"), TxIndex: true, MWEB: coin == testnodes.LTC,
		})
		if err != nil {
			return nodes, err
		}
		nodes = append(nodes, n)
		if err := n.Fund(ctx, coinbases); err != nil {
			return nodes, err
		}
		if coin == testnodes.LTC {
			if err := n.ActivateMWEB(ctx); err != nil {
				return nodes, err
			}
		}
		fmt.Fprintf(out, "%s: a real node on %s\n", coin, n.RPC)
	}
	if len(nodes) == 0 {
		return nil, fmt.Errorf("no node: %w: run scripts/nodes.sh", testnodes.ErrNotInstalled)
	}
	return nodes, nil
}
