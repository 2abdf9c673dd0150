package metrics

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"grantfs/fs"
	"grantfs/policy"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func newMetrics(t testing.TB, o Options) *Metrics {
	t.Helper()
	m, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// scrape returns what a scrape of m shows.
func scrape(t *testing.T, m *Metrics) string {
	t.Helper()
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if w.Code != http.StatusOK {
		t.Fatalf("scrape = %d %s", w.Code, w.Body)
	}
	return w.Body.String()
}

// wantLine fails the test unless text has the line.
func wantLine(t *testing.T, text, line string) {
	t.Helper()
	for l := range strings.Lines(text) {
		if strings.TrimSuffix(l, "\n") == line {
			return
		}
	}
	name, _, _ := strings.Cut(line, " ")
	for l := range strings.Lines(text) {
		if strings.HasPrefix(l, name+" ") {
			t.Errorf("scrape has %q, want %q", strings.TrimSuffix(l, "\n"), line)
			return
		}
	}
	t.Errorf("scrape has no %s", name)
}

func TestCounts(t *testing.T) {
	m := newMetrics(t, Options{})
	for _, e := range []struct {
		op    policy.Op
		errno syscall.Errno
		d     time.Duration
	}{
		{policy.OpLookup, 0, 5 * time.Microsecond},
		{policy.OpLookup, 0, 5*time.Microsecond + 1},
		{policy.OpLookup, syscall.ENOENT, 3 * time.Second},
		{policy.OpWrite, syscall.EDQUOT, time.Millisecond},
		{policy.OpWrite, syscall.EIO, time.Millisecond},
		{policy.OpRename, syscall.EXDEV, time.Millisecond},
		{policy.OpRename, syscall.EACCES, time.Millisecond},
	} {
		m.Observe(e.op, e.errno, e.d)
	}
	m.Denied(policy.ReasonPreset)
	m.Denied(policy.ReasonPreset)
	text := scrape(t, m)
	for _, line := range []string{
		`grantfs_ops_total{op="lookup",result="ok"} 2`,
		`grantfs_ops_total{op="lookup",result="not_found"} 1`,
		`grantfs_ops_total{op="lookup",result="error"} 0`,
		`grantfs_ops_total{op="write",result="quota"} 1`,
		`grantfs_ops_total{op="write",result="error"} 1`,
		`grantfs_ops_total{op="rename",result="invalid"} 1`,
		`grantfs_ops_total{op="rename",result="denied"} 1`,
		`grantfs_ops_total{op="mkdir",result="ok"} 0`,
		`grantfs_op_duration_seconds_bucket{op="lookup",le="5e-06"} 1`,
		`grantfs_op_duration_seconds_bucket{op="lookup",le="1e-05"} 2`,
		`grantfs_op_duration_seconds_bucket{op="lookup",le="2.5"} 2`,
		`grantfs_op_duration_seconds_bucket{op="lookup",le="+Inf"} 3`,
		`grantfs_op_duration_seconds_count{op="lookup"} 3`,
		`grantfs_op_duration_seconds_sum{op="lookup"} 3.000010001`,
		`grantfs_denials_total{reason="preset"} 2`,
		`grantfs_denials_total{reason="pattern"} 0`,
	} {
		wantLine(t, text, line)
	}
}

func TestState(t *testing.T) {
	s := State{
		Accounts: 12, Generation: 3, LastReloadOK: true, LastReload: time.UnixMilli(1_700_000_000_500),
		SourcesMissing: 2, Discovery: Discovery{Problems: 4},
		FS: fs.Stats{
			Nodes: 5, Handles: [fs.HandleModes]int{fs.Passthrough: 6}, Revoked: 1, BackingIDs: 7, IdleFDs: 8, Waiting: 9,
			Refused: [fs.Caps]uint64{fs.CapFiles: 10},
		},
		Restarts: Restarts{Causes: [causes]uint64{CauseSignal: 2, CauseMemory: 1}},
	}
	s.Restarts.Pause(20 * time.Millisecond)
	s.Restarts.Pause(3 * time.Second)
	m := newMetrics(t, Options{Version: "1.2", Revision: "abc", State: func() State { return s }})
	text := scrape(t, m)
	for _, line := range []string{
		"grantfs_policy_accounts 12",
		"grantfs_policy_generation 3",
		"grantfs_policy_last_reload_success 1",
		"grantfs_policy_last_reload_success_timestamp_seconds 1.7000000005e+09",
		"grantfs_source_missing 2",
		"grantfs_aegir_problems 4",
		"grantfs_nodes 5",
		`grantfs_open_handles{mode="passthrough"} 6`,
		`grantfs_open_handles{mode="mediated"} 0`,
		`grantfs_open_handles{mode="directory"} 0`,
		"grantfs_revoked_passthrough_handles 1",
		"grantfs_backing_ids 7",
		"grantfs_idle_descriptors 8",
		"grantfs_waiting_requests 9",
		`grantfs_cap_refusals_total{cap="open_files"} 10`,
		`grantfs_cap_refusals_total{cap="unlinked_files"} 0`,
		`grantfs_worker_restarts_total{cause="signal"} 2`,
		`grantfs_worker_restarts_total{cause="oom"} 1`,
		`grantfs_worker_restarts_total{cause="orderly"} 0`,
		`grantfs_worker_pause_seconds_bucket{le="0.025"} 1`,
		`grantfs_worker_pause_seconds_bucket{le="1"} 1`,
		`grantfs_worker_pause_seconds_count 2`,
	} {
		wantLine(t, text, line)
	}
	for _, part := range []string{`revision="abc"`, `version="1.2"`, "go_goroutines", "process_open_fds"} {
		if !strings.Contains(text, part) {
			t.Errorf("scrape has no %s", part)
		}
	}
	s.LastReloadOK, s.SourcesMissing = false, 0
	text = scrape(t, m)
	wantLine(t, text, "grantfs_policy_last_reload_success 0")
	wantLine(t, text, "grantfs_source_missing 0")
}

// TestLint asks promtool, the judge of names and units.
func TestLint(t *testing.T) {
	m := newMetrics(t, Options{})
	cmd := exec.Command("promtool", "check", "metrics")
	cmd.Stdin = strings.NewReader(scrape(t, m))
	if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("promtool check metrics: %v\n%s", err, out)
	}
}

