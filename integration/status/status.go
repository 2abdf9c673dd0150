package status

import "time"

// The longest lists of a Status.
const (
	MostSessions = 50
	MostQuotas   = 20
	MostFrozen   = 50
	MostSources  = 50
)

// Status is the daemon at one moment. In JSON it is what "grantfs status --json"
// prints.
type Status struct {
	Version   string    `json:"version"`
	Revision  string    `json:"revision"`
	Host      string    `json:"host"`
	At        time.Time `json:"at"`
	Mount     string    `json:"mount"`
	Kernel    Kernel    `json:"kernel"`
	Worker    Worker    `json:"worker"`
	Policy    Policy    `json:"policy"`
	Accounts  Accounts  `json:"accounts"`
	Sites     int       `json:"sites"`
	Instances []string  `json:"instances"`
	Discovery Discovery `json:"discovery"`
	Sessions  Sessions  `json:"sessions"`
	// Missing are sources that can't be reached, Frozen what is read-only until thaw.
	Missing []string `json:"sources_missing"`
	Frozen  []Frozen `json:"frozen"`
	Quotas  Quotas   `json:"quotas"`
	// AuditLost are lines of the audit log that could not be written.
	AuditLost uint64 `json:"audit_lost"`
	// Refused are operations, RefusedLogins logins that the policy refused since the
	// worker started, the most frequent reason first.
	Refused       []Count `json:"refused"`
	RefusedLogins []Count `json:"refused_logins"`
}

// Kernel is what the kernel can do for the mount (architecture: passthrough from
// 6.9 on, resend from 6.9, epochs from 6.16).
type Kernel struct {
	Passthrough bool `json:"passthrough"`
	Resend      bool `json:"resend"`
	IncEpoch    bool `json:"inc_epoch"`
}

// Worker is the process that serves the mount.
type Worker struct {
	PID      int       `json:"pid"`
	Started  time.Time `json:"started"`
	Restarts []Count   `json:"restarts"` // by cause
	Pauses   uint64    `json:"pauses"`
	Paused   float64   `json:"paused_seconds"` // all pauses together
	Errors   uint64    `json:"internal_errors"`
}

// Policy is what is in force.
type Policy struct {
	Generation uint64    `json:"generation"`
	Since      time.Time `json:"since"`
	// Accepted is false while the files on disk are refused and an older policy
	// stays in force.
	Accepted bool `json:"accepted"`
}

// Accounts counts accounts; the locked ones are not in Active.
type Accounts struct {
	Active int `json:"active"`
	Locked int `json:"locked"`
}

// Discovery is how the last look at the Aegir hosts went.
type Discovery struct {
	Last       time.Time `json:"last"`
	Problems   int       `json:"problems"`
	Unreadable int       `json:"unreadable_aliases"`
}

// Sessions are those that are open.
type Sessions struct {
	Open      int       `json:"open"`
	Protocols []Count   `json:"protocols"`
	Newest    []Session `json:"newest"` // no more than MostSessions
}

// Session is one session.
type Session struct {
	Account  string    `json:"account"`
	Protocol string    `json:"protocol"`
	Method   string    `json:"method"`
	Source   string    `json:"source"` // address, "" if unknown
	Since    time.Time `json:"since"`
}

// Frozen is an account or a site that is read-only. In JSON it is one element of
// what "grantfs freeze --json" prints.
type Frozen struct {
	Name  string    `json:"name"` // "account:NAME" or "site:[INSTANCE/]URI"
	Since time.Time `json:"since"`
}

// Quotas are the limits that most is used of.
type Quotas struct {
	Limited int     `json:"limited"` // limits that there are
	Nearest []Quota `json:"nearest"` // no more than MostQuotas
}

// Quota is one limit of a bucket, or of what an account may transfer.
type Quota struct {
	Name     string  `json:"name"`
	Resource string  `json:"resource"` // "bytes", "files", "inodes"
	Used     int64   `json:"used"`
	Limit    int64   `json:"limit"`
	Share    float64 `json:"share"` // used of limit; 1 is all of it
}

// Count is how often something happened.
type Count struct {
	Name string `json:"name"`
	N    uint64 `json:"n"`
}

// Troubles says in words what an admin should look at, the worst first; none if all
// is well.
func (s *Status) Troubles() []string { return troubles(s) }
