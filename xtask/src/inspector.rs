//! `dubbo-watcher serve` with the inspector's page built into it, on a simulated cluster. It must never count as
//! seen what did not come over HTTP, as a browser gets it.

use std::fmt;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, ChildStderr};
use std::sync::mpsc::{Receiver, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::cluster::{self, Cluster, Profile};
use crate::process::{Context as _, Failure, Result, Tool, on_path};
use crate::toolchain;
use crate::{say, web};

/// Where `serve` is unless that is taken.
const USUAL: &str = "127.0.0.1:7777";

/// What the page holds when it was marked live.
const LIVE: &str = "name=\"dubbo-live\" content=\"v1/events\"";

/// A server that says nothing for this long is not there.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Builds the page, so that the watcher carries it; why not, where this machine cannot.
pub(crate) fn page() -> Result<Option<&'static str>> {
    if !on_path("npm") {
        return Ok(Some("the inspector's page needs Node.js with npm, which is not here"));
    }
    say::note("building the inspector's page");
    web::build(&toolchain::resolve()?)?;
    Ok(None)
}

/// A running `dubbo-watcher serve`, and who listens to its events.
pub(crate) struct Inspector {
    server: Child,
    output: JoinHandle<()>,
    events: JoinHandle<Seen>,
    page: Option<usize>,
    url: String,
}

/// What came over HTTP.
#[derive(Debug, Default, Eq, PartialEq)]
pub(crate) struct Seen {
    /// Files of the page, if it has been built.
    page: Option<usize>,
    snapshot: bool,
    changes: usize,
}

impl Inspector {
    /// Starts it, fetches the page as a browser would, and listens to the events.
    pub(crate) fn start(cluster: &Cluster, page: bool) -> Result<Self> {
        let bind = if TcpListener::bind(USUAL).is_ok() { USUAL } else { "127.0.0.1:0" };
        let tool = cluster.watcher(Profile::Dev, "serve").args(["--bind", bind]);
        let mut server = tool.spawn_telling()?;
        let output = server.stderr.take().ok_or_else(|| Failure::new("serve has no stderr"))?;
        let (output, address) = listen(output);
        let address = address.recv_timeout(TIMEOUT);
        let address = address.map_err(|_| Failure::new("serve did not say where it is"))?;
        let url = format!("http://{address}/");
        say::line(&format!("The registry is served at {url}, live in the inspector."));
        let page = if page { Some(fetch_page(&address)?) } else { None };
        let events = follow(&address)?;
        Ok(Self { server, output, events, page, url })
    }

    /// Where it is.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Shows it to a person, where there is one with a desktop.
    pub(crate) fn show(&self) {
        if self.page.is_some() && say::on_terminal() {
            open(&self.url);
        }
    }

    /// Ends it and says what was seen.
    pub(crate) fn end(mut self) -> Result<Seen> {
        cluster::end(&mut self.server, false)?;
        let lost = || Failure::new("reading from serve failed");
        self.output.join().map_err(|_| lost())?;
        let seen = self.events.join().map_err(|_| lost())?;
        Ok(Seen { page: self.page, ..seen })
    }
}

impl Seen {
    /// What should have been seen and was not.
    pub(crate) fn missing(&self) -> Option<&'static str> {
        match self {
            Self { page: Some(0), .. } => Some("the files of the inspector"),
            Self { snapshot: false, .. } => Some("a snapshot in the inspector's events"),
            Self { changes: 0, .. } => Some("a change in the inspector's events"),
            _ => None,
        }
    }

    fn line(&mut self, line: &str) {
        match line.strip_prefix("event: ") {
            Some("snapshot") => self.snapshot = true,
            Some("added" | "updated" | "removed") if self.snapshot => self.changes += 1,
            _ => {}
        }
    }
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.page {
            Some(files) => write!(f, "the inspector: {files} files, ")?,
            None => f.write_str("no inspector, but its events: ")?,
        }
        let snapshot = if self.snapshot { "a snapshot" } else { "no snapshot" };
        write!(f, "{snapshot} and {} changes after it", self.changes)
    }
}

