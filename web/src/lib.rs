//! What the page of the browser inspector decides: what was pasted, what is registered in it, what is
//! wrong and why, and how it would be written back.
//!
//! The page only shows it. Everything here is an ordinary library with tests; the one file that knows
//! of a browser is `bindings`, which exists only on wasm.

mod answer;
#[cfg(target_arch = "wasm32")]
mod bindings;
pub mod compare;
pub mod diff;
pub mod document;
pub mod editing;
pub mod graph;
pub mod history;
pub mod layers;
pub mod live;
pub mod model;
mod pieces;
pub mod pod;
pub mod rows;
pub mod session;
pub mod share;
pub mod show;
pub mod source;
pub mod spans;
pub mod table;
pub mod verdict;

#[cfg(test)]
mod tests {
    /// The files of this crate that name a word, as code does.
    fn naming(word: &str) -> Vec<String> {
        let (mut folders, mut files) =
            (vec![concat!(env!("CARGO_MANIFEST_DIR"), "/src").into()], Vec::new());
        while let Some(folder) = folders.pop() {
            let folder: std::path::PathBuf = folder;
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else if std::fs::read_to_string(&path).unwrap().contains(word) {
                    files.push(path.file_name().unwrap().to_string_lossy().into_owned());
                }
            }
        }
        files.sort();
        files
    }

    #[test]
    fn one_file_crosses_over() {
        assert_eq!(naming(concat!("wasm_", "bindgen::")), ["bindings.rs"]);
    }
}
