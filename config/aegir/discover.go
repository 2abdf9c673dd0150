package aegir

import (
	"fmt"
	"os"
	"path"
	"sort"
	"strings"
	"time"

	"grantfs/policy"
)

// Options says how Discover reads a host.
type Options struct {
	// RequireClientLink gives a client a site only while the instance has a
	// directory clients/<client>/ ([aegir] require_client_link).
	RequireClientLink bool
	// Mounts is where stores of files may be mounted, "/mnt" if empty.
	Mounts string
}

// Discover reads the aliases of the instances, which are absolute directories.
// It never fails as a whole: what can't be read or believed is a warning at its
// alias file and is left out, everything else is in the Snapshot. Only an
// instance that the configuration itself names wrongly is an error. The result
// depends on the disk at the time of the call; concurrent calls are independent.
func Discover(instances []policy.Setting[string], opts Options) (*Snapshot, []policy.Problem) {
	found := new(Scanner).Discover(instances, opts, time.Now())
	return found.Snapshot, found.Problems
}

// Found is what one look at the hosts has found.
type Found struct {
	*Snapshot
	Problems []policy.Problem
	Dirs     []string  // in which a change would change what is found; each was there
	Again    time.Time // when to look again even if nothing changes; zero for never
	Stale    int       // alias files that can't be understood now, whatever is done about it
}

// Discover is the function Discover at the time now, with what s remembers: files
// that have not changed since are not read, and one that can't be understood keeps
// its last good state for Grace.
func (s *Scanner) Discover(instances []policy.Setting[string], opts Options, now time.Time) Found {
	if opts.Mounts == "" {
		opts.Mounts = "/mnt"
	}
	look := newLook()
	found := Found{Snapshot: &Snapshot{}}
	dirs := map[string]string{}
	for _, setting := range instances {
		dir := strings.TrimRight(setting.Value, "/")
		name := path.Base(dir)
		fail := func(format string, args ...any) {
			found.Problems = append(found.Problems, policy.Problem{At: setting.At, Text: fmt.Sprintf(format, args...)})
		}
		if !path.IsAbs(dir) || path.Clean(dir) != dir {
			fail("instance %q is not a clean absolute path", setting.Value)
			continue
		}
		if other, ok := dirs[name]; ok {
			fail("instances %s and %s have the same name %q", other, dir, name)
			continue
		}
		dirs[name] = dir
		r := reader{inst: Instance{Name: name, Dir: dir, At: setting.At}, opts: opts, look: look, scanner: s, memory: s.dir(dir, now), now: now}
		r.read()
		found.Instances = append(found.Instances, r.inst)
		found.Problems = append(found.Problems, r.problems...)
		found.Stale += r.stale
		if found.Again.IsZero() || !r.again.IsZero() && r.again.Before(found.Again) {
			found.Again = r.again
		}
	}
	s.forget(now)
	found.Dirs = look.parents()
	sort.Slice(found.Instances, func(i, j int) bool {
		return found.Instances[i].Name < found.Instances[j].Name
	})
	return found
}

// reader fills one Instance.
type reader struct {
	inst     Instance
	opts     Options
	look     *look
	scanner  *Scanner
	memory   *memory
	now      time.Time
	problems []policy.Problem
	again    time.Time // as in Found
	stale    int
}

func (r *reader) warn(at policy.Pos, format string, args ...any) {
	r.problems = append(r.problems, policy.Problem{
		At: at, Severity: policy.SeverityWarning, Text: fmt.Sprintf(format, args...),
	})
}

// lookAgain asks for another look at t.
func (r *reader) lookAgain(t time.Time) {
	if r.again.IsZero() || t.Before(r.again) {
		r.again = t
	}
}

func (r *reader) read() {
	r.look.parent(r.inst.Dir)
	info, err := os.Stat(r.inst.Dir)
	switch {
	case err != nil:
		r.warn(r.inst.At, "instance %s: %v", r.inst.Dir, bare(err))
		return
	case !info.IsDir():
		r.warn(r.inst.At, "instance %s is not a directory", r.inst.Dir)
		return
	}
	r.inst.Attached = r.findAttached()
	records := r.records()
	r.platforms(records)
	r.sites(records)
	r.trees()
}
