//! Columns that line up, within the width of a terminal if there is one. Cells are shown as they
//! are: who fills them in has made them harmless (see `plain`).

use std::fmt::Write as _;
use std::io::{self, Write};

use anstyle::Style;

use super::plain::{Elide, fit, width};

const GAP: usize = 2;

/// What stands between the cells of a row.
const BETWEEN: &str = "\n";

/// A column: its title, and what may be left out of its cells.
pub(super) struct Column {
    pub(super) title: &'static str,
    pub(super) elide: Elide,
    /// Wider than this, it is the first to give way.
    pub(super) comfort: usize,
    /// It is never made narrower than this.
    pub(super) least: usize,
    pub(super) style: Style,
}

/// Rows of cells under columns.
pub(super) struct Table {
    columns: Vec<Column>,
    /// The cells of each row, with a line break after each but the last: a large registry has a hundred thousand of
    /// them, and none has a line break, which would act on the terminal.
    rows: Vec<Box<str>>,
    /// The widest cell of each column.
    widest: Vec<usize>,
}

impl Table {
    pub(super) fn new(columns: Vec<Column>) -> Self {
        let widest = columns.iter().map(|column| width(column.title)).collect();
        Self { columns, rows: Vec::new(), widest }
    }

    /// Adds a row, with a cell for every column; an empty one is shown as `-`, so that every row has
    /// as many words as columns.
    pub(super) fn push(&mut self, row: &[&str]) {
        let cells = row.iter().map(|cell| if cell.is_empty() { "-" } else { cell });
        for (widest, cell) in self.widest.iter_mut().zip(cells.clone()) {
            *widest = width(cell).max(*widest);
        }
        let cells: Vec<&str> = cells.collect();
        self.rows.push(cells.join(BETWEEN).into());
    }

    /// Writes it, at most `columns` wide if that is given. The last column is never padded.
    pub(super) fn write(&self, out: &mut dyn Write, columns: Option<usize>) -> io::Result<()> {
        let widths = self.widths(columns);
        let titles = self.columns.iter().map(|column| column.title);
        let mut line = String::new();
        self.line(&mut line, titles, &widths, Some(Style::new().bold()));
        out.write_all(line.as_bytes())?;
        for row in &self.rows {
            line.clear();
            self.line(&mut line, row.split(BETWEEN), &widths, None);
            out.write_all(line.as_bytes())?;
        }
        Ok(())
    }

    fn line<'a>(
        &self,
        out: &mut String,
        cells: impl Iterator<Item = &'a str>,
        widths: &[usize],
        style: Option<Style>,
    ) {
        let last = self.columns.len().saturating_sub(1);
        let columns = self.columns.iter().zip(widths).zip(cells);
        for (place, ((column, &room), cell)) in columns.enumerate() {
            let text = fit(cell, room, column.elide);
            let style = style.unwrap_or(column.style);
            if style.is_plain() {
                out.push_str(&text);
            } else {
                // Writing to a String cannot fail.
                let _ = write!(out, "{style}{text}{style:#}");
            }
            if place < last {
                let room = room.saturating_sub(width(&text)) + GAP;
                out.extend(std::iter::repeat_n(' ', room));
            }
        }
        out.push('\n');
    }

    /// What each column needs; if that is too much, the widest ones give until it fits or no column
    /// can: first what is beyond comfort, then the rest.
    fn widths(&self, limit: Option<usize>) -> Vec<usize> {
        let mut widths = self.widest.clone();
        let Some(limit) = limit else { return widths };
        let gaps = GAP * widths.len().saturating_sub(1);
        let mut excess = (widths.iter().sum::<usize>() + gaps).saturating_sub(limit);
        for least in
            [|column: &Column| column.comfort.max(column.least), |column: &Column| column.least]
        {
            while excess > 0 {
                let columns = widths.iter_mut().zip(&self.columns);
                let can_give = columns.filter(|(room, column)| **room > least(column));
                let Some((room, _)) = can_give.max_by_key(|(room, _)| **room) else { break };
                *room -= 1;
                excess -= 1;
            }
        }
        widths
    }
}

#[cfg(test)]
mod tests {
    use super::{Column, Elide, Style, Table, width};

    fn table() -> Table {
        let column = |title, elide, comfort, least| Column {
            title,
            elide,
            comfort,
            least,
            style: Style::new(),
        };
        let mut table = Table::new(vec![
            column("SERVICE", Elide::Start, 16, 8),
            column("ROLE", Elide::End, 8, 4),
            column("POD", Elide::Middle, 12, 8),
        ]);
        table.push(&["com.example.Greeter", "provider", "shop/greeter-x1"]);
        table.push(&["com.用户.服务", "", "shop/user-6f7d8-abcde"]);
        table
    }

    fn written(columns: Option<usize>) -> String {
        let mut out = Vec::new();
        table().write(&mut out, columns).unwrap();
        anstream::adapter::strip_str(&String::from_utf8(out).unwrap()).to_string()
    }

    #[test]
    fn without_a_terminal_nothing_is_left_out() {
        assert_eq!(
            written(None),
            "SERVICE              ROLE      POD\n\
             com.example.Greeter  provider  shop/greeter-x1\n\
             com.用户.服务        -         shop/user-6f7d8-abcde\n"
        );
    }

    #[test]
    fn the_widest_columns_give_way_first() {
        assert_eq!(
            written(Some(40)),
            "SERVICE           ROLE      POD\n\
             …example.Greeter  provider  shop/…ter-x1\n\
             com.用户.服务     -         shop/…-abcde\n"
        );
        for columns in [24, 40, 80] {
            let text = written(Some(columns));
            assert!(text.lines().all(|line| width(line) <= columns), "{text}");
        }
    }

    #[test]
    fn below_the_least_width_it_stays_readable_instead_of_fitting() {
        let text = written(Some(5));
        assert!(text.lines().all(|line| width(line) <= 8 + 2 + 4 + 2 + 8), "{text}");
    }
}
