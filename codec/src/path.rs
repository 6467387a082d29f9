//! The key of a record: a path in the registry, `/<root>/<interface>/<category>/<url>`.
//!
//! It splits and joins paths. What a URL means is `url`'s business.

use alloc::borrow::Cow;
use core::fmt;

use memchr::memchr;

use crate::escape::{self, query_escape, query_unescape};
use crate::fault::{Fault, Found, Stage, Whole};
use crate::phrase::Phrase;
use crate::url::{Url, UrlError};

/// The root of dubbo-go's registry paths.
pub const ROOT: &str = "dubbo";

/// What a record says about a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Category {
    /// Who calls the service. Role 0.
    Consumers,
    /// Rules that override parameters. Role 1.
    Configurators,
    /// Rules that choose providers. Role 2.
    Routers,
    /// Who serves it. Role 3.
    Providers,
}

impl Category {
    /// All of them, in the order of their roles.
    pub const ALL: [Self; 4] =
        [Self::Consumers, Self::Configurators, Self::Routers, Self::Providers];

    /// The name in a path.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Consumers => "consumers",
            Self::Configurators => "configurators",
            Self::Routers => "routers",
            Self::Providers => "providers",
        }
    }

    /// The number in the parameter `registry.role` of dubbo-go.
    pub const fn role(self) -> u8 {
        match self {
            Self::Consumers => 0,
            Self::Configurators => 1,
            Self::Routers => 2,
            Self::Providers => 3,
        }
    }

    /// What a URL is registered as. By the scheme where that decides (`consumer`, `override`, `route`, …), else
    /// by the parameters `category`, `registry.role` and `side` in this order. All else is a provider. A list in
    /// `category`, as subscriptions have it, decides nothing.
    pub fn of_url(url: &Url<'_>) -> Self {
        let by_scheme = match url.scheme() {
            "consumer" => Some(Self::Consumers),
            "override" | "absent" => Some(Self::Configurators),
            "route" | "condition" | "script" | "tag" => Some(Self::Routers),
            _ => None,
        };
        let by_name = || Self::from_name(&url.param("category")?);
        let by_role = || {
            let role: u8 = url.param("registry.role")?.parse().ok()?;
            Self::ALL.into_iter().find(|category| category.role() == role)
        };
        let by_side = || (&*url.param("side")? == "consumer").then_some(Self::Consumers);
        by_scheme.or_else(by_name).or_else(by_role).or_else(by_side).unwrap_or(Self::Providers)
    }

    /// The category of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|category| category.as_str() == name)
    }
}

impl fmt::Display for Category {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A registry path taken apart. Directory keys (`/dubbo`, `/dubbo/<interface>`,
/// `/dubbo/<interface>/<category>`) are legal and have no URL.
///
/// Displays as dubbo-go writes it, with interface and URL escaped.
///
/// ```
/// use dubbo_k8s_codec::{Category, Key};
///
/// let key = Key::parse("/dubbo/a.B/providers/dubbo%3A%2F%2F10.0.0.1%3A20880%2Fa.B")?;
/// assert_eq!(key.interface.as_deref(), Some("a.B"));
/// assert_eq!(key.category, Some(Category::Providers));
/// assert_eq!(key.url.as_deref(), Some("dubbo://10.0.0.1:20880/a.B"));
/// assert!(Key::parse("/dubbo/a.B/providers")?.url.is_none());
/// # Ok::<(), dubbo_k8s_codec::KeyError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key<'a> {
    /// The first segment, `dubbo` unless configured otherwise.
    pub root: &'a str,
    /// The interface, unescaped.
    pub interface: Option<Cow<'a, str>>,
    /// The category.
    pub category: Option<Category>,
    /// The URL, unescaped once: the text of a [`Url`](crate::Url).
    pub url: Option<Cow<'a, str>>,
}

impl<'a> Key<'a> {
    /// The key of a leaf under the default root.
    pub fn leaf(interface: &'a str, category: Category, url: &'a str) -> Self {
        Self {
            root: ROOT,
            interface: Some(Cow::Borrowed(interface)),
            category: Some(category),
            url: Some(Cow::Borrowed(url)),
        }
    }

