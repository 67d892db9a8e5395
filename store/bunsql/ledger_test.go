package bunsql_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/uptrace/bun"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/coins/doge"
	"coffer.example/coffer/ledger"
	"coffer.example/coffer/store/bunsql"
)

// bench is a ledger of Dogecoin, whose amounts are the largest, on an empty database.
type rig struct {
	*ledger.Book

	db   *bunsql.DB
	rows *bunsql.Ledger
}

func newRig(t *testing.T, url string) *rig {
	t.Helper()
	d := open(t, url)
	_, err := d.Migrate(t.Context(), []coins.Symbol{"doge"})
	must(t, err)
	rows, err := d.Ledger("doge")
	must(t, err)
	coin, err := doge.New(coins.Regtest)
	must(t, err)
	r := &rig{Book: ledger.New(rows, coin.Params(), ledger.Options{}), db: d, rows: rows}
	t.Cleanup(func() { must(t, r.Check(context.WithoutCancel(t.Context()))) })
	return r
}

// account makes an account of wallet "shop" that has an amount.
func (r *rig) account(t *testing.T, name string, has coins.Amount) ledger.AccountID {
	t.Helper()
	_, err := r.Wallet(t.Context(), "shop")
	must(t, err)
	a, err := r.Account(t.Context(), "shop", name)
	must(t, err)
	if has > 0 {
		_, err = r.ImportBalance(t.Context(), "start "+name, ledger.ImportedBalance{Account: a.ID, Amount: has})
		must(t, err)
	}
	return a.ID
}

func (r *rig) balance(t *testing.T, id ledger.AccountID) coins.Amount {
	t.Helper()
	list, err := r.Entries(t.Context(), id, 0, 1)
	must(t, err)
	if len(list) == 0 {
		return 0
	}
	return list[0].After
}

// Names are compared byte for byte, survive whatever they hold, and are got again rather than made twice.
func TestNames(t *testing.T) {
	each(t, func(t *testing.T, url string) {
		r := newRig(t, url)
		w, err := r.Wallet(t.Context(), "shop")
		must(t, err)
		if again, err := r.Wallet(t.Context(), "shop"); err != nil || again != w {
			t.Errorf("%+v, then %+v, %v", w, again, err)
		}
		seen := map[ledger.AccountID]string{}
		for _, name := range []string{"1Abc", "1aBC", "1abc", "1abc ", `o'neil\`, `"; DROP TABLE x; --`, "ä", "a\u0308", "Ω", "%", "?", "名前"} {
			a, err := r.Account(t.Context(), "shop", name)
			must(t, err)
			again, err := r.Account(t.Context(), "shop", name)
			must(t, err)
			if a.Name != name || again != a || seen[a.ID] != "" {
				t.Errorf("%q is %+v, then %+v, and was %q", name, a, again, seen[a.ID])
			}
			seen[a.ID] = name
		}
		for _, name := range []string{"", "\u00a7incoming", "a\x00b", "a\nb", string(make([]byte, 256)), "\xff"} {
			if _, err := r.Account(t.Context(), "shop", name); !errors.Is(err, ledger.ErrName) {
				t.Errorf("%q: %v", name, err)
			}
		}
		if _, err := r.Account(t.Context(), "Shop", "a"); !errors.Is(err, ledger.ErrNoWallet) {
			t.Errorf("another wallet: %v", err)
		}
	})
}

