package policy

import "testing"

// TestExplainSynthetic: in a directory below a home that only the view provides
// nothing may be done, unless a real one is merged with it (product.md §5).
func TestExplainSynthetic(t *testing.T) {
	in := explainInput()
	in.Accounts[0].VirtualFolders = folders("drop /media/d/drop")
	s := compile(t, in)
	for _, c := range []struct{ account, question, want, note string }{
		{"alice", "upload /a/x", "synthetic EACCES", "unless the home has a real directory /a"},
		{"alice", "upload /a/b/x", "synthetic EACCES", "unless the home has a real directory /a/b"},
		{"alice", "upload /a/x/y", "no_such_place ENOENT", "unless the home has a real directory /a"},
		{"alice", "lookup /a/x", "no_such_place ENOENT", "unless the home has a real directory /a"},
		{"alice", "lookup /a/b", "ok", ""},
		{"alice", "list /a/b", "ok", ""},
		{"alice", "upload /a/b/deep/x", "ok", ""},
		{"alice", "delete /a/x", "no_permission EACCES", ""},
		{"alice", "delete_dirs /a/b", "mount_point EBUSY", ""},
		{"alice", "rename /move/x /a/x", "no_permission EACCES", ""},
		{"alice", "copy /move/x /a/x", "synthetic EACCES", "unless the home has a real directory /a"},
		{"alice", "download /media/d/x", "synthetic EACCES", "unless folder media has a real directory /d"},
		{"bob", "upload /pool/x", "synthetic EACCES", ""},
	} {
		e := explain(t, view(t, s, c.account), c.question)
		if got := say(e.Verdict); got != c.want || e.Note != c.note {
			t.Errorf("%s: %s = %s, note %q, want %s, note %q", c.account, c.question, got, e.Note, c.want, c.note)
		}
	}
}

// TestExplainSyntheticMoves: both ends of a move must be real, and what would
// allow it names the directory that is not.
func TestExplainSyntheticMoves(t *testing.T) {
	a := home(Account{Name: "alice"})
	a.VirtualFolders = folders("media /a/media")
	v := view(t, compile(t, Input{Accounts: []Account{a}, Folders: []Folder{folder("media", "/srv/media")}}), "alice")
	for _, question := range []string{"rename /a/x /y", "rename /y /a/x", "rename /y /a/media"} {
		e := explain(t, v, question)
		want, nothing := "synthetic", "nothing: only the view provides /a, as long as the home has no directory there"
		if question == "rename /y /a/media" {
			want, nothing = "mount_point", "nothing: /a/media is a mount point, or one lies below it"
		}
		if e.Reason.String() != want || e.WouldAllow != nothing {
			t.Errorf("%s = %s, would be allowed by %q, want %s, %q", question, e.Reason, e.WouldAllow, want, nothing)
		}
	}
}
