package metrics

import (
	"net/http"
	"sync"
	"time"
)

// refusalDelay is how long somebody waits for hearing that a password is wrong.
const refusalDelay = time.Second

// guard lets in who can say a username and password that admit knows. To check one
// is costly by intent: it is done for one request at a time.
func guard(next http.Handler, admit func(username, password string) bool) http.Handler {
	if admit == nil {
		return next
	}
	var checking sync.Mutex
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		username, password, given := r.BasicAuth()
		if given {
			checking.Lock()
			ok := admit(username, password)
			checking.Unlock()
			if ok {
				next.ServeHTTP(w, r)
				return
			}
			select {
			case <-time.After(refusalDelay):
			case <-r.Context().Done():
			}
		}
		w.Header().Set("WWW-Authenticate", `Basic realm="grantfs", charset="UTF-8"`)
		http.Error(w, "log in", http.StatusUnauthorized)
	})
}
