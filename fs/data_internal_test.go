package fs

import (
	"log/slog"
	"strings"
	"testing"

	"grantfs/fs/backing"
	"grantfs/fs/node"
)

// TestUncleared: that the bits of a file that was written could not be cleared is
// said and counted, for its close(2) has returned already.
func TestUncleared(t *testing.T) {
	var log strings.Builder
	tab, err := node.NewTable(func(size int) ([]byte, error) { return make([]byte, size), nil }, 0, func(uint64) {})
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{nodes: tab, opt: Options{Log: slog.New(slog.NewTextHandler(&log, nil))}, fds: backing.NewCache(1)}
	s.views.list = []*view{{name: "alice"}}
	n, _, err := tab.Ref(node.Key{Ino: 1}, node.Identity{Kind: node.KindBacked}, node.Where{Parent: node.RootID, Name: "script"})
	if err != nil {
		t.Fatal(err)
	}
	s.fds.Put(n.ID, backing.FDWrite, -1).Release() // a descriptor of nothing
	s.wasWritten(&handle{node: openedOn(n)})
	if s.uncleared.Load() != 1 || !strings.Contains(log.String(), "script") {
		t.Errorf("%d counted, the log says %q", s.uncleared.Load(), log.String())
	}
	s.wasWritten(&handle{node: openedOn(n)}) // its descriptor is closed: nothing was written since
	if s.uncleared.Load() != 1 {
		t.Errorf("%d counted", s.uncleared.Load())
	}
}
