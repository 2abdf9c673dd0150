package aegir

import (
	"sort"
	"strings"

	"grantfs/policy"
)

// platforms takes the platforms from the aliases called platform_*. The panel's
// own platform is none.
func (r *reader) platforms(records []record) {
	for _, rec := range records {
		name, ok := strings.CutPrefix(rec.file, platformPrefix)
		if !ok || text(rec, "context_type") != "platform" {
			continue
		}
		root := text(rec, "root")
		if r.isPanel(root) {
			continue
		}
		if !isPlatformName(name) {
			r.warn(rec.at, "platform ignored: %q can't be a name in /platforms", name)
			continue
		}
		clean, err := insidePath(r.inst.Dir, root)
		if err != nil {
			r.warn(r.place(rec, "root"), "platform %s ignored: root %q %v", name, root, err)
			continue
		}
		if own, ok := ownTree(r.inst.Dir, clean); ok {
			r.warn(r.place(rec, "root"), "platform %s ignored: root %q lies in %s, where no platform is", name, root, own)
			continue
		}
		if n := len(r.inst.Platforms); n > 0 && r.inst.Platforms[n-1].Name == name {
			r.warn(rec.at, "platform %s ignored: the file describes it twice", name)
			continue
		}
		r.inst.Platforms = append(r.inst.Platforms, Platform{Name: name, Root: clean, At: rec.at})
	}
}

// trees looks for the directories that the main account sees besides sites. What
// is not there has no place in its view.
func (r *reader) trees() {
	dir := r.inst.Dir
	r.tree(Tree{Name: "backups", Path: "/backups", Source: dir + "/backups", ReadOnly: true})
	for _, p := range r.inst.Platforms {
		// A Composer platform's alias may name the directory above its docroot.
		for _, docroot := range []string{"", "/web", "/docroot", "/html"} {
			t := Tree{Name: "platforms." + p.Name, Path: "/platforms/" + p.Name, Source: p.Root + docroot + "/sites"}
			if r.tree(t) {
				break
			}
		}
	}
	r.tree(Tree{Name: "static", Path: "/static", Source: dir + "/static"})
	sort.Slice(r.inst.Trees, func(i, j int) bool { return r.inst.Trees[i].Path < r.inst.Trees[j].Path })
}

func (r *reader) tree(t Tree) bool {
	if r.look.checkDir(r.inst.Dir, t.Source) != nil {
		return false
	}
	r.inst.Trees = append(r.inst.Trees, t)
	return true
}

// place returns where the key of an alias is written, or where its statement
// begins.
func (r *reader) place(rec record, key string) policy.Pos {
	at := rec.at
	if e, ok := rec.alias.Value.Entry(key); ok {
		at.Line, at.Col = e.Line, e.Col
	}
	return at
}

// text returns the string called key of an alias, "" if there is none.
func text(rec record, key string) string {
	e, _ := rec.alias.Value.Entry(key)
	if e.Value.Kind != KindString {
		return ""
	}
	return e.Value.Str
}