// TestTablesFit checks that no operation or reason shares a slot with another.
func TestTablesFit(t *testing.T) {
	for _, op := range policy.Ops() {
		if op >= slots {
			t.Errorf("operation %v = %d does not fit in %d slots", op, op, slots)
		}
	}
	for _, r := range policy.Reasons() {
		if r >= slots {
			t.Errorf("reason %v = %d does not fit in %d slots", r, r, slots)
		}
	}
}

func TestResultOf(t *testing.T) {
	for errno, want := range map[syscall.Errno]string{
		0: "ok", syscall.EACCES: "denied", syscall.EPERM: "denied", syscall.ENOENT: "not_found",
		syscall.EDQUOT: "quota", syscall.EFBIG: "quota", syscall.EOPNOTSUPP: "invalid", syscall.EEXIST: "invalid",
		syscall.EIO: "error", syscall.ENOSPC: "error", syscall.ESTALE: "error", syscall.ENOTCONN: "error",
	} {
		if got := ResultOf(errno).String(); got != want {
			t.Errorf("ResultOf(%v) = %s, want %s", errno, got, want)
		}
	}
}

func TestConcurrentCountsAreExact(t *testing.T) {
	const workers, each = 4, 5000
	m := newMetrics(t, Options{})
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for i := range each {
				m.Observe(policy.OpRead, 0, time.Duration(i))
				m.Denied(policy.ReasonPattern)
			}
		})
	}
	wg.Wait()
	s := m.counts.sum(policy.OpRead)
	if s.results[ResultOK] != workers*each || s.count != workers*each {
		t.Errorf("counted %d results and %d durations, want %d", s.results[ResultOK], s.count, workers*each)
	}
	if got := m.counts.denials[policy.ReasonPattern].Load(); got != workers*each {
		t.Errorf("counted %d denials, want %d", got, workers*each)
	}
}

func TestObserveAllocatesNothing(t *testing.T) {
	m := newMetrics(t, Options{})
	n := testing.AllocsPerRun(100, func() {
		m.Observe(policy.OpWrite, syscall.EDQUOT, 17*time.Microsecond)
		m.Denied(policy.ReasonHidden)
	})
	if n != 0 {
		t.Errorf("Observe and Denied allocate %v times, want 0", n)
	}
}

func TestServe(t *testing.T) {
	m := newMetrics(t, Options{})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- m.Serve(ctx, l, ServeOptions{}) }()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for path, want := range map[string]int{"/metrics": http.StatusOK, "/": http.StatusNotFound, "/debug/pprof/": http.StatusNotFound} {
		r, err := client.Get("http://" + l.Addr().String() + path)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(r.Body)
		if err != nil || r.StatusCode != want {
			t.Errorf("GET %s = %d, %v, want %d", path, r.StatusCode, err, want)
		}
		if want == http.StatusOK && !strings.Contains(string(body), "grantfs_ops_total") {
			t.Errorf("GET %s shows no grantfs_ops_total", path)
		}
		if err := r.Body.Close(); err != nil {
			t.Error(err)
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Errorf("Serve = %v, want nil", err)
	}
	if err := m.Serve(context.Background(), l, ServeOptions{}); err == nil {
		t.Error("Serve on a closed listener = nil, want an error")
	}
}

func BenchmarkObserve(b *testing.B) {
	m := newMetrics(b, Options{})
	d := 7 * time.Microsecond
	for b.Loop() {
		d++
		m.Observe(policy.OpLookup, 0, d)
	}
}

func BenchmarkObserveParallel(b *testing.B) {
	m := newMetrics(b, Options{})
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			m.Observe(policy.OpLookup, 0, 7*time.Microsecond)
		}
	})
}
