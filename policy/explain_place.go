package policy

import (
	"fmt"
	"slices"
	"strings"
)

// note returns what would be so if a real directory lay where f found one that
// only the view provides, "" where that makes no difference.
func (v *View) note(asked []inquiry, f finding) string {
	if !f.unreal {
		return ""
	}
	m := f.place.mount
	where := fmt.Sprintf("%s has a real directory %s", mountTitle(m), join("/", relative(f.dir, m.Path)))
	asked = slices.Clone(asked)
	for i := range asked {
		asked[i].real = true
	}
	switch merged := v.rules().answer(asked); {
	case merged.Allowed():
		return "unless " + where
	case merged.Reason != f.Reason:
		return fmt.Sprintf("where %s the reason is %s", where, merged.Reason)
	}
	return ""
}

// mountTitle names a mount in a sentence.
func mountTitle(m *Mount) string {
	if m.Name == homeName {
		return "the home"
	}
	return strings.Replace(m.Name, ":", " ", 1)
}

// placeSynthetic is the place of what only the view provides.
const placeSynthetic = "synthetic"

// placeOf names the backing that vpath lies in by policy, whether or not the
// account gets there: a path below /sites may lie in a home that merely has a
// directory of that name.
func (v *View) placeOf(vpath string) string {
	m := v.backed(vpath).Mount
	if m == nil {
		return placeSynthetic
	}
	title := strings.Replace(m.Name, ":", " ", 1)
	if m.Name == homeName {
		title = "home of " + v.Account()
	}
	return title + ": " + m.sourceOf(vpath)
}

// backed is the mount that something lies in, nil for none.
type backed struct {
	*Mount
	root bool // it is the root of the mount
}

// backed returns the mount that vpath lies in, where no real directory is taken
// to be merged with one of the view's own.
func (v *View) backed(vpath string) backed {
	p := v.Root()
	for _, name := range split(vpath) {
		if p.synthetic && !p.provides(name) || p.reserves(name) {
			return backed{}
		}
		p = p.Child(name)
	}
	if p.synthetic {
		return backed{}
	}
	return backed{p.mount, p.root}
}
