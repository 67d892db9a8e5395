package coins

import (
	"time"
)

// Network is the name of one of a coin's networks.
type Network string

// The networks a coin may have.
const (
	Main     Network = "main"
	Test     Network = "test"
	Testnet4 Network = "testnet4"
	Signet   Network = "signet"
	Regtest  Network = "regtest"
)

// Symbol is a coin's short name in commands, configuration and folders: "btc".
type Symbol string

// Params is all that is data about one coin on one network. Every value is
// written out in full per network, never copied from another and patched, and
// is checked against the node's own by the conformance suite.
type Params struct {
	Symbol  Symbol
	Name    string
	Network Network
	Format  Format
	// Classifier is the reference node's way of naming script types.
	Classifier Classifier
	Address    AddressParams
	Chain      ChainParams
	Policy     PolicyParams
	Node       NodeParams
}

// Classifier names the generation of Bitcoin Core whose script classifier a
// coin's node carries. It decides the names that [Coin.Type] gives, never who
// can spend.
type Classifier uint8

// The generations that coins descend from.
const (
	// Core014 matches templates (Dogecoin 1.14): any push of 33 to 65 bytes
	// passes for a public key, only witness version 0 has a name.
	Core014 Classifier = iota + 1
	// Core021 knows taproot and future witness versions; a bare multisig has at
	// most 16 keys (Litecoin 0.21).
	Core021
	// Core029 also knows the pay-to-anchor output and bare multisig up to 20 keys.
	Core029
)

// AddressParams are the prefixes of addresses and keys.
type AddressParams struct {
	// P2PKH and P2SH are base58check version bytes. The first is written, the
	// others are read too.
	P2PKH, P2SH []byte
	// P2SHForeign are version bytes that are read only where the caller accepts
	// ambiguous addresses (Litecoin's 5, which is Bitcoin's).
	P2SHForeign []byte
	// HRP is the human readable part of bech32 and bech32m addresses (BIP 173,
	// BIP 350); empty where the coin has no segwit.
	HRP string
	// MWEBHRP is the human readable part of MWEB stealth addresses, which no
	// transparent output can pay.
	MWEBHRP string
	// WIF is the version byte of a private key in wallet import format.
	WIF byte
	// HDPublic and HDPrivate are the BIP 32 version bytes, big endian.
	HDPublic, HDPrivate uint32
	// HDAliases are further versions of extended public keys that are read.
	HDAliases []HDAlias
	// SLIP44 is the coin type in derivation paths (1 on every test network).
	SLIP44 uint32
}

// HDAlias is a version of extended public keys beside the coin's own: wallets
// write which script a key is for (SLIP-132), or have a version of the coin's.
type HDAlias struct {
	// Public is the version, big endian.
	Public uint32
	// Form is the script that the version says, HDAny where it says none.
	Form HDForm
}

// HDForm is what the version of an extended public key says of its scripts.
type HDForm string

// The forms, written as descriptors (BIP 380) have them.
const (
	HDAny           HDForm = ""
	HDNestedKey     HDForm = "sh(wpkh)"
	HDWitnessKey    HDForm = "wpkh"
	HDNestedScript  HDForm = "sh(wsh)"
	HDWitnessScript HDForm = "wsh"
)

// MaturityRule says how many blocks a coinbase output waits: one mined at
// height h ≥ From, up to the next rule, can be spent in block h + Blocks.
type MaturityRule struct {
	From   Height
	Blocks Height
}

// ChainParams are facts of the chain.
type ChainParams struct {
	Genesis       BlockHash
	GenesisHeader RawHeader
	// Magic starts each message of the peer protocol, as on the wire.
	Magic [4]byte
	// Maturity has at least one rule, the first from height 0.
	Maturity []MaturityRule
	// PegOutMaturity is how many blocks a peg-out waits; 0 where there are none.
	PegOutMaturity Height
	// SegwitFrom and TaprootFrom are activation heights; MaxHeight is never.
	SegwitFrom, TaprootFrom Height
	// AuxPoWFrom is the height from which merge-mined blocks may occur.
	AuxPoWFrom Height
	Interval   time.Duration
	// MaxMoney is the largest value of one output, and of one transaction's
	// outputs together.
	MaxMoney Amount
}

// PolicyParams are the relay policy of the coin's reference node and the
// depths Coffer takes by default.
type PolicyParams struct {
	// DustRate gives an output's dust limit as the cost of spending it at this
	// rate (Core's dustrelayfee); 0 where dust is by fixed limits.
	DustRate PerKVByte
	// HardDust is refused by relay; below SoftDust each output adds SoftDust to
	// the fee. Both 0 where DustRate rules.
	HardDust, SoftDust Amount
	// RelayFloor is the least rate that relays; WalletFloor the least a wallet
	// should pay.
	RelayFloor, WalletFloor PerKVByte
	// Replaceable says which unconfirmed transactions nodes replace by default.
	Replaceable Replaceability
	// MempoolExpiry is how long nodes keep an unconfirmed transaction.
	MempoolExpiry time.Duration
	// MaxAncestors and MaxAncestorSize limit unconfirmed chains.
	MaxAncestors    int
	MaxAncestorSize VBytes
	// MaxStandardWeight is the heaviest transaction that relays.
	MaxStandardWeight Weight
	// Confirmations credits a deposit, FinalDepth ends undoing, MaxReorg is how
	// many blocks of undo are kept.
	Confirmations, FinalDepth, MaxReorg Height
}

// Replaceability is a node's default stance on replacing unconfirmed
// transactions (BIP 125).
type Replaceability uint8

// The stances.
const (
	ReplaceNever Replaceability = iota
	ReplaceOptIn
	ReplaceAlways
)

// NodeParams are the reference node's default ports and name.
type NodeParams struct {
	Daemon           string
	RPCPort, P2PPort uint16
	// ProtocolVersion is the peer protocol version Coffer speaks to it.
	ProtocolVersion uint32
	// WitnessFlag is set in inventory types when blocks and transactions are
	// asked for over the peer protocol (0x40000000 where the coin has segwit).
	WitnessFlag uint32
}

// MaturityOf returns how many blocks a coinbase output mined at height waits.
func (c *ChainParams) MaturityOf(height Height) Height {
	blocks := c.Maturity[0].Blocks
	for _, rule := range c.Maturity {
		if height >= rule.From {
			blocks = rule.Blocks
		}
	}
	return blocks
}

// MaturityMax returns the longest wait of any output on the chain.
func (c *ChainParams) MaturityMax() Height {
	longest := c.PegOutMaturity
	for _, rule := range c.Maturity {
		longest = max(longest, rule.Blocks)
	}
	return longest
}
