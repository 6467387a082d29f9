//! What files weigh, as they are and as a browser loads them.

use std::path::Path;

use crate::process::{Context as _, Result, Tool};

/// The bytes of a file.
pub(crate) fn size(path: &Path) -> Result<u64> {
    Ok(std::fs::metadata(path).context(|| format!("reading {}", path.display()))?.len())
}

/// What a file weighs, gzipped.
pub(crate) fn gzipped(path: &Path) -> Result<usize> {
    let script = "process.stdout.write(String(require('zlib').gzipSync(require('fs').readFileSync(\
                  process.argv[1]), { level: 9 }).length))";
    let text = Tool::new("node").args(["-e", script]).arg(path).read()?;
    text.trim().parse().context(|| format!("weighing {}", path.display()))
}
