package whole

import (
	"bytes"
	"encoding/hex"
	"reflect"
	"testing"

	"coffer.example/coffer/coins"
)

func id32(b byte) (id [32]byte) { return [32]byte(bytes.Repeat([]byte{b}, 32)) }

const (
	hex11 = "1111111111111111111111111111111111111111111111111111111111111111"
	hex22 = "2222222222222222222222222222222222222222222222222222222222222222"
	hex16 = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
)

func goldenRun() run {
	return run{id: 3, from: 100, to: 163, cut: 164, events: 5, ids: 2, eventBits: 4, idBits: 1}
}

// goldenEvents are one script's: a peg-out, an output, and the spending of both, one of an earlier run.
func goldenEvents() []event {
	return []event{
		{num: numberOf(101, 2), n: 1, flags: flagPegOut, value: 5, coin: coinRef{numberOf(101, 2), 1}},
		{num: numberOf(101, 3), n: 0, value: 300, coin: coinRef{numberOf(101, 3), 0}},
		{num: numberOf(110, 0), n: 4, flags: flagSpent | flagPegOut, value: 5, coin: coinRef{numberOf(101, 2), 1}},
		{num: numberOf(110, 1), n: 0, flags: flagSpent, value: 7, coin: coinRef{numberOf(99, 8), 2}},
	}
}

