// The HTTP API of `dubbo-watcher agent`, as requests and answers. It must never wait or read without a bound, and it
// decides nothing: who asks again, and when, is up to its callers.

package kubernetes

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	// apiVersion of the agent that this adapter speaks.
	apiVersion = 1
	apiHeader  = "Dubbo-Agent-Api"

	dialTimeout   = 5 * time.Second
	answerTimeout = 10 * time.Second
	// longest bounds what is read of an answer or of an event: a snapshot is the longest of both.
	longest = 64 << 20
)

// refusal is an answer of the agent, or about it, that asking again does not change.
type refusal struct {
	message string
	status  int
}

func (r *refusal) Error() string { return r.message }

// agent is one agent, by its address.
type agent struct {
	address string
	http    *http.Client
}

// podFacts is what an agent knows of the Pod that it is in.
type podFacts struct {
	Namespace string   `json:"namespace"`
	Name      string   `json:"name"`
	UID       string   `json:"uid"`
	IPs       []string `json:"ips"`
}

// registration is the state of one URL.
type registration struct {
	URL      string    `json:"url"`
	Key      string    `json:"key"`
	State    string    `json:"state"`
	Problems []problem `json:"problems"`
}

// problem is what the agent finds wrong: a code for programs, and a sentence for people.
type problem struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Detail  string `json:"detail"`
}

func (p problem) String() string {
	if p.Message == "" {
		p.Message = p.Detail
	}
	if p.Code == "" {
		return p.Message
	}
	return p.Message + " (" + p.Code + ")"
}

type snapshot struct {
	Revision string `json:"revision"`
	Synced   bool   `json:"synced"`
	Services []struct {
		Providers []struct {
			URL     string `json:"url"`
			Trusted bool   `json:"trusted"`
		} `json:"providers"`
	} `json:"services"`
}

// change is one event about a key.
type change struct {
	Category string `json:"category"`
	URL      string `json:"url"`
}

func newAgent(network, address string) *agent {
	dialer := &net.Dialer{Timeout: dialTimeout}
	transport := &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return dialer.DialContext(ctx, network, address)
		},
		ResponseHeaderTimeout: answerTimeout,
		IdleConnTimeout:       time.Minute,
		MaxIdleConns:          2,
		DisableCompression:    true,
	}
	return &agent{address: address, http: &http.Client{
		Transport: transport,
		CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse
		},
	}}
}

// hello asks who the agent is, and refuses one that speaks another API.
func (a *agent) hello(ctx context.Context) (podFacts, error) {
	var answer struct {
		API     int      `json:"api"`
		Version string   `json:"version"`
		Pod     podFacts `json:"pod"`
	}
	if err := a.ask(ctx, http.MethodGet, "/v1/agent", nil, &answer); err != nil {
		return podFacts{}, err
	}
	if answer.API != apiVersion {
		return podFacts{}, &refusal{message: fmt.Sprintf(
			"dubbo-watcher agent %s at %s speaks API %d, and this adapter API %d: use an adapter and an agent of one release",
			answer.Version, a.address, answer.API, apiVersion)}
	}
	return answer.Pod, nil
}

// put registers exactly these URLs under the id, or renews their lease.
func (a *agent) put(ctx context.Context, id string, urls []string, lease time.Duration) ([]registration, error) {
	body := struct {
		URLs         []string `json:"urls"`
		LeaseSeconds int      `json:"leaseSeconds"`
	}{urls, int(lease / time.Second)}
	var answer struct {
		URLs []registration `json:"urls"`
	}
	err := a.ask(ctx, http.MethodPut, registrationPath(id), body, &answer)
	return answer.URLs, err
}

// drop ends the registration of the id, if there is one.
func (a *agent) drop(ctx context.Context, id string) error {
	err := a.ask(ctx, http.MethodDelete, registrationPath(id), nil, nil)
	var refused *refusal
	if errors.As(err, &refused) && refused.status == http.StatusNotFound {
		return nil
	}
	return err
}

// registrationPath also bounds for how long the agent waits for its kube-apiserver. What takes longer goes on there.
func registrationPath(id string) string {
	return "/v1/registrations/" + url.PathEscape(id) + "?wait=3s"
}

// snapshot asks for the providers of a service.
func (a *agent) snapshot(ctx context.Context, service string) (snapshot, error) {
	var answer snapshot
	err := a.ask(ctx, http.MethodGet, "/v1/snapshot?service="+url.QueryEscape(service), nil, &answer)
	return answer, err
}

// events opens the stream of a service's events, after the one with the last id if there is one.
func (a *agent) events(ctx context.Context, service, lastID string) (*events, error) {
	request, err := a.request(ctx, http.MethodGet, "/v1/events?service="+url.QueryEscape(service), nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Accept", "text/event-stream")
	if lastID != "" {
		request.Header.Set("Last-Event-ID", lastID)
	}
	response, err := a.http.Do(request)
	if err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK {
		defer response.Body.Close()
		return nil, a.failure(response)
	}
	return newEvents(response.Body), nil
}

// ask sends a request and reads its answer as JSON. An answer that is not asked for may be empty.
func (a *agent) ask(ctx context.Context, method, target string, body, answer any) error {
	request, err := a.request(ctx, method, target, body)
	if err != nil {
		return err
	}
	response, err := a.http.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode < 200 || response.StatusCode > 299 {
		return a.failure(response)
	}
	text, err := io.ReadAll(io.LimitReader(response.Body, longest+1))
	if err != nil || answer == nil {
		return err
	}
	if len(text) > longest {
		return &refusal{message: fmt.Sprintf("%s %s: the answer is larger than %d bytes", method, target, longest)}
	}
	if err := json.Unmarshal(text, answer); err != nil {
		return &refusal{message: fmt.Sprintf("%s %s at %s is not answered as dubbo-watcher agent does: %v", method, target, a.address, err)}
	}
	return nil
}

func (a *agent) request(ctx context.Context, method, target string, body any) (*http.Request, error) {
	var content io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		content = bytes.NewReader(text)
	}
	request, err := http.NewRequestWithContext(ctx, method, "http://agent"+target, content)
	if err != nil {
		return nil, err
	}
	request.Header.Set(apiHeader, fmt.Sprint(apiVersion))
	request.Header.Set("Accept", "application/json")
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	return request, nil
}

// failure is the error of an answer that is not 2xx. A server that is overloaded, or not ready, is asked again.
func (a *agent) failure(response *http.Response) error {
	text, _ := io.ReadAll(io.LimitReader(response.Body, 64<<10))
	var found problem
	if json.Unmarshal(text, &found) != nil || found.String() == "" {
		found = problem{Message: strings.TrimSpace(firstLine(string(text)))}
	}
	message := fmt.Sprintf("dubbo-watcher agent at %s answers %s to %s %s: %s",
		a.address, response.Status, response.Request.Method, response.Request.URL.Path, found)
	switch code := response.StatusCode; {
	case code == http.StatusTooManyRequests || code == http.StatusRequestTimeout || code >= 500:
		return errors.New(message)
	case code == http.StatusNotFound && response.Request.URL.Path == "/v1/agent":
		message += "; it is no dubbo-watcher agent, or one that is older than this adapter"
	}
	return &refusal{message, response.StatusCode}
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	const enough = 200
	if len(line) > enough {
		line = strings.ToValidUTF8(line[:enough], "") + "…"
	}
	return line
}
