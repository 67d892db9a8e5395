package testdb

import "errors"

// ErrNotInstalled is returned where a server's programs are not found. Install Debian's postgresql or mariadb-server,
// or name the folder of its programs in COFFER_POSTGRES or COFFER_MARIADB.
var ErrNotInstalled = errors.New("database server is not installed")
