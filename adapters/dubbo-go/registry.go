// The registry as dubbo-go calls it. It must never keep more than one session for an agent: dubbo-go makes a registry
// for each service that it exports or refers to, keeps the first and drops the others without a word.

package kubernetes

import (
	"context"
	"errors"
	"fmt"
	"net"
	"reflect"
	"strconv"
	"sync"
	"time"

	"dubbo.apache.org/dubbo-go/v3/common"
	"dubbo.apache.org/dubbo-go/v3/common/constant"
	"dubbo.apache.org/dubbo-go/v3/common/extension"
	"dubbo.apache.org/dubbo-go/v3/registry"
)

// Protocol is the scheme of the registry's address.
const Protocol = "kubernetes"

// defaultTimeout is dubbo-go's own for a registry.
const defaultTimeout = 5 * time.Second

func init() {
	extension.SetRegistry(Protocol, newRegistry)
	extension.SetServiceDiscovery(Protocol, refuseServiceDiscovery)
	extension.AddCustomShutdownCallback(closeSessions)
}

var errDestroyed = errors.New("the registry is destroyed")

// podRegistry implements dubbo-go's registry.Registry.
type podRegistry struct {
	url     *common.URL
	session *session
	timeout time.Duration

	// ended is closed by Destroy.
	ended     context.Context
	end       context.CancelFunc
	following sync.WaitGroup

	lock sync.Mutex
	// registered has for each URL of dubbo-go the records that were written of it.
	registered    map[string][]string
	subscriptions map[subscriber]*subscription
}

// subscriber is who subscribes to what: one listener may follow several services.
type subscriber struct {
	listener any
	service  string
}

func newRegistry(url *common.URL) (registry.Registry, error) {
	network, address, err := agentAddress(url)
	if err != nil {
		return nil, err
	}
	timeout, err := time.ParseDuration(url.GetParam(constant.RegistryTimeoutKey, ""))
	if err != nil || timeout <= 0 {
		timeout = defaultTimeout
	}
	ended, end := context.WithCancel(context.Background())
	return &podRegistry{
		url:           url,
		session:       sessionOf(network, address),
		timeout:       timeout,
		ended:         ended,
		end:           end,
		registered:    map[string][]string{},
		subscriptions: map[subscriber]*subscription{},
	}, nil
}

// agentAddress is where the agent listens: a path is a Unix socket, a host and port is TCP.
func agentAddress(url *common.URL) (network, address string, err error) {
	const dubboRoot = "dubbo"
	if group := url.GetParam(constant.RegistryGroupKey, dubboRoot); group != "" && group != dubboRoot {
		return "", "", fmt.Errorf("the registry's group %q: a Pod's records are under %q alone; leave the group out", group, dubboRoot)
	}
	if namespace := url.GetParam(constant.RegistryNamespaceKey, ""); namespace != "" {
		return "", "", fmt.Errorf("the registry's namespace %q: give it to dubbo-watcher agent as --namespace; leave it out here", namespace)
	}
	switch {
	case url.Ip != "" && url.Port != "" && (url.Path == "" || url.Path == "/"):
		return "tcp", net.JoinHostPort(url.Ip, url.Port), nil
	case url.Ip == "" && len(url.Path) > 1:
		return "unix", url.Path, nil
	}
	return "", "", errors.New("the registry's address must name the socket of dubbo-watcher agent, as kubernetes:///run/dubbo/agent.sock")
}

// refuseServiceDiscovery is what dubbo-go asks for unless interface-level registration is chosen.
func refuseServiceDiscovery(*common.URL) (registry.ServiceDiscovery, error) {
	return nil, errors.New("Pods register interfaces, not applications: choose registry.WithRegisterInterface(), or registry-type: interface in YAML")
}

// GetURL is the registry's own URL.
func (r *podRegistry) GetURL() *common.URL { return r.url }

// IsAvailable reports whether the registry was not destroyed. An agent that is away for a while comes back.
func (r *podRegistry) IsAvailable() bool { return r.ended.Err() == nil }

// Register writes a provider's or a consumer's URL into the Pod's annotation, and keeps it there.
func (r *podRegistry) Register(url *common.URL) error {
	if !r.IsAvailable() {
		return errDestroyed
	}
	ctx, cancel := context.WithTimeout(r.ended, r.timeout)
	defer cancel()
	pod, err := r.session.pod(ctx)
	if err != nil {
		return fmt.Errorf("registering %s: %w", url.Service(), err)
	}
	text, err := record(url, pod)
	if err != nil {
		return err
	}
	if err := r.session.add(ctx, text); err != nil {
		return fmt.Errorf("registering %s: %w", url.Service(), err)
	}
	r.lock.Lock()
	defer r.lock.Unlock()
	r.registered[url.String()] = append(r.registered[url.String()], text)
	return nil
}

