package bench

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"grantfs/integration/e2e/host"
)

// bench is one run in the copy of the machine.
type bench struct {
	settings
	binary string
	made   map[string]bool // fixtures that are there
	daemon *server
	auto   *server
	host   *host.Host // runs the program itself, once a row needs it
	rep    report
}

// say tells where the run is.
func (b *bench) say(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "bench: "+format+"\n", args...)
}

// measure does the whole run.
func measure(binary string, opt settings) (report, error) {
	var uts unix.Utsname
	if err := unix.Uname(&uts); err != nil {
		return report{}, fmt.Errorf("ask for the kernel's version: %w", err)
	}
	b := &bench{settings: opt, binary: binary, made: map[string]bool{}}
	b.rep = report{Quick: opt.quick, Rounds: opt.rounds, CPUs: runtime.NumCPU(), Kernel: unix.ByteSliceToString(uts.Release[:])}
	if err := makeDisk(); err != nil {
		return b.rep, err
	}
	if err := b.mountAll(); err != nil {
		return b.rep, err
	}
	for _, part := range []func() error{b.fileSystems, b.sftp, b.figures} {
		if err := part(); err != nil {
			return b.rep, err
		}
	}
	if b.host != nil {
		if err := b.host.Close(); err != nil {
			return b.rep, err
		}
	}
	return b.rep, errors.Join(b.daemon.close(), b.auto.close())
}

// wanted reports whether a row is asked for, and says that it is measured.
func (b *bench) wanted(name string) bool {
	if !b.only.MatchString(name) {
		return false
	}
	b.say("%s", name)
	return true
}

// fileSystems measures the rows on the file systems themselves.
func (b *bench) fileSystems() error {
	for _, r := range b.rows() {
		if !b.wanted(r.name) {
			continue
		}
		if err := b.fixture(r.fixture); err != nil {
			return fmt.Errorf("make %s: %w", r.fixture, err)
		}
		var names []string
		of := map[string]contender{}
		for _, c := range r.contenders() {
			names = append(names, c.name)
			of[c.name] = c
		}
		res, err := b.turns(names, func(name string) (float64, error) { return b.once(r, of[name]) })
		if err != nil {
			return fmt.Errorf("%s: %w", r.name, err)
		}
		b.add(r.name, r.unit, res, names, r.gates)
	}
	return nil
}

// turns lets contenders take turns, with one round that does not count, and
// returns their medians.
func (b *bench) turns(names []string, once func(string) (float64, error)) (map[string]float64, error) {
	samples := map[string][]float64{}
	for round := range b.rounds + 1 {
		if round == 0 && b.quick {
			continue
		}
		order := slices.Clone(names)
		if round%2 == 1 {
			slices.Reverse(order)
		}
		for _, name := range order {
			v, err := once(name)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			if round > 0 {
				samples[name] = append(samples[name], v)
			}
		}
	}
	figures := map[string]float64{}
	for name, s := range samples {
		figures[name] = median(s)
	}
	return figures, nil
}

// add notes a row's figures and judges its gates.
func (b *bench) add(name, unit string, figures map[string]float64, order []string, gates []gate) {
	res := result{Workload: name, Unit: unit, Figures: map[string]float64{}}
	for _, g := range gates {
		v := g.judge(figures)
		v.Ratio = round3(v.Ratio)
		res.Gates = append(res.Gates, v)
	}
	if first := figures[order[0]]; order[0] != "grantfs" && first != 0 {
		res.Ratio = round3(figures["grantfs"] / first)
	}
	for k, v := range figures {
		res.Figures[k] = round3(v)
	}
	b.rep.Rows = append(b.rep.Rows, res)
}

// process is one workload that runs.
type process struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

// once measures one contender once: units per second.
func (b *bench) once(r row, c contender) (float64, error) {
	var procs []*process
	for i := range c.procs {
		l := r.load
		l.Path, l.Spell, l.Part, l.Parts = filepath.Join(c.path, r.fixture), b.spell, i, c.procs
		p, err := begin(l)
		if err != nil {
			return 0, err
		}
		procs = append(procs, p)
	}
	if err := settle(r.load.Cold); err != nil {
		return 0, err
	}
	for _, p := range procs {
		if _, err := io.WriteString(p.in, "go\n"); err != nil {
			return 0, fmt.Errorf("start a workload: %w", err)
		}
	}
	var amount, nanos float64
	for _, p := range procs {
		d, err := p.end()
		if err != nil {
			return 0, err
		}
		amount += d.Amount
		nanos = max(nanos, float64(d.Nanos))
	}
	return amount / nanos * 1e9, nil
}

// begin starts the process of a workload as the account and waits until it is
// prepared.
func begin(l load) (*process, error) {
	args, err := json.Marshal(l)
	if err != nil {
		return nil, err
	}
	p := &process{cmd: exec.Command("/proc/self/exe", "load", l.Name, string(args))}
	p.cmd.Stderr = os.Stderr
	p.cmd.Env = append(os.Environ(), "GODEBUG=asyncpreemptoff=1")
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: accountUID, Gid: accountUID}}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start a workload: %w", err)
	}
	p.out = bufio.NewReader(out)
	if line, err := p.out.ReadString('\n'); err != nil || strings.TrimSpace(line) != "ready" {
		return nil, fmt.Errorf("start a workload: it said %q: %w", line, errors.Join(err, p.cmd.Wait()))
	}
	return p, nil
}

// end waits for a workload and returns what it did.
func (p *process) end() (done, error) {
	var d done
	if err := json.NewDecoder(p.out).Decode(&d); err != nil {
		return d, fmt.Errorf("a workload has not reported: %w", errors.Join(err, p.cmd.Wait()))
	}
	return d, p.cmd.Wait()
}
