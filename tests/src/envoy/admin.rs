//! Envoy's admin interface: readiness, counters, hosts, memory. It only reads.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};

use serde_json::Value;

use super::Error;
use crate::raw::Endpoint;

/// Counters and gauges by their names.
pub type Stats = BTreeMap<String, u64>;

/// The admin interface of one Envoy.
#[derive(Clone, Debug)]
pub struct Admin {
    address: SocketAddr,
}

impl Default for Admin {
    fn default() -> Self {
        Self::new(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))
    }
}

impl Admin {
    pub(super) fn new(address: SocketAddr) -> Self {
        Self { address }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What a path answers, such as `/config_dump`; a status other than 200 is an error.
    pub async fn get(&self, path: &str) -> Result<String, Error> {
        let wrong = |why: String| Error::Admin { path: path.to_owned(), why };
        let asked = async {
            let endpoint = Endpoint::new(&format!("http://{}", self.address), None, None, None)?;
            let mut reply = endpoint.get(path, "*/*").await?;
            Ok::<_, std::io::Error>((reply.status, reply.body().await?))
        };
        let (status, body) = asked.await.map_err(|error| wrong(error.to_string()))?;
        let text = String::from_utf8_lossy(&body).into_owned();
        if status == 200 { Ok(text) } else { Err(wrong(format!("status {status}: {text}"))) }
    }

    /// What a path answers, as JSON.
    pub async fn json(&self, path: &str) -> Result<Value, Error> {
        let text = self.get(path).await?;
        serde_json::from_str(&text)
            .map_err(|error| Error::Admin { path: path.to_owned(), why: error.to_string() })
    }

    /// Whether it is live and its listeners listen.
    pub async fn is_ready(&self) -> bool {
        self.get("/ready").await.is_ok()
    }

    /// Every counter and gauge that was used, of the names that contain `part`.
    pub async fn stats(&self, part: &str) -> Result<Stats, Error> {
        let filter: String =
            percent_encoding::utf8_percent_encode(part, percent_encoding::NON_ALPHANUMERIC)
                .collect();
        let answer = self.json(&format!("/stats?usedonly&format=json&filter={filter}")).await?;
        let listed = answer.get("stats").and_then(Value::as_array).into_iter().flatten();
        let named = |stat: &Value| {
            Some((stat.get("name")?.as_str()?.to_owned(), stat.get("value")?.as_u64()?))
        };
        Ok(listed.filter_map(named).collect())
    }

    /// One counter or gauge; 0 before it is used.
    pub async fn stat(&self, name: &str) -> Result<u64, Error> {
        Ok(self.stats(name).await?.get(name).copied().unwrap_or(0))
    }

    /// The addresses of a cluster's hosts.
    pub async fn hosts(&self, cluster: &str) -> Result<Vec<SocketAddr>, Error> {
        let answer = self.json("/clusters?format=json").await?;
        let clusters = answer.get("cluster_statuses").and_then(Value::as_array);
        let is_it = |status: &&Value| status.get("name").and_then(Value::as_str) == Some(cluster);
        let found = clusters.into_iter().flatten().find(is_it);
        let hosts = found.and_then(|status| status.get("host_statuses")?.as_array());
        let address = |host: &Value| socket_address(host.get("address")?);
        Ok(hosts.into_iter().flatten().filter_map(address).collect())
    }

    /// Bytes that Envoy's allocator has given out.
    pub async fn allocated(&self) -> Result<u64, Error> {
        let answer = self.json("/memory").await?;
        let number = answer.get("allocated").and_then(|value| value.as_str()?.parse().ok());
        number.ok_or_else(|| Error::Admin {
            path: "/memory".to_owned(),
            why: format!("no `allocated` in {answer}"),
        })
    }

    /// Where every listener listens, by name.
    pub(super) async fn listeners(&self) -> Result<BTreeMap<String, SocketAddr>, Error> {
        let answer = self.json("/listeners?format=json").await?;
        let listed =
            answer.get("listener_statuses").and_then(Value::as_array).into_iter().flatten();
        let named = |listener: &Value| {
            let address = socket_address(listener.get("local_address")?)?;
            Some((listener.get("name")?.as_str()?.to_owned(), address))
        };
        Ok(listed.filter_map(named).collect())
    }
}

fn socket_address(address: &Value) -> Option<SocketAddr> {
    let address = address.get("socket_address")?;
    let port = u16::try_from(address.get("port_value")?.as_u64()?).ok()?;
    Some(SocketAddr::new(address.get("address")?.as_str()?.parse().ok()?, port))
}
