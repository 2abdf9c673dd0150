package stress

import (
	"fmt"
	"testing"
)

// TestFio writes with each of fio's ways to do so, one job after the other and
// several at once, and reads everything back; writes pass through the kernel, and
// then the daemon.
func TestFio(t *testing.T) {
	t.Run("passed through", func(t *testing.T) { verify(t, mount(t, false)) })
	t.Run("counted", func(t *testing.T) { verify(t, mount(t, true)) })
}

func verify(t *testing.T, m *mounted) {
	for _, job := range [][]string{
		{"--ioengine=sync", "--rw=write", "--bs=32k"},
		{"--ioengine=psync", "--rw=randwrite", "--bs=4k"},
		{"--ioengine=psync", "--rw=randrw", "--bsrange=512-64k", "--bs_unaligned=1"},
		{"--ioengine=pvsync2", "--rw=randrw", "--bs=8k", "--fsync=16"},
		{"--ioengine=psync", "--rw=write", "--bs=1m", "--fallocate=posix", "--overwrite=1"},
		{"--ioengine=psync", "--rw=randwrite", "--bs=4k", "--direct=1"},
		{"--ioengine=libaio", "--rw=randrw", "--bs=4k", "--iodepth=16", "--direct=1"},
		{"--ioengine=io_uring", "--rw=randwrite", "--bs=16k", "--iodepth=8"},
		{"--ioengine=mmap", "--rw=randwrite", "--bs=4k"},
		{"--ioengine=splice", "--rw=write", "--bs=64k"},
	} {
		t.Run(fmt.Sprint(job), func(t *testing.T) {
			m.run(t, turn(t), "fio", append([]string{
				"--name=job", "--directory=.", "--size=4m", "--numjobs=2", "--verify=crc32c", "--verify_fatal=1", "--do_verify=1",
				"--randrepeat=1", "--thread", "--group_reporting", "--output-format=terse",
			}, job...)...)
			m.sound(t)
			m.clear(t)
		})
	}
}
