package ledger

import (
	"time"

	"coffer.example/coffer/coins"
)

// Numbers of rows, from 1, unique for a coin.
type (
	// WalletID numbers wallets.
	WalletID int64
	// AccountID numbers accounts.
	AccountID int64
	// TransactionID numbers transactions.
	TransactionID int64
)

// Wallet owns coins and the accounts that share them.
type Wallet struct {
	ID      WalletID  `json:"id"`
	Name    string    `json:"name"`
	Created time.Time `json:"created"`
}

// Role is what an account is for.
type Role int16

// The roles. A wallet has one account of each but RoleUser, of which it has as many as it has users.
const (
	// RoleUser is what somebody has.
	RoleUser Role = 1
	// RoleIncoming is in blocks and not credited yet.
	RoleIncoming Role = 2
	// RolePayoutPending is taken from users and not confirmed as sent.
	RolePayoutPending Role = 3
	// RoleNetworkFee is what miners were paid; below zero is what it cost.
	RoleNetworkFee Role = 4
	// RoleUnclaimed was paid to addresses of the wallet that have no account.
	RoleUnclaimed Role = 5
	// RoleQuarantine was paid in amounts too small to credit.
	RoleQuarantine Role = 6
	// RoleSuspense is what others than we spent of our coins.
	RoleSuspense Role = 7
	// RoleOnchain mirrors the chain: minus the worth of the unspent coins.
	RoleOnchain Role = 8
	// RoleCold is swept to cold storage.
	RoleCold Role = 9
)

// systemRoles lists the roles of a wallet's own accounts, with their names.
func systemRoles() map[Role]string {
	return map[Role]string{
		RoleIncoming: "incoming", RolePayoutPending: "payout pending", RoleNetworkFee: "network fee", RoleUnclaimed: "unclaimed",
		RoleQuarantine: "quarantine", RoleSuspense: "suspense", RoleOnchain: "onchain", RoleCold: "cold",
	}
}

// Account holds a balance.
type Account struct {
	ID     AccountID `json:"id"`
	Wallet WalletID  `json:"wallet"`
	Name   string    `json:"name"`
	Role   Role      `json:"-"`
	// Balance is after the last entry, number Seq; both are a user's only.
	Balance coins.Amount `json:"balance"`
	Seq     int64        `json:"seq"`
	// Credit is how far below zero the balance may be taken; 0 or more.
	Credit coins.Amount `json:"credit"`
	// Frozen says why nothing may leave; "" where it may.
	Frozen   string    `json:"frozen,omitempty"`
	Archived bool      `json:"archived,omitempty"`
	Created  time.Time `json:"created"`
}

// Kind is what a transaction is.
type Kind string

// The kinds of transaction.
const (
	// Internal moves between accounts of one wallet, off the chain.
	Internal Kind = "internal"
	// BalanceImport gives an account what the wallet's coins already held.
	BalanceImport Kind = "balance_import"
)

// Transaction is what happened, as its accounts see it.
type Transaction struct {
	ID   TransactionID `json:"id"`
	Kind Kind          `json:"kind"`
	// Account is whose it is: for Internal who pays; Peer is the other one, 0 where there is none.
	Account AccountID    `json:"account"`
	Peer    AccountID    `json:"peer,omitempty"`
	Amount  coins.Amount `json:"amount"`
	Label   string       `json:"label,omitempty"`
	Created time.Time    `json:"created"`
}

// Entry is one line of the journal.
type Entry struct {
	Account     AccountID     `json:"account"`
	Transaction TransactionID `json:"transaction"`
	// Seq numbers a user's entries from 1, without gaps; After is the balance after it. Both are 0 in system accounts.
	Seq     int64        `json:"seq"`
	Amount  coins.Amount `json:"amount"`
	After   coins.Amount `json:"after"`
	Created time.Time    `json:"created"`
}
