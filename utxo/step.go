package utxo

import (
	"bytes"
	"fmt"

	"coffer.example/coffer/coins"
)

// step is one change of the index in the making: rows read through the batch,
// rows written to it, and what follows in memory once they are stored. Nothing
// outside it changes until it has succeeded.
type step struct {
	scope
	state state
	chain *coins.ChainParams
	// marks are the changes to the set of outpoints.
	marks []markChange
	readRows
	// moves are coins that appeared and disappeared, for the mempool view.
	moves []coinMove
	poolStep
	// untold are changes of the tip block that jobs keep, where it is left.
	untold map[untold]bool
	leases leaseStep
	// grown is what the step derives from sources.
	grown growth
}

// readRows are rows read in a step; ids are of blocks.
type readRows struct {
	watches map[scriptID]*watchRow
	jobs    map[JobID]*jobRow
	ids     map[coins.Height]coins.BlockID
}

// poolStep is what a step changes about unconfirmed transactions.
type poolStep struct {
	// leaving are those that are unconfirmed no more.
	leaving []*poolTx
	// seen are those of which the step made a coin known.
	seen []sighting
	// added are the scripts that the step makes watched: matching does not know
	// them before it is stored.
	added map[string]scriptID
}

// markChange is an outpoint that enters or leaves the set of unspent coins.
type markChange struct {
	mark   uint64
	remove bool
}

// coinMove is a confirmed coin that appeared, or disappeared.
type coinMove struct {
	coin   Coin
	script scriptID
	gone   bool
}

// watch returns a script's row, nil where it is no longer watched.
func (s *step) watch(id scriptID) (*watchRow, error) {
	if row, known := s.watches[id]; known {
		return row, nil
	}
	value, found, err := s.get(keyScript(tableWatch, id))
	if err != nil {
		return nil, err
	}
	var row *watchRow
	if found {
		if row, err = decodeWatch(value); err != nil {
			return nil, err
		}
	}
	s.watches[id] = row
	return row, nil
}

// needWatch is watch of a script that must be there.
func (s *step) needWatch(id scriptID) (*watchRow, error) {
	row, err := s.watch(id)
	if err == nil && row == nil {
		err = fmt.Errorf("script %d is not watched: %w", id, ErrCorrupt)
	}
	return row, err
}

// script returns a watched script.
func (s *step) script(id scriptID) ([]byte, error) {
	row, err := s.needWatch(id)
	if err != nil {
		return nil, err
	}
	return row.script, nil
}

// job returns a job's row, which must be there.
func (s *step) job(id JobID) (*jobRow, error) {
	if row, known := s.jobs[id]; known {
		return row, nil
	}
	value, err := s.need(keyNumber(tableJob, uint64(id)), "job")
	if err != nil {
		return nil, err
	}
	row, err := decodeJob(value)
	if err != nil {
		return nil, err
	}
	s.jobs[id] = row
	return row, nil
}

// header returns the stored header at a height, and false where there is none.
func (s *step) header(height coins.Height) (h coins.RawHeader, found bool, err error) {
	value, found, err := s.get(keyHeight(tableHeader, height))
	if err != nil || !found {
		return h, false, err
	}
	h, err = decodeHeader(value)
	return h, err == nil, err
}

func decodeHeader(value []byte) (h coins.RawHeader, err error) {
	if len(value) != len(h) {
		return h, fmt.Errorf("header row of %d bytes: %w", len(value), ErrCorrupt)
	}
	copy(h[:], value)
	return h, nil
}

// block returns the id of the stored block at a height.
func (s *step) block(height coins.Height) (coins.BlockID, error) {
	if id, known := s.ids[height]; known {
		return id, nil
	}
	header, found, err := s.header(height)
	if err != nil {
		return coins.BlockID{}, err
	}
	if !found {
		return coins.BlockID{}, fmt.Errorf("header %d is missing: %w", height, ErrCorrupt)
	}
	id := coins.BlockID{Height: height, Hash: header.Hash()}
	s.ids[height] = id
	return id, nil
}

// coin describes a coin by its rows.
func (s *step) coin(ref coinRef, row coinRow, txid coins.TxID) (Coin, error) {
	block, err := s.block(ref.num.height())
	if err != nil {
		return Coin{}, err
	}
	w, err := s.needWatch(row.script)
	if err != nil {
		return Coin{}, err
	}
	c := Coin{OutPoint: coins.OutPoint{TxID: txid, Vout: ref.vout}, Value: row.value, Script: w.script}
	c.Block, c.Confirmed, c.Index = block, true, ref.num.index()
	c.Coinbase, c.PegOut = row.flags&flagCoinbase != 0, row.flags&flagPegOut != 0
	return c, nil
}

// appeared and disappeared note what a coin's coming and going means in memory.
func (s *step) appeared(x *Index, c Coin, id scriptID) {
	s.marks = append(s.marks, markChange{mark: x.outPointMark(c.OutPoint)})
	s.moves = append(s.moves, coinMove{coin: c, script: id})
}

func (s *step) disappeared(x *Index, c Coin, id scriptID) {
	s.marks = append(s.marks, markChange{mark: x.outPointMark(c.OutPoint), remove: true})
	s.moves = append(s.moves, coinMove{coin: c, script: id, gone: true})
}

// is compares a candidate with the script it may be.
func (w *watchRow) is(script []byte) bool { return w != nil && bytes.Equal(w.script, script) }
