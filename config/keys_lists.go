package config

import (
	"time"

	"grantfs/policy"
)

var mountingTable = &table[policy.Mounting]{
	name: "virtual_folders",
	keys: []key[policy.Mounting]{
		required(one("folder", func(m *policy.Mounting) *str { return &m.Folder }, neverEmpty(text))),
		required(one("path", func(m *policy.Mounting) *str { return &m.Path }, expandable(neverEmpty(absolute)))),
		one("subpath", func(m *policy.Mounting) *str { return &m.Subpath }, relative),
		one("quota_size", func(m *policy.Mounting) *policy.Setting[int64] { return &m.QuotaSize }, mountQuota(size)),
		one("quota_files", func(m *policy.Mounting) *policy.Setting[int64] { return &m.QuotaFiles }, mountQuota(count)),
		{name: "permissions", read: func(d *decoder, n *node, m *policy.Mounting) {
			m.Permissions, m.HasPerms = list(d, "permissions", n, verb), n.kind == kindArray
		}},
		one("read_only", func(m *policy.Mounting) *flag { return &m.ReadOnly }, boolean),
	},
	check: func(d *decoder, _ string, _ *node, m *policy.Mounting) {
		switch size, files := m.QuotaSize, m.QuotaFiles; {
		case size.Value == chargedToAccount && files.Value != chargedToAccount:
			d.errorf(size.At, "quota_size is -1 but quota_files is not: both are charged to the account, or none")
		case files.Value == chargedToAccount && size.Value != chargedToAccount:
			d.errorf(files.At, "quota_files is -1 but quota_size is not: both are charged to the account, or none")
		}
	},
}

var patternsTable = &table[policy.FilePatterns]{
	name: "file_patterns",
	keys: []key[policy.FilePatterns]{
		required(one("path", func(p *policy.FilePatterns) *str { return &p.Path }, expandable(neverEmpty(absolute)))),
		many("allowed", func(p *policy.FilePatterns) *strs { return &p.Allowed }, namePattern),
		many("denied", func(p *policy.FilePatterns) *strs { return &p.Denied }, namePattern),
		one("deny_policy", func(p *policy.FilePatterns) *str { return &p.DenyPolicy }, oneOf("deny", "hide")),
	},
	check: func(d *decoder, label string, n *node, _ *policy.FilePatterns) {
		allowed, denied := n.find("allowed"), n.find("denied")
		if (allowed == nil || len(allowed.value.items) == 0) && (denied == nil || len(denied.value.items) == 0) {
			d.errorf(n.at, "%s has neither allowed nor denied patterns", label)
		}
	},
}

var bandwidthTable = &table[policy.BandwidthLimit]{
	name: "bandwidth_limits",
	keys: []key[policy.BandwidthLimit]{
		required(many("sources", func(l *policy.BandwidthLimit) *networks { return &l.Sources }, network)),
		one("upload_bandwidth", func(l *policy.BandwidthLimit) *limit { return &l.UploadBandwidth }, bandwidth),
		one("download_bandwidth", func(l *policy.BandwidthLimit) *limit { return &l.DownloadBandwidth }, bandwidth),
	},
	check: func(d *decoder, label string, n *node, _ *policy.BandwidthLimit) { d.needSources(label, n) },
}

var transferTable = &table[policy.DataTransferLimit]{
	name: "data_transfer_limits",
	keys: []key[policy.DataTransferLimit]{
		required(many("sources", func(l *policy.DataTransferLimit) *networks { return &l.Sources }, network)),
		one("upload_data_transfer", func(l *policy.DataTransferLimit) *limit { return &l.UploadDataTransfer }, size),
		one("download_data_transfer", func(l *policy.DataTransferLimit) *limit { return &l.DownloadDataTransfer }, size),
		one("total_data_transfer", func(l *policy.DataTransferLimit) *limit { return &l.TotalDataTransfer }, size),
	},
	check: func(d *decoder, label string, n *node, _ *policy.DataTransferLimit) { d.needSources(label, n) },
}

// needSources reports an entry whose list of sources is empty: it would never
// apply.
func (d *decoder) needSources(label string, n *node) {
	if e := n.find("sources"); e != nil && e.value.kind == kindArray && len(e.value.items) == 0 {
		d.errorf(e.value.at, "%s has an empty list of sources; it would never apply", label)
	}
}

// setting reads into a plain field, for what needs no place of its own.
func setting[T, V any](name string, field func(*T) *V, read reader[V]) key[T] {
	return key[T]{name: name, read: func(d *decoder, n *node, to *T) {
		if v, ok := read(d, name, n); ok {
			*field(to) = v
		}
	}}
}

var accessTimeTable = &table[policy.AccessTime]{
	name: "access_time",
	keys: []key[policy.AccessTime]{
		required(setting("weekday", func(a *policy.AccessTime) *time.Weekday { return &a.Weekday }, weekday)),
		required(setting("from", func(a *policy.AccessTime) *int { return &a.From }, clock)),
		required(setting("to", func(a *policy.AccessTime) *int { return &a.To }, clock)),
		setting("zone", func(a *policy.AccessTime) *string { return &a.Zone }, timeZone),
	},
	check: func(d *decoder, _ string, n *node, a *policy.AccessTime) {
		if a.Zone == "" {
			a.Zone = "UTC"
		}
		a.Location = d.zone(a.Zone)
		from, to := n.find("from"), n.find("to")
		if from == nil || to == nil {
			return
		}
		start, ok1 := parseClock(from.value)
		end, ok2 := parseClock(to.value)
		if ok1 && ok2 && end < start {
			d.errorf(to.value.at, "access_time ends at %s, before its start at %s; write two windows for one that spans midnight",
				to.value.text, from.value.text)
		}
	},
}
