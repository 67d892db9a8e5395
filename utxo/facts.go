package utxo

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"slices"

	"coffer.example/coffer/coins"
)

// fact is what one output or one input of a block did to one coin of a watched
// script. Coins, balances, history and undo are sums of facts.
type fact struct {
	kind EventKind
	// tx is the transaction's place in the block; n the number of its output
	// for Funded, of its input for Spent.
	tx, n uint32
	coin  coinRef
	coinRow
}

// compareFacts orders facts as the chain does.
func compareFacts(a, b fact) int {
	return cmp.Or(cmp.Compare(a.tx, b.tx), cmp.Compare(eventOrder(a.kind), eventOrder(b.kind)),
		cmp.Compare(a.n, b.n), cmp.Compare(a.script, b.script))
}

const undoSpent = 0x80 // in the first byte of a stored fact, beside the flags

// encodeFacts packs the facts of the block at height: what disconnect needs.
func encodeFacts(facts []fact) []byte {
	b := make([]byte, 0, 1+16*len(facts))
	for _, f := range facts {
		first := byte(f.flags)
		if f.kind == Spent {
			first |= undoSpent
		}
		b = binary.AppendUvarint(append(b, first), uint64(f.tx))
		b = binary.AppendUvarint(b, uint64(f.n))
		if f.kind == Spent {
			b = binary.AppendUvarint(b, uint64(f.coin.num.height()))
			b = binary.AppendUvarint(b, uint64(f.coin.num.index()))
			b = binary.AppendUvarint(b, uint64(f.coin.vout))
		}
		b = binary.AppendUvarint(b, uint64(f.script))
		b = binary.AppendUvarint(b, uint64(f.value))
	}
	return b
}

func decodeFacts(height coins.Height, value []byte) ([]fact, error) {
	const leastBytes = 8 // of a fact, nearly always
	facts := make([]fact, 0, len(value)/leastBytes+1)
	d := decoder{rest: value}
	for len(d.rest) > 0 && !d.bad {
		first := d.u8()
		f := fact{kind: Funded, tx: d.uint32(), n: d.uint32()}
		f.coin = coinRef{numberOf(height, f.tx), f.n}
		if first&undoSpent != 0 {
			f.kind = Spent
			at, index := d.uint32(), d.uint32()
			f.coin = coinRef{numberOf(coins.Height(at), index), d.uint32()}
		}
		f.flags = coinFlags(first &^ undoSpent)
		f.script, f.value = scriptID(d.uint32()), coins.Amount(d.uvarint())
		facts = append(facts, f)
	}
	if err := d.end("undo"); err != nil {
		return nil, fmt.Errorf("height %d: %w", height, err)
	}
	return facts, nil
}

// apply writes what a fact of the block at height changes. The transaction's
// own rows are addTx's work.
func (s *step) apply(height coins.Height, f fact) error {
	num := numberOf(height, f.tx)
	s.put(keyEvent(f.script, num, f.kind, f.n), eventRow{f.coin, f.value, f.flags}.encode(f.kind))
	if f.kind == Spent {
		s.dropCoin(f)
	} else {
		s.giveCoin(f)
	}
	return s.count(height, f, sumOf(f.kind, f.value))
}

// unapply takes away what apply wrote.
func (s *step) unapply(height coins.Height, f fact) error {
	num := numberOf(height, f.tx)
	s.del(keyEvent(f.script, num, f.kind, f.n))
	if f.kind == Spent {
		s.giveCoin(f)
	} else {
		s.dropCoin(f)
	}
	return s.count(height, f, sumRow{}.minus(sumOf(f.kind, f.value)))
}

// count enters what a fact of the block at height changes, or with the
// opposite sum takes it out, in every sum that it is part of.
func (s *step) count(height coins.Height, f fact, delta sumRow) error {
	s.state.sum = s.state.sum.plus(delta)
	if err := s.countInBlocks(height, f, delta); err != nil {
		return err
	}
	return s.addSum(f.script, delta)
}

func (s *step) giveCoin(f fact) {
	coin, unspent := keyCoin(f.coin.num, f.coin.vout), keyUnspent(f.script, f.coin, f.flags)
	if f.kind == Funded {
		s.putFresh(coin, f.encode())
		s.putFresh(unspent, f.appendUnspent(nil))
		return
	}
	s.put(coin, f.encode())
	s.put(unspent, f.appendUnspent(nil))
}

func (s *step) dropCoin(f fact) {
	s.del(keyCoin(f.coin.num, f.coin.vout))
	s.del(keyUnspent(f.script, f.coin, f.flags))
}

