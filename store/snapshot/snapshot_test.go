package snapshot

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"coffer.example/coffer/coins"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type row struct{ key, value []byte }

func encodeRows(t testing.TB, rows ...row) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := newRowsWriter(&b)
	for _, r := range rows {
		if err == nil {
			err = w.row(r.key, r.value)
		}
	}
	if err == nil {
		err = w.end()
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func decodeRows(text []byte) (rows []row, err error) {
	n, err := readRows(bytes.NewReader(text), func(key, value []byte) error {
		rows = append(rows, row{bytes.Clone(key), bytes.Clone(value)})
		return nil
	})
	if err == nil && n != uint64(len(rows)) {
		err = fmt.Errorf("%d rows counted, %d given", n, len(rows))
	}
	return rows, err
}

// TestGolden holds the rows to their drawing in the package's text.
func TestGolden(t *testing.T) {
	text := encodeRows(t, row{[]byte("a"), []byte("xyz")}, row{[]byte("bc"), nil})
	want := hex.EncodeToString([]byte("coffer rows")) + "01" + "00000000" +
		"0000000a" + "0b3f9fa8" + "0161" + "0378797a" + "026263" + "00" +
		"00000000" + "48674bc7"
	if got := hex.EncodeToString(text); got != want {
		t.Errorf("rows are\n%s, want\n%s", got, want)
	}
}

func TestRows(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		values := rapid.MapOf(rapid.StringN(1, 12, 40), rapid.SliceOfN(rapid.Byte(), 0, 200)).Draw(rt, "rows")
		if rapid.IntRange(0, 20).Draw(rt, "large") == 0 {
			values["large"] = make([]byte, rapid.IntRange(frameSize-50, 3*frameSize).Draw(rt, "size"))
		}
		var rows []row
		for key, value := range values {
			rows = append(rows, row{[]byte(key), value})
		}
		slices.SortFunc(rows, func(a, b row) int { return bytes.Compare(a.key, b.key) })
		text := encodeRows(t, rows...)
		got, err := decodeRows(text)
		if err != nil || !slices.EqualFunc(got, rows, func(a, b row) bool { return bytes.Equal(a.key, b.key) && bytes.Equal(a.value, b.value) }) {
			rt.Fatalf("%d rows became %d, %v", len(rows), len(got), err)
		}
		cut := rapid.IntRange(0, len(text)-1).Draw(rt, "cut")
		if _, err := decodeRows(text[:cut]); !errors.Is(err, ErrDamaged) {
			rt.Fatalf("cut to %d of %d bytes: %v", cut, len(text), err)
		}
		flipped := bytes.Clone(text)
		flipped[cut] ^= 1 << rapid.IntRange(0, 7).Draw(rt, "bit")
		if _, err := decodeRows(flipped); !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrNewer) {
			rt.Fatalf("bit flipped in byte %d of %d: %v", cut, len(text), err)
		}
	})
}

func TestBadRows(t *testing.T) {
	good := encodeRows(t, row{[]byte("a"), []byte("x")})
	descending := encodeRows(t, row{[]byte("b"), nil}, row{[]byte("a"), nil})
	twice := encodeRows(t, row{[]byte("b"), nil}, row{[]byte("b"), nil})
	newer := bytes.Clone(good)
	newer[11] = Format + 1
	for name, test := range map[string]struct {
		text []byte
		want error
	}{
		"nothing": {nil, ErrDamaged}, "other file": {[]byte("coffer watch log 12345678"), ErrDamaged},
		"goes on": {append(bytes.Clone(good), 0), ErrDamaged}, "descending": {descending, ErrDamaged}, "twice": {twice, ErrDamaged},
		"no key": {encodeRows(t, row{nil, nil}), ErrDamaged}, "newer": {newer, ErrNewer},
		"too long": {append(rowsHead(), 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0), ErrDamaged},
	} {
		if _, err := decodeRows(test.text); !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", name, err, test.want)
		}
	}
}

