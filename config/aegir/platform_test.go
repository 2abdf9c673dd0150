package aegir

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestPlatformsAndTrees(t *testing.T) {
	tr := newTree(t)
	platform := func(name, root string) {
		tr.alias("platform_"+name, fmt.Sprintf("<?php $aliases['x'] = ['context_type' => 'platform', 'root' => '%s'];", root))
	}
	for _, dir := range []string{"static", "d7/sites", "app/docroot/sites", "both/sites", "both/web/sites", "aegir/d/sites", "config/sites"} {
		tr.dir("o1/" + dir)
	}
	tr.link("static", "o1/backups")
	tr.dir("else/sites")
	tr.link("../else", "o1/linked")
	platform("D7", "TOP/o1/d7")
	platform("App", "TOP/o1/app/")
	platform("Both", "TOP/o1/both")
	platform("Gone", "TOP/o1/gone")
	platform("Linked", "TOP/o1/linked")
	platform("Out", "TOP/else")
	platform("Dots", "TOP/o1/../else")
	platform("Panel", "TOP/o1/aegir/d")
	platform("Config", "TOP/o1/config")
	platform("sp ace", "TOP/o1/d7")
	tr.alias("platform_Server", "<?php $aliases['x'] = ['context_type' => 'server', 'root' => 'TOP/o1/d7'];")
	inst, _, problems := tr.discover(Options{})

	var got []string
	for _, p := range inst.Platforms {
		got = append(got, p.Name+" "+strings.TrimPrefix(p.Root, tr.top+"/o1/"))
	}
	if diff := cmp.Diff([]string{"App app", "Both both", "D7 d7", "Gone gone", "Linked linked"}, got); diff != "" {
		t.Errorf("platforms (-want +got):\n%s", diff)
	}
	wantTrees := []Tree{
		{Name: "platforms.App", Path: "/platforms/App", Source: tr.top + "/o1/app/docroot/sites"},
		{Name: "platforms.Both", Path: "/platforms/Both", Source: tr.top + "/o1/both/sites"},
		{Name: "platforms.D7", Path: "/platforms/D7", Source: tr.top + "/o1/d7/sites"},
		{Name: "static", Path: "/static", Source: tr.top + "/o1/static"},
	}
	if diff := cmp.Diff(wantTrees, inst.Trees); diff != "" {
		t.Errorf("trees (-want +got):\n%s", diff)
	}
	wantProblems := []string{
		".drush/platform_Config" + aliasSuffix + `:1:54: warning: platform Config ignored: root "config" lies in config, where no platform is`,
		".drush/platform_Dots" + aliasSuffix + `:1:54: warning: platform Dots ignored: root "../else" has ".", ".." or empty components`,
		".drush/platform_Out" + aliasSuffix + `:1:54: warning: platform Out ignored: root "TOP/else" is not inside TOP/o1`,
		".drush/platform_sp ace" + aliasSuffix + `:1:7: warning: platform ignored: "sp ace" can't be a name in /platforms`,
	}
	if diff := cmp.Diff(wantProblems, problems); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}
