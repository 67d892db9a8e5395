package testnodes

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
)

// Wallet is the name of the wallet that Mine, NewAddress and Send use.
const Wallet = "coffer"

// alreadyLoaded is the code of createwallet and loadwallet for a wallet that is there or open.
const alreadyLoaded = -4

func (n *Node) openWallet(ctx context.Context) error {
	d, _ := n.Coin.dialect()
	if n.options.NoWallet || !d.namedWallet {
		return nil
	}
	_, err := n.Call(ctx, "createwallet", Wallet)
	var refused *RPCError
	if errors.As(err, &refused) && refused.Code == alreadyLoaded {
		return n.loadWallet(ctx) // the folder is from an earlier run
	}
	return err
}

func (n *Node) loadWallet(ctx context.Context) error {
	d, _ := n.Coin.dialect()
	if n.options.NoWallet || !d.namedWallet {
		return nil
	}
	open, err := ask[[]string](ctx, n, "listwallets")
	if err != nil {
		return err
	}
	for _, name := range open {
		if name == Wallet {
			return nil
		}
	}
	_, err = n.Call(ctx, "loadwallet", Wallet)
	return err
}

// NewAddress is a fresh address of the node's wallet, of the node's default type.
func (n *Node) NewAddress(ctx context.Context) (string, error) {
	return n.walletString(ctx, Wallet, "getnewaddress")
}

// Mine mines count blocks that pay the node's wallet and returns their hashes, oldest first.
func (n *Node) Mine(ctx context.Context, count int) ([]string, error) {
	address, err := n.NewAddress(ctx)
	if err != nil {
		return nil, err
	}
	return n.MineTo(ctx, count, address)
}

// MineTo mines count blocks that pay the address and returns their hashes, oldest first. It needs no wallet.
func (n *Node) MineTo(ctx context.Context, count int, address string) ([]string, error) {
	hashes, err := ask[[]string](ctx, n, "generatetoaddress", count, address)
	if err == nil && len(hashes) != count {
		err = fmt.Errorf("generatetoaddress: mined %d of %d blocks", len(hashes), count)
	}
	return hashes, err
}

// Fund mines until count coinbases of the wallet are mature.
func (n *Node) Fund(ctx context.Context, count int) error {
	d, _ := n.Coin.dialect()
	_, err := n.Mine(ctx, d.maturity+count)
	return err
}

// Send pays amount, a decimal of whole coins, from the node's wallet and returns the txid.
func (n *Node) Send(ctx context.Context, address, amount string) (string, error) {
	return n.walletString(ctx, Wallet, "sendtoaddress", address, json.Number(amount))
}

func (n *Node) walletString(ctx context.Context, wallet, method string, params ...any) (string, error) {
	path := ""
	if d, _ := n.Coin.dialect(); d.namedWallet {
		path = "/wallet/" + wallet
	}
	raw, err := n.call(ctx, path, method, params)
	if err != nil {
		return "", err
	}
	var text string
	if err := json.Unmarshal(raw, &text); err != nil {
		return "", fmt.Errorf("%s: %w", method, err)
	}
	return text, nil
}

// Height is the height of the node's tip.
func (n *Node) Height(ctx context.Context) (int, error) { return ask[int](ctx, n, "getblockcount") }

// Tip is the hash of the node's tip, as the node prints it.
func (n *Node) Tip(ctx context.Context) (string, error) {
	return ask[string](ctx, n, "getbestblockhash")
}

// BlockHash is the hash of the node's active block at the height.
func (n *Node) BlockHash(ctx context.Context, height int) (string, error) {
	return ask[string](ctx, n, "getblockhash", height)
}

// Invalidate makes the node leave its chain just below the height, and returns the hash to give to Reconsider.
func (n *Node) Invalidate(ctx context.Context, height int) (string, error) {
	hash, err := n.BlockHash(ctx, height)
	if err != nil {
		return "", err
	}
	_, err = n.Call(ctx, "invalidateblock", hash)
	return hash, err
}

// Reconsider takes back an Invalidate.
func (n *Node) Reconsider(ctx context.Context, hash string) error {
	_, err := n.Call(ctx, "reconsiderblock", hash)
	return err
}

// InMempool waits until the transaction is in the node's mempool.
func (n *Node) InMempool(ctx context.Context, txid string) error {
	err := poll(ctx, func() (bool, error) {
		ids, err := ask[[]string](ctx, n, "getrawmempool")
		for _, id := range ids {
			if id == txid {
				return true, nil
			}
		}
		return false, err
	})
	if err != nil {
		return fmt.Errorf("wait for transaction %s in the mempool: %w", txid, err)
	}
	return nil
}
