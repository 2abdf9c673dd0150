package fs

import "time"

// Stats are figures of this moment.
type Stats struct {
	Nodes   int              // that the kernel knows
	Handles [HandleModes]int // open files and directories
	// Revoked are open handles whose data is passed through although the policy
	// does not allow it any more: it ends with the session.
	Revoked    int
	BackingIDs int // files registered with the kernel for passthrough
	IdleFDs    int // descriptors kept for later use
	Waiting    int // requests that wait for a slot of their account or are paced
	Refused    [Caps]uint64
	Traffic    [2]Traffic // by limit.Direction
	Uncleared  uint64     // files that may have kept set-user-ID bits after they were written
}

// Traffic is what moved in one direction under a rate or transfer limit of some
// account.
type Traffic struct {
	Bytes  uint64
	Waits  uint64        // requests that waited for their rate
	Waited time.Duration // all of them together
}

// A CapKind names one of the caps that keep an account from exhausting what all
// share.
type CapKind uint8

// The caps.
const (
	CapFiles    CapKind = iota // open files
	CapDirs                    // open directories
	CapUnlinked                // files that were unlinked while they were open
	CapWaiting                 // requests that wait
	Caps                       // how many there are
)

// String returns the cap's name in metrics.
func (c CapKind) String() string {
	return [Caps]string{"open_files", "open_directories", "unlinked_files", "waiting_requests"}[c]
}

// Stats returns the figures of this moment. It makes no system call and never
// waits for a backing.
func (s *Server) Stats() Stats {
	st := Stats{
		Nodes:      s.nodes.Len(),
		Handles:    s.handles.byMode(),
		BackingIDs: s.conn.BackingIDs(),
		IdleFDs:    s.fds.Idle(),
		Uncleared:  s.uncleared.Load(),
		Waiting:    s.conn.Waiting(),
		Refused: [Caps]uint64{
			CapFiles: s.caps.files.Refused(), CapDirs: s.caps.dirs.Refused(),
			CapUnlinked: s.caps.unlinked.Refused(), CapWaiting: s.conn.Refused(),
		},
	}
	for d := range s.traffic {
		f := &s.traffic[d]
		st.Traffic[d] = Traffic{f.moved.Load(), f.waits.Load(), time.Duration(f.waited.Load())}
	}
	for _, h := range s.Revoked() {
		if h.Mode == Passthrough {
			st.Revoked++
		}
	}
	return st
}
