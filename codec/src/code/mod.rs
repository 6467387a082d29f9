//! The stable problem codes that the inspector and the command line share, explained in English
//! and in 中文.
//!
//! A code never changes its meaning.

mod texts;

use core::fmt;

use crate::fault::Stage;
use crate::warning::WarningCode;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Worth knowing.
    Note,
    /// It works for some readers, or works by accident.
    Warning,
    /// A consumer does not find a service because of it.
    Error,
}

impl Severity {
    /// `note`, `warning` or `error`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// Makes the enum, the list of its codes and their names of one list.
macro_rules! codes {
    ($($(#[$doc:meta])* $Code:ident = $name:literal,)+) => {
        /// What is wrong. Refusals and oddities of an annotation keep the codes of their own types.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Code {
            /// The annotation is refused at this stage, and with it the whole Pod.
            Refused(Stage),
            /// A tolerant reader accepts it; the annotation is odd.
            Odd(WarningCode),
            $($(#[$doc])* $Code,)+
        }

        impl Code {
            /// Every code, in the order of this list.
            pub fn all() -> impl Iterator<Item = Self> {
                let stages = Stage::ALL.into_iter().map(Self::Refused);
                let oddities = WarningCode::ALL.iter().copied().map(Self::Odd);
                stages.chain(oddities).chain([$(Self::$Code,)+])
            }

            /// The stable name, in kebab case.
            pub const fn as_str(self) -> &'static str {
                match self {
                    Self::Refused(stage) => stage.code(),
                    Self::Odd(code) => code.as_str(),
                    $(Self::$Code => $name,)+
                }
            }
        }
    };
}

codes! {
    /// A key is no path of the registry.
    KeyMalformed = "key-malformed",
    /// A key holds something that is no URL.
    UrlMalformed = "url-malformed",
    /// dubbo-go refuses the URL, so its consumers never see the provider.
    DubboGoRefusesUrl = "dubbo-go-refuses-url",
    /// dubbo-go reads the URL, but not as it may be meant.
    DubboGoReadsOtherwise = "dubbo-go-reads-otherwise",
    /// The service is provided, but dubbo-go's consumer takes none of the providers.
    DubboGoTakesNoProvider = "dubbo-go-takes-no-provider",
    /// The key's interface is not the URL's.
    InterfaceMismatch = "interface-mismatch",
    /// The key's category is not the URL's.
    CategoryMismatch = "category-mismatch",
    /// A parameter is percent-encoded twice, as dubbo-go wrote it up to 1.5.3.
    DoubleEncoded = "double-encoded",
    /// The same record stands more than once in an annotation.
    DuplicateRecord = "duplicate-record",
    /// The provider's address is not one of its Pod's, nor admitted: it reaches no consumer.
    AddressNotPod = "address-not-pod",
    /// The provider's weight is larger than what counts.
    WeightOverLimit = "weight-over-limit",
    /// Another namespace owns the interface: the record reaches no consumer.
    NotOwner = "not-owner",
    /// It is beyond what its Pod or its namespace may register: the record reaches no consumer.
    OverQuota = "over-quota",
    /// The Pod has the annotation, but not the label by which it is found.
    LabelMissing = "label-missing",
    /// The label's value is none that a registry selects.
    LabelUnknown = "label-unknown",
    /// The Pod has the label, but no annotation.
    AnnotationMissing = "annotation-missing",
    /// A provider's Pod is being deleted.
    ProviderTerminating = "provider-terminating",
    /// A provider's Pod has ended.
    ProviderEnded = "provider-ended",
    /// A provider's Pod is not ready.
    ProviderNotReady = "provider-not-ready",
    /// All annotations together are close to what the server accepts.
    AnnotationsNearLimit = "annotations-near-limit",
    /// All annotations together are more than the server accepts.
    AnnotationsTooLarge = "annotations-too-large",
    /// No Pod provides the interface that is consumed.
    ConsumerWithoutProvider = "consumer-without-provider",
    /// The interface is provided, but in no group or version that the consumer asks for.
    GroupOrVersionMismatch = "group-or-version-mismatch",
    /// The interface is provided, but over no protocol that the consumer speaks.
    ProtocolMismatch = "protocol-mismatch",
    /// The service is provided in namespaces only that the consumer does not read by default.
    ProviderInOtherNamespace = "provider-in-other-namespace",
    /// The service is provided, but no provider of it takes calls.
    NoUsableProvider = "no-usable-provider",
    /// A provider says of itself that it is disabled or has no weight.
    ProviderDisabled = "provider-disabled",
    /// A number of a URL is none, so that its default counts.
    NotANumber = "not-a-number",
    /// A name that no Kubernetes object can have.
    NameInvalid = "name-invalid",
    /// The text is not the JSON or YAML that it began as.
    SourceSyntax = "source-syntax",
    /// The text is too large, too deep or of an encoding that is not read.
    SourceRefused = "source-refused",
    /// kubectl printed the text for people, without whole annotations.
    SourcePrinted = "source-printed",
    /// The Pod has Dubbo Java's annotation, which dubbo-go does not read.
    JavaMetadata = "java-metadata",
    /// An object that is no Pod.
    NotAPod = "not-a-pod",
    /// The same Pod stands in the text more than once.
    PodTwice = "pod-twice",
}

impl Code {
    /// How bad it is.
    pub const fn severity(self) -> Severity {
        match self {
            Self::Refused(_)
            | Self::Odd(WarningCode::StandardAlphabet | WarningCode::MissingPadding)
            | Self::AddressNotPod
            | Self::NotOwner
            | Self::OverQuota
            | Self::LabelMissing
            | Self::LabelUnknown
            | Self::AnnotationsTooLarge
            | Self::DubboGoRefusesUrl
            | Self::ConsumerWithoutProvider
            | Self::GroupOrVersionMismatch
            | Self::ProtocolMismatch
            | Self::NoUsableProvider
            | Self::NameInvalid
            | Self::SourceSyntax
            | Self::SourceRefused
            | Self::SourcePrinted => Severity::Error,
            Self::Odd(_)
            | Self::KeyMalformed
            | Self::UrlMalformed
            | Self::InterfaceMismatch
            | Self::CategoryMismatch
            | Self::DuplicateRecord
            | Self::WeightOverLimit
            | Self::AnnotationsNearLimit
            | Self::ProviderTerminating
            | Self::ProviderEnded
            | Self::ProviderInOtherNamespace
            | Self::NotANumber => Severity::Warning,
            Self::DubboGoReadsOtherwise
            | Self::DubboGoTakesNoProvider
            | Self::DoubleEncoded
            | Self::AnnotationMissing
            | Self::ProviderNotReady
            | Self::ProviderDisabled
            | Self::JavaMetadata
            | Self::NotAPod
            | Self::PodTwice => Severity::Note,
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use alloc::collections::BTreeSet;

    use super::*;
    use crate::problem::Language;

    #[test]
    fn every_code_is_distinct_and_explained_in_both_languages() {
        let mut names = BTreeSet::new();
        for code in Code::all() {
            assert!(names.insert(code.as_str()), "{code} twice");
            let chinese = code.title(Language::Chinese);
            assert!(!code.title(Language::English).is_empty() && !chinese.is_empty(), "{code}");
            assert!(!code.advice(Language::English).is_empty(), "{code}");
            assert!(code.advice(Language::Chinese).chars().any(|c| c > '\u{2e7f}'), "{code}");
            assert!(chinese.chars().any(|c| c > '\u{2e7f}'), "{code} is not in Chinese");
        }
        assert_eq!(names.len(), 5 + 14 + 35);
    }
}
