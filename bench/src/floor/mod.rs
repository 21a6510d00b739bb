//! The physical limit: a process that takes the same requests, commits the same rows and hands on the same frames between the same
//! sockets, and does nothing else. It knows no users, no rules and no sessions.
//!
//! A socket's first frame is its number. Every frame after that begins with the number of the socket that gets the rest, in six digits.
//! Socket.IO is at the requests' port, see [`socketio`]. A request says whose it is and who is called in the headers `caller` and `callee`.

mod commits;
mod requests;
mod socketio;
mod sockets;

use std::{path::Path, sync::Arc};

use anyhow::Result;
use tokio::net::{TcpListener, TcpSocket};

pub use self::sockets::TARGET;
use self::{commits::Commits, sockets::Sockets};

/// Serves sockets at one port, requests at another, until it is killed.
///
/// # Errors
/// Where it cannot listen, or has no database.
pub async fn serve(sockets_at: &str, requests_at: &str, database: &Path) -> Result<()> {
    let sockets = Arc::new(Sockets::default());
    let commits = Commits::open(database)?;
    let (listener, requests) = (listen(sockets_at)?, listen(requests_at)?);
    tokio::try_join!(sockets.clone().serve(listener), requests::serve(requests, sockets, commits))?;
    Ok(())
}

fn listen(address: &str) -> Result<TcpListener> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(address.parse()?)?;
    Ok(socket.listen(4096)?)
}
