package fs_test

import (
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// TestFioUnderKills: fio finds everything as it wrote it, whoever serves.
func TestFioUnderKills(t *testing.T) {
	v := startVictims(t, tree(t), false)
	v.start(never, 0)
	for _, job := range [][]string{
		{"--ioengine=psync", "--rw=randrw", "--bsrange=512-64k", "--bs_unaligned=1"},
		{"--ioengine=libaio", "--rw=randwrite", "--bs=4k", "--iodepth=16", "--direct=1"},
	} {
		fio := exec.Command("fio", append([]string{
			"--name=job", "--directory=.", "--size=4m", "--numjobs=2", "--verify=crc32c", "--verify_fatal=1", "--do_verify=1",
			"--randrepeat=1", "--thread", "--group_reporting", "--rate=4m,4m", "--output-format=terse",
		}, job...)...)
		fio.Dir = filepath.Join(v.tell.Point, "alice")
		fio.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: aliceUID, Gid: aliceUID}}
		done := make(chan error, 1)
		go func() {
			out, err := fio.CombinedOutput()
			if err != nil {
				t.Errorf("fio %v: %s", job, out)
			}
			done <- err
		}()
		for running := true; running; {
			select {
			case <-done:
				running = false
			// Not so soon that a request would be there twice: that ends with EIO.
			case <-time.After(200*time.Millisecond + time.Duration(rand.IntN(int(200*time.Millisecond)))):
				v.restart()
			}
		}
	}
}
