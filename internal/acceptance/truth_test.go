package acceptance_test

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"coffer.example/coffer/coins"
)

// truth is a chain as the node itself decodes it, block by block.
type truth struct {
	node   caller
	coin   coins.Coin
	active []*decodedBlock // by height
	pool   map[coins.TxID]*decodedTx
}

type decodedBlock struct {
	Hash              coins.BlockHash
	PreviousBlockHash coins.BlockHash
	Height            coins.Height
	Tx                []decodedTx
}

type decodedTx struct {
	TxID coins.TxID
	Vin  []struct {
		Coinbase string
		TxID     coins.TxID
		Vout     uint32
	}
	Vout []struct {
		Value        json.Number
		N            uint32
		ScriptPubKey struct{ Hex string }
	}
}

// trueCoin is an output that a script received.
type trueCoin struct {
	outpoint         coins.OutPoint
	script           string // bytes
	value            coins.Amount
	block            coins.BlockID // zero while unconfirmed
	confirmed        bool
	coinbase, pegOut bool
	spent            bool       // in a block
	spentBy          coins.TxID // in the mempool
}

// fact is a line of a history.
type fact struct {
	kind     string
	script   string
	value    coins.Amount
	txid     coins.TxID
	n        uint32
	outpoint coins.OutPoint
	block    coins.BlockID
}

// view is all that the node says of some scripts at one moment.
type view struct {
	tip     coins.BlockID
	coins   map[coins.OutPoint]*trueCoin // unspent in blocks, and unconfirmed
	history map[fact]bool                // confirmed
}

func newTruth(node caller, coin coins.Coin) *truth {
	return &truth{node: node, coin: coin, pool: map[coins.TxID]*decodedTx{}}
}

// follow reads the blocks of the node's chain that are not known yet.
func (k *truth) follow(ctx context.Context) error {
	hash, err := ask[coins.BlockHash](ctx, k.node, "getbestblockhash")
	if err != nil {
		return err
	}
	var fresh []*decodedBlock
	for {
		header, err := ask[struct{ Height coins.Height }](ctx, k.node, "getblockheader", hash)
		if err != nil {
			return err
		}
		if h := int(header.Height); h < len(k.active) && k.active[h].Hash == hash {
			k.active = k.active[:h+1]
			break
		}
		block, err := ask[*decodedBlock](ctx, k.node, "getblock", hash, 2)
		if err != nil {
			return err
		}
		fresh = append(fresh, block)
		if block.Height == 0 {
			k.active = nil
			break
		}
		hash = block.PreviousBlockHash
	}
	slices.Reverse(fresh)
	k.active = append(k.active, fresh...)
	return nil
}

// look returns what the node's blocks and its mempool say of scripts, as of one tip.
func (k *truth) look(ctx context.Context, scripts map[string]bool) (*view, error) {
	for {
		if err := k.follow(ctx); err != nil {
			return nil, err
		}
		v := &view{coins: map[coins.OutPoint]*trueCoin{}, history: map[fact]bool{}}
		tip := k.active[len(k.active)-1]
		v.tip = coins.BlockID{Height: tip.Height, Hash: tip.Hash}
		for _, b := range k.active {
			for i := range b.Tx {
				if err := k.confirm(v, b, i, scripts); err != nil {
					return nil, err
				}
			}
		}
		maps.DeleteFunc(v.coins, func(_ coins.OutPoint, c *trueCoin) bool { return c.spent })
		if err := k.unconfirmed(ctx, v, scripts); err != nil {
			return nil, err
		}
		if now, err := ask[coins.BlockHash](ctx, k.node, "getbestblockhash"); err != nil || now == tip.Hash {
			return v, err
		}
	}
}

