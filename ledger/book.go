package ledger

import (
	"context"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"coffer.example/coffer/coins"
)

// Options of a book. Zero values take the defaults.
type Options struct {
	// Clock is time; nil is time.Now.
	Clock func() time.Time
}

// Book is the ledger of one coin. Its methods may be called from several goroutines, and by several processes on one
// database.
type Book struct {
	store  Store
	params *coins.Params
	clock  func() time.Time
}

// New returns the ledger that a store keeps.
func New(store Store, params *coins.Params, o Options) *Book {
	b := &Book{store: store, params: params, clock: o.Clock}
	if b.clock == nil {
		b.clock = time.Now
	}
	return b
}

// now is the time as rows keep it: UTC, in microseconds.
func (b *Book) now() time.Time { return b.clock().UTC().Truncate(time.Microsecond) }

// Limits of names and lists.
const (
	// MaxName is the longest name or label in bytes.
	MaxName = 255
	// MaxPage is the longest page of a list.
	MaxPage = 10_000
)

func checkName(what, name string) error {
	if name == "" || len(name) > MaxName || !utf8.ValidString(name) {
		return fmt.Errorf("%s of %d bytes, 1 to %d of UTF-8 are wanted: %w", what, len(name), MaxName, ErrName)
	}
	for _, r := range name {
		if !unicode.IsPrint(r) {
			return fmt.Errorf("%s %q holds %U: %w", what, name, r, ErrName)
		}
	}
	return nil
}

// checkAmount refuses what nobody can move.
func (b *Book) checkAmount(a coins.Amount) error {
	if most := b.params.Chain.MaxMoney; a <= 0 || a > most {
		return fmt.Errorf("%s, at most %s: %w", a, most, ErrAmount)
	}
	return nil
}

// Wallet returns the wallet of a name, which it creates with its own accounts where there is none. It fails with
// [ErrName].
func (b *Book) Wallet(ctx context.Context, name string) (w Wallet, err error) {
	if err := checkName("wallet name", name); err != nil {
		return Wallet{}, err
	}
	err = b.store.Write(ctx, func(ctx context.Context, tx Tx) error {
		found := false
		if w, found, err = tx.Wallets.Named(ctx, name); err != nil || found {
			return err
		}
		w = Wallet{Name: name, Created: b.now()}
		if w.ID, err = tx.Wallets.Create(ctx, &w); err != nil {
			return err
		}
		for role := RoleIncoming; role <= RoleCold; role++ {
			a := Account{Wallet: w.ID, Name: systemName(role), Role: role, Created: w.Created}
			if _, err := tx.Accounts.Create(ctx, &a); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return Wallet{}, fmt.Errorf("wallet %q: %w", name, err)
	}
	return w, nil
}

// systemName is the name of a wallet's own account. It begins with a character that no user's name may begin with.
func systemName(role Role) string { return systemMark + systemRoles()[role] }

const systemMark = "\u00a7"

// Account returns a user's account of a wallet by name, which it creates where there is none. It fails with [ErrName]
// or [ErrNoWallet].
func (b *Book) Account(ctx context.Context, wallet, name string) (a Account, err error) {
	if err := checkName("account name", name); err != nil {
		return Account{}, err
	}
	if strings.HasPrefix(name, systemMark) {
		return Account{}, fmt.Errorf("account name %q begins with %s: %w", name, systemMark, ErrName)
	}
	err = b.store.Write(ctx, func(ctx context.Context, tx Tx) error {
		w, found, err := tx.Wallets.Named(ctx, wallet)
		if err == nil && !found {
			err = fmt.Errorf("wallet %q: %w", wallet, ErrNoWallet)
		}
		if err != nil {
			return err
		}
		if a, found, err = tx.Accounts.Named(ctx, w.ID, name); err != nil || found {
			return err
		}
		a = Account{Wallet: w.ID, Name: name, Role: RoleUser, Created: b.now()}
		a.ID, err = tx.Accounts.Create(ctx, &a)
		return err
	})
	if err != nil {
		return Account{}, fmt.Errorf("account %q: %w", name, err)
	}
	return a, nil
}

// Entries returns a page of an account's journal, newest first: at most limit entries with a number below before, 0
// being the newest.
func (b *Book) Entries(ctx context.Context, account AccountID, before int64, limit int) (list []Entry, err error) {
	if before <= 0 {
		before = 1<<63 - 1
	}
	err = b.store.Read(ctx, func(ctx context.Context, tx Tx) error {
		list, err = tx.Journal.Entries(ctx, account, before, min(max(limit, 1), MaxPage))
		return err
	})
	return list, err
}
