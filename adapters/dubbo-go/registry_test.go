// The registry as dubbo-go meets it, with an agent that comes and goes.

package kubernetes

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"dubbo.apache.org/dubbo-go/v3/common"
	"dubbo.apache.org/dubbo-go/v3/common/constant"
	"dubbo.apache.org/dubbo-go/v3/common/extension"
	"dubbo.apache.org/dubbo-go/v3/registry"
)

const (
	one   = "tri://10.0.0.1:50051/a.B?interface=a.B&timestamp=1"
	two   = "tri://10.0.0.2:50051/a.B?interface=a.B&timestamp=2"
	three = "tri://10.0.0.3:50051/a.B?interface=a.B&timestamp=3"
)

// heard is a listener that passes on what it is notified of, as `add 10.0.0.1:50051`.
type heard struct {
	t      *testing.T
	events chan string
}

func newListener(t *testing.T) *heard { return &heard{t, make(chan string, 100)} }

func (h *heard) Notify(event *registry.ServiceEvent) {
	h.events <- event.Action.String() + " " + event.Service.Location
}

func (h *heard) NotifyAll(events []*registry.ServiceEvent, done func()) {
	for _, event := range events {
		h.Notify(event)
	}
	done()
}

// hears waits for exactly these events, in any order.
func (h *heard) hears(wanted ...string) {
	h.t.Helper()
	var got []string
	for range wanted {
		select {
		case event := <-h.events:
			got = append(got, event)
		case <-time.After(20 * time.Second):
			h.t.Fatalf("notified of %v, and not of all of %v", got, wanted)
		}
	}
	slices.Sort(got)
	slices.Sort(wanted)
	if !slices.Equal(got, wanted) {
		h.t.Fatalf("notified of %v instead of %v", got, wanted)
	}
}

// heardNoMore is called where nothing more can come.
func (h *heard) heardNoMore() {
	h.t.Helper()
	select {
	case event := <-h.events:
		h.t.Fatalf("notified of %s too", event)
	default:
	}
}

