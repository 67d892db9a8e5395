package watchlog

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"coffer.example/coffer/coins"
)

// File is what the log asks of its file; [*os.File] has it.
type File interface {
	io.ReaderAt
	io.WriterAt
	Sync() error
	Truncate(size int64) error
	Close() error
}

// Options are what a log is opened with.
type Options struct {
	// Random draws the log id; nil is the system's.
	Random io.Reader
	// Wrap is given the opened file and returns what is used in its place; nil is
	// the file itself. Tests fail its calls.
	Wrap func(File) File
}

// Log is an open watch log. Its methods are safe for concurrent use; one that
// writes runs at a time.
type Log struct {
	path   string
	params *coins.Params
	opts   Options

	mu   sync.Mutex
	file File
	head head
	// begin is where records begin, end where the next one goes.
	begin, end int64
	cut        int64
	broken     bool
	stats      Stats
	buf        []byte
}

// Stats count what the log holds.
type Stats struct {
	// Scripts counts the scripts in all records of watching, GivenUp and Changed
	// those in the others; GivenUp descriptors too. Bytes is the file's length.
	Scripts, GivenUp, Changed uint64
	Bytes                     int64
}

// Garbage reports whether writing the log anew is worth its while.
func (s Stats) Garbage() bool {
	const least = 100_000
	dead := 2*s.GivenUp + s.Changed
	return dead > least && dead > s.Scripts
}

// Open opens the log at path, or makes an empty one there; existed says which.
// It reads the whole file, to find where its last whole record ends. It fails
// with [ErrForeign], [ErrNewer] or [ErrDamaged].
func Open(path string, p *coins.Params, opts Options) (l *Log, existed bool, err error) {
	if opts.Random == nil {
		opts.Random = rand.Reader
	}
	if opts.Wrap == nil {
		opts.Wrap = func(f File) File { return f }
	}
	l = &Log{path: path, params: p, opts: opts}
	existed = true
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		existed = false
		err = l.replace(func(func(*Record) error) error { return nil })
		if err != nil {
			return nil, false, fmt.Errorf("make watch log: %w", err)
		}
		return l, false, nil
	}
	if err := l.open(); err != nil {
		return nil, false, fmt.Errorf("watch log %s: %w", path, err)
	}
	return l, existed, nil
}

