package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"grantfs/fs/kernel"
)

// hungFS is a file system whose server knows its root and answers no lookup
// until gone is closed.
type hungFS struct{ gone chan struct{} }

func (h hungFS) Plan(*kernel.Request) kernel.Plan { return kernel.Plan{Slow: true} }

func (h hungFS) Handle(r *kernel.Request) (int, syscall.Errno) {
	switch kernel.Opcode(r.Header().Opcode) {
	case kernel.OpLookup:
		<-h.gone
		return 0, syscall.ENOENT
	case kernel.OpGetattr:
		const attrSize, mode, links = 104, 76, 80 // of struct fuse_attr_out
		clear(r.Out[:attrSize])
		binary.NativeEndian.PutUint32(r.Out[mode:], syscall.S_IFDIR|0o755)
		binary.NativeEndian.PutUint32(r.Out[links:], 2)
		return attrSize, 0
	}
	return 0, syscall.ENOSYS
}

// TestHungSourceLoads: a source whose file system does not answer is a warning;
// the rest of the configuration is loaded.
func TestHungSourceLoads(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Fatal("this test mounts a file system: run it as root")
	}
	dir := t.TempDir()
	point := filepath.Join(dir, "nfs")
	if err := os.Mkdir(point, 0o755); err != nil {
		t.Fatal(err)
	}
	conn, err := kernel.Mount(point)
	if err != nil {
		t.Fatal(err)
	}
	h := hungFS{make(chan struct{})}
	served := make(chan error, 1)
	defer func() {
		for _, err := range []error{conn.Unmount(), <-served, conn.Close()} {
			if err != nil {
				t.Errorf("end of the hung file system: %v", err)
			}
		}
	}()
	if err := conn.Start(); err != nil {
		served <- nil
		t.Fatal(err)
	}
	go func() { served <- conn.Serve(h) }()
	defer close(h.gone)

	conf := filepath.Join(dir, "grantfs.toml")
	text := "[folders.hung]\nsource = \"" + filepath.Join(point, "media") + "\"\n[folders.missing]\nsource = \"" + filepath.Join(dir, "missing") + "\"\n"
	if err := os.WriteFile(conf, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	var out, messages bytes.Buffer
	if code, err := exitCode(run(context.Background(), []string{"check", conf}, &out, &messages)); code != 0 {
		t.Errorf("check: exit %d, %v", code, err)
	}
	for _, want := range []string{"grantfs.toml:2:", "does not answer", "grantfs.toml:4:", "does not exist"} {
		if !strings.Contains(messages.String(), want) {
			t.Errorf("check says %q, without %q", messages.String(), want)
		}
	}
}
