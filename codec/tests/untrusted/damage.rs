//! Inputs that are nearly right: recorded ones, cut, changed and mixed. It must never give only what no reader
//! gets beyond the first byte of.

use proptest::prelude::*;
use proptest::sample::{Index, select};

/// What separates, escapes or nests in one of the formats, and numbers and names that readers have to look at.
const PIECES: [&str; 36] = [
    "\"",
    "\\",
    "\\u0000",
    "\\ud83d",
    "\\udc00",
    "{",
    "}",
    "[",
    "]",
    "[[[[[[[[",
    ",",
    ":",
    "\n",
    "\r\n",
    " ",
    "\u{2028}",
    "\u{e9}",
    "\u{1f600}",
    "null",
    "true",
    "-0",
    "1e999",
    "18446744073709551616",
    "%",
    "%25",
    "%2",
    "?",
    "&",
    "=",
    "/",
    "//",
    "://",
    "---\n",
    "&a ",
    "*a",
    "- ",
];

/// One change of an input.
#[derive(Clone, Debug)]
enum Damage {
    Byte(Index, u8),
    Piece(Index, &'static str),
    Cut(Index, Index),
    /// A part once more, elsewhere.
    Again(Index, Index, Index),
    /// From here on as another one.
    Other(Index, usize),
}

/// Any of these, after up to eight changes; and now and then anything.
pub(crate) fn damaged(seeds: Vec<Vec<u8>>) -> impl Strategy<Value = Vec<u8>> {
    let damage = prop_oneof![
        (any::<Index>(), any::<u8>()).prop_map(|(at, byte)| Damage::Byte(at, byte)),
        (any::<Index>(), select(&PIECES)).prop_map(|(at, piece)| Damage::Piece(at, piece)),
        (any::<Index>(), any::<Index>()).prop_map(|(from, to)| Damage::Cut(from, to)),
        any::<(Index, Index, Index)>().prop_map(|(from, to, at)| Damage::Again(from, to, at)),
        (any::<Index>(), 0..seeds.len()).prop_map(|(at, other)| Damage::Other(at, other)),
    ];
    let mended =
        (0..seeds.len(), prop::collection::vec(damage, 0..8)).prop_map(move |(seed, all)| {
            all.iter().fold(seeds[seed].clone(), |input, damage| damage.done(input, &seeds))
        });
    prop_oneof![9 => mended, 1 => prop::collection::vec(any::<u8>(), 0..64)]
}

impl Damage {
    fn done(&self, mut input: Vec<u8>, seeds: &[Vec<u8>]) -> Vec<u8> {
        // A place behind the last byte is one as well.
        let place = |index: &Index| index.index(input.len() + 1);
        let part = |from: &Index, to: &Index| {
            let (from, to) = (place(from), place(to));
            // Short, so that something is left, and the input does not double with each change.
            from..to.clamp(from, (from + 64).min(input.len()))
        };
        match self {
            Self::Byte(at, byte) => {
                let at = place(at);
                if let Some(place) = input.get_mut(at) {
                    *place = *byte;
                }
            }
            Self::Piece(at, piece) => {
                let at = place(at);
                input.splice(at..at, piece.bytes());
            }
            Self::Cut(from, to) => {
                let part = part(from, to);
                input.drain(part);
            }
            Self::Again(from, to, at) => {
                let (again, at) = (input[part(from, to)].to_vec(), place(at));
                input.splice(at..at, again);
            }
            Self::Other(at, other) => {
                let at = place(at);
                input.truncate(at);
                input.extend(seeds[*other].iter().skip(at));
            }
        }
        input
    }
}
