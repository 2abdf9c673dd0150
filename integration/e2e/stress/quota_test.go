package stress

import (
	"fmt"
	"io/fs"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"grantfs/fs/quota"
)

// tight is a quota that the programs meet all the time, in bytes.
const tight = 3 << 20

// TestTightQuota lets programs work that want more than there is. They may fail;
// what the account holds is never more than its quota, and what the ledger says is
// what a count finds.
func TestTightQuota(t *testing.T) {
	m := mountWith(t, tight)
	m.server.CheckSources()
	limit := turn(t)
	seconds := fmt.Sprint(int(limit.Seconds()))
	fio := func(args ...string) []string {
		return append([]string{
			"fio", "--name=job", "--directory=.", "--size=2m", "--numjobs=4", "--thread", "--continue_on_error=all",
			"--time_based", "--runtime=" + seconds, "--group_reporting", "--output-format=terse",
		}, args...)
	}
	stressor := func(name string) []string {
		return []string{"stress-ng", "--timeout", seconds + "s", "--temp-path", m.view, "--oomable", "--no-rand-seed", "--log-brief", "--" + name, "2"}
	}
	for _, command := range [][]string{
		fio("--ioengine=psync", "--rw=randwrite", "--bsrange=512-64k", "--bs_unaligned=1"),
		fio("--ioengine=libaio", "--rw=write", "--bs=16k", "--iodepth=16", "--file_append=1"),
		fio("--ioengine=psync", "--rw=write", "--bs=1m", "--fallocate=posix", "--unlink_each_loop=1"),
		stressor("hdd"), stressor("fallocate"), stressor("iomix"), stressor("rename"), stressor("copy-file"), stressor("dir"),
	} {
		t.Run(strings.Join(command[len(command)-2:], " "), func(t *testing.T) {
			out, err := m.try(t, limit, command[0], command[1:]...)
			if err == nil && command[0] == "fio" {
				t.Errorf("the quota was large enough for it:\n%s", out)
			}
			m.exact(t)
			m.clear(t)
			m.exact(t)
		})
	}
}

// exact waits until nothing is open any more and compares what the ledger says with
// what is there, and with what a count finds.
func (m *mounted) exact(t *testing.T) {
	t.Helper()
	for end := time.Now().Add(patience); m.server.OpenHandles() > 0; runtime.Gosched() {
		if time.Now().After(end) {
			t.Fatalf("%d files stay open", m.server.OpenHandles())
		}
	}
	check := func(when string) {
		t.Helper()
		u, there := m.server.Ledger().Usage("account:stress"), m.there(t)
		if u.Used != there || u.Reserved != (quota.Charge{}) {
			t.Errorf("%s: %+v is charged and %+v reserved, there is %+v", when, u.Used, u.Reserved, there)
		}
		if there.Bytes > tight {
			t.Errorf("%s: there are %d bytes, the quota is %d", when, there.Bytes, tight)
		}
	}
	check("at rest")
	if err := m.server.Recounter().Count(t.Context(), m.back); err != nil {
		t.Fatal(err)
	}
	check("after a count")
	if drift := m.server.Ledger().Usage(quota.SourceBucket(m.back).Name).Drift; drift != 0 {
		t.Errorf("the count found %d bytes that were not known", drift)
	}
}

// there is what a walk finds.
func (m *mounted) there(t *testing.T) (c quota.Charge) {
	t.Helper()
	err := filepath.WalkDir(m.back, func(p string, d fs.DirEntry, err error) error {
		if err != nil || p == m.back {
			return err
		}
		c.Inodes++
		if d.Type().IsRegular() {
			info, err := d.Info()
			if err != nil {
				return err
			}
			c.Files++
			c.Bytes += info.Size()
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}
