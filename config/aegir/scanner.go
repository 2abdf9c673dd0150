package aegir

import (
	"errors"
	"io/fs"
	"os"
	"sort"
	"strings"
	"time"

	"grantfs/config/watch"
	"grantfs/policy"
)

// Grace is how long an alias file that can't be understood any more keeps its last
// good state: whoever writes it in place may not be done (product.md §11).
const Grace = 10 * time.Second

// Scanner discovers hosts again and again. It remembers what each alias file says
// and reads only those that have changed since. The zero Scanner remembers nothing.
// It is not safe for concurrent use.
type Scanner struct {
	// Saved is the last good text of alias files, by path, as another Scanner told
	// by Changes: for those that can't be understood at the first look, after which
	// they are removed here.
	Saved map[string][]byte

	instances map[string]*memory // by directory
	changes   map[string][]byte
}

// Changes returns the texts of the alias files that were understood since it was
// called last, by path; nil for one that has no good state any more.
func (s *Scanner) Changes() map[string][]byte {
	changes := s.changes
	s.changes = nil
	return changes
}

// change notes the last good text of a file.
func (s *Scanner) change(path string, text []byte) {
	if s.changes == nil {
		s.changes = map[string][]byte{}
	}
	s.changes[path] = text
}

// dir returns the memory of an instance.
func (s *Scanner) dir(dir string, now time.Time) *memory {
	m := s.instances[dir]
	if m == nil {
		m = &memory{files: map[string]*aliasFile{}}
		if s.instances == nil {
			s.instances = map[string]*memory{}
		}
		s.instances[dir] = m
	}
	m.asked = now
	return m
}

// forget forgets instances that nobody has asked for since a while: a configuration
// that does not name them may be somebody's half-done work.
func (s *Scanner) forget(now time.Time) {
	for dir, m := range s.instances {
		if now.Sub(m.asked) > keepInstance {
			for file := range m.files {
				s.change(dir+"/.drush/"+file, nil)
			}
			delete(s.instances, dir)
		}
	}
}

// keepInstance is how long an instance is remembered that nobody asks for.
const keepInstance = time.Hour

// memory is what is remembered of one instance.
type memory struct {
	files map[string]*aliasFile // by name
	since time.Time             // when .drush could not be listed any more; zero if it can
	asked time.Time             // when it was last
}

// forget forgets a file of dir.
func (r *reader) forget(dir, file string) {
	if f := r.memory.files[file]; f != nil && f.good {
		r.scanner.change(dir+"/"+file, nil)
	}
	delete(r.memory.files, file)
}

// keepOnly forgets all files of dir but those that were seen.
func (r *reader) keepOnly(dir string, seen map[string]bool) {
	for file := range r.memory.files {
		if !seen[file] {
			r.forget(dir, file)
		}
	}
}

// aliasFile is what is remembered of one alias file.
type aliasFile struct {
	stamp   stamp // of the text that was read last; zero if the next look must read it
	records []record
	good    bool      // records are what some text of it said
	bad     time.Time // since when it can't be understood; zero if it can
	at      policy.Pos
	why     string // it can't
}

// stamp tells one text of a file from another.
type stamp = watch.Stamp

