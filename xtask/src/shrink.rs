//! Makes a component smaller than its compiler does: Binaryen's wasm-opt over the module in it, and without
//! what only tools read. It must never change what a component imports, exports or does.

use std::path::Path;

use crate::npm;
use crate::process::{Context as _, Failure, Result, root};

/// What the compiler may use of WebAssembly, and every host of components has.
const FEATURES: [&str; 8] = [
    "--enable-bulk-memory",
    "--enable-bulk-memory-opt",
    "--enable-call-indirect-overlong",
    "--enable-multivalue",
    "--enable-mutable-globals",
    "--enable-nontrapping-float-to-int",
    "--enable-reference-types",
    "--enable-sign-ext",
];

/// What it does, in this order. That the lowest 1,024 bytes of memory are not used, where the end of the stack
/// is, lets it fold more additions into addresses; what is called often gets the small numbers.
const PASSES: [&str; 6] =
    ["--low-memory-unused", "-Oz", "-Oz", "--rse", "--reorder-functions", "--reorder-locals"];

/// Numbers of sections in a component: one for tools, and a module.
const CUSTOM: u8 = 0;
const MODULE: u8 = 1;

/// Writes `shrunk`, unless it is there and of this very `component`.
pub(crate) fn shrink(component: &Path, shrunk: &Path) -> Result {
    let whole = read(component)?;
    let of = shrunk.with_extension("of");
    if shrunk.is_file() && std::fs::read(&of).is_ok_and(|had| had == whole) {
        return Ok(());
    }
    let folder = root().join("xtask/binaryen");
    npm::packages(&folder)?;
    if let Some(parent) = shrunk.parent() {
        std::fs::create_dir_all(parent).context(|| format!("making {}", parent.display()))?;
    }
    let (module, small) = (shrunk.with_extension("module"), shrunk.with_extension("small"));
    write(&module, largest_module(&whole)?)?;
    let tool = npm::program(&folder, "wasm-opt").args(PASSES).args(FEATURES);
    tool.arg(&module).arg("--output").arg(&small).run()?;
    write(shrunk, &with_module(&whole, &read(&small)?)?)?;
    for file in [module, small] {
        std::fs::remove_file(&file).context(|| format!("removing {}", file.display()))?;
    }
    write(&of, &whole)
}

fn read(file: &Path) -> Result<Vec<u8>> {
    std::fs::read(file).context(|| format!("reading {}", file.display()))
}

fn write(file: &Path, bytes: &[u8]) -> Result {
    std::fs::write(file, bytes).context(|| format!("writing {}", file.display()))
}

/// The program; the other modules of a component only connect it.
fn largest_module(component: &[u8]) -> Result<&[u8]> {
    let sections = sections(component)?;
    let modules = sections.into_iter().filter(|section| section.number == MODULE);
    let largest = modules.map(|section| section.content).max_by_key(|content| content.len());
    largest.ok_or_else(|| Failure::new("there is no module in the component".to_owned()))
}

/// The same component with another program in it, and without what only tools read.
fn with_module(component: &[u8], module: &[u8]) -> Result<Vec<u8>> {
    let largest = largest_module(component)?;
    let mut out = component.get(..PREAMBLE).unwrap_or_default().to_vec();
    for section in sections(component)?.into_iter().filter(|section| section.number != CUSTOM) {
        let replaced = std::ptr::eq(section.content, largest);
        let content = if replaced { module } else { section.content };
        out.push(section.number);
        push_leb128(&mut out, content.len());
        out.extend_from_slice(content);
    }
    Ok(out)
}

/// The magic number and the version.
const PREAMBLE: usize = 8;

struct Section<'a> {
    number: u8,
    content: &'a [u8],
}

fn sections(component: &[u8]) -> Result<Vec<Section<'_>>> {
    let broken = || Failure::new("this is no component: its sections do not add up".to_owned());
    let mut rest = component.strip_prefix(b"\0asm\x0d\0\x01\0").ok_or_else(broken)?;
    let mut sections = Vec::new();
    while let Some((&number, behind)) = rest.split_first() {
        let (length, behind) = leb128(behind).ok_or_else(broken)?;
        let (content, behind) = behind.split_at_checked(length).ok_or_else(broken)?;
        sections.push(Section { number, content });
        rest = behind;
    }
    Ok(sections)
}

/// An unsigned number, and what stands behind it.
fn leb128(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let end = bytes.iter().take(5).position(|byte| byte & 0x80 == 0)?;
    let (number, rest) = bytes.split_at_checked(end + 1)?;
    let number = number.iter().rev().fold(0, |number, byte| number << 7 | usize::from(byte & 0x7f));
    Some((number, rest))
}

fn push_leb128(out: &mut Vec<u8>, mut number: usize) {
    while number > 0x7f {
        out.push(u8::try_from(number & 0x7f).unwrap_or_default() | 0x80);
        number >>= 7;
    }
    out.push(u8::try_from(number).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn component(sections: &[(u8, &[u8])]) -> Vec<u8> {
        let mut out = b"\0asm\x0d\0\x01\0".to_vec();
        for (number, content) in sections {
            out.push(*number);
            push_leb128(&mut out, content.len());
            out.extend_from_slice(content);
        }
        out
    }

    #[test]
    fn the_largest_module_is_replaced_and_the_rest_is_as_it_was() {
        let large = vec![7; 1000];
        let whole = component(&[(7, b"type"), (1, b"small"), (1, &large), (0, b"names"), (6, b"")]);
        assert_eq!(largest_module(&whole).unwrap(), large);
        let expected = component(&[(7, b"type"), (1, b"small"), (1, b"tiny"), (6, b"")]);
        assert_eq!(with_module(&whole, b"tiny").unwrap(), expected);
    }

    #[test]
    fn what_is_no_component_is_refused() {
        let whole = component(&[(1, &[1; 200])]);
        for broken in [&whole[..whole.len() - 1], b"\0asm\x01\0\0\0", b"", &component(&[(7, b"")])]
        {
            assert!(largest_module(broken).is_err());
        }
    }
}