// TestKeys holds every key to its drawing in the package's text.
func TestKeys(t *testing.T) {
	key := scriptKey{0x0102030405060708, 0x090a0b0c}
	e := event{num: numberOf(0x010203, 0x0405), n: 6}
	spent := e
	spent.flags = flagSpent
	for _, c := range []struct {
		name string
		key  []byte
		want string
	}{
		{"identity", keyIdentity(), "69"},
		{"state", keyState(), "73"},
		{"header", keyHeader(0x010203), "6800010203"},
		{"transactions", keyChunk(0x010203, 4), "780001020300000004"},
		{"ids", keyBucket(tableIDs, 3, 7), "740000000300000007"},
		{"events", keyBucket(tableEvents, 3, 7), "650000000300000007"},
		{"page", keyPage(tablePages, 3, key, e), "67000000030102030405060708090a0b0c00010203000004050100000006"},
		{"page that begins with one spent", keyPage(tablePages, 3, key, spent), "67000000030102030405060708090a0b0c00010203000004050000000006"},
		{"page of what matures", keyPage(tableMaturing, 3, key, e), "6d000000030102030405060708090a0b0c00010203000004050100000006"},
		{"live coins", keyLive(3, key, coinRef{e.num, 6}), "6c000000030102030405060708090a0b0c000102030000040500000006"},
	} {
		if got := hex.EncodeToString(c.key); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

// TestRows holds every value to its drawing, and reads it again.
func TestRows(t *testing.T) {
	self := identity{version: 1, id: [16]byte(bytes.Repeat([]byte{0x11}, 16)), salt: [16]byte(bytes.Repeat([]byte{0xaa}, 16)), symbol: "btc", network: "regtest", genesis: id32(0x22)}
	all := sum{funded: 2, spent: 1, total: coins.TotalOf(300), generated: true}
	st := state{tip: coins.BlockID{Height: 163, Hash: id32(0x11)}, hasTip: true, lastRun: 4, txs: 9, sum: all, runs: []run{goldenRun()}, dropped: []runID{2}}
	block := blockRow{header: coins.RawHeader(bytes.Repeat([]byte{0x33}, 80)), txs: 2, sum: all}
	r := goldenRun()
	const total300 = "0000000000000000000000000000012c"
	for _, c := range []struct {
		name, want string
		row        []byte
		value      any
		decode     func([]byte) (any, error)
	}{
		{
			"identity", "00000001" + hex11[:32] + hex16 + hex22 + "03" + "627463" + "07" + "72656774657374", self.encode(), self,
			func(b []byte) (any, error) { return decodeIdentity(b) },
		},
		{
			"state", "01" + "000000a3" + hex11 + "00000004" + "0000000000000009" + "0201" + total300 + "01" +
				"01" + "00000003" + "00000064000000a3000000a4" + "0000000000000005" + "0000000000000002" + "0401" + "01" + "00000002",
			st.encode(), st, func(b []byte) (any, error) { return decodeState(b) },
		},
		{
			"header", hex.EncodeToString(block.header[:]) + "02" + "0201" + total300 + "01", block.encode(), block,
			func(b []byte) (any, error) { return decodeBlock(b) },
		},
		{
			"events", "0c020105" + "000300ac02" + "4d00040509" + "0201" + "010100070b0802",
			appendEvents(nil, r.from, goldenEvents()), goldenEvents(), func(b []byte) (any, error) { return decodePage(b, &r) },
		},
		{
			"live coins", "280703ac02",
			appendLive(nil, []liveEntry{{ref: coinRef{numberOf(5, 7), 3}, value: 300}}),
			[]liveEntry{{ref: coinRef{numberOf(5, 7), 3}, value: 300}}, func(b []byte) (any, error) { return decodeLive(b) },
		},
		{
			"live coin of an earlier run", "29070301",
			appendLive(nil, []liveEntry{{ref: coinRef{numberOf(5, 7), 3}, spent: true, value: 1}}),
			[]liveEntry{{ref: coinRef{numberOf(5, 7), 3}, spent: true, value: 1}}, func(b []byte) (any, error) { return decodeLive(b) },
		},
		{
			"transaction ids", "81" + "01" + "01" + "02" + "00" + "3f" + "03",
			appendID(appendID(nil, 1<<63, 100, idItem{1<<63 + 129, numberOf(101, 2)}), 1<<63+129, 100, idItem{1<<63 + 129, numberOf(163, 3)}),
			[]idItem{{1<<63 + 129, numberOf(101, 2)}, {1<<63 + 129, numberOf(163, 3)}},
			func(b []byte) (any, error) { return decodeIDs(b, &r, 1) },
		},
	} {
		if got := hex.EncodeToString(c.row); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
		if got, err := c.decode(c.row); err != nil || !reflect.DeepEqual(got, c.value) {
			t.Errorf("%s: read %+v, want %+v: %v", c.name, got, c.value, err)
		}
		if _, err := c.decode(c.row[:len(c.row)-1]); err == nil {
			t.Errorf("%s: read without its last byte", c.name)
		}
	}
}

// TestBucket holds a bucket with a small and a large script to its drawing.
func TestBucket(t *testing.T) {
	rows := map[string]string{}
	r := goldenRun()
	r.events = 0
	w := runWriter{run: &r, emit: func(key, value []byte) error {
		rows[hex.EncodeToString(key)] = hex.EncodeToString(value)
		return nil
	}}
	small, large := scriptKey{0x2000000000000005, 0x01020304}, scriptKey{0x2000000000000006, 1}
	for _, e := range goldenEvents()[:2] {
		if err := w.add(small, &e); err != nil {
			t.Fatal(err)
		}
	}
	for n := range uint32(maxSmall + 1) {
		ref := coinRef{numberOf(100, 1), n}
		if err := w.add(large, &event{num: ref.num, n: n, value: 1, coin: ref}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.close(); err != nil {
		t.Fatal(err)
	}
	bucket := "05" + "01020304" + "02" + "0c020105" + "000300ac02" + "01" + "00000001" + "00" + "4100" + "00000000000000000000000000000041" + "00"
	if got := rows["650000000300000002"]; got != bucket {
		t.Errorf("bucket %s, want %s", got, bucket)
	}
	if len(rows) != 3 || r.events != maxSmall+3 {
		t.Errorf("%d rows, %d events", len(rows), r.events)
	}
	row, _ := hex.DecodeString(bucket)
	b := readBucket(row, &r, 2)
	if !b.next() || b.g.key != small || !reflect.DeepEqual(b.g.events, goldenEvents()[:2]) {
		t.Errorf("first group %+v", b.g)
	}
	if !b.next() || b.g.key != large || !b.g.pages || b.g.sum.funded != maxSmall+1 || b.next() || b.d.end("bucket") != nil {
		t.Errorf("second group %+v", b.g)
	}
}

// TestScripts holds every form of a stored script to its bytes.
func TestScripts(t *testing.T) {
	hash20, hash32 := hex11[:40], hex11
	for script, want := range map[string]string{
		"76a914" + hash20 + "88ac":           "01" + hash20,
		"a914" + hash20 + "87":               "02" + hash20,
		"0014" + hash20:                      "03" + hash20,
		"0020" + hash32:                      "04" + hash32,
		"5120" + hash32:                      "05" + hash32,
		"2102" + hash32 + "ac":               "06" + "02" + hash32,
		"76a914" + hash20 + "88ad":           "20" + "76a914" + hash20 + "88ad",
		"":                                   "07",
		"51":                                 "08" + "51",
		"6a" + hash20:                        "00",
		"a914" + hash20 + "88":               "1e" + "a914" + hash20 + "88",
		"5121" + "02" + hash32[:62] + "51ae": "2b" + "5121" + "02" + hash32[:62] + "51ae",
	} {
		raw, err := hex.DecodeString(script)
		if err != nil {
			t.Fatal(err)
		}
		got := appendScript(nil, raw)
		if hex.EncodeToString(got) != want {
			t.Errorf("%s: %x, want %s", script, got, want)
		}
		d := decoder{rest: got}
		if s := d.script(); want != "00" && !bytes.Equal(s.bytes(), raw) || d.end("script") != nil {
			t.Errorf("%s: read %x", script, s.bytes())
		}
	}
}

// FuzzRows reads any bytes as every kind of row: no panic, no row that says
// what it would not be written as.
func FuzzRows(f *testing.F) {
	r := goldenRun()
	f.Add(appendEvents(nil, r.from, goldenEvents()))
	f.Add([]byte{1, 2, 3})
	self, st := identity{version: 1, symbol: "btc", network: "main"}, state{hasTip: true, runs: []run{r}}
	f.Add(self.encode())
	f.Add(st.encode())
	f.Add(appendScript([]byte{1}, []byte{0x51}))
	f.Fuzz(func(t *testing.T, b []byte) {
		if events, err := decodePage(b, &r); err == nil {
			again, err := decodePage(appendEvents(nil, r.from, events), &r)
			if err != nil || !reflect.DeepEqual(again, events) {
				t.Errorf("events %+v, again %+v: %v", events, again, err)
			}
		}
		if entries, err := decodeLive(b); err == nil {
			if again, err := decodeLive(appendLive(nil, entries)); err != nil || !reflect.DeepEqual(again, entries) {
				t.Errorf("live coins %+v, again %+v: %v", entries, again, err)
			}
		}
		if st, err := decodeState(b); err == nil {
			if again, err := decodeState(st.encode()); err != nil || !reflect.DeepEqual(again, st) {
				t.Errorf("state %+v, again %+v: %v", st, again, err)
			}
		}
		_, _ = decodeIDs(b, &r, 1)
		_, _ = decodeIdentity(b)
		_, _ = decodeBlock(b)
		bucket := readBucket(b, &r, 0)
		for bucket.next() {
		}
		if c, err := decodeChunk(b, 0); err == nil {
			_ = c.outputs(func(_ int, _ uint32, out output) bool {
				if out.script.code != scriptNone {
					d := decoder{rest: appendScript(nil, out.script.bytes())}
					if s := d.script(); s.code != scriptNone && !bytes.Equal(s.bytes(), out.script.bytes()) {
						t.Errorf("script %x, again %x", out.script.bytes(), s.bytes())
					}
				}
				return true
			})
		}
	})
}
