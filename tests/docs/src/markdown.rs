//! As much of Markdown as the tests ask for: fenced blocks, links, and the names that headings get. It reads text only.

/// A fenced block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// What stands behind the fence, as in `sh`.
    pub language: String,
    /// What is in it.
    pub text: String,
    /// The line of the fence, from 1.
    pub line: usize,
}

/// The fenced blocks of a page, in order.
pub fn blocks(page: &str) -> Vec<Block> {
    let mut found = Vec::new();
    let mut open: Option<Block> = None;
    for (at, line) in page.lines().enumerate() {
        let fence = line.trim_start().strip_prefix("```");
        match (&mut open, fence) {
            (None, Some(language)) => {
                let language = language.trim().to_owned();
                open = Some(Block { language, text: String::new(), line: at + 1 });
            }
            (Some(_), Some(_)) => found.extend(open.take()),
            (Some(block), None) => block.text.extend([line, "\n"]),
            (None, None) => {}
        }
    }
    found.extend(open);
    found
}

/// The page without its fenced blocks and its code spans.
fn prose(page: &str) -> String {
    let mut inside = false;
    let mut text = String::new();
    for line in page.lines() {
        if line.trim_start().starts_with("```") {
            inside = !inside;
        } else if !inside && !line.starts_with("    ") {
            let parts = line.split('`').enumerate().filter(|(at, _)| at % 2 == 0);
            text.extend(parts.map(|(_, part)| part));
            text.push('\n');
        }
    }
    text
}

/// The code spans of a page, line by line.
pub fn code_spans(page: &str) -> impl Iterator<Item = Vec<&str>> {
    let lines = page.lines().filter(|line| !line.starts_with("    "));
    lines.map(|line| line.split('`').skip(1).step_by(2).collect())
}

/// Where the links and pictures of a page lead.
pub fn links(page: &str) -> Vec<String> {
    let text = prose(page);
    let ends = text.split("](").skip(1);
    ends.filter_map(|rest| Some(rest.split_once(')')?.0.to_owned())).collect()
}

/// The names by which a page's headings can be linked to, as GitHub and mdBook make them.
pub fn anchors(page: &str) -> Vec<String> {
    let mut inside = false;
    let headings = page.lines().filter(|line| {
        inside ^= line.trim_start().starts_with("```");
        !inside && line.starts_with('#')
    });
    headings.map(|heading| anchor(heading.trim_start_matches('#'))).collect()
}

fn anchor(heading: &str) -> String {
    let kept = heading.trim().chars().filter_map(|char| match char {
        ' ' => Some('-'),
        '-' | '_' => Some(char),
        char if char.is_alphanumeric() => Some(char),
        _ => None,
    });
    kept.flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "# On `list`: a page\n\n[a](b.md#c) and `[no](link)`\n\n```sh\n# no heading\n[x](y)\n```\n\
                        ![p](q.png)\n    [code](block)\n";

    #[test]
    fn blocks_links_and_headings_are_found() {
        let [block] = &blocks(PAGE)[..] else { panic!("one block") };
        assert_eq!((block.language.as_str(), block.line), ("sh", 5));
        assert_eq!(block.text, "# no heading\n[x](y)\n");
        assert_eq!(links(PAGE), ["b.md#c", "q.png"]);
        assert_eq!(anchors(PAGE), ["on-list-a-page"]);
    }
}
