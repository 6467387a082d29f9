//! The numbers of the agent's API: its version, and what one registration and all of them may take.

use dubbo_k8s_codec::kubernetes::ANNOTATIONS_LIMIT;

/// The version of the agent's API.
pub const API: u32 = 1;
/// The most registrations at the same time.
pub const MOST_REGISTRATIONS: usize = 1024;
/// The most URLs of one registration.
pub const MOST_URLS: usize = 256;
/// The largest body of a request, in bytes.
pub const LARGEST_BODY: usize = 256 << 10;
/// The longest id of a registration.
pub const LONGEST_ID: usize = 63;
/// The shortest lease, in seconds.
pub const SHORTEST_LEASE: u32 = 5;
/// The longest lease, in seconds.
pub const LONGEST_LEASE: u32 = 3600;
/// The lease of a registration that names none, in seconds.
pub const DEFAULT_LEASE: u32 = 30;
/// The most bytes of all keys together: in base64 they would be more than Kubernetes takes.
pub(super) const MOST_KEY_BYTES: usize = ANNOTATIONS_LIMIT / 4 * 3;
