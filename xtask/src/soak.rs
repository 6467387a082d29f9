//! `cargo xtask soak`: the churn of the suite `real_cluster` for as long as one likes, with the watcher as it is released.
//! The test decides whether it was good.

use std::time::Duration;

use crate::cluster::{Profile, build_to_measure};
use crate::go;
use crate::process::{Result, cargo};
use crate::say;

pub(crate) fn run(length: Duration) -> Result {
    let (etcd, [server, _]) = (go::ETCD.bring()?, go::KUBERNETES);
    let server = server.bring()?;
    build_to_measure(&[])?;
    say::heading(&format!("soak: {} s on a real kube-apiserver", length.as_secs()));
    cargo("test")
        .args(["--locked", "--quiet", "--package", "dubbo-k8s-tests", "--test", "real_cluster"])
        .args(["--", "--exact", "soak::pods_change_for_as_long_as_one_likes"])
        .args(["--ignored", "--nocapture"])
        .env("ETCD", etcd)
        .env("KUBE_APISERVERS", server)
        .env("DUBBO_WATCHER", Profile::Release.program("dubbo-watcher"))
        .env("SOAK_SECONDS", length.as_secs().to_string())
        .run()
}
