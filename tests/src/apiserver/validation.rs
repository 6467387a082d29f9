//! The 422 answers to options that contradict each other, as apimachinery's
//! `ValidateListOptions` gives them. Knows no store.

use super::request::Query;
use super::status::{Cause, Status, Subject};

/// Checks the options of a LIST or WATCH.
pub(crate) fn list_options(query: &Query, watch: bool, watch_list: bool) -> Result<(), Status> {
    let causes = if watch { watch_causes(query, watch_list) } else { list_causes(query) };
    if causes.is_empty() {
        return Ok(());
    }
    let subject = Subject { kind: "ListOptions", group: "meta.k8s.io", name: "" };
    Err(Status::invalid(subject, causes, false))
}

fn list_causes(query: &Query) -> Vec<Cause> {
    let mut causes = Vec::new();
    let version_match = query.get("resourceVersionMatch");
    if !version_match.is_empty() {
        if query.get("resourceVersion").is_empty() {
            causes.push(match_forbidden(
                "resourceVersionMatch is forbidden unless resourceVersion is provided",
            ));
        }
        if !query.get("continue").is_empty() {
            causes.push(match_forbidden(
                "resourceVersionMatch is forbidden when continue is provided",
            ));
        }
        if !matches!(version_match, "Exact" | "NotOlderThan") {
            causes.push(unsupported(version_match, "\"Exact\", \"NotOlderThan\", \"\""));
        }
        if version_match == "Exact" && query.get("resourceVersion") == "0" {
            causes.push(match_forbidden(
                "resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"",
            ));
        }
    }
    if query.find("sendInitialEvents").is_some() {
        causes.push(forbidden("sendInitialEvents", "sendInitialEvents is forbidden for list"));
    }
    causes
}

fn watch_causes(query: &Query, watch_list: bool) -> Vec<Cause> {
    let mut causes = Vec::new();
    let version_match = query.get("resourceVersionMatch");
    let send_initial_events = query.find("sendInitialEvents").is_some();
    if send_initial_events {
        if version_match != "NotOlderThan" {
            causes.push(match_forbidden(
                "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan",
            ));
        }
        if !watch_list {
            causes.push(forbidden(
                "sendInitialEvents",
                "sendInitialEvents is forbidden for watch unless the WatchList feature gate is enabled",
            ));
        }
    }
    if !version_match.is_empty() {
        if !send_initial_events {
            causes.push(match_forbidden(
                "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided",
            ));
        }
        if version_match != "NotOlderThan" {
            causes.push(unsupported(version_match, "\"NotOlderThan\""));
        }
        if !query.get("continue").is_empty() {
            causes.push(match_forbidden(
                "resourceVersionMatch is forbidden when continue is provided",
            ));
        }
    }
    causes
}

fn match_forbidden(why: &str) -> Cause {
    forbidden("resourceVersionMatch", why)
}

fn forbidden(field: &str, why: &str) -> Cause {
    Cause::new("FieldValueForbidden", field, format!("Forbidden: {why}"))
}

fn unsupported(value: &str, supported: &str) -> Cause {
    let message = format!("Unsupported value: \"{value}\": supported values: {supported}");
    Cause::new("FieldValueNotSupported", "resourceVersionMatch", message)
}
