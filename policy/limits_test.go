package policy

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestLowestLimits(t *testing.T) {
	alice := home(Account{Name: "alice"})
	alice.QuotaSize = set(Limit{N: 100})
	alice.VirtualFolders = folders("media /media", "media /again", "films /films", "free /free", "mine /mine")
	for i, size := range []int64{50, 40, -1, 0, 8} {
		alice.VirtualFolders[i].QuotaSize = set(size)
		if size < 0 {
			alice.VirtualFolders[i].QuotaFiles = set(size)
		}
	}
	bob := Account{Name: "bob"}
	bob.VirtualFolders = folders("media /media", "free /free", "films /films", "mine /mine")
	bob.VirtualFolders[0].QuotaFiles = set(int64(9))
	bob.VirtualFolders[2].QuotaSize = set(int64(70))
	bob.VirtualFolders[3].QuotaSize = set(int64(8))
	s := compile(t, Input{
		Accounts: []Account{alice, bob},
		Folders: []Folder{
			folder("media", "/srv/media"), folder("films", "/srv/films"), folder("free", "/srv/free"),
			folder("mine", "/srv/own/%username%"),
		},
	})
	want := []string{
		"account:alice[100,-,-]",
		"folder:films[70,-,-] differ",
		"folder:free",
		"folder:media[40,9,-] differ",
		"folder:mine/alice[8,-,-]",
		"folder:mine/bob[8,-,-]",
	}
	var got []string
	for _, b := range s.BucketLimits() {
		text := sayBuckets([]Bucket{b.Bucket})
		if b.Differ {
			text += " differ"
		}
		got = append(got, text)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("BucketLimits (-want +got):\n%s", diff)
	}
}
