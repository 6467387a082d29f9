//! What reading is like at this server: which Kubernetes it is, in what form it answers, whether it streams a list, and how
//! long the first Pods take. It must never read more than one page.

use std::time::{Duration, Instant};

use dubbo_k8s_engine::{Verb, Wire, catalog::Scope};

use super::ask::{self, ask};
use super::report::Report;
use super::visit::{Visit, transport};
use crate::cli::ended::Ended;

/// The minor versions of Kubernetes 1.x that the suite of `tests/tests/real_cluster` runs on.
const TESTED: [u32; 2] = [34, 36];

/// Pods of the page that is timed.
const PAGE: usize = 100;
/// A page that takes longer makes a large registry wait for minutes.
const SLOW: Duration = Duration::from_secs(2);

/// Says whether this is a Kubernetes that the program was tested with: `v1.36.3`, also with a vendor's ending.
pub(super) fn version(git_version: &str) -> Result<(), Ended> {
    let Some(minor) = minor(git_version) else { return Ok(()) };
    let [first, last] = TESTED;
    match minor {
        _ if minor < first => Report::notice(&format!(
            "Kubernetes 1.{minor} is older than those that are tested with, 1.{first} to 1.{last}"
        ))?,
        _ if minor > last => Report::notice(&format!(
            "Kubernetes 1.{minor} is newer than those that are tested with, 1.{first} to 1.{last}"
        ))?,
        _ if TESTED.contains(&minor) => {
            Report::well(&format!("Kubernetes 1.{minor} is one of those that are tested with"))?;
        }
        _ => Report::well(&format!(
            "Kubernetes 1.{minor} lies between those that are tested with, 1.{first} and 1.{last}"
        ))?,
    }
    Ok(())
}

fn minor(git_version: &str) -> Option<u32> {
    let rest = git_version.strip_prefix("v1.")?;
    rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

impl Visit<'_> {
    /// Reads a page, and asks for a list as a stream.
    pub(super) async fn try_reading(&mut self, scope: &Scope, wire: Wire) -> Result<(), Ended> {
        let started = Instant::now();
        let answer = match ask(&mut self.client, ask::first_pods(scope, PAGE, wire)).await {
            Ok(answer) if answer.is_ok() => answer,
            Ok(answer) => {
                let failure = answer.failure(Verb::List, scope.clone());
                return Ok(self.report.failure(&self.explain(&failure))?);
            }
            Err(error) => return Ok(self.report.failure(&self.explain(&transport(error)))?),
        };
        let took = started.elapsed();
        let form = if answer.form.contains("protobuf") { "protobuf" } else { "JSON" };
        let page = format!(
            "a page of at most {PAGE} Pods came as {form}: {} bytes in {:.2} s",
            answer.body.len(),
            took.as_secs_f64()
        );
        if took > SLOW {
            Report::notice(&format!(
                "{page}\nThat is slow: look at the way to the server, and at its load."
            ))?;
        } else {
            Report::well(&page)?;
        }
        if form == "JSON" && wire == Wire::Protobuf {
            Report::notice("a proxy or a gateway keeps protobuf back; JSON costs more and works")?;
        }
        self.try_stream(scope, wire).await
    }

    async fn try_stream(&mut self, scope: &Scope, wire: Wire) -> Result<(), Ended> {
        let answer = ask(&mut self.client, ask::streaming_list(scope, wire)).await;
        let status = answer.map(|answer| answer.status).unwrap_or_default();
        match status {
            200 => Report::well("the server streams the first list (WatchList)")?,
            _ => Report::notice(
                "the server does not stream the first list (WatchList, of Kubernetes 1.34); it is read in pages",
            )?,
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::minor;

    #[test]
    fn a_minor_version_is_read_from_any_vendors_version() {
        for (text, expected) in [
            ("v1.36.3", Some(36)),
            ("v1.29.4-eks-036c24b", Some(29)),
            ("v1.30.1+k3s1", Some(30)),
            ("v1.28", Some(28)),
            ("v2.0.0", None),
            ("", None),
        ] {
            assert_eq!(minor(text), expected, "{text}");
        }
    }
}
