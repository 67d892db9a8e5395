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
	// known is gone. Sent once after start and after each reconnect. A mempool
	// too large for one change is given in parts first, and then the Complete one
	// names those again with nothing in Raw and Seen: they are still there.
	Complete bool
}
