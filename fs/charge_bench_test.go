package fs_test

import (
	"path/filepath"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"grantfs/policy"
)

// BenchmarkLedger compares mediated writes of 32 KiB at the end of a file that are
// held to an account's limit with those of an account that has none, on one mount
// and in turns; x is the ratio of the medians of their times (gate: 1.05).
func BenchmarkLedger(b *testing.B) {
	const each, size, rounds = 512, 32 << 10, 7
	in, ids := home(tree(b), mediated)
	in.Accounts = append(in.Accounts, policy.Account{Name: "bob", Settings: policy.Settings{
		HomeDir: set(tree(b)), Passthrough: set(false), QuotaSize: bytesLimit(1 << 40), QuotaFiles: bytesLimit(1 << 20),
	}})
	ids["bob"] = policy.IDs{UID: bobUID, GID: bobUID}
	m := mountFor(b, in, ids, 0)
	data := make([]byte, size)
	fill := func(account string, uid int) (took time.Duration) {
		as(uid, func() {
			err := opened(filepath.Join(m.point, account, "f"), unix.O_WRONLY|unix.O_CREAT|unix.O_TRUNC, func(fd int) error {
				begin := time.Now()
				defer func() { took = time.Since(begin) }()
				for range each {
					if _, err := unix.Write(fd, data); err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				b.Error(err)
			}
		})
		return took
	}
	var free, held []time.Duration
	b.SetBytes(2 * rounds * each * size)
	for b.Loop() {
		for i := range rounds {
			if i%2 == 0 { // nobody is always the first
				free = append(free, fill("alice", aliceUID))
				held = append(held, fill("bob", bobUID))
			} else {
				held = append(held, fill("bob", bobUID))
				free = append(free, fill("alice", aliceUID))
			}
		}
	}
	median := func(t []time.Duration) float64 {
		slices.Sort(t)
		return float64(t[len(t)/2])
	}
	b.ReportMetric(median(held)/median(free), "x")
	b.ReportMetric(median(held)/each, "ns/write")
}
