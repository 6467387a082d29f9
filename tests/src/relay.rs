//! A TCP relay between a client and a server that passes on, slows, stalls and cuts. It never looks
//! into what it carries, so that it is the same for TLS, HTTP/1.1 and HTTP/2.
//!
//! A stalled connection stays open and acknowledges nothing but TCP: what a dead peer behind a
//! load balancer looks like. For tests and benchmarks only: it listens on the loopback interface
//! and relays to one address.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

/// What happens to the bytes of a connection.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Flow {
    /// They are passed on at once.
    Pass,
    /// They are passed on in pieces of at most so many bytes, with a pause after each.
    Slow {
        /// Bytes in a piece; at least 1.
        bytes: usize,
        /// How long to wait before the next.
        pause: Duration,
    },
    /// They are neither read nor passed on, in both directions; the connection stays open.
    Stall,
    /// So many more bytes are passed on to the client, then the connection is cut.
    CutAfter {
        /// Bytes from the server that still arrive.
        bytes: usize,
    },
    /// The connection is closed at once.
    Cut,
}

/// How many bytes are read at a time.
const PIECE: usize = 16 * 1024;

/// A running relay, stopped when dropped: all its connections are closed then.
#[derive(Debug)]
pub struct Relay {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    /// What connections to come get.
    next: Mutex<Flow>,
    /// The connections there are; closed ones are forgotten when the next comes.
    open: Mutex<Vec<watch::Sender<Flow>>>,
    accepted: watch::Sender<usize>,
    open_now: watch::Sender<usize>,
}

impl Relay {
    /// Listens on a free port of 127.0.0.1 and relays to `server`, passing everything on.
    pub async fn start(server: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            next: Mutex::new(Flow::Pass),
            open: Mutex::default(),
            accepted: watch::Sender::new(0),
            open_now: watch::Sender::new(0),
        });
        let accepting = tokio::spawn(accept(listener, server, Arc::clone(&shared)));
        Ok(Self { address, shared, accepting })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The flow of all connections, of those to come too.
    pub fn set(&self, flow: Flow) {
        *lock(&self.shared.next) = flow;
        self.set_open(flow);
    }

    /// The flow of the connections that are open now; those to come are not concerned.
    pub fn set_open(&self, flow: Flow) {
        for connection in lock(&self.shared.open).iter() {
            connection.send_replace(flow);
        }
    }

    /// How many connections were ever accepted; waits for a number with `wait_for`.
    pub fn accepted(&self) -> watch::Receiver<usize> {
        self.shared.accepted.subscribe()
    }

    /// How many connections are open; waits for a number with `wait_for`.
    pub fn open(&self) -> watch::Receiver<usize> {
        self.shared.open_now.subscribe()
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        // The connections are tasks of this one.
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, server: SocketAddr, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        let client = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((client, _)) => client,
                Err(_) => continue,
            },
            Some(_) = connections.join_next() => continue,
        };
        let (sender, flow) = watch::channel(*lock(&shared.next));
        let mut open = lock(&shared.open);
        open.retain(|connection| connection.receiver_count() > 0);
        open.push(sender);
        drop(open);
        shared.accepted.send_modify(|count| *count += 1);
        let counted = Counted::new(&shared.open_now);
        connections.spawn(async move {
            let _counted = counted;
            // How a connection ends is for its two ends to judge.
            let _ = relay(client, server, flow).await;
        });
    }
}

/// Counts a connection while it is open.
struct Counted(watch::Sender<usize>);

impl Counted {
    fn new(count: &watch::Sender<usize>) -> Self {
        count.send_modify(|count| *count += 1);
        Self(count.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count -= 1);
    }
}

