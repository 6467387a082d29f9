//! A Dubbo URL that can be registered, and the key that it is registered under. A reader of the
//! registry must be able to use it, so it is checked before anything is sent.

use alloc::borrow::Cow;
use alloc::borrow::ToOwned as _;
use alloc::format;
use alloc::string::String;
use alloc::string::ToString as _;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::net::IpAddr;
use core::ops::Range;

use dubbo_k8s_codec::dubbo_go::{self, Finding, Reason};
use dubbo_k8s_codec::{Category, Key, Url};
use unicode_width::UnicodeWidthStr;

/// A checked URL and its key, `/dubbo/<interface>/<category>/<url>`. As dubbo-go 1.5 does, only
/// this leaf is written, no directories above it.
///
/// ```
/// use dubbo_k8s_engine::registration::RegistryUrl;
///
/// let url = RegistryUrl::parse("dubbo://10.0.0.1:20880/a.B?group=g")?;
/// assert_eq!(url.interface(), "a.B");
/// assert_eq!(&**url.key(), "/dubbo/a.B/providers/dubbo%3A%2F%2F10.0.0.1%3A20880%2Fa.B%3Fgroup%3Dg");
///
/// let error = RegistryUrl::parse("dubbo://10.0.0.1/a.B").unwrap_err();
/// assert_eq!(error.underlined(), "dubbo://10.0.0.1/a.B\n        ^^^^^^^^");
/// # Ok::<(), dubbo_k8s_engine::registration::RegistryUrlError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegistryUrl {
    key: Arc<str>,
    interface: String,
    category: Category,
    warnings: Vec<RegistryUrlWarning>,
}

/// What is legal in a URL but hardly meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RegistryUrlWarning {
    /// A loopback or unspecified address.
    #[error("no other Pod can reach this host; a provider is registered with the Pod's IP")]
    LocalHost,
    /// User information.
    #[error("it holds a user or a password, which everybody who may read the Pod can read")]
    UserInfo,
}

/// Why a URL cannot be registered, and where in it. A password in it is not shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegistryUrlError {
    text: String,
    span: Range<usize>,
    problem: Cow<'static, str>,
}

impl RegistryUrl {
    /// Checks a URL: its scheme, hosts and ports, and that it names one interface.
    ///
    /// # Errors
    /// [`RegistryUrlError`] with the place and the way out, for a URL that consumers could not use.
    pub fn parse(text: &str) -> Result<Self, RegistryUrlError> {
        if let Some(refused) = escapable(text) {
            return Err(Self::refused_by_dubbo_go(text, refused));
        }
        let fail = |span: Range<usize>, problem: &'static str| {
            Err(RegistryUrlError::new(text, span, problem.into()))
        };
        if let Some((at, bad)) =
            text.char_indices().find(|(_, c)| c.is_whitespace() || c.is_control())
        {
            return fail(
                at..at + bad.len_utf8(),
                "white space and control characters must be escaped",
            );
        }
        let url = Url::parse(text).map_err(|error| {
            RegistryUrlError::new(
                text,
                error.offset..error.offset + 1,
                format!("expected {}, found {}", error.expected, error.found).into(),
            )
        })?;
        let category = Category::of_url(&url);
        let hosts = hosts(text);
        if let Some(problem) = port_problem(&url, category) {
            return fail(hosts, problem);
        }
        let service = url.service();
        if let Some(problem) = interface_problem(&service.interface, category) {
            return fail(interface_span(text, &url), problem);
        }
        if let Some(refused) = dubbo_go::refusal(text, category) {
            return Err(Self::refused_by_dubbo_go(text, refused));
        }
        Ok(Self {
            key: Key::leaf(&service.interface, category, text).to_string().into(),
            interface: service.interface.to_string(),
            category,
            warnings: warnings(&url, category),
        })
    }

    /// A URL or a key that may be registered already, by whatever wrote it: it is only named to be taken out, so
    /// that readers of the registry may refuse it.
    ///
    /// # Errors
    /// If it names no record: a URL without an interface, or that is none; a key without a URL.
    pub fn registered(text: &str) -> Result<Self, RegistryUrlError> {
        let fail = |at: usize, problem: String| {
            Err(RegistryUrlError::new(text, at..at + 1, problem.into()))
        };
        if text.starts_with('/') {
            let key = match Key::parse(text) {
                Ok(key) => key,
                Err(error) => {
                    let (expected, found) = (error.expected, error.found);
                    return fail(error.offset, format!("expected {expected}, found {found}"));
                }
            };
            let (Some(interface), Some(category), Some(_)) = (key.interface, key.category, key.url)
            else {
                return fail(0, "this key names no URL".to_owned());
            };
            let interface = interface.into_owned();
            return Ok(Self { key: text.into(), interface, category, warnings: Vec::new() });
        }
        let url = match Url::parse(text) {
            Ok(url) => url,
            Err(error) => {
                let (expected, found) = (error.expected, error.found);
                return fail(
                    error.offset,
                    format!("expected {expected}, found {found}; its key can be given instead"),
                );
            }
        };
        let (service, category) = (url.service(), Category::of_url(&url));
        if service.interface.is_empty() {
            return fail(0, "an interface is missing; its key can be given instead".to_owned());
        }
        let key = Key::leaf(&service.interface, category, text).to_string().into();
        Ok(Self { key, interface: service.interface.to_string(), category, warnings: Vec::new() })
    }

    fn refused_by_dubbo_go(text: &str, refused: Finding) -> RegistryUrlError {
        let why = refused.reason.phrase();
        let problem = match refused.instead(text) {
            Some(instead) => format!("dubbo-go refuses this URL: {why}; write {instead}"),
            None => format!("dubbo-go refuses this URL: {why}"),
        };
        RegistryUrlError::new(text, refused.span(text), problem.into())
    }

    /// The key of its record.
    pub fn key(&self) -> &Arc<str> {
        &self.key
    }

    /// The interface.
    pub fn interface(&self) -> &str {
        &self.interface
    }

    /// What it says about the interface.
    pub fn category(&self) -> Category {
        self.category
    }

    /// What is legal but hardly meant.
    pub fn warnings(&self) -> &[RegistryUrlWarning] {
        &self.warnings
    }
}

