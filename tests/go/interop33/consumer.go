// The consumer.

package main

import (
	"context"
	"encoding/json"
	"flag"
	"os"
	"time"

	"dubbo.apache.org/dubbo-go/v3"
	"dubbo.apache.org/dubbo-go/v3/client"
	"dubbo.apache.org/dubbo-go/v3/logger"

	"interop33/greet"
)

// called is a line of output.
type called struct {
	Call  int    `json:"call"`
	OK    bool   `json:"ok"`
	From  string `json:"from,omitempty"`
	Error string `json:"error,omitempty"`
}

func consume(arguments []string) error {
	flags := flag.NewFlagSet("consumer", flag.ExitOnError)
	address := flags.String("registry", "", "the registry's address; empty for none")
	url := flags.String("url", "", "the address to call; empty for those of the registry")
	protocol := flags.String("protocol", "tri", "tri, or dubbo for com.example.Greeter by hessian2")
	calls := flags.Int("calls", 0, "how many calls; 0 is no end")
	every := flags.Int("every-ms", 20, "the pause between two calls")
	timeout := flags.Int("timeout-ms", 2000, "how long a call may take")
	retries := flags.Int("retries", 1, "how often dubbo-go tries a call again that failed")
	await := flags.Bool("await-first", false, "print no call before the first one that is answered")
	version := flags.String("version", "", "the service's version")
	_ = flags.Parse(arguments)
	endWithInput()

	instance, err := dubbo.NewInstance(registered(*address,
		dubbo.WithName("caller"),
		soon,
		dubbo.WithLogger(logger.WithLevel("error")),
	)...)
	if err != nil {
		return err
	}
	from, err := instance.NewClient(
		client.WithClientRetries(*retries), client.WithClientVersion(*version), client.WithClientNoCheck(),
		client.WithClientURL(*url),
	)
	if err != nil {
		return err
	}
	call, err := caller(from, *protocol)
	if err != nil {
		return err
	}
	out := json.NewEncoder(os.Stdout)
	for number := 1; *calls == 0 || number <= *calls; number++ {
		line := called{Call: number}
		ctx, cancel := context.WithTimeout(context.Background(), time.Duration(*timeout)*time.Millisecond)
		line.From, err = call(ctx)
		cancel()
		if line.OK = err == nil; !line.OK {
			line.Error = err.Error()
		}
		if *await && !line.OK {
			time.Sleep(time.Duration(*every) * time.Millisecond)
			continue
		}
		*await = false
		if err := out.Encode(line); err != nil {
			return err
		}
		time.Sleep(time.Duration(*every) * time.Millisecond)
	}
	return nil
}

func caller(from *client.Client, protocol string) (func(context.Context) (string, error), error) {
	if protocol == "dubbo" {
		connection, err := from.Dial(old, client.WithProtocolDubbo())
		return func(ctx context.Context) (reply string, err error) {
			err = connection.CallUnary(ctx, []any{"interop33"}, &reply, "Hello")
			return reply, err
		}, err
	}
	greeter, err := greet.NewClient(from)
	return func(ctx context.Context) (string, error) {
		response, err := greeter.Greet(ctx, &greet.GreetRequest{Name: "interop33"})
		return response.GetGreeting(), err
	}, err
}
