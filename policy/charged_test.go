package policy

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCharged(t *testing.T) {
	alice := home(Account{Name: "alice"})
	alice.QuotaSize = set(Limit{N: 100})
	alice.VirtualFolders = folders("media /media", "films /films")
	alice.VirtualFolders[0].QuotaSize, alice.VirtualFolders[0].QuotaFiles = set(int64(-1)), set(int64(-1))
	alice.VirtualFolders[1].QuotaSize = set(int64(7))
	bob := Account{Name: "bob"}
	bob.VirtualFolders = folders("media /media", "mine /mine", "tree /tree")
	bob.VirtualFolders[0].QuotaSize = set(int64(30))
	foo := Account{Name: "o1.foo", Instance: "o1", Client: "foo"}
	foo.QuotaFiles = set(Limit{N: 5})
	foo.VirtualFolders = folders("whole /whole")
	foo.VirtualFolders[0].QuotaFiles = set(int64(9))
	ftp := Account{Name: "o1.ftp", Instance: "o1", Main: true}
	s := compile(t, Input{
		Accounts: []Account{alice, bob, foo, ftp},
		Folders: []Folder{
			folder("media", "/srv/media"), folder("films", "/srv/media/films"), folder("mine", "/srv/own/%username%"),
			folder("tree", "/data"), folder("unused", "/srv/unused"), folder("whole", "/srv/own"),
		},
		Sites: []Site{{
			URI: "shop", Instance: "o1", Source: "/data/o1/sites/shop", OwnerAccount: "o1.foo", Preset: "aegir",
			QuotaSize: set(Limit{N: 20}), Stores: []Store{{Name: "files", Path: "/mnt/o1/shop"}},
		}},
	})
	want := []string{
		"/data: folder:tree",
		"/data/o1/sites/shop: account:o1.foo[-,5,-] folder:tree instance:o1 site:o1/shop[20,-,-] limited",
		"/mnt/o1/shop: account:o1.foo[-,5,-] instance:o1 site:o1/shop[20,-,-] limited",
		"/srv/homes/alice: account:alice[100,-,-] limited",
		"/srv/media: account:alice[100,-,-] folder:media limited",
		"/srv/media/films: account:alice[100,-,-] folder:films folder:media limited",
		"/srv/own: folder:whole limited",
		"/srv/own/bob: folder:mine/bob folder:whole limited",
	}
	var got []string
	for _, c := range s.Charged() {
		line := c.Source + ": " + sayBuckets(c.Buckets)
		if c.Limited {
			line += " limited"
		}
		got = append(got, line)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Charged (-want +got):\n%s", diff)
	}
}
