//! A real TLS server of another make: `openssl s_server`, which answers every request with 200. And what only
//! the command `openssl` makes: certificates of X.509 version 1.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// A running server, killed when dropped.
pub(crate) struct TlsServer {
    child: Child,
    port: u16,
}

impl TlsServer {
    /// Starts it with the files `server.crt` and `server.key` of this folder, and further options.
    pub(crate) fn start(folder: &Path, options: &[&str]) -> Self {
        let mut command = Command::new("openssl");
        command.args(["s_server", "-accept", "127.0.0.1:0", "-www"]);
        command.args(["-cert", "server.crt", "-cert_chain", "server.crt", "-key", "server.key"]);
        command.args(options).current_dir(folder).stdin(Stdio::null());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let mut ports = lines.filter_map(|line| {
            line.strip_prefix("ACCEPT ")?.rsplit_once(':')?.1.trim().parse().ok()
        });
        let port = ports.next().expect("it listens");
        // Whatever it writes later must not end it.
        std::thread::spawn(move || ports.count());
        Self { child, port }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }
}

impl Drop for TlsServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Whether there is an `openssl`.
pub(crate) fn is_there() -> bool {
    let version = Command::new("openssl").arg("version").stdout(Stdio::null()).status();
    version.is_ok_and(|status| status.success())
}

/// Runs `openssl` in this folder.
pub(crate) fn run(folder: &Path, arguments: &str) {
    let mut command = Command::new("openssl");
    command.args(arguments.split(' ')).current_dir(folder);
    let ran = command.stdin(Stdio::null()).output().unwrap();
    assert!(ran.status.success(), "{arguments}: {}", String::from_utf8_lossy(&ran.stderr));
}
