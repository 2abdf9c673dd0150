package policy

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// sayBuckets shows a bucket as "NAME[size,files,inodes]", "-" for no limit, nothing in
// brackets where there is none at all.
func sayBuckets(list []Bucket) string {
	number := func(l Limit) string {
		if l.Unlimited {
			return "-"
		}
		return fmt.Sprint(l.N)
	}
	var words []string
	for _, b := range list {
		w := b.Name
		if b.Limited() {
			w += "[" + number(b.Size) + "," + number(b.Files) + "," + number(b.Inodes) + "]"
		}
		words = append(words, w)
	}
	return strings.Join(words, " ")
}

func TestBucketLimits(t *testing.T) {
	shared := Group{Name: "shared", QuotaScope: set("group")}
	shared.QuotaSize = set(Limit{N: 1000})
	each := Group{Name: "each"}
	each.QuotaSize, each.QuotaFiles = set(Limit{N: 50}), set(Limit{N: 5})

	foo := home(Account{Name: "o1.foo", Instance: "o1", Client: "foo"})
	foo.PrimaryGroup = set("shared")
	foo.QuotaInodes = set(Limit{N: 7})
	foo.VirtualFolders = folders("media /media", "own /own", "free /free")
	foo.VirtualFolders[0].QuotaSize = set(int64(30))
	foo.VirtualFolders[1].QuotaSize, foo.VirtualFolders[1].QuotaFiles = set(int64(-1)), set(int64(-1))

	bar := home(Account{Name: "bar"})
	bar.PrimaryGroup = set("each")
	bar.QuotaFiles = set(Limit{Unlimited: true})
	bar.VirtualFolders = folders("media /media")
	bar.VirtualFolders[0].QuotaFiles = set(int64(9))

	ftp := home(Account{Name: "o1.ftp", Instance: "o1", Main: true})
	ftp.QuotaSize = set(Limit{N: 2})

	s := compile(t, Input{
		Accounts: []Account{foo, bar, ftp},
		Groups:   []Group{shared, each},
		Folders:  []Folder{folder("own", "/srv/own/%username%"), folder("media", "/srv/media"), folder("free", "/srv/free")},
		Sites: []Site{
			{URI: "mine", Instance: "o1", Source: "/o1/mine", OwnerAccount: "o1.foo", Preset: "aegir", QuotaSize: set(Limit{N: 20}), QuotaFiles: set(Limit{Unlimited: true})},
			{URI: "ours", Instance: "o1", Source: "/o1/ours", Unowned: true, Preset: "aegir", QuotaFiles: set(Limit{N: 3})},
			{URI: "none", Instance: "o1", Source: "/o1/none", Preset: "aegir"},
			{URI: "ftps", Instance: "o1", Source: "/o1/ftps", OwnerAccount: "o1.ftp", Preset: "aegir"},
		},
		UnownedAll: true,
	})
	const owner = "account:o1.foo[-,-,7] group:shared[1000,-,-]"
	for account, want := range map[string]map[string]string{
		"o1.foo": {
			"/":           owner + " instance:o1",
			"/media":      "folder:media[30,-,-]",
			"/own":        owner + " instance:o1 folder:own/o1.foo",
			"/free":       "folder:free",
			"/sites/mine": owner + " site:o1/mine[20,-,-] instance:o1",
			"/sites/ours": "site:o1/ours[-,3,-]",
		},
		"bar": {
			"/":      "account:bar[50,-,-]",
			"/media": "folder:media[-,9,-]",
		},
		"o1.ftp": { // sees all, is charged for its home only
			"/":           "account:o1.ftp[2,-,-] instance:o1",
			"/sites/mine": owner + " site:o1/mine[20,-,-] instance:o1",
			"/sites/ours": "site:o1/ours[-,3,-]",
			"/sites/none": "site:o1/none instance:o1",
			"/sites/ftps": "site:o1/ftps instance:o1",
		},
	} {
		v := view(t, s, account)
		got := map[string]string{}
		for _, m := range v.Mounts() {
			got[m.Path] = sayBuckets(v.BucketsOf(m))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: BucketsOf (-want +got):\n%s", account, diff)
		}
	}
}
