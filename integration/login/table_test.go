package login

import (
	"bufio"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"grantfs/policy"
)

// attempt is one that the policy has nothing against.
var attempt = policy.Attempt{Protocol: "SSH", Method: "password", Addr: netip.MustParseAddr("192.0.2.1")}

// limited returns the view of an account that may have n sessions.
func limited(t *testing.T, name string, n int64) *policy.View {
	t.Helper()
	a := policy.Account{Name: name}
	a.MaxSessions = policy.Setting[policy.Limit]{Value: policy.Limit{N: n}, Set: true}
	set, problems := policy.Compile(policy.Input{Accounts: []policy.Account{a}})
	if set == nil {
		t.Fatal(problems)
	}
	v, _ := set.View(name)
	return v
}

// family is a process and a child of it, as a monitor and a server are.
type family struct {
	monitor *process
	cmd     *exec.Cmd
	child   int
}

// start starts a family, which ends with the test.
func start(t *testing.T) *family {
	t.Helper()
	cmd := exec.Command("sh", "-c", "sleep 1000 & echo $!; trap 'kill $!' TERM; wait")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(io.LimitReader(out, 20)).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	f := &family{cmd: cmd}
	if f.child, err = strconv.Atoi(strings.TrimSpace(line)); err != nil {
		t.Fatal(err)
	}
	f.monitor, err = openProcess(cmd.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	child, err := openProcess(f.child)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := child.kill(); err != nil {
			t.Error(err)
		}
		f.end()
		child.close()
	})
	return f
}

// end kills the monitor alone, and waits for it.
func (f *family) end() {
	_ = f.cmd.Process.Kill() // os.ErrProcessDone: it has ended
	_ = f.cmd.Wait()         // its status says that it was killed
}

// TestCrowd: of 50 logins at once as many as max_sessions are let in, whichever.
func TestCrowd(t *testing.T) {
	v, table := limited(t, "alice", 4), newTable()
	families := make([]*family, 50)
	for i := range families {
		families[i] = start(t)
	}
	var in sync.Map
	var crowd sync.WaitGroup
	for _, f := range families {
		crowd.Go(func() {
			if table.admit(v, attempt, time.Now(), f.monitor).Allowed() {
				in.Store(f, true)
			}
		})
	}
	crowd.Wait()
	var let []*family
	in.Range(func(f, _ any) bool { let = append(let, f.(*family)); return true })
	if len(let) != 4 {
		t.Fatalf("%d logins were let in, want 4", len(let))
	}

	next := start(t)
	if a := table.admit(v, attempt, time.Now(), next.monitor); a.Reason != policy.AdmitTooManySessions {
		t.Errorf("one more login: %v, want too many sessions", a.Reason)
	}
	// One goes away before it opens its session.
	let[0].end()
	again := start(t)
	if a := table.admit(v, attempt, time.Now(), again.monitor); !a.Allowed() {
		t.Errorf("after a login ended without a session: %v, want room", a.Reason)
	}
	// One opens its session, and closes it.
	l, err := table.start(request{user: "alice"}, let[1].monitor.pid, "password", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	last := start(t)
	if a := table.admit(v, attempt, time.Now(), last.monitor); a.Allowed() {
		t.Error("a session does not count")
	}
	table.end(l)
	last = start(t)
	if a := table.admit(v, attempt, time.Now(), last.monitor); !a.Allowed() {
		t.Errorf("after the end of a session: %v, want room", a.Reason)
	}
}

// TestSecondAttempt: a monitor that asks again has one place, not two.
func TestSecondAttempt(t *testing.T) {
	v, table, f := limited(t, "alice", 1), newTable(), start(t)
	for range 3 {
		p, err := openProcess(f.monitor.pid)
		if err != nil {
			t.Fatal(err)
		}
		if a := table.admit(v, attempt, time.Now(), p); !a.Allowed() {
			t.Fatalf("admit = %v", a.Reason)
		}
	}
	if _, err := table.start(request{user: "bob"}, f.monitor.pid, "password", time.Now()); err == nil {
		t.Error("a session was opened for another account than was admitted")
	}
	if _, err := table.start(request{user: "alice"}, f.monitor.pid, "password", time.Now()); err != nil {
		t.Error(err)
	}
	if _, err := table.start(request{user: "alice"}, f.monitor.pid, "password", time.Now()); err == nil {
		t.Error("a second session was opened by one admission")
	}
}

func TestOfPid(t *testing.T) {
	v, table := limited(t, "alice", 10), newTable()
	open := func() (*family, *live) {
		f := start(t)
		if a := table.admit(v, attempt, time.Now(), f.monitor); !a.Allowed() {
			t.Fatalf("admit = %v", a.Reason)
		}
		l, err := table.start(request{user: "alice"}, f.monitor.pid, "password", time.Now())
		if err != nil {
			t.Fatal(err)
		}
		return f, l
	}
	if s, ok := table.OfPid(os.Getpid()); ok {
		t.Errorf("without any session OfPid = %+v", s)
	}
	one, first := open()
	two, second := open()
	check := func(what string, pid int, want uint64) {
		t.Helper()
		if s, ok := table.OfPid(pid); s.ID != want || ok != (want != 0) {
			t.Errorf("%s: OfPid = session %d, %v, want %d", what, s.ID, ok, want)
		}
	}
	check("a child", one.child, first.ID)
	check("a child, again", one.child, first.ID)
	check("a monitor", two.monitor.pid, second.ID)
	check("this process", os.Getpid(), 0)
	check("a process that the kernel does not tell", 0, 0)
	check("no process", 1<<22+1, 0)

	one.end()
	check("a child that was known before its monitor was killed", one.child, first.ID)
	two.end()
	check("a child that was not", two.child, 0)

	table.end(first)
	check("a child after the end of its session", one.child, 0)
	if len(table.known) != 1 || len(table.Sessions()) != 1 {
		t.Errorf("%d processes and %d sessions are known, want the second's", len(table.known), len(table.Sessions()))
	}
}

// TestEnd: one process's session ends, or all of the account's where nobody knows
// whose it was; what is of no session, or another account's, does not.
// endUID is nobody's on the machine.
const endUID = 1999999123

// startAs starts a sleep as uid, which ends with the test.
func startAs(t *testing.T, uid uint32, sleep string) *process {
	t.Helper()
	cmd := exec.Command(sleep, "1000")
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p, err := openProcess(cmd.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.kill(); err != nil {
			t.Error(err)
		}
		_ = cmd.Wait()
		p.close()
	})
	return p
}

