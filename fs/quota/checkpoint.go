package quota

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
)

// A checkpoint is what a ledger holds, in a file:
//
//	magic, flags (1: written at an orderly end), uvarint number of buckets,
//	for each: uvarint length and name, flags, varint bytes, files, inodes, drift,
//	CRC-32C of all that, little endian.
//
// Reservations are not in it: no operation outlives the process with its
// reservation. Buckets that hold nothing and were never counted are left out.
const checkpointMagic = "grantfs quota 1\n"

const flagClean = 1

// ErrDamaged is the error of a checkpoint that does not say what was written.
var ErrDamaged = errors.New("damaged checkpoint")

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// saved is one bucket of a checkpoint.
type saved struct {
	name    string
	used    amounts
	drift   int64
	counted bool
}

// snapshot returns what a checkpoint holds and the change that it goes up to.
// Each bucket is as it is when it is reached.
func (l *Ledger) snapshot() ([]saved, uint64) {
	l.mu.Lock()
	chunks, change := l.chunks[:len(l.chunks):len(l.chunks)], l.change
	l.mu.Unlock()
	var list []saved
	for _, c := range chunks {
		for i := range c.count() {
			l.mu.Lock()
			r := *c.record(i)
			l.mu.Unlock()
			if counted := r.flags&flagCounted != 0; counted || r.used != (amounts{}) {
				list = append(list, saved{c.name(i), r.used, r.drift, counted})
			}
		}
	}
	return list, change
}

// encode returns the checkpoint of list.
func encode(list []saved, clean bool) []byte {
	b := append([]byte(checkpointMagic), 0)
	if clean {
		b[len(b)-1] = flagClean
	}
	b = binary.AppendUvarint(b, uint64(len(list)))
	for _, s := range list {
		b = binary.AppendUvarint(b, uint64(len(s.name)))
		b = append(b, s.name...)
		flags := byte(0)
		if s.counted {
			flags = flagCounted
		}
		b = append(b, flags)
		for _, n := range s.used {
			b = binary.AppendVarint(b, n)
		}
		b = binary.AppendVarint(b, s.drift)
	}
	return binary.LittleEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
}

// decode reads a checkpoint. The error is ErrDamaged.
func decode(b []byte) (list []saved, clean bool, err error) {
	const sum = crc32.Size
	if len(b) < len(checkpointMagic)+sum || string(b[:len(checkpointMagic)]) != checkpointMagic {
		return nil, false, ErrDamaged
	}
	body := b[:len(b)-sum]
	if crc32.Checksum(body, castagnoli) != binary.LittleEndian.Uint32(b[len(body):]) {
		return nil, false, ErrDamaged
	}
	r := reader{rest: body[len(checkpointMagic):]}
	flags, count := r.byte(), r.uvarint()
	if flags > flagClean {
		return nil, false, ErrDamaged
	}
	seen := make(map[string]bool)
	for range count {
		s := saved{name: r.text()}
		flags := r.byte()
		s.counted = flags == flagCounted
		for k := range s.used {
			s.used[k] = r.varint()
		}
		s.drift = r.varint()
		if r.bad || flags > flagCounted || s.name == "" || len(s.name) > maxName || seen[s.name] {
			return nil, false, ErrDamaged
		}
		seen[s.name] = true
		list = append(list, s)
	}
	if r.bad || len(r.rest) > 0 {
		return nil, false, ErrDamaged
	}
	return list, flags == flagClean, nil
}

// reader takes values off the front of rest; bad says that one was not there.
type reader struct {
	rest []byte
	bad  bool
}

func (r *reader) take(n int) []byte {
	if n < 0 || n > len(r.rest) {
		r.bad, r.rest = true, nil
		return nil
	}
	b := r.rest[:n]
	r.rest = r.rest[n:]
	return b
}

func (r *reader) byte() byte {
	if b := r.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (r *reader) uvarint() uint64 {
	v, n := binary.Uvarint(r.rest)
	if n <= 0 {
		n = -1
	}
	r.take(n)
	return v
}

func (r *reader) varint() int64 {
	v, n := binary.Varint(r.rest)
	if n <= 0 {
		n = -1
	}
	r.take(n)
	return v
}

func (r *reader) text() string {
	n := r.uvarint()
	if n > maxName {
		n, r.bad = 0, true
	}
	return string(r.take(int(n)))
}

// Load puts what the checkpoint at path holds into l, which must be new. If it
// was not written at an orderly end, counters may lack the changes of the last
// moments before the end: they hold until the sources are counted again, and no
// bucket is Counted. The error wraps ErrDamaged or is that of reading the file;
// l is then empty.
func (l *Ledger) Load(path string) (clean bool, err error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return false, fmt.Errorf("load quota: %w", err)
	}
	list, clean, err := decode(data)
	if err != nil {
		return false, fmt.Errorf("load quota from %s: %w", path, err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, s := range list {
		p, err := l.bucket(s.name)
		if err != nil {
			return false, fmt.Errorf("load quota from %s: %w", path, err)
		}
		r := l.record(p)
		r.used, r.drift = s.used, s.drift
		if s.counted && clean {
			r.flags |= flagCounted
		}
	}
	return clean, nil
}

// save writes data to path so that after a power failure there is the old file
// or the new one.
func save(path string, data []byte) (err error) {
	next := path + ".new"
	f, err := os.OpenFile(next, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	err = errors.Join(err, f.Close())
	if err == nil {
		err = os.Rename(next, path)
	}
	if err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
