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
	Coin coins.Symbol `json:"coin"`
	// Node is the address of the node that was looked at; "" where it is about none, or about all.
	Node  string `json:"node,omitempty"`
	Check string `json:"check"`
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
	findings := []Finding{checkDisk(config, coin), checkIndex(ctx, config, c, known)}
	var tips []tipOf
	for i := range c.Nodes {
		found, tip, err := examineNode(ctx, c, &c.Nodes[i], known.Params())
		if err != nil {
			return nil, err
		}
		findings = append(findings, found...)
		if tip.Hash != (coins.BlockHash{}) {
			tips = append(tips, tipOf{node: c.Nodes[i].RPC, tip: tip})
		}
	}
	if len(c.Nodes) > 1 {
		findings = append(findings, checkTips(c, tips))
	}
	return findings, ctx.Err()
}

// tipOf is a node's best block.
type tipOf struct {
	node string
	tip  coins.BlockID
}

// examineNode looks at one node, and returns its tip where it answers.
func examineNode(ctx context.Context, c *CoinConfig, n *NodeConfig, params *coins.Params) ([]Finding, coins.BlockID, error) {
	client, err := node.Open(ctx, params, nodeOptions(n))
	if err != nil {
		return nil, coins.BlockID{}, err
	}
	findings := []Finding{checkLink(c, n)}
	for _, f := range client.Doctor(ctx) {
		findings = append(findings, Finding{Coin: c.Symbol, Node: n.RPC, Check: f.Check, Level: string(f.Level), Text: f.Text, Remedy: f.Remedy})
	}
	return findings, client.Status().Info.Tip, client.Close()
}

// checkTips compares the tips of several nodes. A moment lies between the looks at them, so that a block of difference is
// nothing.
func checkTips(c *CoinConfig, tips []tipOf) Finding {
	f := Finding{Coin: c.Symbol, Check: "nodes agree", Level: LevelOK}
	if len(tips) < 2 {
		f.Level, f.Text = LevelAdvice, fmt.Sprintf("%d of %d nodes answer: there is nothing to compare", len(tips), len(c.Nodes))
		f.Remedy = "see what is wrong with the others: as long as they are down, none stands in"
		return f
	}
	low, high := tips[0], tips[0]
	for _, t := range tips {
		if t.tip.Height < low.tip.Height {
			low = t
		}
		if t.tip.Height > high.tip.Height {
			high = t
		}
	}
	f.Text = fmt.Sprintf("%d nodes at heights %d to %d", len(tips), low.tip.Height, high.tip.Height)
	for _, t := range tips {
		if t.tip.Height == high.tip.Height && t.tip != high.tip {
			f.Level, f.Text = LevelAdvice, fmt.Sprintf("%s has block %s, and %s has %s", t.node, t.tip, high.node, high.tip)
			f.Remedy = "look again in a moment: if it stays, one of them is cut off from its network or follows other rules"
		}
	}
	if high.tip.Height-low.tip.Height > 1 {
		f.Level, f.Remedy = LevelAdvice, "wait until "+low.node+" has caught up, and look at its connections if it does not"
	}
	return f
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
func checkLink(c *CoinConfig, n *NodeConfig) Finding {
	f := Finding{Coin: c.Symbol, Node: n.RPC, Check: "link to the node", Level: LevelOK, Text: n.RPC}
	address, err := url.Parse(n.RPC)
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
