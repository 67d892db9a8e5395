// Package descriptor turns output descriptors (BIP 380 to 386, 389) and plain
// extended public keys into scripts, by branch and index.
//
// Its place in the flow: the wiring parses what a user imports with [Parse] and
// hands the index the canonical text; the index asks a parsed [Descriptor] for
// scripts as they are needed. It reads no chain and keeps no state.
//
// # What is read
//
//	pk(KEY) pkh(KEY) wpkh(KEY) tr(KEY) combo(KEY)
//	multi(k,KEY,…) sortedmulti(k,KEY,…)         bare: at most 3 keys
//	sh(…) of pk, pkh, wpkh, wsh, multi, sortedmulti
//	wsh(…) of pk, pkh, multi, sortedmulti
//	addr(ADDRESS) raw(HEX)
//
// KEY is a public key in hexadecimal or an extended public key, with its origin
// in brackets before it and a path after it; the path may have one step of
// several numbers (<0;1>) and may end with /*. Checksums are verified where
// there is one and always written. Not read: scripts in tr() and Miniscript.
//
// # Plain keys
//
// An extended key by itself stands for what wallets make of it, by the version
// it is written with (SLIP-132), on the receiving and the change branch:
//
//	xpub, tpub, Ltub, ttub    combo(KEY/<0;1>/*), where the coin has segwit:
//	                          the version does not say which form the wallet
//	                          uses, so that all are watched but taproot
//	dgub                      pkh(KEY/<0;1>/*)
//	ypub, upub, Mtub          sh(wpkh(KEY/<0;1>/*))
//	zpub, vpub                wpkh(KEY/<0;1>/*)
//
// A plain key that ends with /* is taken with its own path.
//
// # Invariants
//
//   - Parse(d.String()) is d, and String writes the coin's own version bytes: a
//     node of the coin reads it.
//   - Private keys are refused, and no message shows more than the first four
//     characters of any key.
//   - Everything that can fail for a whole branch fails in Parse.
package descriptor
