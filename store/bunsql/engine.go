package bunsql

import (
	"database/sql"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/uptrace/bun/dialect/mysqldialect"
	"github.com/uptrace/bun/dialect/pgdialect"
	"github.com/uptrace/bun/dialect/sqlitedialect"
	"github.com/uptrace/bun/schema"
	_ "modernc.org/sqlite" // registers the driver
)

// engine is what differs between the kinds of database.
type engine interface {
	name() string
	// open returns the pools for writing and reading, which may be the same.
	open(source string, connections int) (writes, reads *sql.DB, err error)
	dialect() schema.Dialect
	// write and read are the options of their transactions.
	write() *sql.TxOptions
	read() *sql.TxOptions
	// class says what an error of the driver means.
	class(err error) class
}

// parseURL finds the engine of a database URL, and what its driver is opened with.
func parseURL(text string) (e engine, source string, err error) {
	if path, ok := strings.CutPrefix(text, "sqlite:"); ok {
		if path = strings.TrimPrefix(path, "//"); path == "" {
			return nil, "", fmt.Errorf("sqlite: no path follows: %w", ErrURL)
		}
		return sqliteEngine{}, path, nil
	}
	u, err := url.Parse(text)
	if err != nil {
		return nil, "", fmt.Errorf("it does not parse: %w", ErrURL) // the parser's own words hold the password
	}
	switch u.Scheme {
	case "postgres", "postgresql":
		return postgresEngine{}, text, nil
	case "mysql", "mariadb":
		source, err = mysqlSource(u)
		return mysqlEngine{}, source, err
	}
	return nil, "", fmt.Errorf("%q is not sqlite:, postgres:// or mysql://: %w", u.Scheme, ErrURL)
}

type sqliteEngine struct{}

func (sqliteEngine) name() string { return "sqlite" }

// open has one connection that writes, so that writers queue here rather than fail, and others that only read.
func (sqliteEngine) open(path string, connections int) (writes, reads *sql.DB, err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, nil, err
	}
	const both = "_pragma=busy_timeout(10000)&_pragma=foreign_keys(1)&_pragma=journal_mode(WAL)"
	file := (&url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath()}).String()
	writer, err := sql.Open("sqlite", file+"?_txlock=immediate&_pragma=synchronous(FULL)&"+both)
	if err != nil {
		return nil, nil, err
	}
	reader, err := sql.Open("sqlite", file+"?_pragma=query_only(1)&"+both)
	if err != nil {
		return nil, nil, err
	}
	return pool(writer, 1), pool(reader, connections), nil
}

func (sqliteEngine) dialect() schema.Dialect { return sqlitedialect.New() }

func (sqliteEngine) write() *sql.TxOptions { return nil } // BEGIN IMMEDIATE is serializable
func (sqliteEngine) read() *sql.TxOptions  { return nil } // a snapshot from its first read on

type postgresEngine struct{}

func (postgresEngine) name() string { return "postgres" }

func (postgresEngine) open(source string, connections int) (writes, reads *sql.DB, err error) {
	config, err := pgx.ParseConfig(source)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: PostgreSQL's client does not take it", ErrURL) // its own words hold the password
	}
	db := pool(stdlib.OpenDB(*config), connections)
	return db, db, nil
}

func (postgresEngine) dialect() schema.Dialect { return pgdialect.New() }

func (postgresEngine) write() *sql.TxOptions {
	return &sql.TxOptions{Isolation: sql.LevelSerializable}
}

func (postgresEngine) read() *sql.TxOptions {
	return &sql.TxOptions{Isolation: sql.LevelSerializable, ReadOnly: true}
}

type mysqlEngine struct{}

func (mysqlEngine) name() string { return "mysql" }

// mysqlSource turns a URL into the driver's form.
func mysqlSource(u *url.URL) (string, error) {
	config := mysql.NewConfig()
	config.Net, config.Addr = "tcp", u.Host
	if u.Port() == "" {
		config.Addr = net.JoinHostPort(u.Hostname(), "3306")
	}
	if socket := u.Query().Get("socket"); socket != "" {
		config.Net, config.Addr = "unix", socket
	}
	config.DBName = strings.TrimPrefix(u.Path, "/")
	if u.User != nil {
		config.User = u.User.Username()
		config.Passwd, _ = u.User.Password()
	}
	if config.DBName == "" || u.Host == "" && config.Net == "tcp" {
		return "", fmt.Errorf("mysql://USER:PASSWORD@HOST:PORT/NAME is its form: %w", ErrURL)
	}
	if tls := u.Query().Get("tls"); tls != "" {
		config.TLSConfig = tls
	}
	// Strict, so that nothing is cut to fit; names with backticks; rows matched rather than changed are counted.
	config.Params = map[string]string{"sql_mode": "'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION'", "time_zone": "'+00:00'"}
	config.ClientFoundRows, config.InterpolateParams = true, true
	return config.FormatDSN(), nil
}

func (mysqlEngine) open(source string, connections int) (writes, reads *sql.DB, err error) {
	config, err := mysql.ParseDSN(source)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: MySQL's client does not take it", ErrURL)
	}
	config.Logger = &mysql.NopLogger{} // what it would say comes back as errors
	connector, err := mysql.NewConnector(config)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: MySQL's client does not take it", ErrURL)
	}
	db := pool(sql.OpenDB(connector), connections)
	return db, db, nil
}

func (mysqlEngine) dialect() schema.Dialect { return mysqldialect.New() }

func (mysqlEngine) write() *sql.TxOptions { return &sql.TxOptions{Isolation: sql.LevelSerializable} }

func (mysqlEngine) read() *sql.TxOptions {
	return &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true}
}
