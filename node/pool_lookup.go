package node

import (
	"context"
	"encoding/json"
	"errors"

	"coffer.example/coffer/coins"
)

// BlockAt is [Node.BlockAt] of the node in use.
func (p *Pool) BlockAt(ctx context.Context, height coins.Height) (id coins.BlockID, err error) {
	err = p.ask(ctx, func(ctx context.Context, _ int, n *Node) error {
		id, err = n.BlockAt(ctx, height)
		return err
	})
	return id, err
}

// BlockJSON is [Node.BlockJSON], of any node that has the block.
func (p *Pool) BlockJSON(ctx context.Context, hash coins.BlockHash, detail Detail) (text json.RawMessage, err error) {
	err = p.anyOf(ctx, func(ctx context.Context, n *Node) error {
		text, err = n.BlockJSON(ctx, hash, detail)
		return err
	})
	return text, err
}

// TxJSON is [Node.TxJSON], of any node that finds the transaction.
func (p *Pool) TxJSON(ctx context.Context, id coins.TxID, block *coins.BlockHash) (text json.RawMessage, err error) {
	err = p.anyOf(ctx, func(ctx context.Context, n *Node) error {
		text, err = n.TxJSON(ctx, id, block)
		return err
	})
	return text, err
}

// TxRaw is [Node.TxRaw], of any node that finds the transaction.
func (p *Pool) TxRaw(ctx context.Context, id coins.TxID, block *coins.BlockHash) (raw []byte, err error) {
	err = p.anyOf(ctx, func(ctx context.Context, n *Node) error {
		raw, err = n.TxRaw(ctx, id, block)
		return err
	})
	return raw, err
}

// anyOf asks one node after the other until one has it. Where none has, that
// they do not says more than that some failed.
func (p *Pool) anyOf(ctx context.Context, call func(context.Context, *Node) error) error {
	var failed, missing error
	for _, i := range p.order() {
		n := p.nodes[i]
		err := p.patiently(ctx, len(p.nodes) > 1, func(ctx context.Context) error { return call(ctx, n) })
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, ErrNotFound):
			missing = err
		default:
			failed = also(failed, p.named(n, err))
		}
	}
	if missing != nil {
		return missing
	}
	return failed
}