// aliasFile returns what the alias file called file, of the alias name, says.
func (r *reader) aliasFile(dir, file, name string) []record {
	f := r.memory.files[file]
	info, err := os.Lstat(dir + "/" + file)
	switch {
	case errors.Is(err, fs.ErrNotExist), err == nil && !info.Mode().IsRegular():
		r.forget(dir, file)
		return nil
	case f == nil:
		f = new(aliasFile)
		r.memory.files[file] = f
		if err == nil {
			r.restore(f, dir+"/"+file, name, info)
		}
	case err == nil && watch.StampOf(info) == f.stamp:
		return r.judge(f)
	}
	f.at, f.why, f.stamp = policy.Pos{File: dir + "/" + file}, "", stamp{}
	began := time.Now()
	data, read, err := readAlias(f.at.File)
	if errors.Is(err, errNotRegular) || errors.Is(err, fs.ErrNotExist) {
		r.forget(dir, file)
		return nil
	}
	if read.Settled(began) {
		f.stamp = read
	}
	var aliases []Alias
	if err == nil {
		aliases, err = ParseAlias(data)
	}
	if err != nil {
		f.why = err.Error()
		var syntax *SyntaxError
		if errors.As(err, &syntax) {
			f.at.Line, f.at.Col, f.why = syntax.Line, syntax.Col, syntax.Text
		}
		if f.bad.IsZero() {
			f.bad = r.now
		}
		return r.judge(f)
	}
	f.understand(name, aliases)
	r.scanner.change(f.at.File, data)
	return f.records
}

// understand notes what a file says.
func (f *aliasFile) understand(name string, aliases []Alias) {
	f.bad, f.good, f.records = time.Time{}, true, nil
	for _, a := range aliases {
		at := f.at
		at.Line, at.Col = a.Line, a.Col
		f.records = append(f.records, record{file: name, alias: a.needed(), at: at})
	}
}

// seenSaved lets go of what was saved of the files of dir: each was seen.
func (r *reader) seenSaved(dir string) {
	for path := range r.scanner.Saved {
		if file, ok := strings.CutPrefix(path, dir+"/"); ok {
			if r.memory.files[file] == nil {
				r.scanner.change(path, nil)
			}
			delete(r.scanner.Saved, path)
		}
	}
}

// restore gives a file that is seen for the first time the state that was saved of
// it. If it can't be understood that is so since it was changed last.
func (r *reader) restore(f *aliasFile, path, name string, info os.FileInfo) {
	aliases, err := ParseAlias(r.scanner.Saved[path])
	if err != nil {
		return
	}
	f.at = policy.Pos{File: path}
	f.understand(name, aliases)
	f.bad = watch.StampOf(info).Changed()
}

// judge returns what holds of a file. One that can't be understood loses its last
// good state when its time is up.
func (r *reader) judge(f *aliasFile) []record {
	if f.bad.IsZero() {
		return f.records
	}
	r.stale++
	if end := f.bad.Add(Grace); f.good && r.now.Before(end) {
		r.lookAgain(end)
		r.warn(f.at, "alias not understood, what it said before holds for %s: %s", Grace, f.why)
		return f.records
	}
	if f.good {
		r.scanner.change(f.at.File, nil)
	}
	f.good, f.records = false, nil
	r.warn(f.at, "alias ignored: %s", f.why)
	return nil
}

// lastGood returns what the files of a directory said that can't be listed any
// more, until their time is up.
func (r *reader) lastGood(dir string) []record {
	m := r.memory
	if m.since.IsZero() {
		m.since = r.now
	}
	end := m.since.Add(Grace)
	if !r.now.Before(end) {
		r.keepOnly(dir, nil)
		return nil
	}
	names := make([]string, 0, len(m.files))
	for file := range m.files {
		names = append(names, file)
	}
	sort.Strings(names)
	var list []record
	for _, file := range names {
		list = append(list, m.files[file].records...)
	}
	if list != nil {
		r.lookAgain(end)
		r.warn(policy.Pos{File: dir}, "what the aliases of %s said before holds for %s", r.inst.Name, Grace)
	}
	return list
}

// needed returns a with only those of its entries that are asked for: ten thousand
// of them are remembered.
func (a Alias) needed() Alias {
	var entries []Entry
	for _, e := range a.Value.Entries {
		switch e.Key {
		case "context_type", "platform", "uri", "root", "site_path", "site_enabled", "client_name":
			if e.Value.Kind == KindArray {
				e.Value.Entries = nil
			}
			entries = append(entries, e)
		}
	}
	a.Value.Entries = entries
	return a
}
