package sim

import (
	"context"
	"sync"

	"coffer.example/coffer/store/memkv"
	"coffer.example/coffer/utxo"
)

// storeRows is how many rows a transaction of the simulated store takes.
const storeRows = 500_000

// storeFault is what goes wrong with a store. It is an error that heals by
// waiting where it says so.
type storeFault struct{ passing bool }

func (f storeFault) Error() string   { return errFault.Error() + " of the store" }
func (f storeFault) Unwrap() error   { return errFault }
func (f storeFault) Retryable() bool { return f.passing }

// store is a memkv.Store of which the n-th call fails: View, Update, Get,
// Scan, Set, Delete and the commit itself all count.
type store struct {
	*memkv.Store
	mu sync.Mutex
	// left counts down to the call that fails; 0: none. only names the one kind
	// of call that counts, "" all.
	left int
	only string
	// sticks says that every call after that one fails too, passing that the
	// failure heals by waiting.
	sticks, passing bool
	fired, broken   bool
	// aside says that the simulation itself looks: nothing fails nor counts.
	aside bool
	calls map[string]int
}

func newStore() *store { return &store{Store: memkv.New(storeRows), calls: map[string]int{}} }

// arm makes the n-th call from now fail.
func (s *store) arm(n int, only string, sticks, passing bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.left, s.only, s.sticks, s.passing, s.fired, s.broken = n, only, sticks, passing, false, false
}

// disarm makes the store work. Whether it failed before stays known.
func (s *store) disarm() {
	fired := s.fired
	s.arm(0, "", false, false)
	s.fired = fired
}

// look runs what the simulation itself does, with a store that works.
func (s *store) look(do func() error) error {
	s.mu.Lock()
	s.aside = true
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		s.aside = false
		s.mu.Unlock()
	}()
	return do()
}

// reopen is what a crash leaves: what was committed.
func (s *store) reopen() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.Store = s.Store.Reopen()
	s.broken = false
}

func (s *store) hit(call string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.aside {
		return nil
	}
	s.calls[call]++
	if s.broken {
		return storeFault{s.passing}
	}
	if s.left == 0 || (s.only != "" && s.only != call) {
		return nil
	}
	if s.left--; s.left > 0 {
		return nil
	}
	s.fired, s.broken = true, s.sticks
	return storeFault{s.passing}
}

// View implements utxo.Store.
func (s *store) View(ctx context.Context, read func(utxo.Reader) error) error {
	if err := s.hit("view"); err != nil {
		return err
	}
	return s.Store.View(ctx, func(r utxo.Reader) error { return read(reader{s, r}) })
}

// Update implements utxo.Store.
func (s *store) Update(ctx context.Context, write func(utxo.Writer) error) error {
	if err := s.hit("update"); err != nil {
		return err
	}
	return s.Store.Update(ctx, func(w utxo.Writer) error {
		if err := write(writer{reader{s, w}, w}); err != nil {
			return err
		}
		return s.hit("commit")
	})
}

type reader struct {
	s *store
	utxo.Reader
}

// Get implements utxo.Reader.
func (r reader) Get(key, dst []byte) ([]byte, bool, error) {
	if err := r.s.hit("get"); err != nil {
		return nil, false, err
	}
	return r.Reader.Get(key, dst)
}

// Scan implements utxo.Reader.
func (r reader) Scan(prefix, from []byte, backwards bool, each func(key, value []byte) error) error {
	if err := r.s.hit("scan"); err != nil {
		return err
	}
	return r.Reader.Scan(prefix, from, backwards, each)
}

type writer struct {
	reader
	w utxo.Writer
}

// Set implements utxo.Writer.
func (w writer) Set(key, value []byte) error {
	if err := w.s.hit("set"); err != nil {
		return err
	}
	return w.w.Set(key, value)
}

// Delete implements utxo.Writer.
func (w writer) Delete(key []byte) error {
	if err := w.s.hit("delete"); err != nil {
		return err
	}
	return w.w.Delete(key)
}
