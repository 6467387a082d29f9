//! Why a registration did not work, typed well enough to say what to do about it. It never holds
//! a secret.

use alloc::borrow::ToOwned as _;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use core::fmt;

use dubbo_k8s_codec::problem::Language;
use dubbo_k8s_codec::trust::Unbelieved;
use dubbo_k8s_codec::{DecodeError, Key};

use super::{AnnotationSizes, PodName};
use crate::{Cause, Verb};

/// A registration, or the end of one, that did not work. The Pod was left as it was.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum RegistrationError {
    /// There is no such Pod.
    NotFound(PodName),
    /// The Pod was there, and is gone.
    Gone(PodName),
    /// The Pod was deleted and another one was made under its name; that one is not touched.
    Replaced(PodName),
    /// The Pod is being deleted: readers of the registry no longer count it.
    Terminating(PodName),
    /// What the Pod carries already cannot be read, and writing would lose it.
    Unreadable {
        /// The Pod.
        pod: PodName,
        /// What is wrong with its annotation.
        error: DecodeError,
    },
    /// The annotations would be larger than Kubernetes allows.
    TooLarge {
        /// The Pod.
        pod: PodName,
        /// How large each part is.
        sizes: AnnotationSizes,
    },
    /// Readers of the registry would not believe the record of this Pod.
    NotBelieved {
        /// The Pod.
        pod: PodName,
        /// The record's key.
        key: Arc<str>,
        /// Why, and where in the key.
        unbelieved: Unbelieved,
    },
    /// Others changed the Pod each time between reading and writing it.
    Conflict {
        /// The Pod.
        pod: PodName,
        /// How often it was tried.
        attempts: u32,
    },
    /// The server took the change, but its answer does not hold it.
    NotKept(PodName),
    /// The request failed, or was refused.
    Request {
        /// The Pod.
        pod: PodName,
        /// What was tried.
        verb: Verb,
        /// What happened.
        cause: Cause,
    },
}

impl RegistrationError {
    /// The Pod that it is about.
    pub fn pod(&self) -> &PodName {
        match self {
            Self::NotFound(pod)
            | Self::Gone(pod)
            | Self::Replaced(pod)
            | Self::Terminating(pod)
            | Self::NotKept(pod)
            | Self::Unreadable { pod, .. }
            | Self::TooLarge { pod, .. }
            | Self::NotBelieved { pod, .. }
            | Self::Conflict { pod, .. }
            | Self::Request { pod, .. } => pod,
        }
    }

    /// The verb that the server did not allow, if that was it.
    pub fn forbidden(&self) -> Option<Verb> {
        match self {
            Self::Request { verb, cause: Cause::Refused { status: 403, .. }, .. } => Some(*verb),
            _ => None,
        }
    }

    /// What to do about it, where that is known.
    pub fn advice(&self) -> Option<String> {
        let (namespace, name) = (self.pod().namespace(), self.pod().name());
        Some(match self {
            // Linux cuts host names here, and Kubernetes then takes a `-` or a `.` off the end.
            Self::NotFound(_) if matches!(name.len(), 62 | 63) => format!(
                "HOSTNAME ends after 63 characters, and this may be only the beginning of the Pod's \
                 name: set POD_NAME in it by the Downward API (metadata.name), or name the Pod with \
                 --pod and -n.\n\
                 kubectl get pods -n {namespace}"
            ),
            Self::NotFound(_) => format!(
                "Is it the right namespace? Name the Pod with --pod and -n, or set POD_NAME and \
                 NAMESPACE in it by the Downward API (metadata.name, metadata.namespace); with \
                 hostNetwork or spec.hostname, HOSTNAME is not the Pod's name.\n\
                 kubectl get pods -n {namespace}"
            ),
            Self::Unreadable { .. } => format!(
                "Nothing was changed. See what it holds, and repair it or throw it away:\n\
                 kubectl get pod -n {namespace} {name} -o json | dubbo-watcher decode -\n\
                 dubbo-watcher unregister --all -n {namespace} --pod {name}"
            ),
            Self::TooLarge { .. } => {
                "Nothing was sent. Register fewer or shorter URLs in this Pod, or take away a large \
                 annotation that is not needed."
                    .to_owned()
            }
            Self::NotBelieved { unbelieved, .. } => {
                let advice = unbelieved.distrust.code().advice(Language::English);
                format!("Nothing was changed. {advice} --force writes it all the same.")
            }
            Self::Conflict { .. } => {
                "Nothing of this was written. Something changes the Pod all the time; see who with \
                 kubectl get pod --show-managed-fields."
                    .to_owned()
            }
            Self::NotKept(_) => {
                "An admission webhook or a policy of the cluster takes the label or the annotation \
                 out again."
                    .to_owned()
            }
            Self::Terminating(_) => "Register in the Pod that takes its place.".to_owned(),
            Self::Gone(_) | Self::Replaced(_) | Self::Request { .. } => return None,
        })
    }
}

impl core::error::Error for RegistrationError {}

impl fmt::Display for RegistrationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound(pod) => write!(f, "there is no Pod {pod}"),
            Self::Gone(pod) => write!(f, "Pod {pod} is gone"),
            Self::Replaced(pod) => {
                write!(f, "Pod {pod} was replaced by another one of the same name")
            }
            Self::Terminating(pod) => write!(f, "Pod {pod} is being deleted"),
            Self::Unreadable { pod, error } => {
                write!(f, "the registry annotation of Pod {pod} cannot be read: {error}")
            }
            Self::NotBelieved { pod, key, unbelieved } => {
                let url = Key::parse(key).ok().and_then(|key| key.url).unwrap_or_default();
                let (expected, found) = (unbelieved.distrust.expected(), unbelieved.found);
                let what = unbelieved.distrust.code().title(Language::English);
                write!(
                    f,
                    "{url} would not be believed of Pod {pod}: {what}: expected {expected}, found {found}"
                )
            }
            Self::TooLarge { pod, sizes } => write!(f, "Pod {pod} would have {sizes}"),
            Self::Conflict { pod, attempts } => {
                write!(f, "Pod {pod} was changed by others during each of {attempts} attempts")
            }
            Self::NotKept(pod) => {
                write!(f, "the server took the change of Pod {pod}, but did not keep it")
            }
            Self::Request { pod, verb, cause } => {
                if let Cause::Refused { status, .. } = cause {
                    write!(f, "{status}: ")?;
                }
                write!(f, "cannot {verb} Pod {pod}: {cause}")
            }
        }
    }
}
