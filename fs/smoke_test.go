package fs_test

import (
	"os"
	"path/filepath"
	"testing"
)

func TestSmoke(t *testing.T) {
	dir := tree(t, "a.txt", "sub/", "sub/b.txt")
	in, ids := home(dir, nil)
	m := mount(t, in, ids)
	root := filepath.Join(m.point, "alice")
	as(aliceUID, func() {
		es, err := os.ReadDir(root)
		t.Log(es, err)
		b, err := os.ReadFile(filepath.Join(root, "sub/b.txt"))
		t.Logf("%q %v", b, err)
		err = os.WriteFile(filepath.Join(root, "new.txt"), []byte("hello"), 0o600)
		t.Log(err)
		st, err := os.Stat(filepath.Join(root, "new.txt"))
		t.Logf("%+v %v", st, err)
		t.Log(os.Mkdir(filepath.Join(root, "d"), 0o700))
		t.Log(os.Rename(filepath.Join(root, "new.txt"), filepath.Join(root, "d/x")))
		t.Log(os.Remove(filepath.Join(root, "d/x")))
		t.Log(os.Remove(filepath.Join(root, "d")))
	})
}
