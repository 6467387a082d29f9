// One session with one agent: what this process has registered there, under one id, with a lease that is renewed. It
// must never let a registration end because the agent was away for a while.

package kubernetes

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// States of a URL: the agent does not register it; or it will, once its kube-apiserver answers.
const (
	stateRefused = "refused"
	statePending = "pending"
)

// defaultLease is for how long a registration stays when it is not renewed; a third of it passes between renewals.
const defaultLease = 30 * time.Second

var (
	sessionsLock sync.Mutex
	sessions     = map[string]*session{}
)

// sessionOf is the process's session with the agent at an address.
func sessionOf(network, address string) *session {
	sessionsLock.Lock()
	defer sessionsLock.Unlock()
	key := network + ":" + address
	if sessions[key] == nil {
		sessions[key] = newSession(newAgent(network, address))
	}
	return sessions[key]
}

// closeSessions ends all registrations of the process: what dubbo-go does not unregister itself at a graceful end.
func closeSessions() {
	sessionsLock.Lock()
	all := slices.Collect(maps.Values(sessions))
	sessionsLock.Unlock()
	for _, session := range all {
		session.close()
	}
}

type session struct {
	agent *agent
	id    string
	lease time.Duration
	// renew asks for a renewal now.
	renew chan struct{}

	lock sync.Mutex
	// urls counts how often each URL is registered.
	urls    map[string]int
	keeping bool

	knownLock sync.Mutex
	known     *podFacts
}

func newSession(agent *agent) *session {
	return &session{agent: agent, id: newID(), lease: defaultLease, renew: make(chan struct{}, 1), urls: map[string]int{}}
}

// newID is another one for each process, so that two applications in a Pod never take each other's place.
func newID() string {
	var random [8]byte
	_, _ = rand.Read(random[:]) // never fails
	return "dubbo-go-" + hex.EncodeToString(random[:])
}

// pod asks the agent who it is, until it answers or the context ends. The answer is kept while the agent is there.
func (s *session) pod(ctx context.Context) (podFacts, error) {
	var facts podFacts
	err := persist(ctx, func() (err error) {
		facts, err = s.hello(ctx)
		return err
	})
	return facts, err
}

func (s *session) hello(ctx context.Context) (podFacts, error) {
	s.knownLock.Lock()
	defer s.knownLock.Unlock()
	if s.known != nil {
		return *s.known, nil
	}
	facts, err := s.agent.hello(ctx)
	if err != nil {
		return podFacts{}, err
	}
	if len(facts.IPs) == 0 {
		return podFacts{}, fmt.Errorf("the Pod %s/%s has no address yet", facts.Namespace, facts.Name)
	}
	s.known = &facts
	return facts, nil
}

// lost is called when the agent does not answer: the next one may be of another version.
func (s *session) lost() {
	s.knownLock.Lock()
	defer s.knownLock.Unlock()
	s.known = nil
}

// add registers one URL more. When it fails, the URL is not registered later either.
func (s *session) add(ctx context.Context, url string) error {
	s.lock.Lock()
	defer s.lock.Unlock()
	if s.urls[url]++; s.urls[url] > 1 {
		return nil
	}
	var answers []registration
	err := persist(ctx, func() (err error) {
		answers, err = s.put(ctx)
		return err
	})
	if err == nil {
		err = refused(answers, url)
	}
	if err != nil {
		delete(s.urls, url)
		_ = s.settle(ctx) // the agent may hold it already; else its lease ends it
		return err
	}
	if !s.keeping {
		s.keeping = true
		go s.keep()
	}
	return nil
}

// remove unregisters a URL, unless it is registered more than once.
func (s *session) remove(ctx context.Context, url string) error {
	s.lock.Lock()
	defer s.lock.Unlock()
	if s.urls[url]--; s.urls[url] > 0 {
		return nil
	}
	delete(s.urls, url)
	return s.settle(ctx)
}

// close ends the registration as a whole.
func (s *session) close() {
	s.lock.Lock()
	defer s.lock.Unlock()
	if len(s.urls) == 0 {
		return
	}
	clear(s.urls)
	ctx, cancel := context.WithTimeout(context.Background(), defaultTimeout)
	defer cancel()
	if err := s.settle(ctx); err != nil {
		warn("the registration ends with its lease: %v", err)
	}
}

// settle makes the agent's registration the same as this one. The caller holds the lock.
func (s *session) settle(ctx context.Context) error {
	if len(s.urls) > 0 {
		_, err := s.put(ctx)
		return err
	}
	return s.agent.drop(ctx, s.id)
}

// put registers all URLs, or renews them. The caller holds the lock.
func (s *session) put(ctx context.Context) ([]registration, error) {
	if _, err := s.hello(ctx); err != nil {
		return nil, err
	}
	answers, err := s.agent.put(ctx, s.id, slices.Sorted(maps.Keys(s.urls)), s.lease)
	if err != nil {
		s.lost()
	}
	return answers, err
}

// keep renews the lease while there is something to renew.
func (s *session) keep() {
	pause := backOff{}
	next := s.lease / 3
	for {
		select {
		case <-time.After(next):
		case <-s.renew:
		}
		going, err := s.renewed()
		switch {
		case !going:
			return
		case err == nil:
			if pause.failures > 0 {
				inform("registered again at %s", s.agent.address)
			}
			pause, next = backOff{}, s.lease/3
		default:
			if next = pause.next(); pause.failures == 1 {
				warn("the lease was not renewed, trying again: %v", err)
			}
		}
	}
}

// renewed renews once; false when nothing is registered any more.
func (s *session) renewed() (bool, error) {
	s.lock.Lock()
	defer s.lock.Unlock()
	if len(s.urls) == 0 {
		s.keeping = false
		return false, nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), defaultTimeout)
	defer cancel()
	answers, err := s.put(ctx)
	for _, answer := range answers {
		err = errors.Join(err, refused(answers, answer.URL))
	}
	return true, err
}

// returned is called when an agent answers after it was away: it may be another one.
func (s *session) returned() {
	select {
	case s.renew <- struct{}{}:
	default: // a renewal is asked for already
	}
}

// refused is why the agent does not register a URL.
func refused(answers []registration, url string) error {
	for _, answer := range answers {
		switch {
		case answer.URL != url:
		case answer.State == statePending:
			warn("a registration is pending at the agent: its kube-apiserver does not answer")
		case answer.State == stateRefused:
			reasons := make([]string, 0, len(answer.Problems))
			for _, problem := range answer.Problems {
				reasons = append(reasons, problem.String())
			}
			return &refusal{message: "the agent refuses it: " + strings.Join(reasons, "; ")}
		}
	}
	return nil
}

// persist tries until it succeeds, is refused, or the context ends.
func persist(ctx context.Context, try func() error) error {
	pause := backOff{}
	for {
		err := try()
		var final *refusal
		if err == nil || errors.As(err, &final) {
			return err
		}
		if !sleep(ctx, pause.next()) {
			return err
		}
	}
}

// backOff doubles from 50 milliseconds to 2 seconds.
type backOff struct{ failures int }

func (b *backOff) next() time.Duration {
	const first, longest = 50 * time.Millisecond, 2 * time.Second
	b.failures++
	if b.failures > 6 {
		return longest
	}
	return min(first<<(b.failures-1), longest)
}