func TestEnd(t *testing.T) {
	table := newTable()
	open := func(account string) *family {
		f := start(t)
		if a := table.admit(limited(t, account, 10), attempt, time.Now(), f.monitor); !a.Allowed() {
			t.Fatalf("admit = %v", a.Reason)
		}
		if _, err := table.start(request{user: account}, f.monitor.pid, "password", time.Now()); err != nil {
			t.Fatal(err)
		}
		return f
	}
	one, two, bob := open("alice"), open("alice"), open("bob")
	alone, heir := startAs(t, endUID, "sleep"), startAs(t, endUID, "sleep")
	for _, step := range []struct {
		what string
		pid  int
		want int
		ends []*process
	}{
		{"a child", one.child, 1, []*process{one.monitor}},
		{"a process of no session", alone.pid, 1, []*process{alone}},
		{"a process that has ended", 1<<22 + 1, 3, []*process{two.monitor, heir}},
		{"a pid that is another account's now", bob.child, 2, nil},
		{"a pid that is root's now", os.Getpid(), 2, nil},
	} {
		if n, err := table.End(step.pid, endUID, "alice"); n != step.want || err != nil {
			t.Errorf("%s: End = %d, %v, want %d", step.what, n, err, step.want)
		}
		for _, p := range step.ends {
			p.wait()
		}
		if step.pid == alone.pid && (!two.monitor.alive() || !heir.alive()) {
			t.Errorf("%s: others have ended", step.what)
		}
	}
	if !bob.monitor.alive() {
		t.Error("bob's session has ended")
	}
}

func TestShadowChanged(t *testing.T) {
	path := t.TempDir() + "/shadow"
	if err := os.WriteFile(path, []byte("root:*:19000:0:99999:7:::\nalice:$6$x:20000:0:99999:7:::\nbob:$6$x:0:::::\nshort\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for user, want := range map[string]time.Time{"alice": time.Date(2024, 10, 4, 0, 0, 0, 0, time.UTC), "bob": {}, "short": {}, "eve": {}} {
		if got, err := ShadowChanged(path, user); err != nil || !got.Equal(want) {
			t.Errorf("%s: %v, %v, want %v", user, got, err, want)
		}
	}
	if _, err := ShadowChanged(path+"x", "alice"); err == nil {
		t.Error("no error without the file")
	}
}
