//! What ran, what passed, and what was left out and why. Pure. A thing that did not run is never said
//! to have passed.

use std::time::Duration;

/// How a step ended.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Outcome {
    Passed,
    Skipped(String),
    Failed(String),
}

/// One line of the summary.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) name: &'static str,
    pub(crate) outcome: Outcome,
    pub(crate) took: Duration,
}

/// The summary as text: every step, then what was skipped inside of steps.
pub(crate) fn summary(lines: &[Line], skips: &[String]) -> String {
    let mut rows: Vec<String> = lines.iter().map(row).collect();
    rows.extend(skips.iter().map(|skip| format!("SKIPPED            {skip}")));
    rows.join("\n")
}

/// Whether nothing failed.
pub(crate) fn is_good(lines: &[Line]) -> bool {
    !lines.iter().any(|line| matches!(line.outcome, Outcome::Failed(_)))
}

fn row(line: &Line) -> String {
    let seconds = line.took.as_secs_f64();
    let (word, why) = match &line.outcome {
        Outcome::Passed => ("passed", ""),
        Outcome::Skipped(why) => ("SKIPPED", why.as_str()),
        Outcome::Failed(why) => ("FAILED", why.as_str()),
    };
    let why = why.lines().next().unwrap_or("");
    format!("{word:<8}{seconds:>7.1} s  {:<14}{why}", line.name).trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(name: &'static str, outcome: Outcome) -> Line {
        Line { name, outcome, took: Duration::from_millis(1500) }
    }

    #[test]
    fn a_row_says_how_it_ended_how_long_it_took_and_why() {
        let lines = [
            line("fmt", Outcome::Passed),
            line("wasm", Outcome::Skipped("no toolchain".into())),
            line("doc", Outcome::Failed("one\ntwo".into())),
        ];
        assert_eq!(
            summary(&lines, &["real cluster: none is set".into()]),
            "passed      1.5 s  fmt\n\
             SKIPPED     1.5 s  wasm          no toolchain\n\
             FAILED      1.5 s  doc           one\n\
             SKIPPED            real cluster: none is set"
        );
    }

    #[test]
    fn a_skipped_step_is_no_failure_and_a_failed_one_is() {
        assert!(is_good(&[line("a", Outcome::Skipped("x".into())), line("b", Outcome::Passed)]));
        assert!(!is_good(&[line("a", Outcome::Passed), line("b", Outcome::Failed("x".into()))]));
    }
}
