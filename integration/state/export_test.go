package state

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func exported(t *testing.T, s *Store) Export {
	t.Helper()
	e, err := s.Export()
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// full returns a store with something of everything.
func full(t *testing.T) *Store {
	t.Helper()
	s := open(t, t.TempDir())
	allotAll(t, s, Range{5000, 5999}, nobody, Request{"o1.foo", 0}, Request{"o1.bar", 0})
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(s.SetCredential("o1.foo", Credential{Hash: "$6$foo", Changed: time.Unix(1000, 0).UTC()}))
	must(s.SetCode("o1.foo", []byte("secret")))
	must(s.SetTransfers([]byte{0, 1, 2, 255}))
	must(s.Freeze("account:o1.bar", time.Unix(2000, 0)))
	must(s.EditKeys("o1.foo", func([]byte) ([]byte, error) { return []byte("ssh-ed25519 AAAA\n"), nil }))
	_, err := s.Appeared([]string{"o1.foo"})
	must(err)
	return s
}

// TestExportImport: what is exported and read in again elsewhere is the same, and
// uids go on behind it.
func TestExportImport(t *testing.T) {
	from := exported(t, full(t))
	text, err := json.Marshal(from)
	if err != nil {
		t.Fatal(err)
	}
	var read Export
	if err := json.Unmarshal(text, &read); err != nil {
		t.Fatal(err)
	}
	s := open(t, t.TempDir())
	for range 2 { // again: nothing changes
		if err := s.Import(read); err != nil {
			t.Fatal(err)
		}
		s = reopen(t, s)
		if diff := cmp.Diff(from, exported(t, s)); diff != "" {
			t.Errorf("after the import (-want +got):\n%s", diff)
		}
	}
	got := allotAll(t, s, Range{5000, 5999}, nobody, Request{"o1.foo", 0}, Request{"o1.new", 0})
	if diff := cmp.Diff([]Allotment{{UID: 5000}, {UID: 5002}}, got); diff != "" {
		t.Errorf("uids after the import (-want +got):\n%s", diff)
	}
}

// TestImportMerges: what both have in common may be there already; a difference keeps
// everything out.
func TestImportMerges(t *testing.T) {
	e := exported(t, full(t))
	s := open(t, t.TempDir())
	allotAll(t, s, Range{7000, 7999}, nobody, Request{"alice", 0})
	if err := s.SetTransfers([]byte("ours")); err != nil {
		t.Fatal(err)
	}
	if err := s.Import(e); err != nil {
		t.Fatal(err)
	}
	uids, err := s.UIDs()
	if diff := cmp.Diff(map[string]uint32{"alice": 7000, "o1.bar": 5001, "o1.foo": 5000}, uids); diff != "" || err != nil {
		t.Errorf("uids (-want +got), %v:\n%s", err, diff)
	}
	if b, err := s.Transfers(); string(b) != "ours" || err != nil {
		t.Errorf("counters %q, %v: those of this machine stay", b, err)
	}

	other := open(t, t.TempDir())
	allotAll(t, other, Range{5000, 5999}, nobody, Request{"o1.bar", 0}, Request{"o1.foo", 0})
	if err := other.SetCredential("o1.foo", Credential{Hash: "$6$other"}); err != nil {
		t.Fatal(err)
	}
	before := exported(t, other)
	var conflict *ConflictError
	err = other.Import(e)
	want := []string{"credentials of o1.foo", "uid-owners of 5000", "uid-owners of 5001", "uids of o1.bar", "uids of o1.foo"}
	if !errors.As(err, &conflict) || !slices.Equal(conflict.Conflicts, want) || strings.Contains(err.Error(), "$6$") {
		t.Errorf("Import = %v, want conflicts %q", err, want)
	}
	if diff := cmp.Diff(before, exported(t, other)); diff != "" {
		t.Errorf("the refused import changed (-want +got):\n%s", diff)
	}
}

func TestImportRefusesDamage(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"nothing", `{}`, "its layout is 0"},
		{"newer", `{"layout":99}`, "its layout is 99"},
		{"an unknown bucket", `{"layout":1,"buckets":{"x":{"a":1}}}`, `nothing called "x"`},
		{"no number", `{"layout":1,"buckets":{"uids":{"a":"x"}}}`, "no number"},
		{"an empty key", `{"layout":1,"buckets":{"uids":{"":1}}}`, "empty"},
		{"no base64", `{"layout":1,"buckets":{"appeared":{"a":"%"}}}`, "no base64"},
		{"a uid of nobody", `{"layout":1,"buckets":{"uids":{"a":5000}}}`, "belongs to"},
		{"a uid of another", `{"layout":1,"buckets":{"uids":{"a":5000},"uid-owners":{"5000":"b"}}}`, "belongs to"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var e Export
			if err := json.Unmarshal([]byte(tt.text), &e); err != nil {
				t.Fatal(err)
			}
			s := open(t, t.TempDir())
			before := exported(t, s)
			if err := s.Import(e); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Import = %v, want %q", err, tt.want)
			}
			if diff := cmp.Diff(before, exported(t, s)); diff != "" {
				t.Errorf("the refused import changed (-want +got):\n%s", diff)
			}
		})
	}
}
