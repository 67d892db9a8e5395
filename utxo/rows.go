package utxo

import (
	"encoding/binary"
	"slices"
	"time"

	"coffer.example/coffer/coins"
)

// coinFlags are what is stored of a coin beside its value.
type coinFlags byte

const (
	flagCoinbase coinFlags = 1 << iota
	flagPegOut
	// flagFound: a job found it in the past, the tip did not.
	flagFound
)

// class is the part of the unspent table that a coin stands in.
func (f coinFlags) class() byte {
	if f&(flagCoinbase|flagPegOut) != 0 {
		return classGenerated
	}
	return classPlain
}

// coinRef names an output by its transaction's number.
type coinRef struct {
	num  txNum
	vout uint32
}

// coinRow is the value of a coin's row.
type coinRow struct {
	script scriptID
	value  coins.Amount
	flags  coinFlags
}

func (r coinRow) encode() []byte {
	b := make([]byte, 0, 13)
	b = binary.BigEndian.AppendUint32(b, uint32(r.script))
	return r.appendUnspent(b)
}

// appendUnspent appends what the unspent row repeats of the coin.
func (r coinRow) appendUnspent(b []byte) []byte {
	return append(binary.BigEndian.AppendUint64(b, uint64(r.value)), byte(r.flags))
}

func decodeCoin(value []byte) (coinRow, error) {
	d := decoder{rest: value}
	row := coinRow{scriptID(d.u32()), coins.Amount(d.u64()), coinFlags(d.u8())}
	return row, d.end("coin")
}

func decodeUnspent(value []byte) (coinRow, error) {
	d := decoder{rest: value}
	row := coinRow{value: coins.Amount(d.u64()), flags: coinFlags(d.u8())}
	return row, d.end("unspent")
}

// txRow is a transaction that history speaks of: its id, and the number of
// events in it.
type txRow struct {
	id     coins.TxID
	events uint32
}

func (r txRow) encode() []byte {
	return binary.BigEndian.AppendUint32(slices.Clone(r.id[:]), r.events)
}

func decodeTx(value []byte) (txRow, error) {
	d := decoder{rest: value}
	row := txRow{d.hash(), d.u32()}
	return row, d.end("transaction")
}

// The value of a txid row: the numbers of the transactions whose ids begin
// alike, ascending.
func appendNumber(value []byte, num txNum) []byte {
	return binary.BigEndian.AppendUint64(value, uint64(num))
}

func decodeNumbers(value []byte) ([]txNum, error) {
	d := decoder{rest: value}
	nums := make([]txNum, 0, len(value)/8)
	for len(d.rest) > 0 && !d.bad {
		nums = append(nums, txNum(d.u64()))
	}
	return nums, d.end("txid")
}

// eventRow is the value of a history row; coin is stored for Spent only.
type eventRow struct {
	coin  coinRef
	value coins.Amount
	flags coinFlags
}

func (r eventRow) encode(kind EventKind) []byte {
	b := make([]byte, 0, 21)
	if kind == Spent {
		b = binary.BigEndian.AppendUint64(b, uint64(r.coin.num))
		b = binary.BigEndian.AppendUint32(b, r.coin.vout)
	}
	return append(binary.BigEndian.AppendUint64(b, uint64(r.value)), byte(r.flags))
}

// storedEvent is a history row taken apart.
type storedEvent struct {
	script scriptID
	num    txNum
	kind   EventKind
	n      uint32
	eventRow
}

func decodeEvent(key, value []byte) (e storedEvent, err error) {
	k := decoder{rest: key[1:]}
	e.script, e.num = scriptID(k.u32()), txNum(k.u64())
	if e.kind = Funded; k.u8() == eventOrder(Spent) {
		e.kind = Spent
	}
	e.n = k.u32()
	d := decoder{rest: value, bad: k.bad || len(k.rest) != 0}
	e.coin = coinRef{e.num, e.n}
	if e.kind == Spent {
		e.coin = coinRef{txNum(d.u64()), d.u32()}
	}
	e.value, e.flags = coins.Amount(d.u64()), coinFlags(d.u8())
	return e, d.end("history")
}

// sumRow is what a script, or all of them, hold in blocks.
type sumRow struct {
	confirmed       coins.Total
	coins, received uint64
}

