package policy

import (
	"net/netip"
	"testing"
)

// The first entry whose network has the client's address replaces the account's
// own limits, all of them.
func TestLimitsBySource(t *testing.T) {
	staff := group("staff", func(g *Group) {
		g.UploadBandwidth, g.DownloadBandwidth = limit(1), limit(2)
		g.UploadDataTransfer, g.DownloadDataTransfer, g.TotalDataTransfer = limit(1), limit(2), limit(3)
		g.BandwidthLimits = []BandwidthLimit{
			{At: at(1), Sources: networks("192.0.2.0/24", "2001:db8::/32"), UploadBandwidth: limit(10)},
			{At: at(2), Sources: networks("192.0.2.128/25"), UploadBandwidth: limit(20), DownloadBandwidth: limit(21)},
		}
		g.DataTransferLimits = []DataTransferLimit{{At: at(3), Sources: networks("192.0.2.0/24"), TotalDataTransfer: limit(30)}}
	})
	print := group("print", func(g *Group) {
		g.BandwidthLimits = []BandwidthLimit{{At: at(4), Sources: networks("198.51.100.0/24"), DownloadBandwidth: set(Limit{Unlimited: true})}}
		g.DataTransferLimits = []DataTransferLimit{{At: at(5), Sources: networks("0.0.0.0/0"), UploadDataTransfer: limit(50), DownloadDataTransfer: limit(51)}}
	})
	a := Account{Name: "alice", PrimaryGroup: set("staff"), SecondaryGroups: words("print")}
	a.BandwidthLimits = []BandwidthLimit{{At: at(6), Sources: networks("192.0.2.7/32"), UploadBandwidth: limit(60)}}
	e := merged(t, a, staff, print)

	none := Setting[Limit]{}
	for _, tt := range []struct {
		addr      string
		bandwidth Bandwidth
		transfer  Transfer
	}{
		{"192.0.2.7", Bandwidth{limit(60), none, 0}, Transfer{none, none, limit(30), 0}},
		{"192.0.2.200", Bandwidth{limit(10), none, 1}, Transfer{none, none, limit(30), 0}},
		{"::ffff:192.0.2.200", Bandwidth{limit(10), none, 1}, Transfer{none, none, limit(30), 0}},
		{"2001:db8::1", Bandwidth{limit(10), none, 1}, Transfer{limit(1), limit(2), limit(3), -1}},
		{"198.51.100.1", Bandwidth{none, set(Limit{Unlimited: true}), 3}, Transfer{limit(50), limit(51), none, 1}},
		{"203.0.113.1", Bandwidth{limit(1), limit(2), -1}, Transfer{limit(50), limit(51), none, 1}},
		{"", Bandwidth{limit(1), limit(2), -1}, Transfer{limit(1), limit(2), limit(3), -1}},
	} {
		addr, _ := netip.ParseAddr(tt.addr)
		if got := e.BandwidthFor(addr); got != tt.bandwidth {
			t.Errorf("BandwidthFor(%s) = %v, want %v", tt.addr, got, tt.bandwidth)
		}
		if got := e.TransferFor(addr); got != tt.transfer {
			t.Errorf("TransferFor(%s) = %v, want %v", tt.addr, got, tt.transfer)
		}
	}
}

func TestCovers(t *testing.T) {
	for _, tt := range []struct {
		p, q string
		want bool
	}{
		{"10.0.0.0/8", "10.1.0.0/16", true},
		{"10.0.0.0/8", "10.0.0.0/8", true},
		{"10.1.0.0/16", "10.0.0.0/8", false},
		{"10.0.0.0/8", "11.0.0.0/8", false},
		{"0.0.0.0/0", "2001:db8::/32", false},
		{"::/0", "10.0.0.0/8", false},
		{"::ffff:10.0.0.0/104", "10.1.0.0/16", true},
	} {
		if got := covers(netip.MustParsePrefix(tt.p), netip.MustParsePrefix(tt.q)); got != tt.want {
			t.Errorf("covers(%s, %s) = %v, want %v", tt.p, tt.q, got, tt.want)
		}
	}
}
