//! The stable problem codes that the inspector and the command line share, explained in English
//! and in 中文.
//!
//! A code never changes its meaning.

mod texts;

use core::fmt;

use crate::fault::Stage;
use crate::phrase::Language;
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

/// What is wrong. Refusals and oddities of an annotation keep the codes of their own types.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Code {
    /// The annotation is refused at this stage, and with it the whole Pod.
    Refused(Stage),
    /// A tolerant reader accepts it; the annotation is odd.
    Odd(WarningCode),
    /// A key is no path of the registry.
    KeyMalformed,
    /// A key holds something that is no URL.
    UrlMalformed,
    /// dubbo-go refuses the URL, so its consumers never see the provider.
    DubboGoRefusesUrl,
    /// dubbo-go reads the URL, but not as it may be meant.
    DubboGoReadsOtherwise,
    /// The service is provided, but dubbo-go's consumer takes none of the providers.
    DubboGoTakesNoProvider,
    /// The key's interface is not the URL's.
    InterfaceMismatch,
    /// The key's category is not the URL's.
    CategoryMismatch,
    /// A parameter is percent-encoded twice, as dubbo-go wrote it up to 1.5.3.
    DoubleEncoded,
    /// The same record stands more than once in an annotation.
    DuplicateRecord,
    /// The provider's address is not one of its Pod's, nor admitted: it reaches no consumer.
    AddressNotPod,
    /// The provider's weight is larger than what counts.
    WeightOverLimit,
    /// Another namespace owns the interface: the record reaches no consumer.
    NotOwner,
    /// It is beyond what its Pod or its namespace may register: the record reaches no consumer.
    OverQuota,
    /// The Pod has the annotation, but not the label by which it is found.
    LabelMissing,
    /// The label's value is none that a registry selects.
    LabelUnknown,
    /// The Pod has the label, but no annotation.
    AnnotationMissing,
    /// A provider's Pod is being deleted.
    ProviderTerminating,
    /// A provider's Pod has ended.
    ProviderEnded,
    /// A provider's Pod is not ready.
    ProviderNotReady,
    /// All annotations together are close to what the server accepts.
    AnnotationsNearLimit,
    /// All annotations together are more than the server accepts.
    AnnotationsTooLarge,
    /// No Pod provides the interface that is consumed.
    ConsumerWithoutProvider,
    /// The interface is provided, but in no group or version that the consumer asks for.
    GroupOrVersionMismatch,
    /// The interface is provided, but over no protocol that the consumer speaks.
    ProtocolMismatch,
    /// The service is provided in namespaces only that the consumer does not read by default.
    ProviderInOtherNamespace,
    /// The service is provided, but no provider of it takes calls.
    NoUsableProvider,
    /// A provider says of itself that it is disabled or has no weight.
    ProviderDisabled,
    /// A number of a URL is none, so that its default counts.
    NotANumber,
    /// A name that no Kubernetes object can have.
    NameInvalid,
    /// The text is not the JSON or YAML that it began as.
    SourceSyntax,
    /// The text is too large, too deep or of an encoding that is not read.
    SourceRefused,
    /// kubectl printed the text for people, without whole annotations.
    SourcePrinted,
    /// The Pod has Dubbo Java's annotation, which dubbo-go does not read.
    JavaMetadata,
    /// An object that is no Pod.
    NotAPod,
    /// The same Pod stands in the text more than once.
    PodTwice,
}

