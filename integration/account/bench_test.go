package account

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"grantfs/integration/extrausers"
	"grantfs/integration/userdb"
)

// BenchmarkLookup is one question to the user database as nss-systemd asks it, on a
// connection of its own, of 100,000 accounts. All are in a group besides.
func BenchmarkLookup(b *testing.B) {
	const n = 100_000
	accounts := make([]Account, n)
	for i := range accounts {
		accounts[i] = Account{
			Name: fmt.Sprintf("o1.client%d", i), UID: uint32(1_900_000_016 + i), GID: 1_900_000_000,
			Hash: "$6$saltsalt$" + fmt.Sprintf("%086d", i), groups: []string{GroupTwoFactor},
		}
	}
	table := newTable(accounts, []userdb.Group{{Name: PrimaryGroup, GID: 1_900_000_000}, {Name: GroupTwoFactor, GID: 1_900_000_001}})
	path := filepath.Join(b.TempDir(), userdb.Service)
	l, err := userdb.Listen(path)
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- userdb.New(slog.New(slog.DiscardHandler), table).Serve(ctx, l) }()
	defer func() {
		cancel()
		if err := <-served; err != nil {
			b.Error(err)
		}
	}()
	for name, form := range map[string]string{
		"user":   `{"method":"io.systemd.UserDatabase.GetUserRecord","parameters":{"service":"io.grantfs","userName":"o1.client%d"}}`,
		"uid":    `{"method":"io.systemd.UserDatabase.GetUserRecord","parameters":{"service":"io.grantfs","uid":19%08d}}`,
		"groups": `{"method":"io.systemd.UserDatabase.GetMemberships","more":true,"parameters":{"service":"io.grantfs","userName":"o1.client%d"}}`,
		"group":  `{"method":"io.systemd.UserDatabase.GetMemberships","more":true,"parameters":{"service":"io.grantfs","groupName":"grantfs-2fa","any":%d}}`,
		"nobody": `{"method":"io.systemd.UserDatabase.GetUserRecord","parameters":{"service":"io.grantfs","userName":"root%d"}}`,
		"list":   `{"method":"io.systemd.UserDatabase.GetUserRecord","more":true,"parameters":{"service":"io.grantfs","any":%d}}`,
	} {
		b.Run(name, func(b *testing.B) {
			var took []time.Duration
			for i := range b.N {
				who := i * 7919 % n
				if name == "uid" {
					who += 16
				}
				begin := time.Now()
				conn, err := net.Dial("unix", path)
				if err != nil {
					b.Fatal(err)
				}
				_, err = fmt.Fprintf(conn, form+"\x00", who)
				if err == nil {
					_, err = bufio.NewReader(conn).ReadString(0)
				}
				took = append(took, time.Since(begin))
				if closed := conn.Close(); err != nil || closed != nil {
					b.Fatal(err, closed)
				}
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-µs")
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs")
		})
	}
}

// BenchmarkExtrausers writes 100,000 accounts to the files of libnss-extrausers,
// of which one is new each time.
func BenchmarkExtrausers(b *testing.B) {
	const n = 100_000
	dir := b.TempDir()
	accounts := make([]Account, n)
	for i := range accounts {
		accounts[i] = Account{Name: fmt.Sprintf("o1.client%d", i), UID: uint32(i + 1000), Hash: "$6$saltsalt$" + fmt.Sprintf("%086d", i)}
	}
	for i := range b.N {
		accounts[0].Name = fmt.Sprintf("o1.new%d", i)
		if err := extrausers.Write(dir, newTable(slices.Clone(accounts), []userdb.Group{{Name: PrimaryGroup}})); err != nil {
			b.Fatal(err)
		}
	}
}
