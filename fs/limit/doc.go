// Package limit holds what an account may take of the machine besides storage:
// bytes per second, bytes per transfer period, and the size of one file
// (product.md §4, §9).
//
//   - Rates: one token bucket per account and direction, shared by all of its
//     sessions. The first bandwidth_limits entry whose network holds the client's
//     address replaces the account's own limits and has buckets of its own.
//   - Transfers: bytes moved per account (and data_transfer_limits entry) in each
//     period: reserved before they move, settled after.
//   - Cap: how much of something shared an account may hold (open files).
//   - FileRoom and FileSize: max_upload_file_size, pure.
//
// A request is paced first and reserves its transfer after that, so that nobody
// waits for the rate with bytes of others' transfer in hand; the ledger's
// reservations come last. What reads the requests only calls Try; Wait and Reserve
// are for a request that has a goroutine of its own.
//
// Invariants
//
//   - The bytes that a bucket lets go in any time t are at most its burst and
//     rate·t, exactly: levels are integers, nothing is rounded away. While
//     requests wait they are exactly rate·t.
//   - Requests that wait are served in turns, a quantum each, so that a large one
//     holds up nobody; a change of the rate holds for those that wait already.
//   - moved + in flight never passes a transfer limit that was not lowered
//     meanwhile, and nobody is refused, or shortened, while bytes that would do are only in
//     flight: they might not be moved after all.
//   - A period begins at the host's local midnight. A counter never goes back to
//     an earlier period: a clock that is set back neither gives back nor charges
//     twice.
//   - An account without a limit costs nothing: no record, no lock, no wait.
//
// What must outlive the process lies in fixed-size records without pointers, in
// memory that a Memory provides; a successor that is given the same chunks goes
// on where this one stopped. Requests in flight are not in there: they are sent
// again. Rates need no more than that; Transfers also writes a Snapshot for the
// next boot.
//
// golang.org/x/time/rate is not used: it counts in floating point, a reservation
// that waits keeps the rate it was made under, a request above the burst is
// refused instead of split, and its state can't live in memory that outlasts the
// process.
//
// Errors are Go errors; their errno is the caller's to choose: ErrUsedUp is
// EDQUOT, ErrTooLarge is EFBIG, ErrInterrupted is EINTR where nothing was granted.
//
// Lock order: Rates.mu → Bucket.mu, Transfers.mu → counter.mu. All functions are
// safe for concurrent use.
package limit
