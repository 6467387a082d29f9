//! The open port and the connections that came in by it, which end with it.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use rustls::ServerConfig;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::connection::{self, Connection, Order};
use super::shared::Shared;

/// The part that a stop ends.
pub(super) struct Listening {
    accepting: JoinHandle<()>,
    open: Arc<Mutex<Vec<Connection>>>,
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.accepting.abort();
        self.order(Order::Close);
    }
}

impl Listening {
    /// Listens at `address`, and says which port it became.
    pub(super) async fn start(
        address: SocketAddr,
        shared: &Arc<Shared>,
        tls: Option<&Arc<ServerConfig>>,
    ) -> io::Result<(Self, SocketAddr)> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let open = Arc::new(Mutex::new(Vec::new()));
        let accepting =
            tokio::spawn(accept(listener, Arc::clone(shared), tls.cloned(), Arc::clone(&open)));
        Ok((Self { accepting, open }, address))
    }

    /// Closes the port and all connections.
    pub(super) async fn stop(mut self) {
        // The port is free when the task is gone, not when it has been ordered to go.
        self.accepting.abort();
        let _ = (&mut self.accepting).await;
    }

    pub(super) fn order(&self, order: Order) {
        for connection in self.open.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            connection.order(order);
        }
    }
}

async fn accept(
    listener: TcpListener,
    shared: Arc<Shared>,
    tls: Option<Arc<ServerConfig>>,
    open: Arc<Mutex<Vec<Connection>>>,
) {
    let mut number = 0;
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        let (connection, orders) = Connection::new(number, shared.stamps.clone());
        number += 1;
        let mut connections = open.lock().unwrap_or_else(PoisonError::into_inner);
        connections.retain(Connection::is_open);
        connections.push(connection.clone());
        drop(connections);
        tokio::spawn(connection::serve(
            Arc::clone(&shared),
            stream,
            tls.clone(),
            connection,
            orders,
        ));
    }
}
