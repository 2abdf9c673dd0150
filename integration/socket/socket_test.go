package socket

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func TestListen(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "sub", "s")
	first, err := Listen(path, 0o640)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Lstat(path)
	if err != nil || info.Mode() != os.ModeSocket|0o640 {
		t.Errorf("socket is %v, %v, want a socket with mode 0640", info, err)
	}
	if _, err := Listen(path, 0o640); !errors.Is(err, ErrInUse) {
		t.Errorf("Listen while it is served = %v, want ErrInUse", err)
	}
	// A daemon that was killed leaves its socket behind.
	stale := first.(*listener)
	if err := stale.UnixListener.Close(); err != nil {
		t.Fatal(err)
	}
	second, err := Listen(path, 0o640)
	if err != nil {
		t.Fatalf("Listen over a stale socket = %v", err)
	}
	// The late end of the first must not take the path of the second away.
	_ = first.Close()
	if _, err := os.Lstat(path); err != nil {
		t.Errorf("the second socket is gone: %v", err)
	}
	if err := second.Close(); err != nil {
		t.Error(err)
	}
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Listen(path, 0o640); err == nil {
		t.Error("Listen replaced a plain file")
	}
	if info, err := os.Lstat(path); err != nil || !info.Mode().IsRegular() {
		t.Errorf("the plain file is %v, %v", info, err)
	}
}
