package login

import (
	"encoding/json"
	"fmt"
	"sync/atomic"

	"grantfs/fs/memory"
)

// recordVersion is that of record. Memory of another one says nothing.
const recordVersion = 1

// record is what is written down of a place or a session, for the process that
// comes after this one.
type record struct {
	last     atomic.Uint64 // the highest ID ever given; only in the one record that is nothing else
	answered atomic.Uint32 // 1: the asker knows that its session is open
	size     uint32
	text     [1000]byte // saved in JSON
}

// saved is what a record says.
type saved struct {
	Session        // ID 0: it is a place
	Started uint64 `json:"started"` // by the monitor's clock
	Socket  uint64 `json:"socket"`
}

// records are the records of a Table. nil writes nothing down. Safe for concurrent
// use.
type records struct {
	slots *memory.Slots[record]
	last  *record
}

// openRecords returns the records that lie in m, those of an earlier process among
// them.
func openRecords(m *memory.Memory) (*records, error) {
	slots, err := memory.OpenSlots[record](m, memory.Sessions, recordVersion)
	if err != nil {
		return nil, err
	}
	rs := &records{slots: slots}
	for _, r := range slots.Used() {
		if r.last.Load() != 0 {
			rs.last = r
		}
	}
	return rs, nil
}

// save writes one record and returns its number, 0 where nothing is written down.
func (rs *records) save(s saved) (uint64, *record, error) {
	if rs == nil {
		return 0, new(record), nil
	}
	text, err := json.Marshal(s)
	if err == nil && len(text) > len(record{}.text) {
		err = fmt.Errorf("%d bytes are too long", len(text))
	}
	if err != nil {
		return 0, nil, fmt.Errorf("write a session down: %w", err)
	}
	return rs.slots.Take(func(r *record) {
		r.last.Store(0)
		r.answered.Store(0)
		r.size = uint32(copy(r.text[:], text))
	})
}

// read returns what a record says.
func (r *record) read() (saved, error) {
	var s saved
	err := json.Unmarshal(r.text[:min(int(r.size), len(r.text))], &s)
	if err != nil {
		err = fmt.Errorf("read what was written down of a session: %w", err)
	}
	return s, err
}

// give ends the use of a record.
func (rs *records) give(number uint64) {
	if rs != nil && number != 0 {
		rs.slots.Give(number)
	}
}

// count writes the last ID down: none is given twice.
func (rs *records) count(last uint64) error {
	switch {
	case rs == nil:
		return nil
	case rs.last != nil:
		rs.last.last.Store(last)
		return nil
	}
	var err error
	_, rs.last, err = rs.slots.Take(func(r *record) { r.last.Store(last) })
	return err
}
