package policy

import (
	"net/netip"
	"strings"
)

// What the entries of lists and paths look like in --json: the keys that the
// configuration has for them.

// verbWords returns the shortest list of verbs that says what v does.
func verbWords(v Verbs) []string {
	list := []string{}
	for _, n := range verbNames {
		if n.verbs&^v == 0 {
			list = append(list, n.name)
			v &^= n.verbs
		}
	}
	return list
}

type shownWindow struct {
	Weekday string `json:"weekday"`
	From    string `json:"from"`
	To      string `json:"to"`
	Zone    string `json:"zone"`
}

func showWindow(t AccessTime) any {
	zone := t.Zone
	if zone == "" {
		zone = "UTC"
	}
	return shownWindow{strings.ToLower(t.Weekday.String()), clock(t.From), clock(t.To), zone}
}

type shownBandwidth struct {
	Sources  []any `json:"sources"`
	Upload   any   `json:"upload_bandwidth"`
	Download any   `json:"download_bandwidth"`
}

func showBandwidth(l BandwidthLimit) any {
	return shownBandwidth{sources(l.Sources), limitValue(l.UploadBandwidth), limitValue(l.DownloadBandwidth)}
}

type shownTransfer struct {
	Sources  []any `json:"sources"`
	Upload   any   `json:"upload_data_transfer"`
	Download any   `json:"download_data_transfer"`
	Total    any   `json:"total_data_transfer"`
}

func showTransfer(l DataTransferLimit) any {
	return shownTransfer{
		sources(l.Sources), limitValue(l.UploadDataTransfer),
		limitValue(l.DownloadDataTransfer), limitValue(l.TotalDataTransfer),
	}
}

type shownPattern struct {
	Allowed    []string `json:"allowed"`
	Denied     []string `json:"denied"`
	DenyPolicy string   `json:"deny_policy"`
}

func showPattern(p *Pattern) any {
	policy := "deny"
	if p.Hide {
		policy = "hide"
	}
	return shownPattern{p.Allowed, p.Denied, policy}
}

type shownVirtual struct {
	Folder      string   `json:"folder"`
	Source      string   `json:"source"` // the directory that is mounted, expanded
	Subpath     string   `json:"subpath"`
	QuotaSize   int64    `json:"quota_size"`
	QuotaFiles  int64    `json:"quota_files"`
	Permissions []string `json:"permissions"` // null: all
	ReadOnly    bool     `json:"read_only"`
}

func showVirtual(v *Virtual) any {
	m := v.Entry
	out := shownVirtual{
		Folder:     v.Folder.Name,
		Source:     v.Source,
		Subpath:    m.Subpath.Value,
		QuotaSize:  m.QuotaSize.Value,
		QuotaFiles: m.QuotaFiles.Value,
		ReadOnly:   m.ReadOnly.Value,
	}
	if m.HasPerms {
		out.Permissions = values(m.Permissions)
	}
	return out
}

func sources(list []Setting[netip.Prefix]) []any {
	out := make([]any, len(list))
	for i, p := range list {
		out[i] = plain(p.Value)
	}
	return out
}

// limitValue returns a limit of an entry, nil where it has none.
func limitValue(l Setting[Limit]) any {
	if !l.Set {
		return nil
	}
	return plain(l.Value)
}
