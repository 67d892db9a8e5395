package ledger

import (
	"context"
	"fmt"

	"coffer.example/coffer/coins"
)

// Check proves the invariants of the journal over one snapshot. It fails with [ErrBroken], naming the first that does
// not hold.
func (b *Book) Check(ctx context.Context) error {
	return b.store.Read(ctx, func(ctx context.Context, tx Tx) error {
		c := checking{sums: map[TransactionID]coins.Total{}, ends: map[AccountID]Entry{}}
		if err := tx.Journal.Each(ctx, c.entry); err != nil {
			return err
		}
		for id, sum := range c.sums {
			if !sum.IsZero() {
				return fmt.Errorf("transaction %d sums to %s: %w", id, sum, ErrBroken)
			}
		}
		return c.accounts(ctx, tx)
	})
}

// checking follows the journal. Its memory is a sum for each transaction that is not complete yet, and an entry for
// each account.
type checking struct {
	sums map[TransactionID]coins.Total
	ends map[AccountID]Entry
}

func (c *checking) entry(e Entry) error {
	if c.sums[e.Transaction] = c.sums[e.Transaction].Add(e.Amount); c.sums[e.Transaction].IsZero() {
		delete(c.sums, e.Transaction)
	}
	last := c.ends[e.Account]
	c.ends[e.Account] = e
	if e.Seq == 0 {
		return nil
	}
	if e.Seq != last.Seq+1 {
		return fmt.Errorf("account %d: entry %d follows %d: %w", e.Account, e.Seq, last.Seq, ErrBroken)
	}
	if after, err := last.After.Add(e.Amount); err != nil || after != e.After {
		return fmt.Errorf("account %d, entry %d: %s after %s and %s: %w", e.Account, e.Seq, e.After, last.After, e.Amount, ErrBroken)
	}
	return nil
}

func (c *checking) accounts(ctx context.Context, tx Tx) error {
	for wallet := WalletID(0); ; {
		wallets, err := tx.Wallets.List(ctx, wallet, MaxPage)
		if err != nil || len(wallets) == 0 {
			return err
		}
		for _, w := range wallets {
			wallet = w.ID
			if err := c.wallet(ctx, tx, w.ID); err != nil {
				return err
			}
		}
	}
}

func (c *checking) wallet(ctx context.Context, tx Tx, wallet WalletID) error {
	for after := AccountID(0); ; {
		accounts, err := tx.Accounts.List(ctx, wallet, after, MaxPage)
		if err != nil || len(accounts) == 0 {
			return err
		}
		for i := range accounts {
			a := &accounts[i]
			after = a.ID
			if end := c.ends[a.ID]; a.Role == RoleUser && (end.Seq != a.Seq || end.After != a.Balance) {
				return fmt.Errorf("account %d has %s after entry %d, its journal %s after %d: %w", a.ID, a.Balance, a.Seq, end.After, end.Seq, ErrBroken)
			}
			if a.Role == RoleUser && a.Balance < -a.Credit && a.Frozen == "" {
				return fmt.Errorf("account %d has %s with a credit of %s and is not frozen: %w", a.ID, a.Balance, a.Credit, ErrBroken)
			}
		}
	}
}
