package coins

import "time"

// MempoolTx is an unconfirmed transaction as a node showed it.
type MempoolTx struct {
	ID  TxID
	Raw []byte
	// Seen is when Coffer first saw it.
	Seen time.Time
}

// MempoolChange is what changed in the node's mempool since the last look.
// Gone transactions have left it without a block holding them as far as the
// scanner knows: evicted, expired, replaced or conflicted. They can come back.
type MempoolChange struct {
	Added []MempoolTx
	Gone  []TxID
	// Complete says that Added is the node's whole mempool: whatever else was
	// known is gone. Sent once after start and after each reconnect.
	Complete bool
}
