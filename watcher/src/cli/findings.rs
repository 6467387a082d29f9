//! What is wrong with what was decoded, in the stable codes and the words that the inspector uses too.
//! It finds nothing itself: the codec does.

use std::io::{self, Write};

use dubbo_k8s_codec::{
    dubbo_go::Reason,
    pasted::Findings,
    problem::{Code, Language, Problem, Severity},
};
use serde::Serialize;

use super::{
    plain::plain,
    terminal::{CHANGED, DIM, ERROR, WARNING},
};

/// Writes those of one record.
pub(super) fn write_record(
    findings: &Findings,
    out: &mut dyn Write,
    record: usize,
    indent: &str,
    language: Language,
) -> io::Result<()> {
    let mut of = findings.problems.iter().filter(|problem| problem.record == Some(record));
    of.try_for_each(|problem| write(out, problem, indent, language))
}

/// Writes those of the annotation and its Pod, a blank line before them. A refusal has been written
/// with its place by then.
pub(super) fn write_rest(
    findings: &Findings,
    out: &mut dyn Write,
    indent: &str,
    language: Language,
) -> io::Result<()> {
    let written = |problem: &Problem| matches!(problem.code, Code::Refused(_));
    let rest = findings.problems.iter().filter(|it| it.record.is_none() && !written(it));
    let mut rest = rest.peekable();
    if rest.peek().is_some() {
        writeln!(out)?;
    }
    rest.try_for_each(|problem| write(out, problem, indent, language))
}

/// Those that the shape of the contract has no other place for: all but the annotation's oddities.
pub(super) fn reports(findings: &Findings, language: Language) -> Vec<Report> {
    let beyond = |problem: &&Problem| !matches!(problem.code, Code::Odd(_));
    findings.problems.iter().filter(beyond).map(|problem| Report::of(problem, language)).collect()
}

/// How many there are of a severity.
pub(super) fn count(findings: &Findings, severity: Severity) -> usize {
    findings.problems.iter().filter(|problem| problem.code.severity() == severity).count()
}

/// What a refusal means, and the way out, on one line.
pub(super) fn explanation(code: Code, language: Language) -> String {
    match language {
        Language::English => {
            format!("{code}: {}. {}", code.title(language), code.advice(language))
        }
        Language::Chinese => format!("{code}：{}。{}", code.title(language), code.advice(language)),
    }
}

/// `error[code]: what it is (what it is about) at byte N`, and the advice below.
pub(super) fn write(
    out: &mut dyn Write,
    problem: &Problem,
    indent: &str,
    language: Language,
) -> io::Result<()> {
    let (style, word) = match problem.code.severity() {
        Severity::Error => (ERROR, ["error", "错误"]),
        Severity::Warning => (WARNING, ["warning", "警告"]),
        Severity::Note => (CHANGED, ["note", "提示"]),
    };
    let (word, place, colon) = match language {
        Language::English => (word[0], " at byte ", ":"),
        Language::Chinese => (word[1], "，位于字节 ", "："),
    };
    let message = problem.message(language);
    let head = format!("{style}{word}[{}]{colon}{style:#}", problem.code);
    let space = if language == Language::English { " " } else { "" };
    write!(out, "{indent}{head}{space}{}", plain(&message))?;
    match problem.offset {
        Some(offset) => writeln!(out, "{place}{offset}")?,
        None => writeln!(out)?,
    }
    writeln!(out, "{indent}  {DIM}{}{DIM:#}", problem.code.advice(language))
}

/// A problem in JSON.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Report {
    code: &'static str,
    severity: &'static str,
    message: String,
    advice: &'static str,
    record: Option<usize>,
    offset: Option<usize>,
    decoded_offset: Option<usize>,
    /// Of what dubbo-go refuses or reads otherwise: where in the record's key, and why.
    #[serde(skip_serializing_if = "Option::is_none")]
    key_offset: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
}

impl Report {
    /// In these words.
    pub(super) fn of(problem: &Problem, language: Language) -> Self {
        Self {
            code: problem.code.as_str(),
            severity: problem.code.severity().as_str(),
            message: problem.message(language),
            advice: problem.code.advice(language),
            record: problem.record,
            offset: problem.offset,
            decoded_offset: problem.decoded_offset,
            key_offset: problem.key_offset,
            reason: problem.reason.map(Reason::as_str),
        }
    }
}
