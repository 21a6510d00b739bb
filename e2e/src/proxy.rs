//! A network that loses connections.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::{Context as _, Result};
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    task::{AbortHandle, JoinHandle, JoinSet},
};

use crate::Random;

/// A TCP proxy on loopback, whose connections can be cut: neither side hears a goodbye. Dropping it ends it.
#[derive(Debug)]
pub struct Proxy {
    /// Where it listens.
    pub address: String,
    connections: Arc<Mutex<JoinSet<()>>>,
    listening: JoinHandle<()>,
}

impl Proxy {
    /// One that forwards to this address.
    ///
    /// # Errors
    /// Where no port is free.
    pub async fn start(target: &str) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.context("no port")?;
        let address = listener.local_addr().context("no address")?.to_string();
        let connections = Arc::new(Mutex::new(JoinSet::new()));
        let (open, target) = (connections.clone(), target.to_owned());
        let listening = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let target = target.clone();
                open.lock().unwrap_or_else(PoisonError::into_inner).spawn(forward(client, target));
            }
        });
        Ok(Self { address, connections, listening })
    }

    /// Cuts every connection that is open. Says how many there were.
    pub fn cut_all(&self) -> usize {
        let mut connections = self.connections.lock().unwrap_or_else(PoisonError::into_inner);
        while connections.try_join_next().is_some() {}
        let open = connections.len();
        connections.abort_all();
        open
    }

    /// Cuts every connection each time that `random` says so, until the handle is aborted.
    #[must_use]
    pub fn cut_every(self: &Arc<Self>, from_ms: u64, to_ms: u64, mut random: Random) -> AbortHandle {
        let proxy = self.clone();
        let cutting = async move {
            loop {
                tokio::time::sleep(random.millis(from_ms, to_ms)).await;
                proxy.cut_all();
            }
        };
        tokio::spawn(cutting).abort_handle()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

async fn forward(mut client: TcpStream, target: String) {
    let Ok(Ok(mut server)) = tokio::time::timeout(Duration::from_secs(5), TcpStream::connect(target)).await else { return };
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let _ = copy_bidirectional(&mut client, &mut server).await;
}
