// Command endtoend measures a whole scan, from a live node to the synced index, beside what the same transport
// delivers when nothing is done with the bytes and beside the node's own wallet, all in one run.
//
// It starts its own node, grows its chain where the data folder has none yet, and prints Markdown tables. CPU seconds
// are the operating system's, of this process and of the node apart.
//
//	go run ./bench/endtoend -coin btc -datadir FOLDER
package main
