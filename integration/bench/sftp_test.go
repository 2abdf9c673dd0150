package bench

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"grantfs/integration/e2e/host"
)

// secure shell's own places, and where clients keep their files.
const (
	sshDir   = top + "/ssh"
	localDir = top + "/local"
)

// sshdConfig serves one user at two ports: in the data itself, and in a view
// of it. Nothing else differs.
const sshdConfig = `ListenAddress 127.0.0.1:%[1]d
ListenAddress 127.0.0.1:%[2]d
HostKey ` + sshDir + `/host_key
AuthorizedKeysFile ` + sshDir + `/key.pub
PidFile none
UsePAM no
Subsystem sftp internal-sftp
Match LocalPort %[1]d
	ChrootDirectory ` + disk + `
	ForceCommand internal-sftp -d /data
Match LocalPort %[2]d
	ChrootDirectory ` + points + `/grantfs/` + quota + `
	ForceCommand internal-sftp -d /
`

// transfer is one row over SFTP: the seconds that a batch takes.
type transfer struct {
	name     string
	fixtures []string
	before   func(run int) error
	batch    string // %d is the run's number
	after    func(run int) error
	most     float64 // times plain OpenSSH
}

func (b *bench) transfers() []transfer {
	work := filepath.Join(data, "work")
	away := func(dir, name string) func(int) error {
		return func(run int) error { return os.RemoveAll(filepath.Join(dir, fmt.Sprintf(name, run))) }
	}
	return []transfer{
		{name: "SFTP get of 1 GiB", fixtures: []string{"big"}, batch: "get big /dev/null", most: 1.05},
		{name: "SFTP put of 1 GiB, quota", fixtures: []string{"big", "work"}, batch: "put " + data + "/big work/put%d", after: away(work, "put%d"), most: 1.15},
		{name: "SFTP get of 2,000 files of 4 KiB", fixtures: []string{"small"}, batch: "get -r small got%d", after: away(localDir, "got%d"), most: 1.1},
		{name: "SFTP put of 2,000 files of 4 KiB", fixtures: []string{"small", "work"}, batch: "put -r " + data + "/small work/small%d", after: away(work, "small%d"), most: 1.2},
		{
			name: "SFTP rm of 2,000 files", fixtures: []string{"work"}, batch: "rm work/gone%d/*", after: away(work, "gone%d"), most: 1.15,
			before: func(run int) error {
				return makeFiles(filepath.Join(work, fmt.Sprintf("gone%d", run)), b.size(2_000, 100), 4096)
			},
		},
		{name: "SFTP ls -l of 10,000", fixtures: []string{"ten"}, batch: "ls -l ten", most: 1.1},
	}
}

// sftp measures the rows over SFTP.
func (b *bench) sftp() error {
	ports, stop, err := startSSH()
	if err != nil {
		return err
	}
	defer stop()
	runs := 0
	for _, r := range b.transfers() {
		if !b.wanted(r.name) {
			continue
		}
		for _, f := range r.fixtures {
			if err := b.fixture(f); err != nil {
				return fmt.Errorf("make %s: %w", f, err)
			}
		}
		names := []string{"openssh", "grantfs"}
		figures, err := b.turns(names, func(name string) (float64, error) {
			runs++
			return r.once(ports[name], runs)
		})
		if err != nil {
			return fmt.Errorf("%s: %w", r.name, err)
		}
		b.add(r.name, "s", figures, names, []gate{most("openssh", r.most)})
	}
	return nil
}

func (r transfer) once(port, run int) (float64, error) {
	if r.before != nil {
		if err := r.before(run); err != nil {
			return 0, err
		}
	}
	if err := settle(false); err != nil {
		return 0, err
	}
	batch := r.batch
	if strings.Contains(batch, "%d") {
		batch = fmt.Sprintf(batch, run)
	}
	cmd := exec.Command("sftp", "-q", "-b", "-", "-c", "aes128-gcm@openssh.com", "-P", fmt.Sprint(port), "-i", sshDir+"/key",
		"-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR", "bench@127.0.0.1")
	cmd.Dir = localDir
	cmd.Stdin = strings.NewReader(batch + "\n")
	var said bytes.Buffer
	cmd.Stderr = &said
	since := time.Now()
	err := cmd.Run()
	took := time.Since(since)
	if err != nil {
		return 0, fmt.Errorf("sftp %q: %w: %s", batch, err, said.Bytes())
	}
	if r.after != nil {
		err = r.after(run)
	}
	return took.Seconds(), err
}

// startSSH starts the machine's own sshd for the user "bench" and returns the
// ports of the contenders.
func startSSH() (ports map[string]int, stop func(), err error) {
	if err := addUser(); err != nil {
		return nil, nil, err
	}
	for _, dir := range []string{sshDir, localDir, "/run/sshd"} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return nil, nil, err
		}
	}
	for _, key := range []string{"host_key", "key"} {
		if err := command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", filepath.Join(sshDir, key)); err != nil {
			return nil, nil, err
		}
	}
	free, err := host.FreePorts(2)
	if err != nil {
		return nil, nil, err
	}
	conf := filepath.Join(sshDir, "sshd_config")
	if err := os.WriteFile(conf, fmt.Appendf(nil, sshdConfig, free[0], free[1]), 0o600); err != nil {
		return nil, nil, err
	}
	d, err := host.Start("sshd", nil, exec.Command("/usr/sbin/sshd", "-D", "-e", "-f", conf))
	if err != nil {
		return nil, nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	stop = func() { d.Stop(context.Background()) }
	for range free {
		if _, err := d.Expect(ctx, regexp.MustCompile(`Server listening on `)); err != nil {
			stop()
			return nil, nil, err
		}
	}
	return map[string]int{"openssh": free[0], "grantfs": free[1]}, stop, nil
}

// addUser gives the account a line in the copy's /etc.
func addUser() error {
	for file, line := range map[string]string{
		"/etc/passwd": "bench:x:%[1]d:%[1]d::/:/usr/sbin/nologin\n",
		"/etc/group":  "bench:x:%[1]d:\n",
		"/etc/shadow": "bench:*:%[1]d:0:99999:7:::\n",
	} {
		f, err := os.OpenFile(file, os.O_WRONLY|os.O_APPEND, 0)
		if err != nil {
			return err
		}
		number := accountUID
		if file == "/etc/shadow" {
			number = 20_000 // days
		}
		_, err = fmt.Fprintf(f, line, number)
		f.Close()
		if err != nil {
			return err
		}
	}
	return nil
}
