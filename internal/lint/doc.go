// Package lint holds the project's architecture and taste as an ordinary Go test: who may import whom, how long things
// may get, what is not called, and what must be documented.
//
// Its place: it stands outside the engine and reads its source. TestTree runs every rule over the whole module; the other
// tests show of every rule that it can fail. A fault reads FILE:LINE: RULE: what is wrong. There is no list of exceptions.
//
// Generated files are not read. Test files are held to sizes, forbidden calls and database drivers, but not to the import
// table: a differential test compares a package with libraries and packages that it may not be built from.
package lint
