//! What was pasted, as the page keeps it: the Pods of the codec's reader, with the place of everything.
//!
//! It reads nothing itself, never decodes an annotation and never judges.

use std::collections::BTreeMap;

use dubbo_k8s_codec::pasted;
pub use dubbo_k8s_codec::pasted::{Format, Kind, Other, PastedError};
use dubbo_k8s_codec::problem::{Detail, Phrase};

use crate::model::index;
use crate::pod::PodText;

/// The Pods of a text, in its order, and what else is in it.
#[derive(Debug)]
pub struct Document {
    /// How it is written.
    pub format: Format,
    /// What it holds.
    pub kind: Kind,
    /// The Pods.
    pub pods: Vec<PodText>,
    /// What is no Pod, each kind once.
    pub others: Vec<Other>,
    /// How many lines of other text stand between the objects.
    pub skipped_lines: usize,
    /// Where the text stops being what it began as. The Pods before it are there.
    pub error: Option<PastedError>,
}

impl Document {
    /// Reads `text`, guessing from its beginning what it is.
    pub fn read(text: &str) -> Self {
        Self::of(pasted::read(text), text)
    }

    /// What the codec has read of `text`.
    pub fn of(read: pasted::Document<'_>, text: &str) -> Self {
        let pods = read.pods.into_iter().map(|pod| PodText::of(pod, text)).collect();
        let pods = if read.kind == Kind::Events { pods } else { last_states(pods) };
        let (format, kind, skipped_lines) = (read.format, read.kind, read.skipped_lines);
        Self { format, kind, pods, others: read.others, skipped_lines, error: read.error }
    }

    /// What people call a text like this, by its name in the protocol of the page.
    pub fn name(&self) -> &'static str {
        match (self.format, self.kind) {
            (Format::Printed, _) => match self.error.as_ref().map(|error| &error.detail) {
                Some(Detail::Wrong(Phrase::KubectlTable, _)) => "table",
                Some(Detail::Wrong(Phrase::KubectlDescribe, _)) => "describe",
                _ => "kubectl",
            },
            (Format::Lines, Kind::Records) => "urls",
            (_, Kind::Annotation) => "annotation",
            (_, Kind::Records) => "records",
            (_, Kind::Metadata) => "metadata",
            (_, Kind::Events) => "events",
            (_, Kind::Dump) => "dump",
            (_, Kind::Empty) => "empty",
            _ => "pods",
        }
    }
}

/// Of several states of one Pod only the last one counts; it is noted that there were several.
fn last_states(pods: Vec<PodText>) -> Vec<PodText> {
    let mut last = BTreeMap::new();
    for (at, pod) in pods.iter().enumerate() {
        last.insert(identity(pod), index(at));
    }
    if last.len() == pods.len() {
        return pods;
    }
    let (mut at, mut again) = (0, BTreeMap::new());
    let mut kept = pods;
    kept.retain(|pod| {
        at += 1;
        let name = identity(pod);
        let is_last = pod.is_bare() || last.get(&name) == Some(&index(at - 1));
        if !is_last {
            again.insert(name, 0_u32);
        }
        is_last
    });
    for pod in &mut kept {
        pod.repeated = !pod.is_bare() && again.contains_key(&identity(pod));
    }
    kept
}

fn identity(pod: &PodText) -> String {
    match &*pod.uid {
        "" => format!("{}/{}", pod.namespace, pod.name),
        uid => uid.to_owned(),
    }
}

#[cfg(test)]
mod tests;