async fn relay(
    mut client: TcpStream,
    server: SocketAddr,
    mut flow: watch::Receiver<Flow>,
) -> io::Result<()> {
    let mut server = TcpStream::connect(server).await?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (from_client, to_client) = client.split();
    let (from_server, to_server) = server.split();
    let (up, down) = (flow.clone(), flow.clone());
    tokio::select! {
        result = async {
            tokio::try_join!(
                pass(from_client, to_server, up, Direction::Up),
                pass(from_server, to_client, down, Direction::Down),
            )
        } => result.map(|_| ()),
        _ = flow.wait_for(|flow| *flow == Flow::Cut) => Ok(()),
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Direction {
    Up,
    Down,
}

/// Passes one direction on until its end, which is passed on too; an error cuts the connection.
async fn pass(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut flow: watch::Receiver<Flow>,
    direction: Direction,
) -> io::Result<()> {
    let mut piece = vec![0; PIECE];
    let mut passed_since_order = 0;
    loop {
        let now = *flow.borrow_and_update();
        let most = match now {
            Flow::Slow { bytes, .. } => bytes.clamp(1, PIECE),
            Flow::CutAfter { bytes } if direction == Direction::Down => {
                let left = bytes.saturating_sub(passed_since_order);
                if left == 0 {
                    return Err(io::ErrorKind::ConnectionAborted.into());
                }
                left.min(PIECE)
            }
            Flow::Pass | Flow::CutAfter { .. } => PIECE,
            Flow::Stall | Flow::Cut => {
                if flow.changed().await.is_err() {
                    std::future::pending::<()>().await;
                }
                passed_since_order = 0;
                continue;
            }
        };
        let room = piece.get_mut(..most).unwrap_or_default();
        let length = tokio::select! {
            biased;
            Ok(()) = flow.changed() => {
                passed_since_order = 0;
                continue;
            }
            length = from.read(room) => length?,
        };
        if length == 0 {
            return to.shutdown().await;
        }
        to.write_all(piece.get(..length).unwrap_or_default()).await?;
        passed_since_order += length;
        if let Flow::Slow { pause, .. } = now {
            #[expect(
                clippy::disallowed_methods,
                reason = "the pause is the fault that is asked for"
            )]
            tokio::time::sleep(pause).await;
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A server that answers every byte with the next one, and a relay before it.
    async fn rig() -> (Relay, JoinHandle<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = tokio::spawn(async move {
            loop {
                let (mut socket, _) = listener.accept().await.unwrap();
                tokio::spawn(async move {
                    while let Ok(byte) = socket.read_u8().await {
                        if socket.write_all(&[byte + 1, byte + 2]).await.is_err() {
                            break;
                        }
                    }
                });
            }
        });
        (Relay::start(address).await.unwrap(), server)
    }

    async fn ask(client: &mut TcpStream, byte: u8) -> io::Result<[u8; 2]> {
        client.write_all(&[byte]).await?;
        let mut answer = [0; 2];
        client.read_exact(&mut answer).await?;
        Ok(answer)
    }

    #[tokio::test]
    async fn passes_stalls_and_goes_on() {
        let (relay, _server) = rig().await;
        let mut stalled = TcpStream::connect(relay.address()).await.unwrap();
        assert_eq!(ask(&mut stalled, 1).await.unwrap(), [2, 3]);
        relay.set_open(Flow::Stall);
        stalled.write_all(&[5]).await.unwrap();

        let mut other = TcpStream::connect(relay.address()).await.unwrap();
        let mut answer = [0; 2];
        tokio::select! {
            biased;
            _ = stalled.read_exact(&mut answer) => panic!("it was passed on"),
            other = ask(&mut other, 7) => assert_eq!(other.unwrap(), [8, 9]),
        }
        relay.set_open(Flow::Slow { bytes: 1, pause: Duration::from_micros(10) });
        stalled.read_exact(&mut answer).await.unwrap();
        assert_eq!(answer, [6, 7], "nothing is lost in a stall");
        assert_eq!((*relay.accepted().borrow(), *relay.open().borrow()), (2, 2));
    }

    #[tokio::test]
    async fn cuts_at_once_and_at_a_byte() {
        let (relay, _server) = rig().await;
        relay.set(Flow::CutAfter { bytes: 3 });
        let mut client = TcpStream::connect(relay.address()).await.unwrap();
        assert_eq!(ask(&mut client, 1).await.unwrap(), [2, 3]);
        client.write_all(&[1]).await.unwrap();
        let mut rest = Vec::new();
        let _ = client.read_to_end(&mut rest).await;
        assert_eq!(rest, [2], "the third byte is the last");

        relay.set(Flow::Pass);
        let mut client = TcpStream::connect(relay.address()).await.unwrap();
        assert_eq!(ask(&mut client, 1).await.unwrap(), [2, 3]);
        relay.set_open(Flow::Cut);
        assert!(ask(&mut client, 1).await.is_err());
        relay.open().wait_for(|open| *open == 0).await.unwrap();
    }
}
