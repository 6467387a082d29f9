//! The codec's component in wasmtime: every function, through bindings made of its WIT, and that it asks for nothing.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that panics has failed")]

use std::path::PathBuf;

use dubbo_k8s_tests::skip;
use wasmtime::component::{Component, Linker};
use wasmtime::{Engine, Store};

use self::bindings::CodecWorld;
use self::bindings::exports::dubbo::codec::codec::{Found, Guest, Language, Name, NewEntry, Place};

mod bindings {
    //! The names of the WIT in Rust.
    #![allow(missing_docs, unreachable_pub, clippy::pedantic, reason = "generated")]
    wasmtime::component::bindgen!({ path: "../adapters/component/wit", world: "codec-world" });
}

const URL: &str = "tri://10.0.0.1:50051/com.example.Greeter?group=live&weight=200&note=用户";

fn with_codec(ask: impl FnOnce(&Guest, &mut Store<()>)) {
    let Some(path) = std::env::var_os("CODEC_COMPONENT").map(PathBuf::from) else {
        let why = "CODEC_COMPONENT names no component: run `cargo xtask test`";
        return skip::missing("codec_component", why);
    };
    let engine = Engine::default();
    let component = Component::from_file(&engine, path).unwrap();
    assert_eq!(
        component.component_type().imports(&engine).count(),
        0,
        "it asks its host for nothing"
    );
    let mut store = Store::new(&engine, ());
    let linker = Linker::new(&engine);
    let world = CodecWorld::instantiate(&mut store, &component, &linker).unwrap();
    ask(world.dubbo_codec_codec(), &mut store);
}

#[test]
fn url_that_is_encoded_is_decoded_and_taken_apart() {
    with_codec(|codec, store| {
        let entry = |name| NewEntry { name, value: String::new() };
        let entries = [entry(Name::Url(URL.to_owned())), entry(Name::Key("/dubbo".to_owned()))];
        let annotation = codec.call_encode(&mut *store, &entries).unwrap().unwrap();
        let decoded = codec.call_decode(&mut *store, &annotation).unwrap().unwrap();
        assert_eq!(decoded.entries[0].url.as_deref(), Some(URL));
        assert_eq!(decoded.entries[0].category.as_deref(), Some("providers"));
        assert_eq!((&*decoded.entries[1].key, decoded.warnings.len()), ("/dubbo", 0));
        let url = codec.call_parse_url(&mut *store, URL).unwrap().unwrap();
        assert_eq!((&*url.host, url.port, url.weight), ("10.0.0.1", Some(50051), 200));
        assert_eq!(url.service.key, "live/com.example.Greeter");
        assert_eq!(url.parameters[2], ("note".to_owned(), "用户".to_owned()));
    });
}

#[test]
fn what_is_refused_has_its_place_what_was_expected_and_what_was_found() {
    with_codec(|codec, store| {
        let fault = codec.call_parse_url(&mut *store, "tri://用户:x/a.B").unwrap().unwrap_err();
        assert_eq!(
            (&*fault.code, fault.offset, &*fault.expected),
            ("url-malformed", 13, "port-number")
        );
        assert!(matches!(fault.found, Found::Byte(b'x')));
        let fault = codec.call_decode(&mut *store, "W3siayI6").unwrap().unwrap_err();
        assert_eq!((&*fault.code, fault.decoded_offset), ("not-json", Some(6)));
        assert!(matches!(fault.found, Found::End));
    });
}

#[test]
fn problems_are_found_in_what_is_pasted() {
    with_codec(|codec, store| {
        let found = codec.call_problems(&mut *store, b"!!", Language::Chinese).unwrap();
        assert_eq!(
            (&*found[0].code, found[0].offset, found[0].place),
            ("not-base64", Some(0), Place::Annotation)
        );
        assert!(found[0].message.chars().any(|character| character > '\u{2e7f}'));
    });
}
