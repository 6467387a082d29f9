// URLs as they are written.

package kubernetes

import (
	"testing"

	"dubbo.apache.org/dubbo-go/v3/common"
	"dubbo.apache.org/dubbo-go/v3/common/constant"
)

func TestProvidersAddressIsItsOwnThenThePods(t *testing.T) {
	pod := podFacts{IPs: []string{"fd00::7", "10.1.2.3"}}
	for own, wanted := range map[string]string{
		"":          "tri://[fd00::7]:50051/a.B",
		"0.0.0.0":   "tri://[fd00::7]:50051/a.B",
		"::":        "tri://[fd00::7]:50051/a.B",
		"10.1.2.3":  "tri://10.1.2.3:50051/a.B",
		"127.0.0.1": "tri://127.0.0.1:50051/a.B",
		"host.name": "tri://host.name:50051/a.B",
	} {
		text, err := record(provider(own), pod)
		wanted += "?anyhost=true&interface=a.B&methods=Hello&registry.role=3"
		if err != nil || text != wanted {
			t.Errorf("%q: %s %v", own, text, err)
		}
	}
	t.Setenv(constant.DubboIpToRegistryKey, "192.0.2.7")
	if text, _ := record(provider("10.1.2.3"), pod); text[:19] != "tri://192.0.2.7:500" {
		t.Error(text)
	}
}

func TestWhatWouldEndAValueIsEscapedAndNothingElse(t *testing.T) {
	url := provider("", common.WithParamsValue("a", "x,y:z/é"), common.WithParamsValue("b", "1&c=2 #%+"),
		common.WithParamsValue("empty", ""))
	text, err := record(url, podFacts{IPs: []string{"10.1.2.3"}})
	wanted := "tri://10.1.2.3:50051/a.B?a=x%2Cy%3Az%2F%C3%A9&anyhost=true&b=1%26c%3D2+%23%25%2B&interface=a.B&" +
		"methods=Hello&registry.role=3"
	if err != nil || text != wanted {
		t.Errorf("%s %v", text, err)
	}
}

func TestWeightThatIsNotSetIsNotWritten(t *testing.T) {
	for weight, wanted := range map[string]string{"0": "", "50": "&weight=50"} {
		text, err := record(provider("", common.WithParamsValue(constant.WeightKey, weight)), podFacts{IPs: []string{"10.1.2.3"}})
		wanted = "tri://10.1.2.3:50051/a.B?anyhost=true&interface=a.B&methods=Hello&registry.role=3" + wanted
		if err != nil || text != wanted {
			t.Errorf("%s: %s %v", weight, text, err)
		}
	}
}

func TestURLThatIsNeitherProviderNorConsumerIsRefused(t *testing.T) {
	for _, role := range []string{"", "1", "x"} {
		url := provider("", common.WithParamsValue(constant.RegistryRoleKey, role))
		if _, err := record(url, podFacts{IPs: []string{"10.1.2.3"}}); err == nil {
			t.Errorf("role %q", role)
		}
	}
	if _, err := record(provider("", common.WithMethods(nil)), podFacts{IPs: []string{"10.1.2.3"}}); err == nil {
		t.Error("a provider without methods")
	}
}

func TestSubscriptionsServiceIsGroupInterfaceAndVersion(t *testing.T) {
	for wanted, params := range map[string][]common.Option{
		"a.B":       {common.WithParamsValue(constant.VersionKey, "0.0.0")},
		"g/a.B":     {common.WithParamsValue(constant.GroupKey, "g")},
		"a.B:1.0.0": {common.WithParamsValue(constant.VersionKey, "1.0.0")},
		"*/a.B:*":   {common.WithParamsValue(constant.GroupKey, "*"), common.WithParamsValue(constant.VersionKey, "*")},
		"g,h/a.B:2": {common.WithParamsValue(constant.GroupKey, "g,h"), common.WithParamsValue(constant.VersionKey, "2")},
	} {
		if got := serviceQuery(provider("", params...)); got != wanted {
			t.Errorf("%s instead of %s", got, wanted)
		}
	}
}