/// A fault that an escape repairs, if dubbo-go refuses the URL for one. White space has words of its
/// own, though dubbo-go refuses some of it too.
fn escapable(text: &str) -> Option<Finding> {
    use Reason::{PercentEscape, Semicolon};
    let refused = dubbo_go::check(text).err()?;
    matches!(refused.reason, PercentEscape | Semicolon).then_some(refused)
}

fn port_problem(url: &Url<'_>, category: Category) -> Option<&'static str> {
    let port = |host: &dubbo_k8s_codec::Host<'_>| host.port;
    if url.hosts().any(|host| port(&host) == Some(0)) {
        return Some("no process listens on port 0");
    }
    let missing = category == Category::Providers && url.hosts().any(|host| port(&host).is_none());
    missing.then_some("a provider needs a port, as in 10.0.0.1:20880")
}

fn interface_problem(name: &str, category: Category) -> Option<&'static str> {
    let rule = matches!(category, Category::Configurators | Category::Routers);
    match name {
        "" => Some(
            "an interface is missing: a path /<interface>, or a parameter interface=<interface>",
        ),
        "*" if rule => None,
        _ if name.contains('/') => {
            Some("the path has several segments: name the interface by a parameter interface=…")
        }
        _ if name.contains([
            '*',
            ',',
            ':',
            ';',
            '"',
            '<',
            '>',
            '\\',
            '%',
            char::REPLACEMENT_CHARACTER,
        ]) || name.contains(|c: char| c.is_whitespace() || c.is_control()) =>
        {
            Some("this is not the name of one interface")
        }
        _ => None,
    }
}

fn warnings(url: &Url<'_>, category: Category) -> Vec<RegistryUrlWarning> {
    let local = |name: &str| {
        let address = name.parse::<IpAddr>();
        name.eq_ignore_ascii_case("localhost")
            || address.is_ok_and(|address| address.is_loopback() || address.is_unspecified())
    };
    let unreachable = category == Category::Providers && url.hosts().any(|host| local(host.name));
    let mut warnings = Vec::new();
    warnings.extend(unreachable.then_some(RegistryUrlWarning::LocalHost));
    warnings.extend(url.userinfo().map(|_| RegistryUrlWarning::UserInfo));
    warnings
}

/// Where the hosts with their ports stand.
fn hosts(text: &str) -> Range<usize> {
    let start = text.find("://").map_or(0, |at| at + 3);
    let rest = text.get(start..).unwrap_or_default();
    let end = start + rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let authority = text.get(start..end).unwrap_or_default();
    start + authority.rfind('@').map_or(0, |at| at + 1)..end
}

/// Where the interface stands: the parameter's value, else the path.
fn interface_span(text: &str, url: &Url<'_>) -> Range<usize> {
    let query = text.find('?').unwrap_or(text.len());
    let mut at = query + 1;
    for segment in text.get(at..).unwrap_or_default().split('&') {
        if let Some(value) = segment.strip_prefix("interface=").filter(|value| !value.is_empty()) {
            return at + "interface=".len()..at + "interface=".len() + value.len();
        }
        at += segment.len() + 1;
    }
    let start = hosts(text).end;
    start..(start + url.path().len() + 1).min(text.len())
}

