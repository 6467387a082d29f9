//! A proxy-wasm host (ABI 0.2.1) that keeps to the rules as Envoy does, and is strict about the guest's part.

use std::collections::BTreeMap;
use std::path::PathBuf;

use dubbo_k8s_tests::skip;
use wasmtime::{
    Caller, Config, Engine, Extern, Instance, Linker, Memory, Module, OptLevel, Store, WasmParams,
    WasmResults,
};

const OK: i32 = 0;
const NOT_FOUND: i32 = 1;
const BAD_ARGUMENT: i32 = 2;
const UNIMPLEMENTED: i32 = 12;

/// Kinds of header maps and buffers, by their numbers in the ABI.
const REQUEST_HEADERS: i32 = 0;
const ANSWER_HEADERS: i32 = 6;
const ANSWER_BODY: i32 = 4;
const PLUGIN_CONFIGURATION: i32 = 7;

pub(crate) type Headers = Vec<(String, Vec<u8>)>;

/// The moment that the guest is called in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Phase {
    #[default]
    Idle,
    Configure,
    Tick,
    Request,
    Answer,
    End,
}

/// What the guest did, and what it receives.
#[derive(Default)]
pub(crate) struct Proxy {
    phase: Phase,
    configuration: Vec<u8>,
    pub(crate) now: u64,
    pub(crate) lines: Vec<(i32, String)>,
    pub(crate) tick_ms: i32,
    pub(crate) request: Headers,
    pub(crate) sent: Vec<(String, Headers)>,
    pub(crate) is_cluster_gone: bool,
    answer: Option<(Headers, Vec<u8>)>,
    pub(crate) properties: BTreeMap<Vec<u8>, Vec<u8>>,
    /// The foreign functions that were called, with their arguments; or it has none.
    pub(crate) foreign: Vec<(String, Vec<u8>)>,
    pub(crate) lacks_functions: bool,
    /// Status, gRPC status and body of an answer to the client.
    pub(crate) local: Vec<(i32, i32, String)>,
    metrics: Vec<(i32, String, u64)>,
}

impl Proxy {
    pub(crate) fn metric(&self, name: &str) -> u64 {
        self.metrics.iter().find(|(_, known, _)| known == name).unwrap().2
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let value = self.request.iter().find(|(known, _)| known == name);
        value.map(|(_, value)| str::from_utf8(value).unwrap())
    }

    fn map(&self, kind: i32) -> Option<&Headers> {
        match (kind, self.phase) {
            (REQUEST_HEADERS, Phase::Request) => Some(&self.request),
            (ANSWER_HEADERS, Phase::Answer) => self.answer.as_ref().map(|(headers, _)| headers),
            _ => None,
        }
    }
}

/// The module that the variable names, or none where it was not built.
pub(crate) fn module() -> Option<Module> {
    let path = std::env::var_os("FILTER_WASM").map(PathBuf::from).filter(|path| path.is_file());
    if path.is_none() {
        skip::missing("filter_wasm", "FILTER_WASM names no wasm file: run `cargo xtask test`");
    }
    // Compiled by an unoptimised compiler: the quick way is quick enough.
    let engine = Engine::new(Config::new().cranelift_opt_level(OptLevel::None)).unwrap();
    path.map(|path| Module::from_file(&engine, path).unwrap())
}

/// A running filter.
pub(crate) struct Guest {
    store: Store<Proxy>,
    instance: Instance,
}

/// The root context, and the first request's.
const ROOT: i32 = 1;

impl Guest {
    /// A new instance of the filter, without a configuration.
    pub(crate) fn start(module: &Module) -> Self {
        let engine = module.engine();
        let mut linker = Linker::new(engine);
        define(&mut linker).unwrap();
        // Whatever else it may call ends the test.
        linker.define_unknown_imports_as_traps(module).unwrap();
        let mut store =
            Store::new(engine, Proxy { now: 1_700_000_000_000_000_000, ..Proxy::default() });
        // A proxy would enter each of these for every request.
        let idle = ["request_body", "response_headers", "response_body", "response_trailers"];
        assert!(idle.iter().all(|name| module.get_export(&format!("proxy_on_{name}")).is_none()));
        let instance = linker.instantiate(&mut store, module).unwrap();
        let mut guest = Self { store, instance };
        guest.call::<_, ()>("proxy_abi_version_0_2_1", ());
        guest.call::<_, ()>("_initialize", ());
        guest.call::<_, ()>("proxy_on_context_create", (ROOT, 0));
        assert_eq!(guest.call::<_, i32>("proxy_on_vm_start", (ROOT, 0)), 1);
        guest
    }

    pub(crate) fn proxy(&mut self) -> &mut Proxy {
        self.store.data_mut()
    }

