//! The tests of the inspector's page, in Chromium. The last of them open it from the real program, which carries it.

use crate::cluster::{Cluster, Profile};
use crate::inspector::Inspector;
use crate::process::{Failure, Result, Tool};
use crate::web::{chromium, node_tests_in, page};

/// Runs the tests of the page in Chromium; brings Chromium where apt can. The last ones open it from the real
/// `dubbo-watcher serve`, which carries the page that has just been built.
pub(crate) fn run() -> Result {
    chromium()?;
    node_tests().args(["page", "work", "states", "live", "signed"].map(test_file)).run()?;
    Profile::Dev.build()?;
    let cluster = Cluster::start(Profile::Dev, &["--simulate".to_owned()])?;
    let inspector = Inspector::start(&cluster, true)?;
    let tested = node_tests().arg(test_file("serve")).env("DUBBO_SERVE", inspector.url()).run();
    let seen = inspector.end()?;
    tested?;
    seen.missing().map_or(Ok(()), |missing| Err(Failure::new(format!("not seen: {missing}"))))
}

fn node_tests() -> Tool {
    node_tests_in(&page())
}

fn test_file(name: &str) -> String {
    format!("tests/{name}.test.mjs")
}