    /// The key of a record with this URL, in the category that the URL says: as it is registered.
    ///
    /// # Errors
    /// The URL is none.
    pub fn of_url(url: &'a str) -> Result<Key<'a>, UrlError> {
        let parsed = Url::parse(url)?;
        let interface = Cow::Owned(parsed.service().interface.into_owned());
        let category = Category::of_url(&parsed);
        Ok(Self { interface: Some(interface), ..Self::leaf("", category, url) })
    }

    /// Takes a path apart. Segments may not be empty, and there are at most four.
    ///
    /// # Errors
    /// [`KeyError`] with the place, for a path that is no key.
    pub fn parse(text: &'a str) -> Result<Self, KeyError> {
        let raw = RawKey::split(text)?;
        let interface = raw.interface.map(|(at, raw)| unescape(at, raw)).transpose()?;
        let category = match raw.category {
            None => None,
            Some((at, name)) => Some(Category::from_name(name).ok_or_else(|| {
                let found = Found::Thing(Phrase::AnotherName);
                KeyError::of_shape(at, Phrase::Category, found)
            })?),
        };
        let url = raw.url.map(|(at, raw)| unescape(at, raw)).transpose()?;
        Ok(Self { root: raw.root, interface, category, url })
    }

    /// Where in `text`, the path that was parsed, the byte `offset` of its URL stands.
    pub fn place_in_url(text: &str, offset: usize) -> usize {
        let url = RawKey::split(text).ok().and_then(|raw| raw.url);
        url.map_or(text.len(), |(at, raw)| at + escape::escaped_offset(raw.as_bytes(), offset))
    }
}

/// The segments of a path as they are written, with their offsets.
struct RawKey<'a> {
    root: &'a str,
    interface: Option<(usize, &'a str)>,
    category: Option<(usize, &'a str)>,
    url: Option<(usize, &'a str)>,
}

impl<'a> RawKey<'a> {
    fn split(text: &'a str) -> Result<Self, KeyError> {
        let bad = |offset, expected| {
            let found = Found::at(text.as_bytes(), offset);
            KeyError::of_shape(offset, expected, found)
        };
        if !text.starts_with('/') {
            return Err(bad(0, Phrase::Path));
        }
        let mut next = Some(1);
        let mut segment = || {
            let Some(start) = next else { return Ok(None) };
            let rest = text.get(start..).unwrap_or_default();
            let length = memchr(b'/', rest.as_bytes());
            next = length.map(|length| start + length + 1);
            match rest.get(..length.unwrap_or(rest.len())) {
                None | Some("") => Err(bad(start, Phrase::NameBetweenSlashes)),
                Some(segment) => Ok(Some((start, segment))),
            }
        };
        let (_, root) = segment()?.unwrap_or_default();
        let (interface, category, url) = (segment()?, segment()?, segment()?);
        match next {
            None => Ok(Self { root, interface, category, url }),
            Some(at) => Err(bad(at - 1, Phrase::EscapedUrl)),
        }
    }
}

fn unescape(at: usize, raw: &str) -> Result<Cow<'_, str>, KeyError> {
    query_unescape(raw).map_err(|error| {
        let stage = if error.utf8 { Stage::Utf8 } else { Stage::Shape };
        KeyError::new(stage, at + error.offset, error.expected, error.found)
    })
}

impl fmt::Display for Key<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "/{}", self.root)?;
        let Some(interface) = &self.interface else { return Ok(()) };
        write!(f, "/{}", query_escape(interface))?;
        let Some(category) = self.category else { return Ok(()) };
        write!(f, "/{category}")?;
        let Some(url) = &self.url else { return Ok(()) };
        write!(f, "/{}", query_escape(url))
    }
}

/// Why a key is not a registry path: of the stage [`Stage::Shape`], or [`Stage::Utf8`] where the
/// escapes do not spell text. The place is one in the key.
pub type KeyError = Fault<Key<'static>>;

impl Whole for Key<'static> {
    const NAME: Phrase = Phrase::TheKey;
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::string::{String, ToString};

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn directories_are_legal_keys() {
        for (text, interface, category) in [
            ("/dubbo", None, None),
            ("/dubbo/com.example.A%24B", Some("com.example.A$B"), None),
            ("/dubbo/a.B/consumers", Some("a.B"), Some(Category::Consumers)),
        ] {
            let key = Key::parse(text).unwrap();
            assert_eq!((key.root, key.interface.as_deref()), ("dubbo", interface));
            assert_eq!((key.category, &key.url), (category, &None));
            assert_eq!(key.to_string(), text);
        }
    }

    #[test]
    fn what_is_no_path_is_refused_in_its_place() {
        for (text, at) in [
            ("", 0),
            ("dubbo", 0),
            ("/", 1),
            ("//a", 1),
            ("/dubbo/", 7),
            ("/dubbo//providers", 7),
            ("/dubbo/a.B/providers/", 21),
            ("/dubbo/a.B/metadata", 11),
            ("/dubbo/a.B/providers/dubbo://1.2.3.4/a", 27),
            ("/dubbo/a%2/providers", 8),
            ("/dubbo/a.B/providers/dubbo%3A%zz", 29),
            ("/dubbo/a.B/providers/a%ff", 22),
        ] {
            assert_eq!(Key::parse(text).unwrap_err().offset, at, "{text}");
        }
        assert_eq!(Key::parse("/dubbo/%ff").unwrap_err().stage, Stage::Utf8);
    }

    #[test]
    fn a_place_in_the_url_is_a_place_in_the_key() {
        let key = "/dubbo/a.B/providers/dubbo%3A%2F%2Fh%3Ax";
        let url = Key::parse(key).unwrap().url.unwrap();
        assert_eq!(Key::place_in_url(key, url.find('x').unwrap()), key.len() - 1);
    }

    proptest! {
        #[test]
        fn what_is_printed_is_parsed_again(interface in "\\PC{1,20}", url in "\\PC{1,40}", role in 0_usize..4) {
            let key = Key::leaf(&interface, Category::ALL[role], &url);
            let text = key.to_string();
            let again = Key::parse(&text).unwrap();
            prop_assert_eq!(again.to_string(), text.clone());
            prop_assert_eq!(&again, &key);
        }

        #[test]
        fn no_text_panics(text: String) {
            let _ = Key::parse(&text);
            let _ = Key::parse(&format!("/dubbo/{text}"));
            let _ = Key::place_in_url(&text, 7);
        }
    }
}
