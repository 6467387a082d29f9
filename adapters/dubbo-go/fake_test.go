// An agent for tests, as far as its contract goes: registrations, snapshots and events over a Unix socket. It starts
// and stops at one address, and like a real one has forgotten its revisions then.

package kubernetes

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

type fakeAgent struct {
	t      *testing.T
	socket string
	api    int

	lock    sync.Mutex
	changed chan struct{}
	server  *httptest.Server
	run     int
	synced  bool
	// refuse is in the URLs that are refused, with the request, or later on in its answer.
	refuse, refuseLater string
	providers           map[string]bool
	log                 []fakeEvent
	held                map[string][]string
	puts                int
	streams             int
	resumed             int
}

type fakeEvent struct{ name, url string }

func startAgent(t *testing.T) *fakeAgent {
	t.Helper()
	fake := &fakeAgent{
		t:         t,
		socket:    filepath.Join(t.TempDir(), "agent.sock"),
		api:       apiVersion,
		changed:   make(chan struct{}),
		synced:    true,
		providers: map[string]bool{},
		held:      map[string][]string{},
	}
	fake.start()
	t.Cleanup(fake.stop)
	return fake
}

func (f *fakeAgent) start() {
	listener, err := net.Listen("unix", f.socket)
	if err != nil {
		f.t.Fatal(err)
	}
	routes := http.NewServeMux()
	routes.HandleFunc("GET /v1/agent", f.hello)
	routes.HandleFunc("PUT /v1/registrations/{id}", f.register)
	routes.HandleFunc("DELETE /v1/registrations/{id}", f.unregister)
	routes.HandleFunc("GET /v1/snapshot", f.snapshot)
	routes.HandleFunc("GET /v1/events", f.events)
	server := httptest.NewUnstartedServer(routes)
	server.Listener = listener
	server.Start()
	f.with(func() { f.server, f.log, f.run = server, nil, f.run+1 })
}

// stop ends it as a kill does: streams break, and its registrations are forgotten.
func (f *fakeAgent) stop() {
	var server *httptest.Server
	f.with(func() {
		server, f.server = f.server, nil
		f.held = map[string][]string{}
	})
	if server != nil {
		server.CloseClientConnections()
		server.Close()
	}
}

// with changes something, and wakes everything that waits.
func (f *fakeAgent) with(change func()) {
	f.lock.Lock()
	defer f.lock.Unlock()
	change()
	close(f.changed)
	f.changed = make(chan struct{})
}

// until waits for a condition.
func (f *fakeAgent) until(what string, is func() bool) {
	f.t.Helper()
	late := time.After(20 * time.Second)
	for {
		f.lock.Lock()
		done, changed := is(), f.changed
		f.lock.Unlock()
		if done {
			return
		}
		select {
		case <-changed:
		case <-late:
			f.t.Fatalf("%s: not in time", what)
		}
	}
}

func (f *fakeAgent) add(url string, trusted bool) {
	f.with(func() {
		f.providers[url] = trusted
		if trusted {
			f.log = append(f.log, fakeEvent{"added", url})
		}
	})
}

func (f *fakeAgent) remove(url string) {
	f.with(func() {
		delete(f.providers, url)
		f.log = append(f.log, fakeEvent{"removed", url})
	})
}

// urls are all that are registered.
func (f *fakeAgent) urls() []string {
	var all []string
	for _, urls := range f.held {
		all = append(all, urls...)
	}
	slices.Sort(all)
	return all
}

func (f *fakeAgent) answer(w http.ResponseWriter, value any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(value)
}

func (f *fakeAgent) hello(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get(apiHeader) != "1" {
		http.Error(w, "which API?", http.StatusBadRequest)
		return
	}
	pod := podFacts{Namespace: "shop", Name: "greeter-0", UID: "u", IPs: []string{"10.1.2.3"}}
	f.answer(w, map[string]any{"api": f.api, "version": "9.9.9", "pod": pod})
}

func (f *fakeAgent) register(w http.ResponseWriter, r *http.Request) {
	var body struct {
		URLs         []string `json:"urls"`
		LeaseSeconds int      `json:"leaseSeconds"`
	}
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	answers := []registration{}
	refused := false
	f.with(func() {
		f.puts++
		kept := []string{}
		for _, url := range body.URLs {
			answer := registration{URL: url, Key: "/dubbo/…", State: "registered"}
			refused = refused || f.refuse != "" && strings.Contains(url, f.refuse)
			if f.refuseLater != "" && strings.Contains(url, f.refuseLater) {
				answer.State, answer.Problems = stateRefused, []problem{notOfPod}
			} else {
				kept = append(kept, url)
			}
			answers = append(answers, answer)
		}
		if !refused {
			f.held[r.PathValue("id")] = kept
		}
	})
	if refused {
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(http.StatusConflict)
		_ = json.NewEncoder(w).Encode(notOfPod)
		return
	}
	f.answer(w, map[string]any{"id": r.PathValue("id"), "urls": answers})
}

var notOfPod = problem{Code: "address-not-pod", Message: "the address is not one of this Pod's"}

func (f *fakeAgent) unregister(w http.ResponseWriter, r *http.Request) {
	f.with(func() { delete(f.held, r.PathValue("id")) })
	w.WriteHeader(http.StatusNoContent)
}

func (f *fakeAgent) snapshot(w http.ResponseWriter, _ *http.Request) {
	f.lock.Lock()
	defer f.lock.Unlock()
	f.answer(w, f.content())
}

// content is a snapshot. The caller holds the lock.
func (f *fakeAgent) content() map[string]any {
	providers := []map[string]any{}
	for url, trusted := range f.providers {
		providers = append(providers, map[string]any{"url": url, "trusted": trusted})
	}
	services := []map[string]any{{"service": "a.B", "providers": providers, "consumers": []any{}}}
	if !f.synced {
		services = nil
	}
	return map[string]any{"revision": f.revision(len(f.log)), "synced": f.synced, "services": services}
}

func (f *fakeAgent) revision(at int) string { return fmt.Sprintf("%08x-%d", f.run, at) }

func (f *fakeAgent) events(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	f.lock.Lock()
	at := len(f.log)
	run, last, _ := strings.Cut(r.Header.Get("Last-Event-ID"), "-")
	if number, err := strconv.Atoi(last); err == nil && run == fmt.Sprintf("%08x", f.run) {
		at = number
		f.resumed++
		fmt.Fprint(w, ": resumed\n\n")
	} else {
		text, _ := json.Marshal(f.content())
		fmt.Fprintf(w, "event: snapshot\nid: %s\ndata: %s\n\n", f.revision(at), text)
	}
	f.lock.Unlock()
	f.with(func() { f.streams++ })
	defer f.with(func() { f.streams-- })
	for {
		f.lock.Lock()
		changed := f.changed
		for ; at < len(f.log); at++ {
			event := f.log[at]
			text, _ := json.Marshal(map[string]any{"event": event.name, "category": "providers", "url": event.url})
			fmt.Fprintf(w, "event: %s\nid: %s\ndata: %s\n\n", event.name, f.revision(at+1), text)
		}
		f.lock.Unlock()
		if err := http.NewResponseController(w).Flush(); err != nil {
			return
		}
		select {
		case <-changed:
		case <-r.Context().Done():
			return
		}
	}
}
