package bunsql

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/ledger"
)

type transactionRow struct {
	bun.BaseModel `bun:"table:transaction"`

	ID        int64  `bun:",pk,autoincrement"`
	Kind      string `bun:",notnull"`
	AccountID int64  `bun:",notnull"`
	PeerID    *int64
	Amount    int64  `bun:",notnull"`
	Label     string `bun:",notnull"`
	Created   int64  `bun:",notnull"`
}

type transactions struct{ rows }

func (r transactions) Create(ctx context.Context, t *ledger.Transaction) (ledger.TransactionID, error) {
	row := transactionRow{Kind: string(t.Kind), AccountID: int64(t.Account), Amount: int64(t.Amount), Label: t.Label, Created: micros(t.Created)}
	if t.Peer != 0 {
		row.PeerID = new(int64)
		*row.PeerID = int64(t.Peer)
	}
	_, err := r.tx.NewInsert().Model(&row).ModelTableExpr("?", r.table("transaction")).Exec(ctx)
	return ledger.TransactionID(row.ID), err
}

func (r transactions) Get(ctx context.Context, id ledger.TransactionID) (t ledger.Transaction, found bool, err error) {
	var list []transactionRow
	err = r.tx.NewSelect().Model(&list).ModelTableExpr("? AS transaction_row", r.table("transaction")).Where("id = ?", int64(id)).Scan(ctx)
	if err != nil || len(list) == 0 {
		return t, false, err
	}
	row := &list[0]
	t = ledger.Transaction{
		ID: id, Kind: ledger.Kind(row.Kind), Account: ledger.AccountID(row.AccountID), Amount: coins.Amount(row.Amount),
		Label: row.Label, Created: ofMicros(row.Created),
	}
	if row.PeerID != nil {
		t.Peer = ledger.AccountID(*row.PeerID)
	}
	return t, true, nil
}

type entryRow struct {
	bun.BaseModel `bun:"table:entry"`

	ID            int64 `bun:",pk,autoincrement"`
	AccountID     int64 `bun:",notnull"`
	TransactionID int64 `bun:",notnull"`
	// Seq and After are a user's; null in system accounts.
	Seq     *int64
	After   *int64
	Amount  int64 `bun:",notnull"`
	Created int64 `bun:",notnull"`
}

func (e *entryRow) entry() ledger.Entry {
	out := ledger.Entry{
		Account: ledger.AccountID(e.AccountID), Transaction: ledger.TransactionID(e.TransactionID), Amount: coins.Amount(e.Amount), Created: ofMicros(e.Created),
	}
	if e.Seq != nil && e.After != nil {
		out.Seq, out.After = *e.Seq, coins.Amount(*e.After)
	}
	return out
}

type journal struct{ rows }

func (r journal) Append(ctx context.Context, entries []ledger.Entry) error {
	for part := range slices.Chunk(entries, most) {
		list := make([]entryRow, len(part))
		for i, e := range part {
			list[i] = entryRow{AccountID: int64(e.Account), TransactionID: int64(e.Transaction), Amount: int64(e.Amount), Created: micros(e.Created)}
			if e.Seq != 0 {
				seq, after := e.Seq, int64(e.After)
				list[i].Seq, list[i].After = &seq, &after
			}
		}
		if _, err := r.tx.NewInsert().Model(&list).ModelTableExpr("?", r.table("entry")).ExcludeColumn("id").Returning("NULL").Exec(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (r journal) choose() (*bun.SelectQuery, *[]entryRow) {
	list := new([]entryRow)
	return r.tx.NewSelect().Model(list).ModelTableExpr("? AS entry_row", r.table("entry")), list
}

func (r journal) Entries(ctx context.Context, account ledger.AccountID, before int64, limit int) (entries []ledger.Entry, err error) {
	query, list := r.choose()
	err = query.Where("account_id = ?", int64(account)).Where("seq < ?", before).Order("seq DESC").Limit(int64(limit)).Scan(ctx)
	for i := range *list {
		entries = append(entries, (*list)[i].entry())
	}
	return entries, err
}

// Sum adds in halves: the sum of many 64-bit amounts may not fit 64 bits, and SQLite's SUM then fails.
func (r journal) Sum(ctx context.Context, account ledger.AccountID) (total coins.Total, err error) {
	const half = 1 << 32
	divide := "/"
	if r.engine.name() == "mysql" {
		divide = "DIV"
	}
	var high, low int64
	statement := fmt.Sprintf("SELECT CAST(COALESCE(SUM(amount %s %d), 0) AS %s), CAST(COALESCE(SUM(amount %% %d), 0) AS %s) FROM ? WHERE account_id = ?",
		divide, half, r.integer(), half, r.integer())
	if err := r.tx.NewRaw(statement, r.table("entry"), int64(account)).Scan(ctx, &high, &low); err != nil {
		return total, err
	}
	total = coins.TotalOf(coins.Amount(high))
	for range 32 {
		total = total.Plus(total)
	}
	return total.Add(coins.Amount(low)), nil
}

// integer is the name of a 64-bit integer in a cast.
func (r rows) integer() string {
	if r.engine.name() == "mysql" {
		return "SIGNED"
	}
	return "BIGINT"
}

// Each reads in pages, so that no result of the whole journal is held.
func (r journal) Each(ctx context.Context, each func(ledger.Entry) error) error {
	const page = 5000
	for account, id := int64(0), int64(0); ; {
		query, list := r.choose()
		err := query.Where("account_id > ? OR (account_id = ? AND id > ?)", account, account, id).Order("account_id", "id").Limit(page).Scan(ctx)
		if err != nil || len(*list) == 0 {
			return err
		}
		for i := range *list {
			row := &(*list)[i]
			if err := each(row.entry()); err != nil {
				return err
			}
			account, id = row.AccountID, row.ID
		}
	}
}

type keyRow struct {
	bun.BaseModel `bun:"table:request"`

	Name    string `bun:",pk"`
	Request []byte `bun:",notnull"`
	Answer  []byte `bun:",notnull"`
	Created int64  `bun:",notnull"`
}

type keys struct{ rows }

func (r keys) Get(ctx context.Context, key string) (request, answer []byte, found bool, err error) {
	var list []keyRow
	err = r.tx.NewSelect().Model(&list).ModelTableExpr("? AS key_row", r.table("request")).Where("name = ?", key).Scan(ctx)
	if err != nil || len(list) == 0 {
		return nil, nil, false, err
	}
	return list[0].Request, list[0].Answer, true, nil
}

func (r keys) Put(ctx context.Context, key string, request, answer []byte, created time.Time) error {
	row := keyRow{Name: key, Request: request, Answer: answer, Created: micros(created)}
	_, err := r.tx.NewInsert().Model(&row).ModelTableExpr("?", r.table("request")).Exec(ctx)
	return err
}
