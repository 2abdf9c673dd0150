package state

import (
	"errors"
	"testing"
)

// TestKeys: a draft is written piece by piece, and takes the place of the keys at
// once or not at all.
func TestKeys(t *testing.T) {
	s := open(t, t.TempDir())
	text := func(want string) {
		t.Helper()
		if k, err := s.Keys("a"); string(k.Text) != want || err != nil {
			t.Errorf("Keys = %q, %v, want %q", k.Text, err, want)
		}
	}
	write := func(more string) func([]byte) ([]byte, error) {
		return func(text []byte) ([]byte, error) { return append(text, more...), nil }
	}
	text("")
	if err := s.EditKeys("a", write("one")); err != nil {
		t.Fatal(err)
	}
	if err := s.EditDraft("a", false, write(" two")); err != nil {
		t.Fatal(err)
	}
	text("one")
	s = reopen(t, s)
	if err := s.EditDraft("a", false, write(" three")); err != nil {
		t.Fatal(err)
	}
	refusal := errors.New("no")
	if err := s.EditDraft("a", false, func([]byte) ([]byte, error) { return nil, refusal }); !errors.Is(err, refusal) {
		t.Errorf("EditDraft = %v, want the refusal", err)
	}
	// What comes after a part that was refused is refused too, and the keys stay.
	s = reopen(t, s)
	if err := s.EditDraft("a", false, write(" more")); !errors.Is(err, ErrSpoilt) {
		t.Errorf("EditDraft of a spoilt draft = %v", err)
	}
	for _, begun := range []bool{true, false} {
		if done, err := s.EndDraft("a", begun, func([]byte) error { return nil }); done || err != nil {
			t.Errorf("EndDraft of a spoilt draft = %v, %v", done, err)
		}
	}
	text("one")
	if err := s.EditDraft("a", false, write(" two three")); err != nil {
		t.Fatal(err)
	}
	if err := s.EditDraft("a", false, func([]byte) ([]byte, error) { return nil, refusal }); !errors.Is(err, refusal) {
		t.Errorf("EditDraft = %v, want the refusal", err)
	}
	if err := s.EditDraft("a", true, write(" two three")); err != nil {
		t.Errorf("EditDraft, begun anew = %v", err)
	}
	if done, err := s.EndDraft("a", false, func([]byte) error { return nil }); !done || err != nil {
		t.Errorf("EndDraft = %v, %v", done, err)
	}
	text("one two three")
	if done, err := s.EndDraft("a", false, func([]byte) error { return refusal }); done || err != nil {
		t.Errorf("EndDraft without a draft = %v, %v", done, err)
	}
	if err := s.EditDraft("a", false, func([]byte) ([]byte, error) { return nil, nil }); err != nil {
		t.Fatal(err)
	}
	if _, err := s.EndDraft("a", false, func([]byte) error { return refusal }); !errors.Is(err, refusal) {
		t.Errorf("EndDraft = %v, want the refusal", err)
	}
	s = reopen(t, s)
	text("one two three")
	if err := s.EditDraft("a", false, func(now []byte) ([]byte, error) {
		if string(now) != "one two three" {
			t.Errorf("a refused draft was kept: %q", now)
		}
		return nil, nil
	}); err != nil {
		t.Fatal(err)
	}
	if done, err := s.EndDraft("a", false, func([]byte) error { return nil }); !done || err != nil {
		t.Errorf("EndDraft of an empty one = %v, %v", done, err)
	}
	text("")
}
