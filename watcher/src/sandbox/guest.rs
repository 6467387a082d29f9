//! Host state of one guest: its configuration, resource usage and network permissions. A guest gets
//! nothing that is not named here.

use wasmtime::Store;
use wasmtime::component::{Linker, ResourceTable, ResourceTableError};
use wasmtime_wasi::{I32Exit, WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

use super::confines::{Confines, Limiter};
use super::engine::Engine;
use super::error::{Stopped, why};
use super::http::Requests;

/// The most bytes of random numbers in one call, and of the header fields of one message.
const RANDOM: u64 = 64 << 10;
const FIELDS: usize = 64 << 10;

/// The state of one guest; `extra` is what its kind of guest has besides.
pub(crate) struct Guest<E> {
    wasi: WasiCtx,
    http: WasiHttpCtx,
    requests: Requests,
    table: ResourceTable,
    limiter: Limiter,
    pub(crate) extra: E,
}

/// A store whose guest is within its confines.
pub(crate) type Confined<E> = Store<Guest<E>>;

impl<E: Send + 'static> Guest<E> {
    /// Puts a guest into its confines. What is not in `wasi` it does not have: no sockets, no names,
    /// no folders are added here, nor by default.
    pub(crate) fn confine(
        engine: &Engine,
        confines: &Confines,
        wasi: &mut WasiCtxBuilder,
        requests: Requests,
        extra: E,
    ) -> Confined<E> {
        wasi.allow_tcp(false).allow_udp(false).allow_ip_name_lookup(false).max_random_size(RANDOM);
        let mut table = ResourceTable::new();
        table.set_max_capacity(confines.handles);
        let mut http = WasiHttpCtx::new();
        http.set_field_size_limit(FIELDS);
        let limiter = Limiter::new(confines);
        let guest = Self { wasi: wasi.build(), http, requests, table, limiter, extra };
        let mut store = Store::new(&engine.wasm, guest);
        store.limiter(|guest| &mut guest.limiter);
        store.epoch_deadline_async_yield_and_update(1);
        store.set_epoch_deadline(1);
        store
    }

    /// What every guest may import.
    pub(crate) fn linker(engine: &Engine) -> wasmtime::Result<Linker<Self>> {
        let mut linker = Linker::new(&engine.wasm);
        wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
        wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker)?;
        Ok(linker)
    }
}

impl<E> Guest<E> {
    /// What the end of this guest means; [`Stopped::Exited`] for one that has ended by itself.
    pub(crate) fn stopped(&self, error: &wasmtime::Error) -> Stopped {
        if let Some(exit) = error.downcast_ref::<I32Exit>() {
            return Stopped::Exited(exit.0);
        }
        if let Some(ResourceTableError::Full) = error.downcast_ref() {
            return Stopped::Handles(self.table.max_capacity());
        }
        match self.limiter.refused() {
            Some(most) => Stopped::Memory(most),
            None => Stopped::Trapped(why(error)),
        }
    }
}

impl<E: Send> WasiView for Guest<E> {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

impl<E: Send> WasiHttpView for Guest<E> {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView { hooks: &mut self.requests, table: &mut self.table, ctx: &mut self.http }
    }
}