impl RegistryUrlError {
    fn new(text: &str, span: Range<usize>, problem: Cow<'static, str>) -> Self {
        Self { text: without_password(text), span, problem }
    }

    /// Where in the text, in bytes. It may lie behind its end, where something is missing.
    pub fn span(&self) -> Range<usize> {
        self.span.clone()
    }

    /// The URL, or the part around the place, and the place underlined: two lines.
    pub fn underlined(&self) -> String {
        const BEFORE: usize = 40;
        const AFTER: usize = 30;
        let boundary = |at: usize| {
            (0..=at.min(self.text.len()))
                .rev()
                .find(|at| self.text.is_char_boundary(*at))
                .unwrap_or(0)
        };
        let (start, end) = (boundary(self.span.start), boundary(self.span.end));
        let (from, to) = (boundary(start.saturating_sub(BEFORE)), boundary(end + AFTER));
        let part = |range: Range<usize>| self.text.get(range).unwrap_or_default();
        let mark = |cut: bool| if cut { "…" } else { "" };
        let head = format!("{}{}", mark(from > 0), part(from..start));
        let line = format!("{head}{}{}", part(start..to), mark(to < self.text.len()));
        let width = part(start..end).width().max(1);
        format!("{line}\n{}{}", " ".repeat(head.width()), "^".repeat(width))
    }
}

/// The same length, so that places stay.
fn without_password(text: &str) -> String {
    let hosts = hosts(text);
    let start = text.find("://").map_or(0, |at| at + 3);
    let user = text.get(start..hosts.start).unwrap_or_default();
    let Some(colon) = user.find(':') else { return text.to_owned() };
    let (from, to) = (start + colon + 1, hosts.start.saturating_sub(1).max(start + colon + 1));
    let hidden = "*".repeat(to - from);
    [text.get(..from), Some(&hidden), text.get(to..)].map(Option::unwrap_or_default).concat()
}

impl fmt::Display for RegistryUrlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (at byte {})", self.problem, self.span.start)
    }
}