// addSum changes a script's balance row. A script without anything ever
// received has no row.
func (s *step) addSum(id scriptID, delta sumRow) error {
	key := keyScript(tableBalance, id)
	var sum sumRow
	value, found, err := s.get(key)
	if err == nil && found {
		sum, err = decodeSum(value)
	}
	if err != nil {
		return err
	}
	if sum = sum.plus(delta); sum == (sumRow{}) {
		s.del(key)
	} else {
		s.put(key, sum.append(nil))
	}
	return nil
}

// addTx makes a transaction known, or counts one event more of it.
func (s *step) addTx(num txNum, id coins.TxID) error {
	value, found, err := s.get(keyTx(num))
	if err != nil {
		return err
	}
	row := txRow{id: id}
	if found {
		if row, err = decodeTx(value); err != nil {
			return err
		}
		if row.id != id {
			return fmt.Errorf("transaction %d of block %d is %s, not %s: %w", num.index(), num.height(), row.id, id, ErrCorrupt)
		}
	} else if err := s.listTxID(num, id); err != nil {
		return err
	}
	row.events++
	s.put(keyTx(num), row.encode())
	return nil
}

func (s *step) listTxID(num txNum, id coins.TxID) error {
	value, _, err := s.get(keyTxID(id))
	if err != nil {
		return err
	}
	nums, err := decodeNumbers(value)
	if err != nil {
		return err
	}
	at, _ := slices.BinarySearch(nums, num)
	s.put(keyTxID(id), encodeNumbers(slices.Insert(nums, at, num)))
	return nil
}

// dropTx takes events away from a transaction, and it with the last.
func (s *step) dropTx(num txNum, events uint32) error {
	value, err := s.need(keyTx(num), "transaction")
	if err != nil {
		return err
	}
	row, err := decodeTx(value)
	if err != nil {
		return err
	}
	if row.events < events {
		return fmt.Errorf("transaction %s has %d events, not %d: %w", row.id, row.events, events, ErrCorrupt)
	}
	if row.events -= events; row.events > 0 {
		s.put(keyTx(num), row.encode())
		return nil
	}
	s.del(keyTx(num))
	if value, err = s.need(keyTxID(row.id), "txid"); err != nil {
		return err
	}
	nums, err := decodeNumbers(value)
	if err != nil {
		return err
	}
	nums = slices.DeleteFunc(nums, func(n txNum) bool { return n == num })
	if len(nums) == 0 {
		s.del(keyTxID(row.id))
	} else {
		s.put(keyTxID(row.id), encodeNumbers(nums))
	}
	return nil
}

func encodeNumbers(nums []txNum) []byte {
	b := make([]byte, 0, 8*len(nums))
	for _, num := range nums {
		b = appendNumber(b, num)
	}
	return b
}

// txID returns the id of a known transaction.
func (s *step) txID(num txNum) (coins.TxID, error) {
	value, err := s.need(keyTx(num), "transaction")
	if err != nil {
		return coins.TxID{}, err
	}
	row, err := decodeTx(value)
	return row.id, err
}

// inBlock reports whether a transaction with that id touches a watched script
// in a block.
func (s *step) inBlock(id coins.TxID) (bool, error) {
	value, found, err := s.get(keyTxID(id))
	if err != nil || !found {
		return false, err
	}
	nums, err := decodeNumbers(value)
	if err != nil {
		return false, err
	}
	for _, num := range nums {
		if got, err := s.txID(num); err != nil || got == id {
			return err == nil, err
		}
	}
	return false, nil
}

// coinAt returns the unspent coin at an outpoint, as a transaction of that
// number sees it: of earlier transactions with the same id the latest is meant.
func (s *step) coinAt(at coins.OutPoint, seenBy txNum) (ref coinRef, row coinRow, found bool, err error) {
	value, found, err := s.get(keyTxID(at.TxID))
	if err != nil || !found {
		return ref, row, false, err
	}
	nums, err := decodeNumbers(value)
	if err != nil {
		return ref, row, false, err
	}
	for _, num := range slices.Backward(nums) {
		if num >= seenBy {
			continue
		}
		id, err := s.txID(num)
		if err != nil {
			return ref, row, false, err
		}
		if id != at.TxID {
			continue
		}
		value, found, err := s.get(keyCoin(num, at.Vout))
		if err != nil {
			return ref, row, false, err
		}
		if found {
			row, err = decodeCoin(value)
			return coinRef{num, at.Vout}, row, err == nil, err
		}
	}
	return ref, row, false, nil
}
