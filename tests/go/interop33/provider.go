// The provider.

package main

import (
	"context"
	"flag"
	"fmt"
	"time"

	"dubbo.apache.org/dubbo-go/v3"
	"dubbo.apache.org/dubbo-go/v3/graceful_shutdown"
	"dubbo.apache.org/dubbo-go/v3/logger"
	"dubbo.apache.org/dubbo-go/v3/protocol"
	"dubbo.apache.org/dubbo-go/v3/registry"
	"dubbo.apache.org/dubbo-go/v3/server"

	"interop33/greet"
)

// Greeter answers with its name. dubbo-go takes exported types alone.
type Greeter struct{ name string }

func (g *Greeter) Greet(context.Context, *greet.GreetRequest) (*greet.GreetResponse, error) {
	return &greet.GreetResponse{Greeting: g.name}, nil
}

func provide(arguments []string) error {
	flags := flag.NewFlagSet("provider", flag.ExitOnError)
	address := flags.String("registry", "", "the registry's address")
	host := flags.String("host", "", "the address to listen on; the Pod's is registered unless it is given")
	port := flags.Int("port", 0, "the port to listen on")
	name := flags.String("name", "", "what it answers")
	group := flags.String("group", "", "the service's group")
	version := flags.String("version", "", "the service's version")
	_ = flags.Parse(arguments)
	endWithInput()

	instance, err := dubbo.NewInstance(
		dubbo.WithName("greeter"),
		dubbo.WithRegistry(registry.WithAddress(*address), registry.WithRegisterInterface()),
		dubbo.WithProtocol(protocol.WithTriple(), protocol.WithIp(*host), protocol.WithPort(*port)),
		dubbo.WithShutdown(
			graceful_shutdown.WithConsumerUpdateWaitTime(time.Second),
			graceful_shutdown.WithStepTimeout(time.Second),
			graceful_shutdown.WithOfflineRequestWindowTimeout(100*time.Millisecond),
		),
		dubbo.WithLogger(logger.WithLevel("error")),
	)
	if err != nil {
		return err
	}
	serving, err := instance.NewServer()
	if err != nil {
		return err
	}
	options := []server.ServiceOption{server.WithGroup(*group), server.WithVersion(*version)}
	if err := greet.Register(serving, &Greeter{*name}, options...); err != nil {
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
		if found := serving.GetServiceOptionsByInterfaceName(greet.Interface); found != nil && found.IsExport() {
			fmt.Println("ready")
			return <-failed
		}
	}
}
