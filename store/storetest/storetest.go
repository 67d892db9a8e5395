package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"coffer.example/coffer/utxo"
)

// Opener opens the store under test: the first call makes an empty one, each
// further call opens the same one again after it was closed.
type Opener func(tb testing.TB) utxo.Store

// Run runs the suite. open is called once a test for the Opener of a new store.
func Run(t *testing.T, open func(tb testing.TB) Opener) {
	for _, test := range []struct {
		name string
		run  func(*testing.T, Opener)
	}{
		{"get, set and delete", testRows}, {"scan", testScan}, {"random against a sorted list", testRandom},
		{"an update reads its own writes", testOwnWrites}, {"a failed update leaves nothing", testAtomic},
		{"a view is a snapshot", testSnapshot}, {"readers beside a writer", testConcurrent}, {"row limit", testLimit},
		{"reopen", testReopen}, {"closed and cancelled", testClosed}, {"large values", testLarge},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, open(t)) })
	}
}

type row struct{ key, value string }

func update(tb testing.TB, s utxo.Store, write func(utxo.Writer) error) {
	tb.Helper()
	if err := s.Update(tb.Context(), write); err != nil {
		tb.Fatal(err)
	}
}

func set(tb testing.TB, s utxo.Store, rows ...row) {
	tb.Helper()
	update(tb, s, func(w utxo.Writer) error {
		for _, r := range rows {
			if err := w.Set([]byte(r.key), []byte(r.value)); err != nil {
				return err
			}
		}
		return nil
	})
}

func scan(r utxo.Reader, prefix, from []byte, backwards bool) (rows []row, err error) {
	err = r.Scan(prefix, from, backwards, func(key, value []byte) error {
		rows = append(rows, row{string(key), string(value)})
		return nil
	})
	return rows, err
}

func all(tb testing.TB, s utxo.Store) (rows []row) {
	tb.Helper()
	err := s.View(tb.Context(), func(r utxo.Reader) (err error) {
		rows, err = scan(r, nil, nil, false)
		return err
	})
	if err != nil {
		tb.Fatal(err)
	}
	return rows
}

func want(tb testing.TB, got, want []row) {
	tb.Helper()
	if !slices.Equal(got, want) {
		tb.Fatalf("rows %q, want %q", got, want)
	}
}