// UnRegister takes the URL out of the annotation.
func (r *podRegistry) UnRegister(url *common.URL) error {
	text, found := r.release(url.String())
	if !found {
		return fmt.Errorf("%s is not registered", url.Service())
	}
	ctx, cancel := context.WithTimeout(context.Background(), r.timeout)
	defer cancel()
	if err := r.session.remove(ctx, text); err != nil {
		return fmt.Errorf("unregistering %s: %w", url.Service(), err)
	}
	return nil
}

// release forgets one registration of a URL, and returns its record.
func (r *podRegistry) release(url string) (string, bool) {
	r.lock.Lock()
	defer r.lock.Unlock()
	records := r.registered[url]
	if len(records) == 0 {
		return "", false
	}
	text := records[len(records)-1]
	if records = records[:len(records)-1]; len(records) == 0 {
		delete(r.registered, url)
	} else {
		r.registered[url] = records
	}
	return text, true
}

// LoadSubscribeInstances notifies of the providers that there are now. Without an agent there are none yet: Subscribe
// notifies of them once it is there.
func (r *podRegistry) LoadSubscribeInstances(url *common.URL, listener registry.NotifyListener) error {
	subscription, err := r.subscription(url, listener)
	if err != nil || subscription == nil {
		return err
	}
	ctx, cancel := context.WithTimeout(r.ended, r.timeout)
	defer cancel()
	err = subscription.load(ctx)
	var refused *refusal
	if err == nil || errors.As(err, &refused) {
		return err
	}
	warn("no providers of %s yet: %v", subscription.service, err)
	return nil
}

// Subscribe notifies of every change until UnSubscribe or Destroy. Only consumers are notified: Pods hold no
// configurators, to which dubbo-go subscribes for its providers.
func (r *podRegistry) Subscribe(url *common.URL, listener registry.NotifyListener) error {
	subscription, err := r.subscription(url, listener)
	if err != nil || subscription == nil {
		return err
	}
	if !r.begins() {
		return errDestroyed
	}
	defer r.following.Done()
	return subscription.follow()
}

// begins counts one subscription more that Destroy waits for; false when it was called.
func (r *podRegistry) begins() bool {
	r.lock.Lock()
	defer r.lock.Unlock()
	if !r.IsAvailable() {
		return false
	}
	r.following.Add(1)
	return true
}

// UnSubscribe ends a subscription. One that does not exist is ignored.
func (r *podRegistry) UnSubscribe(url *common.URL, listener registry.NotifyListener) error {
	if listener == nil || !reflect.TypeOf(listener).Comparable() {
		return nil
	}
	key := subscriber{listener, serviceQuery(url)}
	r.lock.Lock()
	defer r.lock.Unlock()
	if subscription := r.subscriptions[key]; subscription != nil {
		subscription.end()
		delete(r.subscriptions, key)
	}
	return nil
}

// subscription is the one of this listener for this service; nil if there is nothing to subscribe to.
func (r *podRegistry) subscription(url *common.URL, listener registry.NotifyListener) (*subscription, error) {
	if role, _ := strconv.Atoi(url.GetParam(constant.RegistryRoleKey, "")); role != common.CONSUMER {
		return nil, nil
	}
	if listener == nil || !reflect.TypeOf(listener).Comparable() {
		return nil, errors.New("the listener of a subscription must be comparable, as a pointer is")
	}
	key := subscriber{listener, serviceQuery(url)}
	r.lock.Lock()
	defer r.lock.Unlock()
	if !r.IsAvailable() {
		return nil, errDestroyed
	}
	if found := r.subscriptions[key]; found != nil {
		return found, nil
	}
	made := newSubscription(r.ended, r.session, key.service, listener)
	r.subscriptions[key] = made
	return made, nil
}

// Destroy ends all subscriptions and registrations of this registry.
func (r *podRegistry) Destroy() {
	r.lock.Lock()
	r.end()
	registered := r.registered
	r.registered = map[string][]string{}
	r.subscriptions = map[subscriber]*subscription{}
	r.lock.Unlock()
	r.following.Wait()
	ctx, cancel := context.WithTimeout(context.Background(), r.timeout)
	defer cancel()
	for _, records := range registered {
		for _, text := range records {
			if err := r.session.remove(ctx, text); err != nil {
				warn("it ends with its lease: %v", err)
			}
		}
	}
}
