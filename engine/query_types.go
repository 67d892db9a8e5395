package engine

import (
	"time"

	"coffer.example/coffer/coins"
)

// CoinQuery asks for unspent outputs. Filters that are zero leave nothing out.
type CoinQuery struct {
	// Address is "" for all.
	Address string `json:"address,omitempty"`
	// MinConfirmations leaves out younger ones; 0 has the unconfirmed too. MaxConfirmations leaves out older ones; nil has
	// no bound.
	MinConfirmations coins.Height  `json:"min_confirmations,omitempty"`
	MaxConfirmations *coins.Height `json:"max_confirmations,omitempty"`
	// MinValue and MaxValue bound what it is worth; MaxValue 0 has no bound.
	MinValue coins.Amount `json:"min_value,omitempty"`
	MaxValue coins.Amount `json:"max_value,omitempty"`
	// Coinbase has coinbase outputs only, Reserved what somebody has reserved.
	Coinbase bool `json:"coinbase,omitempty"`
	Reserved bool `json:"reserved,omitempty"`
	// Spendable leaves out what is immature, reserved, spent by an unconfirmed transaction, or may turn out to be spent
	// because the address's past is still being read.
	Spendable bool `json:"spendable,omitempty"`
	Page
}

// passes says whether the filters let an output pass that no index has filtered.
func (q *CoinQuery) passes(c *Coin) bool {
	switch {
	case c.Confirmations < q.MinConfirmations, q.MaxConfirmations != nil && c.Confirmations > *q.MaxConfirmations:
	case c.Value < q.MinValue, q.MaxValue != 0 && c.Value > q.MaxValue:
	case q.Coinbase && !c.Coinbase, q.Reserved && c.Reserved == nil:
	case q.Spendable && (c.SpendableAt != 0 || c.SpentBy != "" || c.Reserved != nil):
	default:
		return true
	}
	return false
}

// Coin is one unspent output.
type Coin struct {
	OutPoint coins.OutPoint `json:"outpoint"`
	Address  string         `json:"address"`
	Value    coins.Amount   `json:"value"`
	// Block holds it; nil while unconfirmed. Confirmations is 1 in the tip.
	Block         *coins.BlockID `json:"block"`
	Confirmations coins.Height   `json:"confirmations"`
	// SpentBy is an unconfirmed transaction that spends it, "" where none is known.
	SpentBy  string `json:"spent_by,omitempty"`
	Coinbase bool   `json:"coinbase,omitempty"`
	PegOut   bool   `json:"peg_out,omitempty"`
	// SpendableAt is the first height of a block that may spend an immature coinbase or peg-out; 0 for others.
	SpendableAt coins.Height `json:"spendable_at,omitempty"`
	// Reserved says who has reserved it.
	Reserved *Claim `json:"reserved,omitempty"`
}

// CoinList is a page of unspent outputs.
type CoinList struct {
	Coins []Coin `json:"coins"`
	Next  string `json:"next,omitempty"`
	// Source and Tip are told for an address that is not watched, as in [Balance].
	Source string         `json:"source,omitempty"`
	Tip    *coins.BlockID `json:"tip,omitempty"`
}

// HistoryQuery asks for events. Filters that are zero leave nothing out.
type HistoryQuery struct {
	// Address is "" for all.
	Address string `json:"address,omitempty"`
	// Kind is funded, spent, or "" for both.
	Kind string `json:"kind,omitempty"`
	// From and To are the first and last block: heights, or dates, of which From has the blocks since then and To those
	// till then. With To nothing unconfirmed is listed.
	From string `json:"from,omitempty"`
	To   string `json:"to,omitempty"`
	// Oldest begins with the oldest.
	Oldest bool `json:"oldest,omitempty"`
	Page
}

// HistoryEvent is an output received, or one spent.
type HistoryEvent struct {
	// Kind is funded or spent.
	Kind    string       `json:"kind"`
	Address string       `json:"address"`
	Value   coins.Amount `json:"value"`
	TxID    coins.TxID   `json:"txid"`
	// N is the output's number for funded, the input's for spent; OutPoint the coin.
	N             uint32         `json:"n"`
	OutPoint      coins.OutPoint `json:"outpoint"`
	Block         *coins.BlockID `json:"block"`
	Confirmations coins.Height   `json:"confirmations"`
	// Time is the block's own.
	Time time.Time `json:"time,omitzero"`
}

// HistoryList is a page of events.
type HistoryList struct {
	Events []HistoryEvent `json:"events"`
	Next   string         `json:"next,omitempty"`
	// Source and Tip are told for an address that is not watched, as in [Balance].
	Source string         `json:"source,omitempty"`
	Tip    *coins.BlockID `json:"tip,omitempty"`
}
