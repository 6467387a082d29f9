// Asks dubbo-go's own functions; for the tests that hold this project to dubbo-go 1.5.9.
package main

import (
	"bufio"
	"encoding/json"
	"os"

	"github.com/apache/dubbo-go/common"
	k "github.com/apache/dubbo-go/remoting/kubernetes"
)

type record struct {
	K string `json:"k"`
	V string `json:"v"`
}

type question struct {
	NewURL    *string  `json:"newurl,omitempty"`
	Equal     []string `json:"equal,omitempty"`
	Unmarshal *string  `json:"unmarshal,omitempty"`
	Marshal   []record `json:"marshal,omitempty"`
}

func url(s string, a map[string]interface{}) *common.URL {
	u, err := common.NewURL(s)
	if err != nil {
		a["ok"], a["error"] = false, err.Error()
		return nil
	}
	return u
}

func main() {
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 16<<20)
	out := json.NewEncoder(os.Stdout)
	out.SetEscapeHTML(false)
	for in.Scan() {
		var q question
		if err := json.Unmarshal(in.Bytes(), &q); err != nil {
			panic(err)
		}
		a := map[string]interface{}{"ok": true}
		switch {
		case q.NewURL != nil:
			a["newurl"] = *q.NewURL
			if u := url(*q.NewURL, a); u != nil {
				p := map[string][]string{}
				for key, v := range u.GetParams() {
					p[key] = v
				}
				a["protocol"], a["username"], a["password"], a["location"], a["ip"], a["port"], a["path"], a["params"] = u.Protocol, u.Username, u.Password, u.Location, u.Ip, u.Port, u.Path, p
				a["key"], a["service"], a["serviceKey"] = u.Key(), u.Service(), u.ServiceKey()
			}
		case q.Equal != nil:
			a["equal"] = q.Equal
			x, y := url(q.Equal[0], a), url(q.Equal[1], a)
			if x != nil && y != nil {
				a["result"] = x.URLEqual(y)
			}
		case q.Unmarshal != nil:
			a["unmarshal"] = *q.Unmarshal
			l, err := k.UnmarshalRecord(*q.Unmarshal)
			if err != nil {
				a["ok"], a["error"] = false, err.Error()
			} else {
				rs := []*record{}
				for _, e := range l {
					if e == nil {
						rs = append(rs, nil)
					} else {
						rs = append(rs, &record{e.Key, e.Value})
					}
				}
				a["records"] = rs
			}
		default:
			a["marshal"] = q.Marshal
			var l []*k.WatcherEvent
			if q.Marshal != nil {
				l = []*k.WatcherEvent{} // none and an empty list are not the same
			}
			for _, r := range q.Marshal {
				l = append(l, &k.WatcherEvent{Key: r.K, Value: r.V})
			}
			s, err := k.MarshalRecord(l)
			a["annotation"] = s
			if err != nil {
				a["ok"], a["error"] = false, err.Error()
			}
		}
		_ = out.Encode(a)
	}
}
