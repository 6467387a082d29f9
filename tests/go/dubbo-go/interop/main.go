// Uses dubbo-go 1.5.9's own Kubernetes registry, in its own Pod (HOSTNAME, NAMESPACE, DUBBO_NAMESPACE, in-cluster files).
//
//	interop register URL…          registers each, prints "registered URL", and stays
//	interop serve NAME URL         answers com.example.Greeter's Hello with the name, registers as above, and stays
//	interop subscribe URL          prints one JSON line for each event it is notified of, and stays
//	interop call URL               the same, and calls Hello of each provider that is added: {"from":…} or {"error":…}
//
// Either ends with its standard input.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"reflect"
	"strconv"
	"strings"
	"time"

	_ "github.com/apache/dubbo-go/cluster/cluster_impl"
	"github.com/apache/dubbo-go/common"
	"github.com/apache/dubbo-go/common/constant"
	"github.com/apache/dubbo-go/common/extension"
	_ "github.com/apache/dubbo-go/common/proxy/proxy_factory"
	"github.com/apache/dubbo-go/config"
	_ "github.com/apache/dubbo-go/protocol/dubbo"
	"github.com/apache/dubbo-go/protocol/invocation"
	"github.com/apache/dubbo-go/registry"
	_ "github.com/apache/dubbo-go/registry/kubernetes"
	"github.com/apache/dubbo-go/remoting"
	"github.com/apache/dubbo-go/remoting/getty"
)

// timeout is how long a connection or a call may take.
const timeout = 5 * time.Second

// Greeter answers with its name.
type Greeter struct{ name string }

// Hello is its method.
func (g *Greeter) Hello(context.Context, string) (string, error) { return g.name, nil }

// Reference names it for dubbo-go.
func (g *Greeter) Reference() string { return "Greeter" }

// serve answers at the address of a URL.
func serve(name string, u *common.URL) {
	service := u.GetParam(constant.INTERFACE_KEY, "")
	if _, err := common.ServiceMap.Register(service, u.Protocol, "", u.GetParam(constant.VERSION_KEY, ""), &Greeter{name}); err != nil {
		fail("providing "+service, err)
	}
	// Without a file of configuration there is none.
	getty.SetServerConfig(getty.GetDefaultServerConfig())
	invoker := extension.GetProxyFactory("default").GetInvoker(u)
	extension.GetProtocol(u.Protocol).Export(invoker)
}

type printer struct{ calls bool }

func (p printer) Notify(e *registry.ServiceEvent) {
	print(map[string]string{"action": e.Action.String(), "url": e.Service.String(), "host": e.Service.Location})
	if p.calls && e.Action == remoting.EventTypeAdd {
		call(e.Service)
	}
}

func print(line map[string]string) {
	b, _ := json.Marshal(line)
	fmt.Println(string(b))
}

// call calls one provider by hessian2.
func call(u *common.URL) {
	invoker := extension.GetProtocol(u.Protocol).Refer(u)
	if invoker == nil {
		print(map[string]string{"error": "no connection to " + u.Location})
		return
	}
	var from string
	result := invoker.Invoke(context.Background(), invocation.NewRPCInvocationWithOptions(
		invocation.WithMethodName("Hello"),
		invocation.WithArguments([]interface{}{"interop"}),
		invocation.WithParameterValues([]reflect.Value{reflect.ValueOf("interop")}),
		invocation.WithAttachments(map[string]interface{}{}),
		invocation.WithReply(&from),
	))
	if err := result.Error(); err != nil {
		print(map[string]string{"error": err.Error()})
		return
	}
	print(map[string]string{"from": from})
}

func (p printer) NotifyAll(es []*registry.ServiceEvent, f func()) {
	for _, e := range es {
		p.Notify(e)
	}
	if f != nil {
		f()
	}
}

// fail ends the program with one sentence.
func fail(step string, err error) {
	fmt.Fprintf(os.Stderr, "interop: %s: %v\n", step, err)
	os.Exit(1)
}

func parse(s string) *common.URL {
	u, err := common.NewURL(s)
	if err != nil {
		fail("dubbo-go refuses the URL "+s, err)
	}
	return u
}

func main() {
	verbs := map[string]int{"register": 3, "serve": 4, "subscribe": 3, "call": 3}
	if len(os.Args) < 2 || verbs[os.Args[1]] == 0 || len(os.Args) < verbs[os.Args[1]] {
		fmt.Fprintln(os.Stderr, "usage: interop register URL… | interop serve NAME URL | interop subscribe|call URL")
		os.Exit(2)
	}
	role := common.PROVIDER
	if os.Args[1] == "subscribe" || os.Args[1] == "call" {
		role = common.CONSUMER
	}
	at, err := common.NewURL("kubernetes://127.0.0.1:443", common.WithParamsValue(constant.ROLE_KEY, strconv.Itoa(role)))
	if err != nil {
		fail("the registry's URL", err)
	}
	reg, err := extension.GetRegistry("kubernetes", at)
	if err != nil {
		fail("connecting to the registry", err)
	}
	urls := os.Args[2:]
	switch os.Args[1] {
	case "serve":
		serve(os.Args[2], parse(os.Args[3]))
		urls = os.Args[3:]
		fallthrough
	case "register":
		for _, s := range urls {
			u := parse(s)
			u.Methods = strings.Split(u.GetParam("methods", "Hello"), ",")
			if err := reg.Register(u); err != nil {
				fail("registering "+s, err)
			}
			fmt.Println("registered", s)
		}
	case "subscribe", "call":
		// Without a file of configuration there is none.
		config.SetConsumerConfig(config.ConsumerConfig{ConnectTimeout: timeout, RequestTimeout: timeout})
		getty.SetClientConf(getty.GetDefaultClientConfig())
		u := parse(os.Args[2])
		if err := reg.Register(u); err != nil {
			fail("registering the consumer", err)
		}
		go func() {
			if err := reg.Subscribe(u, printer{calls: os.Args[1] == "call"}); err != nil {
				fail("subscribing", err)
			}
		}()
	}
	// The process that started it holds the other end: it never outlives that one.
	_, _ = io.Copy(io.Discard, os.Stdin)
}
