//! `dubbo-watcher sandbox`, as a person meets it: its messages and its exit status.

use std::path::Path;

use dubbo_k8s_tests::program::{Ran, bare, dubbo_watcher, run};

use crate::prison::{PODS, Prison, artefact};

async fn sandbox(prison: &Prison, before: &[&str], component: &Path, after: &[&str]) -> Ran {
    let mut command = bare(dubbo_watcher());
    command.arg("sandbox").args(before).arg(component).arg("--").args(after);
    command.env("KUBECONFIG", prison.cluster.kubeconfig()).env("TOKEN", "secret");
    run(command).await
}

#[tokio::test]
async fn what_a_component_writes_is_the_program_s_and_so_is_its_status() {
    let Some(prison) = Prison::open().await else { return };
    let Some(component) = artefact() else { return };
    let ran = sandbox(&prison, &[], &component, &["look", "--help"]).await;
    assert_eq!((ran.status, ran.stderr.as_str()), (Some(0), ""), "{ran:?}");
    assert_eq!(
        ran.stdout,
        "argument 0 escaping_guest.wasm\nargument 1 look\nargument 2 --help\n\
         variable DUBBO_SERVER http://kubernetes.default.svc\nvariable DUBBO_NAMESPACE shop\n\
         folders 0\nfolder false\n"
    );
    let ran = sandbox(&prison, &[], &component, &["ask", "GET", PODS]).await;
    assert!(ran.stdout.starts_with("status 200"), "{ran:?}");
    let ran = sandbox(&prison, &[], &component, &["fail"]).await;
    assert_eq!((ran.status, ran.stderr.as_str()), (Some(1), ""), "it has its own words");
}

#[tokio::test]
async fn one_that_is_stopped_is_reported_with_status_1() {
    let Some(prison) = Prison::open().await else { return };
    let Some(component) = artefact() else { return };
    let ran = sandbox(&prison, &["--compute", "1"], &component, &["spin"]).await;
    assert_eq!(
        ran.error(),
        "the component was stopped: it computed for more than 1 s without waiting\n"
    );
    let ran = sandbox(&prison, &[], &component, &["ask", "GET", "http://elsewhere.example"]).await;
    assert_eq!(
        ran.stderr,
        "sandbox: a request was refused (GET http://elsewhere.example): only \
         http://kubernetes.default.svc may be asked\n"
    );
}

#[tokio::test]
async fn what_is_no_component_is_wrong_use() {
    let Some(prison) = Prison::open().await else { return };
    let file = prison.cluster.path("kubeconfig");
    let none = prison.cluster.path("none.wasm");
    for (file, why) in [(&file, "is not a WebAssembly component"), (&none, "cannot read")] {
        let ran = sandbox(&prison, &[], file, &[]).await;
        assert_eq!(ran.status, Some(2));
        assert!(ran.stderr.starts_with("error: ") && ran.stderr.contains(why), "{ran:?}");
    }
    if let Some(module) = std::env::var_os("CODEC_GUEST") {
        let ran = sandbox(&prison, &[], Path::new(&module), &[]).await;
        assert!(ran.stderr.contains("core module"), "{ran:?}");
    }
    if let Some(handler) = std::env::var_os("MISBEHAVING_HANDLER") {
        let ran = sandbox(&prison, &[], Path::new(&handler), &[]).await;
        assert_eq!(ran.status, Some(2));
        assert!(ran.stderr.contains("`dubbo:registry/files@0.1.0`"), "{ran:?}");
        assert!(ran.stderr.contains("a command is built for wasi:cli"), "{ran:?}");
    }
}

/// A component of a quarter of a megabyte that takes gigabytes to compile: one function with many variables, all of
/// them used inside of loops in loops.
fn compile_bomb() -> Vec<u8> {
    const VARIABLES: u32 = 40_000;
    const LOOPS: usize = 12_000;
    let leb = |mut value: u32| {
        let mut bytes = Vec::new();
        loop {
            let low = u8::try_from(value & 0x7f).unwrap();
            value >>= 7;
            bytes.push(if value == 0 { low } else { low | 0x80 });
            if value == 0 {
                return bytes;
            }
        }
    };
    let sized = |bytes: &[u8]| [leb(u32::try_from(bytes.len()).unwrap()), bytes.to_vec()].concat();
    let section = |id: u8, bytes: &[u8]| [vec![id], sized(bytes)].concat();
    // One group of locals, all i32.
    let mut body = [vec![1], leb(VARIABLES), vec![0x7f]].concat();
    body.extend([0x03, 0x40].repeat(LOOPS));
    for variable in 0..VARIABLES {
        // local.get, i32.const 1, i32.add, local.set
        body.extend([vec![0x20], leb(variable), vec![0x41, 1, 0x6a, 0x21], leb(variable)].concat());
    }
    // Back to the loop that was entered last, as long as the first variable is not zero.
    body.extend([0x20, 0, 0x0d, 0, 0x0b].repeat(LOOPS));
    body.push(0x0b);
    let module = [
        b"\0asm\x01\0\0\0".to_vec(),
        section(1, &[1, 0x60, 0, 0]),
        section(3, &[1, 0]),
        section(10, &[vec![1], sized(&body)].concat()),
    ]
    .concat();
    [b"\0asm\x0d\0\x01\0".to_vec(), section(1, &module)].concat()
}

#[tokio::test]
async fn a_component_that_takes_gigabytes_to_compile_is_refused_with_a_sentence() {
    let Some(prison) = Prison::open().await else { return };
    let file = prison.cluster.path("bomb.wasm");
    let bomb = compile_bomb();
    assert!(bomb.len() < 825_000, "{}", bomb.len());
    std::fs::write(&file, bomb).unwrap();
    let ran = sandbox(&prison, &[], &file, &[]).await;
    assert_eq!(ran.status, Some(2), "{ran:?}");
    assert!(ran.stderr.contains("bomb.wasm takes more than "), "{ran:?}");
    assert!(ran.stderr.contains(" to compile, and is refused"), "{ran:?}");
}
