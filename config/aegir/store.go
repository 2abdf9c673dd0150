package aegir

import (
	"os"
	"path"
	"strings"

	"grantfs/policy"
)

// stores lists the places outside a site that its links `files` and `private`
// may lead to, and no others (product.md §11). Of sites a and a.files, the store
// a.files of the one would hold that of the other: then only the other has it.
func (r *reader) stores(uri string, isSite func(uri string) bool) []policy.Store {
	bases := []string{r.inst.Dir + "/static/files"}
	if store := r.inst.Attached; store != "" {
		bases = append(bases, store)
	}
	var list []policy.Store
	for _, name := range []string{"files", "private"} {
		for _, base := range bases {
			list = append(list, policy.Store{Name: name, Path: base + "/" + uri + "/" + name})
			if beside := uri + "." + name; !isSite(beside) {
				list = append(list, policy.Store{Name: name, Path: base + "/" + beside})
			}
		}
	}
	return list
}

// findAttached returns the directory on another disk that static/files is a link
// to, "" if it is none: only <mounts>/<any>/files/<instance>/static/files will do.
func (r *reader) findAttached() string {
	link := r.inst.Dir + "/static/files"
	if r.look.checkDir(r.inst.Dir, path.Dir(link)) != nil {
		return ""
	}
	r.look.parent(link)
	target, err := os.Readlink(link)
	if err != nil {
		return ""
	}
	target = strings.TrimSuffix(target, "/")
	disk, ok := strings.CutSuffix(target, "/files/"+r.inst.Name+"/static/files")
	disk, under := strings.CutPrefix(disk, r.opts.Mounts+"/")
	if !ok || !under || disk == "" || disk == "." || disk == ".." || strings.Contains(disk, "/") {
		return ""
	}
	if r.look.checkDir(r.opts.Mounts, target) != nil {
		return ""
	}
	return target
}
