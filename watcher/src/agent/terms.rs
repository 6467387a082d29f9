//! What an application asks for: its URLs, checked, and for how long.

use std::sync::Arc;

use dubbo_k8s_codec::Key;
use dubbo_k8s_engine::registration::{Lease, RegistryUrl};
use serde::Deserialize;

use super::limits::{DEFAULT_LEASE, LONGEST_LEASE, MOST_URLS, SHORTEST_LEASE};
use super::problem::Problem;
use super::shown::{RegisteredUrl, UrlState};

/// The URLs of a registration and its lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    pub(super) seconds: u32,
    /// In the order of their keys, each once.
    pub(super) urls: Vec<Named>,
}

/// A URL and the key of its record.
#[derive(Debug, Clone)]
pub(super) struct Named {
    pub(super) url: String,
    pub(super) key: Arc<str>,
    problems: Vec<Problem>,
}

/// The key is the identity.
impl PartialEq for Named {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl Eq for Named {}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Body {
    urls: Vec<String>,
    lease_seconds: Option<u64>,
}

impl Terms {
    /// Reads the body of a request.
    ///
    /// # Errors
    /// When it is not one, or a limit or one of the URLs does not hold.
    pub fn read(body: &[u8]) -> Result<Self, Problem> {
        let body: Body = serde_json::from_slice(body).map_err(|error| Problem::bad_body(&error))?;
        let asked = body.lease_seconds.unwrap_or(DEFAULT_LEASE.into());
        let seconds = u32::try_from(asked).ok();
        let legal = |seconds: &u32| (SHORTEST_LEASE..=LONGEST_LEASE).contains(seconds);
        let seconds = seconds.filter(legal).ok_or_else(|| Problem::bad_lease(asked))?;
        match body.urls.len() {
            0 => return Err(Problem::no_urls()),
            1..=MOST_URLS => {}
            found => return Err(Problem::too_many_urls(found)),
        }
        let urls = body.urls.into_iter().map(Named::read).collect::<Result<Vec<_>, _>>()?;
        Ok(Self::new(seconds, urls))
    }

    fn new(seconds: u32, mut urls: Vec<Named>) -> Self {
        urls.sort_by(|a, b| a.key.cmp(&b.key));
        urls.dedup();
        Self { seconds, urls }
    }

    /// The end of a registration.
    pub(super) fn end(seconds: u32) -> Self {
        Self::new(seconds, Vec::new())
    }

    /// What an earlier agent has granted.
    pub(super) fn of(lease: &Lease) -> Self {
        let seconds = lease.seconds.clamp(SHORTEST_LEASE, LONGEST_LEASE);
        Self::new(seconds, lease.keys.iter().map(Named::of).collect())
    }

    pub(super) fn is_end(&self) -> bool {
        self.urls.is_empty()
    }

    pub(super) fn lease(&self, id: &Arc<str>) -> Lease {
        let keys = self.urls.iter().map(|named| Arc::clone(&named.key)).collect();
        Lease { id: Arc::clone(id), seconds: self.seconds, keys }
    }

    pub(super) fn bytes(&self) -> usize {
        self.urls.iter().map(|named| named.key.len()).sum()
    }

    pub(super) fn holds(&self, key: &str) -> bool {
        self.urls.binary_search_by(|named| (*named.key).cmp(key)).is_ok()
    }
}

impl Named {
    fn read(url: String) -> Result<Self, Problem> {
        let parsed = RegistryUrl::parse(&url).map_err(|error| Problem::bad_url(&url, &error))?;
        let problems = parsed.warnings().iter().map(|warning| Problem::warning(*warning)).collect();
        Ok(Self { key: Arc::clone(parsed.key()), problems, url })
    }

    fn of(key: &Arc<str>) -> Self {
        let url = Key::parse(key).ok().and_then(|key| key.url);
        let url = url.map_or_else(|| (**key).to_owned(), |url| url.to_string());
        Self { url, key: Arc::clone(key), problems: Vec::new() }
    }

    pub(super) fn shown(&self, state: UrlState, refused: Option<&Problem>) -> RegisteredUrl {
        let problems = self.problems.iter().chain(refused).cloned().collect();
        RegisteredUrl { url: self.url.clone(), key: Arc::clone(&self.key), state, problems }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const A: &str = "dubbo://10.0.0.1:20880/a.A";
    const B: &str = "dubbo://10.0.0.1:20880/b.B";

    fn read(body: &serde_json::Value) -> Result<Terms, Problem> {
        Terms::read(body.to_string().as_bytes())
    }

    #[test]
    fn the_order_and_repetition_of_urls_make_no_difference() {
        let one = read(&json!({"urls": [A, B]})).unwrap();
        assert_eq!(read(&json!({"urls": [B, A, B], "leaseSeconds": 30})).unwrap(), one);
        assert_ne!(read(&json!({"urls": [A, B], "leaseSeconds": 31})).unwrap(), one);
        assert_ne!(read(&json!({"urls": [A]})).unwrap(), one);
    }

    #[test]
    fn what_is_wrong_has_a_code_of_its_own_and_its_arguments() {
        let many = vec![A; MOST_URLS + 1];
        for (body, code, argument) in [
            (json!({"urls": []}), "no-urls", json!({})),
            (json!({"urls": many}), "too-many-urls", json!({"limit": 256, "found": 257})),
            (
                json!({"urls": [A], "leaseSeconds": 4}),
                "bad-lease",
                json!({"found": 4, "min": 5, "max": 3600}),
            ),
            (
                json!({"urls": [A], "leaseSeconds": 3601}),
                "bad-lease",
                json!({"found": 3601, "min": 5, "max": 3600}),
            ),
            (
                json!({"urls": [A, "dubbo://10.0.0.1/b.B"]}),
                "bad-url",
                json!({"url": "dubbo://10.0.0.1/b.B", "offset": 8, "length": 8}),
            ),
        ] {
            let problem = read(&body).unwrap_err();
            assert_eq!(problem.code(), code, "{body}");
            let arguments = serde_json::Value::from(problem.arguments().clone());
            assert_eq!(arguments, argument, "{body}");
        }
        for body in ["", "{", "[]", r#"{"leaseSeconds":30}"#, r#"{"urls":["x"],"lease":3}"#] {
            let problem = Terms::read(body.as_bytes()).unwrap_err();
            assert_eq!(
                (problem.code(), &problem.arguments()["line"]),
                ("bad-body", &json!(1)),
                "{body}"
            );
        }
    }

    #[test]
    fn a_lease_of_an_earlier_agent_shows_its_urls_again() {
        let asked = read(&json!({"urls": [A, B], "leaseSeconds": 60})).unwrap();
        let found = Terms::of(&asked.lease(&"app".into()));
        assert_eq!(found, asked);
        assert_eq!(found.urls[0].url, A);
    }
}
