//! What an engine knows at one moment, as `list -o json` prints it.

use std::time::Duration;

use dubbo_k8s_engine::catalog::Catalog;
use dubbo_k8s_engine::catalog::PodProblem;
use serde::{Serialize, Serializer, ser::SerializeStruct as _};

use dubbo_k8s_engine::{Engine, Status};

/// A view of an engine's catalog. Serialises as
/// `{"revision","synced","ageMs","pods","records","services","problems"}`.
#[derive(Debug)]
pub struct View<'a> {
    catalog: &'a Catalog,
    status: Status,
    now: Duration,
}

impl<'a> View<'a> {
    /// What `engine` knows at its time `now`.
    pub fn of(engine: &'a Engine, now: Duration) -> Self {
        Self { catalog: engine.catalog(), status: engine.status(), now }
    }
}

/// The services one by one, so that they are never all in memory.
struct Services<'a>(&'a Catalog);

impl Serialize for Services<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.listed_services_of(|_| true))
    }
}

impl Serialize for View<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let age = self.status.age(self.now).map(|age| age.as_millis());
        let age = age.map(|age| u64::try_from(age).unwrap_or(u64::MAX));
        let problems: Vec<PodProblem> = self.catalog.problems().collect();
        let mut object = serializer.serialize_struct("Snapshot", 7)?;
        // A string: JSON numbers lose precision in many readers, and no reader should do arithmetic.
        object.serialize_field("revision", &self.catalog.revision().to_string())?;
        object.serialize_field("synced", &self.status.synced())?;
        object.serialize_field("ageMs", &age)?;
        object.serialize_field("pods", &self.catalog.pods())?;
        object.serialize_field("records", &self.catalog.records())?;
        object.serialize_field("services", &Services(self.catalog))?;
        object.serialize_field("problems", &problems)?;
        object.end()
    }
}
