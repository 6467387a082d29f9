// greet.GreetService over Triple, as protoc-gen-go-triple would generate it from greet.proto.

package greet

import (
	"context"

	"dubbo.apache.org/dubbo-go/v3/client"
	"dubbo.apache.org/dubbo-go/v3/common"
	"dubbo.apache.org/dubbo-go/v3/common/constant"
	"dubbo.apache.org/dubbo-go/v3/protocol/triple/triple_protocol"
	"dubbo.apache.org/dubbo-go/v3/server"
)

// Interface is the service's name.
const Interface = "greet.GreetService"

// Service is what a provider implements.
type Service interface {
	Greet(ctx context.Context, request *GreetRequest) (*GreetResponse, error)
}

// Client calls a provider.
type Client struct{ connection *client.Connection }

// NewClient refers to the service.
func NewClient(from *client.Client, options ...client.ReferenceOption) (*Client, error) {
	info := &client.ClientInfo{InterfaceName: Interface, MethodNames: []string{"Greet"}}
	connection, err := from.DialWithInfo(Interface, info, options...)
	return &Client{connection}, err
}

// Greet calls one provider.
func (c *Client) Greet(ctx context.Context, request *GreetRequest) (*GreetResponse, error) {
	response := new(GreetResponse)
	return response, c.connection.CallUnary(ctx, []any{request}, response, "Greet")
}

// Register provides the service.
func Register(to *server.Server, service Service, options ...server.ServiceOption) error {
	return to.Register(service, &common.ServiceInfo{
		InterfaceName: Interface,
		ServiceType:   (*Service)(nil),
		Methods: []common.MethodInfo{{
			Name:        "Greet",
			Type:        constant.CallUnary,
			ReqInitFunc: func() any { return new(GreetRequest) },
			MethodFunc: func(ctx context.Context, arguments []any, handler any) (any, error) {
				response, err := handler.(Service).Greet(ctx, arguments[0].(*GreetRequest))
				if err != nil {
					return nil, err
				}
				return triple_protocol.NewResponse(response), nil
			},
		}},
	}, options...)
}
