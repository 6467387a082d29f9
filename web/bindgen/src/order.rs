//! Puts functions that are alike next to each other, so that gzip finds what they share within its window.
//!
//! It changes the order of functions and the numbers by which they are called, and nothing that they do.

use std::collections::{HashMap, HashSet};

use wasm_encoder::reencode::{Error, Reencode, utils};
use wasm_encoder::{CodeSection, FunctionSection, Module};
use wasmparser::{CodeSectionReader, FunctionBody, FunctionSectionReader, Parser, Payload};

/// Bytes that two functions share, if they share them, in a row.
const RUN: usize = 5;

/// A run that more functions than this have says nothing about any of them.
const EVERYWHERE: usize = 200;

/// A function is put behind the one that is most like the last so many.
const WINDOW: usize = 3;

/// The same module with its functions in another order.
pub(crate) fn reordered(wasm: &[u8]) -> Result<Vec<u8>, Box<dyn std::error::Error>> {
    let (mut imported, mut bodies) = (0, Vec::new());
    for payload in Parser::new(0).parse_all(wasm) {
        match payload? {
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    imported += u32::from(matches!(import?.ty, wasmparser::TypeRef::Func(_)));
                }
            }
            Payload::CodeSectionEntry(body) => bodies.push(body.as_bytes()),
            _ => {}
        }
    }
    let mut order = Order { imported, places: alike(&bodies), numbers: Vec::new() };
    order.numbers = vec![0; order.places.len()];
    for (number, place) in (imported..).zip(&order.places) {
        if let Some(known) = order.numbers.get_mut(*place) {
            *known = number;
        }
    }
    let mut module = Module::new();
    order.parse_core_module(&mut module, Parser::new(0), wasm)?;
    Ok(module.finish())
}

/// The places of the functions, each behind one that it shares much with, the longest first.
fn alike(bodies: &[&[u8]]) -> Vec<usize> {
    let runs: Vec<Vec<u32>> = bodies.iter().map(|body| runs(body)).collect();
    let mut having: HashMap<u32, Vec<usize>> = HashMap::new();
    for (place, runs) in runs.iter().enumerate() {
        for run in runs {
            having.entry(*run).or_default().push(place);
        }
    }
    having.retain(|_, places| places.len() <= EVERYWHERE);
    let mut left: HashSet<usize> = (0..bodies.len()).collect();
    let mut order: Vec<usize> = Vec::with_capacity(bodies.len());
    let length = |place: usize| runs.get(place).map_or(0, Vec::len);
    while !left.is_empty() {
        let mut shared: HashMap<usize, usize> = HashMap::new();
        for run in order.iter().rev().take(WINDOW).filter_map(|last| runs.get(*last)).flatten() {
            let places = having.get(run).map_or(&[][..], Vec::as_slice);
            for place in places.iter().filter(|place| left.contains(place)) {
                *shared.entry(*place).or_default() += 1;
            }
        }
        // The share of what is common; ties by place, so that the order is the same each time.
        let likeness = |place: usize, count: usize| count * 1_000_000 / (length(place) + 5);
        let best = shared.iter().map(|(place, count)| (likeness(*place, *count), *place)).max();
        let longest = || left.iter().map(|place| (length(*place), *place)).max();
        let Some((_, next)) = best.or_else(longest) else { break };
        left.remove(&next);
        order.push(next);
    }
    order
}

/// The runs of a body by their hashes, each once, in order.
fn runs(body: &[u8]) -> Vec<u32> {
    let hash = |run: &[u8]| {
        run.iter()
            .fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193))
    };
    let mut runs: Vec<u32> = body.windows(RUN).map(hash).collect();
    runs.sort_unstable();
    runs.dedup();
    runs
}

struct Order {
    imported: u32,
    /// The old place of each function, in the new order.
    places: Vec<usize>,
    /// The new number of each function, by its old place.
    numbers: Vec<u32>,
}

impl Reencode for Order {
    type Error = std::convert::Infallible;

    fn function_index(&mut self, func: u32) -> Result<u32, Error<Self::Error>> {
        let place = func.checked_sub(self.imported).and_then(|place| usize::try_from(place).ok());
        Ok(place.and_then(|place| self.numbers.get(place).copied()).unwrap_or(func))
    }

    fn parse_function_section(
        &mut self,
        functions: &mut FunctionSection,
        section: FunctionSectionReader<'_>,
    ) -> Result<(), Error<Self::Error>> {
        let types = section.into_iter().collect::<Result<Vec<u32>, _>>()?;
        for place in self.places.clone() {
            if let Some(of) = types.get(place) {
                functions.function(utils::type_index(self, *of));
            }
        }
        Ok(())
    }

    fn parse_code_section(
        &mut self,
        code: &mut CodeSection,
        section: CodeSectionReader<'_>,
    ) -> Result<(), Error<Self::Error>> {
        let bodies = section.into_iter().collect::<Result<Vec<FunctionBody<'_>>, _>>()?;
        for place in self.places.clone() {
            if let Some(body) = bodies.get(place) {
                self.parse_function_body(code, body.clone())?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_alike_comes_together_whatever_lies_between() {
        let (one, other) = ([7_u8; 40], (0..80).collect::<Vec<u8>>());
        let near = (0..78).chain([1, 2]).collect::<Vec<u8>>();
        let bodies: [&[u8]; 3] = [&other, &one, &near];
        let order = alike(&bodies);
        let at = |place| order.iter().position(|known| *known == place).unwrap();
        assert_eq!(at(0_usize).abs_diff(at(2)), 1, "{order:?}");
        assert_eq!(order.len(), 3);
    }
}
