package bench

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
)

// report is what a run has measured; bench.json holds one.
type report struct {
	Quick  bool     `json:"quick"`
	Rounds int      `json:"rounds"`
	CPUs   int      `json:"cpus"`
	Kernel string   `json:"kernel"`
	Rows   []result `json:"rows"`
}

// result is one workload.
type result struct {
	Workload string             `json:"workload"`
	Unit     string             `json:"unit"`
	Figures  map[string]float64 `json:"figures"` // medians by contender
	Ratio    float64            `json:"ratio"`   // of grantfs to the first of the other contenders, 0 for none
	Gates    []verdict          `json:"gates"`
}

// gate is one demand on grantfs: at least or at most factor times a peer's
// figure, or a figure of its own.
type gate struct {
	peer  string // "" for none
	least float64
	most  float64
}

// verdict is a gate and what became of it.
type verdict struct {
	Gate  string  `json:"gate"`
	Ratio float64 `json:"ratio"` // what was reached: a ratio, or the figure itself
	Met   bool    `json:"met"`
}

func (g gate) judge(figures map[string]float64) verdict {
	got, of := figures["grantfs"], ""
	if g.peer != "" {
		got /= figures[g.peer]
		of = " " + g.peer
	}
	v := verdict{Ratio: got}
	if g.least != 0 {
		v.Gate, v.Met = fmt.Sprintf("≥ %v%s", g.least, of), got >= g.least
	} else {
		v.Gate, v.Met = fmt.Sprintf("≤ %v%s", g.most, of), got <= g.most
	}
	return v
}

// median returns the middle of values, which it sorts.
func median(values []float64) float64 {
	slices.Sort(values)
	n := len(values)
	if n%2 == 1 {
		return values[n/2]
	}
	return (values[n/2-1] + values[n/2]) / 2
}

// round3 keeps three significant digits: more would claim too much.
func round3(v float64) float64 {
	if v == 0 {
		return 0
	}
	scale := math.Pow(10, 2-math.Floor(math.Log10(math.Abs(v))))
	return math.Round(v*scale) / scale
}

// number writes a figure for people.
func number(v float64) string {
	v = round3(v)
	if v >= 10_000 {
		return fmt.Sprintf("%.0fk", v/1000)
	}
	return fmt.Sprint(v)
}

// print writes the table in Markdown, as the README shows it.
func (r report) print(w io.Writer) {
	fmt.Fprintf(w, "Medians of %d rounds, %d CPUs, Linux %s.\n\n", r.Rounds, r.CPUs, r.Kernel)
	fmt.Fprintln(w, "| workload | unit | figures | gates: reached |\n|---|---|---|---|")
	met, all := 0, 0
	for _, row := range r.Rows {
		var figures, gates []string
		for _, name := range slices.Sorted(keys(row.Figures)) {
			figures = append(figures, name+" "+number(row.Figures[name]))
		}
		for _, g := range row.Gates {
			all++
			mark := "**missed**"
			if g.Met {
				met++
				mark = "met"
			}
			gates = append(gates, fmt.Sprintf("%s: %s %s", g.Gate, number(g.Ratio), mark))
		}
		fmt.Fprintf(w, "| %s | %s | %s | %s |\n", row.Workload, row.Unit, strings.Join(figures, ", "), strings.Join(gates, "; "))
	}
	fmt.Fprintf(w, "\n%d of %d gates met.\n", met, all)
}

func keys(m map[string]float64) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}
