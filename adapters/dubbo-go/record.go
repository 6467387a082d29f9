// What is registered, as text: the URL of a provider or of a consumer, and the service that a subscription is about.
// It must never write a URL that readers of the annotation take apart in another way.

package kubernetes

import (
	"fmt"
	"net"
	"net/url"
	"os"
	"sort"
	"strconv"
	"strings"

	"dubbo.apache.org/dubbo-go/v3/common"
	"dubbo.apache.org/dubbo-go/v3/common/constant"
)

// record is the URL as it stands in the annotation: what dubbo-go writes to its other registries, at an address of
// the Pod, which has one, unless the application names another.
func record(u *common.URL, pod podFacts) (string, error) {
	role, err := strconv.Atoi(u.GetParam(constant.RegistryRoleKey, ""))
	params := parameters(u)
	switch {
	case err == nil && role == common.PROVIDER:
		return providerRecord(u, params, pod)
	case err == nil && role == common.CONSUMER:
		return consumerRecord(u, params, pod), nil
	}
	return "", fmt.Errorf("%s is neither a provider nor a consumer: its parameter %s is %q",
		u.Service(), constant.RegistryRoleKey, u.GetParam(constant.RegistryRoleKey, ""))
}

func providerRecord(u *common.URL, params map[string]string, pod podFacts) (string, error) {
	if u.Path == "" || len(u.Methods) == 0 {
		return "", fmt.Errorf("the provider %q has no path or no methods", u.Service())
	}
	host := addressOf(u.Ip, pod)
	// dubbo-go writes 0 where no weight is set, and everyone who balances by weight would never call this provider.
	if params[constant.WeightKey] == "0" {
		delete(params, constant.WeightKey)
	}
	params[constant.AnyhostKey] = "true"
	params[constant.MethodsKey] = strings.Join(u.Methods, ",")
	return u.Protocol + "://" + net.JoinHostPort(host, u.Port) + u.Path + "?" + query(params), nil
}

func consumerRecord(u *common.URL, params map[string]string, pod podFacts) string {
	// dubbo-go names the first address of the machine here, whatever the Pod's is.
	host := addressOf("", pod)
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	params["protocol"] = u.Protocol
	return "consumer://" + host + u.Path + "?" + query(params)
}

// addressOf is the address that is set for registries, else the provider's own, else the Pod's first.
func addressOf(own string, pod podFacts) string {
	if set := os.Getenv(constant.DubboIpToRegistryKey); set != "" {
		own = set
	}
	if address := net.ParseIP(own); own == "" || address.IsUnspecified() {
		return pod.IPs[0]
	}
	return own
}

// parameters are those with a value.
func parameters(u *common.URL) map[string]string {
	params := map[string]string{}
	u.RangeParams(func(key, value string) bool {
		if value != "" {
			params[key] = value
		}
		return true
	})
	return params
}

// query joins parameters in order. Values stay readable, as dubbo-go writes them, but for characters that would end them.
func query(params map[string]string) string {
	keys := make([]string, 0, len(params))
	for key := range params {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	var text strings.Builder
	for i, key := range keys {
		if i > 0 {
			text.WriteByte('&')
		}
		text.WriteString(escaped(key, "=") + "=" + escaped(params[key], ""))
	}
	return text.String()
}

func escaped(text, special string) string {
	ends := func(char rune) bool {
		return char <= ' ' || char >= 0x7f || strings.ContainsRune("%&#+"+special, char)
	}
	if strings.IndexFunc(text, ends) < 0 {
		return text
	}
	return url.QueryEscape(text)
}

// serviceQuery is `[group/]interface[:version]`, in which * stands for any.
func serviceQuery(u *common.URL) string {
	text := u.Service()
	if group := u.Group(); group != "" {
		text = group + "/" + text
	}
	if version := u.Version(); version != "" && version != "0.0.0" {
		text += ":" + version
	}
	return text
}
