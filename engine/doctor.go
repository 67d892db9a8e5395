package engine

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/node"
)

// Finding is the outcome of one check of [Examine].
type Finding struct {
	Coin  coins.Symbol `json:"coin"`
	Check string       `json:"check"`
	// Level is one of the levels below.
	Level string `json:"level"`
	Text  string `json:"text"`
	// Remedy says what to do; "" where nothing is.
	Remedy string `json:"remedy,omitempty"`
}

// The levels of a finding: nothing to do; works, and could be better; does not work.
const (
	LevelOK     = string(node.LevelOK)
	LevelAdvice = string(node.LevelAdvice)
	LevelFault  = string(node.LevelFault)
)

// lowDisk is the free space, in bytes, below which the disk counts as nearly full.
const lowDisk = 2 << 30

// Examine looks at a coin's node, its settings and the data folder. It needs no engine, and is in the way of none.
func Examine(ctx context.Context, config *Config, coin coins.Symbol) ([]Finding, error) {
	c, err := config.Coin(coin)
	if err != nil {
		return nil, err
	}
	known, err := c.Coin()
	if err != nil {
		return nil, err
	}
	findings := []Finding{checkDisk(config, coin), checkIndex(ctx, config, c, known), checkLink(c)}
	client, err := node.Open(ctx, known.Params(), nodeOptions(&c.Nodes[0]))
	if err != nil {
		return nil, err
	}
	for _, f := range client.Doctor(ctx) {
		findings = append(findings, Finding{Coin: coin, Check: f.Check, Level: string(f.Level), Text: f.Text, Remedy: f.Remedy})
	}
	if err := client.Close(); err != nil {
		return nil, err
	}
	return findings, ctx.Err()
}

// checkDisk makes sure that the data folder can be written to, and has room.
func checkDisk(config *Config, coin coins.Symbol) Finding {
	f := Finding{Coin: coin, Check: "data folder", Level: LevelOK}
	err := os.MkdirAll(config.DataDir, 0o700)
	if err == nil {
		probe := filepath.Join(config.DataDir, fmt.Sprintf(".probe-%d", os.Getpid()))
		if err = os.WriteFile(probe, []byte("x"), 0o600); err == nil {
			err = os.Remove(probe)
		}
	}
	var free uint64
	if err == nil {
		free, err = freeSpace(config.DataDir)
	}
	if err != nil {
		f.Level, f.Text, f.Remedy = LevelFault, err.Error(), "give coffer's user a folder that it may write to, with free space"
		return f
	}
	f.Text = fmt.Sprintf("%s, %.1f GB free", config.DataDir, float64(free)/1e9)
	switch {
	case free < diskReserve:
		f.Level, f.Remedy = LevelFault, "free some space: below 512 MB the index stops writing"
	case free < lowDisk:
		f.Level, f.Remedy = LevelAdvice, "free some space: a full disk stops every coin until there is room again"
	}
	return f
}

// checkLink says whether a password crosses a network in the clear.
func checkLink(c *CoinConfig) Finding {
	f := Finding{Coin: c.Symbol, Check: "link to the node", Level: LevelOK, Text: c.Nodes[0].RPC}
	address, err := url.Parse(c.Nodes[0].RPC)
	if err != nil || address.Scheme == "https" || address.Hostname() == "localhost" {
		return f
	}
	if ip := net.ParseIP(address.Hostname()); ip == nil || !ip.IsLoopback() {
		f.Level = LevelAdvice
		f.Text += " is not this machine, and http hides nothing"
		f.Remedy = "let the password travel through a tunnel (ssh, WireGuard) or https, not over an open network"
	}
	return f
}
