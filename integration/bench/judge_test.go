package bench

import (
	"strings"
	"testing"
)

func TestMedian(t *testing.T) {
	for _, c := range []struct {
		values []float64
		want   float64
	}{{[]float64{3}, 3}, {[]float64{5, 1, 3}, 3}, {[]float64{4, 1, 3, 2}, 2.5}} {
		if got := median(c.values); got != c.want {
			t.Errorf("median of %v is %v, want %v", c.values, got, c.want)
		}
	}
}

func TestGates(t *testing.T) {
	figures := map[string]float64{"native": 100, "grantfs": 80}
	for _, c := range []struct {
		gate gate
		want verdict
	}{
		{least("native", 0.8), verdict{"≥ 0.8 native", 0.8, true}},
		{least("native", 0.9), verdict{"≥ 0.9 native", 0.8, false}},
		{most("native", 0.8), verdict{"≤ 0.8 native", 0.8, true}},
		{most("", 79), verdict{"≤ 79", 80, false}},
	} {
		if got := c.gate.judge(figures); got != c.want {
			t.Errorf("%+v: %+v, want %+v", c.gate, got, c.want)
		}
	}
}

func TestPrint(t *testing.T) {
	r := report{Rounds: 5, Rows: []result{{
		Workload: "read", Unit: "MB/s", Figures: map[string]float64{"native": 12345, "grantfs": 1234},
		Gates: []verdict{{"≥ 0.9 native", 0.1, false}, {"≤ 2000", 1234, true}},
	}}}
	var b strings.Builder
	r.print(&b)
	for _, want := range []string{
		"| read | MB/s | grantfs 1230, native 12k | ≥ 0.9 native: 0.1 **missed**; ≤ 2000: 1230 met |",
		"1 of 2 gates met.",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("printed:\n%s\nwant in it: %s", b.String(), want)
		}
	}
}
