// Package kubernetes is a registry of dubbo-go 3 whose records are the annotations of plain Kubernetes Pods.
//
// It speaks to `dubbo-watcher agent`, which runs beside the application in the same Pod, over a Unix socket. It never
// speaks to a kube-apiserver, holds no credential, and depends on nothing but dubbo-go and the standard library.
//
// Import it for its effect, and name the agent's socket as the registry's address:
//
//	import _ "dubbo-k8s/adapters/dubbo-go"
//
//	dubbo.WithRegistry(
//		registry.WithAddress("kubernetes:///run/dubbo/agent.sock"),
//		registry.WithRegisterInterface(),
//	)
package kubernetes
