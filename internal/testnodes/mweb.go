package testnodes

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
)

// Facts of Litecoin's regtest.
const (
	mwebHeight = 432 // the first block that must carry MWEB
	mwebWallet = "mweb"
	mwebStart  = "10" // coins that ActivateMWEB pegs in
)

// PegOutMaturity is the number of blocks after which a HogEx's peg-out can be spent.
const PegOutMaturity = 6

// ActivateMWEB grows a fresh litecoind past height 431, where it stands still until a peg-in waits in the mempool: it
// mines up to 431, pegs in 10 coins and mines the block that holds the first HogEx. The node must be started with
// Options.MWEB.
func (n *Node) ActivateMWEB(ctx context.Context) error {
	if n.Coin != LTC || !n.options.MWEB || n.options.NoWallet {
		return fmt.Errorf("activate MWEB: %w: it takes litecoind with Options.MWEB and a wallet", ErrUnsupported)
	}
	height, err := n.Height(ctx)
	if err != nil {
		return err
	}
	if height >= mwebHeight {
		return nil
	}
	if more := mwebHeight - 1 - height; more > 0 {
		if _, err := n.Mine(ctx, more); err != nil {
			return err
		}
	}
	if _, err := n.PegIn(ctx, mwebStart); err != nil {
		return err
	}
	_, err = n.Mine(ctx, 1)
	return err
}

// PegIn moves amount coins from the node's wallet into its MWEB wallet and returns the txid of the transaction, whose
// output is the peg-in (witness version 9). The next block's HogEx takes it in.
func (n *Node) PegIn(ctx context.Context, amount string) (string, error) {
	if err := n.openMWEBWallet(ctx); err != nil {
		return "", err
	}
	address, err := n.walletString(ctx, mwebWallet, "getnewaddress", "", "mweb")
	if err != nil {
		return "", err
	}
	return n.Send(ctx, address, amount)
}

// PegOut pays amount coins from the MWEB wallet to an ordinary address. The deposit is an output from 1 on of the HogEx
// of the next block; what is returned is the id of the MWEB transaction, which never appears in a block.
func (n *Node) PegOut(ctx context.Context, address, amount string) (string, error) {
	if err := n.openMWEBWallet(ctx); err != nil {
		return "", err
	}
	return n.walletString(ctx, mwebWallet, "sendtoaddress", address, json.Number(amount))
}

// openMWEBWallet opens the wallet that owns nothing but MWEB coins: what it pays to an ordinary address must peg out.
func (n *Node) openMWEBWallet(ctx context.Context) error {
	if n.Coin != LTC || !n.options.MWEB {
		return fmt.Errorf("MWEB wallet: %w: it takes litecoind with Options.MWEB", ErrUnsupported)
	}
	open, err := ask[[]string](ctx, n, "listwallets")
	if err != nil {
		return err
	}
	for _, name := range open {
		if name == mwebWallet {
			return nil
		}
	}
	_, err = n.Call(ctx, "createwallet", mwebWallet)
	var refused *RPCError
	if errors.As(err, &refused) && refused.Code == alreadyLoaded {
		_, err = n.Call(ctx, "loadwallet", mwebWallet)
	}
	return err
}
