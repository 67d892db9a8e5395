package bunsql

import (
	"context"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/ledger"
)

func micros(t time.Time) int64 { return t.UnixMicro() }

func ofMicros(us int64) time.Time { return time.UnixMicro(us).UTC() }

type walletRow struct {
	bun.BaseModel `bun:"table:wallet"`

	ID      int64  `bun:",pk,autoincrement"`
	Name    string `bun:",notnull"`
	Created int64  `bun:",notnull"`
}

func (w *walletRow) wallet() ledger.Wallet {
	return ledger.Wallet{ID: ledger.WalletID(w.ID), Name: w.Name, Created: ofMicros(w.Created)}
}

type wallets struct{ rows }

func (r wallets) Create(ctx context.Context, w *ledger.Wallet) (ledger.WalletID, error) {
	row := walletRow{Name: w.Name, Created: micros(w.Created)}
	_, err := r.tx.NewInsert().Model(&row).ModelTableExpr("?", r.table("wallet")).Exec(ctx)
	return ledger.WalletID(row.ID), err
}

func (r wallets) Named(ctx context.Context, name string) (w ledger.Wallet, found bool, err error) {
	var list []walletRow
	err = r.tx.NewSelect().Model(&list).ModelTableExpr("? AS wallet_row", r.table("wallet")).Where("name = ?", name).Scan(ctx)
	if err != nil || len(list) == 0 {
		return w, false, err
	}
	return list[0].wallet(), true, nil
}

func (r wallets) List(ctx context.Context, after ledger.WalletID, limit int) (list []ledger.Wallet, err error) {
	var found []walletRow
	err = r.tx.NewSelect().Model(&found).ModelTableExpr("? AS wallet_row", r.table("wallet")).Where("id > ?", int64(after)).Order("id").Limit(int64(limit)).Scan(ctx)
	for i := range found {
		list = append(list, found[i].wallet())
	}
	return list, err
}

type accountRow struct {
	bun.BaseModel `bun:"table:account"`

	ID       int64  `bun:",pk,autoincrement"`
	WalletID int64  `bun:",notnull"`
	Name     string `bun:",notnull"`
	Role     int16  `bun:",notnull"`
	Balance  int64  `bun:",notnull"`
	Seq      int64  `bun:",notnull"`
	Credit   int64  `bun:",notnull"`
	Frozen   string `bun:",notnull"`
	Archived bool   `bun:",notnull"`
	Created  int64  `bun:",notnull"`
}

func accountToRow(a *ledger.Account) accountRow {
	return accountRow{
		ID: int64(a.ID), WalletID: int64(a.Wallet), Name: a.Name, Role: int16(a.Role), Balance: int64(a.Balance), Seq: a.Seq,
		Credit: int64(a.Credit), Frozen: a.Frozen, Archived: a.Archived, Created: micros(a.Created),
	}
}

func (a *accountRow) account() ledger.Account {
	return ledger.Account{
		ID: ledger.AccountID(a.ID), Wallet: ledger.WalletID(a.WalletID), Name: a.Name, Role: ledger.Role(a.Role),
		Balance: coins.Amount(a.Balance), Seq: a.Seq, Credit: coins.Amount(a.Credit), Frozen: a.Frozen, Archived: a.Archived,
		Created: ofMicros(a.Created),
	}
}

type accounts struct{ rows }

func (r accounts) Create(ctx context.Context, a *ledger.Account) (ledger.AccountID, error) {
	row := accountToRow(a)
	_, err := r.tx.NewInsert().Model(&row).ModelTableExpr("?", r.table("account")).Exec(ctx)
	return ledger.AccountID(row.ID), err
}

func (r accounts) choose() (*bun.SelectQuery, *[]accountRow) {
	list := new([]accountRow)
	return r.tx.NewSelect().Model(list).ModelTableExpr("? AS account_row", r.table("account")), list
}

func (r accounts) Named(ctx context.Context, wallet ledger.WalletID, name string) (a ledger.Account, found bool, err error) {
	query, list := r.choose()
	err = query.Where("wallet_id = ?", int64(wallet)).Where("name = ?", name).Scan(ctx)
	if err != nil || len(*list) == 0 {
		return a, false, err
	}
	return (*list)[0].account(), true, nil
}

func (r accounts) Lock(ctx context.Context, ids []ledger.AccountID) (locked []ledger.Account, err error) {
	for part := range slices.Chunk(ids, most) {
		query, list := r.choose()
		query = query.Where("id IN (?)", bun.List(part)).Order("id")
		if r.engine.name() != "sqlite" { // which has one writer
			query = query.For("UPDATE")
		}
		if err := query.Scan(ctx); err != nil {
			return nil, err
		}
		for i := range *list {
			locked = append(locked, (*list)[i].account())
		}
	}
	return locked, nil
}

// Save writes whole rows: every engine can overwrite many that exist in one statement.
func (r accounts) Save(ctx context.Context, changed []ledger.Account) error {
	for part := range slices.Chunk(changed, most) {
		list := make([]accountRow, len(part))
		for i := range part {
			list[i] = accountToRow(&part[i])
		}
		query := r.tx.NewInsert().Model(&list).ModelTableExpr("? AS account_row", r.table("account"))
		if r.engine.name() == "mysql" {
			query = r.tx.NewInsert().Model(&list).ModelTableExpr("?", r.table("account")).On("DUPLICATE KEY UPDATE")
		} else {
			query = query.On("CONFLICT (id) DO UPDATE")
		}
		for _, column := range []string{"balance", "seq", "credit", "frozen", "archived"} {
			if r.engine.name() == "mysql" {
				query = query.Set("? = VALUES(?)", bun.Ident(column), bun.Ident(column))
			} else {
				query = query.Set("? = EXCLUDED.?", bun.Ident(column), bun.Ident(column))
			}
		}
		if _, err := query.Exec(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (r accounts) List(ctx context.Context, wallet ledger.WalletID, after ledger.AccountID, limit int) (all []ledger.Account, err error) {
	query, list := r.choose()
	err = query.Where("wallet_id = ?", int64(wallet)).Where("id > ?", int64(after)).Order("id").Limit(int64(limit)).Scan(ctx)
	for i := range *list {
		all = append(all, (*list)[i].account())
	}
	return all, err
}