func connect(t *testing.T, address string, options ...common.Option) registry.Registry {
	t.Helper()
	url, err := common.NewURL("kubernetes://"+address, options...)
	if err != nil {
		t.Fatal(err)
	}
	found, err := extension.GetRegistry(Protocol, url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(found.Destroy)
	return found
}

func provider(ip string, params ...common.Option) *common.URL {
	options := append([]common.Option{
		common.WithProtocol("tri"), common.WithIp(ip), common.WithPort("50051"), common.WithPath("a.B"),
		common.WithInterface("a.B"), common.WithMethods([]string{"Hello"}),
		common.WithParamsValue(constant.RegistryRoleKey, "3"),
	}, params...)
	return common.NewURLWithOptions(options...)
}

func consumer() *common.URL {
	return common.NewURLWithOptions(common.WithProtocol("tri"), common.WithIp("192.0.2.1"), common.WithPath("a.B"),
		common.WithInterface("a.B"), common.WithParamsValue(constant.RegistryRoleKey, "0"))
}

func subscribe(t *testing.T, to registry.Registry, listener registry.NotifyListener) (ended chan error) {
	t.Helper()
	if err := to.LoadSubscribeInstances(consumer(), listener); err != nil {
		t.Fatal(err)
	}
	ended = make(chan error, 1)
	go func() { ended <- to.Subscribe(consumer(), listener) }()
	return ended
}

func TestProviderAndConsumerAreRegisteredAtThePodsAddressAndUnregistered(t *testing.T) {
	agent := startAgent(t)
	to := connect(t, agent.socket)
	// dubbo-go has not the same URL value at hand when it unregisters.
	for _, url := range []*common.URL{provider(""), provider("10.1.2.3", common.WithInterface("a.C")), consumer()} {
		if err := to.Register(url); err != nil {
			t.Fatal(err)
		}
	}
	wanted := []string{
		"consumer://10.1.2.3/a.B?interface=a.B&protocol=tri&registry.role=0",
		"tri://10.1.2.3:50051/a.B?anyhost=true&interface=a.B&methods=Hello&registry.role=3",
		"tri://10.1.2.3:50051/a.B?anyhost=true&interface=a.C&methods=Hello&registry.role=3",
	}
	agent.until("registered", func() bool { return slices.Equal(agent.urls(), wanted) })
	if err := to.UnRegister(provider("")); err != nil {
		t.Fatal(err)
	}
	agent.until("one less", func() bool {
		return slices.Equal(agent.urls(), []string{wanted[0], wanted[2]})
	})
	if err := to.UnRegister(provider("")); err == nil {
		t.Fatal("it was not registered any more")
	}
	to.Destroy()
	agent.until("none", func() bool { return len(agent.held) == 0 })
	if to.IsAvailable() || to.Register(provider("")) == nil {
		t.Fatal("a destroyed registry registers nothing")
	}
}

func TestRefusedURLIsAnErrorThatSaysWhyAndTheOthersStay(t *testing.T) {
	agent := startAgent(t)
	agent.with(func() { agent.refuse = "192.0.2.9" })
	to := connect(t, agent.socket)
	if err := to.Register(provider("")); err != nil {
		t.Fatal(err)
	}
	err := to.Register(provider("192.0.2.9"))
	if err == nil || !strings.Contains(err.Error(), "address-not-pod") {
		t.Fatalf("%v", err)
	}
	agent.until("the good one", func() bool { return len(agent.urls()) == 1 })
}

func TestURLThatIsRefusedLaterIsRegisteredAgainWhenItCanBe(t *testing.T) {
	agent := startAgent(t)
	to := connect(t, agent.socket)
	to.(*podRegistry).session.lease = 30 * time.Millisecond
	if err := to.Register(provider("")); err != nil {
		t.Fatal(err)
	}
	puts := 0
	agent.with(func() { agent.refuseLater, puts = "a.B", agent.puts })
	agent.until("tried again", func() bool { return agent.puts > puts+2 && len(agent.urls()) == 0 })
	agent.with(func() { agent.refuseLater = "" })
	agent.until("registered again", func() bool { return len(agent.urls()) == 1 })
}

func TestAgentOfAnotherAPIIsRefusedWithTheWayOut(t *testing.T) {
	agent := startAgent(t)
	agent.api = 2
	to := connect(t, agent.socket)
	for _, err := range []error{
		to.Register(provider("")),
		to.LoadSubscribeInstances(consumer(), newListener(t)),
		to.Subscribe(consumer(), newListener(t)),
	} {
		if err == nil || !strings.Contains(err.Error(), "speaks API 2, and this adapter API 1") {
			t.Fatalf("%v", err)
		}
	}
}

func TestServerThatIsNoAgentIsRefused(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	err := connect(t, server.Listener.Addr().String()).Register(provider(""))
	if err == nil || !strings.Contains(err.Error(), "it is no dubbo-watcher agent, or one that is older") {
		t.Fatalf("%v", err)
	}
}

func TestWithoutAnAgentRegistrationFailsInTimeAndSubscriptionWaits(t *testing.T) {
	agent := startAgent(t)
	agent.stop()
	to := connect(t, agent.socket, common.WithParamsValue(constant.RegistryTimeoutKey, "100ms"))
	if err := to.Register(provider("")); err == nil || !strings.Contains(err.Error(), agent.socket) {
		t.Fatalf("%v", err)
	}
	listener := newListener(t)
	subscribe(t, to, listener)
	agent.with(func() { agent.providers[one] = true })
	agent.start()
	listener.hears("add 10.0.0.1:50051")
}

func TestLeaseIsRenewed(t *testing.T) {
	agent := startAgent(t)
	to := connect(t, agent.socket)
	to.(*podRegistry).session.lease = 30 * time.Millisecond
	if err := to.Register(provider("")); err != nil {
		t.Fatal(err)
	}
	agent.until("renewed twice", func() bool { return agent.puts > 2 })
}

func TestAgentThatRestartsHasAllRegistrationsAgain(t *testing.T) {
	agent := startAgent(t)
	to := connect(t, agent.socket)
	for _, name := range []string{"a.B", "a.C"} {
		if err := to.Register(provider("", common.WithInterface(name))); err != nil {
			t.Fatal(err)
		}
	}
	listener := newListener(t)
	subscribe(t, to, listener)
	agent.until("subscribed", func() bool { return agent.streams == 1 })
	agent.stop()
	agent.start()
	// The stream that breaks is noticed at once: no third of a lease passes.
	agent.until("registered again", func() bool { return len(agent.urls()) == 2 })
}

func TestGracefulEndLeavesNothingRegistered(t *testing.T) {
	agent := startAgent(t)
	to := connect(t, agent.socket)
	for _, url := range []*common.URL{provider(""), consumer()} {
		if err := to.Register(url); err != nil {
			t.Fatal(err)
		}
	}
	if len(agent.held) != 1 {
		t.Fatal("a process has one registration")
	}
	callbacks := extension.GetAllCustomShutdownCallbacks()
	for callback := callbacks.Front(); callback != nil; callback = callback.Next() {
		callback.Value.(func())()
	}
	agent.until("nothing", func() bool { return len(agent.held) == 0 })
}

func TestSubscriberIsNotifiedOfTrustedProvidersAndOfEachChangeOnce(t *testing.T) {
	agent := startAgent(t)
	agent.add(one, true)
	agent.add(two, false)
	to, listener := connect(t, agent.socket), newListener(t)
	ended := subscribe(t, to, listener)
	listener.hears("add 10.0.0.1:50051")
	agent.add(three, true)
	listener.hears("add 10.0.0.3:50051")
	agent.remove(one)
	listener.hears("delete 10.0.0.1:50051")
	if err := to.UnSubscribe(consumer(), listener); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	listener.heardNoMore()
	agent.until("the stream is closed", func() bool { return agent.streams == 0 })
}

func TestAfterARestartOfTheAgentTheDifferenceIsNotifiedAndNoMore(t *testing.T) {
	agent := startAgent(t)
	agent.add(one, true)
	agent.add(two, true)
	to, listener := connect(t, agent.socket), newListener(t)
	subscribe(t, to, listener)
	listener.hears("add 10.0.0.1:50051", "add 10.0.0.2:50051")
	agent.stop()
	agent.with(func() {
		delete(agent.providers, one)
		agent.providers[three] = true
		// An agent that has just begun shows nothing, and says so: nothing is gone for that.
		agent.synced = false
	})
	agent.start()
	agent.until("asked before it is synced", func() bool { return agent.streams > 0 })
	agent.with(func() { agent.synced = true })
	listener.hears("delete 10.0.0.1:50051", "add 10.0.0.3:50051")
	agent.remove(two)
	listener.hears("delete 10.0.0.2:50051")
	listener.heardNoMore()
}

func TestStreamThatBreaksIsResumedAfterTheLastEvent(t *testing.T) {
	agent := startAgent(t)
	to, listener := connect(t, agent.socket), newListener(t)
	subscribe(t, to, listener)
	agent.add(one, true)
	listener.hears("add 10.0.0.1:50051")
	resumed := 0
	agent.with(func() { resumed = agent.resumed })
	agent.server.CloseClientConnections()
	agent.add(two, true)
	listener.hears("add 10.0.0.2:50051")
	listener.heardNoMore()
	agent.until("resumed", func() bool { return agent.resumed > resumed })
}

func TestProviderThatRegistersAgainWithOtherParametersStaysOneEndpoint(t *testing.T) {
	agent := startAgent(t)
	agent.add(one, true)
	to, listener := connect(t, agent.socket), newListener(t)
	subscribe(t, to, listener)
	listener.hears("add 10.0.0.1:50051")
	agent.add(one+"&weight=50", true)
	agent.remove(one)
	listener.hears("update 10.0.0.1:50051")
	agent.remove(one + "&weight=50")
	listener.hears("delete 10.0.0.1:50051")
	listener.heardNoMore()
}

func TestProvidersSubscriptionToConfiguratorsEndsAtOnce(t *testing.T) {
	agent := startAgent(t)
	if err := connect(t, agent.socket).Subscribe(provider(""), newListener(t)); err != nil {
		t.Fatal(err)
	}
}

func TestAddressIsTheSocketOfAnAgent(t *testing.T) {
	for _, test := range []struct{ url, network, address, problem string }{
		{url: "kubernetes:///run/dubbo/agent.sock", network: "unix", address: "/run/dubbo/agent.sock"},
		{url: "kubernetes://127.0.0.1:7778", network: "tcp", address: "127.0.0.1:7778"},
		{url: "kubernetes://[::1]:7778", network: "tcp", address: "[::1]:7778"},
		{url: "kubernetes://agent", problem: "must name the socket"},
		{url: "kubernetes:///a.sock?registry.group=mine", problem: "leave the group out"},
		{url: "kubernetes:///a.sock?registry.namespace=mine", problem: "--namespace"},
	} {
		url, err := common.NewURL(test.url)
		if err != nil {
			t.Fatal(err)
		}
		network, address, err := agentAddress(url)
		if network != test.network || address != test.address || (err == nil) != (test.problem == "") {
			t.Errorf("%s: %s %s %v", test.url, network, address, err)
		} else if err != nil && !strings.Contains(err.Error(), test.problem) {
			t.Errorf("%s: %v", test.url, err)
		}
	}
}

func TestServiceDiscoveryByApplicationIsRefusedWithTheWayOut(t *testing.T) {
	url, err := common.NewURL("service-discovery-registry:///a.sock?registry=kubernetes")
	if err != nil {
		t.Fatal(err)
	}
	_, err = extension.GetServiceDiscovery(url)
	if err == nil || !strings.Contains(err.Error(), "registry-type: interface") {
		t.Fatalf("%v", err)
	}
}
