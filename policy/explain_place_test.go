package policy

import (
	"errors"
	"strings"
	"testing"
)

func TestExplainPlace(t *testing.T) {
	s := compile(t, explainInput())
	for _, c := range []struct{ account, path, want string }{
		{"alice", "/", "home of alice: /home/alice"},
		{"alice", "/in/x", "home of alice: /home/alice/in/x"},
		{"alice", "/media/x", "folder media: /srv/media/x"},
		{"alice", "/media", "folder media: /srv/media"},
		{"alice", "/a", "synthetic"},
		{"alice", "/a/x", "synthetic"},
		{"alice", "/a/b/deep/x", "folder deep: /srv/deep/x"},
		{"alice", "/sites", "synthetic"},
		{"alice", "/sites/c.org/x", "site o1/c.org: /srv/www/c.org/x"},
		{"alice", "/.ssh/x", "synthetic"},
		{"bob", "/", "synthetic"},
		{"bob", "/elsewhere/x", "synthetic"},
	} {
		e := explain(t, view(t, s, c.account), "download "+c.path)
		got := strings.Replace(e.Place, "/srv/homes/alice", "/home/alice", 1)
		if got != c.want || e.ToPlace != "" {
			t.Errorf("%s: %s lies in %q, %q, want %q", c.account, c.path, e.Place, e.ToPlace, c.want)
		}
	}
	e := explain(t, view(t, s, "alice"), "rename /media/x /sites/b.org/y")
	if e.Place != "folder media: /srv/media/x" || e.ToPlace != "site b.org: /srv/www/b.org/y" {
		t.Errorf("a rename is from %q to %q", e.Place, e.ToPlace)
	}
}

// TestExplainAliases: what people call a verb at a prompt is that verb.
func TestExplainAliases(t *testing.T) {
	v := view(t, compile(t, explainInput()), "alice")
	for alias, verb := range map[string]string{"stat": "lookup", "get": "download", "put": "upload", "mv": "rename", "rm": "delete", "ls": "list"} {
		for _, p := range samplePaths {
			if a, b := explain(t, v, alias+" "+p), explain(t, v, verb+" "+p); say(a.Verdict) != say(b.Verdict) {
				t.Errorf("%s %s = %s, %s = %s", alias, p, say(a.Verdict), verb, say(b.Verdict))
			}
		}
	}
}

// TestExplainErrors: an error says what is wrong, and nothing more.
func TestExplainErrors(t *testing.T) {
	v := view(t, compile(t, explainInput()), "alice")
	for _, c := range []struct {
		q    Question
		want string
		verb bool
	}{
		{Question{Verb: "fly", Path: "/x"}, `no verb or operation "fly"`, true},
		{Question{Verb: "list", Path: "x"}, `the path "x" is not absolute`, false},
	} {
		_, err := v.Explain(c.q)
		if err == nil || err.Error() != c.want || !errors.Is(err, ErrQuestion) || errors.Is(err, ErrVerb) != c.verb {
			t.Errorf("Explain(%+v) = %v, want %s", c.q, err, c.want)
		}
	}
	for _, name := range AskedVerbs() {
		if _, err := v.Explain(Question{Verb: name, Path: "/x"}); err != nil {
			t.Errorf("Explain(%s /x) = %v", name, err)
		}
	}
}
