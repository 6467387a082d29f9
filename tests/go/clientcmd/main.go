// Reads kubeconfigs as kubectl does, by client-go's clientcmd, for the test that compares: each line of the
// standard input is a JSON object {"kubeconfig": base64, "context", "cluster", "user", "server"}, and each line
// of the standard output what kubectl would connect to, or why not. It connects to nothing.
package main

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"

	_ "k8s.io/client-go/plugin/pkg/client/auth"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

type question struct {
	Kubeconfig                     []byte
	Context, Cluster, User, Server string
}

type answer struct {
	Server      string `json:"server"`
	Credential  string `json:"credential"`
	Namespace   string `json:"namespace"`
	Insecure    bool   `json:"insecure"`
	Impersonate string `json:"impersonate"`
	Refused     string `json:"refused"`
}

func main() {
	folder, err := os.MkdirTemp("", "clientcmd")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(folder)
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 16<<20)
	out := json.NewEncoder(os.Stdout)
	for in.Scan() {
		var asked question
		if err := json.Unmarshal(in.Bytes(), &asked); err != nil {
			panic(err)
		}
		if err := out.Encode(read(filepath.Join(folder, "config"), asked)); err != nil {
			panic(err)
		}
	}
}

func read(path string, asked question) answer {
	if err := os.WriteFile(path, asked.Kubeconfig, 0o600); err != nil {
		panic(err)
	}
	overrides := &clientcmd.ConfigOverrides{CurrentContext: asked.Context}
	overrides.Context.Cluster = asked.Cluster
	overrides.Context.AuthInfo = asked.User
	overrides.ClusterInfo.Server = asked.Server
	rules := &clientcmd.ClientConfigLoadingRules{ExplicitPath: path}
	loaded := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, overrides)
	config, err := loaded.ClientConfig()
	if err != nil {
		return answer{Refused: err.Error()}
	}
	namespace, _, err := loaded.Namespace()
	if err != nil {
		return answer{Refused: err.Error()}
	}
	if _, err := rest.HTTPClientFor(config); err != nil {
		return answer{Refused: err.Error()}
	}
	return answer{
		Server:      config.Host,
		Credential:  credential(config),
		Namespace:   namespace,
		Insecure:    config.Insecure,
		Impersonate: config.Impersonate.UserName,
	}
}

// What is sent: what is given in the entry comes before what is asked for.
func credential(config *rest.Config) string {
	switch {
	case config.BearerToken != "":
		return "token " + config.BearerToken
	case config.Username != "":
		return "basic " + config.Username + ":" + config.Password
	case config.ExecProvider != nil:
		return "exec " + config.ExecProvider.Command
	case config.AuthProvider != nil:
		return "token " + config.AuthProvider.Config["id-token"]
	default:
		return ""
	}
}
