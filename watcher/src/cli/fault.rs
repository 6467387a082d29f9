//! What is wrong with a text around the annotations in it, in words and in JSON. Finds nothing itself.

use dubbo_k8s_codec::{
    Found, Stage,
    pasted::{Document, Format, Other, PastedError, Source},
    problem::{Detail, Language, Phrase},
};
use serde::Serialize;

use super::{
    excerpt::excerpt,
    plain::plain,
    records::{in_line, text_line},
};

/// Why a text, or the rest of it, could not be read.
#[derive(Debug)]
pub(super) struct Fault {
    stage: Stage,
    /// Where in the text, and in the bytes that it is made of.
    offset: usize,
    place: usize,
    why: Why,
    run: Option<String>,
}

#[derive(Debug)]
enum Why {
    Text(Detail),
    NotYaml(Detail),
    /// What is there instead.
    NoPods(String),
}

impl Fault {
    /// What keeps this document from being whole: a break, or that there is nothing but other objects.
    pub(super) fn of(document: &Document<'_>, source: &Source<'_>) -> Option<Self> {
        let Some(error) = &document.error else {
            let nothing = document.pods.is_empty() && !document.others.is_empty();
            return nothing.then(|| Self::at_start(Why::NoPods(listed(&document.others))));
        };
        let PastedError { stage, offset, detail, run, .. } = error.clone();
        let is_yaml = document.format == Format::Yaml && stage == Stage::Json;
        let why = if is_yaml { Why::NotYaml(detail) } else { Why::Text(detail) };
        let run = run.map(|run| run + " | dubbo-watcher decode");
        Some(Self { stage, offset, place: source.place(offset), why, run })
    }

    fn at_start(why: Why) -> Self {
        Self { stage: Stage::Shape, offset: 0, place: 0, why, run: None }
    }

    /// What is wrong, without its place.
    fn message(&self, language: Language) -> String {
        let chinese = language == Language::Chinese;
        match &self.why {
            Why::Text(detail) => detail.text(language),
            Why::NotYaml(why) if chinese => format!("不是 YAML：{}", why.text(language)),
            Why::NotYaml(why) => format!("not YAML: {}", why.text(language)),
            Why::NoPods(others) if chinese => format!("应为 Pod，实际：{others}"),
            Why::NoPods(others) => format!("expected Pods, found {others}"),
        }
    }

    /// The sentence, its place underlined, and what to do instead.
    pub(super) fn text(&self, text: &str, columns: usize, language: Language) -> String {
        let message = self.message(language);
        let mut said = self.placed(&plain(&message), text.as_bytes(), columns, language);
        if let Some(run) = &self.run {
            said += match language {
                Language::English => "\n  Run this instead: ",
                Language::Chinese => "\n  请改为运行：",
            };
            said += run;
        }
        said
    }

    fn placed(&self, message: &str, text: &[u8], columns: usize, language: Language) -> String {
        if self.offset == 0 || self.run.is_some() {
            return message.to_owned();
        }
        let line = text_line(text, self.offset);
        let shown = excerpt("  ", line, in_line(text, self.offset), columns);
        let line = text.iter().take(self.offset).filter(|byte| **byte == b'\n').count() + 1;
        let (stage, place) = (self.stage.as_str(), self.place);
        match language {
            Language::English => {
                format!("{stage}: {message} in line {line}, at byte {place}\n\n{shown}")
            }
            Language::Chinese => {
                format!("{stage}：{message}；位于第 {line} 行，字节 {place}\n\n{shown}")
            }
        }
    }

    /// In the shape of the codec's errors.
    pub(super) fn report(&self) -> FaultReport<'_> {
        let (expected, found) = match &self.why {
            Why::Text(Detail::Expected { expected, found, .. }) => (Some(*expected), Some(*found)),
            Why::NotYaml(Detail::Wrong(phrase, _)) | Why::Text(Detail::Wrong(phrase, _)) => {
                (None, Some(Found::Thing(*phrase)))
            }
            _ => (None, None),
        };
        FaultReport {
            code: self.stage.code(),
            stage: self.stage.as_str(),
            offset: self.place,
            decoded_offset: None,
            expected,
            found,
            run: self.run.as_deref(),
            message: self.message(Language::English),
        }
    }
}

/// A fault as JSON.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct FaultReport<'a> {
    code: &'static str,
    stage: &'static str,
    offset: usize,
    decoded_offset: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expected: Option<Phrase>,
    #[serde(skip_serializing_if = "Option::is_none")]
    found: Option<Found>,
    /// The command that prints what can be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    run: Option<&'a str>,
    message: String,
}

/// Each kind once, with how often it was there.
pub(super) fn listed(others: &[Other]) -> String {
    let words = others.iter().map(|other| {
        let kind = match other.kind.as_str() {
            "" if other.is_object => "an object without a kind",
            "" => "something that is not an object",
            kind => kind,
        };
        if other.count == 1 { kind.to_owned() } else { format!("{kind} ({} times)", other.count) }
    });
    words.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use dubbo_k8s_codec::pasted::Source;
    use dubbo_k8s_codec::problem::Language;

    use super::Fault;

    fn said(text: &str, language: Language) -> Option<String> {
        let source = Source::of(text.as_bytes()).unwrap();
        let document = source.read();
        Fault::of(&document, &source).map(|fault| fault.message(language))
    }

    #[test]
    fn what_is_no_pod_is_named() {
        for (text, message) in [
            (r#"{"kind":"Deployment"}"#, "expected Pods, found Deployment"),
            ("kind: A\n---\nkind: A\n---\nkind: B\n", "expected Pods, found A (2 times), B"),
            (r#"{"a":1}"#, "expected Pods, found an object without a kind"),
            ("- 1\n", "expected Pods, found something that is not an object"),
        ] {
            assert_eq!(said(text, Language::English).as_deref(), Some(message), "{text}");
        }
        let beside = "kind: Service\n---\nkind: Pod\nmetadata: {name: a}\n";
        assert_eq!(said(beside, Language::English), None);
    }

    #[test]
    fn a_fault_of_yaml_says_that_it_is_one() {
        let text = "kind: Pod\n---\nmetadata: *x\n";
        let message = "not YAML: `*x` names no anchor above it";
        assert_eq!(said(text, Language::English).as_deref(), Some(message));
        let chinese = said(text, Language::Chinese).unwrap();
        assert!(chinese.starts_with("不是 YAML：`*x` 所引用"), "{chinese}");
    }
}
