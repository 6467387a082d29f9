//! A new annotation as something that can be sent: JSON Patch, merge patch, a `kubectl` command.
//!
//! A patch never overwrites what it has not seen: it tests the old value, or the version. A command
//! is made only from names that Kubernetes allows, and quoted for a POSIX shell all the same.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use core::fmt;

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

use crate::code::Code;
use crate::kubernetes::{is_label, is_name};
use crate::problem::Problem;
use crate::{ANNOTATION, LABEL, LEASES};

/// A longer patch goes to a file of its own; shells and systems have limits for one argument.
pub const INLINE_LIMIT: usize = 4096;

/// A Pod's annotation before and after.
#[derive(Clone, Copy, Debug)]
pub struct Edit<'a> {
    /// Empty if unknown; the command then uses the current namespace.
    pub namespace: &'a str,
    /// The Pod's name.
    pub name: &'a str,
    /// Empty if unknown.
    pub uid: &'a str,
    /// Empty if unknown.
    pub resource_version: &'a str,
    /// Whether the Pod has any annotation.
    pub has_annotations: bool,
    /// The value that was read, if there was one.
    pub old: Option<&'a str>,
    /// The value to write.
    pub new: &'a str,
}

/// The form of a patch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// RFC 6902, which tests the old value.
    Json,
    /// RFC 7386, which names uid and resourceVersion as preconditions.
    Merge,
}

/// A command line, and the file that it reads if the patch is long.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Command {
    /// One line for a POSIX shell.
    pub line: String,
    /// Name and content of the patch file.
    pub file: Option<(String, String)>,
}

/// A change of the registry's label and annotations as a JSON merge patch (RFC 7396).
#[derive(Clone, Copy, Debug)]
pub struct MergePatch<'a> {
    /// Precondition; none if empty.
    pub uid: &'a str,
    /// Precondition; none if empty.
    pub resource_version: &'a str,
    /// The value to set the registry's label to, unless it stays as it is.
    pub label: Option<&'a str>,
    /// The value to set the registry's annotation to, or to remove it, unless it stays as it is.
    pub annotation: Option<Option<&'a str>>,
    /// The value to set the annotation with the leases to, or to remove it, unless it stays as it is.
    pub leases: Option<Option<&'a str>>,
}

impl MergePatch<'_> {
    /// The patch as it is sent.
    pub fn to_json(&self) -> String {
        to_json(&Member("metadata", self))
    }
}

/// The members of the Pod's `metadata`.
impl Serialize for MergePatch<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (name, value) in [("uid", self.uid), ("resourceVersion", self.resource_version)] {
            if !value.is_empty() {
                map.serialize_entry(name, value)?;
            }
        }
        if let Some(value) = self.label {
            map.serialize_entry("labels", &Member(LABEL, value))?;
        }
        let leases = self.leases.map(|value| (LEASES, value));
        match (self.annotation.map(|value| (ANNOTATION, value)), leases) {
            (None, None) => {}
            (Some(first), second) => {
                map.serialize_entry("annotations", &Members(first, second))?;
            }
            (None, Some(only)) => map.serialize_entry("annotations", &Members(only, None))?,
        }
        map.end()
    }
}

/// One operation of a JSON Patch, in the order of its members as people write them.
struct Operation<'a, T: ?Sized> {
    op: &'static str,
    path: &'static str,
    value: &'a T,
}

impl<T: Serialize + ?Sized> Serialize for Operation<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(3))?;
        map.serialize_entry("op", self.op)?;
        map.serialize_entry("path", self.path)?;
        map.serialize_entry("value", self.value)?;
        map.end()
    }
}

/// `dubbo.io/annotation` as a JSON Pointer (RFC 6901).
const POINTER: &str = "/metadata/annotations/dubbo.io~1annotation";

impl Edit<'_> {
    /// The JSON Patch: tests of what was seen, then the new value.
    pub fn json_patch(&self) -> String {
        let mut out = String::from("[");
        let mut add = |op, path, value: &str| operation(&mut out, op, path, value);
        if !self.uid.is_empty() {
            add("test", "/metadata/uid", self.uid);
        }
        if let Some(old) = self.old {
            add("test", POINTER, old);
            add("replace", POINTER, self.new);
        } else {
            if !self.resource_version.is_empty() {
                add("test", "/metadata/resourceVersion", self.resource_version);
            }
            if self.has_annotations {
                add("add", POINTER, self.new);
            } else {
                operation(&mut out, "add", "/metadata/annotations", &Member(ANNOTATION, self.new));
            }
        }
        out.push(']');
        out
    }

    /// The merge patch, with uid and resourceVersion as preconditions where they are known.
    pub fn merge_patch(&self) -> String {
        let patch = MergePatch {
            uid: self.uid,
            resource_version: self.resource_version,
            label: None,
            annotation: Some(Some(self.new)),
            leases: None,
        };
        patch.to_json()
    }

    /// The patch in this form.
    pub fn patch(&self, form: Form) -> String {
        match form {
            Form::Json => self.json_patch(),
            Form::Merge => self.merge_patch(),
        }
    }

    /// The `kubectl` command that sends the patch.
    ///
    /// # Errors
    /// [`Code::NameInvalid`] if the names are none that Kubernetes allows.
    pub fn kubectl(&self, form: Form) -> Result<Command, Problem> {
        if !is_name(self.name) {
            return Err(Problem::new(Code::NameInvalid).about(self.name));
        }
        if !self.namespace.is_empty() && !is_label(self.namespace) {
            return Err(Problem::new(Code::NameInvalid).about(self.namespace));
        }
        let patch = self.patch(form);
        let kind = match form {
            Form::Json => "json",
            Form::Merge => "merge",
        };
        let namespace = match self.namespace {
            "" => String::new(),
            namespace => format!(" --namespace={}", quoted(namespace)),
        };
        let start = format!("kubectl patch pod {}{namespace} --type={kind}", quoted(self.name));
        if patch.len() <= INLINE_LIMIT {
            let line = format!("{start} --patch={}", quoted(&patch));
            return Ok(Command { line, file: None });
        }
        let file = format!("{}.patch.json", self.name);
        let line = format!("{start} --patch-file={}", quoted(&file));
        Ok(Command { line, file: Some((file, patch)) })
    }
}

