package manual

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"grantfs/integration/metrics"
)

// TestMetricsChapter: the chapter has what is exported and what alerts, and nothing
// else.
func TestMetricsChapter(t *testing.T) {
	const file = "metrics-and-alerts.md"
	is := read(t, file)
	should := between(t, is, "metrics", metricsTable(t))
	should = between(t, should, "alerts", alertsTable(t))
	settle(t, file, is, should)
}

// TestMetricsExist: each metric that a chapter speaks of is exported.
func TestMetricsExist(t *testing.T) {
	exported := metricsTable(t)
	for _, file := range chapters(t) {
		for _, name := range regexp.MustCompile(`\bgrantfs_[a-z]+_[a-z_]+`).FindAllString(read(t, file), -1) {
			name = strings.TrimSuffix(name, "_bucket")
			if !strings.Contains(exported, "`"+name+"`") {
				t.Errorf("%s speaks of %s", file, name)
			}
		}
	}
}

// between returns text with what stands between the marks of a name replaced.
func between(t *testing.T, text, name, with string) string {
	t.Helper()
	start, end := "<!-- "+name+" -->\n", "<!-- end of "+name+" -->\n"
	before, rest, ok1 := strings.Cut(text, start)
	_, after, ok2 := strings.Cut(rest, end)
	if !ok1 || !ok2 {
		t.Fatalf("no marks for %s", name)
	}
	return before + start + with + end + after
}

func metricsTable(t *testing.T) string {
	t.Helper()
	limit := int64(1)
	m, err := metrics.New(metrics.Options{State: func() metrics.State {
		return metrics.State{
			Sessions: metrics.Sessions{Accounts: []metrics.AccountSessions{{Account: "o1.foo"}}},
			Quotas: metrics.Quotas{
				Top:       []metrics.Usage{{Bucket: "account:o1.foo", LimitBytes: &limit, LimitFiles: &limit, LimitInodes: &limit}},
				Transfers: []metrics.Transfer{{Account: "o1.foo"}},
			},
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	var b strings.Builder
	b.WriteString("| metric | type | labels | what it says |\n|---|---|---|---|\n")
	for _, f := range regexp.MustCompile(`(?m)^# HELP (grantfs_\S+) (.*)\n# TYPE \S+ (\S+)\n(.*)`).FindAllStringSubmatch(w.Body.String(), -1) {
		var labels []string
		for _, l := range regexp.MustCompile(`([a-z_]+)="`).FindAllStringSubmatch(f[4], -1) {
			if l[1] != "le" {
				labels = append(labels, l[1])
			}
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", f[1], f[3], strings.Join(labels, ", "), strings.ReplaceAll(f[2], "|", `\|`))
	}
	return b.String()
}

func alertsTable(t *testing.T) string {
	t.Helper()
	rules := read(t, "../metrics/grantfs.alerts.yml")
	one := regexp.MustCompile(`(?s)- alert: (\w+)\n.*?severity: (\w+).*?summary: "(.*?)"\n.*?description: "(.*?)"\n`)
	expression := regexp.MustCompile(`\{\{.*?\}\}`)
	var b strings.Builder
	found := one.FindAllStringSubmatch(rules, -1)
	for _, a := range found {
		text := expression.ReplaceAllString(a[3]+". "+a[4], "…")
		fmt.Fprintf(&b, "**%s** (%s): %s\n\n", a[1], a[2], strings.ReplaceAll(text, `\"`, `"`))
	}
	if n := strings.Count(rules, "- alert: "); len(found) != n {
		t.Fatalf("%d of %d alerts were understood", len(found), n)
	}
	return b.String()
}
