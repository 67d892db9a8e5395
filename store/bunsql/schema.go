package bunsql

import "github.com/uptrace/bun/migrate"

// migrations are the steps of a coin's schema, in order. A step that was released is never changed: a change is another
// step. Each is one statement, because MySQL commits every one by itself.
func (l *Ledger) migrations() *migrate.Migrations {
	m := migrate.NewMigrations()
	for _, step := range []migrate.Migration{
		l.step("0001", "wallets", `CREATE TABLE IF NOT EXISTS {coin}wallet (
	id {id},
	name {text} NOT NULL UNIQUE,
	created {int} NOT NULL
) {end}`),
		l.step("0002", "accounts", `CREATE TABLE IF NOT EXISTS {coin}account (
	id {id},
	wallet_id {int} NOT NULL REFERENCES {coin}wallet (id),
	name {text} NOT NULL,
	role {int} NOT NULL,
	balance {int} NOT NULL,
	seq {int} NOT NULL,
	credit {int} NOT NULL,
	frozen {text} NOT NULL,
	archived {bool} NOT NULL,
	created {int} NOT NULL,
	UNIQUE (wallet_id, name)
) {end}`),
		l.step("0003", "transactions", `CREATE TABLE IF NOT EXISTS {coin}transaction (
	id {id},
	kind {text} NOT NULL,
	account_id {int} NOT NULL REFERENCES {coin}account (id),
	peer_id {int} REFERENCES {coin}account (id),
	amount {int} NOT NULL,
	label {text} NOT NULL,
	created {int} NOT NULL
) {end}`),
		l.step("0004", "the journal", `CREATE TABLE IF NOT EXISTS {coin}entry (
	id {id},
	account_id {int} NOT NULL REFERENCES {coin}account (id),
	transaction_id {int} NOT NULL REFERENCES {coin}transaction (id),
	seq {int},
	after {int},
	amount {int} NOT NULL,
	created {int} NOT NULL,
	UNIQUE (account_id, seq)
) {end}`),
		l.step("0005", "an account's entries in the order they were made", `CREATE INDEX {coin}entry_account ON {coin}entry (account_id, id)`),
		l.step("0006", "requests and their answers", `CREATE TABLE IF NOT EXISTS {coin}request (
	name {text} NOT NULL PRIMARY KEY,
	request {bytes} NOT NULL,
	answer {bytes} NOT NULL,
	created {int} NOT NULL
) {end}`),
	} {
		m.Add(step)
	}
	return m
}
