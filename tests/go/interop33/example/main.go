// A service of dubbo-go 3 that is registered in its own Pod, and called from another one. It has two roles:
//
//	example provider
//	example consumer
package main

import (
	"context"
	"fmt"
	"log"
	"os"

	"dubbo.apache.org/dubbo-go/v3"
	"dubbo.apache.org/dubbo-go/v3/protocol"
	"dubbo.apache.org/dubbo-go/v3/registry"

	"interop33/greet"

	// This one instead of dubbo-go's own registries.
	_ "dubbo-k8s/adapters/dubbo-go"

	// What both roles use of dubbo-go; `dubbo.apache.org/dubbo-go/v3/imports` has all that there is.
	_ "dubbo.apache.org/dubbo-go/v3/cluster/cluster/failover"
	_ "dubbo.apache.org/dubbo-go/v3/cluster/loadbalance/random"
	_ "dubbo.apache.org/dubbo-go/v3/cluster/router/condition"
	_ "dubbo.apache.org/dubbo-go/v3/filter/accesslog"
	_ "dubbo.apache.org/dubbo-go/v3/filter/echo"
	_ "dubbo.apache.org/dubbo-go/v3/filter/exec_limit"
	_ "dubbo.apache.org/dubbo-go/v3/filter/generic"
	_ "dubbo.apache.org/dubbo-go/v3/filter/graceful_shutdown"
	_ "dubbo.apache.org/dubbo-go/v3/filter/token"
	_ "dubbo.apache.org/dubbo-go/v3/filter/tps"
	_ "dubbo.apache.org/dubbo-go/v3/protocol/triple"
	_ "dubbo.apache.org/dubbo-go/v3/proxy/proxy_factory"
	_ "dubbo.apache.org/dubbo-go/v3/registry/directory"
	_ "dubbo.apache.org/dubbo-go/v3/registry/protocol"
)

// Greeter is the service; package greet is what the generators make of greet.proto.
type Greeter struct{}

// Greet is its method.
func (*Greeter) Greet(_ context.Context, request *greet.GreetRequest) (*greet.GreetResponse, error) {
	return &greet.GreetResponse{Greeting: "Hello " + request.GetName()}, nil
}

func main() {
	instance, err := dubbo.NewInstance(
		dubbo.WithName("shop"),
		dubbo.WithRegistry(
			registry.WithAddress("kubernetes:///run/dubbo/agent.sock"),
			registry.WithRegisterInterface(),
			registry.WithoutUseAsMetaReport(),
			registry.WithoutUseAsConfigCenter(),
		),
		dubbo.WithProtocol(protocol.WithTriple(), protocol.WithPort(50051)),
	)
	if err != nil {
		log.Fatal(err)
	}
	if len(os.Args) > 1 && os.Args[1] == "provider" {
		err = provide(instance)
	} else {
		err = call(instance)
	}
	if err != nil {
		log.Fatal(err)
	}
}

func provide(instance *dubbo.Instance) error {
	serving, err := instance.NewServer()
	if err != nil {
		return err
	}
	if err := greet.Register(serving, &Greeter{}); err != nil {
		return err
	}
	return serving.Serve()
}

func call(instance *dubbo.Instance) error {
	from, err := instance.NewClient()
	if err != nil {
		return err
	}
	greeter, err := greet.NewClient(from)
	if err != nil {
		return err
	}
	response, err := greeter.Greet(context.Background(), &greet.GreetRequest{Name: "world"})
	if err != nil {
		return err
	}
	fmt.Println(response.GetGreeting())
	return nil
}
