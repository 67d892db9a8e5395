package watchlog

import (
	"encoding/binary"
	"fmt"
	"time"

	"coffer.example/coffer/coins"
)

// Kind says what a record is of.
type Kind uint8

// The kinds of records. A kind is never given a new meaning.
const (
	Watched           Kind = 1
	GivenUp           Kind = 2
	Changed           Kind = 3
	DescriptorWatched Kind = 4
	DescriptorGivenUp Kind = 5
	Issued            Kind = 6
)

// Limits of a record.
const (
	// MaxPayload is the longest payload in bytes.
	MaxPayload = 16 << 20
	// MaxText is the longest script, label, metadata or descriptor, in bytes.
	MaxText = 64 << 10
)

// Script is one watched script, or what a record says of it.
type Script struct {
	Script []byte
	// Birth is the height from which the script counts.
	Birth coins.Height
	// Added is when it was first watched, in whole seconds; zero is the record's
	// time.
	Added time.Time
	// Label and Metadata are kept for people and their programs; HasLabel and
	// HasMetadata say in a [Changed] record that they are given.
	Label, Metadata       string
	HasLabel, HasMetadata bool
	// Archived scripts stay watched; HasArchived is as HasLabel.
	Archived, HasArchived bool
}

// Descriptor is a watched descriptor.
type Descriptor struct {
	Text  string
	Birth coins.Height
	Gap   uint32
	Label string
	// Branch and Issued are of [Issued] records: that many addresses of the branch
	// were given out.
	Branch, Issued uint32
}

// Record is one entry of the log.
type Record struct {
	Kind Kind
	// Time is when it was made, in whole seconds; of [Watched] and
	// [DescriptorWatched] only.
	Time time.Time
	// Scripts are of the first three kinds, one at least.
	Scripts []Script
	// Descriptor is of the others: [DescriptorGivenUp] has its Text only, [Issued]
	// that with Branch and Issued.
	Descriptor Descriptor
}

// Flags of a script in a record.
const (
	flagArchived = 1 // in a Watched record

	flagLabel       = 1 // in a Changed record
	flagMetadata    = 2
	flagArchive     = 4
	flagSetArchived = 8
)

func flag(is bool, bit byte) byte {
	if is {
		return bit
	}
	return 0
}

func appendText[T string | []byte](b []byte, text T) []byte {
	return append(binary.AppendUvarint(b, uint64(len(text))), text...)
}

// append appends the record's payload.
func (r *Record) append(b []byte) ([]byte, error) {
	b = append(b, byte(r.Kind))
	switch r.Kind {
	case DescriptorWatched:
		d := &r.Descriptor
		if err := fits(d.Birth, len(d.Text), len(d.Label)); err != nil || d.Text == "" {
			return nil, fmt.Errorf("descriptor of %d bytes: %w", len(d.Text), ErrRecord)
		}
		b = binary.BigEndian.AppendUint64(b, uint64(r.Time.Unix()))
		b = binary.AppendUvarint(binary.AppendUvarint(b, uint64(d.Birth)), uint64(d.Gap))
		return appendText(appendText(b, d.Text), d.Label), nil
	case DescriptorGivenUp, Issued:
		if r.Kind == Issued {
			b = binary.AppendUvarint(binary.AppendUvarint(b, uint64(r.Descriptor.Branch)), uint64(r.Descriptor.Issued))
		}
		if err := fits(0, len(r.Descriptor.Text)); err != nil || r.Descriptor.Text == "" {
			return nil, fmt.Errorf("descriptor of %d bytes: %w", len(r.Descriptor.Text), ErrRecord)
		}
		return appendText(b, r.Descriptor.Text), nil
	case Watched, GivenUp, Changed:
		return r.appendScripts(b)
	}
	return nil, fmt.Errorf("kind %d: %w", r.Kind, ErrRecord)
}

func fits(birth coins.Height, lengths ...int) error {
	if birth < 0 || birth > coins.MaxHeight {
		return fmt.Errorf("birth %d: %w", birth, ErrRecord)
	}
	for _, length := range lengths {
		if length > MaxText {
			return fmt.Errorf("%d bytes, at most %d: %w", length, MaxText, ErrRecord)
		}
	}
	return nil
}