func (l *Log) open() error {
	opened, err := os.OpenFile(l.path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	info, err := opened.Stat()
	if err != nil {
		return errors.Join(err, opened.Close())
	}
	l.file = l.opts.Wrap(opened)
	if err := l.load(info.Size()); err != nil {
		return errors.Join(err, opened.Close())
	}
	return nil
}

// load reads the head and finds the end of the last whole record.
func (l *Log) load(size int64) error {
	first := make([]byte, min(int64(maxHead), size))
	if _, err := l.file.ReadAt(first, 0); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	var err error
	if l.head, l.begin, err = decodeHead(first); err != nil {
		return err
	}
	if err := l.head.matches(l.params); err != nil {
		return err
	}
	l.stats = Stats{}
	l.end, err = l.walk(l.begin, size, func(payload []byte, _ int64) error {
		return l.stats.count(payload)
	})
	if err != nil && !errors.Is(err, errNotWhole) {
		return err
	}
	if l.end < size {
		if err := l.cutTail(size); err != nil {
			return err
		}
	}
	l.stats.Bytes = l.end
	return nil
}

// cutTail cuts off what was half written, having looked that no whole record
// follows it.
func (l *Log) cutTail(size int64) error {
	at, err := l.nextWhole(l.end+1, size)
	if err != nil {
		return err
	}
	if at >= 0 {
		return fmt.Errorf("the record at byte %d is not whole, but the one at byte %d is; restore the file from a backup, or move it "+
			"away: a new one is written then of what the index watches: %w", l.end, at, ErrDamaged)
	}
	l.cut = size - l.end
	if err := l.file.Truncate(l.end); err != nil {
		return err
	}
	return l.file.Sync()
}

// nextWhole returns where the next whole record begins, or −1.
func (l *Log) nextWhole(from, size int64) (int64, error) {
	window := make([]byte, 1<<20)
	for from < size {
		part := window[:min(int64(len(window)), size-from)]
		if _, err := l.file.ReadAt(part, from); err != nil && !errors.Is(err, io.EOF) {
			return 0, err
		}
		for at := 0; ; at++ {
			next := bytes.Index(part[at:], frameMark())
			if next < 0 {
				break
			}
			at += next
			begin := from + int64(at)
			_, buf, err := readFrame(io.NewSectionReader(l.file, begin, size-begin), size-begin, l.buf)
			l.buf = buf
			if err == nil {
				return begin, nil
			}
			if !errors.Is(err, errNotWhole) {
				return 0, err
			}
		}
		if len(part) < len(window) {
			break
		}
		from += int64(len(part)) - int64(len(frameMark())) + 1
	}
	return -1, nil
}

// walk calls each with every payload and the position behind it, and returns
// the position up to which records are whole; with errNotWhole where that is
// not to.
func (l *Log) walk(from, to int64, each func(payload []byte, end int64) error) (int64, error) {
	in := bufio.NewReaderSize(io.NewSectionReader(l.file, from, to-from), 1<<20)
	for from < to {
		payload, buf, err := readFrame(in, to-from, l.buf)
		l.buf = buf
		if err != nil {
			return from, err
		}
		end := from + frameSize + int64(len(payload))
		if err := each(payload, end); err != nil {
			return from, fmt.Errorf("record at byte %d: %w", from, err)
		}
		from = end
	}
	return from, nil
}

// count adds a payload to the stats by its first bytes.
func (s *Stats) count(payload []byte) error {
	d := decoder{rest: payload}
	kind := Kind(d.u8())
	if kind == Watched {
		d.take(8)
	}
	switch kind {
	case Watched:
		s.Scripts += d.uvarint()
	case GivenUp:
		s.GivenUp += d.uvarint()
	case Changed:
		s.Changed += d.uvarint()
	case DescriptorGivenUp:
		s.GivenUp++
	case Issued:
		s.Changed++
	case DescriptorWatched:
	default:
		return fmt.Errorf("kind %d: %w", kind, ErrNewer)
	}
	return nil
}

// ID returns the id of this writing of the file.
func (l *Log) ID() ID {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.head.id
}

// Begin returns the position of the first record.
func (l *Log) Begin() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.begin
}

// End returns the position behind the last record.
func (l *Log) End() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.end
}

// Cut returns how many bytes of a half written record Open has cut off.
func (l *Log) Cut() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.cut
}

// Stats tells what the log holds.
func (l *Log) Stats() Stats {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.stats
}

// Path returns the file's name.
func (l *Log) Path() string { return l.path }

// Append writes a record and syncs the file: it is durable when Append returns
// the position behind it. When it fails the log is as it was before; where even
// that cannot be had, it fails with [ErrBroken] from then on.
func (l *Log) Append(r *Record) (end int64, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.broken {
		return 0, fmt.Errorf("watch log %s: %w", l.path, ErrBroken)
	}
	frame, err := encodeFrame(r, l.buf)
	if err != nil {
		return 0, fmt.Errorf("watch log: %w", err)
	}
	l.buf = frame
	_, err = l.file.WriteAt(frame, l.end)
	if err == nil {
		err = l.file.Sync()
	}
	if err != nil {
		undo := errors.Join(l.file.Truncate(l.end), l.file.Sync())
		l.broken = undo != nil
		return 0, fmt.Errorf("watch log %s: %w", l.path, errors.Join(err, undo))
	}
	l.end += int64(len(frame))
	l.stats.Bytes = l.end
	return l.end, l.stats.count(frame[frameSize:])
}

