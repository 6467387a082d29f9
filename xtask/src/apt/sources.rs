//! Reads the machine's own apt sources and derives from them the ones a private apt needs, backports
//! included. Pure text in, text out. No archive's address is written here: they are all the machine's.

/// One place packages come from, as deb822 stanzas and one-line entries both say it.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
struct Source {
    uris: String,
    suites: Vec<String>,
    components: Vec<String>,
    signed_by: Option<String>,
    disabled: bool,
    binary: bool,
}

/// The stanzas for a private apt: the release's own suites as this machine has them, and its backports
/// from the same archive with the same key. `files`: each sources file's name and text. `None` when
/// the machine names no archive for the release.
pub(crate) fn derive(files: &[(String, String)], codename: &str) -> Option<String> {
    let sources: Vec<Source> = files
        .iter()
        .flat_map(
            |(name, text)| {
                if has_extension(name, "sources") { stanzas(text) } else { entries(text) }
            },
        )
        .filter(|source| source.binary && !source.disabled)
        .filter(|source| source.components.iter().any(|component| component == "main"))
        .collect();
    let archive =
        sources.iter().find(|source| source.suites.iter().any(|suite| suite == codename))?;
    let backports = Source { suites: vec![format!("{codename}-backports")], ..archive.clone() };
    let own = sources.iter().filter_map(|source| of_release(source, codename));
    Some(own.chain([backports]).map(|source| stanza(&source)).collect::<Vec<_>>().join("\n"))
}

/// The part of a source that is the release's own and is not backports.
fn of_release(source: &Source, codename: &str) -> Option<Source> {
    let wanted = ["", "-updates", "-security"].map(|suffix| format!("{codename}{suffix}"));
    let slashed = format!("{codename}/updates");
    let suites: Vec<String> = source
        .suites
        .iter()
        .filter(|suite| wanted.contains(suite) || **suite == slashed)
        .cloned()
        .collect();
    (!suites.is_empty()).then(|| Source { suites, ..source.clone() })
}

fn stanza(source: &Source) -> String {
    let Source { uris, suites, signed_by, .. } = source;
    let suites = suites.join(" ");
    let key = signed_by.as_ref().map(|key| format!("Signed-By: {key}\n")).unwrap_or_default();
    format!("Types: deb\nURIs: {uris}\nSuites: {suites}\nComponents: main\n{key}")
}

fn has_extension(name: &str, wanted: &str) -> bool {
    std::path::Path::new(name).extension().is_some_and(|extension| extension == wanted)
}

/// deb822: stanzas parted by empty lines, fields that go on over indented lines, `#` comments.
fn stanzas(text: &str) -> Vec<Source> {
    let mut sources = Vec::new();
    let mut fields: Vec<(String, String)> = Vec::new();
    for line in text.lines().chain([""]) {
        if line.starts_with('#') {
            continue;
        }
        if line.trim().is_empty() {
            if !fields.is_empty() {
                sources.push(from_fields(&std::mem::take(&mut fields)));
            }
        } else if line.starts_with([' ', '\t']) {
            if let Some((_, value)) = fields.last_mut() {
                value.push('\n');
                value.push_str(line);
            }
        } else if let Some((name, value)) = line.split_once(':') {
            fields.push((name.trim().to_ascii_lowercase(), value.trim().to_owned()));
        }
    }
    sources
}

fn from_fields(fields: &[(String, String)]) -> Source {
    let field = |wanted: &str| {
        fields.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str())
    };
    let words =
        |wanted| field(wanted).unwrap_or("").split_whitespace().map(str::to_owned).collect();
    let types: Vec<String> = words("types");
    Source {
        uris: field("uris").unwrap_or("").split_whitespace().collect::<Vec<_>>().join(" "),
        suites: words("suites"),
        components: words("components"),
        signed_by: field("signed-by").map(str::to_owned),
        disabled: field("enabled").is_some_and(|value| value.eq_ignore_ascii_case("no")),
        binary: types.iter().any(|kind| kind == "deb"),
    }
}

