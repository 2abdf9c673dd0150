package metrics

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const (
	alertsFile    = "grantfs.alerts.yml"
	dashboardFile = "grantfs.dashboard.json"
)

// TestAlerts has promtool see each alert fire, alone, and not fire before.
func TestAlerts(t *testing.T) {
	alerts := read(t, alertsFile)
	tests := read(t, "testdata/rules.yml")
	names := regexp.MustCompile(`(?m)^ *- alert: (\w+)$`).FindAllStringSubmatch(alerts, -1)
	if len(names) == 0 {
		t.Fatal("there are no alerts")
	}
	for _, n := range names {
		if !strings.Contains(tests, "- name: "+n[1]+"\n") || !strings.Contains(tests, `alertname="`+n[1]+`"`) {
			t.Errorf("no test has %s fire", n[1])
		}
	}
	promtool(t, "check", "rules", alertsFile)
	promtool(t, "test", "rules", "testdata/rules.yml")
}

// TestDashboard has promtool read every expression, with the variables as Grafana
// fills them in.
func TestDashboard(t *testing.T) {
	var rules strings.Builder
	rules.WriteString("groups:\n - name: dashboard\n   rules:\n")
	expressions := dashboardExpressions(t)
	for i, e := range expressions {
		e = strings.NewReplacer("$__rate_interval", "1m", "$instance", ".*", "$account", "o1.foo").Replace(e)
		if strings.Contains(e, "$") {
			t.Errorf("unknown variable in %s", e)
		}
		fmt.Fprintf(&rules, "    - {record: 'panel:%d', expr: '%s'}\n", i, e)
	}
	file := filepath.Join(t.TempDir(), "rules.yml")
	if err := os.WriteFile(file, []byte(rules.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	promtool(t, "check", "rules", file)
}

// TestMonitoredMetricsExist compares what alerts and dashboard ask with what a
// scrape has, and that way round too: a metric that nobody looks at is not worth
// its series.
func TestMonitoredMetricsExist(t *testing.T) {
	some := int64(1)
	full := State{
		Sessions: Sessions{Accounts: []AccountSessions{{"a", 1}}},
		Quotas: Quotas{
			Top:       []Usage{{Bucket: "account:a", LimitBytes: &some}},
			Transfers: []Transfer{{Account: "a"}},
		},
	}
	text := scrape(t, newMetrics(t, Options{State: func() State { return full }}))
	exported := map[string]bool{"up": true}
	for _, m := range regexp.MustCompile(`(?m)^# TYPE (\S+) (\S+)$`).FindAllStringSubmatch(text, -1) {
		exported[m[1]] = true
		if m[2] == "histogram" {
			exported[m[1]+"_bucket"] = true
		}
	}
	asked := read(t, alertsFile) + strings.Join(dashboardExpressions(t), "\n")
	for _, name := range regexp.MustCompile(`\b(?:grantfs|process)_[a-z_]+`).FindAllString(asked, -1) {
		if !exported[name] {
			t.Errorf("%s is asked for and not exported", name)
		}
	}
	looked := read(t, alertsFile) + read(t, dashboardFile)
	for name := range exported {
		if strings.HasPrefix(name, "grantfs_") && !strings.Contains(looked, name) && !unwatched[name] {
			t.Errorf("%s is exported; neither an alert nor the dashboard looks at it", name)
		}
	}
}

// unwatched are metrics for whoever looks closer.
var unwatched = map[string]bool{
	"grantfs_policy_last_reload_success_timestamp_seconds": true,
	"grantfs_rate_wait_seconds_total":                      true,
	"grantfs_transfer_limits_not_shown":                    true,
}

// dashboardExpressions returns every PromQL expression of the dashboard.
func dashboardExpressions(t *testing.T) (list []string) {
	t.Helper()
	var d any
	if err := json.Unmarshal([]byte(read(t, dashboardFile)), &d); err != nil {
		t.Fatalf("%s: %v", dashboardFile, err)
	}
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			for key, value := range v {
				if e, ok := value.(string); ok && key == "expr" {
					list = append(list, e)
				}
				walk(value)
			}
		case []any:
			for _, value := range v {
				walk(value)
			}
		}
	}
	walk(d)
	if len(list) < 20 {
		t.Fatalf("only %d expressions in %s", len(list), dashboardFile)
	}
	return list
}

func promtool(t *testing.T, args ...string) {
	t.Helper()
	if out, err := exec.Command("promtool", args...).CombinedOutput(); err != nil {
		t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
