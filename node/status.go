package node

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"coffer.example/coffer/coins"
)

// Info is what a node says of itself.
type Info struct {
	// Chain is the node's own name for its network: main, test, regtest.
	Chain string
	// Version is the node's number (290100 for 29.1); Subversion its name as
	// peers see it ("/Satoshi:29.1.0/").
	Version    int
	Subversion string
	// Tip is the best block; Headers the height of the best header known.
	Tip     coins.BlockID
	Headers coins.Height
	// Work is the work of the chain up to Tip, as the node says.
	Work Work
	// InitialDownload says that the node still catches up with its network.
	InitialDownload bool
	// Pruned says that blocks below PruneHeight are deleted.
	Pruned      bool
	PruneHeight coins.Height
	// RelayFee is the least fee rate at which the node relays, in coins per
	// 1,000 (virtual) bytes.
	RelayFee coins.Amount
	// Warnings are the node's own.
	Warnings []string
}

// Status is a node as it was last seen.
type Status struct {
	// Endpoint is the RPC address without credentials.
	Endpoint string
	// Reachable says that the last call was answered; Err says why not.
	Reachable bool
	Err       error
	Info      Info
	// Transport is the one that blocks are taken over, empty where none is up;
	// Transports are all, fastest first, with why those before it are not used.
	Transport  Transport
	Transports []TransportStatus
	// Feeds are the sources of hints.
	Feeds []FeedStatus
}

// FeedStatus is one source of hints: a ZMQ endpoint or the peer protocol.
type FeedStatus struct {
	Name      string
	Connected bool
	// Peer is what a peer calls itself ("/Satoshi:29.1.0/"); empty for ZMQ.
	Peer string
	// Err says why it is not connected.
	Err error
}

// chainInfo is getblockchaininfo, of which every dialect has these members.
type chainInfo struct {
	Chain           string          `json:"chain"`
	Blocks          int64           `json:"blocks"`
	Headers         int64           `json:"headers"`
	Best            coins.BlockHash `json:"bestblockhash"`
	Work            Work            `json:"chainwork"`
	InitialDownload bool            `json:"initialblockdownload"`
	Pruned          bool            `json:"pruned"`
	PruneHeight     int64           `json:"pruneheight"`
	Warnings        warnings        `json:"warnings"`
}

// Work is the summed work of a chain, as an integer with its highest byte first.
type Work [32]byte

// Compare is negative, zero or positive where w is less, the same or more.
func (w Work) Compare(other Work) int { return bytes.Compare(w[:], other[:]) }

// UnmarshalText reads the hexadecimal digits of a chainwork member.
func (w *Work) UnmarshalText(text []byte) error {
	if len(text) > 2*len(w) || len(text)%2 != 0 {
		return fmt.Errorf("chainwork of %d digits: %w", len(text), ErrGarbage)
	}
	*w = Work{}
	if _, err := hex.Decode(w[len(w)-len(text)/2:], text); err != nil {
		return fmt.Errorf("chainwork: %w", ErrGarbage)
	}
	return nil
}

// networkInfo is getnetworkinfo.
type networkInfo struct {
	Version    int         `json:"version"`
	Subversion string      `json:"subversion"`
	RelayFee   json.Number `json:"relayfee"`
}

// warnings is a text in older nodes and a list of texts since Core 28.
type warnings []string

// UnmarshalJSON reads both forms.
func (w *warnings) UnmarshalJSON(text []byte) error {
	var one string
	if err := json.Unmarshal(text, &one); err == nil {
		*w = nil
		if one != "" {
			*w = warnings{one}
		}
		return nil
	}
	var list []string
	err := json.Unmarshal(text, &list)
	*w = list
	return err
}

// apply takes over what getblockchaininfo said.
func (i *Info) apply(c *chainInfo) error {
	heights := [...]int64{c.Blocks, c.Headers, c.PruneHeight}
	for _, height := range heights {
		if height < -1 || height > int64(coins.MaxHeight) {
			return fmt.Errorf("getblockchaininfo: height %d: %w", height, ErrGarbage)
		}
	}
	if c.Blocks < 0 || c.Best == (coins.BlockHash{}) {
		return fmt.Errorf("getblockchaininfo: no best block: %w", ErrGarbage)
	}
	i.Chain, i.Warnings = c.Chain, c.Warnings
	i.Tip = coins.BlockID{Height: coins.Height(c.Blocks), Hash: c.Best}
	i.Headers, i.Work = coins.Height(max(c.Headers, 0)), c.Work
	i.InitialDownload, i.Pruned = c.InitialDownload, c.Pruned
	i.PruneHeight = coins.Height(max(c.PruneHeight, 0))
	return nil
}
