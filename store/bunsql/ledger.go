package bunsql

import (
	"context"
	"fmt"
	"regexp"

	"github.com/uptrace/bun"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/ledger"
)

// Ledger keeps the ledger of one coin, in tables that begin with its symbol. It implements [ledger.Store].
type Ledger struct {
	db     *DB
	prefix string
}

// Ledger returns the ledger of a coin. Its tables must have been made by [DB.Migrate].
func (d *DB) Ledger(coin coins.Symbol) (*Ledger, error) {
	if !regexp.MustCompile(`^[a-z][a-z0-9]{0,15}$`).MatchString(string(coin)) {
		return nil, fmt.Errorf("coin %q cannot be part of a table's name: %w", coin, ErrForeign)
	}
	return &Ledger{db: d, prefix: string(coin) + "_"}, nil
}

// Write implements [ledger.Store].
func (l *Ledger) Write(ctx context.Context, do func(context.Context, ledger.Tx) error) error {
	return l.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error { return do(ctx, l.tx(tx)) })
}

// WritePatiently implements [ledger.Store].
func (l *Ledger) WritePatiently(ctx context.Context, do func(context.Context, ledger.Tx) error) error {
	return l.db.WritePatiently(ctx, func(ctx context.Context, tx bun.Tx) error { return do(ctx, l.tx(tx)) })
}

// Read implements [ledger.Store].
func (l *Ledger) Read(ctx context.Context, do func(context.Context, ledger.Tx) error) error {
	return l.db.Read(ctx, func(ctx context.Context, tx bun.Tx) error { return do(ctx, l.tx(tx)) })
}

func (l *Ledger) tx(tx bun.Tx) ledger.Tx {
	r := rows{tx: tx, engine: l.db.engine, prefix: l.prefix}
	return ledger.Tx{
		Wallets: wallets{r}, Accounts: accounts{r}, Transactions: transactions{r}, Journal: journal{r}, Keys: keys{r},
	}
}

// rows is a transaction that knows its coin's tables.
type rows struct {
	tx     bun.Tx
	engine engine
	prefix string
}

// table is the name of one of the coin's tables, quoted.
func (r rows) table(name string) bun.Ident { return bun.Ident(r.prefix + name) }

// most is how many rows one statement inserts: engines bound the number of values in it.
const most = 500
