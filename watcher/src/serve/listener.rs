//! Where clients come in: a TCP address or a Unix socket. It must never decide who may.

use std::io;
#[cfg(unix)]
use std::net::Ipv4Addr;
use std::net::{IpAddr, SocketAddr};

use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
#[cfg(unix)]
use tokio::net::{UnixListener, UnixStream};

/// What the kernel may hold of a response that a client does not read, about.
const SEND_BUFFER: usize = 64 << 10;

/// A listening socket.
#[derive(Debug)]
pub enum Listener {
    /// At an address.
    Tcp(TcpListener),
    /// At a path. All its clients are one peer: the permissions of the path say who they are.
    #[cfg(unix)]
    Unix(UnixListener),
}

/// A client that has come in.
pub(super) enum Accepted {
    Tcp(TcpStream),
    #[cfg(unix)]
    Unix(UnixStream),
}

/// The socket of a client.
pub(super) trait Socket: AsyncRead + AsyncWrite + Unpin + Send + 'static {
    /// Sets what makes it quick and small. These are wishes: without them the connection works too.
    fn prepare(&self);

    /// Writes what fits, without waiting.
    fn write_now(&self, bytes: &[u8]) -> io::Result<usize>;
}

impl Listener {
    /// Its address; a path has none.
    pub(super) fn address(&self) -> io::Result<Option<SocketAddr>> {
        match self {
            Self::Tcp(listener) => listener.local_addr().map(Some),
            #[cfg(unix)]
            Self::Unix(_) => Ok(None),
        }
    }

    /// The next client, and the address by which it is counted. Cancel safe.
    pub(super) async fn accept(&self) -> io::Result<(Accepted, IpAddr)> {
        match self {
            Self::Tcp(listener) => {
                let (stream, address) = listener.accept().await?;
                Ok((Accepted::Tcp(stream), address.ip()))
            }
            #[cfg(unix)]
            Self::Unix(listener) => {
                let (stream, _) = listener.accept().await?;
                Ok((Accepted::Unix(stream), Ipv4Addr::LOCALHOST.into()))
            }
        }
    }
}

impl From<TcpListener> for Listener {
    fn from(listener: TcpListener) -> Self {
        Self::Tcp(listener)
    }
}

#[cfg(unix)]
impl From<UnixListener> for Listener {
    fn from(listener: UnixListener) -> Self {
        Self::Unix(listener)
    }
}

impl Socket for TcpStream {
    fn prepare(&self) {
        let _ = self.set_nodelay(true);
        let _ = SockRef::from(self).set_send_buffer_size(SEND_BUFFER);
    }

    fn write_now(&self, bytes: &[u8]) -> io::Result<usize> {
        self.try_write(bytes)
    }
}

#[cfg(unix)]
impl Socket for UnixStream {
    fn prepare(&self) {
        let _ = SockRef::from(self).set_send_buffer_size(SEND_BUFFER);
    }

    fn write_now(&self, bytes: &[u8]) -> io::Result<usize> {
        self.try_write(bytes)
    }
}
