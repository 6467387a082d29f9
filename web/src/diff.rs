//! What differs between two lists: of characters, or of records.
//!
//! Bounded: where two middles are too long to compare, one replaces the other as a whole.

/// One run of a difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Run<T> {
    /// In both.
    Same(Vec<T>),
    /// Only before.
    Gone(Vec<T>),
    /// Only after.
    New(Vec<T>),
}

/// Comparisons that a difference may cost.
const CELLS: usize = 1 << 22;

/// The runs that lead from `before` to `after`.
pub fn runs<T: Clone + PartialEq>(before: &[T], after: &[T]) -> Vec<Run<T>> {
    let same = |(one, other): &(&T, &T)| one == other;
    let head = before.iter().zip(after).take_while(same).count();
    let (old, new) =
        (before.get(head..).unwrap_or_default(), after.get(head..).unwrap_or_default());
    let tail = old.iter().rev().zip(new.iter().rev()).take_while(same).count();
    let old = old.get(..old.len() - tail).unwrap_or_default();
    let new = new.get(..new.len() - tail).unwrap_or_default();
    let mut out = Runs(Vec::new());
    before.iter().take(head).for_each(|item| out.same(item));
    middle(old, new, &mut out);
    before.iter().skip(before.len() - tail).for_each(|item| out.same(item));
    out.0
}

struct Runs<T>(Vec<Run<T>>);

impl<T: Clone> Runs<T> {
    fn same(&mut self, item: &T) {
        match self.0.last_mut() {
            Some(Run::Same(run)) => run.push(item.clone()),
            _ => self.0.push(Run::Same(vec![item.clone()])),
        }
    }

    fn gone(&mut self, item: &T) {
        match self.0.last_mut() {
            Some(Run::Gone(run)) => run.push(item.clone()),
            _ => self.0.push(Run::Gone(vec![item.clone()])),
        }
    }

    fn added(&mut self, item: &T) {
        match self.0.last_mut() {
            Some(Run::New(run)) => run.push(item.clone()),
            _ => self.0.push(Run::New(vec![item.clone()])),
        }
    }
}

/// The longest common subsequence, by the table of its lengths.
fn middle<T: Clone + PartialEq>(old: &[T], new: &[T], out: &mut Runs<T>) {
    let width = new.len() + 1;
    if (old.len() + 1).saturating_mul(width) > CELLS {
        for item in old {
            out.gone(item);
        }
        for item in new {
            out.added(item);
        }
        return;
    }
    let mut table = vec![0_u32; (old.len() + 1) * width];
    let length = |table: &[u32], row: usize, column: usize| {
        table.get(row * width + column).copied().unwrap_or_default()
    };
    for (row, one) in old.iter().enumerate().rev() {
        for (column, other) in new.iter().enumerate().rev() {
            let best = if one == other {
                length(&table, row + 1, column + 1) + 1
            } else {
                length(&table, row + 1, column).max(length(&table, row, column + 1))
            };
            if let Some(cell) = table.get_mut(row * width + column) {
                *cell = best;
            }
        }
    }
    let (mut row, mut column) = (0, 0);
    loop {
        match (old.get(row), new.get(column)) {
            (None, None) => return,
            (Some(one), Some(other)) if one == other => {
                out.same(one);
                (row, column) = (row + 1, column + 1);
            }
            (Some(one), other)
                if other.is_none()
                    || length(&table, row + 1, column) >= length(&table, row, column + 1) =>
            {
                out.gone(one);
                row += 1;
            }
            (_, Some(other)) => {
                out.added(other);
                column += 1;
            }
            (Some(one), None) => {
                out.gone(one);
                row += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(before: &str, after: &str) -> String {
        let chars = |text: &str| text.chars().collect::<Vec<_>>();
        let text = |run: Vec<char>| run.into_iter().collect::<String>();
        runs(&chars(before), &chars(after))
            .into_iter()
            .map(|run| match run {
                Run::Same(run) => text(run),
                Run::Gone(run) => format!("[-{}-]", text(run)),
                Run::New(run) => format!("{{+{}+}}", text(run)),
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
        assert_eq!(shown("aXbXc", "abc"), "a[-X-]b[-X-]c");
    }

    #[test]
    fn what_is_too_long_is_replaced_as_a_whole() {
        let (old, new): (Vec<_>, Vec<_>) = ((0..9000).collect(), (10_000..19_000).collect());
        assert_eq!(runs(&old, &new), [Run::Gone(old.clone()), Run::New(new.clone())]);
    }
}
