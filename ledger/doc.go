// Package ledger says whose coins they are: wallets, accounts and a journal of double entries that can be proved.
//
// Its place in the flow: it consumes the numbered changes of utxo and produces numbered events; spend takes withdrawals
// from it. It keeps its rows in a [Store] and knows neither SQL nor node nor scanner.
//
// # The model
//
// Each wallet has accounts of people ([RoleUser]) and, for itself, one of each other role. A [Transaction] is what
// happened; its entries, each of one account, sum to zero. The account [RoleOnchain] mirrors the chain with the sign
// turned: what it is below zero is what the wallet's unspent coins are worth, to the base unit.
//
// # Invariants, all proven by [Book.Check]
//
//   - Entries are immutable: nothing is ever changed or taken out. A correction is a new transaction that reverses one.
//   - The entries of every transaction, and so of a wallet, sum to zero.
//   - A user's entries are numbered from 1 without gaps and carry the balance after them; the account's balance is that
//     of its last entry. System accounts have no numbers: they are only added to, and summed, so that no row is one
//     that every transaction must rewrite.
//   - No user's balance is below zero by more than the account's credit, unless a reversal made it so; then the account
//     is frozen.
//
// Every operation that moves money takes a key and stores its answer in the same transaction ([Book.Transfer]): the
// same request again gets the same answer, another request under the same key is refused.
package ledger
