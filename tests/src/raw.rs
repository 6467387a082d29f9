//! A small HTTP/1.1 client that hides nothing: chunks stay chunks, a missing end stays missing,
//! nothing is retried. One connection for each request. For tests only; it trusts what it reads.

use std::io;
use std::sync::Arc;

use bytes::{Buf, Bytes, BytesMut};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::apiserver::Server;

/// A server, and how to reach it.
#[derive(Clone)]
pub struct Endpoint {
    authority: String,
    tls: Option<Arc<ClientConfig>>,
    token: Option<String>,
}

/// What runs under HTTP.
pub trait Transport: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Transport for T {}

impl Endpoint {
    /// The scripted server, as its admin.
    pub fn of(server: &Server) -> io::Result<Self> {
        Self::new(&server.url(), Some(&server.ca_pem()), Some(server.token()), None)
    }

    /// A server by its URL; the authorities, and certificate and key of the client, as PEM.
    pub fn new(
        url: &str,
        ca_pem: Option<&str>,
        token: Option<&str>,
        identity: Option<(&str, &str)>,
    ) -> io::Result<Self> {
        let (scheme, rest) =
            url.split_once("://").ok_or_else(|| invalid("a URL needs a scheme"))?;
        let authority = rest.split('/').next().unwrap_or_default();
        let port = if scheme == "https" { 443 } else { 80 };
        let has_port =
            authority.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
        Ok(Self {
            authority: if has_port { authority.to_owned() } else { format!("{authority}:{port}") },
            tls: if scheme == "https" { Some(tls(ca_pem, identity)?) } else { None },
            token: token.map(str::to_owned),
        })
    }

    /// The same server with another bearer token.
    #[must_use]
    pub fn with_token(self, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..self }
    }

    /// The same server without credentials.
    #[must_use]
    pub fn without_token(self) -> Self {
        Self { token: None, ..self }
    }

    /// A connection, encrypted if the URL says so; HTTP/1.1 unless `protocol` is another.
    pub async fn connect(&self, protocol: &[u8]) -> io::Result<Box<dyn Transport>> {
        let stream = TcpStream::connect(&self.authority).await?;
        let Some(tls) = &self.tls else { return Ok(Box::new(stream)) };
        let mut tls = ClientConfig::clone(tls);
        tls.alpn_protocols = vec![protocol.to_vec()];
        let (host, _) = self.authority.rsplit_once(':').unwrap_or((&self.authority, ""));
        let host = host.trim_matches(['[', ']']).to_owned();
        let name = ServerName::try_from(host).map_err(io::Error::other)?;
        Ok(Box::new(TlsConnector::from(Arc::new(tls)).connect(name, stream).await?))
    }

    /// Sends a request and reads the head of the answer.
    pub async fn send(
        &self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> io::Result<Reply> {
        let mut head = format!("{method} {target} HTTP/1.1\r\nHost: {}\r\n", self.authority);
        if let Some(token) = &self.token {
            head.extend(["Authorization: Bearer ", token, "\r\n"]);
        }
        for (name, value) in headers {
            head.extend([name, ": ", value, "\r\n"]);
        }
        if !body.is_empty() {
            head.extend(["Content-Length: ", &body.len().to_string(), "\r\n"]);
        }
        head.push_str("\r\n");
        self.send_bytes(&[head.as_bytes(), body].concat()).await
    }

    /// Sends bytes as they stand and reads the head of the answer.
    pub async fn send_bytes(&self, request: &[u8]) -> io::Result<Reply> {
        Reply::read(self.connect(b"http/1.1").await?, request).await
    }

    /// A GET with an Accept header.
    pub async fn get(&self, target: &str, accept: &str) -> io::Result<Reply> {
        self.send("GET", target, &[("Accept", accept)], b"").await
    }
}

/// An answer whose body is still to be read.
pub struct Reply {
    /// The status.
    pub status: u16,
    /// The headers as they came.
    pub headers: Vec<(String, String)>,
    stream: Box<dyn Transport>,
    received: BytesMut,
    framing: Framing,
    line: BytesMut,
}

#[derive(Clone, Copy, Debug)]
enum Framing {
    Chunked,
    /// Bytes still to come.
    Length(usize),
    UntilClose,
    Over,
}