    /// How much memory it has taken.
    pub(crate) fn memory(&mut self) -> u64 {
        self.instance.get_memory(&mut self.store, "memory").unwrap().data_size(&self.store) as u64
    }

    pub(crate) fn configure(&mut self, json: &str) -> bool {
        self.proxy().configuration = json.into();
        let size = i32::try_from(json.len()).unwrap();
        self.within(Phase::Configure, |guest| {
            guest.call::<_, i32>("proxy_on_configure", (ROOT, size)) == 1
        })
    }

    /// Lets its next tick come.
    pub(crate) fn tick(&mut self) {
        let period = u64::try_from(self.proxy().tick_ms).unwrap();
        assert!(period > 0, "it asked for ticks");
        self.proxy().now += period * 1_000_000;
        self.within(Phase::Tick, |guest| guest.call::<_, ()>("proxy_on_tick", ROOT));
    }

    /// Answers the question that was sent last; without headers there was no answer.
    pub(crate) fn answer(&mut self, headers: &[(&str, &str)], body: Vec<u8>) {
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).into());
        let headers: Headers = headers.iter().map(own).collect();
        let token = i32::try_from(self.proxy().sent.len()).unwrap();
        let sizes = (i32::try_from(headers.len()).unwrap(), i32::try_from(body.len()).unwrap());
        self.proxy().answer = (!headers.is_empty()).then_some((headers, body));
        self.within(Phase::Answer, |guest| {
            let arguments = (ROOT, token, sizes.0, sizes.1, 0);
            guest.call::<_, ()>("proxy_on_http_call_response", arguments);
        });
        self.proxy().answer = None;
    }

    /// A request's head comes; 0 if it goes on, 1 if the filter holds it.
    pub(crate) fn begin(&mut self, id: i32, headers: &[(&str, &str)]) -> i32 {
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).into());
        self.proxy().request = headers.iter().map(own).collect();
        let count = i32::try_from(headers.len()).unwrap();
        self.within(Phase::Request, |guest| {
            guest.call::<_, ()>("proxy_on_context_create", (id, ROOT));
            guest.call("proxy_on_request_headers", (id, count, 0))
        })
    }

    /// A request ends.
    pub(crate) fn end(&mut self, id: i32) {
        self.within(Phase::End, |guest| {
            guest.call::<_, ()>("proxy_on_delete", id);
        });
    }

    fn within<T>(&mut self, phase: Phase, act: impl FnOnce(&mut Self) -> T) -> T {
        self.proxy().phase = phase;
        let done = act(self);
        self.proxy().phase = Phase::Idle;
        done
    }

    fn call<P: WasmParams, R: WasmResults>(&mut self, name: &str, arguments: P) -> R {
        let function = self.instance.get_typed_func::<P, R>(&mut self.store, name).unwrap();
        function.call(&mut self.store, arguments).unwrap()
    }
}

/// The guest as a host function sees it.
struct Call<'a>(Caller<'a, Proxy>);

impl Call<'_> {
    fn memory(&mut self) -> Memory {
        self.0.get_export("memory").and_then(Extern::into_memory).unwrap()
    }

    /// What the guest passes; an address outside of its memory ends the test.
    fn bytes(&mut self, (address, length): (i32, i32)) -> Vec<u8> {
        let mut bytes = vec![0; usize::try_from(length).unwrap()];
        if length > 0 {
            let memory = self.memory();
            memory.read(&self.0, address.cast_unsigned() as usize, &mut bytes).unwrap();
        }
        bytes
    }

    fn text(&mut self, place: (i32, i32)) -> String {
        String::from_utf8(self.bytes(place)).unwrap()
    }

    fn number(&mut self, address: i32, number: &[u8]) {
        let memory = self.memory();
        memory.write(&mut self.0, address.cast_unsigned() as usize, number).unwrap();
    }

    /// Hands bytes to the guest, in memory that it allocates.
    fn give(&mut self, bytes: &[u8], address: i32, length: i32) -> i32 {
        let size = i32::try_from(bytes.len()).unwrap();
        let allocate = self.0.get_export("malloc").and_then(Extern::into_func).unwrap();
        let allocate = allocate.typed::<i32, i32>(&self.0).unwrap();
        let at = if size == 0 { 0 } else { allocate.call(&mut self.0, size).unwrap() };
        self.number(at, bytes);
        self.number(address, &at.to_le_bytes());
        self.number(length, &size.to_le_bytes());
        OK
    }

    /// A list of headers as the guest writes it.
    fn pairs(&mut self, place: (i32, i32)) -> Headers {
        let bytes = self.bytes(place);
        let number = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
        let count = number(0);
        let mut at = 4 + count * 8;
        let mut text = |length: usize| {
            let text = bytes[at..at + length].to_vec();
            assert_eq!(bytes[at + length], 0);
            at += length + 1;
            text
        };
        let pair = |index: usize| {
            let name = String::from_utf8(text(number(4 + index * 8))).unwrap();
            (name, text(number(8 + index * 8)))
        };
        (0..count).map(pair).collect()
    }

    fn proxy(&mut self) -> &mut Proxy {
        self.0.data_mut()
    }
}

