package whole

import "errors"

// ErrMissing says that a block spends an output that the index does not have:
// what is stored is not what the chain holds. Rebuild the index from the node.
// The other errors are those of package utxo.
var ErrMissing = errors.New("block spends an output that the index does not have")