impl Code {
    /// Every code, in the order of this list.
    pub fn all() -> impl Iterator<Item = Self> {
        use Code::{
            AddressNotPod, AnnotationMissing, AnnotationsNearLimit, AnnotationsTooLarge,
            CategoryMismatch, ConsumerWithoutProvider, DoubleEncoded, DubboGoReadsOtherwise,
            DubboGoRefusesUrl, DubboGoTakesNoProvider, DuplicateRecord, GroupOrVersionMismatch,
            InterfaceMismatch, JavaMetadata, KeyMalformed, LabelMissing, LabelUnknown, NameInvalid,
            NoUsableProvider, NotANumber, NotAPod, NotOwner, Odd, OverQuota, PodTwice,
            ProtocolMismatch, ProviderDisabled, ProviderEnded, ProviderInOtherNamespace,
            ProviderNotReady, ProviderTerminating, Refused, SourcePrinted, SourceRefused,
            SourceSyntax, UrlMalformed, WeightOverLimit,
        };
        let stages = [Stage::Base64, Stage::Utf8, Stage::Json, Stage::Shape, Stage::Protobuf];
        let oddities = [
            WarningCode::StandardAlphabet,
            WarningCode::MissingPadding,
            WarningCode::LineBreak,
            WarningCode::TrailingBits,
            WarningCode::MemberCase,
            WarningCode::UnknownMember,
            WarningCode::DuplicateMember,
            WarningCode::MissingMember,
            WarningCode::NullMember,
            WarningCode::NullElement,
            WarningCode::NullDocument,
            WarningCode::InvalidUtf8,
            WarningCode::LoneSurrogate,
            WarningCode::More,
        ];
        let others = [
            KeyMalformed,
            UrlMalformed,
            DubboGoRefusesUrl,
            DubboGoReadsOtherwise,
            DubboGoTakesNoProvider,
            InterfaceMismatch,
            CategoryMismatch,
            DoubleEncoded,
            DuplicateRecord,
            AddressNotPod,
            WeightOverLimit,
            NotOwner,
            OverQuota,
            LabelMissing,
            LabelUnknown,
            AnnotationMissing,
            ProviderTerminating,
            ProviderEnded,
            ProviderNotReady,
            AnnotationsNearLimit,
            AnnotationsTooLarge,
            ConsumerWithoutProvider,
            GroupOrVersionMismatch,
            ProtocolMismatch,
            ProviderInOtherNamespace,
            NoUsableProvider,
            ProviderDisabled,
            NotANumber,
            NameInvalid,
            SourceSyntax,
            SourceRefused,
            SourcePrinted,
            JavaMetadata,
            NotAPod,
            PodTwice,
        ];
        stages.into_iter().map(Refused).chain(oddities.into_iter().map(Odd)).chain(others)
    }

    /// The stable name, in kebab case.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Refused(stage) => stage.code(),
            Self::Odd(code) => code.as_str(),
            Self::KeyMalformed => "key-malformed",
            Self::UrlMalformed => "url-malformed",
            Self::DubboGoRefusesUrl => "dubbo-go-refuses-url",
            Self::DubboGoReadsOtherwise => "dubbo-go-reads-otherwise",
            Self::DubboGoTakesNoProvider => "dubbo-go-takes-no-provider",
            Self::InterfaceMismatch => "interface-mismatch",
            Self::CategoryMismatch => "category-mismatch",
            Self::DoubleEncoded => "double-encoded",
            Self::DuplicateRecord => "duplicate-record",
            Self::AddressNotPod => "address-not-pod",
            Self::WeightOverLimit => "weight-over-limit",
            Self::NotOwner => "not-owner",
            Self::OverQuota => "over-quota",
            Self::LabelMissing => "label-missing",
            Self::LabelUnknown => "label-unknown",
            Self::AnnotationMissing => "annotation-missing",
            Self::ProviderTerminating => "provider-terminating",
            Self::ProviderEnded => "provider-ended",
            Self::ProviderNotReady => "provider-not-ready",
            Self::AnnotationsNearLimit => "annotations-near-limit",
            Self::AnnotationsTooLarge => "annotations-too-large",
            Self::ConsumerWithoutProvider => "consumer-without-provider",
            Self::GroupOrVersionMismatch => "group-or-version-mismatch",
            Self::ProtocolMismatch => "protocol-mismatch",
            Self::ProviderInOtherNamespace => "provider-in-other-namespace",
            Self::NoUsableProvider => "no-usable-provider",
            Self::ProviderDisabled => "provider-disabled",
            Self::NotANumber => "not-a-number",
            Self::NameInvalid => "name-invalid",
            Self::SourceSyntax => "source-syntax",
            Self::SourceRefused => "source-refused",
            Self::SourcePrinted => "source-printed",
            Self::JavaMetadata => "java-metadata",
            Self::NotAPod => "not-a-pod",
            Self::PodTwice => "pod-twice",
        }
    }

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

    /// The problem in a few words.
    pub fn title(self, language: Language) -> &'static str {
        texts::of(self).title(language)
    }

    /// What follows from it, and the way out.
    pub fn advice(self, language: Language) -> &'static str {
        texts::of(self).advice(language)
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
