package coins

// ScriptType is a standard form of an output's script.
type ScriptType string

// The script types, named as nodes name them.
const (
	PubKey      ScriptType = "pubkey"
	PubKeyHash  ScriptType = "pubkeyhash"
	ScriptHash  ScriptType = "scripthash"
	Multisig    ScriptType = "multisig"
	NullData    ScriptType = "nulldata"
	WitnessV0PK ScriptType = "witness_v0_keyhash"
	WitnessV0SH ScriptType = "witness_v0_scripthash"
	WitnessV1TR ScriptType = "witness_v1_taproot"
	Anchor      ScriptType = "anchor"
	HogAddr     ScriptType = "witness_mweb_hogaddr"
	PegIn       ScriptType = "witness_mweb_pegin"
	WitnessElse ScriptType = "witness_unknown"
	NonStandard ScriptType = "nonstandard"
)

// Coin is the seam where coins differ: data first, and a codec for addresses.
// Implementations are immutable and safe for concurrent use.
type Coin interface {
	// Params returns the coin's data on its network. It is not to be changed.
	Params() *Params
	// Script returns the script that an address stands for. It fails with
	// [ErrAddress], [ErrWrongNetwork] or [ErrAmbiguous], naming what is wrong.
	Script(address string) ([]byte, error)
	// Address returns the address of a script, and false where it has none.
	Address(script []byte) (string, bool)
	// Type classifies a script as the coin's reference node does.
	Type(script []byte) ScriptType
	// Dust returns the value below which an output with this script does not
	// relay: for Core-like policies the cost of output and spend at the dust
	// rate, for fixed limits the hard one.
	Dust(script []byte) Amount
}

// Unspendable reports whether no input can ever spend an output with this
// script: it starts with OP_RETURN or is longer than 10,000 bytes. Nodes keep
// such outputs out of their coin set, and so does the index.
func Unspendable(script []byte) bool {
	const opReturn, maxScript = 0x6a, 10_000
	return (len(script) > 0 && script[0] == opReturn) || len(script) > maxScript
}
