package policy

import "net/netip"

// plainAddr returns a as networks are compared with it: IPv4 in IPv6 is IPv4,
// and the interface of a link-local address does not count.
func plainAddr(a netip.Addr) netip.Addr { return a.Unmap().WithZone("") }

// plainNetwork returns p, as IPv4 where it is IPv4 in IPv6.
func plainNetwork(p netip.Prefix) netip.Prefix {
	if p.Addr().Is4In6() && p.Bits() >= 96 {
		return netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	return p
}

// holds reports whether the network p contains a, which comes from plainAddr.
func holds(p netip.Prefix, a netip.Addr) bool {
	if p.Addr().Is4In6() && a.Is4() {
		// Wider than all of IPv4, too: plainNetwork leaves that as it is.
		return p.Contains(netip.AddrFrom16(a.As16()))
	}
	return plainNetwork(p).Contains(a)
}

// covers reports whether every address of q lies in p.
func covers(p, q netip.Prefix) bool {
	p, q = plainNetwork(p), plainNetwork(q)
	return p.IsValid() && q.IsValid() && p.Bits() <= q.Bits() && p.Contains(q.Addr())
}

// Bandwidth is what one client address is allowed, in bytes per second for each
// direction. A direction that is not Set is not limited.
type Bandwidth struct {
	Upload   Setting[Limit]
	Download Setting[Limit]
	// Entry is the position in Effective.BandwidthLimits of the entry that
	// applies, or -1 for the account's own limits. Each entry has a counter of
	// its own (product.md §4).
	Entry int
}

// BandwidthFor returns what applies to a client at addr: the first entry whose
// network contains it replaces the account's limits, both of them. An invalid
// addr is in no network.
func (e *Effective) BandwidthFor(addr netip.Addr) Bandwidth {
	for i, l := range e.BandwidthLimits {
		if anyHolds(l.Value.Sources, addr) {
			return Bandwidth{Upload: l.Value.UploadBandwidth, Download: l.Value.DownloadBandwidth, Entry: i}
		}
	}
	return Bandwidth{Upload: e.Scalars.UploadBandwidth, Download: e.Scalars.DownloadBandwidth, Entry: -1}
}

// Transfer is what one client address may move in each transfer period, in
// bytes. All that are Set apply.
type Transfer struct {
	Upload   Setting[Limit]
	Download Setting[Limit]
	Total    Setting[Limit]
	// Entry is the position in Effective.DataTransferLimits of the entry that
	// applies, or -1 for the account's own limits.
	Entry int
}

// TransferFor is BandwidthFor for data transfers.
func (e *Effective) TransferFor(addr netip.Addr) Transfer {
	for i, l := range e.DataTransferLimits {
		if v := l.Value; anyHolds(v.Sources, addr) {
			return Transfer{Upload: v.UploadDataTransfer, Download: v.DownloadDataTransfer, Total: v.TotalDataTransfer, Entry: i}
		}
	}
	s := &e.Scalars
	return Transfer{Upload: s.UploadDataTransfer, Download: s.DownloadDataTransfer, Total: s.TotalDataTransfer, Entry: -1}
}

func anyHolds(list []Setting[netip.Prefix], addr netip.Addr) bool {
	addr = plainAddr(addr)
	for _, p := range list {
		if holds(p.Value, addr) {
			return true
		}
	}
	return false
}
