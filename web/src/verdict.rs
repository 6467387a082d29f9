//! What dubbo-go would do with a Pod.
//!
//! It follows dubbo-go's sources: 1.4 selects the article's label value, 1.5 and 3.0-rc select two
//! others; each reads the annotation with Go's strict base64, and skips the whole Pod if that fails.

use dubbo_k8s_codec::kubernetes::{LABEL_VALUE, LABEL_VALUES};
use dubbo_k8s_codec::{Annotation, dubbo_go};

use crate::pod::{Change, PodText};

/// What it would do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Verdict {
    /// It reads the records.
    Read,
    /// It cannot read the annotation, and skips the whole Pod.
    Refused,
    /// It never sees the Pod, because of its label.
    NotSelected,
    /// It sees the Pod; there is nothing registered in it.
    #[default]
    Nothing,
    /// The Pod is gone.
    Gone,
}

impl Verdict {
    /// The verdict on a Pod whose annotation is `value`.
    pub fn of(pod: &PodText, value: Option<&str>) -> Self {
        Self::judge(pod, value.map(go_reads))
    }

    /// The verdict on a Pod; `readable` says of its annotation, if there is one, whether Go's reader takes it.
    pub fn judge(pod: &PodText, readable: Option<bool>) -> Self {
        if pod.change == Some(Change::Deleted) {
            return Self::Gone;
        }
        if !pod.is_bare() && readers(pod).is_empty() {
            return Self::NotSelected;
        }
        match readable {
            None => Self::Nothing,
            Some(true) => Self::Read,
            Some(false) => Self::Refused,
        }
    }

    /// The name in the protocol of the page.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Refused => "refused",
            Self::NotSelected => "not-selected",
            Self::Nothing => "nothing",
            Self::Gone => "gone",
        }
    }
}

/// The versions of dubbo-go that select the Pod's label.
pub fn readers(pod: &PodText) -> &'static [&'static str] {
    match pod.label.as_deref() {
        Some(LABEL_VALUE) => &["1.4"],
        Some(value) if LABEL_VALUES.contains(&value) => &["1.5", "3.0-rc"],
        _ => &[],
    }
}

/// Whether Go's reader takes this annotation: all that is accepted beyond it is two oddities.
pub fn go_reads(value: &str) -> bool {
    Annotation::decode(value).is_ok_and(|annotation| dubbo_go::reads(&annotation))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pod(label: Option<&str>) -> PodText {
        PodText { name: "a".into(), label: label.map(Into::into), ..PodText::default() }
    }

    #[test]
    fn the_label_decides_first_and_the_annotation_then() {
        let article = pod(Some("dubbo.io-value"));
        for (pod, value, verdict) in [
            (pod(None), Some("W10="), Verdict::NotSelected),
            (pod(Some("other")), Some("W10="), Verdict::NotSelected),
            (article.clone(), None, Verdict::Nothing),
            (article.clone(), Some("W10="), Verdict::Read),
            (article.clone(), Some("W10"), Verdict::Refused),
            (article, Some("!"), Verdict::Refused),
            (PodText::default(), Some("W10="), Verdict::Read),
            (PodText { change: Some(Change::Deleted), ..pod(None) }, None, Verdict::Gone),
        ] {
            assert_eq!(Verdict::of(&pod, value), verdict, "{value:?}");
        }
    }

    #[test]
    fn go_reads_exactly_what_the_vectors_say() {
        // Beside the codec's own vectors: the two oddities that only a tolerant reader accepts.
        assert!(!go_reads("W3siayI6Ij8/Pz4+Pn5+fiIsInYiOiLDv8O/w7/Cv8K+In1d"));
        assert!(go_reads("W10\n=\r\n") && go_reads("W11=") && go_reads("bnVsbA=="));
    }
}