impl core::error::Error for RegistryUrlError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_registered_can_be_named_though_readers_refuse_it() {
        for url in [
            "tri://10.0.0.1:1/a.B?filter=echo;token",
            "tri://10.0.0.1:1/a.B?desc=100%",
            "tri://fd00::1:50051/a.B",
            "tri://10.0.0.1:1/a.B?note=line1\nline2",
            "tri://10.0.0.1:0/a.B?a=b c",
        ] {
            assert!(RegistryUrl::parse(url).is_err(), "{url}");
            let named = RegistryUrl::registered(url).unwrap();
            let key = Key::leaf("a.B", Category::Providers, url).to_string();
            assert_eq!((&**named.key(), named.interface()), (key.as_str(), "a.B"));
            assert_eq!(RegistryUrl::registered(&key).unwrap(), named);
        }
        let other = "/dubbo/a.B/consumers/consumer%3a%2f%2f10.0.0.1%2fa.B";
        let named = RegistryUrl::registered(other).unwrap();
        assert_eq!((&**named.key(), named.category()), (other, Category::Consumers));
        for text in [
            "",
            "tri://",
            "tri://10.0.0.1:1",
            "/dubbo/a.B/providers",
            "/dubbo/a.B/x/y",
            "tri://10.0.0.1:x/a.B",
        ] {
            assert!(RegistryUrl::registered(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_category_follows_scheme_category_role_and_side() {
        use Category::{Configurators, Consumers, Providers, Routers};
        for (url, expected) in [
            ("dubbo://10.0.0.1:20880/a.B", Providers),
            ("tri://10.0.0.1:50051/a.B?side=provider", Providers),
            ("rest://10.0.0.1:80/a.B?side=consumer", Consumers),
            ("consumer://10.0.0.1/a.B?category=consumers&side=consumer", Consumers),
            ("consumer://10.0.0.1/a.B?category=providers,configurators,routers", Consumers),
            ("dubbo://10.0.0.1/a.B?registry.role=0", Consumers),
            ("dubbo://10.0.0.1/a.B?category=routers&side=provider", Routers),
            ("override://0.0.0.0/*?category=configurators&weight=50", Configurators),
            ("condition://0.0.0.0/a.B?rule=x", Routers),
        ] {
            let read = RegistryUrl::parse(url).unwrap_or_else(|error| panic!("{url}: {error}"));
            assert_eq!(read.category(), expected, "{url}");
        }
    }

    #[test]
    fn the_key_is_a_leaf_that_reads_back_as_the_same_text() {
        let text = "dubbo://10.244.0.7:20000/UserProvider?interface=com.a.B%24C&methods=Get%2CList&a=%252C";
        let url = RegistryUrl::parse(text).unwrap();
        assert_eq!(url.interface(), "com.a.B$C");
        assert!(
            url.key()
                .starts_with("/dubbo/com.a.B%24C/providers/dubbo%3A%2F%2F10.244.0.7%3A20000%2F")
        );
        assert_eq!(Key::parse(url.key()).unwrap().url.as_deref(), Some(text));
    }

    #[test]
    fn what_is_wrong_is_underlined() {
        for (text, marks) in [
            ("10.0.0.1:20880/a.B", None),
            ("dubbo://10.0.0.1/a.B", Some("        ^^^^^^^^")),
            ("dubbo://10.0.0.1:0/a.B", Some("        ^^^^^^^^^^")),
            ("dubbo://10.0.0.1:99999/a.B", None),
            ("dubbo://10.0.0.1:x/a.B", None),
            ("dubbo:///a.B", None),
            ("dubbo://10.0.0.1:1,10.0.0.2/a.B", Some("        ^^^^^^^^^^^^^^^^^^^")),
            ("dubbo://10.0.0.1:20880", Some("                      ^")),
            ("dubbo://10.0.0.1:20880/", Some("                      ^")),
            ("dubbo://10.0.0.1:20880/a/b", Some("                      ^^^^")),
            (
                "dubbo://10.0.0.1:20880/x?interface=a*B&y=1",
                Some("                                   ^^^"),
            ),
            ("dubbo://10.0.0.1:20880/a b", Some("                        ^")),
            ("dubbo://10.0.0.1:20880/*", Some("                      ^^")),
            ("", Some("^")),
        ] {
            let error = RegistryUrl::parse(text).expect_err(text);
            let shown = error.underlined();
            if let Some(marks) = marks {
                assert_eq!(shown, format!("{text}\n{marks}"), "{error}");
            }
            assert!(shown.contains('^') && error.span().start <= text.len(), "{shown}");
        }
    }

    #[test]
    fn what_dubbo_go_refuses_is_refused_with_the_right_escape() {
        for (url, found, instead) in [
            ("tri://10.0.0.1:1/a.B?filter=echo;token", ";", "%3B"),
            ("tri://10.0.0.1:1/a.B?desc=100%", "%", "%25"),
            ("tri://10.0.0.1:1/a.B?a=%zz&b=1", "%", "%25"),
            ("tri://u\"r@10.0.0.1:1/a.B", "\"", "%22"),
            ("tri://fd00::7:50051/a.B", "fd00::7:50051", "[fd00::7]:50051"),
        ] {
            let error = RegistryUrl::parse(url).expect_err(url);
            assert_eq!(&url[error.span()], found, "{error}");
            assert!(error.to_string().contains(&format!("write {instead}")), "{error}");
            let mut right = url.to_owned();
            right.replace_range(error.span(), instead);
            assert!(RegistryUrl::parse(&right).is_ok(), "{right}");
        }
        for url in ["consumer://[fd00::7]/a.B", "consumer://fd00::7/a.B"] {
            assert!(RegistryUrl::parse(url).is_ok(), "{url}");
        }
    }

    #[test]
    fn a_long_url_shows_the_place_and_no_password_is_shown() {
        let text = format!(
            "dubbo://me:secret@10.0.0.1:20880/a.B?x={}&interface=a,b&y={}",
            "x".repeat(300),
            "y".repeat(300)
        );
        let error = RegistryUrl::parse(&text).unwrap_err();
        let shown = error.underlined();
        assert!(
            shown.contains("interface=a,b&y=") && shown.lines().all(|line| line.len() < 100),
            "{shown}"
        );
        let error = RegistryUrl::parse("dubbo://me:secret@10.0.0.1/a.B").unwrap_err();
        assert!(error.underlined().starts_with("dubbo://me:******@10.0.0.1/a.B\n"));
        assert!(!format!("{error:?} {error}").contains("secret"));
    }

    #[test]
    fn what_is_hardly_meant_is_said() {
        let warnings = |text| RegistryUrl::parse(text).unwrap().warnings().to_vec();
        assert_eq!(warnings("dubbo://127.0.0.1:20880/a.B"), [RegistryUrlWarning::LocalHost]);
        assert_eq!(warnings("dubbo://[::1]:20880/a.B"), [RegistryUrlWarning::LocalHost]);
        assert_eq!(warnings("dubbo://u:p@10.0.0.1:20880/a.B"), [RegistryUrlWarning::UserInfo]);
        assert_eq!(warnings("override://0.0.0.0/a.B"), []);
    }
}
