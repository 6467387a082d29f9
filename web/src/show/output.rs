//! An annotation as it would be written back: patches and commands.
//!
//! What Kubernetes would not take as a name never gets into a command.

use dubbo_k8s_codec::patch::{Edit, Form};
use dubbo_k8s_codec::problem::Detail;
use serde::Serialize;

use super::Shown;

/// The annotation as it would be written, and the ways to write it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Output {
    annotation: String,
    changed: bool,
    json: String,
    merge: String,
    kubectl: Command,
    bare: bool,
}

/// A command line and the file that it reads, or why there is none.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Command {
    Line { line: String, file: Option<(String, String)> },
    None { refused: &'static str, about: Vec<Detail> },
}

impl Shown<'_> {
    /// The annotation as it would be written, and the ways to write it.
    pub fn output(&self, at: usize) -> Option<Output> {
        let (of, value) = (self.pod(at)?, self.model.value(at, self.source)?);
        let text = &of.text;
        let edit = Edit {
            namespace: &text.namespace,
            name: &text.name,
            uid: &text.uid,
            resource_version: &text.resource_version,
            has_annotations: text.other_annotations.is_some(),
            old: text.value(self.source),
            new: value,
        };
        let kubectl = match edit.kubectl(Form::Json) {
            Ok(command) => Command::Line { line: command.line, file: command.file },
            Err(problem) => Command::None { refused: problem.code.as_str(), about: problem.about },
        };
        Some(Output {
            annotation: value.to_owned(),
            changed: of.is_edited(),
            json: edit.json_patch(),
            merge: edit.merge_patch(),
            kubectl,
            bare: text.is_bare(),
        })
    }
}
