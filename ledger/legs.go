package ledger

import (
	"cmp"
	"fmt"
	"slices"

	"coffer.example/coffer/coins"
)

// leg is one side of a transaction before it is booked: an account that gains, or with a negative amount loses.
type leg struct {
	account AccountID
	amount  coins.Amount
}

// move returns the legs of an amount that goes from one account to another.
func move(from, to AccountID, amount coins.Amount) []leg { return []leg{{from, -amount}, {to, amount}} }

// merge makes one of the legs of each account, in the accounts' order, and drops what comes to nothing. It fails with
// [ErrUnbalanced] or [coins.ErrOverflow].
func merge(legs []leg) (merged []leg, err error) {
	var sum coins.Total
	for _, l := range slices.SortedStableFunc(slices.Values(legs), func(a, b leg) int { return cmp.Compare(a.account, b.account) }) {
		sum = sum.Add(l.amount)
		last := len(merged) - 1
		if last < 0 || merged[last].account != l.account {
			merged = append(merged, l)
		} else if merged[last].amount, err = merged[last].amount.Add(l.amount); err != nil {
			return nil, err
		}
	}
	if !sum.IsZero() {
		return nil, fmt.Errorf("the sum is %s: %w", sum, ErrUnbalanced)
	}
	return slices.DeleteFunc(merged, func(l leg) bool { return l.amount == 0 }), nil
}

// apply books a leg on a user's account and returns the entry. Nothing may leave a frozen account, nor more than its
// balance and credit, unless force says that it is no choice of ours: a reversal.
func (a *Account) apply(l leg, force bool) (Entry, error) {
	after, err := a.Balance.Add(l.amount)
	if err != nil {
		return Entry{}, fmt.Errorf("account %d: %w", a.ID, err)
	}
	if l.amount < 0 && !force {
		switch {
		case a.Frozen != "":
			return Entry{}, fmt.Errorf("account %d (%s): %w", a.ID, a.Frozen, ErrFrozen)
		case after < -a.Credit:
			return Entry{}, fmt.Errorf("account %d has %s, %s is asked for: %w", a.ID, a.Balance, -l.amount, ErrShort)
		}
	}
	a.Balance, a.Seq = after, a.Seq+1
	return Entry{Account: a.ID, Seq: a.Seq, Amount: l.amount, After: after}, nil
}
