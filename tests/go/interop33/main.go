// A provider and a consumer of dubbo-go 3.3 as programs that a test drives: each beside an agent in its Pod, or without a
// registry, where the test registers the provider and the consumer calls a proxy.
//
//	interop33 provider --registry kubernetes:///run/dubbo/agent.sock --host 10.1.2.3 --port 20000 --name a
//	interop33 consumer --registry kubernetes:///run/dubbo/agent.sock --every-ms 20
//	interop33 consumer --url tri://127.0.0.1:8080
//
// A provider prints `ready` once it answers and is registered, and ends at SIGTERM. A consumer prints a line of JSON for
// each call: {"call":1,"ok":true,"from":"a"}, with an "error" where it failed. Either ends with its input.
package main

import (
	"fmt"
	"io"
	"os"
	"syscall"
	"time"

	"dubbo.apache.org/dubbo-go/v3"
	"dubbo.apache.org/dubbo-go/v3/graceful_shutdown"
	"dubbo.apache.org/dubbo-go/v3/registry"

	_ "dubbo-k8s/adapters/dubbo-go"

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
	_ "dubbo.apache.org/dubbo-go/v3/protocol/dubbo"
	_ "dubbo.apache.org/dubbo-go/v3/protocol/triple"
	_ "dubbo.apache.org/dubbo-go/v3/protocol/triple/health"
	_ "dubbo.apache.org/dubbo-go/v3/proxy/proxy_factory"
	_ "dubbo.apache.org/dubbo-go/v3/registry/directory"
	_ "dubbo.apache.org/dubbo-go/v3/registry/protocol"
)

// soon is a graceful end that does not wait as long as dubbo-go does by itself.
var soon = dubbo.WithShutdown(
	graceful_shutdown.WithConsumerUpdateWaitTime(time.Second),
	graceful_shutdown.WithStepTimeout(time.Second),
	graceful_shutdown.WithOfflineRequestWindowTimeout(100*time.Millisecond),
)

func main() {
	role, arguments := "", []string(nil)
	if len(os.Args) > 1 {
		role, arguments = os.Args[1], os.Args[2:]
	}
	var err error
	switch role {
	case "provider":
		err = provide(arguments)
	case "consumer":
		err = consume(arguments)
	default:
		fmt.Fprintln(os.Stderr, "usage: interop33 provider|consumer --registry ADDRESS …")
		os.Exit(2)
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "interop33: %v\n", err)
		os.Exit(1)
	}
}

// registered names the registry to an instance, where there is one.
func registered(address string, options ...dubbo.InstanceOption) []dubbo.InstanceOption {
	if address == "" {
		return options
	}
	return append(options, dubbo.WithRegistry(registry.WithAddress(address), registry.WithRegisterInterface()))
}

// endWithInput ends gracefully with the process that started this one, which holds the other end.
func endWithInput() {
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		_ = syscall.Kill(os.Getpid(), syscall.SIGTERM)
	}()
}
