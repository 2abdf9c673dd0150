// Package quota is the ledger: what every bucket of product.md §9 holds, and
// what operations under way have reserved of it.
//
// # Reserve, do, settle
//
// Growth is reserved in every bucket above an object before it is done, all or
// none; what it came to is settled afterwards. So writers that run at once can't
// pass a limit together, and at every moment used + reserved is within the
// limit, unless others than us wrote or the limit was lowered. There are no
// allowances for single writers: reserve and settle in four buckets take a
// fraction of a microsecond, and what nobody holds in advance nobody else is
// refused.
//
// A bucket's limit belongs to the mount that an object is seen through, its
// counter to all of them: a Set is both. "Unlimited" is a type (policy.Limit);
// counters are 64-bit numbers and every sum of them is checked.
//
// # Sources
//
// Each directory tree that is counted has a bucket of its own, without a limit,
// in every Set of objects in it. What a count of the tree finds is compared with
// that bucket alone, and the difference goes to all the others: so what lies
// in several folders or sites is counted once in each bucket, whatever other
// trees that bucket holds. Where one source lies within another by path, what is
// in the inner one belongs to the buckets of both (both folders hold it, and
// every bucket above an object is charged), and is counted by the inner one's
// tree: the outer count stops there. The root of a source costs nothing there;
// as an entry of the directory that holds it it is an inode like any other.
//
// So the sources are the truth and the other buckets sums of them, which every
// operation keeps up to date. Derive makes the sums anew, from
// policy.Set.Charged: when the policy has changed whose a source is, or when the
// last process did not end in order.
//
// # Counting
//
// A Tree knows what each directory of a source holds. An operation of ours enters
// the directories whose names it may change, settles with the ledger, notes the
// same change with the Tree and leaves:
//
//	tree.Enter(dir)
//	grant, err := ledger.Reserve(set, request)
//	... the system call ...
//	ledger.Settle(grant, change)
//	tree.Note(dir, file, change)
//	tree.Leave(dir)
//
// Then Count, however long it takes and whatever we do meanwhile, finds exactly
// what others than us did, and Reread finds what they did in one directory.
// While a directory is read for the last time, operations in it (reads and
// writes of other places never) may wait for the end of that reading. Writes
// of others during a count are found by it or by the next one.
//
// # Others
//
// A Recounter has one goroutine for each mounted file system with sources, which
// does all their counting. Package watch tells it in which directories others
// changed something. It climbs from each to the root of a source (or to none), has
// it read again, with what is new below it, and tells the ledger at the end of
// the round. Reading again compares with what the Tree knew, so it does no harm
// where we wrote too. A directory is new where it was found in another one than
// before, or where it was made at another time: inode numbers are used again.
// What left a directory and appeared in none by the end of the round is dropped
// with all below it; should it appear in the next, it is read as new.
//
// Rounds go on while a source is counted as a whole, between two of its
// directories; what they read is read once more at the end of the count, before it
// drops what it did not see, so that nothing can be moved past it.
//
// A file with several names costs once in each tree, and what is done through one
// name may concern them all: the caller has its directory read again (Touch). Where
// names are missing in a tree, others that know the file are counted as a whole
// when its size has changed, and all on the file system when it has appeared.
//
// Some things take a count as a whole: a queue that overflowed, a second name for
// a file that was known to have one, a directory of others that we wrote in and
// that vanished before it was read. It is begun at once, but all such counts of a
// source take a tenth of the time at most. Where a file system can't be watched,
// a count every RecountOptions.Period is all there is.
//
// # Memory
//
// What a process has charged when it is killed is known by Tickets: each operation
// has one beside what is written down of it, and is charged together with its
// Ticket or not at all.
//
// Records have a fixed size and no pointers and lie with their names in chunks
// of memory that the caller provides, so that a successor of the process can
// take them over; the index by name and the locks are each process's own.
// A record is complete before the chunk's count includes it. Buckets are never
// removed while the ledger lives; one that holds nothing is not written down.
//
// # Locks
//
// Ledger.mu guards the index and every record: one lock, held over a few
// additions and never over an operation. Tree.mu guards what a Tree knows, in the
// same way. Recounter.mu guards which sources and volumes there are and their
// state, and is taken before Ledger.mu; the other two are leaves. None is held
// over a system call on a source but the duplication of its descriptor.
package quota
