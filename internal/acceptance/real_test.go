package acceptance_test

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"testing"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/internal/simnode"
	"coffer.example/coffer/internal/testnodes"
)

// bankBlocks is how many coinbases a real node's bank begins with, beyond the coin's maturity.
const bankBlocks = 45

// replaceable is a sequence that signals replacement (BIP 125), and nothing else.
const replaceable = 0xfffffffd

// realHand drives bitcoind, litecoind or dogecoind. Coins that nobody watches come from its bank's address.
type realHand struct {
	*testnodes.Node
	coin coins.Coin
	bank string
	used map[coins.OutPoint]bool
	sign string
	fee  coins.Amount
	// values are of outputs that build knows already.
	values map[coins.OutPoint]coins.Amount
	t      *testing.T
	rival  *testnodes.Node
}

// realRig starts a node with coins to spend.
func realRig(t *testing.T, options testnodes.Options) *rig {
	t.Helper()
	ctx := t.Context()
	n := testnodes.StartTB(ctx, t, options)
	h := &realHand{Node: n, t: t, used: map[coins.OutPoint]bool{}, values: map[coins.OutPoint]coins.Amount{}, sign: "signrawtransactionwithwallet", fee: 20_000}
	symbol := coins.Symbol(options.Coin)
	switch options.Coin {
	case testnodes.LTC:
		h.fee = 100_000
	case testnodes.DOGE:
		h.fee, h.sign = 10_000_000, "signrawtransaction"
	}
	r := newRig(t, symbol, h)
	r.fee, h.coin = h.fee, r.coin
	r.config = nodeConfig{rpc: n.RPC, user: n.User, password: n.Password, p2p: n.P2P, zmq: n.ZMQ}
	r.replaces, r.utxoSet = options.Coin != testnodes.LTC, options.Coin != testnodes.DOGE
	var err error
	if h.bank, err = n.NewAddress(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := n.MineTo(ctx, bankBlocks+int(r.coin.Params().Chain.MaturityMax()), h.bank); err != nil {
		t.Fatal(err)
	}
	return r
}

func (h *realHand) address(ctx context.Context) (string, error) { return h.NewAddress(ctx) }

// bankCoin is the oldest coin of the bank that no transaction was built with.
func (h *realHand) bankCoin(ctx context.Context) (coins.OutPoint, error) {
	list, err := ask[[]struct {
		TxID          coins.TxID
		Vout          uint32
		Confirmations int
	}](ctx, walletCaller{h.Node}, "listunspent", 1, 9_999_999, []string{h.bank})
	if err != nil {
		return coins.OutPoint{}, err
	}
	var best coins.OutPoint
	most := 0
	for _, u := range list {
		at := coins.OutPoint{TxID: u.TxID, Vout: u.Vout}
		if u.Confirmations > most && !h.used[at] {
			best, most = at, u.Confirmations
		}
	}
	if most == 0 {
		return best, errors.New("the bank has no coins left")
	}
	h.used[best] = true
	return best, nil
}

// walletCaller calls the node's wallet by its name, where it has one.
type walletCaller struct{ *testnodes.Node }

func (w walletCaller) Call(ctx context.Context, method string, params ...any) (json.RawMessage, error) {
	if w.Coin == testnodes.DOGE {
		return w.Node.Call(ctx, method, params...)
	}
	return w.CallWallet(ctx, testnodes.Wallet, method, params...)
}

func (h *realHand) build(ctx context.Context, s spec) (tx transaction, err error) {
	if len(s.inputs) == 0 {
		coin, err := h.bankCoin(ctx)
		if err != nil {
			return tx, err
		}
		s.inputs = []coins.OutPoint{coin}
	}
	if s.fee == 0 {
		s.fee = h.fee
	}
	rest := -s.fee
	unsigned := simnode.Tx{Version: 2}
	for _, in := range s.inputs {
		value, err := h.value(ctx, in)
		if err != nil {
			return tx, err
		}
		rest += value
		unsigned.Ins = append(unsigned.Ins, simnode.In{Prev: in, Sequence: replaceable})
	}
	for _, out := range slices.Concat(s.outputs, []output{{h.bank, 0}}) {
		script, err := h.coin.Script(out.address)
		if err != nil {
			return tx, err
		}
		rest -= out.value
		unsigned.Outs = append(unsigned.Outs, simnode.Out{Value: out.value, Script: script})
	}
	if rest <= 0 {
		return tx, fmt.Errorf("inputs are %s short", -rest)
	}
	unsigned.Outs[len(unsigned.Outs)-1].Value = rest
	return h.signed(ctx, hex.EncodeToString(unsigned.Raw()), s)
}

func (h *realHand) signed(ctx context.Context, raw string, s spec) (tx transaction, err error) {
	signed, err := ask[struct {
		Hex      string
		Complete bool
	}](ctx, walletCaller{h.Node}, h.sign, raw)
	if err == nil && !signed.Complete {
		err = fmt.Errorf("%s: not complete", h.sign)
	}
	if err != nil {
		return tx, err
	}
	decoded, err := ask[decodedTx](ctx, h, "decoderawtransaction", signed.Hex)
	if err != nil {
		return tx, err
	}
	for n, out := range s.outputs {
		h.values[coins.OutPoint{TxID: decoded.TxID, Vout: uint32(n)}] = out.value
	}
	return transaction{decoded.TxID, signed.Hex, s.inputs}, nil
}

// value is what an output is worth: one that we built, or one that the node has in its coin database.
func (h *realHand) value(ctx context.Context, at coins.OutPoint) (coins.Amount, error) {
	if value, ok := h.values[at]; ok {
		return value, nil
	}
	out, err := ask[*struct{ Value json.Number }](ctx, h, "gettxout", at.TxID, at.Vout, false)
	if err != nil {
		return 0, err
	}
	if out == nil {
		return 0, fmt.Errorf("%s is not unspent", at)
	}
	h.values[at], err = coins.ParseAmount(out.Value.String())
	return h.values[at], err
}

func (h *realHand) mineOnly(ctx context.Context, txs ...transaction) error {
	address, err := h.NewAddress(ctx)
	if err != nil {
		return err
	}
	var raw []string
	for _, tx := range txs {
		raw = append(raw, tx.hex)
	}
	_, err = h.Call(ctx, "generateblock", address, raw)
	return err
}

func (h *realHand) forget(ctx context.Context) error { return h.Restart(ctx, "-persistmempool=0") }

func (h *realHand) crash(ctx context.Context) error {
	if err := h.Kill(); err != nil {
		return err
	}
	return h.Restart(ctx)
}

// compete parts the node from a rival, who mines a longer branch with the transaction in it, and brings them together.
func (h *realHand) compete(ctx context.Context, depth int, theirs transaction, ours func()) error {
	if h.rival == nil {
		h.rival = testnodes.StartTB(ctx, h.t, testnodes.Options{Coin: h.Coin})
	}
	if err := h.meet(ctx); err != nil {
		return err
	}
	ours()
	if _, err := h.rival.Call(ctx, "sendrawtransaction", theirs.hex); err != nil {
		return err
	}
	if _, err := h.rival.Mine(ctx, depth+1); err != nil {
		return err
	}
	return h.meet(ctx)
}

// meet brings node and rival to the same tip, and parts them again.
func (h *realHand) meet(ctx context.Context) error {
	if err := h.ConnectTo(ctx, h.rival); err != nil {
		return err
	}
	if err := h.WaitSynced(ctx, h.rival); err != nil {
		return err
	}
	return h.DisconnectFrom(ctx, h.rival)
}
