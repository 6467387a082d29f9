// The provider.

package main

import (
	"context"
	"flag"
	"fmt"
	"time"

	"dubbo.apache.org/dubbo-go/v3"
	"dubbo.apache.org/dubbo-go/v3/logger"
	"dubbo.apache.org/dubbo-go/v3/protocol"
	"dubbo.apache.org/dubbo-go/v3/server"

	"interop33/greet"
)

// Greeter answers with its name. dubbo-go takes exported types alone.
type Greeter struct{ name string }

func (g *Greeter) Greet(context.Context, *greet.GreetRequest) (*greet.GreetResponse, error) {
	return &greet.GreetResponse{Greeting: g.name}, nil
}

// old is the service of dubbo-go 1.5.9's programs.
const old = "com.example.Greeter"

// Old answers to them.
type Old struct{ name string }

// Hello is its method.
func (o *Old) Hello(context.Context, string) (string, error) { return o.name, nil }

func provide(arguments []string) error {
	flags := flag.NewFlagSet("provider", flag.ExitOnError)
	address := flags.String("registry", "", "the registry's address; empty for none")
	host := flags.String("host", "", "the address to listen on; the Pod's is registered unless it is given")
	port := flags.Int("port", 0, "the port to listen on")
	name := flags.String("name", "", "what it answers")
	group := flags.String("group", "", "the service's group")
	version := flags.String("version", "", "the service's version")
	by := flags.String("protocol", "tri", "tri, or dubbo for com.example.Greeter by hessian2")
	_ = flags.Parse(arguments)
	endWithInput()

	instance, err := dubbo.NewInstance(registered(*address,
		dubbo.WithName("greeter"),
		// Else its metadata service listens at the same port of all addresses; Pods register interfaces and need none.
		dubbo.WithRemoteMetadata(),
		dubbo.WithProtocol(protocol.WithProtocol(*by), protocol.WithIp(*host), protocol.WithPort(*port)),
		soon,
		dubbo.WithLogger(logger.WithLevel("error")),
	)...)
	if err != nil {
		return err
	}
	serving, err := instance.NewServer()
	if err != nil {
		return err
	}
	service := greet.Interface
	if *by == "dubbo" {
		service = old
		err = serving.RegisterService(&Old{*name}, server.WithInterface(old), server.WithVersion(*version))
	} else {
		err = greet.Register(serving, &Greeter{*name}, server.WithGroup(*group), server.WithVersion(*version))
	}
	if err != nil {
		return err
	}
	failed := make(chan error, 1)
	go func() { failed <- serving.Serve() }()
	// dubbo-go listens, then registers, then calls it exported; when either fails, Serve returns.
	exported := time.NewTicker(10 * time.Millisecond)
	defer exported.Stop()
	for {
		select {
		case err := <-failed:
			return err
		case <-exported.C:
		}
		if found := serving.GetServiceOptionsByInterfaceName(service); found != nil && found.IsExport() {
			fmt.Println("ready")
			return <-failed
		}
	}
}
