package watchlog

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/coins/btc"
)

func params(t testing.TB, network coins.Network) *coins.Params {
	t.Helper()
	coin, err := btc.New(network)
	if err != nil {
		t.Fatal(err)
	}
	return coin.Params()
}

// sevens is a source of one byte.
type sevens struct{}

func (sevens) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = 7
	}
	return len(b), nil
}

func open(t testing.TB, path string, opts Options) *Log {
	t.Helper()
	l, _, err := Open(path, params(t, coins.Regtest), opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

func fill(t testing.TB, l *Log, records ...Record) {
	t.Helper()
	for i := range records {
		if _, err := l.Append(&records[i]); err != nil {
			t.Fatal(err)
		}
	}
}

// records reads a log from a position on.
func records(t testing.TB, l *Log, from int64) (list []Record) {
	t.Helper()
	err := l.Replay(t.Context(), from, func(r *Record, _ int64) error {
		list = append(list, clone(r))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func clone(r *Record) Record {
	c := *r
	c.Scripts = slices.Clone(r.Scripts)
	for i := range c.Scripts {
		c.Scripts[i].Script = bytes.Clone(c.Scripts[i].Script)
	}
	return c
}

func at(unix int64) time.Time { return time.Unix(unix, 0).UTC() }

func watchedRecord(names ...string) Record {
	r := Record{Kind: Watched, Time: at(1)}
	for _, name := range names {
		r.Scripts = append(r.Scripts, Script{Script: []byte(name), Birth: 5, Added: at(1), Label: "of " + name, Metadata: "{}"})
	}
	return r
}

// TestGolden holds the layout that doc.go draws.
func TestGolden(t *testing.T) {
	path := filepath.Join(t.TempDir(), "watch.log")
	l := open(t, path, Options{Random: sevens{}})
	want := []Record{
		{Kind: Watched, Time: at(0x5f5e1000), Scripts: []Script{
			{Script: []byte{0x51, 0x52}, Birth: 300, Added: at(0x5f5e0fff), Label: "shop", Metadata: `{"a":"b"}`, Archived: true},
		}},
		{Kind: GivenUp, Scripts: []Script{{Script: []byte{0x51}}, {Script: []byte{0x52}}}},
		{Kind: Changed, Scripts: []Script{
			{Script: []byte{0x51}, Label: "new", HasLabel: true, HasMetadata: true}, {Script: []byte{0x52}, HasArchived: true, Archived: true},
		}},
		{Kind: DescriptorWatched, Time: at(2), Descriptor: Descriptor{Text: "wpkh(x)", Birth: 7, Gap: 20, Label: "hot"}},
		{Kind: DescriptorGivenUp, Descriptor: Descriptor{Text: "wpkh(x)"}},
		{Kind: Issued, Descriptor: Descriptor{Text: "x", Branch: 1, Issued: 300}},
	}
	fill(t, l, want...)
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	golden := "636f66666572207761746368206c6f67" + "00000001" + "07070707070707070707070707070707" +
		"06226e46111a0b59caaf126043eb5bbf28c34f3a5e332a1fc7b2b73cf188910f" + "03627463" + "0772656774657374" + "12f4be91" +
		"c0ffe50a" + "00000020" + "9cfed205" + "01" + "000000005f5e1000" + "01" + "01" + "ac02" + "01" + "025152" + "0473686f70" + "097b2261223a2262227d" +
		"c0ffe50a" + "00000006" + "51eae477" + "02" + "02" + "0151" + "0152" +
		"c0ffe50a" + "0000000f" + "610d55a9" + "03" + "02" + "03" + "0151" + "036e6577" + "00" + "0c" + "0152" + "00" + "00" +
		"c0ffe50a" + "00000017" + "a50e4dd8" + "04" + "0000000000000002" + "07" + "14" + "077770" + "6b68287829" + "03686f74" +
		"c0ffe50a" + "00000009" + "e4ec5c6a" + "05" + "07" + "77706b68287829" +
		"c0ffe50a" + "00000006" + "683cdd2b" + "06" + "01" + "ac02" + "0178"
	if hex.EncodeToString(got) != golden {
		t.Errorf("the file is\n%x, want\n%s", got, golden)
	}
	if again := records(t, l, l.Begin()); fmt.Sprint(again) != fmt.Sprint(want) {
		t.Errorf("read back\n%v, want\n%v", again, want)
	}
}

// TestOpen checks that a log is found again, and what is refused.
func TestOpen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "watch.log")
	l := open(t, path, Options{})
	fill(t, l, watchedRecord("a", "b"), watchedRecord("c"))
	id, end := l.ID(), l.End()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Append(&Record{Kind: GivenUp, Scripts: []Script{{Script: []byte("a")}}}); !errors.Is(err, ErrBroken) {
		t.Errorf("append to a closed log: %v", err)
	}
	again, existed, err := Open(path, params(t, coins.Regtest), Options{})
	if err != nil || !existed || again.ID() != id || again.End() != end || again.Cut() != 0 {
		t.Fatalf("opened again: %v, existed %v, id %x, end %d", err, existed, again.ID(), again.End())
	}
	if s := again.Stats(); s.Scripts != 3 || s.Bytes != end {
		t.Errorf("stats %+v", s)
	}
	if err := again.Replay(t.Context(), end-1, func(*Record, int64) error { return nil }); !errors.Is(err, ErrPosition) {
		t.Errorf("replay from within a record: %v", err)
	}
	if err := again.Replay(t.Context(), end+1, func(*Record, int64) error { return nil }); !errors.Is(err, ErrPosition) {
		t.Errorf("replay from behind the end: %v", err)
	}
	if err := again.Close(); err != nil {
		t.Fatal(err)
	}
	if _, _, err := Open(path, params(t, coins.Main), Options{}); !errors.Is(err, ErrForeign) {
		t.Errorf("opened as another network: %v", err)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	content[len(magic)+3]++
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := Open(path, params(t, coins.Regtest), Options{}); !errors.Is(err, ErrNewer) {
		t.Errorf("opened a newer format: %v", err)
	}
}

// TestTorn cuts the file at every length, and fills the end of what a power cut
// left with zeros: whole records are kept, and appending goes on behind them.
func TestTorn(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "watch.log")
	l := open(t, path, Options{})
	ends := []int64{l.End()}
	for _, name := range []string{"a", "b", "c"} {
		fill(t, l, watchedRecord(name))
		ends = append(ends, l.End())
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for size := ends[0]; size < ends[3]; size++ {
		for _, zeros := range []int64{0, ends[3] - size} {
			torn := append(bytes.Clone(whole[:size]), make([]byte, zeros)...)
			file := filepath.Join(dir, "torn.log")
			if err := os.WriteFile(file, torn, 0o600); err != nil {
				t.Fatal(err)
			}
			want := 0
			for want < 3 && ends[want+1] <= size {
				want++
			}
			l := open(t, file, Options{Wrap: hasty})
			if got := records(t, l, l.Begin()); len(got) != want || l.Cut() != size+zeros-ends[want] {
				t.Fatalf("cut at %d and %d zeros: %d records, want %d; %d bytes cut off", size, zeros, len(got), want, l.Cut())
			}
			fill(t, l, watchedRecord("d"))
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
			again := open(t, file, Options{Wrap: hasty})
			if got := records(t, again, again.Begin()); len(got) != want+1 || again.Cut() != 0 {
				t.Fatalf("cut at %d, then appended: %d records, %d bytes cut off", size, len(got), again.Cut())
			}
		}
	}
}

// TestDamaged flips every bit of all but the last record: Open names the place
// and changes nothing.
func TestDamaged(t *testing.T) {
	path := filepath.Join(t.TempDir(), "watch.log")
	l := open(t, path, Options{})
	fill(t, l, watchedRecord("a"), watchedRecord("b"))
	last := l.End()
	fill(t, l, watchedRecord("c"))
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for bit := range 8 * last {
		bad := bytes.Clone(whole)
		bad[bit/8] ^= 1 << (bit % 8)
		if err := os.WriteFile(path, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		_, _, err := Open(path, params(t, coins.Regtest), Options{})
		if !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrNewer) {
			t.Fatalf("bit %d flipped: %v", bit, err)
		}
		if after, err := os.ReadFile(path); err != nil || !bytes.Equal(after, bad) {
			t.Fatalf("bit %d flipped: the file was changed (%v)", bit, err)
		}
	}
}

// unsynced is a file whose syncs take no time.
type unsynced struct{ File }

func (unsynced) Sync() error { return nil }

func hasty(f File) File { return unsynced{f} }

var errFault = errors.New("the disk fails")

// faulty fails the call number left, and all after it where dead.
type faulty struct {
	File
	left *int
	dead bool
}

func (f faulty) fails() bool {
	*f.left--
	return *f.left == 0 || f.dead && *f.left < 0
}

func (f faulty) WriteAt(b []byte, at int64) (int, error) {
	if f.fails() {
		n, _ := f.File.WriteAt(b[:len(b)/2], at)
		return n, errFault
	}
	return f.File.WriteAt(b, at)
}

func (f faulty) Sync() error {
	if f.fails() {
		return errFault
	}
	return f.File.Sync()
}

func (f faulty) Truncate(size int64) error {
	if f.fails() {
		return errFault
	}
	return f.File.Truncate(size)
}

// TestFaults fails every call of the file, once and for good: what was told
// durable is there, and of the rest nothing or all.
func TestFaults(t *testing.T) {
	for _, dead := range []bool{false, true} {
		for n := 1; ; n++ {
			path := filepath.Join(t.TempDir(), "watch.log")
			l := open(t, path, Options{})
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
			left := n
			l = open(t, path, Options{Wrap: func(f File) File { return faulty{f, &left, dead} }})
			var durable []string
			for _, name := range []string{"a", "b", "c", "d"} {
				r := watchedRecord(name)
				if _, err := l.Append(&r); err == nil {
					durable = append(durable, name)
				} else if !errors.Is(err, errFault) && !errors.Is(err, ErrBroken) {
					t.Fatal(err)
				}
				if name == "b" {
					if err := l.Compact(t.Context()); err != nil && !errors.Is(err, errFault) && !errors.Is(err, ErrBroken) {
						t.Fatal(err)
					}
				}
			}
			fired := left <= 0
			_ = l.Close()
			again := open(t, path, Options{})
			var found []string
			for _, r := range records(t, again, again.Begin()) {
				for _, s := range r.Scripts {
					found = append(found, string(s.Script))
				}
			}
			for _, name := range durable {
				if !slices.Contains(found, name) {
					t.Fatalf("fault %d: %s was told durable, found %v", n, name, found)
				}
			}
			if !dead && len(found) > len(durable) {
				t.Fatalf("fault %d: found %v, told durable %v", n, found, durable)
			}
			if !fired {
				break
			}
		}
	}
}

// TestLive compares what is live, before and after compaction, with a model.
func TestLive(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		path := filepath.Join(t.TempDir(), "watch.log")
		l := open(t, path, Options{Wrap: hasty})
		defer func() { _ = l.Close() }()
		model := map[string]Script{}
		descriptors := map[string]Descriptor{}
		for range rapid.IntRange(1, 30).Draw(rt, "records") {
			r := drawRecord(rt)
			if r.Kind == Changed { // only what is watched is changed
				r.Scripts = slices.DeleteFunc(r.Scripts, func(s Script) bool { _, known := model[string(s.Script)]; return !known })
			}
			if _, known := descriptors[r.Descriptor.Text]; r.Kind == Issued && !known || r.Kind <= Changed && len(r.Scripts) == 0 {
				continue
			}
			fill(t, l, r)
			applyTo(model, descriptors, &r)
		}
		for range 3 {
			got, gotDescriptors := map[string]Script{}, map[string]Descriptor{}
			err := l.Live(t.Context(), func(r *Record) error {
				c := clone(r)
				applyTo(got, gotDescriptors, &c)
				return nil
			})
			if err != nil {
				rt.Fatal(err)
			}
			if fmt.Sprint(got) != fmt.Sprint(model) || fmt.Sprint(gotDescriptors) != fmt.Sprint(descriptors) {
				rt.Fatalf("live\n%v %v, want\n%v %v", got, gotDescriptors, model, descriptors)
			}
			id := l.ID()
			if err := l.Compact(t.Context()); err != nil || l.ID() == id || l.Stats().GivenUp != 0 {
				rt.Fatalf("compact: %v, stats %+v", err, l.Stats())
			}
			_ = l.Close()
			l = open(t, path, Options{Wrap: hasty})
		}
	})
}

func drawRecord(rt *rapid.T) Record {
	names := rapid.SliceOfNDistinct(rapid.StringMatching("[a-f]"), 1, 4, rapid.ID[string]).Draw(rt, "scripts")
	r := Record{Kind: rapid.SampledFrom([]Kind{Watched, Watched, GivenUp, Changed, DescriptorWatched, DescriptorGivenUp, Issued}).Draw(rt, "kind")}
	switch r.Kind {
	case DescriptorWatched:
		r.Time = at(3)
		r.Descriptor = Descriptor{Text: names[0], Gap: 9}
		return r
	case DescriptorGivenUp:
		r.Descriptor.Text = names[0]
		return r
	case Issued:
		r.Descriptor = Descriptor{Text: names[0], Issued: rapid.Uint32Range(1, 9).Draw(rt, "issued")}
		return r
	case Watched:
		r.Time = at(3)
	}
	for _, name := range names {
		s := Script{Script: []byte(name)}
		switch r.Kind {
		case Watched:
			s.Added = at(rapid.Int64Range(1, 5).Draw(rt, "added"))
			s.Label = rapid.SampledFrom([]string{"", "x", "y"}).Draw(rt, "label")
		case Changed:
			s.HasLabel, s.HasArchived = rapid.Bool().Draw(rt, "has label"), rapid.Bool().Draw(rt, "has archived")
			if s.HasLabel {
				s.Label = rapid.SampledFrom([]string{"", "z"}).Draw(rt, "label")
			}
			s.Archived = s.HasArchived && rapid.Bool().Draw(rt, "archived")
		}
		r.Scripts = append(r.Scripts, s)
	}
	return r
}

// applyTo does to a model what the index does.
func applyTo(model map[string]Script, descriptors map[string]Descriptor, r *Record) {
	for _, s := range r.Scripts {
		name := string(s.Script)
		old, known := model[name]
		switch {
		case r.Kind == GivenUp:
			delete(model, name)
		case r.Kind == Watched && !known:
			model[name] = s
		case r.Kind == Watched:
			if s.Label != "" {
				old.Label = s.Label
			}
			old.Archived = old.Archived || s.Archived
			model[name] = old
		case known:
			old.take(&s)
			old.HasLabel, old.HasMetadata, old.HasArchived = false, false, false
			model[name] = old
		}
	}
	switch r.Kind {
	case DescriptorWatched:
		old := descriptors[r.Descriptor.Text]
		descriptors[r.Descriptor.Text] = r.Descriptor
		d := descriptors[r.Descriptor.Text]
		d.Issued = old.Issued
		descriptors[r.Descriptor.Text] = d
	case Issued:
		if d, known := descriptors[r.Descriptor.Text]; known {
			d.Issued = r.Descriptor.Issued
			descriptors[r.Descriptor.Text] = d
		}
	case DescriptorGivenUp:
		delete(descriptors, r.Descriptor.Text)
	}
}

// TestRefusedRecords checks the limits.
func TestRefusedRecords(t *testing.T) {
	l := open(t, filepath.Join(t.TempDir(), "watch.log"), Options{})
	long := make([]byte, MaxText+1)
	huge := Record{Kind: Watched, Time: at(1)}
	for range MaxPayload/MaxText + 1 {
		huge.Scripts = append(huge.Scripts, Script{Script: long[:MaxText]})
	}
	for name, r := range map[string]Record{
		"no kind": {}, "no scripts": {Kind: GivenUp}, "empty script": {Kind: Watched, Scripts: []Script{{}}},
		"long label":          {Kind: Watched, Scripts: []Script{{Script: []byte("a"), Label: string(long)}}},
		"birth":               {Kind: Watched, Scripts: []Script{{Script: []byte("a"), Birth: -1}}},
		"empty descriptor":    {Kind: DescriptorWatched},
		"no descriptor given": {Kind: DescriptorGivenUp}, "too long": huge,
	} {
		if _, err := l.Append(&r); !errors.Is(err, ErrRecord) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got := records(t, l, l.Begin()); len(got) != 0 {
		t.Errorf("%d records were written", len(got))
	}
}

// FuzzRecord checks that what is decoded is encoded to the same bytes, or to
// the shorter form of the same.
func FuzzRecord(f *testing.F) {
	for _, r := range []Record{
		watchedRecord("a", "b"), {Kind: GivenUp, Scripts: []Script{{Script: []byte("a")}}},
		{Kind: Changed, Scripts: []Script{{Script: []byte("a"), HasLabel: true, Label: "l"}}},
		{Kind: DescriptorWatched, Time: at(1), Descriptor: Descriptor{Text: "d"}}, {Kind: DescriptorGivenUp, Descriptor: Descriptor{Text: "d"}},
	} {
		payload, err := r.append(nil)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(payload)
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		r, err := decodeRecord(payload)
		if err != nil {
			return
		}
		again, err := r.append(nil)
		if err != nil {
			if !errors.Is(err, ErrRecord) {
				t.Fatal(err)
			}
			return
		}
		second, err := decodeRecord(again)
		if err != nil || fmt.Sprint(second) != fmt.Sprint(r) || len(again) > len(payload) {
			t.Fatalf("%x became %x: %v", payload, again, err)
		}
	})
}