// Replay calls each with every record from a position on, in order, and the
// position behind it. Scripts are valid during the call only. It fails with
// [ErrPosition], [ErrNewer] or [ErrDamaged], or as each does.
func (l *Log) Replay(ctx context.Context, from int64, each func(r *Record, end int64) error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.replay(ctx, from, each)
}

func (l *Log) replay(ctx context.Context, from int64, each func(r *Record, end int64) error) error {
	if from < l.begin || from > l.end {
		return fmt.Errorf("byte %d of %d to %d: %w", from, l.begin, l.end, ErrPosition)
	}
	at, err := l.walk(from, l.end, func(payload []byte, end int64) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		r, err := decodeRecord(payload)
		if err != nil {
			return err
		}
		return each(&r, end)
	})
	if errors.Is(err, errNotWhole) {
		err = fmt.Errorf("byte %d: %w", at, ErrDamaged)
		if at == from {
			err = fmt.Errorf("byte %d: %w", at, ErrPosition)
		}
	}
	if err != nil {
		return fmt.Errorf("watch log %s: %w", l.path, err)
	}
	return nil
}

// Close closes the file.
func (l *Log) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.broken = true
	return l.file.Close()
}

// replace writes the file anew, with the records that fill emits and under a
// new id, and puts it in the old one's place when it is durable.
func (l *Log) replace(fill func(emit func(*Record) error) error) error {
	p := l.params
	fresh := head{genesis: p.Chain.Genesis, symbol: p.Symbol, network: p.Network}
	if _, err := io.ReadFull(l.opts.Random, fresh.id[:]); err != nil {
		return fmt.Errorf("draw the log id: %w", err)
	}
	side := l.path + ".new"
	made, err := os.OpenFile(side, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	file := l.opts.Wrap(made)
	w := writer{file: file, buf: fresh.encode()}
	begin := int64(len(w.buf))
	err = fill(w.emit)
	if err == nil {
		err = w.flush()
	}
	if err == nil {
		err = file.Sync()
	}
	if err == nil {
		err = os.Rename(side, l.path)
	}
	if err != nil {
		return errors.Join(err, file.Close(), os.Remove(side))
	}
	var old error
	if l.file != nil {
		old = l.file.Close()
	}
	l.file, l.head, l.begin, l.end, l.stats = file, fresh, begin, w.at, w.stats
	l.stats.Bytes = l.end
	return errors.Join(old, syncFolder(filepath.Dir(l.path)))
}

// writer gathers records and writes them in large parts.
type writer struct {
	file  File
	at    int64
	buf   []byte
	frame []byte
	stats Stats
}

func (w *writer) emit(r *Record) (err error) {
	if w.frame, err = encodeFrame(r, w.frame); err != nil {
		return err
	}
	w.buf = append(w.buf, w.frame...)
	if len(w.buf) >= 1<<20 {
		err = w.flush()
	}
	return errors.Join(err, w.stats.count(w.frame[frameSize:]))
}

func (w *writer) flush() error {
	n, err := w.file.WriteAt(w.buf, w.at)
	w.at += int64(n)
	w.buf = w.buf[:0]
	return err
}

// syncFolder makes a rename in the folder durable.
func syncFolder(dir string) error {
	folder, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}

// Position is a place in one writing of the log, for whoever keeps track of how
// far it has read.
type Position struct {
	Log ID
	At  int64
}

// positionSize is the length of a stored position.
const positionSize = len(ID{}) + 8

// Encode returns the position's bytes: log id 16, place 8.
func (p Position) Encode() []byte {
	return binary.BigEndian.AppendUint64(p.Log[:], uint64(p.At))
}

// DecodePosition reads what Encode made, and false where it did not.
func DecodePosition(b []byte) (p Position, ok bool) {
	if len(b) != positionSize {
		return p, false
	}
	copy(p.Log[:], b)
	p.At = int64(binary.BigEndian.Uint64(b[len(p.Log):]))
	return p, p.At >= 0
}
