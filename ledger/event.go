package ledger

import (
	"encoding/json"
	"time"
)

// EventSeq numbers published events, from 1, without gaps, for all coins together.
type EventSeq uint64

// Event is something that happened and is told: a row that is written in the same transaction as what it reports.
type Event struct {
	// ID names the event, "evt_" and 26 characters; the same in every delivery.
	ID string `json:"id"`
	// Seq is given by the publisher; 0 before.
	Seq EventSeq `json:"seq"`
	// TxSeq numbers the events of one transaction, from 1; 0 in events of no transaction.
	TxSeq int64 `json:"tx_seq,omitempty"`
	// Type is txupdate, reorg, node.down and so on.
	Type string          `json:"type"`
	Time time.Time       `json:"time"`
	Data json.RawMessage `json:"data"`
}