func sample() *Manifest {
	tip := coins.BlockID{Height: 8, Hash: coins.BlockHash{1}}
	return &Manifest{Format: Format, Software: "test", Created: time.Unix(1_700_000_000, 0).UTC(), Coins: []Coin{{
		Coin: "btc", Network: "regtest", IndexID: "00", IndexFormat: 1, Tip: &tip, Digest: "11", Watched: 3,
		Parts: []Part{{Name: "btc-regtest.rows", Kind: KindRows, Bytes: 4, Rows: 1, SHA256: "22"}},
	}}}
}

func TestManifest(t *testing.T) {
	text, err := sample().encode()
	if err != nil {
		t.Fatal(err)
	}
	m, err := decodeManifest(text)
	if err != nil || m.Coins[0].Tip.Height != 8 || m.Coins[0].Parts[0].SHA256 != "22" {
		t.Fatalf("%+v, %v", m, err)
	}
	for i := range text {
		flipped := bytes.Clone(text)
		flipped[i] ^= 2
		m, err := decodeManifest(flipped)
		if err == nil {
			if again, _ := m.encode(); !bytes.Equal(again, text) { // white space may differ, nothing else
				t.Errorf("bit flipped in byte %d of %q: %+v", i, flipped[max(0, i-5):i+1], m)
			}
		} else if !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrNewer) {
			t.Errorf("bit flipped in byte %d: %v", i, err)
		}
		if _, err := decodeManifest(text[:i]); i < len(text)-1 && !errors.Is(err, ErrDamaged) {
			t.Errorf("cut to %d bytes: %v", i, err)
		}
	}
	for name, change := range map[string]func(*Manifest){
		"leads elsewhere": func(m *Manifest) { m.Coins[0].Parts[0].Name = "../passwd" },
		"the manifest":    func(m *Manifest) { m.Coins[0].Parts[0].Name = manifestName },
		"twice":           func(m *Manifest) { m.Coins[0].Parts = append(m.Coins[0].Parts, m.Coins[0].Parts[0]) },
		"no rows":         func(m *Manifest) { m.Coins[0].Parts[0].Kind = KindWatchLog },
		"no coin":         func(m *Manifest) { m.Coins = nil },
		"no name":         func(m *Manifest) { m.Coins[0].Parts[0].Name = "" },
	} {
		m := sample()
		change(m)
		text, err := m.encode()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := decodeManifest(text); !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: %v", name, err)
		}
	}
	newer := sample()
	newer.Format++
	if text, err = newer.encode(); err != nil {
		t.Fatal(err)
	}
	if _, err := decodeManifest(text); !errors.Is(err, ErrNewer) {
		t.Errorf("newer: %v", err)
	}
}

// written makes a snapshot of a row and a file.
func written(t *testing.T, dir string) *Manifest {
	t.Helper()
	log := filepath.Join(t.TempDir(), "log")
	if err := os.WriteFile(log, []byte("imported"), 0o600); err != nil {
		t.Fatal(err)
	}
	w, err := Create(dir)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := w.Rows("btc.rows", func(each func(key, value []byte) error) error { return each([]byte("a"), []byte("b")) })
	if err != nil {
		t.Fatal(err)
	}
	copied, err := w.Copy(t.Context(), "btc.log", KindWatchLog, log)
	if err != nil {
		t.Fatal(err)
	}
	m := sample()
	m.Coins[0].Parts = []Part{rows, copied}
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the folder is there before it is whole: %v", err)
	}
	if _, err := Create(dir); !errors.Is(err, ErrBusy) {
		t.Errorf("begun twice: %v", err)
	}
	if err := w.Commit(m); err != nil {
		t.Fatal(err)
	}
	return m
}

func TestFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "saved")
	left := filepath.Join(dir+partialSuffix, "half", "a", "part")
	if err := os.MkdirAll(left, 0o700); err != nil { // what a kill leaves behind
		t.Fatal(err)
	}
	m := written(t, dir)
	if _, err := Open(dir + partialSuffix); !errors.Is(err, ErrNone) {
		t.Errorf("opened what is not there: %v", err)
	}
	s, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	part, _ := s.Manifest.Coins[0].Part(KindRows)
	var got []string
	err = s.Rows(t.Context(), part, func(key, value []byte) error {
		got = append(got, string(key)+"="+string(value))
		return nil
	})
	if err != nil || len(got) != 1 || got[0] != "a=b" || part.Rows != 1 {
		t.Errorf("rows %q of %+v, %v", got, part, err)
	}
	log, _ := s.Manifest.Coins[0].Part(KindWatchLog)
	out := filepath.Join(t.TempDir(), "out")
	if err := s.CopyTo(t.Context(), log, out); err != nil {
		t.Error(err)
	}
	if text, err := os.ReadFile(out); err != nil || string(text) != "imported" {
		t.Errorf("copied %q, %v", text, err)
	}
	if _, err := Create(dir); !errors.Is(err, ErrExists) {
		t.Errorf("written over: %v", err)
	}
	if m.Format != Format {
		t.Errorf("format %d", m.Format)
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.CopyTo(cancelled, log, out); !errors.Is(err, context.Canceled) {
		t.Errorf("given up: %v", err)
	}
}

// TestDamagedFolder changes each file of a snapshot in every way that disks and people do.
func TestDamagedFolder(t *testing.T) {
	for name, change := range map[string]func(path string) error{
		"gone":    os.Remove,
		"empty":   func(path string) error { return os.Truncate(path, 0) },
		"shorter": func(path string) error { return os.Truncate(path, 5) },
		"longer": func(path string) error {
			text, err := os.ReadFile(path)
			return errors.Join(err, os.WriteFile(path, append(text, 'x'), 0o600))
		},
		"another": func(path string) error {
			text, err := os.ReadFile(path)
			text[len(text)-1] ^= 1
			return errors.Join(err, os.WriteFile(path, text, 0o600))
		},
	} {
		for _, file := range []string{manifestName, "btc.rows", "btc.log"} {
			dir := filepath.Join(t.TempDir(), "saved")
			written(t, dir)
			if err := change(filepath.Join(dir, file)); err != nil {
				t.Fatal(err)
			}
			err := readAll(t, dir)
			if !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrNone) {
				t.Errorf("%s %s: %v", file, name, err)
			}
		}
	}
}

func readAll(t *testing.T, dir string) error {
	s, err := Open(dir)
	if err != nil {
		return err
	}
	for _, part := range s.Manifest.Coins[0].Parts {
		if part.Kind == KindRows {
			err = errors.Join(err, s.Rows(t.Context(), part, func([]byte, []byte) error { return nil }))
		} else {
			err = errors.Join(err, s.CopyTo(t.Context(), part, filepath.Join(t.TempDir(), "out")))
		}
	}
	return err
}

func TestAbort(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "saved")
	w, err := Create(dir)
	if err != nil {
		t.Fatal(err)
	}
	want := errors.New("no more")
	if _, err := w.Rows("a.rows", func(func(key, value []byte) error) error { return want }); !errors.Is(err, want) {
		t.Errorf("rows that fail: %v", err)
	}
	if err := w.Abort(); err != nil {
		t.Error(err)
	}
	if left, err := os.ReadDir(filepath.Dir(dir)); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func FuzzRows(f *testing.F) {
	f.Add([]byte{})
	f.Add(encodeRows(f, row{[]byte("a"), []byte("xyz")}, row{[]byte("bc"), nil}))
	f.Fuzz(func(t *testing.T, text []byte) {
		rows, err := decodeRows(text)
		if err != nil {
			if !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrNewer) {
				t.Fatal(err)
			}
			return
		}
		if again, err := decodeRows(encodeRows(t, rows...)); err != nil || len(again) != len(rows) {
			t.Fatalf("%d rows became %d: %v", len(rows), len(again), err)
		}
	})
}

func FuzzManifest(f *testing.F) {
	text, err := sample().encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte(`{"manifest":{},"sha256":""}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := decodeManifest(text)
		if err != nil {
			if !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrNewer) {
				t.Fatal(err)
			}
			return
		}
		if err := m.check(); err != nil {
			t.Fatal(err)
		}
	})
}
