//! Records as a person reads them: what a key says, the parameters of its URL, and errors with
//! the place underlined.

use std::io::{self, Write};

use base64::{Engine as _, engine::GeneralPurpose};
use dubbo_k8s_codec::{
    Annotation, Category, DecodeError, Instance, Key, Record, Url,
    pasted::Findings,
    problem::{Detail, Language},
};

use super::{
    excerpt::excerpt,
    findings,
    plain::{plain, width},
    terminal::{DIM, ERROR, HEADING, NAME, WARNING},
};

/// Writes all records of an annotation, each with what is wrong with it, then what is wrong with the rest.
pub(super) fn annotation(
    out: &mut dyn Write,
    annotation: &Annotation,
    findings: &Findings,
    language: Language,
    indent: &str,
) -> io::Result<()> {
    let count = annotation.records().len();
    writeln!(out, "{indent}{count} {}", if count == 1 { "record" } else { "records" })?;
    for (at, found) in annotation.records().enumerate() {
        writeln!(out)?;
        record(out, found, language, indent)?;
        findings::write_record(findings, out, at, &format!("{indent}  "), language)?;
    }
    findings::write_rest(findings, out, indent, language)
}

/// Writes Dubbo Java's metadata, its endpoints first.
pub(super) fn metadata(out: &mut dyn Write, instance: &Instance, indent: &str) -> io::Result<()> {
    write!(out, "{indent}{HEADING}Dubbo Java{HEADING:#}")?;
    let endpoints = instance.endpoints().unwrap_or_default();
    for endpoint in endpoints {
        write!(out, "  {NAME}{}:{}{NAME:#}", plain(&endpoint.protocol), endpoint.port)?;
    }
    writeln!(out, "  {DIM}(io.dubbo/metadata; it names no interfaces){DIM:#}")?;
    let members = instance.members().map(|(name, value)| (plain(name), plain(value)));
    let members: Vec<_> = members.collect();
    let widest = members.iter().map(|(name, _)| width(name)).max().unwrap_or_default();
    for (name, value) in members {
        let gap = widest - width(&name) + 2;
        writeln!(out, "{indent}    {DIM}{name}{DIM:#}{:gap$}{value}", "")?;
    }
    Ok(())
}

/// The line above what is in a Pod.
pub(super) fn pod_heading(
    out: &mut dyn Write,
    namespace: &str,
    name: &str,
    deleted: bool,
) -> io::Result<()> {
    let name = if name.is_empty() { "(without a name)".into() } else { plain(name) };
    let slash = if namespace.is_empty() { "" } else { "/" };
    let deleted = if deleted { "  (deleted)" } else { "" };
    writeln!(out, "{HEADING}Pod {}{slash}{name}{HEADING:#}{deleted}", plain(namespace))
}

/// An error inside of a report.
pub(super) fn indented_error(
    out: &mut dyn Write,
    text: &str,
    language: Language,
) -> io::Result<()> {
    let text = text.replace("\n\n", "\n\0").replace('\n', "\n  ").replace("\n  \0", "\n\n  ");
    match language {
        Language::English => writeln!(out, "  {ERROR}error:{ERROR:#} {text}"),
        Language::Chinese => writeln!(out, "  {ERROR}错误：{ERROR:#}{text}"),
    }
}

/// An error of an annotation as one sentence with its place.
pub(super) fn sentence(error: &DecodeError, language: Language) -> String {
    if language == Language::English {
        return error.to_string();
    }
    let why = Detail::from(error).text(language);
    let text = format!("{}：{why}；位于字节 {}", error.stage, error.offset);
    match error.decoded_offset {
        Some(decoded) => format!("{text}（解码后文本的字节 {decoded}）"),
        None => text,
    }
}

/// An error of an annotation: the sentence, and its place in the annotation and in what is inside.
pub(super) fn decode_error(
    error: &DecodeError,
    value: &[u8],
    columns: usize,
    language: Language,
) -> String {
    let [outer, inner, hint] = match language {
        Language::English => [
            "  annotation  ",
            "  decoded     ",
            "This is JSON already; `dubbo-watcher encode` makes an annotation of it.",
        ],
        Language::Chinese => {
            ["  注解    ", "  解码后  ", "这已经是 JSON；`dubbo-watcher encode` 可以由它生成注解。"]
        }
    };
    let place = excerpt(outer, value, error.offset, columns);
    let mut text = format!("{}\n\n{place}", sentence(error, language));
    if let Some(offset) = error.decoded_offset {
        text.push('\n');
        text.push_str(&excerpt(inner, &inside(value), offset, columns));
    }
    if value.first() == Some(&b'[') {
        text.push_str("\n\n  ");
        text.push_str(hint);
    }
    text
}

