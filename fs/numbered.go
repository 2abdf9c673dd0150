package fs

import (
	"log/slog"

	"grantfs/fs/memory"
)

// numbered keeps the names behind the indexes of views or sources, in the order
// of the indexes, where a successor finds them. Its user serialises the calls.
type numbered struct {
	names *memory.Names
	what  memory.Owner
	log   *slog.Logger
	lost  bool // a name is missing: what follows would be misnumbered
}

// open returns the names that a predecessor has left.
func (n *numbered) open(m *memory.Memory, what memory.Owner, log *slog.Logger) (held []string, err error) {
	n.what, n.log = what, log
	n.names, held, err = memory.OpenNames(m, what)
	return held, err
}

// append keeps one more. Where that fails, this process goes on and its
// successor finds nodes without a name: it begins anew (see takeOver).
func (n *numbered) append(name string) {
	if n.lost {
		return
	}
	if err := n.names.Append(name); err != nil {
		n.lost = true
		n.log.Error("a restart would lose what is open: out of shared memory", "owner", n.what, "name", name, "error", err)
	}
}
