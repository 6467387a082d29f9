//! A proxy-wasm filter of one's own, over the codec: its configuration is the annotation of a Pod, and only
//! requests for a service that is registered in it pass. Built for wasm32 it is a plugin; natively it is empty.
//!
//! ```text
//! cargo build --example own_filter --release --target wasm32-unknown-unknown
//! ```
#![cfg(target_arch = "wasm32")]
#![allow(missing_docs, reason = "the macro `main` makes a function without any")]

use std::collections::BTreeSet;
use std::rc::Rc;

use dubbo_k8s_codec::{Annotation, Category, Key};
use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::{Action, ContextType};

proxy_wasm::main! {{
    proxy_wasm::set_root_context(|_| Box::new(Root::default()));
}}

#[derive(Default)]
struct Root {
    interfaces: Rc<BTreeSet<String>>,
}

impl Context for Root {}

impl RootContext for Root {
    fn on_configure(&mut self, _size: usize) -> bool {
        let value = self.get_plugin_configuration().unwrap_or_default();
        let Ok(annotation) = Annotation::decode_bytes(&value) else { return false };
        let provided = annotation.records().filter_map(|record| {
            let key = Key::parse(record.key).ok()?;
            let interface = key.interface.filter(|_| key.category == Some(Category::Providers))?;
            Some(interface.into_owned())
        });
        self.interfaces = Rc::new(provided.collect());
        true
    }

    fn create_http_context(&self, _id: u32) -> Option<Box<dyn HttpContext>> {
        Some(Box::new(Stream { interfaces: Rc::clone(&self.interfaces) }))
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }
}

struct Stream {
    interfaces: Rc<BTreeSet<String>>,
}

impl Context for Stream {}

impl HttpContext for Stream {
    fn on_http_request_headers(&mut self, _count: usize, _end: bool) -> Action {
        // As bytes: what is no UTF-8 would make the SDK panic.
        let path = self.get_http_request_header_bytes(":path").unwrap_or_default();
        let path = String::from_utf8(path).unwrap_or_default();
        let interface = path.trim_start_matches('/').split('/').next().unwrap_or_default();
        if self.interfaces.contains(interface) {
            return Action::Continue;
        }
        self.send_http_response(404, Vec::new(), Some(b"no provider"));
        Action::Pause
    }
}
