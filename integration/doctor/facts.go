package doctor

import "time"

// Facts are what there is to know of a host. What could not be looked at is zero,
// and in Unknown or in an error text beside it.
type Facts struct {
	Now     time.Time
	Config  string            // the configuration file, where it is not the default; for Mend
	Unknown map[string]string // group: why it could not be looked at

	Kernel   Kernel
	Settings Settings
	Daemon   Daemon
	Mount    Mount
	Sources  Sources
	Names    Names
	PAM      PAM
	SSHD     SSHD
	VSFTPD   VSFTPD
	Systemd  Systemd
	Limits   Limits
}

// Kernel is what the kernel can do.
type Kernel struct {
	Release  string // uname -r
	Device   string // why /dev/fuse can't be opened; "" if it can
	ProbeErr string // why a mount could not be tried

	Passthrough, Resend, IncEpoch bool // of the mount that was tried
}

// File is a file or directory as it is on disk.
type File struct {
	Path string
	UID  uint32
	Mode uint32 // permission bits
}

// Settings are the configuration and what is kept on disk.
type Settings struct {
	Errors, Warnings int
	First            string // the first error
	Files            []File // of the configuration
	StateDir         File   // Path "" while it is missing
	State            []File // the files in it that hold secrets
	Free             uint64 // bytes, of the state's file system
	ClockUnset       bool   // the kernel's clock is not synchronised
	Codes            bool   // some account needs a second factor, which goes by the clock
}

// Daemon is what the daemon that runs says of itself.
type Daemon struct {
	Unreachable  string // why; "" for one that answers
	Version      string
	OwnVersion   string // of this program
	Restarts     []Restart
	ReloadFailed bool
	Unreadable   int    // alias files
	AuditLost    uint64 // lines
}

// Restart is how often the worker was replaced for one cause.
type Restart struct {
	Cause string
	Count uint64
}

// Mount is the mount point and what leads to it.
type Mount struct {
	Point   string
	Here    bool   // in our mount namespace
	Init    int    // mounts of ours at Point in the namespace of process 1
	Dead    string // why it does not answer; "" if it does
	Parents []File // of Point, without Point, from /
}

// Sources are the backing directories and their file systems.
type Sources struct {
	Missing     []string
	Hanging     []string
	Unusable    []string // with the reason
	FileSystems []FileSystem
}

// FileSystem is one on which sources lie.
type FileSystem struct {
	Point     string // where it is mounted
	Type      string
	Handles   bool   // has file handles (name_to_handle_at(2))
	Unwatched string // why fanotify(7) does not watch it; "" if it does
	Free      uint64 // bytes
	MinFree   uint64 // bytes to be kept free
}

// Names is how the host finds users.
type Names struct {
	Service  string              // that must serve them: systemd or extrausers
	Switch   map[string][]string // database: services, of nsswitch.conf
	Library  bool                // the module of Service is installed
	Account  string              // that was asked for, "" for none
	Answer   string              // what is wrong with the answer, "" for nothing
	Duration time.Duration
}

// FileState is how a file of `grantfs apply` is.
type FileState int

// The states of files.
const (
	Current FileState = iota
	Missing
	Stale  // ours, but not what would be written now
	Edited // somebody has changed it, or it is not ours
)

// PAM is the modules and the services.
type PAM struct {
	Missing  string // complaint about modules that are not there
	Unfit    string // complaint about a module that can't be loaded
	Built    string // a module that was built beside the program, "" for none
	Library  string // the directory of modules
	Services FileState
}

// SSHD is the host's sshd.
type SSHD struct {
	Absent      bool
	Version     string
	Knows       bool      // PAMServiceName
	DropIn      FileState // and the additions to units, where they are needed
	Complaint   string    // of sshd or of us about the configuration as it is
	KeysProgram string    // what is wrong with what it asks for keys
	KeysPath    string
	Account     string            // for which Effective is; "" for none
	Effective   map[string]string // sshd -T, keys in lower case
	Listens     bool              // an sshd runs
	AsService   bool              // by the name of the PAM service, where it must
	Service     string            // of PAM
}

// VSFTPD is the vsftpd that serves views.
type VSFTPD struct {
	Absent      bool
	File        FileState
	Path        string
	Options     map[string]string // of the file, nil for none
	Complaint   string            // of vsftpd; "" if it greets
	Certificate string            // path
	Key         string            // path
	Unreadable  string            // what is wrong with the pair
	Expires     time.Time
}

// Systemd is the service manager.
type Systemd struct {
	Booted     bool
	Unit       map[string]string // properties of grantfs.service
	Reload     []string          // units whose files have changed since they were read
	Namespaced []string          // directives of the unit that hide the mount
}

// Limits are the kernel's, and of the worker's process.
type Limits struct {
	Watches, Instances int // fs.inotify.max_user_*; 0: unknown
	Watched            int // directories to watch
	PID                int // of the worker, 0 while nobody serves
	Files              uint64
	Core               uint64
	Memory             uint64 // of the control group, 0 for none
}
