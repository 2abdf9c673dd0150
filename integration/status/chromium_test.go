package status

import (
	"bytes"
	"context"
	"image"
	"image/png"
	"log/slog"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestBrowser looks at the page with a real browser that may not run scripts.
// GRANTFS_SCREENSHOT names a directory that keeps the pictures.
func TestBrowser(t *testing.T) {
	server := httptest.NewServer(Page(busy, slog.New(slog.DiscardHandler)))
	t.Cleanup(server.Close)
	dom := string(chromium(t, "--dump-dom", server.URL))
	for _, want := range []string{"grantfs <span>on web7</span>", "&lt;b&gt;odd&lt;/b&gt;", "10.0 GiB of 10.0 GiB", `<rect width="97" height="1">`} {
		if !strings.Contains(dom, want) {
			t.Errorf("the browser shows no %q", want)
		}
	}
	dir := t.TempDir()
	if keep := os.Getenv("GRANTFS_SCREENSHOT"); keep != "" {
		dir = keep
	}
	for name, args := range map[string][]string{
		"light": {"--window-size=1200,1240"},
		"dark":  {"--window-size=1200,1240", "--blink-settings=preferredColorScheme=0"},
		"phone": {"--window-size=500,1500"},
	} {
		file := filepath.Join(dir, name+".png")
		chromium(t, append(args, "--hide-scrollbars", "--screenshot="+file, server.URL)...)
		picture := decode(t, file)
		colours := map[any]bool{}
		for y := range picture.Bounds().Dy() {
			for x := range picture.Bounds().Dx() {
				colours[picture.At(x, y)] = true
			}
		}
		if len(colours) < 50 {
			t.Errorf("%s: %d colours: nothing is to be seen", name, len(colours))
		}
	}
}

// chromium runs the browser without network, script and profile of its own.
func chromium(t *testing.T, args ...string) []byte {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, "chromium", append([]string{
		"--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-javascript", "--no-first-run",
		"--user-data-dir=" + t.TempDir(), "--timeout=20000",
	}, args...)...)
	var out, problems bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &problems
	cmd.WaitDelay = 5 * time.Second
	if err := cmd.Run(); err != nil {
		t.Fatalf("chromium: %v\n%s", err, &problems)
	}
	return out.Bytes()
}

func decode(t *testing.T, file string) image.Image {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	picture, err := png.Decode(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return picture
}
