//! How large the annotations of a Pod are. It counts as Kubernetes does (the bytes of names and
//! values), and never looks into them.

use alloc::borrow::ToOwned as _;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::string::ToString as _;
use alloc::vec::Vec;
use core::fmt;

use dubbo_k8s_codec::ANNOTATION;
use dubbo_k8s_codec::kubernetes::ANNOTATIONS_LIMIT;

/// The size of each part of a Pod's annotations, in bytes, the largest first.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AnnotationSizes {
    /// All of them.
    pub total: usize,
    /// Name and size of each annotation. A size is that of the name and the value.
    pub parts: Vec<(String, usize)>,
    /// What was to be added to the registry's annotation: the key of each new record and by how
    /// much it makes the annotation grow.
    pub added: Vec<(String, usize)>,
}

impl AnnotationSizes {
    /// Of a Pod whose registry annotation would be `annotation`, among which are the records
    /// `added`.
    pub(crate) fn of<'a>(
        annotations: &BTreeMap<String, String>,
        annotation: Option<&str>,
        added: impl Iterator<Item = &'a str>,
    ) -> Self {
        let others = annotations.iter().filter(|(name, _)| *name != ANNOTATION);
        let others = others.map(|(name, value)| (name.clone(), name.len() + value.len()));
        let own = annotation.map(|value| (ANNOTATION.to_owned(), ANNOTATION.len() + value.len()));
        let mut parts: Vec<_> = others.chain(own).collect();
        parts.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        Self {
            total: parts.iter().map(|(_, size)| size).sum(),
            parts,
            added: added.map(|key| (key.to_owned(), encoded_size(key))).collect(),
        }
    }

    /// Whether Kubernetes would take them.
    pub fn fits(&self) -> bool {
        self.total <= ANNOTATIONS_LIMIT
    }
}

/// What a record with this key takes: `{"k":"…","v":""},` in base64.
fn encoded_size(key: &str) -> usize {
    (key.len() + r#"{"k":"","v":""},"#.len()).div_ceil(3) * 4
}

impl fmt::Display for AnnotationSizes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let over = self.total.saturating_sub(ANNOTATIONS_LIMIT);
        write!(f, "{} bytes of annotations", Thousands(self.total))?;
        if over > 0 {
            let limit = Thousands(ANNOTATIONS_LIMIT);
            write!(f, ", {} more than the {limit} that Kubernetes allows", Thousands(over))?;
        }
        for (name, size) in &self.parts {
            write!(f, "\n  {:>9}  {name}", Thousands(*size).to_string())?;
            for (key, size) in self.added.iter().filter(|_| name == ANNOTATION) {
                write!(
                    f,
                    "\n  {:>9}    of that, new: {}",
                    Thousands(*size).to_string(),
                    Short(key)
                )?;
            }
        }
        Ok(())
    }
}

/// A number with its thousands set apart.
struct Thousands(usize);

impl fmt::Display for Thousands {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.0.to_string();
        for (at, digit) in digits.chars().enumerate() {
            if at > 0 && (digits.len() - at).is_multiple_of(3) {
                f.write_str(",")?;
            }
            write!(f, "{digit}")?;
        }
        Ok(())
    }
}

/// The start of a long key.
struct Short<'a>(&'a str);

impl fmt::Display for Short<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.char_indices().nth(100) {
            Some((end, _)) => write!(f, "{}…", self.0.get(..end).unwrap_or_default()),
            None => f.write_str(self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_values_count_and_the_limit_itself_fits() {
        let others = BTreeMap::from([("a".to_owned(), "123".to_owned())]);
        let value = "x".repeat(ANNOTATIONS_LIMIT - 4 - ANNOTATION.len());
        let sizes = AnnotationSizes::of(&others, Some(&value), core::iter::empty());
        assert_eq!(sizes.total, ANNOTATIONS_LIMIT);
        assert!(sizes.fits());
        assert!(!AnnotationSizes::of(&others, Some(&(value + "x")), core::iter::empty()).fits());
    }

    #[test]
    fn the_old_value_does_not_count() {
        let present = BTreeMap::from([(ANNOTATION.to_owned(), "12345678".to_owned())]);
        let sizes = AnnotationSizes::of(&present, Some("W10="), core::iter::empty());
        assert_eq!(sizes.total, ANNOTATION.len() + 4);
        assert_eq!(AnnotationSizes::of(&present, None, core::iter::empty()).total, 0);
    }

    #[test]
    fn every_part_is_named() {
        let others = BTreeMap::from([("big".to_owned(), "x".repeat(300_000))]);
        let key = "/dubbo/a.B/providers/x";
        let text = AnnotationSizes::of(&others, Some("W10="), [key].into_iter()).to_string();
        assert_eq!(
            text,
            "300,026 bytes of annotations, 37,882 more than the 262,144 that Kubernetes allows\n    \
             300,003  big\n         23  dubbo.io/annotation\n         52    of that, new: /dubbo/a.B/providers/x"
        );
    }
}
