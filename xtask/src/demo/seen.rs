//! What of the watcher was seen working, read from its output as a person reads it. Pure.

use std::fmt;

use serde_json::Value;

/// Counts of what was seen.
#[derive(Debug, Default, Eq, PartialEq)]
pub(super) struct Seen {
    services: usize,
    providers: usize,
    problems: usize,
    added: usize,
    removed: usize,
    synced: bool,
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

    /// One line of `watch`. What is there at the start is the snapshot again; changes come after it.
    pub(super) fn line(&mut self, line: &str) {
        let line = without_color(line);
        let has = |word: &str| {
            line.split(|char: char| !char.is_alphanumeric()).any(|found| found == word)
        };
        if has("synced") {
            self.synced = true;
        } else if self.synced {
            self.added += usize::from(has("added"));
            self.removed += usize::from(has("removed"));
        }
    }

    /// What should have been seen and was not.
    pub(super) fn missing(&self) -> Option<String> {
        let wanted = [
            (self.services > 0 && self.providers > 0, "services in the list"),
            (self.problems > 0, "the Pod with a bad annotation beside them"),
            (self.synced, "the end of the first list while watching"),
            (self.added > 0, "an instance that came"),
            (self.removed > 0, "an instance that went"),
        ];
        let missing: Vec<&str> =
            wanted.iter().filter(|(seen, _)| !seen).map(|(_, what)| *what).collect();
        (!missing.is_empty()).then(|| missing.join(", "))
    }
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} services with {} providers and {} problem(s); then {} records came and {} went",
            self.services, self.providers, self.problems, self.added, self.removed
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
        seen.line("added before the end of the list does not count");
        seen.line("synced");
        seen.line("added x");
        assert_eq!(seen.missing().as_deref(), Some("an instance that went"));
        seen.line("\x1b[31mremoved\x1b[0m x");
        assert_eq!(seen.missing(), None);
    }
}
