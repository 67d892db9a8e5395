package ledger

import "errors"

// ErrAmount is returned for an amount that is zero, negative, or above the coin's supply. Give a positive one.
var ErrAmount = errors.New("amount must be positive and within the coin's supply")

// ErrName is returned for a name that is empty, too long, or not printable UTF-8. Give another.
var ErrName = errors.New("bad name")

// ErrNoWallet is returned for a wallet that is not there. Create it, or check its name.
var ErrNoWallet = errors.New("no such wallet")

// ErrNoAccount is returned for an account that is not there. Create it, or check its name.
var ErrNoAccount = errors.New("no such account")

// ErrSameAccount is returned for a transfer from an account to itself. Name two.
var ErrSameAccount = errors.New("both accounts are the same")

// ErrSystemAccount is returned where a user's account is wanted and one of the wallet's own is named.
var ErrSystemAccount = errors.New("account belongs to the wallet itself")

// ErrOtherWallet is returned for a transfer between wallets: coins would have to move. Send to an address instead.
var ErrOtherWallet = errors.New("accounts are of different wallets")

// ErrShort is returned where an account's balance and credit do not cover what shall leave it. Nothing was booked.
var ErrShort = errors.New("balance is too low")

// ErrFrozen is returned where money shall leave a frozen account. Settle the reason, then unfreeze it.
var ErrFrozen = errors.New("account is frozen")

// ErrKey is returned for an idempotency key that is empty or too long.
var ErrKey = errors.New("bad idempotency key")

// ErrKeyReused is returned where a key was used for another request. Keys are for one request each.
var ErrKeyReused = errors.New("idempotency key was used for another request")

// ErrUnbalanced is returned where entries do not sum to zero. It is a fault of the program: nothing was booked.
var ErrUnbalanced = errors.New("entries do not sum to zero")

// ErrBroken is returned by Check, naming what is wrong. Stop payouts and restore, or correct by a new transaction.
var ErrBroken = errors.New("ledger invariant is broken")
