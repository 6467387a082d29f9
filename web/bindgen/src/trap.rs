//! Takes away what a panic would say before it traps: in a browser there is nobody to say it to.
//!
//! The standard library's panics format a message, find no stderr and trap. Here they trap at once, and what
//! leads straight to a trap is not done. What only messages for programmers need, which is `Debug`, says
//! nothing. It must never change what a program does that does not panic and has no `{:?}`.

use std::collections::{HashMap, HashSet};

use wasm_encoder::reencode::{Error, Reencode, utils};
use wasm_encoder::{CodeSection, DataSection, Module};
use wasmparser::{
    CodeSectionReader, Data, DataKind, FunctionBody, KnownCustom, Name, Operator, Parser, Payload,
};

/// What the names of functions contain that do nothing but panic.
const PANICS: [&str; 10] = [
    "4core9panicking",
    "std9panicking",
    "6option13unwrap_failed",
    "6option13expect_failed",
    "6result13unwrap_failed",
    "slice_error_fail",
    "slice_index_fail",
    "len_mismatch_fail",
    "7raw_vec12handle_error",
    "panic_on_ord_violation",
];

/// What the names of functions end in that implement `Debug`, in both manglings.
const DEBUG: [&str; 2] = ["Debug$GT$3fmt", "5Debug3fmt"];

/// What only implementations of `Debug` call.
const FOR_DEBUG: &str = "3fmt8builders";

/// The same module, with panics that say nothing.
pub(crate) fn quiet(wasm: &[u8]) -> Result<Vec<u8>, Box<dyn std::error::Error>> {
    let (mut imported, mut names, mut bodies) = (0, HashMap::new(), Vec::new());
    let (mut types, mut results) = (Vec::new(), Vec::new());
    for payload in Parser::new(0).parse_all(wasm) {
        match payload? {
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    imported += u32::from(matches!(import?.ty, wasmparser::TypeRef::Func(_)));
                }
            }
            Payload::TypeSection(section) => {
                for one in section.into_iter_err_on_gc_types() {
                    types.push(one?.results() == [wasmparser::ValType::I32]);
                }
            }
            Payload::FunctionSection(section) => {
                for one in section {
                    results.push(types.get(one? as usize).copied().unwrap_or(false));
                }
            }
            Payload::CustomSection(section) => {
                let KnownCustom::Name(section) = section.as_known() else { continue };
                for part in section {
                    let Name::Function(known) = part? else { continue };
                    for name in known {
                        let name = name?;
                        names.insert(name.index, name.name);
                    }
                }
            }
            Payload::CodeSectionEntry(body) => bodies.push(body),
            _ => {}
        }
    }
    if names.is_empty() {
        return Err("the wasm has no names of functions: build it without stripping".into());
    }
    let mut traps: HashSet<u32> = names
        .iter()
        .filter(|(_, name)| {
            PANICS.iter().any(|panic| name.contains(panic)) || name.contains(FOR_DEBUG)
        })
        .map(|(index, _)| *index)
        .filter(|index| *index >= imported)
        .collect();
    // A function that only panics is a panic itself, for who calls it.
    let mut shortened: Vec<Vec<u8>>;
    loop {
        shortened =
            bodies.iter().map(|body| shorter(body, &traps)).collect::<Result<Vec<_>, _>>()?;
        let before = traps.len();
        let numbered = (imported..).zip(&shortened);
        traps.extend(numbered.filter(|(_, body)| is_trap(body)).map(|(at, _)| at));
        if traps.len() == before {
            break;
        }
    }
    let is_debug = |index: &u32| {
        names.get(index).is_some_and(|name| DEBUG.iter().any(|debug| name.contains(debug)))
    };
    for ((index, gives), body) in (imported..).zip(results).zip(&mut shortened) {
        if traps.contains(&index) {
            *body = vec![0, UNREACHABLE, END];
        } else if gives && is_debug(&index) {
            *body = SAYS_NOTHING.to_vec();
        }
    }
    let mut module = Module::new();
    Quiet { bodies: shortened.into_iter() }.parse_core_module(&mut module, Parser::new(0), wasm)?;
    Ok(module.finish())
}

const UNREACHABLE: u8 = 0x00;
const END: u8 = 0x0b;

