package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"grantfs/policy"
)

// maxFile bounds one file. 100,000 accounts need about a quarter of it.
const maxFile = 64 << 20

// file is one configuration file: its text, or the problem of reading it.
type file struct {
	name      string
	data      []byte
	problem   *policy.Problem
	forbidden bool // the problem is a lack of permission
}

// Load reads the configuration file at path and the conf.d/*.toml beside it in
// name order (product.md §3). It returns every problem of all files, in their
// order; the Config is never nil, and usable unless policy.HasErrors of the
// problems. It holds the defaults for what is not written. Names of the machine
// are resolved by users; nil knows nobody. It does not look for contradictions
// between tables: that is policy.Compile's.
//
// Each source is looked up on disk once; for those that hang Load waits for
// SourcePatience.
func Load(path string, users Users) (*Config, []policy.Problem) {
	return loadFiles(path, readFiles(path), users)
}

// Text is one file as it was read.
type Text struct {
	Name string
	Data []byte
}

// LoadTexts is Load of the Texts of an earlier Config.
func LoadTexts(path string, texts []Text, users Users) (*Config, []policy.Problem) {
	var files []file
	for _, t := range texts {
		files = append(files, file{name: t.Name, data: t.Data})
	}
	return loadFiles(path, files, users)
}

func loadFiles(path string, files []file, users Users) (*Config, []policy.Problem) {
	d := newDecoder(users)
	c := d.decode(path, files)
	d.missingSources()
	c.SortProblems(d.problems)
	return c, d.problems
}

// readFiles reads the main file and those of conf.d.
func readFiles(path string) []file {
	files := []file{readFile(path)} // may be a pipe
	dir := filepath.Join(filepath.Dir(path), "conf.d")
	entries, err := os.ReadDir(dir) // sorted by name
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		files = append(files, failed(dir, err))
	}
	for _, e := range entries {
		// Names with a dot in front are what editors leave behind.
		if name := e.Name(); strings.HasSuffix(name, ".toml") && !strings.HasPrefix(name, ".") {
			files = append(files, readRegular(filepath.Join(dir, name)))
		}
	}
	return files
}

// readRegular reads a file of conf.d. A FIFO there would keep us waiting for a
// writer.
func readRegular(name string) file {
	if info, err := os.Stat(name); err == nil && !info.Mode().IsRegular() {
		return unreadable(name, "is not a regular file")
	}
	return readFile(name)
}

// readFile reads a file of at most maxFile bytes.
func readFile(name string) file {
	f, err := os.Open(name)
	if err != nil {
		return failed(name, err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	switch {
	case err != nil:
		return failed(name, err)
	case len(data) > maxFile:
		return unreadable(name, fmt.Sprintf("is larger than %d MiB", maxFile>>20))
	}
	return file{name: name, data: data}
}

func unreadable(name, why string) file {
	return file{name: name, problem: &policy.Problem{At: policy.Pos{File: name}, Text: why}}
}

func failed(name string, err error) file {
	f := unreadable(name, "can't be read: "+reason(err))
	f.forbidden = errors.Is(err, fs.ErrPermission)
	return f
}

// reason returns what err says without the operation and the path.
func reason(err error) string {
	if pe, ok := errors.AsType[*fs.PathError](err); ok {
		return pe.Err.Error()
	}
	return err.Error()
}

func newDecoder(users Users) *decoder {
	if users == nil {
		users = noUsers{}
	}
	return &decoder{
		users: users, tables: allTables(),
		seen: map[string]policy.Pos{}, zones: map[string]*time.Location{},
	}
}

// decode reads files one after the other into one Config. Its problems are in
// d, sorted.
func (d *decoder) decode(path string, files []file) *Config {
	c := defaults()
	c.Path = path
	for _, f := range files {
		c.Files = append(c.Files, f.name)
		if f.problem != nil {
			d.problems = append(d.problems, *f.problem)
			c.Incomplete, c.Forbidden = true, c.Forbidden || f.forbidden
			continue
		}
		c.Texts = append(c.Texts, Text{f.name, f.data})
		p := parse(f.name, f.data)
		d.problems = append(d.problems, p.problems...)
		d.partial = p.partial
		c.Incomplete = c.Incomplete || p.partial
		rootTable.decode(d, "", p.root, &c)
	}
	c.Policy.Point = c.Mount.Point.Value
	c.Policy.UnownedAll = c.Aegir.Unowned.Value == "all"
	c.SortProblems(d.problems)
	return &c
}

// missingSources looks for the sources of folders and sites on disk and warns
// of each that is missing or no directory (product.md §3). Of a source with
// placeholders the part before the first one is looked for.
func (d *decoder) missingSources() {
	patience := NewPatience(SourcePatience)
	defer patience.Close()
	for _, source := range d.sources {
		look := source.Value
		if i := strings.IndexByte(look, '%'); i >= 0 {
			look = filepath.Dir(look[:i] + "x")
		}
		info, err := statPatiently(patience, look)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			d.warnf(source.At, "source %s does not exist", quote(look))
		case err != nil:
			d.warnf(source.At, "source %s can't be used: %s", quote(look), reason(err))
		case !info.IsDir():
			d.warnf(source.At, "source %s is not a directory", quote(look))
		}
	}
}

// errHangs is what is wrong with a source whose file system does not answer.
var errHangs = errors.New("its file system does not answer")

func statPatiently(p *Patience, name string) (fs.FileInfo, error) {
	type answer struct {
		info fs.FileInfo
		err  error
	}
	answers := make(chan answer, 1)
	if !p.Do(func() {
		info, err := os.Stat(name)
		answers <- answer{info, err}
	}) {
		return nil, errHangs
	}
	a := <-answers
	return a.info, a.err
}
