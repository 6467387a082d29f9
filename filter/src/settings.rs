//! The plugin configuration: JSON, read strictly. What is misspelt is refused with its place; it must
//! never guess what was meant.

use core::fmt;
use core::net::IpAddr;
use core::str::FromStr;
use core::time::Duration;

use dubbo_k8s_codec::trust::{Admit, Trust};
use serde::{Deserialize, Deserializer, de};

/// The header from which a cluster of type `ORIGINAL_DST` takes the endpoint.
pub const ORIGINAL_DST_HEADER: &str = "x-envoy-original-dst-host";

/// The header for the `override_host` policy, unless another one is named.
pub const OVERRIDE_HEADER: &str = "x-gateway-destination-endpoint";

/// The longest time that a watcher is asked to wait for a change.
const LONGEST_WAIT: Duration = Duration::from_mins(1);

/// A plugin configuration, see the README.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Settings {
    /// Where the providers come from: a watcher.
    pub discovery: Option<Discovery>,
    /// Or annotations that are written here.
    pub annotations: Option<Vec<PodAnnotation>>,
    /// How one provider is picked of many.
    #[serde(default)]
    pub balance: Balance,
    /// The proxy's zone: providers of the same one are preferred.
    pub zone: Option<String>,
    /// How the endpoint is passed to the proxy.
    #[serde(default)]
    pub endpoint: Endpoint,
    /// What happens to a request that names no service of the registry.
    #[serde(default)]
    pub otherwise: Otherwise,
    /// Whether a provider may be an address of the proxy's own host: it is one more network in `trust`.
    #[serde(default)]
    pub allow_loopback: bool,
    /// Who is believed, as the watcher's flags of the same names say it.
    #[serde(default, deserialize_with = "trust")]
    pub trust: Trust,
    /// Whether the proxy is asked to choose its route again once a header is set. Envoy does so by itself.
    #[serde(default)]
    pub clear_route_cache: bool,
    /// Whether service and provider are kept for the access log.
    #[serde(default = "yes")]
    pub access_log: bool,
    /// What is never exceeded.
    #[serde(default)]
    pub bounds: Bounds,
}

/// A watcher to ask.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Discovery {
    /// The proxy's name of the cluster that is the watcher.
    pub cluster: String,
    /// The authority to ask for; by default the cluster's name.
    #[serde(default)]
    pub authority: String,
    /// How long the watcher may wait for a change before it answers.
    #[serde(default = "default_wait", deserialize_with = "wait")]
    pub wait: Duration,
}

/// The annotation of a Pod.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PodAnnotation {
    /// The namespace, shown when the annotation is bad.
    #[serde(default)]
    pub namespace: String,
    /// The name, shown when the annotation is bad.
    #[serde(default)]
    pub name: String,
    /// The uid.
    #[serde(default)]
    pub uid: String,
    /// The value of `dubbo.io/annotation`.
    pub annotation: String,
    /// The Pod's own addresses; without them it is believed of every address that a Pod can have.
    #[serde(default)]
    pub ips: Option<Vec<IpAddr>>,
}

/// How one provider is picked of many.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub enum Balance {
    /// At random, by weight.
    #[default]
    WeightedRandom,
    /// In turn, by weight.
    WeightedRoundRobin,
    /// The one with the fewest requests in flight from this worker; of several, at random by weight.
    LeastActive,
    /// The one that a header's value belongs to; without the header, at random by weight.
    #[serde(deserialize_with = "hash_header", rename = "consistentHash")]
    ConsistentHash(String),
}

/// By what a provider is picked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// How one is picked of many.
    pub balance: Balance,
    /// As long as a provider of this zone may be picked, no other is.
    pub zone: Option<String>,
}

impl From<Balance> for Policy {
    fn from(balance: Balance) -> Self {
        Self { balance, zone: None }
    }
}

/// How the endpoint is passed to the proxy.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Endpoint {
    /// By [`ORIGINAL_DST_HEADER`], for a cluster of type `ORIGINAL_DST`.
    #[default]
    OriginalDst,
    /// By [`OVERRIDE_HEADER`], for the policy `override_host`.
    OverrideHost,
    /// By Envoy's filter state, for a cluster of type `ORIGINAL_DST`: no header is changed, and no route chosen again.
    FilterState,
}

