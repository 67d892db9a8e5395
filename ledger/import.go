package ledger

import (
	"context"
	"fmt"

	"coffer.example/coffer/coins"
)

// ImportedBalance asks for an amount that the wallet's coins hold, and no account has, to be an account's.
type ImportedBalance struct {
	Account AccountID    `json:"account"`
	Amount  coins.Amount `json:"amount"`
	Label   string       `json:"label,omitempty"`
}

// ImportBalance books what the chain already held, exactly once for a key. Whether the chain does hold it is for the
// audit to say. It fails with [ErrAmount], [ErrNoAccount], [ErrSystemAccount], [ErrKey] or [ErrKeyReused].
func (b *Book) ImportBalance(ctx context.Context, key string, i ImportedBalance) (Transaction, error) {
	if err := b.checkAmount(i.Amount); err != nil {
		return Transaction{}, err
	}
	if i.Label != "" {
		if err := checkName("label", i.Label); err != nil {
			return Transaction{}, err
		}
	}
	done, err := once(ctx, b, keyed{"import", key, i}, func(ctx context.Context, tx Tx) (Transaction, error) {
		found, err := tx.Accounts.Lock(ctx, []AccountID{i.Account})
		if err != nil {
			return Transaction{}, err
		}
		if err := sameWallet([]AccountID{i.Account}, found); err != nil {
			return Transaction{}, err
		}
		if found[0].Role != RoleUser {
			return Transaction{}, fmt.Errorf("account %d: %w", i.Account, ErrSystemAccount)
		}
		onchain, err := systemAccount(ctx, tx, found[0].Wallet, RoleOnchain)
		if err != nil {
			return Transaction{}, err
		}
		booked := Transaction{Kind: BalanceImport, Account: i.Account, Peer: onchain, Amount: i.Amount, Label: i.Label, Created: b.now()}
		if booked.ID, err = tx.Transactions.Create(ctx, &booked); err != nil {
			return Transaction{}, err
		}
		p := poster{tx: tx, now: booked.Created}
		return booked, p.post(ctx, booked.ID, move(onchain, i.Account, i.Amount))
	})
	if err != nil {
		return Transaction{}, fmt.Errorf("import a balance to account %d: %w", i.Account, err)
	}
	return done, nil
}

// systemAccount finds a wallet's own account of a role.
func systemAccount(ctx context.Context, tx Tx, wallet WalletID, role Role) (AccountID, error) {
	a, found, err := tx.Accounts.Named(ctx, wallet, systemName(role))
	if err == nil && !found {
		err = fmt.Errorf("wallet %d, account %s: %w", wallet, systemName(role), ErrNoAccount)
	}
	return a.ID, err
}
