package ledger

import (
	"context"
	"fmt"
	"time"
)

// poster books legs within one transaction of the store.
type poster struct {
	tx  Tx
	now time.Time
	// force lets a reversal take money from whom it must.
	force bool
}

// post books the legs of a transaction. It fails with [ErrUnbalanced], [ErrNoAccount], [ErrOtherWallet], [ErrShort] or
// [ErrFrozen].
func (p *poster) post(ctx context.Context, id TransactionID, legs []leg) error {
	legs, err := merge(legs)
	if err != nil {
		return err
	}
	ids := make([]AccountID, len(legs))
	for i, l := range legs {
		ids[i] = l.account
	}
	accounts, err := p.tx.Accounts.Lock(ctx, ids)
	if err != nil {
		return err
	}
	if err := sameWallet(ids, accounts); err != nil {
		return err
	}
	entries := make([]Entry, 0, len(legs))
	var users []Account
	for i, l := range legs {
		e := Entry{Account: l.account, Amount: l.amount}
		if a := &accounts[i]; a.Role == RoleUser {
			if e, err = a.apply(l, p.force); err != nil {
				return err
			}
			users = append(users, *a)
		}
		e.Transaction, e.Created = id, p.now
		entries = append(entries, e)
	}
	if err := p.tx.Accounts.Save(ctx, users); err != nil {
		return err
	}
	return p.tx.Journal.Append(ctx, entries)
}

// sameWallet refuses accounts that are missing or not of one wallet.
func sameWallet(ids []AccountID, accounts []Account) error {
	for i, id := range ids {
		switch {
		case i >= len(accounts) || accounts[i].ID != id:
			return fmt.Errorf("account %d: %w", id, ErrNoAccount)
		case accounts[i].Wallet != accounts[0].Wallet:
			return fmt.Errorf("accounts %d and %d: %w", accounts[0].ID, id, ErrOtherWallet)
		}
	}
	return nil
}
