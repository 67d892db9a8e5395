package descriptor

import (
	"fmt"

	"coffer.example/coffer/coins"
)

// rangeSize is the number of children of a public key that can be derived from
// it: those without a hardened step.
const rangeSize = 1 << 31

// Descriptor is a parsed descriptor of one coin on one network. It is immutable
// and safe for concurrent use.
type Descriptor struct {
	root *expr
	// ways is the number of alternatives of the steps in angle brackets, 1
	// without; forms are what each key is made into: one, or several for combo.
	ways   uint32
	forms  []*expr
	ranged bool
	text   string
}

// Branches returns the number of branches: the alternatives of <…>, for each
// form of a combo. Each has indexes of its own.
func (d *Descriptor) Branches() uint32 { return d.ways * uint32(len(d.forms)) }

// Len returns the number of scripts of a branch: 2^31 where the descriptor ends
// with /*, else 1.
func (d *Descriptor) Len() uint32 {
	if d.ranged {
		return rangeSize
	}
	return 1
}

// Receiving returns the branch for addresses to be given to others: the first
// alternative, of a combo in its witness form where the coin has one.
func (d *Descriptor) Receiving() uint32 {
	for form, e := range d.forms {
		if e.name == fnWPKH {
			return uint32(form) * d.ways
		}
	}
	if d.root.name == fnCombo {
		return d.ways // pkh, after pk
	}
	return 0
}

// Script returns the script of a branch at an index. It fails with [ErrIndex].
func (d *Descriptor) Script(branch, index uint32) ([]byte, error) {
	if branch >= d.Branches() || index >= d.Len() {
		return nil, fmt.Errorf("branch %d, index %d of %d branches of %d: %w", branch, index, d.Branches(), d.Len(), ErrIndex)
	}
	script, err := d.forms[branch/d.ways].script(branch%d.ways, index)
	if err != nil {
		return nil, fmt.Errorf("branch %d, index %d: %w", branch, index, err)
	}
	return script, nil
}

// Path names a script of the descriptor: the steps after the first extended
// key, "0/5", and before it for a combo the form, "wpkh 0/5". It is "" where
// no key is extended.
func (d *Descriptor) Path(branch, index uint32) string {
	if branch >= d.Branches() {
		return ""
	}
	path := ""
	if k := d.root.extended(); k != nil {
		path = k.path(branch%d.ways, index)
	}
	if d.root.name != fnCombo {
		return path
	}
	return string(d.forms[branch/d.ways].label()) + " " + path
}

// String returns the descriptor in its canonical form with its checksum:
// hardened steps as h, keys in lower case and with the coin's own version.
func (d *Descriptor) String() string { return d.text }

// finish checks what holds for the whole and derives what all indexes share.
func (d *Descriptor) finish(p *coins.Params) error {
	d.ways, d.ranged = 1, false
	for _, k := range d.root.allKeys() {
		if ways := uint32(len(k.ways())); ways > 1 {
			if d.ways > 1 && d.ways != ways {
				return fmt.Errorf("one key has %d alternatives in <>, another %d: %w", d.ways, ways, ErrDescriptor)
			}
			d.ways = ways
		}
		d.ranged = d.ranged || k.ranged
		if err := k.derive(); err != nil {
			return err
		}
	}
	d.forms = d.root.expand(p)
	text := d.root.String()
	sum, err := checksum(text)
	if err != nil {
		return err
	}
	d.text = text + "#" + sum
	for branch := range d.Branches() {
		script, err := d.Script(branch, 0)
		if err != nil {
			return err
		}
		if len(script) == 0 || coins.Unspendable(script) {
			return fmt.Errorf("nothing can ever spend outputs with script %x: %w", script, ErrDescriptor)
		}
	}
	return nil
}
