// Package badgerkv keeps an index's rows in Badger: the one importer of it.
//
// Its place: below utxo, which speaks to it through utxo.Store. It holds no
// rule of the index.
//
// # Choices
//
//   - SyncWrites is on: an Update that returned is on the disk. A transaction
//     of a few rows takes about 0.25 ms here, one of 400 rows 1.8 ms; on disks
//     with slower syncs the index stores several blocks in one Update while far
//     behind the tip (coins.Block.More), and each by itself at the tip.
//   - Conflict detection is off: there is one writer at a time, held by a lock,
//     so no two transactions can conflict, and the memory of every key read
//     would be for nothing.
//   - A memtable of 256 MiB takes 419,430 rows and 40 MB in one transaction.
//     utxo.WorstRows says that the worst block makes 399,189; at the 90 bytes a
//     row that MaxRows reckons with, that is 36 MB. Open asserts it. Two
//     memtables and two caches of 64 MiB bound the memory.
//   - Blocks of tables are verified by their checksums as they are read. The
//     ends of tables are looked at before Badger opens them, which would panic
//     in a goroutine of its own where they are damaged.
//   - A process that is killed leaves half a table, or a log without a byte,
//     that were never part of the store. Open passes over the one and removes
//     the other, which Badger would not open: see recoverFolder.
//   - Values over 1 MB (the undo and the log of a block full of matches) go to
//     the value log, in files of a memtable's size. Garbage there is what was
//     written again or deleted since; merging tables counts it, and a file of
//     which half is garbage is written anew by Collect, which the daemon calls
//     now and then, or by Compact. So the value log takes at most about twice
//     what is alive in it, what the memtables and unmerged tables still refer
//     to, and the file in use, whatever was written before.
package badgerkv