// confirm adds a transaction of a block.
func (k *truth) confirm(v *view, b *decodedBlock, i int, scripts map[string]bool) error {
	tx, id := &b.Tx[i], coins.BlockID{Height: b.Height, Hash: b.Hash}
	for n, in := range tx.Vin {
		at := coins.OutPoint{TxID: in.TxID, Vout: in.Vout}
		if c := v.coins[at]; c != nil && in.Coinbase == "" {
			c.spent = true
			v.history[fact{"spent", c.script, c.value, tx.TxID, uint32(n), at, id}] = true
		}
	}
	return tx.received(scripts, func(c *trueCoin) {
		c.block, c.confirmed = id, true
		c.coinbase = i == 0
		c.pegOut = k.coin.Params().Format.MWEB && i > 0 && i == len(b.Tx)-1 && tx.isHogEx() && c.outpoint.Vout > 0
		v.coins[c.outpoint] = c
		v.history[fact{"funded", c.script, c.value, tx.TxID, c.outpoint.Vout, c.outpoint, id}] = true
	})
}

// isHogEx knows the HogEx by its first output, a witness program of version 8 (LIP 3).
func (tx *decodedTx) isHogEx() bool {
	return len(tx.Vout) > 0 && len(tx.Vout[0].ScriptPubKey.Hex) == 68 && tx.Vout[0].ScriptPubKey.Hex[:4] == "5820"
}

func (tx *decodedTx) received(scripts map[string]bool, each func(*trueCoin)) error {
	for _, out := range tx.Vout {
		script, err := hex.DecodeString(out.ScriptPubKey.Hex)
		if err != nil {
			return err
		}
		if !scripts[string(script)] {
			continue
		}
		value, err := coins.ParseAmount(out.Value.String())
		if err != nil {
			return err
		}
		each(&trueCoin{outpoint: coins.OutPoint{TxID: tx.TxID, Vout: out.N}, script: string(script), value: value})
	}
	return nil
}

// unconfirmed adds what is in the node's mempool. A transaction that leaves it meanwhile is not there.
func (k *truth) unconfirmed(ctx context.Context, v *view, scripts map[string]bool) error {
	ids, err := ask[[]coins.TxID](ctx, k.node, "getrawmempool")
	if err != nil {
		return err
	}
	var txs []*decodedTx
	for _, id := range ids {
		if k.pool[id] == nil {
			tx, err := ask[*decodedTx](ctx, k.node, "getrawtransaction", id, 1)
			if err != nil {
				continue // in a block since, or MWEB alone
			}
			k.pool[id] = tx
		}
		txs = append(txs, k.pool[id])
		err := k.pool[id].received(scripts, func(c *trueCoin) { v.coins[c.outpoint] = c })
		if err != nil {
			return err
		}
	}
	for _, tx := range txs {
		for _, in := range tx.Vin {
			if c := v.coins[coins.OutPoint{TxID: in.TxID, Vout: in.Vout}]; c != nil {
				c.spentBy = tx.TxID
			}
		}
	}
	return nil
}

// utxoSet asks the node for the unspent outputs of scripts in its own coin database.
func utxoSet(ctx context.Context, node caller, scripts map[string]bool) (map[coins.OutPoint]*trueCoin, coins.Height, error) {
	var wanted []map[string]string
	for script := range scripts {
		wanted = append(wanted, map[string]string{"desc": fmt.Sprintf("raw(%x)", script)})
	}
	found, err := ask[struct {
		Success  bool
		Height   coins.Height
		Unspents []struct {
			TxID         coins.TxID
			Vout         uint32
			ScriptPubKey string
			Amount       json.Number
			Height       coins.Height
		}
	}](ctx, node, "scantxoutset", "start", wanted)
	if err == nil && !found.Success {
		err = fmt.Errorf("scantxoutset was not successful")
	}
	if err != nil {
		return nil, 0, err
	}
	list := map[coins.OutPoint]*trueCoin{}
	for _, u := range found.Unspents {
		script, err := hex.DecodeString(u.ScriptPubKey)
		if err != nil {
			return nil, 0, err
		}
		value, err := coins.ParseAmount(u.Amount.String())
		if err != nil {
			return nil, 0, err
		}
		at := coins.OutPoint{TxID: u.TxID, Vout: u.Vout}
		list[at] = &trueCoin{outpoint: at, script: string(script), value: value, block: coins.BlockID{Height: u.Height}}
	}
	return list, found.Height, nil
}