/// Passes on what `serve` says, and sends the address when it says it.
fn listen(output: ChildStderr) -> (JoinHandle<()>, Receiver<String>) {
    let (sender, address) = channel();
    let thread = std::thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(std::result::Result::ok) {
            match line.split_once(" on http://") {
                // No receiver waits for it any more: then it has come before.
                Some((_, address)) => drop(sender.send(address.trim().to_owned())),
                None => say::note(&line),
            }
        }
    });
    (thread, address)
}

/// Fetches the page and every file of it, as it was built; gives how many files these were.
fn fetch_page(address: &str) -> Result<usize> {
    if !String::from_utf8_lossy(&get(address, "/")?).contains(LIVE) {
        return Err(Failure::new("serve does not carry the inspector that was just built"));
    }
    let assets = web::dist().join("assets");
    let reading = || format!("reading {}", assets.display());
    let mut files = 0;
    for file in std::fs::read_dir(&assets).context(reading)? {
        let file = file.context(reading)?;
        let path = format!("/assets/{}", file.file_name().to_string_lossy());
        if get(address, &path)? != std::fs::read(file.path()).context(reading)? {
            return Err(Failure::new(format!("serve answers {path} with something else")));
        }
        files += 1;
    }
    Ok(files)
}

/// The body of an answer of 200.
fn get(address: &str, path: &str) -> Result<Vec<u8>> {
    let mut stream = ask(address, path)?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).context(|| format!("reading {path}"))?;
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n").unwrap_or(answer.len());
    let body = answer.split_off(answer.len().min(end + 4));
    let head = String::from_utf8_lossy(&answer);
    if head.split(' ').nth(1) == Some("200") {
        Ok(body)
    } else {
        let status = head.lines().next().unwrap_or("nothing");
        Err(Failure::new(format!("serve answered {path} with {status}")))
    }
}

/// Asks as HTTP/1.0, whose answers end with the connection.
fn ask(address: &str, path: &str) -> Result<TcpStream> {
    let mut stream = TcpStream::connect(address).context(|| format!("connecting to {address}"))?;
    stream.set_read_timeout(Some(TIMEOUT)).context(|| "setting a timeout".into())?;
    let request = format!("GET {path} HTTP/1.0\r\nHost: {address}\r\n\r\n");
    stream.write_all(request.as_bytes()).context(|| format!("asking for {path}"))?;
    Ok(stream)
}

/// Reads events until the server ends.
fn follow(address: &str) -> Result<JoinHandle<Seen>> {
    let stream = ask(address, "/v1/events")?;
    Ok(std::thread::spawn(move || {
        let mut seen = Seen::default();
        for line in BufReader::new(stream).lines().map_while(std::result::Result::ok) {
            seen.line(&line);
        }
        seen
    }))
}

/// Opens a browser where there is a desktop; a person can do it as well.
fn open(url: &str) {
    let desktop =
        ["DISPLAY", "WAYLAND_DISPLAY"].iter().any(|name| std::env::var_os(name).is_some());
    let opener = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    if (desktop || cfg!(target_os = "macos"))
        && on_path(opener)
        && let Err(failure) = Tool::new(opener).arg(url).read()
    {
        say::note(&format!("open it yourself: {failure}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_comes_after_a_snapshot_is_a_change() {
        let mut seen = Seen { page: Some(2), ..Seen::default() };
        seen.line("event: added");
        assert_eq!(seen.missing(), Some("a snapshot in the inspector's events"));
        seen.line("event: snapshot");
        assert_eq!(seen.missing(), Some("a change in the inspector's events"));
        for line in ["id: 4", "data: {\"event\":\"added\"}", "event: synced", "event: removed"] {
            seen.line(line);
        }
        assert_eq!((seen.changes, seen.missing()), (1, None));
        assert_eq!(Seen { page: Some(0), ..seen }.missing(), Some("the files of the inspector"));
    }
}
