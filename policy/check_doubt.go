package policy

// doubts are the parts of an input that say less than was meant: an error in them
// was reported. A warning that something does nothing would be noise where it
// depends on one of them.
type doubts struct {
	settings map[*Settings]bool
	folders  map[string]bool
}

// note marks the settings of an account or a group if something of them was
// refused, where they are written or since before, the number of problems then.
func (d *doubts) note(set *Settings, before int, rep *report) {
	if set.Refused || HasErrors(rep.list[before:]) {
		if d.settings == nil {
			d.settings = make(map[*Settings]bool)
		}
		d.settings[set] = true
	}
}

// noteFolder is note for a folder.
func (d *doubts) noteFolder(f *Folder, before int, rep *report) {
	if f.Refused || HasErrors(rep.list[before:]) {
		if d.folders == nil {
			d.folders = make(map[string]bool)
		}
		d.folders[f.Name] = true
	}
}

// about reports whether what a has may be less than was meant.
func (d *doubts) about(s *Set, a *Account) bool {
	for _, l := range s.layers(a) {
		if d.settings[l.settings] {
			return true
		}
		for i := range l.settings.VirtualFolders {
			if d.folders[l.settings.VirtualFolders[i].Folder.Value] {
				return true
			}
		}
	}
	return false
}
