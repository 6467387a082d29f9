//! The baseline: a client that only reads the lines of a watch, and finds in each the version. What
//! it takes longer or uses more, no client of the same server can do without.

use std::time::{SystemTime, UNIX_EPOCH};

use dubbo_k8s_tests::raw::Reply;

use crate::programs::Cluster;
use crate::report::Outcome;

pub(crate) const ONE: &str = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";
const MARK: &[u8] = b"\"resourceVersion\":\"";

/// A watch from now on.
pub(crate) const TARGET: &str =
    "/api/v1/pods?watch=1&sendInitialEvents=false&resourceVersionMatch=NotOlderThan";

/// A watch over HTTP/1.1.
pub(crate) struct Reader {
    reply: Reply,
    lines: Lines,
}

impl Reader {
    pub(crate) async fn open(cluster: &Cluster) -> Outcome<Self> {
        let reply = cluster.endpoint()?.get(TARGET, ONE).await?;
        Ok(Self { reply, lines: Lines::default() })
    }

    /// Waits for more, and gives the version of every line that has ended to `seen`.
    pub(crate) async fn read(&mut self, seen: &mut impl FnMut(u64)) -> Outcome {
        let chunk = self.reply.chunk().await?.ok_or("the watch has ended")?;
        self.lines.read(&chunk, seen)
    }
}

/// The lines of a watch that comes in pieces.
#[derive(Default)]
pub(crate) struct Lines {
    /// The line that has not ended yet.
    line: Vec<u8>,
}

impl Lines {
    /// Takes a piece in, and gives the version of every line that has ended to `seen`.
    pub(crate) fn read(&mut self, chunk: &[u8], seen: &mut impl FnMut(u64)) -> Outcome {
        let mut rest = chunk;
        while let Some(end) = memchr::memchr(b'\n', rest) {
            let (line, after) = rest.split_at(end + 1);
            rest = after;
            self.line.extend_from_slice(line);
            seen(version(&self.line).ok_or("a line without a version")?);
            self.line.clear();
        }
        self.line.extend_from_slice(rest);
        Ok(())
    }
}

fn version(line: &[u8]) -> Option<u64> {
    let at = memchr::memmem::find(line, MARK)? + MARK.len();
    let digits = line.get(at..)?.split(|byte| *byte == b'"').next()?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// Nanoseconds since 1970, as the server's stamps are.
pub(crate) fn nanos() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_nanos()).unwrap_or(u64::MAX)
}
