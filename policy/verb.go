package policy

import "strings"

// Verbs is a set of permissions of product.md §5.
type Verbs uint16

// The verbs. "*", "delete" and "rename" are names for several of them.
const (
	VerbList Verbs = 1 << iota
	VerbDownload
	VerbUpload
	VerbOverwrite
	VerbDeleteFiles
	VerbDeleteDirs
	VerbRenameFiles
	VerbRenameDirs
	VerbCreateDirs
	VerbCreateSymlinks
	VerbChmod
	VerbChown
	VerbChtimes
	VerbCopy

	VerbAll Verbs = 1<<14 - 1
	// VerbAny stands in the table of operations for "any verb at all".
	VerbAny = VerbAll
	// VerbsChange are the verbs that change something below a directory.
	VerbsChange = VerbAll &^ (VerbList | VerbDownload | VerbCopy)
)

var verbNames = []struct {
	name  string
	verbs Verbs
}{
	{"*", VerbAll},
	{"list", VerbList},
	{"download", VerbDownload},
	{"upload", VerbUpload},
	{"overwrite", VerbOverwrite},
	{"delete", VerbDeleteFiles | VerbDeleteDirs},
	{"delete_files", VerbDeleteFiles},
	{"delete_dirs", VerbDeleteDirs},
	{"rename", VerbRenameFiles | VerbRenameDirs},
	{"rename_files", VerbRenameFiles},
	{"rename_dirs", VerbRenameDirs},
	{"create_dirs", VerbCreateDirs},
	{"create_symlinks", VerbCreateSymlinks},
	{"chmod", VerbChmod},
	{"chown", VerbChown},
	{"chtimes", VerbChtimes},
	{"copy", VerbCopy},
}

// ParseVerb returns the verbs that name stands for.
func ParseVerb(name string) (Verbs, bool) {
	for _, v := range verbNames {
		if v.name == name {
			return v.verbs, true
		}
	}
	return 0, false
}

// VerbNames returns every name that ParseVerb knows.
func VerbNames() []string {
	list := make([]string, len(verbNames))
	for i, v := range verbNames {
		list[i] = v.name
	}
	return list
}

// String returns the verbs of v, comma-separated, "*" for all and "-" for none.
func (v Verbs) String() string {
	if v == VerbAll {
		return "*"
	}
	var list []string
	for _, n := range verbNames {
		single := n.verbs&(n.verbs-1) == 0
		if single && v&n.verbs != 0 {
			list = append(list, n.name)
		}
	}
	if len(list) == 0 {
		return "-"
	}
	return strings.Join(list, ",")
}