// What is refused books nothing; a key answers once.
func TestTransfer(t *testing.T) {
	each(t, func(t *testing.T, url string) {
		r := newRig(t, url)
		alice, bob := r.account(t, "alice", 100), r.account(t, "bob", 0)
		_, err := r.Wallet(t.Context(), "other")
		must(t, err)
		stranger, err := r.Account(t.Context(), "other", "stranger")
		must(t, err)
		for _, c := range []struct {
			t    ledger.Transfer
			key  string
			want error
		}{
			{ledger.Transfer{From: alice, To: bob, Amount: 101}, "k", ledger.ErrShort},
			{ledger.Transfer{From: alice, To: bob, Amount: 0}, "k", ledger.ErrAmount},
			{ledger.Transfer{From: alice, To: bob, Amount: -1}, "k", ledger.ErrAmount},
			{ledger.Transfer{From: alice, To: alice, Amount: 1}, "k", ledger.ErrSameAccount},
			{ledger.Transfer{From: alice, To: 9999, Amount: 1}, "k", ledger.ErrNoAccount},
			{ledger.Transfer{From: alice, To: stranger.ID, Amount: 1}, "k", ledger.ErrOtherWallet},
			{ledger.Transfer{From: alice, To: alice - 1, Amount: 1}, "k", ledger.ErrSystemAccount},
			{ledger.Transfer{From: alice, To: bob, Amount: 1}, "", ledger.ErrKey},
		} {
			if _, err := r.Transfer(t.Context(), c.key, c.t); !errors.Is(err, c.want) {
				t.Errorf("%+v: %v, want %v", c.t, err, c.want)
			}
		}
		first, err := r.Transfer(t.Context(), "k", ledger.Transfer{From: alice, To: bob, Amount: 60, Label: "rent"})
		must(t, err)
		again, err := r.Transfer(t.Context(), "k", ledger.Transfer{From: alice, To: bob, Amount: 60, Label: "rent"})
		must(t, err)
		if first != again {
			t.Errorf("the same request: %+v, then %+v", first, again)
		}
		if _, err := r.Transfer(t.Context(), "k", ledger.Transfer{From: alice, To: bob, Amount: 61, Label: "rent"}); !errors.Is(err, ledger.ErrKeyReused) {
			t.Errorf("another request under the key: %v", err)
		}
		if a, b := r.balance(t, alice), r.balance(t, bob); a != 40 || b != 60 {
			t.Errorf("alice has %d, bob %d", a, b)
		}
	})
}

// Of many at once who would move the whole balance, exactly one does.
func TestRaceForABalance(t *testing.T) {
	const racers = 200
	each(t, func(t *testing.T, url string) {
		r := newRig(t, url)
		purse := r.account(t, "purse", 1000)
		to := make([]ledger.AccountID, 10)
		for i := range to {
			to[i] = r.account(t, fmt.Sprint("to ", i), 0)
		}
		var group sync.WaitGroup
		var mu sync.Mutex
		won := 0
		for i := range racers {
			group.Go(func() {
				_, err := r.Transfer(t.Context(), fmt.Sprint("race ", i), ledger.Transfer{From: purse, To: to[i%len(to)], Amount: 1000})
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					won++
				} else if !errors.Is(err, ledger.ErrShort) {
					t.Errorf("racer %d: %v", i, err)
				}
			})
		}
		group.Wait()
		if left := r.balance(t, purse); won != 1 || left != 0 {
			t.Errorf("%d of %d won, %d are left", won, racers, left)
		}
	})
}

// Many writers on few accounts end where one after the other would: each transfer that was answered happened once.
func TestHotAccounts(t *testing.T) {
	const writers, rounds = 64, 4
	each(t, func(t *testing.T, url string) {
		r := newRig(t, url)
		hot := []ledger.AccountID{r.account(t, "a", 1_000_000), r.account(t, "b", 1_000_000), r.account(t, "c", 1_000_000)}
		want := map[ledger.AccountID]coins.Amount{hot[0]: 1_000_000, hot[1]: 1_000_000, hot[2]: 1_000_000}
		var group sync.WaitGroup
		var mu sync.Mutex
		for w := range writers {
			random := rand.New(rand.NewPCG(uint64(w), 7))
			group.Go(func() {
				for n := range rounds {
					from := random.IntN(3)
					move := ledger.Transfer{From: hot[from], To: hot[(from+1+random.IntN(2))%3], Amount: coins.Amount(1 + random.IntN(50))}
					if _, err := r.Transfer(t.Context(), fmt.Sprint(w, "/", n), move); err != nil {
						t.Errorf("writer %d: %v", w, err)
						continue
					}
					mu.Lock()
					want[move.From] -= move.Amount
					want[move.To] += move.Amount
					mu.Unlock()
				}
			})
		}
		group.Wait()
		for id, amount := range want {
			if got := r.balance(t, id); got != amount {
				t.Errorf("account %d has %d, want %d", id, got, amount)
			}
		}
	})
}