/// No locals; `Ok(())`, which is zero.
const SAYS_NOTHING: [u8; 4] = [0, 0x41, 0, END];

/// Whether a function does nothing before it traps.
fn is_trap(body: &[u8]) -> bool {
    let body = FunctionBody::new(wasmparser::BinaryReader::new(body, 0));
    let first = body.get_operators_reader().and_then(|mut operators| operators.read());
    matches!(first, Ok(Operator::Unreachable))
}

/// A body that traps where it called one of `traps`, without what leads straight there.
fn shorter(body: &FunctionBody<'_>, traps: &HashSet<u32>) -> wasmparser::Result<Vec<u8>> {
    let bytes = body.as_bytes();
    let begin = body.range().start;
    let mut reader = body.get_operators_reader()?;
    let mut out = bytes.get(..reader.original_position() - begin).unwrap_or_default().to_vec();
    // Where the instructions begin that nothing but what follows them makes necessary.
    let (mut straight, mut dead) = (out.len(), false);
    while !reader.eof() {
        let at = reader.original_position();
        let operator = reader.read()?;
        let written = bytes.get(at - begin..reader.original_position() - begin).unwrap_or_default();
        let trap = match &operator {
            Operator::Unreachable => true,
            Operator::Call { function_index } => traps.contains(function_index),
            _ => false,
        };
        let boundary = matches!(
            operator,
            Operator::Block { .. }
                | Operator::Loop { .. }
                | Operator::If { .. }
                | Operator::Else
                | Operator::End
                | Operator::Br { .. }
                | Operator::BrIf { .. }
                | Operator::BrTable { .. }
                | Operator::Return
                | Operator::Call { .. }
                | Operator::CallIndirect { .. }
        );
        if trap {
            if !dead {
                out.truncate(straight);
                out.push(UNREACHABLE);
                straight = out.len();
            }
            dead = true;
        } else {
            out.extend_from_slice(written);
            if boundary {
                straight = out.len();
            }
            dead = false;
        }
    }
    Ok(out)
}

/// Forgets the places that panics name: the path of a source and, four words each, where in it.
fn forget_places(start: u32, bytes: &mut [u8]) {
    let word = |bytes: &[u8], at: usize| {
        let four = bytes.get(at..at + 4)?.try_into().ok()?;
        Some(u32::from_le_bytes(four))
    };
    let (mut places, mut paths) = (Vec::new(), Vec::new());
    let first = usize::try_from(start.wrapping_neg() % 4).unwrap_or_default();
    for at in (first..bytes.len()).step_by(4) {
        let (Some(path), Some(length)) = (word(bytes, at), word(bytes, at + 4)) else { break };
        let Some(from) = path.checked_sub(start) else { continue };
        let path = from as usize..(from as usize).saturating_add(length as usize);
        if length < LONGEST_PATH && bytes.get(path.clone()).is_some_and(is_path) {
            places.push(at..at + 16);
            paths.push(path);
        }
    }
    for known in places.into_iter().chain(paths) {
        if let Some(known) = bytes.get_mut(known) {
            known.fill(0);
        }
    }
}

/// A path of a Rust source is not longer.
const LONGEST_PATH: u32 = 300;

fn is_path(text: &[u8]) -> bool {
    text.ends_with(b".rs") && text.iter().all(u8::is_ascii_graphic)
}

struct Quiet<I> {
    bodies: I,
}

impl<I: Iterator<Item = Vec<u8>>> Reencode for Quiet<I> {
    type Error = std::convert::Infallible;

    fn parse_code_section(
        &mut self,
        code: &mut CodeSection,
        section: CodeSectionReader<'_>,
    ) -> Result<(), Error<Self::Error>> {
        for body in self.bodies.by_ref().take(section.count() as usize) {
            code.raw(&body);
        }
        Ok(())
    }

