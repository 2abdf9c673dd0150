package vault_test

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"go.uber.org/goleak"

	"grantfs/fs/vault"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// worker is one worker of a keeper.
type worker struct {
	*vault.Worker
	*vault.Shelf
	said chan vault.Message
	done chan error
}

func start(t *testing.T, k *vault.Keeper) worker {
	t.Helper()
	conn, fd, err := vault.Pair()
	if err != nil {
		t.Fatal(err)
	}
	w := worker{said: make(chan vault.Message, 10), done: make(chan error, 1)}
	go func() { w.done <- k.Serve(conn, func(m vault.Message) { w.said <- m }) }()
	if w.Worker, err = vault.Open(fd); err != nil {
		t.Fatal(err)
	}
	w.Shelf = w.Worker.Shelf("node")
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
	if len(first.Held()) != 0 {
		t.Errorf("a new keeper holds %v", first.Held())
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
		if len(w.Held()) != files-1 || k.Held() != files-1 {
			t.Fatalf("the worker finds %d files, the keeper holds %d, want %d", len(w.Held()), k.Held(), files-1)
		}
		for node, fd := range w.Held() {
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
	for node, fd := range last.Held() {
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
	want := vault.Message{Kind: vault.Ready, Text: "2 accounts"}
	if err := w.Say(want); err != nil {
		t.Fatal(err)
	}
	if got := <-w.said; got != want {
		t.Errorf("the keeper heard %v", got)
	}
	w.end(t)

	conn, fd, err := vault.Pair()
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- k.Serve(conn, func(vault.Message) {}) }()
	other, err := vault.Open(fd)
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

// store is one that a keeper's end leaves behind.
type store map[string]int

func (s store) Put(name string, fd int) {
	fd, err := syscall.Dup(fd)
	if err != nil {
		panic(err)
	}
	s[name] = fd
}

// left returns what a later keeper is given.
func (s store) left() map[string]int {
	next := store{}
	for name, fd := range s {
		next.Put(name, fd)
	}
	return next
}

func (s store) Remove(name string) {
	syscall.Close(s[name])
	delete(s, name)
}

// TestStore: a keeper that begins with what another one has left in its store holds
// all of it, and nothing that was let go.
func TestStore(t *testing.T) {
	s := store{}
	var first, second vault.Keeper
	note := func(k *vault.Keeper, name, text string) {
		t.Helper()
		if err := k.Note(name, []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	note(&first, "a", "before the store")
	first.StoreIn(s)
	note(&first, "b", "an old text")
	note(&first, "b", "a text")
	w := start(t, &first)
	if err := w.Hold(17, int(os.Stdin.Fd())); err != nil {
		t.Fatal(err)
	}
	if err := w.Hold(18, int(os.Stdin.Fd())); err != nil {
		t.Fatal(err)
	}
	w.Drop(17)
	w.end(t)
	second.Adopt(s.left())
	if second.Held() != 3 {
		t.Errorf("the second keeper holds %d, want 3", second.Held())
	}
	for name, want := range map[string]string{"a": "before the store", "b": "a text"} {
		fd, err := second.Duplicate(name)
		if err != nil {
			t.Fatal(err)
		}
		if text, err := vault.Text(fd); string(text) != want {
			t.Errorf("%s holds %q, %v", name, text, err)
		}
	}
	w = start(t, &second)
	if fds := w.Held(); len(fds) != 1 || fds[18] == 0 {
		t.Errorf("its worker finds %v", fds)
	}
	for _, fd := range w.Held() {
		syscall.Close(fd)
	}
	for _, fd := range w.Take("") {
		syscall.Close(fd)
	}
	w.end(t)
	first.Close()
	second.Close()
	if first.Held()+second.Held()+len(s) != 0 {
		t.Errorf("after Close %d and %d are held, %d are stored", first.Held(), second.Held(), len(s))
	}
}
