// Package backing makes the system calls below one pinned directory.
//
// A Root is opened once; from then on no path string reaches the kernel. Every
// call names a directory by its file descriptor and at most one component by a
// Name, and follows no symlink. An object is kept as a file handle
// (name_to_handle_at(2)), which survives renames, pins nothing and fails with
// ESTALE when its inode number is reused; where a file system has no handles it
// is kept as an O_PATH descriptor within a budget.
//
// The process runs with umask 0 (see Unmask): modes are computed by the caller
// and must arrive as given.
//
// Every function returns a plain syscall.Errno as its error. All are safe for
// concurrent use. Lock order: Cache.mu → closer.mu; neither is held over a system
// call.
package backing
