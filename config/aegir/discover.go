package aegir

import (
	"fmt"
	"os"
	"path"
	"sort"
	"strings"

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
	if opts.Mounts == "" {
		opts.Mounts = "/mnt"
	}
	snap := &Snapshot{}
	var problems []policy.Problem
	dirs := map[string]string{}
	for _, setting := range instances {
		dir := strings.TrimRight(setting.Value, "/")
		name := path.Base(dir)
		fail := func(format string, args ...any) {
			problems = append(problems, policy.Problem{At: setting.At, Text: fmt.Sprintf(format, args...)})
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
		r := reader{inst: Instance{Name: name, Dir: dir, At: setting.At}, opts: opts}
		r.read()
		snap.Instances = append(snap.Instances, r.inst)
		problems = append(problems, r.problems...)
	}
	sort.Slice(snap.Instances, func(i, j int) bool {
		return snap.Instances[i].Name < snap.Instances[j].Name
	})
	return snap, problems
}

// reader fills one Instance.
type reader struct {
	inst     Instance
	opts     Options
	problems []policy.Problem
}

func (r *reader) warn(at policy.Pos, format string, args ...any) {
	r.problems = append(r.problems, policy.Problem{
		At: at, Severity: policy.SeverityWarning, Text: fmt.Sprintf(format, args...),
	})
}

func (r *reader) read() {
	info, err := os.Stat(r.inst.Dir)
	switch {
	case err != nil:
		r.warn(r.inst.At, "instance %s: %v", r.inst.Dir, bare(err))
		return
	case !info.IsDir():
		r.warn(r.inst.At, "instance %s is not a directory", r.inst.Dir)
		return
	}
	records := r.records()
	r.platforms(records)
	r.sites(records)
	r.trees()
}
