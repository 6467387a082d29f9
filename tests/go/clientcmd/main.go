// Reads kubeconfigs as kubectl does, by client-go's clientcmd, for the test that compares: each line of the
// standard input is a JSON object {"kubeconfig": path, "list": $KUBECONFIG, "context", "cluster", "user",
// "server", "tlsServerName", "insecure", "as"}, and each line of the standard output what kubectl would connect
// to, or why not. It connects to nothing.
package main

import (
	"bufio"
	"encoding/json"
	"net/http"
	"os"
	"strings"

	_ "k8s.io/client-go/plugin/pkg/client/auth"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

type question struct {
	Kubeconfig, List               string
	Context, Cluster, User, Server string
	TLSServerName, As              string
	Insecure                       bool
}

type answer struct {
	Server      string   `json:"server"`
	ServerName  string   `json:"serverName"`
	Authority   string   `json:"authority"`
	Insecure    bool     `json:"insecure"`
	Proxy       string   `json:"proxy"`
	Credential  string   `json:"credential"`
	Certificate string   `json:"certificate"`
	Key         string   `json:"key"`
	Namespace   string   `json:"namespace"`
	Impersonate []string `json:"impersonate"`
	Refused     string   `json:"refused"`
}

func main() {
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 16<<20)
	out := json.NewEncoder(os.Stdout)
	for in.Scan() {
		var asked question
		if err := json.Unmarshal(in.Bytes(), &asked); err != nil {
			panic(err)
		}
		if err := out.Encode(read(asked)); err != nil {
			panic(err)
		}
	}
}

func read(asked question) answer {
	refused := func(err error) answer { return answer{Impersonate: []string{}, Refused: err.Error()} }
	overrides := &clientcmd.ConfigOverrides{CurrentContext: asked.Context}
	overrides.Context.Cluster = asked.Cluster
	overrides.Context.AuthInfo = asked.User
	overrides.ClusterInfo.Server = asked.Server
	overrides.ClusterInfo.TLSServerName = asked.TLSServerName
	overrides.ClusterInfo.InsecureSkipTLSVerify = asked.Insecure
	overrides.AuthInfo.Impersonate = asked.As
	os.Setenv("KUBECONFIG", asked.List)
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = asked.Kubeconfig
	loaded := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, overrides)
	config, err := loaded.ClientConfig()
	if err != nil {
		return refused(err)
	}
	namespace, _, err := loaded.Namespace()
	if err != nil {
		return refused(err)
	}
	if _, err := rest.HTTPClientFor(config); err != nil {
		return refused(err)
	}
	if err := rest.LoadTLSFiles(config); err != nil {
		return refused(err)
	}
	server, _, err := rest.DefaultServerUrlFor(config)
	if err != nil {
		return refused(err)
	}
	proxy := ""
	if config.Proxy != nil {
		url, err := config.Proxy(&http.Request{})
		if err != nil {
			return refused(err)
		}
		proxy = url.String()
	}
	return answer{
		Server:      server.String(),
		ServerName:  config.ServerName,
		Authority:   string(config.CAData),
		Insecure:    config.Insecure,
		Proxy:       proxy,
		Credential:  credential(config),
		Certificate: string(config.CertData),
		Key:         string(config.KeyData),
		Namespace:   namespace,
		Impersonate: impersonate(config.Impersonate),
	}
}

// What is sent: what is given in the entry comes before what is asked for.
func credential(config *rest.Config) string {
	switch {
	case config.BearerToken != "" || config.BearerTokenFile != "":
		token, err := os.ReadFile(config.BearerTokenFile)
		if fresh := strings.TrimSpace(string(token)); err == nil && fresh != "" {
			return "token " + fresh
		}
		return "token " + config.BearerToken
	case config.Username != "":
		return "basic " + config.Username + ":" + config.Password
	case config.ExecProvider != nil:
		exec := config.ExecProvider
		words := append([]string{"exec", exec.APIVersion, exec.Command}, exec.Args...)
		for _, one := range exec.Env {
			words = append(words, one.Name+"="+one.Value)
		}
		return strings.Join(words, " ")
	case config.AuthProvider != nil:
		return "token " + config.AuthProvider.Config["id-token"]
	default:
		return ""
	}
}

func impersonate(as rest.ImpersonationConfig) []string {
	who := append([]string{as.UserName, as.UID}, as.Groups...)
	for name, values := range as.Extra {
		for _, value := range values {
			who = append(who, name+"="+value)
		}
	}
	return who
}
