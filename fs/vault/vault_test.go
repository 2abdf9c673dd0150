package vault_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"

	"grantfs/fs/vault"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// worker is one worker of a keeper.
type worker struct {
	*vault.Worker
	held map[uint64]int
	said chan vault.Kind
	done chan error
}

func start(t *testing.T, k *vault.Keeper) worker {
	t.Helper()
	conn, fd, err := vault.Pair()
	if err != nil {
		t.Fatal(err)
	}
	w := worker{said: make(chan vault.Kind, 10), done: make(chan error, 1)}
	go func() { w.done <- k.Serve(conn, func(kind vault.Kind) { w.said <- kind }) }()
	if w.Worker, w.held, err = vault.Open(fd); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w worker) end(t *testing.T) {
	t.Helper()
	if err := w.Close(); err != nil {
		t.Error(err)
	}
	if err := <-w.done; err != nil {
		t.Errorf("Serve = %v", err)
	}
}

// TestHeldBeyondWorkers: more files than a socket's queue holds messages outlive
// one worker after another, until the last one lets them go.
func TestHeldBeyondWorkers(t *testing.T) {
	const files = 500
	dir := t.TempDir()
	var k vault.Keeper
	first := start(t, &k)
	if len(first.held) != 0 {
		t.Errorf("a new keeper holds %v", first.held)
	}
	for i := range files {
		p := filepath.Join(dir, fmt.Sprint(i))
		if err := os.WriteFile(p, fmt.Append(nil, "file ", i), 0o600); err != nil {
			t.Fatal(err)
		}
		f, err := os.Open(p)
		if err != nil {
			t.Fatal(err)
		}
		if err := first.Hold(uint64(i), int(f.Fd())); err != nil {
			t.Fatal(err)
		}
		f.Close()
		os.Remove(p)
	}
	first.Drop(7)
	first.end(t)
	for range 2 {
		w := start(t, &k)
		if len(w.held) != files-1 || k.Held() != files-1 {
			t.Fatalf("the worker finds %d files, the keeper holds %d, want %d", len(w.held), k.Held(), files-1)
		}
		for node, fd := range w.held {
			f := os.NewFile(uintptr(fd), "held")
			b := make([]byte, 100)
			if n, _ := f.ReadAt(b, 0); string(b[:n]) != fmt.Sprint("file ", node) {
				t.Errorf("node %d holds %q", node, b[:n])
			}
			f.Close()
		}
		w.end(t)
	}
	last := start(t, &k)
	for node, fd := range last.held {
		os.NewFile(uintptr(fd), "held").Close()
		last.Drop(node)
	}
	last.end(t)
	if k.Held() != 0 {
		t.Errorf("%d files are still held", k.Held())
	}
}

func TestMessages(t *testing.T) {
	var k vault.Keeper
	w := start(t, &k)
	if err := w.Say(vault.Ready); err != nil {
		t.Fatal(err)
	}
	if got := <-w.said; got != vault.Ready {
		t.Errorf("the keeper heard %d", got)
	}
	w.end(t)

	conn, fd, err := vault.Pair()
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- k.Serve(conn, func(vault.Kind) {}) }()
	other, _, err := vault.Open(fd)
	if err != nil {
		t.Fatal(err)
	}
	if err := vault.Tell(conn, vault.Stop); err != nil {
		t.Fatal(err)
	}
	if kind, ok := other.Hear(); !ok || kind != vault.Stop {
		t.Errorf("the worker heard %d, %v", kind, ok)
	}
	other.Close()
	if _, ok := other.Hear(); ok {
		t.Error("Hear after Close = true")
	}
	<-done
}
