package utxo

import (
	"fmt"
	"time"

	"coffer.example/coffer/coins"
)

// lookup reads rows that describe coins and events, each once a page.
type lookup struct {
	r       Reader
	headers map[coins.Height]coins.RawHeader
	scripts map[scriptID][]byte
}

func newLookup(r Reader) *lookup {
	return &lookup{r, map[coins.Height]coins.RawHeader{}, map[scriptID][]byte{}}
}

func (l *lookup) need(key []byte, noun string) ([]byte, error) {
	value, found, err := l.r.Get(key, nil)
	if err == nil && !found {
		err = fmt.Errorf("%s row %x is missing: %w", noun, key, ErrCorrupt)
	}
	return value, err
}

func (l *lookup) block(height coins.Height) (coins.BlockID, time.Time, error) {
	header, known := l.headers[height]
	if !known {
		value, err := l.need(keyHeight(tableHeader, height), "header")
		if err == nil {
			header, err = decodeHeader(value)
		}
		if err != nil {
			return coins.BlockID{}, time.Time{}, err
		}
		l.headers[height] = header
	}
	return coins.BlockID{Height: height, Hash: header.Hash()}, time.Unix(int64(header.Time()), 0).UTC(), nil
}

func (l *lookup) script(id scriptID) ([]byte, error) {
	if script, known := l.scripts[id]; known {
		return script, nil
	}
	value, err := l.need(keyScript(tableWatch, id), "watch")
	if err != nil {
		return nil, err
	}
	script, err := scriptOfWatch(value)
	l.scripts[id] = script
	return script, err
}

func (l *lookup) txID(num txNum) (coins.TxID, error) {
	value, err := l.need(keyTx(num), "transaction")
	if err != nil {
		return coins.TxID{}, err
	}
	row, err := decodeTx(value)
	return row.id, err
}

func (l *lookup) coin(ref coinRef, row coinRow) (c Coin, err error) {
	if c.OutPoint.TxID, err = l.txID(ref.num); err != nil {
		return c, err
	}
	if c.Block, _, err = l.block(ref.num.height()); err != nil {
		return c, err
	}
	c.Script, err = l.script(row.script)
	c.OutPoint.Vout, c.Value, c.Confirmed, c.Index = ref.vout, row.value, true, ref.num.index()
	c.Coinbase, c.PegOut = row.flags&flagCoinbase != 0, row.flags&flagPegOut != 0
	return c, err
}

func (l *lookup) event(s storedEvent) (e Event, err error) {
	e = Event{Kind: s.kind, Index: s.num.index(), N: s.n, Value: s.value}
	e.OutPoint.Vout = s.coin.vout
	if e.Block, e.Time, err = l.block(s.num.height()); err != nil {
		return e, err
	}
	if e.TxID, err = l.txID(s.num); err != nil {
		return e, err
	}
	e.OutPoint.TxID = e.TxID
	if s.coin.num != s.num {
		e.OutPoint.TxID, err = l.txID(s.coin.num)
	}
	return e, err
}