/// A list of headers as a guest reads it.
fn serialised(headers: &Headers) -> Vec<u8> {
    let number = |number: usize| u32::try_from(number).unwrap().to_le_bytes();
    let mut bytes = number(headers.len()).to_vec();
    for (name, value) in headers {
        bytes.extend([number(name.len()), number(value.len())].concat());
    }
    for (name, value) in headers {
        bytes.extend([name.as_bytes(), b"\0", value, b"\0"].concat());
    }
    bytes
}

fn define(linker: &mut Linker<Proxy>) -> wasmtime::Result<()> {
    const ENV: &str = "env";
    linker.func_wrap(
        ENV,
        "proxy_log",
        |caller: Caller<'_, Proxy>, level: i32, text: i32, size: i32| {
            let mut call = Call(caller);
            let line = call.text((text, size));
            assert!((2..=4).contains(&level), "{line}");
            call.proxy().lines.push((level, line));
            OK
        },
    )?;
    linker.func_wrap(
        ENV,
        "proxy_get_current_time_nanoseconds",
        |caller: Caller<'_, Proxy>, at: i32| {
            let mut call = Call(caller);
            let now = call.proxy().now;
            call.number(at, &now.to_le_bytes());
            OK
        },
    )?;
    linker.func_wrap(
        ENV,
        "proxy_set_tick_period_milliseconds",
        |caller: Caller<'_, Proxy>, period: i32| {
            let mut call = Call(caller);
            assert_ne!(call.proxy().phase, Phase::Request);
            call.proxy().tick_ms = period;
            OK
        },
    )?;
    // A proxy of one thread: it has nothing to share.
    linker.func_wrap(
        ENV,
        "proxy_register_shared_queue",
        |_: Caller<'_, Proxy>, _name: i32, _size: i32, _queue: i32| UNIMPLEMENTED,
    )?;
    define_buffers(linker, ENV)?;
    define_headers(linker, ENV)?;
    define_outgoing(linker, ENV)?;
    define_metrics(linker, ENV)
}

fn define_buffers(linker: &mut Linker<Proxy>, env: &str) -> wasmtime::Result<()> {
    linker.func_wrap(
        env,
        "proxy_get_buffer_bytes",
        |caller: Caller<'_, Proxy>, kind: i32, start: i32, most: i32, data: i32, size: i32| {
            let mut call = Call(caller);
            let proxy = call.proxy();
            let bytes = match (kind, proxy.phase) {
                (PLUGIN_CONFIGURATION, Phase::Configure) => Some(&proxy.configuration),
                (ANSWER_BODY, Phase::Answer) => proxy.answer.as_ref().map(|(_, body)| body),
                _ => None,
            };
            let Some(bytes) = bytes else { return NOT_FOUND };
            assert_eq!(start, 0);
            let bytes: Vec<u8> =
                bytes.iter().copied().take(most.cast_unsigned() as usize).collect();
            call.give(&bytes, data, size)
        },
    )?;
    linker.func_wrap(
        env,
        "proxy_set_property",
        |caller: Caller<'_, Proxy>, path: i32, path_size: i32, value: i32, size: i32| {
            let mut call = Call(caller);
            let (path, value) = (call.bytes((path, path_size)), call.bytes((value, size)));
            if call.proxy().phase != Phase::Request {
                return NOT_FOUND;
            }
            call.proxy().properties.insert(path, value);
            OK
        },
    )?;
    Ok(())
}

fn define_headers(linker: &mut Linker<Proxy>, env: &str) -> wasmtime::Result<()> {
    linker.func_wrap(
        env,
        "proxy_get_header_map_pairs",
        |caller: Caller<'_, Proxy>, kind: i32, data: i32, size: i32| {
            let mut call = Call(caller);
            let pairs = serialised(call.proxy().map(kind).unwrap());
            call.give(&pairs, data, size)
        },
    )?;
    linker.func_wrap(
        env,
        "proxy_get_header_map_value",
        |caller: Caller<'_, Proxy>, kind: i32, name: i32, name_size: i32, data: i32, size: i32| {
            let mut call = Call(caller);
            let name = call.text((name, name_size));
            // Envoy says no here.
            let Some(map) = call.proxy().map(kind) else { return BAD_ARGUMENT };
            let value =
                map.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone());
            value.map_or(NOT_FOUND, |value| call.give(&value, data, size))
        },
    )?;
    linker.func_wrap(
        env,
        "proxy_replace_header_map_value",
        |caller: Caller<'_, Proxy>, kind: i32, name: i32, name_size: i32, value: i32, size: i32| {
            let mut call = Call(caller);
            let (name, value) = (call.text((name, name_size)), call.bytes((value, size)));
            assert_eq!((kind, call.proxy().phase), (REQUEST_HEADERS, Phase::Request));
            let request = &mut call.proxy().request;
            request.retain(|(known, _)| *known != name);
            request.push((name, value));
            OK
        },
    )?;
    linker.func_wrap(
        env,
        "proxy_remove_header_map_value",
        |caller: Caller<'_, Proxy>, kind: i32, name: i32, size: i32| {
            let mut call = Call(caller);
            let name = call.text((name, size));
            assert_eq!((kind, call.proxy().phase), (REQUEST_HEADERS, Phase::Request));
            call.proxy().request.retain(|(known, _)| *known != name);
            OK
        },
    )?;
    Ok(())
}

