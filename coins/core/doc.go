// Package core is the coin that descends from Bitcoin Core and differs from
// its siblings by data alone: addresses, script types and dust, all taken
// from [coins.Params]. Bitcoin, Litecoin and Dogecoin are such coins, and so is
// any that a parameter file describes.
//
// Its place in the flow: the wiring builds one coin per configured chain with
// [New]; the index, the ledger and spend ask it what an address pays to, what
// a script is called and what is dust. It reads no chain and keeps no state.
//
// # Scripts and their addresses
//
//	P2PKH    76 a9 14 HASH20 88 ac   base58check: version, hash
//	P2SH     a9 14 HASH20 87         base58check: version, hash
//	witness  VERSION LEN PROGRAM     bech32 for version 0 (20 or 32 bytes), bech32m
//	                                 for 1 to 16 (2 to 40 bytes); BIP 173, BIP 350
//
// VERSION is 00 for 0 and 51 to 60 for 1 to 16. Everything else has no address:
// bare public keys and bare multisig, data, and on MWEB coins the HogAddr
// (version 8, 32 bytes) and peg-ins (version 9, 32 bytes), which are the
// extension's bookkeeping and no place to be paid at.
//
// # Invariants
//
//   - Script(Address(s)) == s wherever a script has an address.
//   - Address(Script(a)) == a, but for letter case of bech32 and for base58
//     versions that are read and no longer written.
//   - An address of another network or coin is never taken for one's own where
//     the prefixes tell them apart. Test networks share prefixes: there they don't.
//
// Messages quote what was given, unless it looks like a private key.
package core
