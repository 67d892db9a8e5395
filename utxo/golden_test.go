package utxo

import (
	"encoding/hex"
	"reflect"
	"testing"
	"time"

	"coffer.example/coffer/coins"
)

func id32(b byte) (id [32]byte) {
	for i := range id {
		id[i] = b
	}
	return id
}

const (
	hex11 = "1111111111111111111111111111111111111111111111111111111111111111"
	hex22 = "2222222222222222222222222222222222222222222222222222222222222222"
	hex33 = "3333333333333333333333333333333333333333333333333333333333333333"
)

// TestKeys holds every key to its drawing in the package's text.
func TestKeys(t *testing.T) {
	num := numberOf(0x010203, 0x0405)
	for _, c := range []struct {
		name string
		key  []byte
		want string
	}{
		{"identity", keyIdentity(), "69"},
		{"state", keyState(), "73"},
		{"log's beginning", keyFloor(), "63"},
		{"cursor", keyCursor("ab"), "636162"},
		{"header", keyHeight(tableHeader, 0x010203), "6800010203"},
		{"undo", keyHeight(tableUndo, 7), "6400000007"},
		{"watch", keyScript(tableWatch, 9), "7700000009"},
		{"watch log", []byte{tableMark}, "6d"},
		{"source", keySource(9), "6f00000009"},
		{"origin", keyOrigin(9, Origin{2, 1, 7}), "7900000009000000020000000100000007"},
		{"owed past", keyOwed(3, 9), "7a000000000000000300000009"},
		{"balance", keyScript(tableBalance, 9), "6200000009"},
		{"block sum", keyHeight(tableBlockSum, 7), "6100000007"},
		{"transaction", keyTx(num), "780001020300000405"},
		{"coin", keyCoin(num, 6), "78000102030000040500000006"},
		{"txid", keyTxID(id32(0x11)), "741111111111111111"},
		{"unspent", keyUnspent(9, coinRef{num, 6}, 0), "7500000009000001020300000405" + "00000006"},
		{"unspent coinbase", keyUnspent(9, coinRef{num, 6}, flagCoinbase), "7500000009010001020300000405" + "00000006"},
		{"unspent peg-out", keyUnspent(9, coinRef{num, 6}, flagPegOut), "7500000009010001020300000405" + "00000006"},
		{"spent", keyEvent(9, num, Spent, 6), "6500000009000102030000040500" + "00000006"},
		{"received", keyEvent(9, num, Funded, 6), "6500000009000102030000040501" + "00000006"},
		{"log", keyNumber(tableLog, 3), "6c0000000000000003"},
		{"job", keyNumber(tableJob, 3), "6a0000000000000003"},
		{"kept", keyFound(3, 7), "71000000000000000300000007"},
		{"mempool", keyPool(id32(0x11)), "70" + hex11},
		{"last token", keyTokens(), "72"},
		{"reservation", keyLease(3), "720000000000000003"},
		{"reserved coin", keyHeld(3, coins.OutPoint{TxID: id32(0x11), Vout: 2}), "720000000000000003" + hex11 + "02000000"},
	} {
		if got := hex.EncodeToString(c.key); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

// codec is a value with its stored form and the way back.
type codec struct {
	name    string
	value   any
	encoded []byte
	want    string
	decode  func([]byte) (any, error)
}

func sampleCoin() Coin {
	return Coin{OutPoint: coins.OutPoint{TxID: id32(0x22), Vout: 3}, Value: 300, Script: []byte{0x51, 0x52},
		Block: coins.BlockID{Height: 5, Hash: id32(0x33)}, Confirmed: true, Index: 2, Coinbase: true}
}

func codecs() []codec {
	at := time.Unix(1_700_000_000, 0).UTC()
	total := coins.TotalOf(5)
	wide := id32(0x44)
	self := identity{1, IndexID(wide[:16]), 7, "btc", "main", id32(0x11), false}
	st := state{coins.BlockID{Height: 8, Hash: id32(0x11)}, true, 3, 9, 4, 2, 3, sumRow{total, 1, 2}}
	facts := []fact{{Spent, 1, 0, coinRef{numberOf(5, 2), 3}, coinRow{9, 300, flagCoinbase}},
		{Funded, 1, 4, coinRef{numberOf(8, 1), 4}, coinRow{10, 1, 0}}}
	block := coins.BlockID{Height: 8, Hash: id32(0x11)}
	connect := &record{kind: recordConnect, block: block, count: 2, changes: []Change{{Kind: CoinSpent, Block: block, TxID: id32(0x33), Coin: sampleCoin()}}}
	cursor := Cursor{Name: "ledger", Index: IndexID(wide[:16]), Seq: 9, Block: block, Updated: at}
	watch := &watchRow{script: []byte{0x51, 0x52}, birth: 5, since: 6, job: 7, past: true, added: at, label: "lab", watchNote: watchNote{"{}", true}, derived: true}
	claimed := &watchRow{script: []byte{0x51}, birth: 5, since: 6, job: 7, added: at, others: []claim{{4, 8, false}, {3, 9, true}}}
	source := &sourceRow{2, "text", "lab", 20, 5, 7, at, []Branch{{100, 5, 6}, {200, 0, 0}}}
	past := owed{3, 9, 5, 9}
	job := &jobRow{Job{ID: 3, State: JobFailed, From: 1, To: 2, All: true, Next: 2, Scripts: 4, Found: 5, Created: at, Error: "why"}, 6}
	lease := &leaseRow{Claim{3, "shop", "pay", at, at.Add(time.Second)}, 2}
	held := heldRow{Away, 7, 9, 300}
	blockSum := blockRow{sumRow{}.minus(sumRow{total, 1, 2}), total, coins.TotalOf(6)}
	return []codec{
		{"block sum", blockSum, blockSum.encode(), "fffffffffffffffffffffffffffffffb" + "ffffffffffffffff" + "fffffffffffffffe" +
			"00000000000000000000000000000005" + "00000000000000000000000000000006", func(b []byte) (any, error) { return decodeBlockRow(b) }},
		{"last token", Token(3), encodeToken(3), "0000000000000003", func(b []byte) (any, error) { return decodeToken(b) }},
		{"reservation", lease, lease.encode(), "00060a24181e4000" + "00060a24182d8240" + "00000002" + "0473686f70" + "706179",
			func(b []byte) (any, error) { return decodeLease(3, b) }},
		{"reserved coin", held, held.encode(), "01" + "00000007" + "00000009" + "000000000000012c", func(b []byte) (any, error) { return decodeHeld(b) }},
		{"identity", self, self.encode(), "0000000144444444444444444444444444444444" + "00000007" + hex11 + "00" + "03627463" + "046d61696e",
			func(b []byte) (any, error) { return decodeIdentity(b) }},
		{"state", st, st.encode(), "01" + "00000008" + hex11 + "00000003" + "0000000000000009" + "00000004" + "0000000000000002" + "0000000000000003" +
			"00000000000000000000000000000005" + "0000000000000001" + "0000000000000002", func(b []byte) (any, error) { return decodeState(b) }},
		{"log's beginning", floor{5, 6, 7}, floor{5, 6, 7}.encode(), "0000000000000005" + "0000000000000006" + "00000007",
			func(b []byte) (any, error) { return decodeFloor(b) }},
		{"cursor", cursor, cursor.encode(), "44444444444444444444444444444444" + "0000000000000009" + "00000008" + hex11 + "000000006553f100",
			func(b []byte) (any, error) { return decodeCursor([]byte("cledger"), b) }},
		{"coin", coinRow{9, 300, flagPegOut}, coinRow{9, 300, flagPegOut}.encode(), "00000009" + "000000000000012c" + "02",
			func(b []byte) (any, error) { return decodeCoin(b) }},
		{"unspent", coinRow{0, 300, flagFound}, coinRow{9, 300, flagFound}.appendUnspent(nil), "000000000000012c" + "04",
			func(b []byte) (any, error) { return decodeUnspent(b) }},
		{"transaction", txRow{id32(0x11), 2}, txRow{id32(0x11), 2}.encode(), hex11 + "00000002", func(b []byte) (any, error) { return decodeTx(b) }},
		{"txid", []txNum{1, 1 << 32}, encodeNumbers([]txNum{1, 1 << 32}), "0000000000000001" + "0000000100000000",
			func(b []byte) (any, error) { return decodeNumbers(b) }},
		{"balance", sumRow{total, 1, 2}, sumRow{total, 1, 2}.append(nil), "00000000000000000000000000000005" + "0000000000000001" + "0000000000000002",
			func(b []byte) (any, error) { return decodeSum(b) }},
		{"watch", watch, watch.encode(), "8d" + "00000005" + "00000006" + "0000000000000007" + "000000006553f100" + "036c6162" + "027b7d" + "5152",
			func(b []byte) (any, error) { return decodeWatch(b) }},
		{"source", source, source.encode(), "00000005" + "0000000000000007" + "000000006553f100" + "14" + "036c6162" + "0474657874" + "64" + "05" + "06" + "c801" + "00" + "00",
			func(b []byte) (any, error) { return decodeSource(keySource(2), b) }},
		{"owed past", past, past.encode(), "00000005" + "00000009", func(b []byte) (any, error) { return decodeOwed(keyOwed(3, 9), b) }},
		{"watch of several jobs", claimed, claimed.encode(), "40" + "00000005" + "00000006" + "0000000000000007" + "000000006553f100" + "00" +
			"02" + "0000000000000004" + "00000008" + "00" + "0000000000000003" + "00000009" + "01" + "51",
			func(b []byte) (any, error) { return decodeWatch(b) }},
		{"undo", facts, encodeFacts(facts), "81" + "01" + "00" + "05" + "02" + "03" + "09" + "ac02" + "00" + "01" + "04" + "0a" + "01",
			func(b []byte) (any, error) { return decodeFacts(8, b) }},
		{"log", connect, connect.encode(), "01" + "02" + "00000008" + hex11 + "04" + "71" + hex33 + hex22 + "00000005" + hex33 + "02" + "03" + "ac02" + "025152",
			func(b []byte) (any, error) { return decodeRecord(b) }},
		{"log of a job", &record{kind: recordJob, job: 3, count: 5}, (&record{kind: recordJob, job: 3, count: 5}).encode(), "04" + "05" + "0000000000000003",
			func(b []byte) (any, error) { return decodeRecord(b) }},
		{"job", job, job.encode(), "05" + "01" + "0000000000000003" + "00000001" + "00000002" + "00000002" + "0000000000000004" + "0000000000000005" +
			"0000000000000006" + "000000006553f100" + "0000000000000000" + "776879", func(b []byte) (any, error) { return decodeJob(b) }},
	}
}

// TestValues holds every value to its drawing, reads it back, and refuses it
// cut short.
func TestValues(t *testing.T) {
	for _, c := range codecs() {
		if got := hex.EncodeToString(c.encoded); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
		back, err := c.decode(c.encoded)
		if err != nil || !reflect.DeepEqual(back, c.value) {
			t.Errorf("%s: read back %+v, want %+v: %v", c.name, back, c.value, err)
		}
		if _, err := c.decode(c.encoded[:1]); err == nil {
			t.Errorf("%s: one byte is taken for a row", c.name)
		}
	}
	e := storedEvent{9, numberOf(8, 1), Spent, 0, eventRow{coinRef{numberOf(5, 2), 3}, 300, flagCoinbase}}
	value := e.encode(Spent)
	if got := hex.EncodeToString(value); got != "0000000500000002"+"00000003"+"000000000000012c"+"01" {
		t.Errorf("spent: %s", got)
	}
	if back, err := decodeEvent(keyEvent(9, e.num, Spent, 0), value); err != nil || back != e {
		t.Errorf("spent: read back %+v: %v", back, err)
	}
}

// FuzzValues throws bytes at every decoder.
func FuzzValues(f *testing.F) {
	for _, c := range codecs() {
		f.Add(c.encoded)
	}
	f.Fuzz(func(_ *testing.T, b []byte) {
		for _, c := range codecs() {
			_, _ = c.decode(b)
		}
		_, _ = decodeFound(b)
		_, _ = scriptOfWatch(b)
	})
}
