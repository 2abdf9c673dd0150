package fs_test

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"grantfs/fs/quota"
	"grantfs/policy"
)

// estate is three accounts around their limits: alice, who is also charged for a
// shared folder that bob may fill up to limits of his own, under two names, and
// carol, whose home lies in that folder, as does the store of her site.
type estate struct {
	*mounted
	trees   map[string]string // name to directory
	places  []placed
	orphans map[string]quota.Charge // by tree: what is open and has no name
	beside  bool                    // others work in the trees too, and heed no limit
}

// placed is a tree as an account sees it.
type placed struct {
	account string
	uid     int
	path    string // in the view
	tree    string
	limits  []bounds
}

// bounds are the limits of one bucket.
type bounds struct {
	bucket               string
	bytes, files, inodes int64
}

const noLimit = math.MaxInt64

// buckets of the trees: A and B are homes, S is shared, and C and F lie in it; W is
// a site, F its store.
var estateBuckets = map[string][]string{
	"A": {"account:alice"},
	"B": {"account:bob"},
	"S": {"account:alice", "folder:shared", "folder:again"},
	"C": {"account:alice", "folder:shared", "folder:again", "account:carol"},
	"W": {"account:carol", "site:shop.test"},
	"F": {"account:alice", "folder:shared", "folder:again", "account:carol", "site:shop.test"},
}

func newEstate(t testing.TB) *estate {
	s := tree(t, "c/d/", "s/d/", "d/")
	a, b, w, c, f := tree(t, "d/"), tree(t, "d/"), tree(t, "d/"), filepath.Join(s, "c"), filepath.Join(s, "s")
	if err := os.Symlink(f, filepath.Join(w, "files")); err != nil {
		t.Fatal(err)
	}
	account := func(name, home string, bytes, files, inodes int64, mount int64) policy.Account {
		acc := policy.Account{Name: name, Settings: policy.Settings{HomeDir: set(home), QuotaSize: bytesLimit(bytes), QuotaFiles: bytesLimit(files)}}
		acc.QuotaInodes = bytesLimit(inodes)
		if mount != 0 {
			f := policy.Mounting{Folder: set("shared"), Path: set("/pool"), QuotaSize: set(mount)}
			if mount < 0 {
				f.QuotaFiles = set(mount)
			}
			acc.VirtualFolders = append(acc.VirtualFolders, f)
		}
		return acc
	}
	in := policy.Input{
		Accounts: []policy.Account{
			account("alice", a, 60_000, 12, 20, -1), account("bob", b, 20_000, 4, 8, 30_000), account("carol", c, 15_000, 5, 12, 0),
		},
		Folders: []policy.Folder{{Name: "shared", Source: set(s)}, {Name: "again", Source: set(s)}},
		Sites: []policy.Site{{
			URI: "shop.test", Source: w, OwnerAccount: "carol", Enabled: true, Preset: "none", QuotaSize: bytesLimit(12_000), QuotaFiles: bytesLimit(4),
			Stores: []policy.Store{{Name: "files", Path: f}, {Name: "private", Path: filepath.Join(s, "none")}},
		}},
	}
	in.Accounts[1].VirtualFolders = append(in.Accounts[1].VirtualFolders,
		policy.Mounting{Folder: set("again"), Path: set("/again"), QuotaSize: set(int64(40_000))})
	const carolUID = 61003
	ids := map[string]policy.IDs{
		"alice": {UID: aliceUID, GID: aliceUID}, "bob": {UID: bobUID, GID: bobUID}, "carol": {UID: carolUID, GID: carolUID},
	}
	ofAlice, ofBob, ofCarol := bounds{"account:alice", 60_000, 12, 20}, bounds{"account:bob", 20_000, 4, 8}, bounds{"account:carol", 15_000, 5, 12}
	ofShop := bounds{"site:shop.test", 12_000, 4, noLimit}
	byBob, again := bounds{"folder:shared", 30_000, noLimit, noLimit}, bounds{"folder:again", 40_000, noLimit, noLimit}
	e := &estate{
		mounted: mountFor(t, in, ids, 0), trees: map[string]string{"A": a, "B": b, "S": s, "C": c, "W": w, "F": f}, orphans: map[string]quota.Charge{},
		places: []placed{
			{"alice", aliceUID, "alice", "A", []bounds{ofAlice}},
			{"alice", aliceUID, "alice/pool", "S", []bounds{ofAlice}},
			{"alice", aliceUID, "alice/pool/c", "C", []bounds{ofAlice, ofCarol}},
			{"alice", aliceUID, "alice/pool/s", "F", []bounds{ofAlice, ofCarol, ofShop}},
			{"bob", bobUID, "bob", "B", []bounds{ofBob}},
			{"bob", bobUID, "bob/pool", "S", []bounds{ofAlice, byBob}},
			{"bob", bobUID, "bob/pool/c", "C", []bounds{ofAlice, ofCarol, byBob}},
			{"bob", bobUID, "bob/pool/s", "F", []bounds{ofAlice, ofCarol, ofShop, byBob}},
			{"bob", bobUID, "bob/again", "S", []bounds{ofAlice, again}},
			{"bob", bobUID, "bob/again/s", "F", []bounds{ofAlice, ofCarol, ofShop, again}},
			{"carol", carolUID, "carol", "C", []bounds{ofAlice, ofCarol}},
			{"carol", carolUID, "carol/sites/shop.test", "W", []bounds{ofCarol, ofShop}},
			{"carol", carolUID, "carol/sites/shop.test/files", "F", []bounds{ofAlice, ofCarol, ofShop}},
		},
	}
	e.count(t, a, b, s, c, w, f)
	return e
}

