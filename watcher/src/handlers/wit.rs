//! The names of `wit/registry.wit` in Rust, made by a macro: nothing is decided here.

#![allow(missing_docs, unreachable_pub, clippy::pedantic, reason = "generated")]

wasmtime::component::bindgen!({
    path: "wit",
    world: "registry-handler",
    exports: { default: async },
});
