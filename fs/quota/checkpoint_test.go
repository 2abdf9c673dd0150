package quota

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// contents returns every bucket.
func contents(l *Ledger) map[string]Usage {
	all := map[string]Usage{}
	for name, u := range l.All() {
		all[name] = u
	}
	return all
}

func TestCheckpoint(t *testing.T) {
	path := filepath.Join(t.TempDir(), "quota")
	l := newLedger(t)
	if _, err := l.Load(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Load of nothing = %v, want ErrNotExist", err)
	}
	s := newSet(t, l, free("account:a source:/a")...)
	kept, err := Keep(l, path, time.Hour, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	l.Correct(s, "source:/a", Charge{100, 10, 20})
	l.Correct(s, "source:/a", Charge{Bytes: -40})
	l.Add(newSet(t, l, free("debt")...), Charge{Bytes: -7})
	newSet(t, l, free("unused")...)
	if _, err := l.Reserve(s, Request{Charge: Charge{Bytes: 5}}); err != nil {
		t.Fatal(err)
	}
	if err := kept.write(false); err != nil {
		t.Fatal(err)
	}

	used := Usage{Used: Charge{60, 10, 20}, Drift: -40}
	counted := used
	counted.Counted = true
	crashed := newLedger(t)
	if clean, err := crashed.Load(path); clean || err != nil {
		t.Fatalf("Load after a crash = %t, %v, want false", clean, err)
	}
	if diff := cmp.Diff(map[string]Usage{"account:a": used, "source:/a": used, "debt": {}}, contents(crashed)); diff != "" {
		t.Errorf("after a crash (-want +got):\n%s", diff)
	}

	if err := kept.Close(); err != nil {
		t.Fatal(err)
	}
	ended := newLedger(t)
	if clean, err := ended.Load(path); !clean || err != nil {
		t.Fatalf("Load after Close = %t, %v, want true", clean, err)
	}
	if diff := cmp.Diff(map[string]Usage{"account:a": used, "source:/a": counted, "debt": {}}, contents(ended)); diff != "" {
		t.Errorf("after Close (-want +got):\n%s", diff)
	}
	ended.Add(newSet(t, ended, free("debt")...), Charge{Bytes: 8})
	if got := ended.Usage("debt").Used.Bytes; got != 1 {
		t.Errorf("debt + 8 = %d, want 1: the debt is kept", got)
	}

	again, err := Keep(ended, path, time.Hour, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if clean, err := newLedger(t).Load(path); clean || err != nil {
		t.Errorf("Load while somebody keeps it = %t, %v, want false", clean, err)
	}
	if err := again.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path + ".new"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the new file is left behind: %v", err)
	}
}

// What changes is written without being asked for.
func TestCheckpointsRun(t *testing.T) {
	path := filepath.Join(t.TempDir(), "quota")
	l := newLedger(t)
	kept, err := Keep(l, path, time.Millisecond, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	l.Add(newSet(t, l, free("a")...), Charge{Bytes: 1})
	for {
		seen := newLedger(t)
		if _, err := seen.Load(path); err != nil {
			t.Fatal(err)
		}
		if seen.Usage("a").Used.Bytes == 1 {
			break
		}
	}
	if err := kept.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestKeepFails(t *testing.T) {
	if _, err := Keep(newLedger(t), filepath.Join(t.TempDir(), "none", "quota"), time.Hour, nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Keep = %v, want ErrNotExist", err)
	}
}

// Every prefix of a checkpoint and every change of one byte is found out.
func TestDamaged(t *testing.T) {
	path := filepath.Join(t.TempDir(), "quota")
	good := encode([]saved{{"account:a", amounts{1, 2, 3}, -4, true}, {"b", amounts{-1, 0, 0}, 0, false}}, true)
	refused := func(what string, at int, b []byte) {
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		l := newLedger(t)
		if _, err := l.Load(path); !errors.Is(err, ErrDamaged) || len(contents(l)) != 0 {
			t.Errorf("%s %d: Load = %v with %v, want ErrDamaged", what, at, err, contents(l))
		}
	}
	for i := range good {
		refused("cut at", i, good[:i])
		spoilt := bytes.Clone(good)
		spoilt[i] ^= 0x10
		refused("changed at", i, spoilt)
	}
	twice := saved{"a", amounts{1}, 0, true}
	refused("twice", 0, encode([]saved{twice, twice}, true))
	refused("no name", 0, encode([]saved{{}}, true))
}

func FuzzDecode(f *testing.F) {
	f.Add(encode(nil, false))
	f.Add(encode([]saved{{"account:a", amounts{1, 2, 3}, -4, true}, {"b", amounts{-1, 0, 0}, 0, false}}, true))
	f.Fuzz(func(t *testing.T, data []byte) {
		// The checksum is put right, so that what it protects is parsed.
		if n := len(data) - 4; n >= 0 {
			data = sealed(data[:n])
		}
		list, clean, err := decode(data)
		if err != nil {
			return
		}
		again, cleanAgain, err := decode(encode(list, clean))
		if err != nil || clean != cleanAgain {
			t.Fatalf("decode(encode) = %t, %v, want %t", cleanAgain, err, clean)
		}
		if diff := cmp.Diff(list, again, cmp.AllowUnexported(saved{})); diff != "" {
			t.Fatalf("decode(encode) (-want +got):\n%s", diff)
		}
	})
}

// sealed returns body with its checksum.
func sealed(body []byte) []byte {
	body = bytes.Clone(body)
	return binary.LittleEndian.AppendUint32(body, crc32.Checksum(body, castagnoli))
}