// scans counts what each tree holds, orphans included.
func (e *estate) scans(t testing.TB) map[string]quota.Charge {
	all := map[string]quota.Charge{}
	for name, dir := range e.trees {
		all[name] = scan(t, dir, e.trees["C"], e.trees["F"])
	}
	for name, c := range e.orphans {
		all[name] = all[name].Plus(c)
	}
	return all
}

// sums makes of what the trees hold what the buckets must.
func (e *estate) sums(trees map[string]quota.Charge) map[string]quota.Charge {
	all := map[string]quota.Charge{}
	for tree, buckets := range estateBuckets {
		for _, b := range buckets {
			all[b] = all[b].Plus(trees[tree])
		}
		all[quota.SourceBucket(e.trees[tree]).Name] = trees[tree]
	}
	return all
}

// differ compares the ledger with sums; at rest nothing is reserved.
func (e *estate) differ(want map[string]quota.Charge) string {
	got := map[string]quota.Charge{}
	for name := range want {
		u := e.Ledger().Usage(name)
		got[name] = u.Used
		if u.Reserved != (quota.Charge{}) {
			return fmt.Sprintf("%s has %+v reserved at rest", name, u.Reserved)
		}
	}
	return cmp.Diff(want, got)
}

// settled is differ when what close(2) does not wait for has happened.
func (e *estate) settled(want map[string]quota.Charge) string {
	if e.beside {
		if err := e.Recounter().Settle(context.Background()); err != nil {
			return err.Error()
		}
	}
	diff := e.differ(want)
	for end := time.Now().Add(5 * time.Second); diff != "" && time.Now().Before(end); diff = e.differ(want) {
		runtime.Gosched()
	}
	return diff
}

// room returns what is left through a place.
func (p *placed) room(sums map[string]quota.Charge) quota.Charge {
	left := quota.Charge{Bytes: noLimit, Files: noLimit, Inodes: noLimit}
	for _, b := range p.limits {
		u := sums[b.bucket]
		left.Bytes = min(left.Bytes, b.bytes-u.Bytes)
		if b.files != noLimit {
			left.Files, left.Inodes = min(left.Files, b.files-u.Files), min(left.Inodes, b.inodes-u.Inodes)
		}
	}
	return left
}

// fits reports whether moving what costs so much here, from a tree, over something,
// finds room in the buckets that it gains.
func (p *placed) fits(sums map[string]quota.Charge, from string, what, over quota.Charge) bool {
	for _, b := range p.limits {
		if slices.Contains(estateBuckets[from], b.bucket) {
			continue
		}
		now := sums[b.bucket].Plus(what).Sub(over)
		grows := what.Sub(over)
		if grows.Bytes > 0 && now.Bytes > b.bytes || grows.Files > 0 && now.Files > b.files || grows.Inodes > 0 && now.Inodes > b.inodes {
			return false
		}
	}
	return true
}

// clear removes what was made, so that everything is as newEstate left it.
func (e *estate) clear(t testing.TB) {
	t.Helper()
	e.beside = true
	script := ""
	for _, dir := range e.trees {
		script += "cd " + dir + "; find . -mindepth 1 ! -path ./d ! -path './[cs]' ! -path './[cs]/d' ! -path ./files -delete; "
	}
	outside(t, script)
	if diff := e.settled(e.sums(e.scans(t))); diff != "" {
		t.Fatalf("after everything was removed (-scan +ledger):\n%s", diff)
	}
}
