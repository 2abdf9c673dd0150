package aegir

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"grantfs/policy"
)

func TestSiteStores(t *testing.T) {
	inside := []string{
		"files TOP/o1/static/files/a.test/files", "files TOP/o1/static/files/a.test.files",
		"private TOP/o1/static/files/a.test/private", "private TOP/o1/static/files/a.test.private",
	}
	attached := []string{
		inside[0], inside[1],
		"files TOP/mnt/d1/files/o1/static/files/a.test/files", "files TOP/mnt/d1/files/o1/static/files/a.test.files",
		inside[2], inside[3],
		"private TOP/mnt/d1/files/o1/static/files/a.test/private", "private TOP/mnt/d1/files/o1/static/files/a.test.private",
	}
	for _, c := range []struct {
		name, target string // of the link static/files, none if empty
		want         []string
	}{
		{"no link", "", inside},
		{"attached", "TOP/mnt/d1/files/o1/static/files", attached},
		{"attached, with a slash", "TOP/mnt/d1/files/o1/static/files/", attached},
		{"of another instance", "TOP/mnt/d1/files/o2/static/files", inside},
		{"outside the mounts", "TOP/else/d1/files/o1/static/files", inside},
		{"two levels", "TOP/mnt/d1/d2/files/o1/static/files", inside},
		{"no level", "TOP/mnt/files/o1/static/files", inside},
		{"climbing", "TOP/mnt/../files/o1/static/files", inside},
		{"relative", "../../mnt/d1/files/o1/static/files", inside},
		{"missing", "TOP/mnt/d9/files/o1/static/files", inside},
		{"through a link", "TOP/mnt/link/files/o1/static/files", inside},
	} {
		t.Run(c.name, func(t *testing.T) {
			tr := newTree(t)
			tr.site("a.test")
			tr.dir("o1/static")
			for _, dir := range []string{"mnt/d1/files/o1", "mnt/d1/files/o2", "else/d1/files/o1", "mnt/d1/d2/files/o1", "mnt/files/o1", "files/o1"} {
				tr.dir(dir + "/static/files")
			}
			tr.link("d1", "mnt/link")
			if c.target != "" {
				tr.link(strings.ReplaceAll(c.target, "TOP", tr.top), "o1/static/files")
			}
			inst, _, _ := tr.discover(Options{})
			if diff := cmp.Diff(c.want, storeLines(tr, inst.Sites[0].Stores)); diff != "" {
				t.Errorf("stores (-want +got):\n%s", diff)
			}
		})
	}
}

func TestStoresOfAlikeNames(t *testing.T) {
	tr := newTree(t)
	tr.site("a")
	tr.site("a.files")
	inst, _, _ := tr.discover(Options{})
	want := []string{
		"files TOP/o1/static/files/a/files",
		"private TOP/o1/static/files/a/private", "private TOP/o1/static/files/a.private",
	}
	if diff := cmp.Diff(want, storeLines(tr, inst.Sites[0].Stores)); diff != "" {
		t.Errorf("stores of a (-want +got):\n%s", diff)
	}
}

func storeLines(tr tree, stores []policy.Store) []string {
	var list []string
	for _, s := range stores {
		list = append(list, s.Name+" "+strings.ReplaceAll(s.Path, tr.top, "TOP"))
	}
	return list
}
