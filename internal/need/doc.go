// Package need says what becomes of a test that lacks a part: a program, a database server, a permission.
//
// Its place: below testnodes and testdb, and in tests. For a user such a test is skipped and says what to install; with
// CI=true it fails, so that nothing goes untested unseen. What nobody can install is not for this package: published
// blocks that lie beside the repository, and dogecoind, of which no package exists.
package need
