//! What a Dubbo process writes about itself: URLs as dubbo-go 1.5 prints them, the keys of the
//! registry, and the annotation. Written apart from the codec on purpose: what one side gets
//! wrong, the other shows.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::json;

use crate::apiserver::compact_json;

/// What Go's `url.QueryEscape` leaves alone, beside letters and digits; the space becomes `+`.
const QUERY: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b' ');

/// Which side of a service a process is on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Side {
    /// Serves it.
    Provider,
    /// Calls it.
    Consumer,
}

/// One service as one process registers it.
#[derive(Clone, Debug)]
pub struct Registration<'a> {
    /// Provider or consumer.
    pub side: Side,
    /// `dubbo`, `tri`, `rest` and so on; consumers have their own.
    pub protocol: &'a str,
    /// The Java or Go interface.
    pub interface: &'a str,
    /// The group; empty for none.
    pub group: &'a str,
    /// The version; empty for none.
    pub version: &'a str,
    /// The address of the Pod.
    pub ip: &'a str,
    /// The port of a provider.
    pub port: u16,
    /// The name of the application, in any language.
    pub application: &'a str,
    /// The methods.
    pub methods: &'a [&'a str],
    /// Seconds since 1970, when the process registered.
    pub timestamp: u64,
    /// More parameters.
    pub parameters: &'a [(&'a str, &'a str)],
}

impl Registration<'_> {
    /// The Dubbo URL: parameters sorted, values escaped once.
    pub fn url(&self) -> String {
        let (protocol, authority) = match self.side {
            Side::Provider => (self.protocol, format!("{}:{}", self.ip, self.port)),
            Side::Consumer => ("consumer", self.ip.to_owned()),
        };
        let query: Vec<String> = self
            .all_parameters()
            .iter()
            .map(|(name, value)| format!("{}={}", query_escape(name), query_escape(value)))
            .collect();
        format!("{protocol}://{authority}/{}?{}", self.interface, query.join("&"))
    }

    /// `/dubbo/<interface>/<category>/<URL>`, escaped.
    pub fn key(&self) -> String {
        let [.., category] = self.directories();
        format!("{category}/{}", query_escape(&self.url()))
    }

    /// The keys above it, as dubbo-go 1.4 writes them too.
    pub fn directories(&self) -> [String; 3] {
        let interface = format!("/dubbo/{}", query_escape(self.interface));
        let category = match self.side {
            Side::Provider => "providers",
            Side::Consumer => "consumers",
        };
        ["/dubbo".to_owned(), interface.clone(), format!("{interface}/{category}")]
    }

    fn all_parameters(&self) -> Vec<(String, String)> {
        let (side, category, role) = match self.side {
            Side::Provider => ("provider", "providers", "3"),
            Side::Consumer => ("consumer", "consumers", "0"),
        };
        let bean = self.interface.rsplit('.').next().unwrap_or(self.interface);
        let timestamp = self.timestamp.to_string();
        let methods = self.methods.join(",");
        let mut parameters: Vec<(String, String)> = [
            ("anyhost", "true"),
            ("app.version", "1.4.2"),
            ("application", self.application),
            ("bean.name", bean),
            ("category", category),
            ("cluster", "failover"),
            ("environment", "prod"),
            ("group", self.group),
            ("interface", self.interface),
            ("ip", self.ip),
            ("loadbalance", "random"),
            ("methods", &methods),
            ("module", "dubbo-go server"),
            ("name", self.application),
            ("organization", "example.com"),
            ("owner", "team-a"),
            ("pid", "7"),
            ("registry.role", role),
            ("release", "dubbo-golang-1.5.7"),
            ("serialization", "hessian2"),
            ("side", side),
            ("timestamp", &timestamp),
            ("version", self.version),
        ]
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
        if self.side == Side::Provider {
            for method in self.methods {
                // A default of dubbo-go that does not mean drained.
                parameters.push((format!("methods.{method}.weight"), "0".to_owned()));
            }
        }
        parameters.extend(
            self.parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
        );
        parameters.sort();
        parameters
    }
}

/// The annotation's value: URL-safe padded base64 of `[{"k":…,"v":""},…]` as Go prints it.
pub fn annotation<K: AsRef<str>>(keys: impl IntoIterator<Item = K>) -> String {
    let records = keys.into_iter().map(|key| json!({"k": key.as_ref(), "v": ""})).collect();
    URL_SAFE.encode(compact_json(&serde_json::Value::Array(records)))
}

/// As Go's `url.QueryEscape`.
pub(crate) fn query_escape(text: &str) -> String {
    utf8_percent_encode(text, QUERY).to_string().replace(' ', "+")
}

#[cfg(test)]
mod tests {
    use super::{Registration, Side, annotation};

    /// The first record of a Pod that dubbo-go 1.5.7's encoder wrote.
    const KEY: &str = "/dubbo/com.example.user.UserProvider/providers/dubbo%3A%2F%2F10.244.1.11%3A20000%2Fcom.example.user.UserProvider%3Fanyhost%3Dtrue%26app.version%3D1.4.2%26application%3Dshop%26bean.name%3DUserProvider%26category%3Dproviders%26cluster%3Dfailover%26environment%3Dprod%26interface%3Dcom.example.user.UserProvider%26ip%3D10.244.1.11%26loadbalance%3Drandom%26methods%3DGet%252CList%252CCreate%26module%3Ddubbo-go%2Bserver%26name%3Dshop%26organization%3Dexample.com%26owner%3Dteam-a%26pid%3D7%26registry.role%3D3%26release%3Ddubbo-golang-1.5.7%26serialization%3Dhessian2%26side%3Dprovider%26timestamp%3D1760000000";

    fn registration() -> Registration<'static> {
        Registration {
            side: Side::Provider,
            protocol: "dubbo",
            interface: "com.example.user.UserProvider",
            group: "",
            version: "",
            ip: "10.244.1.11",
            port: 20000,
            application: "shop",
            methods: &["Get", "List", "Create"],
            timestamp: 1_760_000_000,
            parameters: &[],
        }
    }

    #[test]
    fn as_dubbo_go_writes_it() {
        let own = registration().key();
        let weights =
            "methods.Get.weight%3D0%26methods.List.weight%3D0%26methods.Create.weight%3D0%26";
        let mut sorted: Vec<&str> = weights.split_inclusive("%26").collect();
        sorted.sort_unstable();
        assert_eq!(own.replace(&sorted.concat(), ""), KEY);
    }

    #[test]
    fn the_annotation_is_go_s_json_in_url_safe_base64() {
        assert_eq!(annotation(["/a<b"]), "W3siayI6Ii9hXHUwMDNjYiIsInYiOiIifV0=");
        assert_eq!(annotation::<&str>([]), "W10=");
    }
}
