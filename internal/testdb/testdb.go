package testdb

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"

	"coffer.example/coffer/internal/need"
)

// Engine is a kind of database.
type Engine string

// The engines that the ledger runs on.
const (
	SQLite   Engine = "sqlite"
	Postgres Engine = "postgres"
	MariaDB  Engine = "mariadb"
)

// All lists the engines.
func All() []Engine { return []Engine{SQLite, Postgres, MariaDB} }

// Options of the servers.
type Options struct {
	// Durable makes the servers sync their commits, as in use. Tests of everything but losing power need not wait.
	Durable bool
}

// Servers are the database servers of one test binary, each started when it is first needed.
type Servers struct {
	options Options

	mu      sync.Mutex
	servers map[Engine]*Server
	made    int // databases given a name
}

// New returns servers of which none is running yet. Close them.
func New(o Options) *Servers { return &Servers{options: o, servers: map[Engine]*Server{}} }

// Close stops every server and removes its data.
func (s *Servers) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var errs []error
	for engine, server := range s.servers {
		delete(s.servers, engine)
		errs = append(errs, server.Stop())
	}
	return errors.Join(errs...)
}

// Server returns the server of an engine, which it starts if need be. SQLite has none.
func (s *Servers) Server(ctx context.Context, engine Engine) (*Server, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if server, ok := s.servers[engine]; ok {
		return server, nil
	}
	server, err := start(ctx, engine, s.options)
	if err == nil {
		s.servers[engine] = server
	}
	return server, err
}

// Create makes an empty database and returns its URL, as the configuration takes it. SQLite's is a file in dir.
func (s *Servers) Create(ctx context.Context, engine Engine, dir string) (url string, err error) {
	s.mu.Lock()
	s.made++
	name := fmt.Sprintf("coffer_%d", s.made)
	s.mu.Unlock()
	if engine == SQLite {
		return "sqlite:" + filepath.Join(dir, name+".db"), nil
	}
	server, err := s.Server(ctx, engine)
	if err != nil {
		return "", err
	}
	return server.create(ctx, name)
}

// TB is the part of testing.TB that is used here.
type TB interface {
	Helper()
	Context() context.Context
	TempDir() string
	Skipf(format string, args ...any)
	Fatalf(format string, args ...any)
}

// Database is Create for tests.
func (s *Servers) Database(tb TB, engine Engine) (url string) {
	tb.Helper()
	url, err := s.Create(tb.Context(), engine, tb.TempDir())
	if errors.Is(err, ErrNotInstalled) {
		need.Missing(tb, "%v", err)
	}
	if err != nil {
		tb.Fatalf("%v", err)
	}
	return url
}