// Sums of system accounts do not fit 64 bits: Dogecoin's turnover.
func TestSumsBeyond64Bits(t *testing.T) {
	each(t, func(t *testing.T, url string) {
		r := newRig(t, url)
		most := coins.Amount(10_000_000_000) * coins.Unit
		want := coins.Total{}
		for i := range 15 {
			a := r.account(t, fmt.Sprint("whale ", i), most)
			if r.balance(t, a) != most {
				t.Errorf("account %d has %d", a, r.balance(t, a))
			}
			want = want.Sub(most)
		}
		must(t, r.rows.Read(t.Context(), func(ctx context.Context, tx ledger.Tx) error {
			w, _, err := tx.Wallets.Named(ctx, "shop")
			must(t, err)
			onchain, _, err := tx.Accounts.Named(ctx, w.ID, "\u00a7onchain")
			must(t, err)
			got, err := tx.Journal.Sum(ctx, onchain.ID)
			if got != want {
				t.Errorf("onchain is %s, want %s", got, want)
			}
			return err
		}))
	})
}

// Check names what somebody has changed by hand.
func TestCheckFindsChanges(t *testing.T) {
	for name, change := range map[string]string{
		"an entry's amount":   "UPDATE doge_entry SET amount = amount + 1 WHERE seq = 2",
		"an entry taken out":  "DELETE FROM doge_entry WHERE seq = 1",
		"an account's figure": "UPDATE doge_account SET balance = balance + 1 WHERE name = 'bob'",
		"a number":            "UPDATE doge_entry SET seq = 7 WHERE seq = 2",
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, url string) {
				d := open(t, url)
				_, err := d.Migrate(t.Context(), []coins.Symbol{"doge"})
				must(t, err)
				rows, err := d.Ledger("doge")
				must(t, err)
				coin, err := doge.New(coins.Regtest)
				must(t, err)
				r := &rig{Book: ledger.New(rows, coin.Params(), ledger.Options{}), db: d, rows: rows}
				alice, bob := r.account(t, "alice", 100), r.account(t, "bob", 50)
				_, err = r.Transfer(t.Context(), "k", ledger.Transfer{From: alice, To: bob, Amount: 60})
				must(t, err)
				must(t, r.Check(t.Context()))
				must(t, exec(t.Context(), d, change))
				if err := r.Check(t.Context()); !errors.Is(err, ledger.ErrBroken) {
					t.Errorf("%v", err)
				}
			})
		})
	}
}

// Steps are taken once, a step that was cut short is taken again, and a newer schema is refused.
func TestMigrations(t *testing.T) {
	each(t, func(t *testing.T, url string) {
		d := open(t, url)
		symbols := []coins.Symbol{"btc", "ltc"}
		if err := d.CheckSchema(t.Context(), symbols); !errors.Is(err, bunsql.ErrOutdated) {
			t.Errorf("an empty database: %v", err)
		}
		var group sync.WaitGroup
		taken := make([]int, 4)
		for i := range taken {
			group.Go(func() {
				done, err := d.Migrate(t.Context(), symbols)
				if err != nil {
					t.Errorf("one of several at once: %v", err)
				}
				taken[i] = len(done)
			})
		}
		group.Wait()
		must(t, d.CheckSchema(t.Context(), symbols))
		must(t, exec(t.Context(), d, "DELETE FROM ltc_migration WHERE name > '0002'"))
		if err := d.CheckSchema(t.Context(), symbols); !errors.Is(err, bunsql.ErrOutdated) {
			t.Errorf("steps not said to be taken: %v", err)
		}
		if _, err := d.Migrate(t.Context(), symbols); err != nil {
			t.Errorf("taken again: %v", err)
		}
		must(t, d.Write(t.Context(), func(ctx context.Context, tx bun.Tx) error {
			_, err := tx.ExecContext(ctx, "INSERT INTO ltc_migration (name, group_id) VALUES ('9999', 9)")
			return err
		}))
		if err := d.CheckSchema(t.Context(), symbols); !errors.Is(err, bunsql.ErrNewer) {
			t.Errorf("a step of a newer version: %v", err)
		}
		if _, err := d.Migrate(t.Context(), symbols); !errors.Is(err, bunsql.ErrNewer) {
			t.Errorf("migrate a newer version: %v", err)
		}
	})
}
