package policy

import (
	"net/netip"
	"testing"
)

func TestMediation(t *testing.T) {
	limit := set(Limit{N: 1 << 20})
	none := set(Limit{Unlimited: true})
	for name, c := range map[string]struct {
		change func(*Account)
		want   Mediation
	}{
		"nothing set":          {func(*Account) {}, Mediation{}},
		"unlimited":            {func(a *Account) { a.QuotaSize, a.UploadBandwidth, a.TotalDataTransfer = none, none, none }, Mediation{}},
		"quota_size":           {func(a *Account) { a.QuotaSize = limit }, Mediation{Writes: true}},
		"quota_files":          {func(a *Account) { a.QuotaFiles = limit }, Mediation{Writes: true}},
		"quota_inodes":         {func(a *Account) { a.QuotaInodes = limit }, Mediation{Writes: true}},
		"max_upload_file_size": {func(a *Account) { a.MaxUploadFileSize = limit }, Mediation{Writes: true}},
		"upload_bandwidth":     {func(a *Account) { a.UploadBandwidth = limit }, Mediation{Writes: true}},
		"download_bandwidth":   {func(a *Account) { a.DownloadBandwidth = limit }, Mediation{Reads: true}},
		"upload transfer":      {func(a *Account) { a.UploadDataTransfer = limit }, Mediation{Writes: true}},
		"download transfer":    {func(a *Account) { a.DownloadDataTransfer = limit }, Mediation{Reads: true}},
		"total transfer":       {func(a *Account) { a.TotalDataTransfer = limit }, Mediation{true, true}},
		"passthrough = false":  {func(a *Account) { a.Passthrough = set(false) }, Mediation{true, true}},
		"bandwidth of a network": {func(a *Account) {
			a.BandwidthLimits = []BandwidthLimit{{Sources: anywhere, DownloadBandwidth: limit}}
		}, Mediation{Reads: true}},
		"transfer of a network": {func(a *Account) {
			a.DataTransferLimits = []DataTransferLimit{{Sources: anywhere, UploadDataTransfer: limit}}
		}, Mediation{Writes: true}},
		"quota of the group": {func(a *Account) { a.PrimaryGroup = set("shared") }, Mediation{Writes: true}},
	} {
		a := home(Account{Name: "alice"})
		c.change(&a)
		shared := Group{Name: "shared", QuotaScope: set("group")}
		shared.QuotaSize = limit
		v := view(t, compile(t, Input{Accounts: []Account{a}, Groups: []Group{shared}}), "alice")
		for range 2 { // as computed, as remembered
			if got := v.Mediation(v.Root().Mount()); got != c.want {
				t.Errorf("%s: %+v, want %+v", name, got, c.want)
			}
		}
	}
}

var anywhere = []Setting[netip.Prefix]{set(netip.MustParsePrefix("0.0.0.0/0"))}

// A site's data is mediated for what limits its owner, that of a folder for what
// limits this mount of it.
func TestMediationOfOthers(t *testing.T) {
	alice := home(Account{Name: "alice"})
	alice.VirtualFolders = folders("media /media", "own /own", "slow /slow", "free /free")
	alice.VirtualFolders[0].QuotaSize = set(int64(30))
	alice.VirtualFolders[1].QuotaSize, alice.VirtualFolders[1].QuotaFiles = set(int64(-1)), set(int64(-1))
	bob := home(Account{Name: "bob"})
	bob.VirtualFolders = folders("media /media", "own /own", "slow /slow", "free /free")
	slow := folder("slow", "/srv/slow")
	slow.Passthrough = set(false)
	foo := Account{Name: "o1.foo", Instance: "o1", Client: "foo"}
	foo.QuotaSize = set(Limit{N: 50})
	s := compile(t, Input{
		Accounts: []Account{alice, bob, foo, home(Account{Name: "o1.ftp", Instance: "o1", Main: true})},
		Folders:  []Folder{folder("media", "/srv/media"), folder("own", "/srv/own"), slow, folder("free", "/srv/free")},
		Sites: []Site{
			{URI: "mine", Instance: "o1", Source: "/o1/mine", OwnerAccount: "o1.foo", Preset: "aegir"},
			{URI: "none", Instance: "o1", Source: "/o1/none", Preset: "aegir"},
		},
	})
	for account, want := range map[string]map[string]Mediation{
		"alice":  {"/": {}, "/media": {Writes: true}, "/own": {}, "/slow": {true, true}, "/free": {}},
		"bob":    {"/": {}, "/media": {}, "/own": {}, "/slow": {true, true}, "/free": {}},
		"o1.ftp": {"/": {}, "/sites/mine": {Writes: true}, "/sites/none": {}},
	} {
		v := view(t, s, account)
		for path, want := range want {
			if got := v.Mediation(v.At(path).Mount()); got != want {
				t.Errorf("%s %s: %+v, want %+v", account, path, got, want)
			}
		}
	}
}
