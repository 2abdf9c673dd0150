package bench

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"strconv"
	"time"

	"grantfs/fs"
	"grantfs/fs/kernel"
	"grantfs/integration/metrics"
	"grantfs/policy"
)

// Accounts of the daemon under test; the home of each shows the data.
const (
	plain   = "plain"   // no limit: reads and writes are passed through
	quota   = "quota"   // a quota that is never reached: writes are mediated
	limited = "limited" // no passthrough, as with a rate: reads are mediated too
	policed = "policed" // permissions and patterns at several levels
)

func set[T any](v T) policy.Setting[T] { return policy.Setting[T]{Value: v, Set: true} }

// input is the policy under test, with as many more accounts as wanted.
func input(more int) (policy.Input, map[string]policy.IDs) {
	home := func(name string) policy.Account {
		return policy.Account{Name: name, Settings: policy.Settings{HomeDir: set(homes + "/" + name)}}
	}
	withQuota, mediated, ruled := home(quota), home(limited), home(policed)
	withQuota.QuotaSize = set(policy.Limit{N: 1 << 40})
	mediated.Passthrough = set(false)
	ruled.Permissions = []policy.Permission{{Path: set("/in"), Verbs: words("list", "upload")}, {Path: set("/a/*/c"), Verbs: words("list", "download")}}
	ruled.FilePatterns = []policy.FilePatterns{{Path: set("/"), Denied: words("*.exe", "*.com", "secret*", "*.b?t")}}
	in := policy.Input{Accounts: []policy.Account{home(plain), withQuota, mediated, ruled}}
	ids := map[string]policy.IDs{}
	if more > 0 {
		in.Groups, in.Folders = groups(1000, 10)
	}
	for i := range more {
		in.Accounts = append(in.Accounts, policy.Account{Name: fmt.Sprintf("a%d", i), PrimaryGroup: set(fmt.Sprintf("g%d", i%1000))})
	}
	for _, a := range in.Accounts {
		ids[a.Name] = policy.IDs{UID: accountUID, GID: accountUID}
	}
	return in, ids
}

func words(list ...string) []policy.Setting[string] {
	var out []policy.Setting[string]
	for _, w := range list {
		out = append(out, set(w))
	}
	return out
}

// groups returns n groups with so many folders each.
func groups(n, mounts int) (list []policy.Group, folders []policy.Folder) {
	for i := range n {
		g := policy.Group{Name: fmt.Sprintf("g%d", i), Settings: policy.Settings{HomeDir: set("/srv/homes/%username%")}}
		g.Permissions = []policy.Permission{{Path: set("/in"), Verbs: words("list", "upload")}}
		for k := range mounts {
			name := fmt.Sprintf("f%d-%d", i, k)
			folders = append(folders, policy.Folder{Name: name, Source: set("/srv/folders/" + name)})
			g.VirtualFolders = append(g.VirtualFolders, policy.Mounting{Folder: set(name), Path: set("/mnt/" + name)})
		}
		list = append(list, g)
	}
	return list, folders
}

// memory is what a daemon says of itself.
type memory struct {
	Nodes int `json:"nodes"`
	Heap  int `json:"heap"` // bytes in use after a collection
	RSS   int `json:"rss"`  // bytes
}

// daemon serves the data at args[0] until its input ends, and answers each line
// with a memory. With "auto" as args[1] directories are listed as the kernel's
// own heuristic asks. GRANTFS_BENCH_PROFILE names a file for a CPU profile.
func daemon(args []string) error {
	if err := os.MkdirAll(args[0], 0o755); err != nil {
		return err
	}
	m, err := metrics.New(metrics.Options{})
	if err != nil {
		return err
	}
	in, ids := input(0)
	compiled, problems := policy.Compile(in)
	if compiled == nil {
		return fmt.Errorf("compile the policy: %v", problems)
	}
	runtime.GOMAXPROCS(max(runtime.GOMAXPROCS(0), kernel.Readers()+2)) // as serve does
	s, err := fs.Mount(fs.Options{
		Point: args[0], EntryTimeout: time.Second, Observer: m, Log: slog.New(slog.NewTextHandler(os.Stderr, nil)),
		MinFree: func(uint64) uint64 { return 0 },
		Policy:  fs.Policy{Set: compiled, IDs: ids}, AlwaysPlus: len(args) > 1,
	})
	if err != nil {
		return err
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve() }()
	if p := os.Getenv("GRANTFS_BENCH_PROFILE"); p != "" && len(args) == 1 {
		f, err := os.Create(p)
		if err != nil {
			return err
		}
		defer f.Close()
		if err := pprof.StartCPUProfile(f); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	fmt.Println("ready")
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		if err := json.NewEncoder(os.Stdout).Encode(usage(s)); err != nil {
			return err
		}
	}
	if err := s.Unmount(); err != nil {
		return err
	}
	return <-served
}

func usage(s *fs.Server) memory {
	debug.FreeOSMemory() // what the collector keeps for later is nobody's
	var ms runtime.MemStats
	runtime.ReadMemStats(&ms)
	return memory{s.Nodes(), int(ms.HeapAlloc), residentSize(os.Getpid())}
}

// residentSize returns VmRSS of a process in bytes, 0 if there is none.
func residentSize(pid int) int {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for line := range bytes.Lines(status) {
		if f := bytes.Fields(line); len(f) > 1 && string(f[0]) == "VmRSS:" {
			kib, _ := strconv.Atoi(string(f[1])) // the kernel's own number
			return kib << 10
		}
	}
	return 0
}

// server is a daemon as its parent sees it.
type server struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Scanner
}

// serve starts a daemon and waits until it is mounted.
func serve(args ...string) (*server, error) {
	s := &server{cmd: exec.Command("/proc/self/exe", append([]string{"daemon"}, args...)...)}
	s.cmd.Stderr = os.Stderr
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if s.in, err = s.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	s.out = bufio.NewScanner(out)
	if err := s.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the daemon: %w", err)
	}
	if !s.out.Scan() {
		return nil, fmt.Errorf("start the daemon: it ended: %w", s.cmd.Wait())
	}
	return s, nil
}

// usage asks the daemon for its memory.
func (s *server) usage() (memory, error) {
	var m memory
	if _, err := fmt.Fprintln(s.in, "usage"); err != nil {
		return m, fmt.Errorf("ask the daemon: %w", err)
	}
	if !s.out.Scan() {
		return m, fmt.Errorf("ask the daemon: no answer")
	}
	return m, json.Unmarshal(s.out.Bytes(), &m)
}

// close ends the daemon.
func (s *server) close() error {
	s.in.Close()
	return s.cmd.Wait()
}

// mountAll mounts every contender.
func (b *bench) mountAll() error {
	for _, name := range []string{"bindfs", "mergerfs"} {
		point := filepath.Join(points, name)
		if err := os.MkdirAll(point, 0o755); err != nil {
			return err
		}
		// Both go to the background once they are mounted.
		if err := command(name, "-o", "allow_other", data, point); err != nil {
			return err
		}
	}
	var err error
	if b.daemon, err = serve(filepath.Join(points, "grantfs")); err != nil {
		return err
	}
	b.auto, err = serve(filepath.Join(points, "auto"), "auto")
	return err
}

// paths are the contenders' ways to the data.
var paths = map[string]string{
	"native":   data,
	"bindfs":   filepath.Join(points, "bindfs"),
	"mergerfs": filepath.Join(points, "mergerfs"),
	"grantfs":  filepath.Join(points, "grantfs"),
	"auto":     filepath.Join(points, "auto"),
}