func (r *Record) appendScripts(b []byte) ([]byte, error) {
	if len(r.Scripts) == 0 {
		return nil, fmt.Errorf("no scripts: %w", ErrRecord)
	}
	if r.Kind == Watched {
		b = binary.BigEndian.AppendUint64(b, uint64(r.Time.Unix()))
	}
	b = binary.AppendUvarint(b, uint64(len(r.Scripts)))
	for i := range r.Scripts {
		s := &r.Scripts[i]
		if err := fits(s.Birth, len(s.Script), len(s.Label), len(s.Metadata)); err != nil || len(s.Script) == 0 {
			return nil, fmt.Errorf("script %x born at %d: %w", s.Script[:min(len(s.Script), 40)], s.Birth, ErrRecord)
		}
		switch r.Kind {
		case Watched:
			b = binary.AppendUvarint(append(b, flag(s.Archived, flagArchived)), uint64(s.Birth))
			b = binary.AppendVarint(b, r.after(s.Added))
			b = appendText(appendText(appendText(b, s.Script), s.Label), s.Metadata)
		case GivenUp:
			b = appendText(b, s.Script)
		default:
			b = append(b, flag(s.HasLabel, flagLabel)|flag(s.HasMetadata, flagMetadata)|flag(s.HasArchived, flagArchive)|
				flag(s.Archived, flagSetArchived))
			b = appendText(appendText(appendText(b, s.Script), s.Label), s.Metadata)
		}
	}
	return b, nil
}

// after returns the seconds from the record's time to another.
func (r *Record) after(added time.Time) int64 {
	if added.IsZero() {
		return 0
	}
	return added.Unix() - r.Time.Unix()
}

// decodeRecord reads a payload. Scripts share it.
func decodeRecord(payload []byte) (r Record, err error) {
	d := decoder{rest: payload}
	r.Kind = Kind(d.u8())
	switch r.Kind {
	case DescriptorWatched:
		r.Time = d.time()
		r.Descriptor.Birth, r.Descriptor.Gap = d.height(), d.u32()
		r.Descriptor.Text, r.Descriptor.Label = string(d.text()), string(d.text())
	case DescriptorGivenUp:
		r.Descriptor.Text = string(d.text())
	case Issued:
		r.Descriptor.Branch, r.Descriptor.Issued = d.u32(), d.u32()
		r.Descriptor.Text = string(d.text())
	case Watched, GivenUp, Changed:
		d.scripts(&r)
	default:
		return r, fmt.Errorf("record of kind %d: %w", r.Kind, ErrNewer)
	}
	if d.bad || len(d.rest) > 0 {
		return r, fmt.Errorf("record of kind %d: %w", r.Kind, ErrDamaged)
	}
	return r, nil
}

// leastScript is the length of the shortest script in a record.
const leastScript = 2

func (d *decoder) scripts(r *Record) {
	if r.Kind == Watched {
		r.Time = d.time()
	}
	count := d.uvarint()
	if count == 0 || count > uint64(len(d.rest)/leastScript) {
		d.bad = true
		return
	}
	r.Scripts = make([]Script, count)
	for i := range r.Scripts {
		s := &r.Scripts[i]
		var flags byte
		switch r.Kind {
		case Watched:
			flags = d.u8()
			s.Archived, s.Birth = flags&flagArchived != 0, d.height()
			s.Added = r.Time.Add(time.Duration(d.varint()) * time.Second)
		case Changed:
			flags = d.u8()
			s.HasLabel, s.HasMetadata = flags&flagLabel != 0, flags&flagMetadata != 0
			s.HasArchived, s.Archived = flags&flagArchive != 0, flags&flagSetArchived != 0
		}
		s.Script = d.text()
		if r.Kind != GivenUp {
			s.Label, s.Metadata = string(d.text()), string(d.text())
		}
		if len(s.Script) == 0 {
			d.bad = true
		}
	}
}

// decoder reads a payload from front to back. A fault sticks.
type decoder struct {
	rest []byte
	bad  bool
}

func (d *decoder) take(n int) []byte {
	if d.bad || n < 0 || len(d.rest) < n {
		d.bad = true
		return nil
	}
	taken := d.rest[:n:n]
	d.rest = d.rest[n:]
	return taken
}

func (d *decoder) u8() byte {
	if b := d.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (d *decoder) time() time.Time {
	if b := d.take(8); b != nil {
		if unix := binary.BigEndian.Uint64(b); unix < 1<<40 {
			return time.Unix(int64(unix), 0).UTC()
		}
		d.bad = true
	}
	return time.Time{}
}

func (d *decoder) uvarint() uint64 {
	v, n := binary.Uvarint(d.rest)
	if d.bad || n <= 0 {
		d.bad = true
		return 0
	}
	d.rest = d.rest[n:]
	return v
}

// varint reads a number of seconds, of which there are less than 2^33.
func (d *decoder) varint() int64 {
	v, n := binary.Varint(d.rest)
	if d.bad || n <= 0 || v >= 1<<33 || v <= -1<<33 {
		d.bad = true
		return 0
	}
	d.rest = d.rest[n:]
	return v
}

func (d *decoder) u32() uint32 {
	v := d.uvarint()
	if v > 1<<32-1 {
		d.bad = true
		return 0
	}
	return uint32(v)
}

func (d *decoder) height() coins.Height {
	v := d.uvarint()
	if v > uint64(coins.MaxHeight) {
		d.bad = true
		return 0
	}
	return coins.Height(v)
}

func (d *decoder) text() []byte {
	n := d.uvarint()
	if n > MaxText {
		d.bad = true
		return nil
	}
	return d.take(int(n))
}
