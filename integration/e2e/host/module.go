package host

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// ModuleName is the name of the PAM module. A host expects it beside the grantfs
// program.
const ModuleName = "pam_grantfs.so"

// BuildModule builds the PAM module into dir as it is shipped. root is the
// directory of the Makefile.
func BuildModule(root, dir string) error {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return fmt.Errorf("build the PAM module: %w", err)
	}
	cmd := exec.Command("make", "-s", "-C", root, "pam", "PAM="+filepath.Join(dir, ModuleName))
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build the PAM module: %w: %s", err, out)
	}
	return nil
}

// installModule puts the PAM module where the host has its own.
func installModule(path string) error {
	module, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("install the PAM module: %w", err)
	}
	found, err := filepath.Glob("/lib/*/security/pam_unix.so")
	if err != nil || len(found) == 0 {
		return errors.Join(errors.New("install the PAM module: this machine has no pam_unix.so"), err)
	}
	// A new file in its place: an sshd with a session open has the old one mapped,
	// and would crash were it overwritten.
	target := filepath.Join(filepath.Dir(found[0]), ModuleName)
	if err := write(target+".new", string(module), 0o644); err != nil {
		return err
	}
	if err := os.Rename(target+".new", target); err != nil {
		return fmt.Errorf("install the PAM module: %w", err)
	}
	return nil
}