impl Endpoint {
    /// The header that carries the endpoint, where it is a header.
    pub const fn header(&self) -> Option<&'static str> {
        match self {
            Self::OriginalDst => Some(ORIGINAL_DST_HEADER),
            Self::OverrideHost => Some(OVERRIDE_HEADER),
            Self::FilterState => None,
        }
    }
}

/// What happens to a request that names no service of the registry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Otherwise {
    /// It is answered with an error.
    #[default]
    Refuse,
    /// It goes on, without an endpoint.
    Pass,
}

/// What is never exceeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct Bounds {
    /// More providers than these are not kept.
    pub providers: u32,
    /// A longer answer of the watcher, as it is sent, is refused.
    pub body_bytes: u32,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { providers: 200_000, body_bytes: 32 << 20 }
    }
}

impl Settings {
    /// By what a provider is picked.
    pub fn policy(&self) -> Policy {
        Policy { balance: self.balance.clone(), zone: self.zone.clone() }
    }

    /// Reads a plugin configuration.
    ///
    /// # Errors
    ///
    /// When it is not the JSON that is described, or does not name exactly one source of providers.
    pub fn parse(json: &[u8]) -> Result<Self, SettingsError> {
        let mut settings: Self = serde_json::from_slice(json).map_err(SettingsError::Json)?;
        if settings.allow_loopback {
            let networks = ["127.0.0.0/8", "::1/128"].into_iter().flat_map(str::parse::<Admit>);
            settings.trust.admitted.extend(networks);
        }
        match (&mut settings.discovery, &settings.annotations) {
            (Some(_), Some(_)) => Err(SettingsError::TwoSources),
            (None, None) => Err(SettingsError::NoSource),
            (Some(discovery), None) if discovery.cluster.is_empty() => {
                Err(SettingsError::NoCluster)
            }
            (Some(discovery), None) => {
                if discovery.authority.is_empty() {
                    discovery.authority.clone_from(&discovery.cluster);
                }
                Ok(settings)
            }
            (None, Some(_)) => Ok(settings),
        }
    }
}

/// Why a plugin configuration is refused.
#[derive(Debug)]
pub enum SettingsError {
    /// It is not the JSON that is asked for.
    Json(serde_json::Error),
    /// Both a watcher and inline annotations.
    TwoSources,
    /// Neither.
    NoSource,
    /// A watcher without a cluster.
    NoCluster,
}

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Json(error) => write!(f, "{error}"),
            Self::TwoSources => f.write_str("`discovery` and `annotations` exclude each other"),
            Self::NoSource => f.write_str(
                "it needs `discovery` (a watcher to ask) or `annotations` (written inline)",
            ),
            Self::NoCluster => {
                f.write_str("`discovery.cluster` is empty: name the watcher's cluster")
            }
        }
    }
}

impl core::error::Error for SettingsError {}

const fn yes() -> bool {
    true
}

const fn default_wait() -> Duration {
    Duration::from_secs(30)
}

