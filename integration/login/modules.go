package login

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// moduleDirs are where libpam looks for modules.
var moduleDirs = []string{"/lib/*/security", "/usr/lib/*/security", "/lib/security", "/usr/lib/security"}

// CheckModules reports which of the modules that the rendered services name the
// host lacks. A service with a module that is not there lets nobody in.
func CheckModules() error {
	services, err := Render(Options{})
	if err != nil {
		return err
	}
	var missing []string
	for _, text := range services {
		for _, word := range strings.Fields(string(text)) {
			if strings.HasPrefix(word, "pam_") && strings.HasSuffix(word, ".so") && !installed(word) && !slices.Contains(missing, word) {
				missing = append(missing, word)
			}
		}
	}
	if missing != nil {
		slices.Sort(missing)
		return fmt.Errorf("the host lacks the PAM modules %s: install them below /lib/*/security", strings.Join(missing, ", "))
	}
	return nil
}

func installed(module string) bool { return Module(module) != "" }

// Module returns where the host has the PAM module name, "" for nowhere.
func Module(name string) string {
	for _, dir := range moduleDirs {
		if found, _ := filepath.Glob(filepath.Join(dir, name)); found != nil { // the patterns are right
			return found[0]
		}
	}
	return ""
}