impl Reply {
    /// Sends a request over a connection and reads the head of the answer.
    pub async fn read(mut stream: Box<dyn Transport>, request: &[u8]) -> io::Result<Self> {
        stream.write_all(request).await?;
        stream.flush().await?;
        let mut received = BytesMut::new();
        let end = loop {
            if let Some(position) = find(&received, b"\r\n\r\n") {
                break position;
            }
            more(&mut stream, &mut received).await?;
        };
        let head = String::from_utf8_lossy(&received.split_to(end + 4)).into_owned();
        let mut lines = head.trim_end().split("\r\n");
        let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok());
        let headers: Vec<(String, String)> = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_owned(), value.trim().to_owned()))
            .collect();
        let mut reply = Self {
            status: status.ok_or_else(|| invalid("no status line"))?,
            headers,
            stream,
            received,
            framing: Framing::UntilClose,
            line: BytesMut::new(),
        };
        reply.framing = match (reply.header("transfer-encoding"), reply.header("content-length")) {
            (Some("chunked"), _) => Framing::Chunked,
            (_, Some(length)) => Framing::Length(length.parse().map_err(io::Error::other)?),
            _ => Framing::UntilClose,
        };
        Ok(reply)
    }

    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// The next chunk, or piece of a body without chunks; `None` at its proper end,
    /// `UnexpectedEof` when the connection ends before. Not cancellation safe.
    pub async fn chunk(&mut self) -> io::Result<Option<Bytes>> {
        match self.framing {
            Framing::Over => Ok(None),
            Framing::Chunked => self.chunked().await,
            Framing::Length(0) => {
                self.framing = Framing::Over;
                Ok(None)
            }
            Framing::Length(left) => {
                if self.received.is_empty() {
                    more(&mut self.stream, &mut self.received).await?;
                }
                let piece = self.received.split_to(self.received.len().min(left)).freeze();
                self.framing = Framing::Length(left - piece.len());
                Ok(Some(piece))
            }
            Framing::UntilClose => {
                if self.received.is_empty() && self.stream.read_buf(&mut self.received).await? == 0
                {
                    self.framing = Framing::Over;
                    return Ok(None);
                }
                Ok(Some(self.received.split().freeze()))
            }
        }
    }

    /// The next line of the body, without its newline; what is left over at the end counts as
    /// one. Not cancellation safe.
    pub async fn line(&mut self) -> io::Result<Option<String>> {
        loop {
            if let Some(end) = find(&self.line, b"\n") {
                let line = self.line.split_to(end);
                self.line.advance(1);
                return Ok(Some(String::from_utf8_lossy(&line).into_owned()));
            }
            let Some(chunk) = self.chunk().await? else {
                let rest = self.line.split();
                let rest = String::from_utf8_lossy(&rest).into_owned();
                return Ok((!rest.is_empty()).then_some(rest));
            };
            self.line.extend_from_slice(&chunk);
        }
    }

    /// The chunks up to the end of the body.
    pub async fn chunks(&mut self) -> io::Result<Vec<Bytes>> {
        let mut chunks = Vec::new();
        while let Some(chunk) = self.chunk().await? {
            chunks.push(chunk);
        }
        Ok(chunks)
    }

    /// The body.
    pub async fn body(&mut self) -> io::Result<Vec<u8>> {
        Ok(self.chunks().await?.concat())
    }

    /// Whether the chunks are chunks of HTTP.
    pub fn is_chunked(&self) -> bool {
        self.header("transfer-encoding") == Some("chunked")
    }

    async fn chunked(&mut self) -> io::Result<Option<Bytes>> {
        let end = loop {
            if let Some(end) = find(&self.received, b"\r\n") {
                break end;
            }
            more(&mut self.stream, &mut self.received).await?;
        };
        let size = self.received.split_to(end + 2);
        let size = std::str::from_utf8(&size).map_err(io::Error::other)?.trim();
        let size = usize::from_str_radix(size, 16).map_err(io::Error::other)?;
        while self.received.len() < size + 2 {
            more(&mut self.stream, &mut self.received).await?;
        }
        let chunk = self.received.split_to(size).freeze();
        self.received.advance(2);
        if size > 0 {
            return Ok(Some(chunk));
        }
        self.framing = Framing::Over;
        Ok(None)
    }
}

async fn more(stream: &mut Box<dyn Transport>, received: &mut BytesMut) -> io::Result<()> {
    match stream.read_buf(received).await? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        _ => Ok(()),
    }
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

fn tls(ca_pem: Option<&str>, identity: Option<(&str, &str)>) -> io::Result<Arc<ClientConfig>> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(ca_pem.unwrap_or_default().as_bytes()) {
        roots.add(certificate.map_err(io::Error::other)?).map_err(io::Error::other)?;
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_root_certificates(roots);
    let Some((certificate, key)) = identity else {
        return Ok(Arc::new(config.with_no_client_auth()));
    };
    let certificates = CertificateDer::pem_slice_iter(certificate.as_bytes())
        .collect::<Result<Vec<_>, _>>()
        .map_err(io::Error::other)?;
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).map_err(io::Error::other)?;
    config.with_client_auth_cert(certificates, key).map(Arc::new).map_err(io::Error::other)
}

fn invalid(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}
