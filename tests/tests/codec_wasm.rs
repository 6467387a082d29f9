//! The codec's vectors as wasm: every line of the file, inside a module for a host of its own and inside
//! a WASI command, beside the same codec run natively. All three must give the same bytes.
//!
//! `cargo xtask test` builds the wasm and names it in the environment. Without it the test says that it
//! was skipped; on CI (`CI=true`) it fails instead.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that panics has failed")]

use std::path::{Path, PathBuf};

use dubbo_k8s_tests::skip;
use serde_json::Value;
use wasmtime::component::{Component, ResourceTable};
use wasmtime::{Engine, Instance, Memory, Module, Store, TypedFunc};
use wasmtime_wasi::p2::bindings::sync::Command;
use wasmtime_wasi::p2::pipe::{MemoryInputPipe, MemoryOutputPipe};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

const VECTORS: &str = include_str!("../../codec/tests/data/dubbo-go-codec.jsonl");

#[test]
fn the_module_answers_every_vector_as_the_native_codec_does() {
    let Some(path) = artefact("CODEC_GUEST") else { return };
    let mut guest = Guest::load(&path);
    for request in requests() {
        assert_eq!(text(&guest.ask(&request)), text(&request.native()), "{}", request.note);
    }
}

#[test]
fn the_command_answers_every_vector_as_the_native_codec_does() {
    let Some(path) = artefact("CODEC_COMMAND") else { return };
    // A line feed parts requests, so the vectors about line feeds are the module's alone.
    let requests: Vec<Request> =
        requests().into_iter().filter(|request| !request.input.contains(['\n'])).collect();
    let asked: Vec<String> = requests.iter().map(Request::line).collect();
    let answers = run_command(&path, asked.concat());
    let answers: Vec<&str> = answers.lines().collect();
    assert_eq!(answers.len(), requests.len());
    for (answer, request) in answers.into_iter().zip(&requests) {
        assert_eq!(answer, text(&request.native()), "{}", request.note);
    }
}

/// The native answers, which the two tests above hold wasm to, are themselves right.
#[test]
fn the_native_answers_say_what_go_said() {
    let mut seen = 0;
    for request in requests() {
        let answer: Value = serde_json::from_slice(&request.native()).unwrap();
        let is_right = match (request.encode, request.ok) {
            (true, _) => answer["annotation"] == request.annotation,
            (false, true) => answer["records"] == Value::Array(request.records),
            // What is accepted beyond Go's reader is an explicit list of the codec's own tests.
            (false, false) => {
                answer["error"].is_object() || answer["warnings"] != Value::Array(vec![])
            }
        };
        assert!(is_right, "{}: {answer}", request.note);
        seen += 1;
    }
    assert_eq!(seen, VECTORS.lines().count());
}

/// One line of the vector file as a request to the codec.
struct Request {
    note: String,
    encode: bool,
    ok: bool,
    input: String,
    annotation: String,
    records: Vec<Value>,
}

impl Request {
    fn verb(&self) -> &'static str {
        if self.encode { "encode" } else { "decode" }
    }

    fn line(&self) -> String {
        format!("{} {}\n", self.verb(), self.input)
    }

    fn native(&self) -> Vec<u8> {
        let answer = if self.encode { codec_guest::encode } else { codec_guest::decode };
        answer(self.input.as_bytes())
    }
}

fn requests() -> Vec<Request> {
    VECTORS.lines().map(request).collect()
}

fn request(line: &str) -> Request {
    let vector: Value = serde_json::from_str(line).unwrap();
    let field = |name: &str| vector[name].as_str().unwrap().to_owned();
    let encode = vector["kind"] == "encode";
    assert!(encode || vector["kind"] == "decode", "{line}");
    Request {
        note: field("note"),
        encode,
        ok: vector["ok"].as_bool().unwrap(),
        input: if encode { vector["records"].to_string() } else { field("annotation") },
        annotation: field("annotation"),
        // Go prints an empty list that it read as null.
        records: vector["records"].as_array().cloned().unwrap_or_default(),
    }
}

/// The wasm file that a variable names.
fn artefact(variable: &str) -> Option<PathBuf> {
    let path = std::env::var_os(variable).map(PathBuf::from).filter(|path| path.is_file());
    if path.is_none() {
        let why = format!("{variable} names no wasm file: run `cargo xtask test`");
        skip::missing("codec_wasm", &why);
    }
    path
}

/// A running module and what it exports.
struct Guest {
    store: Store<()>,
    memory: Memory,
    alloc: TypedFunc<u32, u32>,
    free: TypedFunc<(u32, u32), ()>,
    decode: TypedFunc<(u32, u32), u64>,
    encode: TypedFunc<(u32, u32), u64>,
}

impl Guest {
    /// Instantiated with no import at all: the codec needs nothing of its host.
    fn load(path: &Path) -> Self {
        let engine = Engine::default();
        let module = Module::from_file(&engine, path).unwrap();
        let mut store = Store::new(&engine, ());
        let instance = Instance::new(&mut store, &module, &[]).unwrap();
        Self {
            memory: instance.get_memory(&mut store, "memory").unwrap(),
            alloc: instance.get_typed_func(&mut store, "alloc").unwrap(),
            free: instance.get_typed_func(&mut store, "free").unwrap(),
            decode: instance.get_typed_func(&mut store, "decode").unwrap(),
            encode: instance.get_typed_func(&mut store, "encode").unwrap(),
            store,
        }
    }

    fn ask(&mut self, request: &Request) -> Vec<u8> {
        let input = request.input.as_bytes();
        let length = u32::try_from(input.len()).unwrap();
        let address = self.alloc.call(&mut self.store, length).unwrap();
        self.memory.write(&mut self.store, address as usize, input).unwrap();
        let function = if request.encode { &self.encode } else { &self.decode };
        let answer = function.call(&mut self.store, (address, length)).unwrap();
        let (address, length) = ((answer >> 32) as u32, (answer & 0xffff_ffff) as u32);
        let mut bytes = vec![0; length as usize];
        self.memory.read(&self.store, address as usize, &mut bytes).unwrap();
        self.free.call(&mut self.store, (address, length)).unwrap();
        bytes
    }
}

/// What a command sees of this machine: its three streams.
struct Wasi {
    context: WasiCtx,
    table: ResourceTable,
}

impl WasiView for Wasi {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.context, table: &mut self.table }
    }
}

/// Runs a WASI 0.2 command to its end and gives its output.
fn run_command(path: &Path, input: String) -> String {
    let engine = Engine::default();
    let component = Component::from_file(&engine, path).unwrap();
    let mut linker = wasmtime::component::Linker::new(&engine);
    wasmtime_wasi::p2::add_to_linker_sync(&mut linker).unwrap();
    let output = MemoryOutputPipe::new(4 << 20);
    let context =
        WasiCtx::builder().stdin(MemoryInputPipe::new(input)).stdout(output.clone()).build();
    let mut store = Store::new(&engine, Wasi { context, table: ResourceTable::new() });
    let command = Command::instantiate(&mut store, &component, &linker).unwrap();
    command.wasi_cli_run().call_run(&mut store).unwrap().unwrap();
    drop(store);
    String::from_utf8(output.contents().to_vec()).unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}
