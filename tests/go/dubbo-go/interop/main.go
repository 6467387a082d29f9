// Uses dubbo-go 1.5.9's own Kubernetes registry, in its own Pod (HOSTNAME, NAMESPACE, DUBBO_NAMESPACE, in-cluster files).
//
//	interop register URL…          registers each, prints "registered URL", stays
//	interop subscribe URL          prints one JSON line for each event it is notified of, stays
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	_ "github.com/apache/dubbo-go/cluster/cluster_impl"
	"github.com/apache/dubbo-go/common"
	"github.com/apache/dubbo-go/common/constant"
	"github.com/apache/dubbo-go/common/extension"
	"github.com/apache/dubbo-go/registry"
	_ "github.com/apache/dubbo-go/registry/kubernetes"
)

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

func main() {
	role := common.PROVIDER
	if os.Args[1] == "subscribe" {
		role = common.CONSUMER
	}
	at, err := common.NewURL("kubernetes://127.0.0.1:443", common.WithParamsValue(constant.ROLE_KEY, strconv.Itoa(role)))
	if err != nil {
		panic(err)
	}
	reg, err := extension.GetRegistry("kubernetes", at)
	if err != nil {
		fmt.Println("registry:", err)
		os.Exit(1)
	}
	switch os.Args[1] {
	case "register":
		for _, s := range os.Args[2:] {
			u, err := common.NewURL(s)
			if err != nil {
				fmt.Println("url:", err)
				os.Exit(1)
			}
			u.Methods = strings.Split(u.GetParam("methods", "Hello"), ",")
			if err := reg.Register(u); err != nil {
				fmt.Println("register:", err)
				os.Exit(1)
			}
			fmt.Println("registered", s)
		}
	case "subscribe":
		u, err := common.NewURL(os.Args[2])
		if err != nil {
			panic(err)
		}
		go func() { _ = reg.Register(u) }()
		go reg.Subscribe(u, printer{})
	}
	time.Sleep(time.Hour)
}
