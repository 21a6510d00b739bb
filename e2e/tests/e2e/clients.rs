//! Clients that other people wrote: each runs a whole call between two of its kind.

use anyhow::Result;
use ringback_e2e::{Script, Server, pair, run_script};

async fn whole_call(name: &'static str, script: Script) -> Result<()> {
    let (alice, bob, room) = pair().await?;
    let server = Server::start(name).await?;
    run_script(script, &server, &alice, &bob, &room).await.map(drop)
}

#[tokio::test]
async fn socket_io_v4_by_websocket() -> Result<()> {
    whole_call("socket_io_v4_by_websocket", Script::JavaScript("socket.io-client", "websocket")).await
}

#[tokio::test]
async fn socket_io_v4_by_polling() -> Result<()> {
    whole_call("socket_io_v4_by_polling", Script::JavaScript("socket.io-client", "polling")).await
}

#[tokio::test]
async fn socket_io_v4_by_upgrade() -> Result<()> {
    whole_call("socket_io_v4_by_upgrade", Script::JavaScript("socket.io-client", "polling,websocket")).await
}

#[tokio::test]
async fn socket_io_v2_by_websocket() -> Result<()> {
    whole_call("socket_io_v2_by_websocket", Script::JavaScript("socket.io-client-v2", "websocket")).await
}

#[tokio::test]
async fn python_socketio_by_websocket() -> Result<()> {
    whole_call("python_socketio_by_websocket", Script::Python("websocket")).await
}

#[tokio::test]
async fn python_socketio_by_polling() -> Result<()> {
    whole_call("python_socketio_by_polling", Script::Python("polling")).await
}