    fn parse_data(
        &mut self,
        data: &mut DataSection,
        datum: Data<'_>,
    ) -> Result<(), Error<Self::Error>> {
        let DataKind::Active { memory_index, offset_expr } = &datum.kind else {
            return utils::parse_data(self, data, datum);
        };
        let mut bytes = datum.data.to_vec();
        if let Ok(Operator::I32Const { value }) = offset_expr.get_operators_reader().read() {
            forget_places(value.cast_unsigned(), &mut bytes);
        }
        let offset = self.const_expr(offset_expr.clone())?;
        data.active(*memory_index, &offset, bytes);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use wasm_encoder::{
        ConstExpr, Function, FunctionSection, Instruction, NameMap, NameSection, TypeSection,
    };

    use super::*;

    /// Five functions: one adds if it may and else panics, one only panics, the panic, and two of `Debug`.
    fn module() -> Vec<u8> {
        let mut types = TypeSection::new();
        types.ty().function([wasm_encoder::ValType::I32], [wasm_encoder::ValType::I32]);
        types.ty().function([wasm_encoder::ValType::I32], []);
        let mut functions = FunctionSection::new();
        functions.function(0).function(1).function(1).function(0).function(1);
        let mut code = CodeSection::new();
        let mut adds = Function::new([]);
        for instruction in [
            Instruction::Block(wasm_encoder::BlockType::Empty),
            Instruction::LocalGet(0),
            Instruction::BrIf(0),
            Instruction::I32Const(1000),
            Instruction::Call(1),
            Instruction::Unreachable,
            Instruction::End,
            Instruction::LocalGet(0),
            Instruction::End,
        ] {
            adds.instruction(&instruction);
        }
        code.function(&adds);
        for call in [Instruction::Call(2), Instruction::Drop] {
            let mut body = Function::new([]);
            body.instruction(&Instruction::LocalGet(0)).instruction(&call);
            body.instruction(&Instruction::Unreachable).instruction(&Instruction::End);
            code.function(&body);
        }
        for local in [0, 0] {
            let mut body = Function::new([]);
            body.instruction(&Instruction::LocalGet(local)).instruction(&Instruction::End);
            code.function(&body);
        }
        let mut data = DataSection::new();
        let mut bytes = b"text\0\0\0\0src/a.rs".to_vec();
        for word in [1008_u32, 8, 17, 5, 1000, 4] {
            bytes.extend(word.to_le_bytes());
        }
        data.active(0, &ConstExpr::i32_const(1000), bytes);
        let mut names = NameSection::new();
        let mut known = NameMap::new();
        known.append(0, "adds");
        known.append(1, "wraps");
        known.append(2, "_RNvNtCs_4core9panicking9panic_fmt");
        known.append(3, "_ZN1x1T$u20$as$u20$core..fmt..Debug$GT$3fmt17h1E");
        known.append(4, "_RNvXs_1xNtB5_5Debug3fmt");
        names.functions(&known);
        let mut module = Module::new();
        module.section(&types).section(&functions).section(&code).section(&data).section(&names);
        module.finish()
    }

    #[test]
    fn a_panic_traps_at_once_and_the_rest_is_as_it_was() {
        let quiet = quiet(&module()).unwrap();
        let mut bodies = Vec::new();
        let mut segment = Vec::new();
        for payload in Parser::new(0).parse_all(&quiet) {
            match payload.unwrap() {
                Payload::CodeSectionEntry(body) => bodies.push(body.as_bytes().to_vec()),
                Payload::DataSection(section) => {
                    segment = section.into_iter().next().unwrap().unwrap().data.to_vec();
                }
                _ => {}
            }
        }
        let block = [0x02, 0x40, 0x20, 0, 0x0d, 0, UNREACHABLE, END, 0x20, 0, END];
        assert_eq!(bodies[0], [&[0][..], &block].concat());
        assert_eq!(bodies[1], [0, UNREACHABLE, END]);
        assert_eq!(bodies[2], [0, UNREACHABLE, END]);
        assert_eq!(bodies[3], SAYS_NOTHING, "Debug says nothing, and that it went well");
        assert_eq!(bodies[4], [0, 0x20, 0, END], "unless it does not say how it went");
        assert_eq!(&segment[..4], b"text");
        assert!(segment[8..32].iter().all(|byte| *byte == 0), "{segment:?}");
        assert_eq!(segment[32..36], 1000_u32.to_le_bytes(), "text is not a path");
    }

    #[test]
    fn without_names_nothing_is_guessed() {
        assert!(quiet(&Module::new().finish()).is_err());
    }
}
