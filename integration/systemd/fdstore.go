package systemd

import (
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// Keep has the manager keep a duplicate of fd for the next start of the service,
// under a name without colons (sd_pid_notify_with_fds(3)). The unit must have
// FileDescriptorStoreMax=; what is too much for that is not kept, and nobody
// is told.
func (m Manager) Keep(name string, fd int) error {
	// Not watched: a connection whose other end has gone is still news to us.
	return m.send([]string{"FDSTORE=1", "FDPOLL=0", "FDNAME=" + name}, syscall.UnixRights(fd))
}

// Forget has the manager close what it keeps under a name.
func (m Manager) Forget(name string) error {
	return m.Notify("FDSTOREREMOVE=1", "FDNAME="+name)
}

// Store is where a vault puts what its next start needs (vault.Store).
type Store struct {
	Manager
	Log *slog.Logger
}

// Put has the manager keep a duplicate of fd.
func (s Store) Put(name string, fd int) {
	if err := s.Keep(name, fd); err != nil {
		s.Log.Error("a descriptor is not kept for the next start", "name", name, "error", err)
	}
}

// Remove has the manager close what it keeps under a name.
func (s Store) Remove(name string) {
	if err := s.Forget(name); err != nil {
		s.Log.Error("a descriptor is kept for the next start that is of no use", "name", name, "error", err)
	}
}

// firstStored is the first descriptor that a service manager passes.
const firstStored = 3

// Stored returns what the manager has kept, by name, and passes to this process
// (sd_listen_fds_with_names(3)): descriptors that are the caller's, and that no
// child inherits. The environment no longer tells of them.
func Stored() (map[string]int, error) {
	pid, count, names := os.Getenv("LISTEN_PID"), os.Getenv("LISTEN_FDS"), os.Getenv("LISTEN_FDNAMES")
	for _, name := range []string{"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES", "LISTEN_PIDFDID"} {
		if err := os.Unsetenv(name); err != nil {
			return nil, fmt.Errorf("tidy the environment: %w", err)
		}
	}
	if pid != strconv.Itoa(os.Getpid()) {
		return nil, nil
	}
	n, err := strconv.Atoi(count)
	list := strings.Split(names, ":")
	if err != nil || n < 0 || n > 0 && len(list) != n {
		return nil, fmt.Errorf("the service manager passes %q descriptors with %d names", count, len(list))
	}
	stored := make(map[string]int, n)
	for i, name := range list[:n] {
		syscall.CloseOnExec(firstStored + i)
		stored[name] = firstStored + i
	}
	return stored, nil
}
