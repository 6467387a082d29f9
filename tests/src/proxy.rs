//! A real, small proxy before the scripted server: CONNECT in the clear and over TLS, and SOCKS5,
//! distinguished by their first byte. Whatever it is asked for, it leads to the one server, and it
//! remembers what that was. For tests only: it listens on the loopback interface.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufStream};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;

use crate::apiserver::{Server, StartError};

/// One request for a way through.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ProxyRequest {
    /// `CONNECT`, `CONNECT over TLS` or `SOCKS5`.
    pub how: &'static str,
    /// Host and port that it asked for.
    pub target: String,
    /// `user:password` that it showed.
    pub credentials: Option<String>,
}

/// A running proxy, stopped when dropped.
pub struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

struct Shared {
    server: SocketAddr,
    tls: TlsAcceptor,
    /// `user:password`, where they are asked for.
    credentials: Option<String>,
    asked: Mutex<Vec<ProxyRequest>>,
}

impl Proxy {
    /// A proxy before this server; over TLS it has a certificate of the same authority.
    pub async fn before(server: &Server, credentials: Option<&str>) -> Result<Self, StartError> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            server: server.address(),
            tls: TlsAcceptor::from(server.other_tls()?),
            credentials: credentials.map(str::to_owned),
            asked: Mutex::default(),
        });
        let accepting = tokio::spawn(accept(listener, Arc::clone(&shared)));
        Ok(Self { address, shared, accepting })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it was asked for so far.
    pub fn asked(&self) -> Vec<ProxyRequest> {
        self.shared.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        // The connections are tasks of this one.
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                if let Ok((client, _)) = accepted {
                    connections.spawn(serve(client, Arc::clone(&shared)));
                }
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn serve(client: TcpStream, shared: Arc<Shared>) -> io::Result<()> {
    let mut first = [0];
    client.peek(&mut first).await?;
    match first {
        [0x16] => {
            let client = shared.tls.accept(client).await?;
            connect(client, "CONNECT over TLS", &shared).await
        }
        [5] => socks(client, &shared).await,
        _ => connect(client, "CONNECT", &shared).await,
    }
}

impl Shared {
    /// Remembers the request, and says whether it may go through.
    fn admits(&self, asked: ProxyRequest) -> bool {
        let admitted = self.credentials.is_none() || self.credentials == asked.credentials;
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).push(asked);
        admitted
    }
}

async fn connect(
    client: impl AsyncRead + AsyncWrite + Unpin,
    how: &'static str,
    shared: &Shared,
) -> io::Result<()> {
    let mut client = BufStream::new(client);
    let mut asked = ProxyRequest { how, target: String::new(), credentials: None };
    loop {
        let mut line = String::new();
        client.read_line(&mut line).await?;
        let line = line.trim_end();
        if line.is_empty() {
            break;
        }
        if let Some(rest) = line.strip_prefix("CONNECT ") {
            asked.target = rest.split(' ').next().unwrap_or_default().to_owned();
        }
        let (name, value) = line.split_once(": ").unwrap_or_default();
        if name.eq_ignore_ascii_case("proxy-authorization") {
            asked.credentials = value
                .strip_prefix("Basic ")
                .and_then(|text| STANDARD.decode(text).ok())
                .and_then(|bytes| String::from_utf8(bytes).ok());
        }
    }
    let answer = if asked.target.is_empty() {
        "HTTP/1.1 405 Method Not Allowed\r\n\r\n"
    } else if shared.admits(asked) {
        "HTTP/1.1 200 Connection established\r\n\r\n"
    } else {
        "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\n\r\n"
    };
    client.write_all(answer.as_bytes()).await?;
    client.flush().await?;
    if answer.contains(" 200 ") { splice(client, shared).await } else { client.shutdown().await }
}

/// RFC 1928, with names and IPv4 addresses, and RFC 1929.
async fn socks(mut client: TcpStream, shared: &Shared) -> io::Result<()> {
    let _version = client.read_u8().await?;
    let methods = text(&mut client).await?;
    let mut credentials = None;
    if methods.contains('\u{2}') {
        client.write_all(&[5, 2]).await?;
        let _version = client.read_u8().await?;
        credentials = Some(format!("{}:{}", text(&mut client).await?, text(&mut client).await?));
        client.write_all(&[1, 0]).await?;
    } else {
        client.write_all(&[5, 0]).await?;
    }
    let mut head = [0; 4];
    client.read_exact(&mut head).await?;
    let host = if head.ends_with(&[3]) {
        text(&mut client).await?
    } else {
        Ipv4Addr::from(client.read_u32().await?).to_string()
    };
    let target = format!("{host}:{}", client.read_u16().await?);
    let admitted = shared.admits(ProxyRequest { how: "SOCKS5", target, credentials });
    client.write_all(&[5, u8::from(!admitted), 0, 1, 0, 0, 0, 0, 0, 0]).await?;
    if admitted { splice(client, shared).await } else { Ok(()) }
}

/// A length and so many bytes.
async fn text(client: &mut TcpStream) -> io::Result<String> {
    let mut bytes = vec![0; client.read_u8().await?.into()];
    client.read_exact(&mut bytes).await?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

async fn splice(
    mut client: impl AsyncRead + AsyncWrite + Unpin,
    shared: &Shared,
) -> io::Result<()> {
    let mut server = TcpStream::connect(shared.server).await?;
    tokio::io::copy_bidirectional(&mut client, &mut server).await?;
    Ok(())
}
