package engine

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/node"
)

// Block is [Lookups]'.
func (e *Engine) Block(ctx context.Context, coin coins.Symbol, heightOrHash string) (Block, error) {
	p, err := e.part(coin)
	if err != nil {
		return Block{}, err
	}
	client, err := p.openNodes(ctx)
	if err != nil {
		return Block{}, err
	}
	id, err := blockNamed(ctx, client, heightOrHash)
	if err != nil {
		return Block{}, err
	}
	loaded, err := p.load(ctx, client, id)
	if err != nil {
		return Block{}, err
	}
	tip, err := client.Tip(ctx)
	if err != nil {
		return Block{}, err
	}
	shown := describeBlock(loaded, p.coin.Params(), tip)
	if len(p.config.Nodes) > 1 {
		agreed, err := agreement(ctx, client, id)
		if err != nil {
			return Block{}, err
		}
		shown.Nodes = &agreed
	}
	return shown, nil
}

// blockNamed finds a block by height or hash.
func blockNamed(ctx context.Context, client *node.Pool, heightOrHash string) (coins.BlockID, error) {
	if height, err := strconv.ParseInt(heightOrHash, 10, 32); err == nil && height >= 0 {
		return client.BlockAt(ctx, coins.Height(height))
	}
	hash, err := coins.ParseBlockHash(heightOrHash)
	if err != nil {
		return coins.BlockID{}, fmt.Errorf("block %q is neither a height nor a hash: %w", heightOrHash, ErrInput)
	}
	height, err := heightOf(ctx, client, hash)
	return coins.BlockID{Height: height, Hash: hash}, err
}

func describeBlock(b *coins.Block, params *coins.Params, tip coins.BlockID) Block {
	count := b.Layout.TxCount()
	shown := Block{
		ID: b.ID, Prev: b.Header.Prev(), Time: time.Unix(int64(b.Header.Time()), 0).UTC(),
		Transactions: count, Inputs: len(b.Layout.Ins), Outputs: len(b.Layout.Outs), Bytes: len(b.Raw),
		MergeMined: params.Format.AuxPoW && b.Header.HasProof(), Confirmations: confirmations(&b.ID, &tip),
	}
	for i := range count {
		shown.TxIDs = append(shown.TxIDs, b.TxID(i))
	}
	if b.Layout.HogEx {
		shown.PegOuts = len(b.Layout.Outs) - int(b.Layout.Txs[count-1].FirstOut) - 1
	}
	return shown
}

// heightOf asks the node for the height of a block.
func heightOf(ctx context.Context, client *node.Pool, hash coins.BlockHash) (coins.Height, error) {
	text, err := client.BlockJSON(ctx, hash, node.DetailIDs)
	if err != nil {
		return 0, err
	}
	var block struct {
		Height coins.Height `json:"height"`
	}
	if err := json.Unmarshal(text, &block); err != nil {
		return 0, fmt.Errorf("getblock %s: %w: %w", hash, node.ErrGarbage, err)
	}
	return block.Height, nil
}

// Transaction is [Lookups]'.
func (e *Engine) Transaction(ctx context.Context, coin coins.Symbol, id coins.TxID, block string) (Transaction, error) {
	p, err := e.part(coin)
	if err != nil {
		return Transaction{}, err
	}
	client, err := p.openNodes(ctx)
	if err != nil {
		return Transaction{}, err
	}
	if block != "" {
		return p.transactionIn(ctx, client, id, block)
	}
	raw, err := client.TxRaw(ctx, id, nil)
	if errors.Is(err, node.ErrNotFound) {
		err = fmt.Errorf("transaction %s is not in the mempool of the node, which finds those in blocks only with txindex=1; "+
			"name the block that holds it: %w", id, ErrNotFound)
	}
	return Transaction{ID: id, Hex: hex.EncodeToString(raw)}, err
}

// transactionIn takes a transaction out of the block that holds it.
func (p *part) transactionIn(ctx context.Context, client *node.Pool, id coins.TxID, block string) (Transaction, error) {
	at, err := blockNamed(ctx, client, block)
	if err != nil {
		return Transaction{}, err
	}
	loaded, err := p.load(ctx, client, at)
	if err != nil {
		return Transaction{}, err
	}
	for i := range loaded.Layout.TxCount() {
		if loaded.TxID(i) == id {
			span := loaded.Layout.Txs[i]
			return Transaction{ID: id, Hex: hex.EncodeToString(loaded.Raw[span.Start:span.End]), Block: &at}, nil
		}
	}
	return Transaction{}, fmt.Errorf("transaction %s is not in block %s: %w", id, at, ErrNotFound)
}

// load takes a block from the node and verifies it.
func (p *part) load(ctx context.Context, client *node.Pool, id coins.BlockID) (*coins.Block, error) {
	raw, err := client.Block(ctx, id, nil)
	if err != nil {
		return nil, err
	}
	loaded := &coins.Block{Raw: raw}
	return loaded, loaded.Load(p.coin.Params().Format, id, coins.VerifyMerkle)
}
