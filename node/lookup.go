package node

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"

	"coffer.example/coffer/coins"
)

// Detail is how much of a block the node decodes.
type Detail int

const (
	// DetailIDs is the header's fields and the transactions' ids.
	DetailIDs Detail = 1
	// DetailTxs is the transactions decoded too. Dogecoin has it since 1.14.7.
	DetailTxs Detail = 2
)

// BlockAt returns the active chain's block at a height. It fails with
// ErrNotFound beyond the tip.
func (n *Node) BlockAt(ctx context.Context, height coins.Height) (coins.BlockID, error) {
	id := coins.BlockID{Height: height}
	err := n.ask(ctx, &id.Hash, "getblockhash", height)
	if hasCode(err, codeOutOfRange) {
		return coins.BlockID{}, fmt.Errorf("height %d is beyond the tip: %w", height, ErrNotFound)
	}
	return id, err
}

// BlockJSON returns the node's own decoding of a block, as the node wrote it:
// amounts are decimals, which are not to be read as floats. It fails with
// ErrNotFound, ErrPruned, and ErrUnsupported where the node cannot give this
// detail.
func (n *Node) BlockJSON(ctx context.Context, hash coins.BlockHash, detail Detail) (json.RawMessage, error) {
	var verbosity any = int(detail)
	if detail == DetailIDs {
		verbosity = true // what every version takes
	}
	result, err := n.askRaw(ctx, "getblock", hash.String(), verbosity)
	if detail == DetailTxs && (hasCode(err, codeMisc) || hasCode(err, codeType)) && !errors.Is(err, ErrPruned) {
		return nil, fmt.Errorf("%w (%w)", ErrUnsupported, err)
	}
	return result, err
}

// TxJSON returns the node's own decoding of a transaction, as the node wrote
// it. Without the block that holds it, the node finds unconfirmed transactions
// only, unless it has a transaction index; Dogecoin 1.14 does not take a block.
// It fails with ErrNotFound.
func (n *Node) TxJSON(ctx context.Context, id coins.TxID, block *coins.BlockHash) (json.RawMessage, error) {
	if block == nil {
		return n.askRaw(ctx, "getrawtransaction", id.String(), true)
	}
	return n.askRaw(ctx, "getrawtransaction", id.String(), true, block.String())
}

// TxRaw returns a transaction's bytes. What TxJSON says of finding it holds.
func (n *Node) TxRaw(ctx context.Context, id coins.TxID, block *coins.BlockHash) ([]byte, error) {
	params := []any{id.String()}
	if block != nil {
		params = append(params, false, block.String())
	}
	result, err := n.askRaw(ctx, "getrawtransaction", params...)
	if err != nil {
		return nil, err
	}
	return decodeHex("getrawtransaction", result)
}

// SendRaw hands signed bytes to the node and returns their transaction id. It
// makes sure beforehand that the node is of the right chain. The node's own
// cap on fees is left on unless anyFee lifts it; caps of ours stand before it.
// A refusal is an *RPCError, whose code means what the reference nodes say:
// −25 an input is missing or spent, −26 refused by policy, −27 already in a
// block. Any other error leaves the outcome unknown: send the same bytes again.
func (n *Node) SendRaw(ctx context.Context, raw []byte, anyFee bool) (coins.TxID, error) {
	var id coins.TxID
	if err := n.confirm(ctx); err != nil {
		return id, err
	}
	params := []any{hex.EncodeToString(raw)}
	if anyFee {
		n.state.mu.Lock()
		feeCap := n.state.dialect.feeCap
		n.state.mu.Unlock()
		switch feeCap {
		case feeCapRate:
			params = append(params, 0)
		case feeCapFlag:
			params = append(params, true)
		case feeCapUnknown:
			return id, fmt.Errorf("sendrawtransaction without the node's cap on fees: %w", ErrUnsupported)
		}
	}
	err := n.ask(ctx, &id, "sendrawtransaction", params...)
	return id, err
}
