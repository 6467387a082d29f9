//! What of the watcher was seen working, read from its output as a person reads it. Pure.

use std::fmt;

use serde_json::Value;

/// Counts of what was seen.
#[derive(Debug, Default, Eq, PartialEq)]
pub(super) struct Seen {
    services: usize,
    providers: usize,
    /// In the list, and raised or gone since.
    problems: usize,
    /// Lines of `watch`, by the mark they carry.
    registered: usize,
    appeared: usize,
    left: usize,
}

impl Seen {
    /// What `list -o json` answered.
    pub(super) fn snapshot(&mut self, snapshot: &Value) {
        let items = |value: &Value, field: &str| {
            value.get(field).and_then(Value::as_array).map_or(0, Vec::len)
        };
        let services = snapshot.get("services").and_then(Value::as_array);
        self.services = items(snapshot, "services");
        self.problems = items(snapshot, "problems");
        self.providers =
            services.into_iter().flatten().map(|service| items(service, "providers")).sum();
    }

    /// One line of `watch`: a time, a mark, a sentence.
    pub(super) fn line(&mut self, line: &str) {
        match without_color(line).split_whitespace().nth(1) {
            Some("=") => self.registered += 1,
            Some("+") => self.appeared += 1,
            Some("-") => self.left += 1,
            Some("!") => self.problems += 1,
            _ => {}
        }
    }

    /// What should have been seen and was not.
    pub(super) fn missing(&self) -> Option<String> {
        let wanted = [
            (self.services > 0 && self.providers > 0, "services in the list"),
            (self.problems > 0, "a Pod with a bad annotation beside the rest"),
            (self.registered > 0, "what is registered when watching begins"),
            (self.appeared > 0, "an instance that comes"),
            (self.left > 0, "an instance that goes"),
        ];
        let missing: Vec<&str> =
            wanted.iter().filter(|(seen, _)| !seen).map(|(_, what)| *what).collect();
        (!missing.is_empty()).then(|| missing.join(", "))
    }
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { services, providers, problems, appeared, left, .. } = self;
        write!(
            f,
            "{services} services with {providers} providers; then {appeared} records appeared, {left} \
             left, and {problems} times a Pod could not or again could be read"
        )
    }
}

/// The line without the escapes that colour it.
fn without_color(line: &str) -> String {
    let mut pieces = line.split("\x1b[");
    let mut text = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        text.push_str(piece.split_once('m').map_or("", |(_, rest)| rest));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colour_is_not_text() {
        assert_eq!(without_color("a \x1b[1;32madded\x1b[0m b"), "a added b");
    }

    #[test]
    fn nothing_is_missing_only_when_all_was_seen() {
        let mut seen = Seen::default();
        seen.snapshot(
            &serde_json::json!({"services": [{"providers": [{}, {}]}], "problems": [{}]}),
        );
        assert_eq!((seen.services, seen.providers, seen.problems), (1, 2, 1));
        seen.line("10:00:00Z = provider of x is registered at dubbo://10.0.0.1:20880 on Pod a");
        seen.line("10:00:01Z + provider of x appeared at dubbo://10.0.0.2:20880 on Pod b - 1");
        assert_eq!(seen.missing().as_deref(), Some("an instance that goes"));
        seen.line("\x1b[2m10:00:02Z\x1b[0m \x1b[31m-\x1b[0m provider of x left");
        assert_eq!(seen.missing(), None);
    }
}
