//! Bare Socket.IO: the library that Ringback uses, and nothing else.
//!
//! A client enters with the event `enter` and its number. Every event after that is named by the number of the socket that gets its
//! object.

use std::{convert::Infallible, sync::Arc};

use axum::extract::{OriginalUri, Request};
use serde_json::value::RawValue;
use socketioxide::{
    SocketIo,
    adapter::LocalAdapter,
    extract::SocketRef,
    handler::{ConnectHandler as _, FromMessageParts},
    layer::SocketIoLayer,
    socket::Socket,
};

use super::sockets::{BUFFER, Outlet, REGISTERED, Sockets, WAITING};

/// The layer that serves it.
pub fn layer(sockets: Arc<Sockets>) -> SocketIoLayer {
    let builder = SocketIo::builder().ws_read_buffer_size(BUFFER).max_buffer_size(WAITING);
    let (layer, io) = builder.build_layer();
    let connecting = move |socket: SocketRef| {
        let (sockets, sender) = (sockets.clone(), socket.clone());
        socket.on_fallback(move |Packet(packet): Packet| {
            take(&sockets, &sender, &packet);
            std::future::ready(())
        });
        std::future::ready(Ok::<(), Infallible>(()))
    };
    io.ns("/", (|| std::future::ready(())).with(connecting));
    layer
}

/// The request without what was read with it: the library would hold on to all of that.
pub fn own_head(request: Request) -> Request {
    let (mut head, body) = request.into_parts();
    head.headers =
        head.headers.iter().filter_map(|(name, value)| Some((name.clone(), value.to_str().ok()?.parse().ok()?))).collect();
    head.uri = head.uri.to_string().parse().unwrap_or_default();
    head.extensions.remove::<OriginalUri>();
    Request::from_parts(head, body)
}

struct Packet(String);

impl FromMessageParts<LocalAdapter> for Packet {
    type Error = Infallible;

    fn from_message_parts(
        _: &Arc<Socket<LocalAdapter>>,
        value: &mut socketioxide_core::Value,
        _: &Option<i64>,
    ) -> Result<Self, Infallible> {
        Ok(Self(value.as_str().map(|text| text.as_str().to_owned()).unwrap_or_default()))
    }
}

fn take(sockets: &Sockets, sender: &SocketRef, packet: &str) {
    let parts = packet.strip_prefix("[\"").and_then(|packet| packet.strip_suffix(']')?.split_once("\","));
    match parts {
        Some(("enter", number)) => {
            sockets.enter(number.parse().unwrap_or_default(), Outlet::SocketIo(sender.clone()));
            emit(sender, REGISTERED);
        }
        Some((target, frame)) => sockets.send(target.parse().unwrap_or_default(), frame.into()),
        None => {}
    }
}

/// Sends a frame as the event that it names as its `type`.
pub fn emit(socket: &SocketRef, frame: &str) {
    let name = frame.split('"').nth(3).unwrap_or_default();
    if let Ok(frame) = serde_json::from_str::<&RawValue>(frame) {
        let _ = socket.emit(name, frame);
    }
}