/// One-line style: `deb [option=value …] URI suite component…`.
fn entries(text: &str) -> Vec<Source> {
    text.lines().filter_map(entry).collect()
}

fn entry(line: &str) -> Option<Source> {
    let line = line.split('#').next()?.trim();
    let (kind, rest) = line.split_once(char::is_whitespace)?;
    let rest = rest.trim_start();
    let (options, rest) = match rest.strip_prefix('[') {
        Some(bracketed) => bracketed.split_once(']')?,
        None => ("", rest),
    };
    let signed_by = options.split_whitespace().find_map(|option| option.strip_prefix("signed-by="));
    let mut words = rest.split_whitespace().map(str::to_owned);
    Some(Source {
        uris: words.next()?,
        suites: vec![words.next()?],
        components: words.collect(),
        signed_by: signed_by.map(str::to_owned),
        disabled: false,
        binary: kind == "deb",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str, text: &str) -> (String, String) {
        (name.into(), text.into())
    }

    const DEB822: &str = "\
Types: deb deb-src
# a comment inside
URIs: mirror://archive.example/debian
Suites: bookworm bookworm-updates
Components: main contrib
Signed-By: /usr/share/keyrings/archive.gpg

Types: deb
URIs: mirror://archive.example/security
Suites: bookworm-security
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 abc
 -----END PGP PUBLIC KEY BLOCK-----
";

    #[test]
    fn backports_come_from_the_machines_own_archive_and_key() {
        let derived = derive(&[file("debian.sources", DEB822)], "bookworm").unwrap();
        let last = derived.split("\n\n").last().unwrap();
        assert_eq!(
            last,
            "Types: deb\nURIs: mirror://archive.example/debian\nSuites: bookworm-backports\n\
             Components: main\nSigned-By: /usr/share/keyrings/archive.gpg\n"
        );
        assert!(derived.contains("Suites: bookworm bookworm-updates\n"), "{derived}");
        assert!(derived.contains("Suites: bookworm-security\n"), "{derived}");
    }

    #[test]
    fn a_key_inside_the_stanza_is_kept_whole() {
        let derived = derive(&[file("debian.sources", DEB822)], "bookworm").unwrap();
        assert!(
            derived.contains("Signed-By: \n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n abc\n"),
            "{derived}"
        );
    }

    #[test]
    fn one_line_entries_are_read_with_their_options() {
        let text = "# deb http://old.example/ bookworm main\n\
                    deb-src http://a.example/debian bookworm main\n\
                    deb [arch=amd64 signed-by=/k.gpg] http://a.example/debian bookworm main # here\n\
                    deb http://s.example/sec bookworm-security main\n";
        let derived = derive(&[file("sources.list", text)], "bookworm").unwrap();
        assert_eq!(derived.matches("Types: deb\n").count(), 3, "{derived}");
        assert!(
            derived.ends_with("Suites: bookworm-backports\nComponents: main\nSigned-By: /k.gpg\n"),
            "{derived}"
        );
        assert!(!derived.contains("old.example"), "{derived}");
    }

    #[test]
    fn other_archives_other_releases_and_disabled_stanzas_are_left_out() {
        let others = "Types: deb\nURIs: http://x.example\nSuites: stable trixie bookworm-proposed\nComponents: main\n\n\
                      Enabled: no\nTypes: deb\nURIs: http://y.example\nSuites: bookworm\nComponents: main\n";
        assert_eq!(derive(&[file("x.sources", others)], "bookworm"), None);
        let both =
            derive(&[file("x.sources", others), file("d.sources", DEB822)], "bookworm").unwrap();
        assert!(!both.contains("x.example") && !both.contains("y.example"), "{both}");
    }

    #[test]
    fn a_machine_that_names_backports_already_does_not_get_them_twice() {
        let text = "deb http://a.example/debian bookworm main\ndeb http://b.example/debian bookworm-backports main\n";
        let derived = derive(&[file("sources.list", text)], "bookworm").unwrap();
        assert_eq!(derived.matches("backports").count(), 1, "{derived}");
    }
}