func testRows(t *testing.T, open Opener) {
	s := open(t)
	set(t, s, row{"a", "1"}, row{"b", ""}, row{"a", "2"})
	update(t, s, func(w utxo.Writer) error { return errors.Join(w.Delete([]byte("x")), w.Set([]byte("c"), []byte("3"))) })
	update(t, s, func(w utxo.Writer) error { return w.Delete([]byte("c")) })
	err := s.View(t.Context(), func(r utxo.Reader) error {
		for _, c := range []struct {
			key, value string
			found      bool
		}{{"a", "->2", true}, {"b", "->", true}, {"c", "->", false}, {"", "->", false}, {"aa", "->", false}} {
			if c.key == "" {
				continue
			}
			value, found, err := r.Get([]byte(c.key), []byte("->"))
			if err != nil || found != c.found || string(value) != c.value {
				return fmt.Errorf("get %q: %q, %v, %w", c.key, value, found, err)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	want(t, all(t, s), []row{{"a", "2"}, {"b", ""}})
}

func testScan(t *testing.T, open Opener) {
	s := open(t)
	set(t, s, row{"a", "1"}, row{"b\x00", "2"}, row{"b\x01", "3"}, row{"b\xff", "4"}, row{"b\xff\xff", "5"}, row{"c", "6"})
	err := s.View(t.Context(), func(r utxo.Reader) error {
		for _, c := range []struct {
			prefix, from string
			backwards    bool
			want         string
		}{
			{"b", "", false, "2345"}, {"b", "", true, "5432"}, {"", "", false, "123456"}, {"", "", true, "654321"},
			{"b", "b\x01", false, "345"}, {"b", "b\x01", true, "32"}, {"b", "b\x02", false, "45"}, {"b", "b\x02", true, "32"},
			{"b", "a", false, "2345"}, {"b", "a", true, ""}, {"b", "c", true, "5432"}, {"b", "c", false, ""},
			{"b\xff", "", true, "54"}, {"d", "", false, ""}, {"d", "", true, ""}, {"b\xff\xff\xff", "", true, ""},
		} {
			var from []byte
			if c.from != "" {
				from = []byte(c.from)
			}
			rows, err := scan(r, []byte(c.prefix), from, c.backwards)
			if err != nil {
				return err
			}
			got := ""
			for _, row := range rows {
				got += row.value
			}
			if got != c.want {
				return fmt.Errorf("scan %q from %q backwards %v: %q, want %q", c.prefix, c.from, c.backwards, got, c.want)
			}
		}
		return scanEnds(r)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// scanEnds checks what a callback's error does.
func scanEnds(r utxo.Reader) error {
	for _, wanted := range []error{utxo.ErrStop, errors.New("mine")} {
		calls := 0
		err := r.Scan(nil, nil, false, func([]byte, []byte) error {
			if calls++; calls == 2 {
				return wanted
			}
			return nil
		})
		if calls != 2 || (wanted == utxo.ErrStop) != (err == nil) || (err != nil && !errors.Is(err, wanted)) {
			return fmt.Errorf("scan ended by %w: %d calls, %w", wanted, calls, err)
		}
	}
	return nil
}

func testRandom(t *testing.T, open Opener) {
	s := open(t)
	rnd := rand.New(rand.NewPCG(1, 2))
	model := map[string]string{}
	key := func() string {
		k := make([]byte, 1+rnd.IntN(3))
		for i := range k {
			k[i] = byte(rnd.IntN(4)) * 85
		}
		return string(k)
	}
	for range 60 {
		update(t, s, func(w utxo.Writer) error {
			for range 20 {
				k := key()
				if rnd.IntN(3) == 0 {
					delete(model, k)
					if err := w.Delete([]byte(k)); err != nil {
						return err
					}
					continue
				}
				model[k] = fmt.Sprint(rnd.Uint32())
				if err := w.Set([]byte(k), []byte(model[k])); err != nil {
					return err
				}
			}
			return nil
		})
		prefix, from := []byte(key()), []byte(key())
		for _, backwards := range []bool{false, true} {
			var got []row
			err := s.View(t.Context(), func(r utxo.Reader) (err error) {
				got, err = scan(r, prefix, from, backwards)
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			want(t, got, modelScan(model, prefix, from, backwards))
		}
	}
}

func modelScan(model map[string]string, prefix, from []byte, backwards bool) (rows []row) {
	for k, v := range model {
		inside := bytes.HasPrefix([]byte(k), prefix)
		if inside && (k == string(from) || (k > string(from)) != backwards) {
			rows = append(rows, row{k, v})
		}
	}
	slices.SortFunc(rows, func(a, b row) int { return bytes.Compare([]byte(a.key), []byte(b.key)) })
	if backwards {
		slices.Reverse(rows)
	}
	return rows
}

func testOwnWrites(t *testing.T, open Opener) {
	s := open(t)
	set(t, s, row{"a", "1"}, row{"b", "2"})
	update(t, s, func(w utxo.Writer) error {
		if err := errors.Join(w.Set([]byte("c"), []byte("3")), w.Delete([]byte("a")), w.Set([]byte("b"), []byte("4"))); err != nil {
			return err
		}
		rows, err := scan(w, nil, nil, false)
		if err != nil || !slices.Equal(rows, []row{{"b", "4"}, {"c", "3"}}) {
			return fmt.Errorf("rows %q: %w", rows, err)
		}
		_, found, err := w.Get([]byte("a"), nil)
		if err != nil || found {
			return fmt.Errorf("deleted row is there: %v, %w", found, err)
		}
		return nil
	})
}

func testAtomic(t *testing.T, open Opener) {
	s := open(t)
	set(t, s, row{"a", "1"})
	mine := errors.New("mine")
	err := s.Update(t.Context(), func(w utxo.Writer) error {
		return errors.Join(w.Set([]byte("b"), nil), w.Delete([]byte("a")), mine)
	})
	if !errors.Is(err, mine) {
		t.Fatalf("error %v", err)
	}
	want(t, all(t, s), []row{{"a", "1"}})
}

func testSnapshot(t *testing.T, open Opener) {
	s := open(t)
	set(t, s, row{"a", "1"}, row{"b", "1"})
	err := s.View(t.Context(), func(r utxo.Reader) error {
		set(t, s, row{"a", "2"}, row{"c", "2"})
		update(t, s, func(w utxo.Writer) error { return w.Delete([]byte("b")) })
		rows, err := scan(r, nil, nil, false)
		if err == nil {
			want(t, rows, []row{{"a", "1"}, {"b", "1"}})
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	want(t, all(t, s), []row{{"a", "2"}, {"c", "2"}})
}

// testConcurrent moves one unit between rows while readers sum them.
func testConcurrent(t *testing.T, open Opener) {
	s := open(t)
	set(t, s, row{"a", "\x64"}, row{"b", "\x64"})
	ctx, cancel := context.WithCancel(t.Context())
	var readers sync.WaitGroup
	for range 3 {
		readers.Go(func() {
			for ctx.Err() == nil {
				err := s.View(t.Context(), func(r utxo.Reader) error {
					rows, err := scan(r, nil, nil, false)
					if err == nil && (len(rows) != 2 || rows[0].value[0]+rows[1].value[0] != 200) {
						err = fmt.Errorf("rows %q", rows)
					}
					return err
				})
				if err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for i := range 100 {
		a := byte(i)
		set(t, s, row{"a", string([]byte{a})}, row{"b", string([]byte{200 - a})})
	}
	cancel()
	readers.Wait()
}

func testLimit(t *testing.T, open Opener) {
	s := open(t)
	write := func(rows int) error {
		return s.Update(t.Context(), func(w utxo.Writer) error {
			for i := range rows {
				if err := w.Set(fmt.Appendf(nil, "%017d", i), make([]byte, 40)); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := write(3 * s.MaxRows()); !errors.Is(err, utxo.ErrTooManyRows) {
		t.Fatalf("three times the limit: %v", err)
	}
	want(t, all(t, s), nil)
	if err := write(s.MaxRows()); err != nil {
		t.Fatalf("%d rows: %v", s.MaxRows(), err)
	}
	if n := len(all(t, s)); n != s.MaxRows() {
		t.Fatalf("%d rows of %d", n, s.MaxRows())
	}
}

func testReopen(t *testing.T, open Opener) {
	s := open(t)
	set(t, s, row{"a", "1"}, row{"b", "2"})
	update(t, s, func(w utxo.Writer) error { return w.Delete([]byte("a")) })
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t)
	want(t, all(t, s), []row{{"b", "2"}})
	set(t, s, row{"c", "3"})
	if _, err := s.Collect(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.Compact(t.Context()); err != nil {
		t.Fatal(err)
	}
	want(t, all(t, s), []row{{"b", "2"}, {"c", "3"}})
}

func testClosed(t *testing.T, open Opener) {
	s := open(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Update(ctx, func(w utxo.Writer) error { return w.Set([]byte("a"), nil) }); !errors.Is(err, context.Canceled) {
		t.Errorf("update with an ended context: %v", err)
	}
	if err := s.View(ctx, func(utxo.Reader) error { return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("view with an ended context: %v", err)
	}
	want(t, all(t, s), nil)
	for range 2 {
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if s.View(t.Context(), func(utxo.Reader) error { return nil }) == nil ||
		s.Update(t.Context(), func(utxo.Writer) error { return nil }) == nil || s.Compact(t.Context()) == nil {
		t.Error("a closed store can be used")
	}
}

// testLarge stores a value as large as the undo of a block full of matches.
func testLarge(t *testing.T, open Opener) {
	s := open(t)
	value := bytes.Repeat([]byte("0123456789abcdef"), 12<<20/16)
	set(t, s, row{"a", string(value)}, row{"b", "small"})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	want(t, all(t, open(t)), []row{{"a", string(value)}, {"b", "small"}})
}