/// The line that the byte `offset` is in, without its end.
pub(super) fn text_line(text: &[u8], offset: usize) -> &[u8] {
    let start = offset - in_line(text, offset);
    let rest = text.get(start..).unwrap_or_default();
    let end = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r')).unwrap_or(rest.len());
    rest.get(..end).unwrap_or_default()
}

/// How far into its line the byte `offset` is.
pub(super) fn in_line(text: &[u8], offset: usize) -> usize {
    let before = text.get(..offset).unwrap_or(text);
    before.iter().rev().position(|byte| *byte == b'\n').unwrap_or(before.len())
}

fn record(
    out: &mut dyn Write,
    record: Record<'_>,
    language: Language,
    indent: &str,
) -> io::Result<()> {
    match Key::parse(record.key) {
        Ok(key) => match (&key.url, key.category) {
            (Some(url), Some(category)) => leaf(out, &key, category, url, language, indent)?,
            _ => writeln!(out, "{indent}{DIM}directory{DIM:#}  {}", plain(record.key))?,
        },
        Err(error) => unreadable(out, record.key, &Detail::from(&error), language, indent)?,
    }
    if !record.value.is_empty() {
        writeln!(out, "{indent}  value  {}", plain(record.value))?;
    }
    Ok(())
}

fn leaf(
    out: &mut dyn Write,
    key: &Key<'_>,
    category: Category,
    text: &str,
    language: Language,
    indent: &str,
) -> io::Result<()> {
    let role = role(category);
    let url = match Url::parse(text) {
        Ok(url) => url,
        Err(error) => return unreadable(out, text, &Detail::from(&error), language, indent),
    };
    let service = url.service();
    write!(
        out,
        "{indent}{HEADING}{role}{HEADING:#}  {NAME}{}{NAME:#}",
        plain(&service.to_string())
    )?;
    if let Some(interface) = key.interface.as_deref().filter(|name| *name != service.interface) {
        write!(out, "  {DIM}(filed under {}){DIM:#}", plain(interface))?;
    }
    writeln!(out, "\n{indent}  {}", plain(&address(&url)))?;
    let params: Vec<_> = url
        .params()
        .map(|param| (plain(&param.name()).into_owned(), plain(&param.value()).into_owned()))
        .collect();
    let widest = params.iter().map(|(name, _)| width(name)).max().unwrap_or_default();
    for (name, value) in params {
        let gap = widest - width(&name) + 2;
        writeln!(out, "{indent}    {DIM}{name}{DIM:#}{:gap$}{value}", "")?;
    }
    Ok(())
}

fn unreadable(
    out: &mut dyn Write,
    text: &str,
    why: &Detail,
    language: Language,
    indent: &str,
) -> io::Result<()> {
    writeln!(out, "{indent}{WARNING}unreadable{WARNING:#}  {}", plain(text))?;
    writeln!(out, "{indent}  {}", why.text(language))
}

/// What one record of a category stands for.
pub(super) fn role(category: Category) -> &'static str {
    match category {
        Category::Providers => "provider",
        Category::Consumers => "consumer",
        Category::Routers => "router",
        Category::Configurators => "configurator",
    }
}

/// A URL up to its parameters, without user information, which may hold a password.
fn address(url: &Url<'_>) -> String {
    let text = shown_url(url);
    text.find(['?', '#']).and_then(|end| text.get(..end)).unwrap_or(&text).to_owned()
}

/// A URL without user information, which may hold a password.
pub(super) fn shown_url(url: &Url<'_>) -> String {
    match url.userinfo() {
        Some(userinfo) => url.as_str().replacen(&format!("{userinfo}@"), "…@", 1),
        None => url.as_str().to_owned(),
    }
}

/// The bytes inside an annotation as far as they can be had, for showing them.
fn inside(value: &[u8]) -> Vec<u8> {
    let tolerant = base64::engine::GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(base64::engine::DecodePaddingMode::Indifferent);
    let engine = GeneralPurpose::new(&base64::alphabet::URL_SAFE, tolerant);
    let letters: Vec<u8> = value
        .iter()
        .filter(|byte| !matches!(byte, b'\r' | b'\n'))
        .map(|byte| match byte {
            b'+' => b'-',
            b'/' => b'_',
            other => *other,
        })
        .collect();
    engine.decode(letters).unwrap_or_default()
}
