// One listener and the providers of one service. It must never notify of a change twice, of a provider that is not
// trusted, or that all are gone because the agent was away.

package kubernetes

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"dubbo.apache.org/dubbo-go/v3/common"
	"dubbo.apache.org/dubbo-go/v3/registry"
	"dubbo.apache.org/dubbo-go/v3/remoting"
)

var errNotSynced = errors.New("the agent has not read the registry yet")

type subscription struct {
	session  *session
	service  string
	listener registry.NotifyListener
	ended    context.Context
	end      context.CancelFunc

	// lock is held while the listener is notified: one notification after the other.
	lock   sync.Mutex
	lastID string
	// providers are all that there are, by their text; endpoints are what the listener knows, by dubbo-go's key.
	providers map[string]*common.URL
	endpoints map[string]*endpoint
}

// endpoint is one invoker of dubbo-go: providers that differ in parameters alone share it, and one of them is shown.
type endpoint struct {
	texts map[string]struct{}
	shown string
	// service is the shown URL, as the listener has merged it with its own: the removal must name this one.
	service *common.URL
}

func newSubscription(parent context.Context, session *session, service string, listener registry.NotifyListener) *subscription {
	ended, end := context.WithCancel(parent)
	return &subscription{
		session:   session,
		service:   service,
		listener:  listener,
		ended:     ended,
		end:       end,
		providers: map[string]*common.URL{},
		endpoints: map[string]*endpoint{},
	}
}

// load notifies of what there is now, once the agent knows it.
func (s *subscription) load(ctx context.Context) error {
	return persist(ctx, func() error {
		if _, err := s.session.hello(ctx); err != nil {
			return err
		}
		found, err := s.session.agent.snapshot(ctx, s.service)
		if err != nil {
			return err
		}
		return s.replace(found, found.Revision)
	})
}

// follow notifies of changes until the subscription ends, or the agent refuses it.
func (s *subscription) follow() error {
	pause := backOff{}
	for {
		err := s.stream(&pause)
		var final *refusal
		switch {
		case s.ended.Err() != nil:
			return nil
		case errors.As(err, &final):
			return fmt.Errorf("subscribing to %s: %w", s.service, err)
		}
		if pause.failures == 0 && !errors.Is(err, errNotSynced) {
			warn("%s: the providers stay as they are until the agent is back: %v", s.service, err)
		}
		if !sleep(s.ended, pause.next()) {
			return nil
		}
	}
}

// stream applies events until the stream ends.
func (s *subscription) stream(pause *backOff) error {
	if _, err := s.session.hello(s.ended); err != nil {
		return err
	}
	stream, err := s.session.agent.events(s.ended, s.service, s.lastEvent())
	if err != nil {
		s.session.lost()
		return err
	}
	defer stream.close()
	if pause.failures > 0 {
		s.session.returned()
	}
	for {
		event, err := stream.next()
		if err != nil {
			s.session.lost()
			return err
		}
		if err := s.apply(event); err != nil {
			return err
		}
		*pause = backOff{}
	}
}

func (s *subscription) lastEvent() string {
	s.lock.Lock()
	defer s.lock.Unlock()
	return s.lastID
}

func (s *subscription) apply(event event) error {
	switch event.name {
	case "snapshot":
		var found snapshot
		if err := json.Unmarshal(event.data, &found); err != nil {
			return fmt.Errorf("a snapshot of the agent cannot be read: %w", err)
		}
		return s.replace(found, event.id)
	case "added", "updated", "removed":
		var found change
		if err := json.Unmarshal(event.data, &found); err != nil {
			return fmt.Errorf("an event of the agent cannot be read: %w", err)
		}
		s.change(event, found)
	default:
		s.lock.Lock()
		defer s.lock.Unlock()
		s.seen(event.id)
	}
	return nil
}

// replace makes the snapshot's trusted providers those that there are, and notifies of the difference.
func (s *subscription) replace(found snapshot, id string) error {
	s.lock.Lock()
	defer s.lock.Unlock()
	if !found.Synced {
		// What it does not show yet is not gone.
		s.lastID = ""
		return errNotSynced
	}
	now := map[string]struct{}{}
	for _, service := range found.Services {
		for _, provider := range service.Providers {
			if provider.Trusted {
				now[provider.URL] = struct{}{}
			}
		}
	}
	for text := range now {
		s.add(text)
	}
	for text := range s.providers {
		if _, stays := now[text]; !stays {
			s.remove(text)
		}
	}
	s.seen(id)
	return nil
}

func (s *subscription) change(event event, found change) {
	s.lock.Lock()
	defer s.lock.Unlock()
	if found.Category == "providers" && found.URL != "" {
		if event.name == "removed" {
			s.remove(found.URL)
		} else {
			s.add(found.URL)
		}
	}
	s.seen(event.id)
}

func (s *subscription) seen(id string) {
	if id != "" {
		s.lastID = id
	}
}

func (s *subscription) add(text string) {
	if s.providers[text] != nil {
		return
	}
	url, err := common.NewURL(text)
	if err != nil {
		warn("%s: a provider's URL is passed over: %v", s.service, err)
		return
	}
	s.providers[text] = url
	key := url.GetCacheInvokerMapKey()
	if s.endpoints[key] == nil {
		s.endpoints[key] = &endpoint{texts: map[string]struct{}{}}
	}
	s.endpoints[key].texts[text] = struct{}{}
	s.show(key)
}

func (s *subscription) remove(text string) {
	url := s.providers[text]
	if url == nil {
		return
	}
	delete(s.providers, text)
	key := url.GetCacheInvokerMapKey()
	delete(s.endpoints[key].texts, text)
	s.show(key)
}

// show notifies the listener of what has become of an endpoint. What is shown stays while it is there.
func (s *subscription) show(key string) {
	at := s.endpoints[key]
	if len(at.texts) == 0 {
		delete(s.endpoints, key)
		s.notify(remoting.EventTypeDel, at.service)
		return
	}
	if _, stays := at.texts[at.shown]; stays {
		return
	}
	action := remoting.EventTypeUpdate
	if at.service == nil {
		action = remoting.EventTypeAdd
	}
	at.shown = slices.Min(slices.Collect(maps.Keys(at.texts)))
	at.service = s.notify(action, s.providers[at.shown].Clone())
}

// notify returns the URL that the event holds afterwards, by which the listener knows the endpoint.
func (s *subscription) notify(action remoting.EventType, url *common.URL) *common.URL {
	event := &registry.ServiceEvent{Action: action, Service: url}
	s.listener.Notify(event)
	return event.Service
}

// sleep waits; false when the context ended before.
func sleep(ctx context.Context, pause time.Duration) bool {
	select {
	case <-time.After(pause):
		return true
	case <-ctx.Done():
		return false
	}
}
