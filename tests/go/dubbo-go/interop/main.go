// Uses dubbo-go 1.5.9's own Kubernetes registry, in its own Pod (HOSTNAME, NAMESPACE, DUBBO_NAMESPACE, in-cluster files).
//
//	interop register URL…          registers each, prints "registered URL", and stays
//	interop serve NAME URL         answers com.example.Greeter's Hello with the name, registers as above, and stays
//	interop subscribe URL          prints one JSON line for each event it is notified of, and stays
//
// Either ends with its standard input.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	_ "github.com/apache/dubbo-go/cluster/cluster_impl"
	"github.com/apache/dubbo-go/common"
	"github.com/apache/dubbo-go/common/constant"
	"github.com/apache/dubbo-go/common/extension"
	_ "github.com/apache/dubbo-go/common/proxy/proxy_factory"
	_ "github.com/apache/dubbo-go/protocol/dubbo"
	"github.com/apache/dubbo-go/registry"
	_ "github.com/apache/dubbo-go/registry/kubernetes"
	"github.com/apache/dubbo-go/remoting/getty"
)

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

type printer struct{}

func (printer) Notify(e *registry.ServiceEvent) {
	b, _ := json.Marshal(map[string]string{"action": e.Action.String(), "url": e.Service.String(), "host": e.Service.Location})
	fmt.Println(string(b))
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
	verbs := map[string]int{"register": 3, "serve": 4, "subscribe": 3}
	if len(os.Args) < 2 || verbs[os.Args[1]] == 0 || len(os.Args) < verbs[os.Args[1]] {
		fmt.Fprintln(os.Stderr, "usage: interop register URL… | interop serve NAME URL | interop subscribe URL")
		os.Exit(2)
	}
	role := common.PROVIDER
	if os.Args[1] == "subscribe" {
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
	case "subscribe":
		u := parse(os.Args[2])
		if err := reg.Register(u); err != nil {
			fail("registering the consumer", err)
		}
		go func() {
			if err := reg.Subscribe(u, printer{}); err != nil {
				fail("subscribing", err)
			}
		}()
	}
	// The process that started it holds the other end: it never outlives that one.
	_, _ = io.Copy(io.Discard, os.Stdin)
}
