// Package snapshot is the format of snapshots: a folder with the rows of
// indexes, what else belongs to them, and a manifest that says what is there.
//
// Its place: between engine, which says what to save and where to, and the
// disk. It knows neither Badger nor the meaning of a row.
//
// # A folder
//
//	manifest.json        what is in it: see [Manifest]
//	btc-main.rows        the rows of a coin's index
//	btc-main.watch.log   its watch set's own file, byte for byte
//
// It is written under a name that ends in ".partial". Every part is synced, the
// manifest is the last, and then the folder is renamed: one without the suffix
// is whole, whenever the process or the machine was stopped. A partial folder
// that nobody writes any more is removed by the next who writes to that name.
//
// # Rows
//
// Numbers are big endian, V is a varint.
//
//	head    "coffer rows" 11, format 1, zero 4
//	frame   length 4 of the payload, CRC-32C 4 of length and payload, payload
//	row     in a payload: V length, key, V length, value
//	end     a frame without a payload, and nothing after it
//
// Keys ascend. A frame holds whole rows, about [frameSize] bytes of them, and
// one row where that is larger; reading and writing hold one frame in memory.
// The manifest has every part's length and SHA-256, and its own, so that a
// damaged, shortened or exchanged part is always told.
package snapshot