fn operation<T: Serialize + ?Sized>(
    out: &mut String,
    op: &'static str,
    path: &'static str,
    value: &T,
) {
    if !out.ends_with('[') {
        out.push(',');
    }
    out.push_str(&to_json(&Operation { op, path, value }));
}

fn to_json(value: &impl Serialize) -> String {
    // Texts and maps of texts: writing them cannot fail.
    serde_json::to_string(value).unwrap_or_default()
}

/// An object with one member.
struct Member<T>(&'static str, T);

impl<T: Serialize + Copy> Serialize for Member<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map([(self.0, self.1)])
    }
}

/// An object with a member, and perhaps another one.
struct Members<'a>(Change<'a>, Option<Change<'a>>);

/// The name of a member, and its value unless it goes.
type Change<'a> = (&'static str, Option<&'a str>);

impl Serialize for Members<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(core::iter::once(self.0).chain(self.1))
    }
}

/// A word for a POSIX shell: as it is if nothing in it is special, else in single quotes.
pub fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EDIT: Edit<'_> = Edit {
        namespace: "prod",
        name: "shop-0",
        uid: "u-1",
        resource_version: "42",
        has_annotations: true,
        old: Some("W10="),
        new: "bnVsbA==",
    };

    #[test]
    fn a_json_patch_tests_what_was_seen() {
        assert_eq!(
            EDIT.json_patch(),
            r#"[{"op":"test","path":"/metadata/uid","value":"u-1"},{"op":"test","path":"/metadata/annotations/dubbo.io~1annotation","value":"W10="},{"op":"replace","path":"/metadata/annotations/dubbo.io~1annotation","value":"bnVsbA=="}]"#
        );
    }

    #[test]
    fn without_an_old_value_the_version_is_tested() {
        let edit = Edit { old: None, uid: "", ..EDIT };
        assert_eq!(
            edit.json_patch(),
            r#"[{"op":"test","path":"/metadata/resourceVersion","value":"42"},{"op":"add","path":"/metadata/annotations/dubbo.io~1annotation","value":"bnVsbA=="}]"#
        );
        let bare = Edit { has_annotations: false, resource_version: "", ..edit };
        assert_eq!(
            bare.json_patch(),
            r#"[{"op":"add","path":"/metadata/annotations","value":{"dubbo.io/annotation":"bnVsbA=="}}]"#
        );
    }

    #[test]
    fn a_merge_patch_has_preconditions() {
        assert_eq!(
            EDIT.merge_patch(),
            r#"{"metadata":{"uid":"u-1","resourceVersion":"42","annotations":{"dubbo.io/annotation":"bnVsbA=="}}}"#
        );
    }

    #[test]
    fn the_leases_change_with_the_records_or_alone() {
        let patch = MergePatch {
            uid: "u-1",
            resource_version: "",
            label: None,
            annotation: Some(Some("W10=")),
            leases: Some(None),
        };
        assert_eq!(
            patch.to_json(),
            r#"{"metadata":{"uid":"u-1","annotations":{"dubbo.io/annotation":"W10=","dubbo.io/agent":null}}}"#
        );
        let alone = MergePatch { annotation: None, ..patch };
        assert_eq!(
            alone.to_json(),
            r#"{"metadata":{"uid":"u-1","annotations":{"dubbo.io/agent":null}}}"#
        );
    }

    #[test]
    fn the_command_is_quoted() {
        let command = EDIT.kubectl(Form::Merge).unwrap();
        assert_eq!(
            command.line,
            r#"kubectl patch pod shop-0 --namespace=prod --type=merge --patch='{"metadata":{"uid":"u-1","resourceVersion":"42","annotations":{"dubbo.io/annotation":"bnVsbA=="}}}'"#
        );
        assert_eq!(quoted("it's; $(id)"), r"'it'\''s; $(id)'");
        assert_eq!(quoted(""), "''");
        // Even a value that no server gives cannot leave its quotes.
        let hostile = Edit { old: Some("'; rm -rf / #"), ..EDIT };
        let line = hostile.kubectl(Form::Json).unwrap().line;
        assert!(line.contains(r#""value":"'\''; rm -rf / #"}"#), "{line}");
    }

    #[test]
    fn names_that_kubernetes_refuses_make_no_command() {
        for name in ["$(id)", "a;b", "", "-x", "A"] {
            let problem = Edit { name, ..EDIT }.kubectl(Form::Json).unwrap_err();
            assert_eq!(problem.code, Code::NameInvalid);
        }
        assert!(Edit { namespace: "a b", ..EDIT }.kubectl(Form::Json).is_err());
    }

    #[test]
    fn a_long_patch_goes_to_a_file() {
        let long = "A".repeat(INLINE_LIMIT);
        let command = Edit { new: &long, ..EDIT }.kubectl(Form::Json).unwrap();
        assert!(command.line.ends_with("--patch-file=shop-0.patch.json"));
        let (name, content) = command.file.unwrap();
        assert_eq!(name, "shop-0.patch.json");
        assert!(content.contains(&long));
    }
}
