//! A handler as it is named on a command line: `file.wasm`, `file.wasm=config`, or `file.wasm=@file`.

use std::collections::HashMap;
use std::io::Read as _;
use std::path::PathBuf;
use std::str::FromStr;

use thiserror::Error;

/// The longest configuration.
const LONGEST: usize = 64 << 10;

/// Which handler to run, and with which configuration.
#[derive(Clone, PartialEq, Eq)]
pub struct Spec {
    /// The component.
    pub file: PathBuf,
    /// What it is configured with; it may hold a secret, and is not shown.
    pub config: String,
}

/// A text that names no handler.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct BadSpec(String);

impl FromStr for Spec {
    type Err = BadSpec;

    /// Reads the file of `=@file`.
    fn from_str(text: &str) -> Result<Self, BadSpec> {
        // A folder may have a `=` in its name; what ends in `.wasm` is the file.
        let at = text.find(".wasm=").map(|at| at + ".wasm".len()).or_else(|| text.find('='));
        let (file, config) = match at {
            Some(at) => (text.get(..at), text.get(at + 1..)),
            None => (Some(text), None),
        };
        let file = file.filter(|file| !file.is_empty());
        let file = file.ok_or_else(|| BadSpec("no file: FILE or FILE=CONFIG".to_owned()))?;
        let config = match config.unwrap_or_default().split_at_checked(1) {
            Some(("@", path)) => read(path)?,
            _ => config.unwrap_or_default().to_owned(),
        };
        if config.len() > LONGEST {
            return Err(BadSpec(format!("the configuration is longer than {LONGEST} bytes")));
        }
        Ok(Self { file: file.into(), config })
    }
}

fn read(path: &str) -> Result<String, BadSpec> {
    let fault = |error: std::io::Error| BadSpec(format!("cannot read {path}: {error}"));
    let mut text = String::new();
    let file = std::fs::File::open(path).map_err(fault)?;
    file.take(LONGEST as u64 + 1).read_to_string(&mut text).map_err(fault)?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

impl std::fmt::Debug for Spec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Spec").field("file", &self.file).finish_non_exhaustive()
    }
}

/// What they are called in messages and metrics: by their files, with a number where that is not enough.
pub(super) fn names<'a>(specs: impl Iterator<Item = &'a Spec>) -> Vec<String> {
    let mut seen: HashMap<String, u32> = HashMap::new();
    let mut name = |spec: &Spec| {
        let stem = spec.file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let times = seen.entry(stem.clone()).or_insert(0);
        *times += 1;
        if *times == 1 { stem } else { format!("{stem}-{times}") }
    };
    specs.map(&mut name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str) -> (String, String) {
        let spec: Spec = text.parse().unwrap();
        (spec.file.display().to_string(), spec.config)
    }

    #[test]
    fn a_file_may_have_a_configuration_with_anything_in_it() {
        for (text, file, config) in [
            ("a.wasm", "a.wasm", ""),
            ("a.wasm=", "a.wasm", ""),
            ("a.wasm=http://b/?c=d", "a.wasm", "http://b/?c=d"),
            ("x=y/a.wasm=b.wasm=c", "x=y/a.wasm", "b.wasm=c"),
            ("a=b", "a", "b"),
        ] {
            assert_eq!(parts(text), (file.to_owned(), config.to_owned()));
        }
        assert!("=b".parse::<Spec>().is_err());
    }

    #[test]
    fn a_configuration_may_stand_in_a_file_and_is_not_shown() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "https://hook.example/secret\n").unwrap();
        let spec: Spec = format!("a.wasm=@{}", file.path().display()).parse().unwrap();
        assert_eq!(spec.config, "https://hook.example/secret");
        assert!(!format!("{spec:?}").contains("secret"));
        assert!("a.wasm=@/none/such".parse::<Spec>().unwrap_err().to_string().contains("/none"));
    }

    #[test]
    fn the_same_file_twice_has_two_names() {
        let specs: Vec<Spec> =
            ["a/x.wasm", "b/x.wasm=1", "y.wasm"].map(|text| text.parse().unwrap()).into();
        assert_eq!(names(specs.iter()), ["x", "x-2", "y"]);
    }
}
