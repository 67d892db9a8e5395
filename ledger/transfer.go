package ledger

import (
	"context"
	"fmt"

	"coffer.example/coffer/coins"
)

// Transfer asks for an amount to go from one account to another of the same wallet, off the chain.
type Transfer struct {
	From   AccountID    `json:"from"`
	To     AccountID    `json:"to"`
	Amount coins.Amount `json:"amount"`
	Label  string       `json:"label,omitempty"`
}

// Transfer moves money between two users of one wallet, exactly once for a key. It fails with [ErrAmount],
// [ErrSameAccount], [ErrNoAccount], [ErrSystemAccount], [ErrOtherWallet], [ErrShort], [ErrFrozen], [ErrKey] or
// [ErrKeyReused]; then nothing was booked.
func (b *Book) Transfer(ctx context.Context, key string, t Transfer) (Transaction, error) {
	if err := b.checkTransfer(&t); err != nil {
		return Transaction{}, err
	}
	done, err := once(ctx, b, keyed{"transfer", key, t}, func(ctx context.Context, tx Tx) (Transaction, error) {
		ids := []AccountID{min(t.From, t.To), max(t.From, t.To)}
		accounts, err := tx.Accounts.Lock(ctx, ids)
		if err == nil {
			err = sameWallet(ids, accounts)
		}
		if err != nil {
			return Transaction{}, err
		}
		for i := range accounts {
			if accounts[i].Role != RoleUser {
				return Transaction{}, fmt.Errorf("account %d: %w", accounts[i].ID, ErrSystemAccount)
			}
		}
		booked := Transaction{Kind: Internal, Account: t.From, Peer: t.To, Amount: t.Amount, Label: t.Label, Created: b.now()}
		if booked.ID, err = tx.Transactions.Create(ctx, &booked); err != nil {
			return Transaction{}, err
		}
		p := poster{tx: tx, now: booked.Created}
		return booked, p.post(ctx, booked.ID, move(t.From, t.To, t.Amount))
	})
	if err != nil {
		return Transaction{}, fmt.Errorf("transfer from account %d to %d: %w", t.From, t.To, err)
	}
	return done, nil
}

func (b *Book) checkTransfer(t *Transfer) error {
	if t.From == t.To {
		return fmt.Errorf("account %d: %w", t.From, ErrSameAccount)
	}
	if t.Label != "" {
		if err := checkName("label", t.Label); err != nil {
			return err
		}
	}
	return b.checkAmount(t.Amount)
}
