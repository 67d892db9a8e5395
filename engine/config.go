package engine

import (
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"coffer.example/coffer/coins"
)

// Config is everything a coffer.yaml may say, with every default filled in. LoadConfig reads one and has checked it.
type Config struct {
	// File is where it was read from; relative paths in it are relative to its folder.
	File string `json:"file"`
	// DataDir holds the indexes and the socket.
	DataDir string `json:"data_dir"`
	// Coins are in the order of the file.
	Coins []CoinConfig `json:"coins"`
	HTTP  HTTPConfig   `json:"http"`
}

// HTTPConfig is where the daemon listens for HTTP.
type HTTPConfig struct {
	// Listen is host:port of the machine itself; "" listens nowhere.
	Listen string `json:"listen,omitempty"`
}

// CoinConfig is the configuration of one coin.
type CoinConfig struct {
	Symbol coins.Symbol `json:"coin"`
	// Params is the file that describes a coin which Coffer does not have itself, "" for those it has.
	Params  string        `json:"params,omitempty"`
	Network coins.Network `json:"network"`
	// Nodes has at least one; the first is preferred.
	Nodes []NodeConfig `json:"nodes"`
	// Index says what is indexed; [IndexWatched], or [IndexAll] for every script of the chain beside.
	Index string `json:"index"`
	// Start is where a new index begins.
	Start Start `json:"start"`
	// Verify says how far the node's blocks are checked: "merkle" or "header".
	Verify string `json:"verify"`
	// Confirmations is how deep a deposit counts as paid, 1 for in the newest block.
	Confirmations coins.Height `json:"confirmations"`
	// FinalDepth is the number of confirmations from which on nothing is undone.
	FinalDepth coins.Height `json:"final_depth"`
	// MaxReorg is the number of blocks that can be undone.
	MaxReorg coins.Height `json:"max_reorg"`
	// PollInterval is how often the node is asked for its tip when it says nothing by itself.
	PollInterval time.Duration `json:"poll_interval"`

	// described is what Params holds.
	described *CoinFile
}

// NodeConfig is the configuration of one full node.
type NodeConfig struct {
	// RPC is the base URL, always with a port.
	RPC  string `json:"rpc"`
	User string `json:"user,omitempty"`
	// Password, PasswordFile and CookieFile are alternatives.
	Password     Secret `json:"password,omitempty"`
	PasswordFile string `json:"password_file,omitempty"`
	CookieFile   string `json:"cookie_file,omitempty"`
	// Headers are sent with every request.
	Headers map[string]Secret `json:"headers,omitempty"`
	// P2P is the peer protocol's host:port, empty where it is not used.
	P2P string `json:"p2p,omitempty"`
	// REST says that the node serves REST beside JSON-RPC.
	REST bool `json:"rest,omitempty"`
	// ZMQ are the publishers' addresses, tcp://host:port.
	ZMQ []string `json:"zmq,omitempty"`
}

// Start says where a new index begins: at the node's tip, or at a height.
type Start struct {
	Tip    bool
	Height coins.Height
}

// String writes the start as the configuration does: tip, genesis or a height.
func (s Start) String() string {
	switch {
	case s.Tip:
		return "tip"
	case s.Height == 0:
		return "genesis"
	}
	return fmt.Sprint(int(s.Height))
}

// MarshalText writes the start as in [Start.String].
func (s Start) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// VerifyMode returns the setting as the scanner takes it.
func (c *CoinConfig) VerifyMode() coins.Verify {
	if c.Verify == "header" {
		return coins.VerifyHeader
	}
	return coins.VerifyMerkle
}

// Coin returns the configuration of a coin, or [ErrUnknownCoin] naming those there are.
func (c *Config) Coin(symbol coins.Symbol) (*CoinConfig, error) {
	var names []string
	for i := range c.Coins {
		if c.Coins[i].Symbol == symbol {
			return &c.Coins[i], nil
		}
		names = append(names, string(c.Coins[i].Symbol))
	}
	return nil, fmt.Errorf("coin %q: %w; it has %s", symbol, ErrUnknownCoin, strings.Join(names, ", "))
}

// Socket returns the path of the daemon's unix socket.
func (c *Config) Socket() string { return filepath.Join(c.DataDir, "coffer.sock") }

// LockFile returns the path of the file that a running daemon holds locked.
func (c *Config) LockFile() string { return filepath.Join(c.DataDir, "coffer.lock") }

// IndexDir returns the folder of a coin's index.
func (c *Config) IndexDir(coin *CoinConfig) string {
	return filepath.Join(c.DataDir, fmt.Sprintf("%s-%s", coin.Symbol, coin.Network), "index")
}

// Fault is one thing wrong with a configuration.
type Fault struct {
	// Line counts from 1; 0 where the fault is of no line.
	Line int `json:"line"`
	// Key is the setting, "coins.btc.network".
	Key string `json:"key,omitempty"`
	// Text says what is wrong and what would be right.
	Text string `json:"text"`
}

// ConfigError is every fault of a configuration at once. It wraps [ErrConfig].
type ConfigError struct {
	File   string  `json:"file"`
	Faults []Fault `json:"faults"`
}

// Error has one line per fault, written file:line: key: what is wrong.
func (e *ConfigError) Error() string {
	lines := make([]string, 0, len(e.Faults))
	for _, fault := range e.Faults {
		text := fault.Text
		if fault.Key != "" {
			text = fault.Key + ": " + text
		}
		if fault.Line > 0 {
			text = fmt.Sprintf("%s:%d: %s", e.File, fault.Line, text)
		} else {
			text = e.File + ": " + text
		}
		lines = append(lines, text)
	}
	return strings.Join(lines, "\n")
}

// Unwrap returns [ErrConfig].
func (e *ConfigError) Unwrap() error { return ErrConfig }
