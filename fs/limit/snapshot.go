package limit

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
)

// A snapshot is snapshotMagic, the entries in the strict order of their keys, all
// numbers big-endian, and the CRC-32C of what is before it.
const snapshotMagic = "grantfs transfers 1\n"

// snapshotEntry is one counter in a snapshot.
type snapshotEntry struct {
	Account  [maxAccount]byte // zeros after the name
	Entry    Entry
	Since    int64 // a day as in Period.first
	Up, Down int64 // bytes, not negative
}

var (
	snapshotEntrySize = binary.Size(snapshotEntry{})
	castagnoli        = crc32.MakeTable(crc32.Castagnoli)
)

// Snapshot returns the counters as bytes for Restore. What is in flight is not in
// it: for an exact one, stop the requests first.
func (t *Transfers) Snapshot() []byte {
	all := t.Usage()
	b := make([]byte, 0, len(snapshotMagic)+len(all)*snapshotEntrySize+crc32.Size)
	b = append(b, snapshotMagic...)
	for _, u := range all {
		e := snapshotEntry{Entry: u.Entry, Since: dayOf(u.Since), Up: u.Moved[Upload], Down: u.Moved[Download]}
		copy(e.Account[:], u.Account)
		b, _ = binary.Append(b, binary.BigEndian, &e) // fails for types of no fixed size only
	}
	return binary.BigEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
}

// Restore takes the counters over from a Snapshot. One that is there already is
// newer and stays. Nothing is taken over from a damaged one.
func (t *Transfers) Restore(snapshot []byte) error {
	entries, err := parseSnapshot(snapshot)
	if err != nil {
		return fmt.Errorf("transfer counters: %w", err)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, e := range entries {
		k := Key{accountOf(&e.Account), e.Entry}
		if t.counters[k] != nil {
			continue
		}
		c, err := t.counter(k, e.Since)
		if err != nil {
			return fmt.Errorf("transfer counters: %w", err)
		}
		c.record.moved[Upload].Store(e.Up)
		c.record.moved[Download].Store(e.Down)
	}
	return nil
}

func parseSnapshot(b []byte) ([]snapshotEntry, error) {
	if !bytes.HasPrefix(b, []byte(snapshotMagic)) {
		return nil, errors.New("not a snapshot of this version")
	}
	end := len(b) - crc32.Size
	size := end - len(snapshotMagic)
	if size < 0 || size%snapshotEntrySize != 0 {
		return nil, fmt.Errorf("snapshot is cut off at %d bytes", len(b))
	}
	if crc32.Checksum(b[:end], castagnoli) != binary.BigEndian.Uint32(b[end:]) {
		return nil, errors.New("snapshot is damaged: wrong checksum")
	}
	entries := make([]snapshotEntry, size/snapshotEntrySize)
	if _, err := binary.Decode(b[len(snapshotMagic):end], binary.BigEndian, entries); err != nil {
		return nil, fmt.Errorf("decode snapshot: %w", err)
	}
	var last Key
	for i, e := range entries {
		k := Key{accountOf(&e.Account), e.Entry}
		padded := [maxAccount]byte{}
		copy(padded[:], k.Account)
		if k.Account == "" || padded != e.Account || e.Since < 0 || e.Since > lastDay || e.Up < 0 || e.Down < 0 || last.compare(k) >= 0 {
			return nil, fmt.Errorf("snapshot is damaged: entry %d (account %q)", i, k.Account)
		}
		last = k
	}
	return entries, nil
}
