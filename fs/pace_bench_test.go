package fs_test

import (
	"net/netip"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"grantfs/fs"
	"grantfs/policy"
)

// BenchmarkPaced compares mediated writes of accounts with limits that are never
// reached with one that has none.
func BenchmarkPaced(b *testing.B) {
	most := set(policy.Limit{N: 1 << 50})
	for name, change := range map[string]func(*policy.Account){
		"none":     mediated,
		"rate":     func(a *policy.Account) { a.UploadBandwidth = most },
		"transfer": func(a *policy.Account) { a.UploadDataTransfer = most },
		"size":     func(a *policy.Account) { a.MaxUploadFileSize = most },
		"source": func(a *policy.Account) {
			a.BandwidthLimits = []policy.BandwidthLimit{{
				Sources: []policy.Setting[netip.Prefix]{set(netip.MustParsePrefix("10.0.0.0/8"))}, UploadBandwidth: most,
			}}
		},
	} {
		b.Run(name, func(b *testing.B) {
			in, ids := home(tree(b, "f"), change)
			sessions := &atSource{}
			sessions.set("alice", "10.0.0.1")
			m := mountFor(b, in, ids, 0, func(o *fs.Options) { o.Sessions = sessions })
			as(aliceUID, func() {
				err := opened(filepath.Join(m.point, "alice/f"), unix.O_WRONLY, func(fd int) error {
					data := make([]byte, 32<<10)
					b.SetBytes(int64(len(data)))
					for b.Loop() {
						if _, err := unix.Pwrite(fd, data, 0); err != nil {
							return err
						}
					}
					return nil
				})
				if err != nil {
					b.Error(err)
				}
			})
		})
	}
}
