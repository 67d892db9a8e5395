package ledger

import (
	"context"
	"time"

	"coffer.example/coffer/coins"
)

// Store keeps the rows of one coin's ledger.
type Store interface {
	// Write runs do in one SERIALIZABLE transaction, and again from the start when it conflicts with others; what do
	// keeps from one run to the next must not matter.
	Write(ctx context.Context, do func(context.Context, Tx) error) error
	// WritePatiently is Write that does not give up over conflicts.
	WritePatiently(ctx context.Context, do func(context.Context, Tx) error) error
	// Read runs do over one snapshot.
	Read(ctx context.Context, do func(context.Context, Tx) error) error
}

// Tx is a store within one transaction, by aggregate. Nothing of it may be used after the transaction.
type Tx struct {
	Wallets      Wallets
	Accounts     Accounts
	Transactions Transactions
	Journal      Journal
	Keys         Keys
}

// Wallets keeps wallets.
type Wallets interface {
	// Create adds one and returns its number.
	Create(ctx context.Context, w *Wallet) (WalletID, error)
	// Named finds one by its name, compared byte for byte; false where there is none.
	Named(ctx context.Context, name string) (Wallet, bool, error)
	// List returns at most limit wallets with a number above after, in that order.
	List(ctx context.Context, after WalletID, limit int) ([]Wallet, error)
}

// Accounts keeps accounts.
type Accounts interface {
	// Create adds one and returns its number.
	Create(ctx context.Context, a *Account) (AccountID, error)
	// Named finds a wallet's account by its name, compared byte for byte.
	Named(ctx context.Context, wallet WalletID, name string) (Account, bool, error)
	// Lock returns accounts that exist of those numbers, in the numbers' order, held until the transaction ends. The
	// numbers ascend.
	Lock(ctx context.Context, ids []AccountID) ([]Account, error)
	// Save writes the balance, number, credit, reason for being frozen and archive mark of accounts.
	Save(ctx context.Context, accounts []Account) error
	// List returns at most limit accounts of a wallet with a number above after, in that order.
	List(ctx context.Context, wallet WalletID, after AccountID, limit int) ([]Account, error)
}

// Transactions keeps transactions.
type Transactions interface {
	// Create adds one and returns its number.
	Create(ctx context.Context, t *Transaction) (TransactionID, error)
	// Get finds one.
	Get(ctx context.Context, id TransactionID) (Transaction, bool, error)
}

// Journal keeps entries, which are only ever added.
type Journal interface {
	// Append adds entries.
	Append(ctx context.Context, entries []Entry) error
	// Entries returns at most limit entries of an account, the newest first, with a number below before.
	Entries(ctx context.Context, account AccountID, before int64, limit int) ([]Entry, error)
	// Sum adds up all entries of an account.
	Sum(ctx context.Context, account AccountID) (coins.Total, error)
	// Each calls each for every entry, ordered by account, then as they were added.
	Each(ctx context.Context, each func(Entry) error) error
}

// Keys keeps the answers to requests under idempotency keys.
type Keys interface {
	// Get returns the request's hash and the answer under a key; false where there is none.
	Get(ctx context.Context, key string) (request, answer []byte, found bool, err error)
	// Put stores them. It fails where the key is there already.
	Put(ctx context.Context, key string, request, answer []byte, created time.Time) error
}
