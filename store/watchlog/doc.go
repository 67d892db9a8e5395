// Package watchlog keeps the watch set's own truth: an append-only file, synced
// at every record, of what was watched, changed and given up. It lies outside
// the index's folder, so that an index can be deleted, rebuilt or restored and
// be filled again from here.
//
// Its place in the flow: whoever changes the watch set appends here first and
// changes the index second. An address is given out only when both are done, and
// what is here and not yet in the index is brought there at the next open. One
// process owns the file at a time: the one that has the index open.
//
// # Layout
//
// Numbers are big endian, times and ages in seconds; V is a varint, Z a signed one,
// text is V length and bytes.
//
//	head    "coffer watch log" 16, format 4, log id 16, genesis 32, text symbol, text network, checksum 4
//	record  mark 4 (c0 ff e5 0a), payload length 4, checksum 4 of length and payload, payload
//
//	payload                      kind 1, then
//	  1 scripts watched          time 8, V count, and of each: flags 1 (1 archived), V birth, Z added after time, text script, text label,
//	                             text metadata
//	  2 scripts given up         V count, and of each: text script
//	  3 scripts changed          V count, and of each: flags 1 (1 label, 2 metadata, 4 archive: given; 8 archived),
//	                             text script, text label, text metadata
//	  4 descriptor watched       time 8, V birth, V gap, text descriptor, text label
//	  5 descriptor given up      text descriptor
//	  6 addresses given out      V branch, V count up to which they are, text descriptor
//
// Checksums are CRC-32C. The log id is random and drawn anew whenever the file
// is written anew ([Log.Compact]); a position means something only together
// with it.
//
// # After an accident
//
// Only the last record can be half written: the one before it was synced first.
// A record that is not whole and that no whole one follows is cut off by [Open],
// which tells; nobody was told that it was durable. Where whole records follow
// it, the disk or a person damaged the file: that is [ErrDamaged], and nothing
// is changed.
//
// # Memory
//
// Reading streams: one record of at most 16 MiB at a time. [Log.Live], and with
// it [Log.Compact], hold 16 bytes of every script that was changed or given up
// since the file was written anew.
package watchlog
