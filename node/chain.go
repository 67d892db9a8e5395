package node

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"coffer.example/coffer/coins"
)

// Tip returns the best block of the active chain and refreshes Status.
func (n *Node) Tip(ctx context.Context) (coins.BlockID, error) {
	var chain chainInfo
	if err := n.ask(ctx, &chain, "getblockchaininfo"); err != nil {
		return coins.BlockID{}, err
	}
	n.state.mu.Lock()
	defer n.state.mu.Unlock()
	if err := n.state.info.apply(&chain); err != nil {
		return coins.BlockID{}, err
	}
	return n.state.info.Tip, nil
}

// Headers returns at most limit headers of the active chain in order, the
// first at height from; none when from is beyond the tip. At most MaxHeaders
// come at once. Each is checked to have the hash that was asked for, not that
// it connects: the chain may change under the call.
func (n *Node) Headers(ctx context.Context, from coins.Height, limit int) ([]coins.RawHeader, error) {
	var tip int64
	if err := n.ask(ctx, &tip, "getblockcount"); err != nil {
		return nil, err
	}
	count := int(min(tip-int64(from)+1, int64(limit), MaxHeaders))
	if count <= 0 || from < 0 {
		return nil, nil
	}
	if viaREST := n.way(REST); viaREST.usable() {
		headers, err := n.restHeaders(ctx, from, count)
		if err == nil && len(headers) > 0 || ctx.Err() != nil {
			return headers, err
		}
		if err != nil && !aboutBlock(err) && !isRefused(err) {
			viaREST.fail(err, time.Now(), &n.opts)
			n.nudge()
		}
	}
	return n.rpcHeaders(ctx, from, count)
}

func (n *Node) restHeaders(ctx context.Context, from coins.Height, count int) ([]coins.RawHeader, error) {
	var first coins.BlockHash
	if err := n.ask(ctx, &first, "getblockhash", from); err != nil {
		return nil, err
	}
	return n.rest.headersFrom(ctx, first, count)
}

func (n *Node) rpcHeaders(ctx context.Context, from coins.Height, count int) ([]coins.RawHeader, error) {
	calls := make([]call, count)
	for i := range calls {
		calls[i] = call{"getblockhash", []any{int(from) + i}}
	}
	hashes := make([]coins.BlockHash, count)
	known := count
	err := n.askBatch(ctx, calls, maxBatch, func(i int, result json.RawMessage, err error) error {
		if hasCode(err, codeOutOfRange) {
			known = min(known, i) // the tip moved backwards meanwhile
			return nil
		}
		if err != nil {
			return err
		}
		return decode("getblockhash", result, &hashes[i])
	})
	if err != nil {
		return nil, fmt.Errorf("headers from %d: %w", from, err)
	}
	calls = calls[:known]
	for i := range calls {
		calls[i] = call{"getblockheader", []any{hashes[i].String(), false}}
	}
	headers := make([]coins.RawHeader, known)
	err = n.askBatch(ctx, calls, maxBatch, func(i int, result json.RawMessage, err error) error {
		if err == nil {
			headers[i], err = decodeHeader(result, hashes[i])
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("headers from %d: %w", from, err)
	}
	return headers, nil
}

// decodeHeader reads a hexadecimal header, behind which a proof may stand.
func decodeHeader(result json.RawMessage, want coins.BlockHash) (header coins.RawHeader, err error) {
	var text string
	if err := decode("getblockheader", result, &text); err != nil {
		return header, err
	}
	if len(text) < 2*coins.HeaderSize {
		return header, fmt.Errorf("getblockheader %s: %d digits: %w", want, len(text), ErrGarbage)
	}
	if _, err := hex.Decode(header[:], []byte(text[:2*coins.HeaderSize])); err != nil {
		return header, fmt.Errorf("getblockheader %s: %w", want, ErrGarbage)
	}
	if header.Hash() != want {
		return header, fmt.Errorf("getblockheader %s: %w", want, ErrWrongBlock)
	}
	return header, nil
}

// Invalid reports whether the node has found the block to break consensus: it
// is the tip of a branch that getchaintips calls invalid. Of blocks below such
// a tip the node does not tell which of them broke a rule, so they are not
// reported; nor is a block that the node does not know.
func (n *Node) Invalid(ctx context.Context, hash coins.BlockHash) (bool, error) {
	var tips []struct {
		Hash   coins.BlockHash `json:"hash"`
		Status string          `json:"status"`
	}
	if err := n.ask(ctx, &tips, "getchaintips"); err != nil {
		return false, err
	}
	for _, tip := range tips {
		if tip.Hash == hash {
			return tip.Status == "invalid", nil
		}
	}
	return false, nil
}

// MempoolIDs returns the ids of the node's unconfirmed transactions.
func (n *Node) MempoolIDs(ctx context.Context) ([]coins.TxID, error) {
	var ids []coins.TxID
	err := n.ask(ctx, &ids, "getrawmempool")
	return ids, err
}

// MempoolTxs calls each with the raw bytes of those of ids that are still in
// the mempool; the bytes are the callee's to keep. An error of each ends the
// call and is returned. On nodes with a transaction index, which find
// confirmed transactions too, the mempool is asked for each beside it.
func (n *Node) MempoolTxs(ctx context.Context, ids []coins.TxID, each func(id coins.TxID, raw []byte) error) error {
	if err := n.confirm(ctx); err != nil {
		return err
	}
	n.state.mu.Lock()
	withEntry := n.state.dialect.txIndex
	n.state.mu.Unlock()
	for len(ids) > 0 {
		part := ids[:min(len(ids), maxTxBatch)]
		ids = ids[len(part):]
		if err := n.mempoolPart(ctx, part, withEntry, each); err != nil {
			return err
		}
	}
	return nil
}

func (n *Node) mempoolPart(ctx context.Context, ids []coins.TxID, withEntry bool, each func(id coins.TxID, raw []byte) error) error {
	calls := make([]call, 0, 2*len(ids))
	for _, id := range ids {
		calls = append(calls, call{"getrawtransaction", []any{id.String()}})
	}
	if withEntry { // after the bytes: what is mined in between is not in the mempool
		for _, id := range ids {
			calls = append(calls, call{"getmempoolentry", []any{id.String()}})
		}
	}
	raws, gone := make([][]byte, len(ids)), make([]bool, len(ids))
	err := n.askBatch(ctx, calls, len(calls), func(i int, result json.RawMessage, err error) error {
		switch {
		case errors.Is(err, ErrNotFound):
			gone[i%len(ids)] = true
			return nil
		case err != nil:
			return err
		case i >= len(ids):
			return nil
		}
		raws[i], err = decodeHex("getrawtransaction", result)
		return err
	})
	if err != nil {
		return err
	}
	for i, raw := range raws {
		if gone[i] {
			continue
		}
		if err := each(ids[i], raw); err != nil {
			return err
		}
	}
	return nil
}

func decodeHex(method string, result json.RawMessage) ([]byte, error) {
	var text string
	if err := decode(method, result, &text); err != nil {
		return nil, err
	}
	raw, err := hex.DecodeString(text)
	if err != nil {
		return nil, fmt.Errorf("%s: result is not hexadecimal: %w", method, ErrGarbage)
	}
	return raw, nil
}
