//! A client of an event stream that costs little: it shares the machine with what is measured.

use std::io;
use std::net::SocketAddr;

use std::path::Path;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream, UnixStream};

/// What a stream comes over.
pub(crate) trait Socket: AsyncRead + AsyncWrite + Unpin {}

impl Socket for TcpStream {}

impl Socket for UnixStream {}

/// An open event stream.
pub(crate) struct Stream<S = TcpStream> {
    socket: S,
    input: Box<[u8]>,
    chunks: Chunks,
    body: Vec<u8>,
    /// Up to here `body` was handed out.
    taken: usize,
    /// Up to here there is no end of an event in it.
    scanned: usize,
}

/// One event; comments and ids alone are left out.
#[derive(Debug)]
pub(crate) struct Event<'a> {
    pub(crate) name: &'a str,
    pub(crate) id: &'a str,
    pub(crate) data: &'a str,
}

impl Stream {
    /// Opens one, after an event that was seen, if any. `receive` is the size of the receive buffer,
    /// where it matters.
    pub(crate) async fn open(
        address: SocketAddr,
        path: &str,
        last: Option<&str>,
        receive: Option<u32>,
    ) -> io::Result<Self> {
        let socket = TcpSocket::new_v4()?;
        if let Some(size) = receive {
            socket.set_recv_buffer_size(size)?;
        }
        Self::over(socket.connect(address).await?, path, last).await
    }
}

impl Stream<UnixStream> {
    /// Opens one over a Unix socket.
    pub(crate) async fn open_unix(socket: &Path, path: &str) -> io::Result<Self> {
        Self::over(UnixStream::connect(socket).await?, path, None).await
    }
}

impl<S: Socket> Stream<S> {
    async fn over(mut socket: S, path: &str, last: Option<&str>) -> io::Result<Self> {
        let resume = last.map(|id| format!("Last-Event-ID: {id}\r\n")).unwrap_or_default();
        let head = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n{resume}\r\n");
        socket.write_all(head.as_bytes()).await?;
        let mut stream = Self {
            socket,
            input: vec![0; 64 << 10].into_boxed_slice(),
            chunks: Chunks::Size(0),
            body: Vec::new(),
            taken: 0,
            scanned: 0,
        };
        stream.head().await?;
        Ok(stream)
    }

    async fn head(&mut self) -> io::Result<()> {
        let mut head = Vec::new();
        let end = loop {
            let count = self.socket.read(&mut self.input).await?;
            if count == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            head.extend_from_slice(self.input.get(..count).unwrap_or_default());
            if let Some(end) = find(&head, b"\r\n\r\n") {
                break end + 4;
            }
        };
        if !head.starts_with(b"HTTP/1.1 200") {
            return Err(io::Error::other(String::from_utf8_lossy(&head).into_owned()));
        }
        self.chunks.feed(head.get(end..).unwrap_or_default(), &mut self.body)
    }

    /// The next event; `None` at the proper end. Cancellation safe.
    pub(crate) async fn next(&mut self) -> io::Result<Option<Event<'_>>> {
        let (start, end) = loop {
            let Some((start, end)) = self.block() else {
                if matches!(self.chunks, Chunks::End) {
                    return Ok(None);
                }
                self.fill().await?;
                continue;
            };
            if find(self.body.get(start..end).unwrap_or_default(), b"data: ").is_some() {
                break (start, end);
            }
        };
        let block = self.body.get(start..end).unwrap_or_default();
        let text = std::str::from_utf8(block).map_err(io::Error::other)?;
        let mut event = Event { name: "message", id: "", data: "" };
        for line in text.lines() {
            match line.split_once(": ") {
                Some(("event", value)) => event.name = value,
                Some(("id", value)) => event.id = value,
                Some(("data", value)) => event.data = value,
                _ => {}
            }
        }
        Ok(Some(event))
    }

    async fn fill(&mut self) -> io::Result<()> {
        self.body.drain(..self.taken);
        self.scanned -= self.taken;
        self.taken = 0;
        // A snapshot is large, and the next one may never come.
        if self.body.is_empty() {
            self.body.shrink_to(1 << 20);
        }
        let count = self.socket.read(&mut self.input).await?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.chunks.feed(self.input.get(..count).unwrap_or_default(), &mut self.body)
    }

    /// Takes the next block that is there.
    fn block(&mut self) -> Option<(usize, usize)> {
        let from = self.scanned.saturating_sub(1).max(self.taken);
        let Some(at) = find(self.body.get(from..).unwrap_or_default(), b"\n\n") else {
            self.scanned = self.body.len();
            return None;
        };
        let block = (self.taken, from + at);
        (self.taken, self.scanned) = (from + at + 2, from + at + 2);
        Some(block)
    }
}

/// Where in the chunks of a body the next byte belongs.
#[derive(Debug)]
enum Chunks {
    /// To the size of a chunk, which is this so far.
    Size(usize),
    /// To a chunk that has so much to come.
    Data(usize),
    /// To the line end after a chunk.
    Tail,
    /// To nothing.
    End,
}

impl Chunks {
    fn feed(&mut self, mut bytes: &[u8], body: &mut Vec<u8>) -> io::Result<()> {
        while let Some((&first, rest)) = bytes.split_first() {
            match *self {
                Self::Data(left) => {
                    let (data, rest) = bytes.split_at(left.min(bytes.len()));
                    body.extend_from_slice(data);
                    let left = left - data.len();
                    *self = if left == 0 { Self::Tail } else { Self::Data(left) };
                    bytes = rest;
                    continue;
                }
                Self::Size(0) if first == b'\n' => *self = Self::End,
                Self::Size(size) if first == b'\n' => *self = Self::Data(size),
                Self::Size(size) if first != b'\r' => {
                    let digit = char::from(first).to_digit(16);
                    let digit = digit.ok_or_else(|| io::Error::other("not a chunk"))?;
                    *self = Self::Size(size * 16 + digit as usize);
                }
                Self::Tail if first == b'\n' => *self = Self::Size(0),
                Self::Size(_) | Self::Tail | Self::End => {}
            }
            bytes = rest;
        }
        Ok(())
    }
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    memchr::memmem::find(bytes, what)
}
