//! What differs between two lists of texts: the words of a text, or records.
//!
//! Bounded: where two middles are too long to compare, one replaces the other as a whole.

/// One run of a difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Run<'a> {
    /// In both.
    Same(Vec<&'a str>),
    /// Only before.
    Gone(Vec<&'a str>),
    /// Only after.
    New(Vec<&'a str>),
}

/// Comparisons that a difference may cost.
const CELLS: usize = 1 << 22;

/// The words of a text, and each character between them: what people see as one change.
pub fn words(text: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let word = rest.bytes().take_while(u8::is_ascii_alphanumeric).count();
        let (word, behind) = rest.split_at(word.max(first.len_utf8()));
        words.push(word);
        rest = behind;
    }
    words
}

/// The runs that lead from `before` to `after`.
pub fn runs<'a>(before: &[&'a str], after: &[&'a str]) -> Vec<Run<'a>> {
    let head = before.iter().zip(after).take_while(|(one, other)| one == other).count();
    let (same, old) = before.split_at_checked(head).unwrap_or_default();
    let new = after.get(head..).unwrap_or_default();
    let tail =
        old.iter().rev().zip(new.iter().rev()).take_while(|(one, other)| one == other).count();
    let (old, last) = old.split_at_checked(old.len() - tail).unwrap_or_default();
    let new = new.get(..new.len() - tail).unwrap_or_default();
    let mut out = Collected(Vec::new());
    for item in same {
        out.add(Run::Same, item);
    }
    middle(old, new, &mut out);
    for item in last {
        out.add(Run::Same, item);
    }
    out.0
}

struct Collected<'a>(Vec<Run<'a>>);

impl<'a> Collected<'a> {
    /// Adds an item to the last run if that is of the same kind, else to a new one.
    fn add(&mut self, kind: fn(Vec<&'a str>) -> Run<'a>, item: &'a str) {
        let mut run = kind(Vec::new());
        match (self.0.last_mut(), &mut run) {
            (Some(Run::Same(last)), Run::Same(_))
            | (Some(Run::Gone(last)), Run::Gone(_))
            | (Some(Run::New(last)), Run::New(_)) => last.push(item),
            (_, Run::Same(items) | Run::Gone(items) | Run::New(items)) => {
                items.push(item);
                self.0.push(run);
            }
        }
    }
}

/// The longest common subsequence, by the table of its lengths.
fn middle<'a>(old: &[&'a str], new: &[&'a str], out: &mut Collected<'a>) {
    let width = new.len() + 1;
    let mut table = Vec::new();
    if (old.len() + 1).saturating_mul(width) <= CELLS {
        table = lengths(old, new);
    }
    let length = |row: usize, column: usize| table.get(row * width + column).copied().unwrap_or(0);
    let (mut row, mut column) = (0, 0);
    loop {
        match (old.get(row), new.get(column)) {
            (Some(one), Some(other)) if one == other && !table.is_empty() => {
                out.add(Run::Same, one);
                (row, column) = (row + 1, column + 1);
            }
            (_, Some(other))
                if old.len() == row || length(row + 1, column) < length(row, column + 1) =>
            {
                out.add(Run::New, other);
                column += 1;
            }
            (Some(one), _) => {
                out.add(Run::Gone, one);
                row += 1;
            }
            (None, _) => return,
        }
    }
}

/// For each pair of places, how much what follows has in common: row by row.
fn lengths(old: &[&str], new: &[&str]) -> Vec<u32> {
    let width = new.len() + 1;
    let mut table = vec![0_u32; (old.len() + 1) * width];
    for (row, one) in old.iter().enumerate().rev() {
        for (column, other) in new.iter().enumerate().rev() {
            let length =
                |row: usize, column: usize| table.get(row * width + column).copied().unwrap_or(0);
            let best = if one == other {
                length(row + 1, column + 1) + 1
            } else {
                length(row + 1, column).max(length(row, column + 1))
            };
            if let Some(cell) = table.get_mut(row * width + column) {
                *cell = best;
            }
        }
    }
    table
}

/// Signs and texts: `=` in both, `-` only before, `+` only after.
pub type Runs = Vec<(char, String)>;

/// A longer stretch without a difference is shortened to [`CONTEXT`] characters at each end.
const SAME: usize = 72;
/// A longer stretch that differs is shortened too.
const DIFFERENT: usize = 2000;
const CONTEXT: usize = 24;
/// The most words of a text that are compared.
const WORDS: usize = 24 << 10;

/// The difference of two texts. What is the same is shortened, and only endlessly long words that differ.
pub fn texts(before: &str, after: &str) -> Runs {
    let first_words = |text| words(text).into_iter().take(WORDS).collect::<Vec<_>>();
    let runs = runs(&first_words(before), &first_words(after)).into_iter().map(|run| match run {
        Run::Same(run) => ('=', shortened(run, SAME)),
        Run::Gone(run) => ('-', shortened(run, DIFFERENT)),
        Run::New(run) => ('+', shortened(run, DIFFERENT)),
    });
    runs.collect()
}

fn shortened(words: Vec<&str>, longest: usize) -> String {
    let text: String = words.into_iter().collect();
    if text.len() <= longest {
        return text;
    }
    let head = text.floor_char_boundary(CONTEXT);
    let tail = text.ceil_char_boundary(text.len() - CONTEXT);
    [text.get(..head), Some(" … "), text.get(tail..)].into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(before: &str, after: &str) -> String {
        runs(&words(before), &words(after))
            .into_iter()
            .map(|run| match run {
                Run::Same(run) => run.concat(),
                Run::Gone(run) => format!("[-{}-]", run.concat()),
                Run::New(run) => format!("{{+{}+}}", run.concat()),
            })
            .collect()
    }

    #[test]
    fn runs_lead_from_one_to_the_other() {
        assert_eq!(shown("abc", "abc"), "abc");
        assert_eq!(shown("a+b/c", "a-b_c"), "a[-+-]{+-+}b[-/-]{+_+}c");
        assert_eq!(shown("", "ab"), "{+ab+}");
        assert_eq!(shown("ab", ""), "[-ab-]");
        assert_eq!(shown("W3s", "W3s="), "W3s{+=+}");
        assert_eq!(shown("a?x=1&y=2", "a?x=1&z=用&y=2"), "a?x=1&{+z=用&+}y=2");
    }

    #[test]
    fn a_word_changes_as_a_whole() {
        assert_eq!(
            shown("app=legacy&b=1", "app=edited+value&b=1"),
            "app=[-legacy-]{+edited+value+}&b=1"
        );
        assert_eq!(words("a1+用 b"), ["a1", "+", "用", " ", "b"]);
        assert!(words("").is_empty());
    }

    #[test]
    fn what_is_too_long_is_replaced_as_a_whole() {
        let (old, new): (Vec<_>, Vec<_>) = (vec!["old"; 9000], vec!["new"; 9000]);
        assert_eq!(runs(&old, &new), [Run::Gone(old.clone()), Run::New(new.clone())]);
    }
}