fn define_outgoing(linker: &mut Linker<Proxy>, env: &str) -> wasmtime::Result<()> {
    linker.func_wrap(
        env,
        "proxy_http_call",
        |caller: Caller<'_, Proxy>,
         cluster: i32,
         cluster_size: i32,
         headers: i32,
         headers_size: i32,
         _body: i32,
         body_size: i32,
         trailers: i32,
         trailers_size: i32,
         timeout: i32,
         token: i32| {
            let mut call = Call(caller);
            let cluster = call.text((cluster, cluster_size));
            let headers = call.pairs((headers, headers_size));
            assert!(matches!(call.proxy().phase, Phase::Tick | Phase::Answer));
            assert_eq!((body_size, call.pairs((trailers, trailers_size)).len()), (0, 0));
            assert!(timeout > 0);
            if call.proxy().is_cluster_gone {
                return BAD_ARGUMENT;
            }
            for name in [":method", ":path", ":authority"] {
                assert!(headers.iter().any(|(known, _)| known == name), "{name}");
            }
            call.proxy().sent.push((cluster, headers));
            let number = u32::try_from(call.proxy().sent.len()).unwrap();
            call.number(token, &number.to_le_bytes());
            OK
        },
    )?;
    linker.func_wrap(
        env,
        "proxy_call_foreign_function",
        |caller: Caller<'_, Proxy>,
         name: i32,
         name_size: i32,
         data: i32,
         size: i32,
         _out: i32,
         _out_size: i32| {
            let mut call = Call(caller);
            let (name, arguments) = (call.text((name, name_size)), call.bytes((data, size)));
            assert_eq!(call.proxy().phase, Phase::Request);
            assert_eq!(name == "clear_route_cache", arguments.is_empty());
            if call.proxy().lacks_functions {
                return NOT_FOUND;
            }
            call.proxy().foreign.push((name, arguments));
            OK
        },
    )?;
    linker.func_wrap(
        env,
        "proxy_send_local_response",
        |caller: Caller<'_, Proxy>,
         status: i32,
         _details: i32,
         _details_size: i32,
         body: i32,
         body_size: i32,
         headers: i32,
         headers_size: i32,
         grpc: i32| {
            let mut call = Call(caller);
            let body = call.text((body, body_size));
            let _ = call.pairs((headers, headers_size));
            assert_eq!(call.proxy().phase, Phase::Request);
            call.proxy().local.push((status, grpc, body));
            OK
        },
    )?;
    Ok(())
}

fn define_metrics(linker: &mut Linker<Proxy>, env: &str) -> wasmtime::Result<()> {
    linker.func_wrap(
        env,
        "proxy_define_metric",
        |caller: Caller<'_, Proxy>, kind: i32, name: i32, size: i32, id: i32| {
            let mut call = Call(caller);
            let name = call.text((name, size));
            let metrics = &mut call.proxy().metrics;
            metrics.push((kind, name, 0));
            let number = u32::try_from(metrics.len() - 1).unwrap();
            call.number(id, &number.to_le_bytes());
            OK
        },
    )?;
    linker.func_wrap(
        env,
        "proxy_record_metric",
        |caller: Caller<'_, Proxy>, id: i32, value: i64| {
            let mut call = Call(caller);
            let metric = &mut call.proxy().metrics[usize::try_from(id).unwrap()];
            assert_eq!(metric.0, 1, "only a gauge is set: {}", metric.1);
            metric.2 = value.cast_unsigned();
            OK
        },
    )?;
    linker.func_wrap(
        env,
        "proxy_increment_metric",
        |caller: Caller<'_, Proxy>, id: i32, by: i64| {
            let mut call = Call(caller);
            let metric = &mut call.proxy().metrics[usize::try_from(id).unwrap()];
            assert!(metric.0 == 0 && by > 0, "a counter grows: {}", metric.1);
            metric.2 += by.cast_unsigned();
            OK
        },
    )?;
    Ok(())
}