/// `30s`, `500ms` or `1m`, as the watcher reads it.
fn wait<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(deserializer)?;
    let digits = text.find(|char: char| !char.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let milliseconds = match unit {
        "ms" => 1,
        "s" => 1000,
        "m" => 60_000,
        _ => 0_u64,
    };
    let duration = number.parse::<u32>().ok().map(|number| u64::from(number) * milliseconds);
    let duration = duration.map(Duration::from_millis);
    duration
        .filter(|wait| !wait.is_zero() && *wait <= LONGEST_WAIT)
        .ok_or_else(|| de::Error::custom("`wait` is a time up to 1m, such as \"30s\" or \"500ms\""))
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
struct Trusting {
    address: Vec<String>,
    max_weight: Option<u32>,
    own: Vec<String>,
    pod_quota: Option<String>,
}

/// The members are named as the watcher's flags, and read as they are.
fn trust<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Trust, D::Error> {
    let Trusting { address, max_weight, own, pod_quota } = Trusting::deserialize(deserializer)?;
    let mut trust = Trust::new();
    trust.admitted = parse_all(&address).map_err(de::Error::custom)?;
    trust.owners = parse_all(&own).map_err(de::Error::custom)?;
    trust.max_weight = max_weight.unwrap_or(trust.max_weight);
    if let Some(quota) = pod_quota {
        trust.pod = quota.parse().map_err(de::Error::custom)?;
    }
    Ok(trust)
}

fn parse_all<T: FromStr>(texts: &[String]) -> Result<Vec<T>, T::Err> {
    texts.iter().map(|text| text.parse()).collect()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HashHeader {
    header: String,
}

fn hash_header<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let HashHeader { header } = HashHeader::deserialize(deserializer)?;
    let legal =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b':');
    if header.is_empty() || !header.bytes().all(legal) {
        return Err(de::Error::custom("`header` is the name of a request header"));
    }
    Ok(header.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(json: &str) -> String {
        Settings::parse(json.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn a_watcher_needs_no_more_than_its_cluster() {
        let settings = Settings::parse(br#"{"discovery":{"cluster":"watcher"}}"#).unwrap();
        let discovery = settings.discovery.unwrap();
        assert_eq!((&*discovery.authority, discovery.wait), ("watcher", Duration::from_secs(30)));
        assert_eq!(settings.balance, Balance::WeightedRandom);
        assert_eq!(settings.endpoint.header(), Some(ORIGINAL_DST_HEADER));
        assert!(!settings.clear_route_cache && settings.access_log && !settings.allow_loopback);
    }

    #[test]
    fn every_member_is_read() {
        let settings = Settings::parse(
            br#"{"annotations":[{"namespace":"n","name":"p","uid":"u","annotation":"W10="}],
                "balance":{"consistentHash":{"header":"X-User"}},"endpoint":"overrideHost",
                "otherwise":"pass","allowLoopback":true,"clearRouteCache":true,"accessLog":false,
                "trust":{"address":["10.0.0.0/8"],"maxWeight":7,"own":["a.*=b"],"podQuota":"1,2"},
                "bounds":{"providers":5}}"#,
        )
        .unwrap();
        assert_eq!(settings.balance, Balance::ConsistentHash("x-user".into()));
        assert_eq!(settings.endpoint.header(), Some(OVERRIDE_HEADER));
        assert_eq!(settings.otherwise, Otherwise::Pass);
        assert!(settings.allow_loopback && settings.clear_route_cache && !settings.access_log);
        let trust = Trust {
            admitted: ["10.0.0.0/8", "127.0.0.0/8", "::1/128"].map(|it| it.parse().unwrap()).into(),
            max_weight: 7,
            owners: vec!["a.*=b".parse().unwrap()],
            pod: "1,2".parse().unwrap(),
            ..Trust::default()
        };
        assert_eq!(settings.trust, trust);
        assert_eq!(settings.bounds, Bounds { providers: 5, ..Bounds::default() });
    }

    #[test]
    fn what_is_misspelt_is_refused_in_its_place() {
        let text = error(r#"{"discovery":{"clustr":"w"}}"#);
        assert!(
            text.contains("unknown field `clustr`") && text.contains("line 1 column"),
            "{text}"
        );
        assert!(error(r#"{"annotations":[],"balance":"roundRobin"}"#).contains("weightedRandom"));
        assert!(error(r#"{"annotations":[],"endpoint":"x"}"#).contains("originalDst"));
        assert!(error(r#"{"annotations":[],"trust":{"address":["10/8"]}}"#).contains("no network"));
        assert!(error(r#"{"annotations":[],"extra":1}"#).contains("unknown field `extra`"));
        assert!(
            error(r#"{"annotations":[],"balance":{"consistentHash":{"header":""}}}"#)
                .contains("name of a request header")
        );
        for wait in ["", "30", "2m", "0s", "-1s", "s", "9999999999s"] {
            let json = format!(r#"{{"discovery":{{"cluster":"w","wait":"{wait}"}}}}"#);
            assert!(error(&json).contains("such as"), "{wait}");
        }
    }

    #[test]
    fn there_is_exactly_one_source() {
        assert!(error("{}").contains("needs `discovery`"));
        assert!(error(r#"{"annotations":[],"discovery":{"cluster":"w"}}"#).contains("exclude"));
        assert!(error(r#"{"discovery":{"cluster":""}}"#).contains("is empty"));
        assert!(error("").contains("EOF"));
    }
}
