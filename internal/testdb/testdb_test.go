package testdb_test

import (
	"os"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"coffer.example/coffer/internal/testdb"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// Every engine's server comes up, makes databases, survives a kill and goes without leaving a folder.
func TestServers(t *testing.T) {
	for _, engine := range testdb.All() {
		t.Run(string(engine), func(t *testing.T) {
			servers := testdb.New(testdb.Options{})
			defer func() {
				if err := servers.Close(); err != nil {
					t.Error(err)
				}
			}()
			first, second := servers.Database(t, engine), servers.Database(t, engine)
			if first == second {
				t.Fatalf("the same database %s twice", first)
			}
			if !strings.HasPrefix(first, map[testdb.Engine]string{testdb.SQLite: "sqlite:", testdb.Postgres: "postgres://", testdb.MariaDB: "mysql://"}[engine]) {
				t.Errorf("URL %s", first)
			}
			if engine == testdb.SQLite {
				return
			}
			server, err := servers.Server(t.Context(), engine)
			if err != nil {
				t.Fatal(err)
			}
			if err := server.Kill(); err != nil {
				t.Fatal(err)
			}
			if _, err := server.Execute(t.Context(), "SELECT 1"); err == nil {
				t.Error("a killed server answers")
			}
			if err := server.Start(t.Context()); err != nil {
				t.Fatal(err)
			}
			if out, err := server.Execute(t.Context(), "SELECT 40+2"); err != nil || strings.TrimSpace(out) != "42" {
				t.Errorf("%q, %v", out, err)
			}
		})
	}
}

func TestMissingServer(t *testing.T) {
	t.Setenv("COFFER_POSTGRES", t.TempDir())
	servers := testdb.New(testdb.Options{})
	_, err := servers.Create(t.Context(), testdb.Postgres, t.TempDir())
	if err == nil || !strings.Contains(err.Error(), "COFFER_POSTGRES") {
		t.Errorf("%v", err)
	}
	if _, err := os.Stat(t.TempDir()); err != nil {
		t.Error(err)
	}
	if err := servers.Close(); err != nil {
		t.Error(err)
	}
}
