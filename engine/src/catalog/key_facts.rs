//! What the reader of a key learned of it, kept once for all keys of which it is the same. A key is parsed
//! here and nowhere later; only the parts of an endpoint's URL are read again, where they are shown.

use alloc::boxed::Box;

use dubbo_k8s_codec::dubbo_go::{self, Finding};
use dubbo_k8s_codec::problem::Phrase;
use dubbo_k8s_codec::trust::{Claim, Registrant, Trust, Unbelieved};
use dubbo_k8s_codec::{Category, Found, Key, KeyError, ROOT, Service, Stage, Url};

/// What a key says of itself: its interface, category and service.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeyFacts {
    interface: Option<Box<str>>,
    category: Option<Category>,
    service: Option<Service<'static>>,
    is_leaf: bool,
    refusal: Option<Finding>,
    weight_limit: Option<u32>,
}

impl KeyFacts {
    /// The interface in the key's path, unescaped; `None` for the root directory.
    pub fn interface(&self) -> Option<&str> {
        self.interface.as_deref()
    }

    /// The category; `None` for a directory above it.
    pub const fn category(&self) -> Option<Category> {
        self.category
    }

    /// The service: that of the URL, else of the path's interface alone.
    pub const fn service(&self) -> Option<&Service<'static>> {
        self.service.as_ref()
    }

    /// The category of a record that has a URL; `None` for a directory.
    pub fn leaf_category(&self) -> Option<Category> {
        self.category.filter(|_| self.is_leaf)
    }

    /// Whether it names a provider or a consumer.
    pub fn is_endpoint(&self) -> bool {
        matches!(self.leaf_category(), Some(Category::Providers | Category::Consumers))
    }

    /// Whether it names a rule: a router or a configurator.
    pub fn is_rule(&self) -> bool {
        matches!(self.leaf_category(), Some(Category::Routers | Category::Configurators))
    }

    /// Why dubbo-go refuses the URL, and where in the key.
    pub const fn refusal(&self) -> Option<Finding> {
        self.refusal
    }

    /// The weight that counts where the URL names a larger one.
    pub const fn weight_limit(&self) -> Option<u32> {
        self.weight_limit
    }

    /// Whether it claims something that a Pod has to be believed: a provider, or a rule.
    pub fn is_claim(&self) -> bool {
        self.leaf_category().is_some_and(|category| category != Category::Consumers)
    }

    /// The facts of a key that was read.
    pub(super) fn of(read: &ReadKey<'_>, trust: &Trust) -> Self {
        let ReadKey { text, key, url } = read;
        let refusal = url.as_ref().zip(key.category).and_then(|(url, category)| {
            let mut refused = dubbo_go::refusal(url.as_str(), category)?;
            refused.offset = Key::place_in_url(text, refused.offset);
            Some(refused)
        });
        let interface = key.interface.as_deref();
        let service = match url {
            Some(url) => Some(url.service().into_owned()),
            None => interface.map(|interface| Service::new(interface).into_owned()),
        };
        let provider = url.as_ref().filter(|_| key.category == Some(Category::Providers));
        let weight_limit = provider.and_then(|url| trust.overweight(url)).map(|_| trust.max_weight);
        let (interface, is_leaf) = (interface.map(Box::from), url.is_some());
        Self { interface, category: key.category, service, is_leaf, refusal, weight_limit }
    }
}

/// A key taken apart, borrowed from its text.
#[derive(Debug)]
pub(super) struct ReadKey<'a> {
    text: &'a str,
    key: Key<'a>,
    url: Option<Url<'a>>,
}

impl<'a> ReadKey<'a> {
    /// Reads a key: a legal path under the registry's root and, on a leaf, a legal URL.
    pub(super) fn read(text: &'a str) -> Result<Self, KeyError> {
        let mut key = Key::parse(text)?;
        if key.root != ROOT {
            let (expected, found) = (Phrase::PathUnderRoot, Found::Thing(Phrase::AnotherRoot));
            return Err(KeyError::new(Stage::Shape, 1, expected, found));
        }
        let url = key.url.take().map(Url::parse).transpose().map_err(|error| {
            let offset = Key::place_in_url(text, error.offset);
            KeyError::new(error.stage, offset, error.expected, error.found)
        })?;
        Ok(Self { text, key, url })
    }

    /// Why what it claims is not believed of a Pod; the place is that in the key.
    pub(super) fn unbelieved(&self, trust: &Trust, pod: &Registrant<'_>) -> Option<Unbelieved> {
        let (interface, category) = (self.key.interface.as_deref()?, self.key.category?);
        let claim = Claim { interface, category, url: self.url.as_ref()? };
        trust.judge(&claim, pod).err().map(|unbelieved| self.placed(unbelieved))
    }

    /// That its weight is larger than what counts; the place is that in the key.
    pub(super) fn overweight(&self, trust: &Trust) -> Option<Unbelieved> {
        if self.key.category != Some(Category::Providers) {
            return None;
        }
        trust.overweight(self.url.as_ref()?).map(|unbelieved| self.placed(unbelieved))
    }

    fn placed(&self, unbelieved: Unbelieved) -> Unbelieved {
        Unbelieved { offset: Key::place_in_url(self.text, unbelieved.offset), ..unbelieved }
    }
}

/// Why the record of a key would not be believed of a Pod as it is, and where in the key.
pub(crate) fn unbelieved(key: &str, trust: &Trust, pod: &Registrant<'_>) -> Option<Unbelieved> {
    let read = ReadKey::read(key).ok()?;
    read.unbelieved(trust, pod).or_else(|| read.overweight(trust))
}
