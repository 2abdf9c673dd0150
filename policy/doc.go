// Package policy decides. It is pure: values in, verdicts out, no file, no
// clock, no network. Compile turns an Input (accounts, groups, folders, sites)
// into an immutable Set; every request is judged by a Place of it.
//
// # How a verdict is made
//
// A View is what one account sees: its home, its sites under /sites and its
// virtual folders, each a Mount. Its rules are a tree of path components, exact
// ones and globs. A Place is a cursor in that tree: the positions that are
// still active, the nearest permission and pattern entries so far, the mount,
// and the position in the tree of all sites (which carries the presets). So a
// question costs nothing that depends on the depth of the path or on the number
// of entries, and what lies below all entries shares one Place.
//
// Verdict = view permissions ∩ the mount's own ∩ the site's preset
// (product.md §5). Names and patterns are asked first: they decide whether a
// refusal is shown as ENOENT or EACCES.
//
// # What else is decided here
//
// The merge (merge.go) folds an account with its groups; Effective holds the
// result with the origin of each value, Settings shows it. Admit answers a login.
// The files check_*.go judge what is written, then what the merge made of it; an
// entry that does nothing is judged over all accounts that inherit it.
//
// # Invariants
//
//   - A Set, its Views, Mounts and Places never change once handed out; what is
//     memoised lazily is a function of what is immutable.
//   - A view's memory is bounded by its configuration, never by the names that
//     its account asks about.
//   - A refusal carries a Rule that belongs to the Set: asking allocates nothing.
//
// # Locks
//
// rules.mu (one per view, guards the memo of Places). Nothing is called while
// it is held but the pure construction of a Place.
package policy