func (r sumRow) append(b []byte) []byte {
	b = r.confirmed.AppendBinary(b)
	b = binary.BigEndian.AppendUint64(b, r.coins)
	return binary.BigEndian.AppendUint64(b, r.received)
}

func (d *decoder) sum() sumRow { return sumRow{d.total(), d.u64(), d.u64()} }

func decodeSum(value []byte) (sumRow, error) {
	d := decoder{rest: value}
	row := d.sum()
	return row, d.end("balance")
}

// watchRow is a watched script as stored.
type watchRow struct {
	script []byte
	birth  coins.Height
	// since is the height of the first block connected after the import.
	since coins.Height
	// job read its past, or reads it; past says that it was complete before.
	// others are claims of earlier jobs that had not ended when job came.
	job    JobID
	past   bool
	others []claim
	// leaving says that it is watched no more: its rows are being dropped.
	leaving bool
	added   time.Time
	label   string
	watchNote
	// derived says that sources name it: its origin rows say which.
	derived bool
}

// watchNote is what is kept with a script beside its label. Archived scripts
// stay watched.
type watchNote struct {
	metadata string
	archived bool
}

// Bits of a watch row's first byte beside past and leaving.
const (
	watchArchived = 0x04
	watchMetadata = 0x08 // metadata follows the label
	watchClaims   = 0x40 // claims follow label and metadata
	watchDerived  = 0x80
)

func (r *watchRow) encode() []byte {
	b := make([]byte, 0, 32+len(r.label)+len(r.metadata)+len(r.script))
	b = append(b, boolByte(r.past)|boolByte(r.leaving)<<1|boolByte(r.archived)*watchArchived|boolByte(r.metadata != "")*watchMetadata|
		boolByte(len(r.others) > 0)*watchClaims|boolByte(r.derived)*watchDerived)
	b = appendHeight(appendHeight(b, r.birth), r.since)
	b = binary.BigEndian.AppendUint64(b, uint64(r.job))
	b = binary.BigEndian.AppendUint64(b, uint64(r.added.Unix()))
	b = appendBytes(b, []byte(r.label))
	if r.metadata != "" {
		b = appendBytes(b, []byte(r.metadata))
	}
	if len(r.others) > 0 {
		b = append(b, byte(len(r.others)))
		for _, c := range r.others {
			b = append(appendHeight(binary.BigEndian.AppendUint64(b, uint64(c.job)), c.from), boolByte(c.past))
		}
	}
	return append(b, r.script...)
}

// claimSize is the length of a stored claim.
const claimSize = 8 + 4 + 1

func decodeClaims(d *decoder) (list []claim) {
	for n := d.u8(); n > 0 && !d.bad; n-- {
		list = append(list, claim{JobID(d.u64()), d.height(), d.u8() != 0})
	}
	return list
}

func decodeWatch(value []byte) (*watchRow, error) {
	d := decoder{rest: value}
	state := d.u8()
	row := &watchRow{past: state&1 != 0, leaving: state&2 != 0, derived: state&watchDerived != 0, birth: d.height(), since: d.height(), job: JobID(d.u64())}
	row.added = time.Unix(int64(d.u64()), 0).UTC()
	row.label, row.archived = string(d.bytes()), state&watchArchived != 0
	if state&watchMetadata != 0 {
		row.metadata = string(d.bytes())
	}
	if state&watchClaims != 0 {
		row.others = decodeClaims(&d)
	}
	row.script = slices.Clone(d.rest)
	d.rest = nil
	return row, d.end("watch")
}

// scriptOfWatch returns the script at the end of a watch row, sharing it.
func scriptOfWatch(value []byte) (script []byte, err error) {
	script, _, err = stateOfWatch(value)
	return script, err
}

// stateOfWatch is scriptOfWatch, and whether the script is leaving.
func stateOfWatch(value []byte) (script []byte, leaving bool, err error) {
	d := decoder{rest: value}
	state := d.u8()
	d.take(24)
	d.bytes()
	if state&watchMetadata != 0 {
		d.bytes()
	}
	if state&watchClaims != 0 {
		d.take(int(d.u8()) * claimSize)
	}
	script = d.rest
	d.rest = nil
	return script, state&2 != 0, d.end("watch")
}

func boolByte(b bool) byte {
	if b {
		return 1
	}
	return 0
}
