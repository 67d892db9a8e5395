package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"

	"coffer.example/coffer/bench/chaingen"
	"coffer.example/coffer/coins"
	"coffer.example/coffer/coins/doge"
	"coffer.example/coffer/internal/simnode"
)

// Full blocks of the simulated Dogecoin chain: nearly the megabyte that its consensus allows. Every tenth of a percent of
// a block's about 5,400 outputs is five, to scripts of the first watch list.
const (
	dogeBlock    = 985_000
	dogePayments = 5
	dogeWarmUp   = 130
)

// serveDoge is the child process: it makes the chain, says where it is served, and ends with its standard input.
func serveDoge(ctx context.Context, blocks int) error {
	coin, err := doge.New(coins.Regtest)
	if err != nil {
		return err
	}
	chain, err := simnode.NewChain(simnode.Config{Coin: coin, Seed: 1})
	if err != nil {
		return err
	}
	if err := chain.Fund(dogeWarmUp); err != nil {
		return err
	}
	for i := range blocks {
		content := []simnode.Content{simnode.Fill(dogeBlock)}
		for n := range dogePayments {
			content = append(content, simnode.Pay(chaingen.WatchScript(1, i*dogePayments+n), coins.Unit))
		}
		if _, err := chain.Mine(1, content...); err != nil {
			return err
		}
	}
	node, err := simnode.Serve(ctx, chain, simnode.Options{})
	if err != nil {
		return err
	}
	defer node.Close()
	where := served{RPC: node.RPC, User: node.User, Password: node.Password, P2P: node.P2P, PID: os.Getpid()}
	if err := json.NewEncoder(os.Stdout).Encode(where); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

// startDoge runs this program again as the simulated node, so that its CPU time is its own.
func startDoge(ctx context.Context, c config) (*runner, error) {
	coin, err := doge.New(coins.Regtest)
	if err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	child := exec.CommandContext(ctx, self, "-serve-doge", "-blocks", fmt.Sprint(c.blocks))
	child.Stderr = os.Stderr
	in, err1 := child.StdinPipe()
	out, err2 := child.StdoutPipe()
	if err := errors.Join(err1, err2, child.Start()); err != nil {
		return nil, err
	}
	r := &runner{config: c, coin: coin, stop: func() error { return errors.Join(in.Close(), child.Wait()) }}
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, &r.at)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("simulated node: %w", err), r.stop())
	}
	return r, nil
}
