//! An annotation as it would be written back: patches and commands.
//!
//! What Kubernetes would not take as a name never gets into a command.

use dubbo_k8s_codec::kubernetes::ANNOTATIONS_LIMIT;
use dubbo_k8s_codec::patch::{Edit, Form};
use dubbo_k8s_codec::problem::Language;

use super::Shown;
use crate::answer::{Json, json};

impl Shown<'_> {
    /// The annotation as it would be written, and the ways to write it.
    pub fn output(&self, at: usize, language: Language) -> Json {
        let (Some(of), Some(value)) = (self.pod(at), self.model.value(at, self.source)) else {
            return json!({"refused": "no annotation"});
        };
        let text = &of.text;
        let edit = Edit {
            namespace: &text.namespace,
            name: &text.name,
            uid: &text.uid,
            resource_version: &text.resource_version,
            has_annotations: text.has_annotations,
            old: text.value(self.source),
            new: value,
        };
        let command = |form: Form| match edit.kubectl(form) {
            Ok(command) => {
                json!({"line": command.line, "file": command.file.map(|(name, text)| json!([name, text]))})
            }
            Err(problem) => json!({"refused": problem.message(language),
                                   "advice": problem.code.advice(language)}),
        };
        json!({
            "annotation": value, "changed": of.edits.is_some(),
            "json": edit.json_patch(), "merge": edit.merge_patch(),
            "kubectl": command(Form::Json), "kubectlMerge": command(Form::Merge),
            "bytes": text.annotation_bytes(Some(value)), "limit": ANNOTATIONS_LIMIT,
            "bare": text.is_bare(),
        })
    }
}
