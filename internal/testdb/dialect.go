package testdb

import (
	"fmt"
	"path/filepath"
	"strconv"
	"syscall"
)

// maxConnections is what tests with many writers need.
const maxConnections = 300

func postgres() dialect {
	return dialect{
		env: "COFFER_POSTGRES", remedy: "install PostgreSQL's server (Debian: postgresql), or name the folder of its programs in COFFER_POSTGRES",
		owner: "postgres", stop: syscall.SIGINT, // a fast shutdown, which does not wait for clients
		kill:     syscall.SIGQUIT, // at once and without a checkpoint; SIGKILL would leave its children behind
		programs: []string{"initdb", "postgres", "psql"},
		folders:  []string{"/usr/lib/postgresql/*/bin", "/usr/local/pgsql/bin"},
		prepare: func(s *Server) []string {
			return []string{"initdb", "--pgdata", s.data(), "--username", "coffer", "--auth", "trust", "--encoding", "UTF8", "--locale", "C.UTF-8", "--no-sync"}
		},
		serve: func(s *Server) []string {
			line := []string{
				"postgres", "-D", s.data(), "-p", strconv.Itoa(s.port), "-c", "listen_addresses=127.0.0.1",
				"-c", "unix_socket_directories=", "-c", "max_connections=" + strconv.Itoa(maxConnections),
			}
			if !s.options.Durable {
				line = append(line, "-F")
			}
			return line
		},
		execute: func(s *Server, statement string) []string {
			return []string{"psql", "--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "-h", "127.0.0.1", "-p", strconv.Itoa(s.port), "-U", "coffer", "-d", "postgres", "-c", statement}
		},
		url: func(s *Server, name string) string {
			return fmt.Sprintf("postgres://coffer@127.0.0.1:%d/%s?sslmode=disable", s.port, name)
		},
	}
}

func mariaDB() dialect {
	return dialect{
		env: "COFFER_MARIADB", remedy: "install MariaDB's server (Debian: mariadb-server), or name the folder of its programs in COFFER_MARIADB",
		owner: "mysql", stop: syscall.SIGTERM, kill: syscall.SIGKILL,
		programs: []string{"mariadb-install-db|mysql_install_db", "mariadbd|mysqld", "mariadb|mysql"},
		folders:  []string{"/usr/sbin", "/usr/bin", "/usr/libexec", "/usr/local/mysql/bin"},
		prepare: func(s *Server) []string {
			return []string{"mariadb-install-db", "--no-defaults", "--datadir=" + s.data(), "--auth-root-authentication-method=normal", "--skip-test-db"}
		},
		serve: func(s *Server) []string {
			line := []string{
				"mariadbd", "--no-defaults", "--datadir=" + s.data(), "--port=" + strconv.Itoa(s.port), "--bind-address=127.0.0.1",
				"--socket=" + filepath.Join(s.data(), "s"), "--pid-file=" + filepath.Join(s.data(), "pid"),
				"--max-connections=" + strconv.Itoa(maxConnections), "--character-set-server=utf8mb4",
			}
			if !s.options.Durable {
				line = append(line, "--innodb-flush-log-at-trx-commit=0", "--sync-binlog=0")
			}
			return line
		},
		execute: func(s *Server, statement string) []string {
			return []string{"mariadb", "--no-defaults", "--batch", "--skip-column-names", "--socket=" + filepath.Join(s.data(), "s"), "-u", "root", "-e", statement}
		},
		url: func(s *Server, name string) string { return fmt.Sprintf("mysql://root@127.0.0.1:%d/%s", s.port, name) },
	}
}
