//! Tries everything a sandbox must not let it do, one thing a run, and says on stdout how it went. It is
//! meant to be run as a component, by the tests; it must never succeed at anything but reading.

#![allow(clippy::print_stdout, reason = "that is what it is for")]

mod web;

use std::hint::black_box;
use std::process::ExitCode;

use wasip2::clocks::monotonic_clock;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["look", ..] => look(),
        ["open", paths @ ..] => paths.iter().for_each(|path| open(path)),
        ["connect", place] => connect(place),
        ["ask", method, url, fields @ ..] => println!("{}", web::ask(method, url, fields)),
        ["ask-many", number, url] => ask_many(number, url),
        ["hold-handles"] => hold_handles(),
        ["random", bytes] => random(bytes),
        ["spin"] => spin(),
        ["hoard"] => hoard(),
        ["recurse"] => println!("{}", recurse(1)),
        ["trap"] => trap(),
        ["exit", status] => exit(status),
        ["fail"] => return ExitCode::FAILURE,
        ["write", bytes] => write(bytes),
        other => println!("escaping_guest: {other:?} is not known"),
    }
    ExitCode::SUCCESS
}

#[expect(clippy::disallowed_methods, reason = "how it ends is what is tested")]
fn exit(status: &str) -> ! {
    std::process::exit(status.parse().unwrap_or(1))
}

/// Everything that a process finds without asking any host.
fn look() {
    for (position, argument) in std::env::args().enumerate() {
        println!("argument {position} {argument}");
    }
    for (name, value) in std::env::vars() {
        println!("variable {name} {value}");
    }
    println!("folders {}", wasip2::filesystem::preopens::get_directories().len());
    println!("folder {:?}", std::env::current_dir().is_ok_and(|path| path.read_dir().is_ok()));
}

fn open(path: &str) {
    println!("read {path}: {}", outcome(std::fs::read(path).map(|_| ())));
    println!("write {path}: {}", outcome(std::fs::write(path, "owned")));
}

fn connect(place: &str) {
    println!("connect {place}: {}", outcome(std::net::TcpStream::connect(place).map(|_| ())));
}

fn outcome(result: std::io::Result<()>) -> String {
    result.map_or_else(|error| format!("refused ({})", error.kind()), |()| "DONE".to_owned())
}

/// Asks without reading the answers, and counts the requests that were let out.
fn ask_many(number: &str, url: &str) {
    let mut kept = Vec::new();
    let mut refusals = std::collections::BTreeMap::new();
    for _ in 0..number.parse::<u32>().unwrap_or(0) {
        match web::open("GET", url, &[]) {
            Ok(answer) => kept.push(answer),
            Err(error) => *refusals.entry(error).or_insert(0) += 1,
        }
    }
    println!("answered {}, refused {refusals:?}", kept.len());
}

fn hold_handles() {
    let mut held = Vec::new();
    loop {
        held.push(monotonic_clock::subscribe_duration(u64::MAX));
        black_box(&held);
    }
}

fn random(bytes: &str) {
    let bytes = bytes.parse().unwrap_or(0);
    println!("random {}", wasip2::random::random::get_random_bytes(bytes).len());
}

fn spin() {
    let mut number = 0_u64;
    loop {
        number = black_box(number.wrapping_add(1));
    }
}

fn hoard() {
    let mut all: Vec<Vec<u8>> = Vec::new();
    loop {
        all.push(vec![1; 1 << 20]);
        black_box(&all);
    }
}

#[expect(unconditional_recursion, reason = "that is the attempt")]
fn recurse(depth: u64) -> u64 {
    let room = black_box([depth; 64]);
    recurse(room.iter().sum::<u64>() / 64 + 1) + 1
}

fn trap() {
    #[cfg(target_arch = "wasm32")]
    core::arch::wasm32::unreachable();
}

fn write(bytes: &str) {
    let line = format!("{}\n", "x".repeat(1023));
    for _ in 0..bytes.parse::<usize>().unwrap_or(0) / line.len() {
        print!("{line}");
    }
}
