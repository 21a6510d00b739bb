//! From an address to an open WebSocket.

use std::sync::Arc;

use reqwest::{StatusCode, Url};
use rustls::{ClientConfig, RootCertStore, crypto::ring};
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{
    Connector, MaybeTlsStream, WebSocketStream, connect_async_tls_with_config,
    tungstenite::{Error as SocketError, protocol::WebSocketConfig},
};

use crate::{Error, http::CONNECT_WITHIN};

/// How much is read at once, in bytes.
const READ_BUFFER: usize = 8 * 1024;

/// The WebSocket's address, from Ringback's in any of its forms.
pub(super) fn socket_address(url: &str) -> Result<String, Error> {
    let bad = |why: String| Error::Address { address: url.to_owned(), why };
    let mut address = Url::parse(url.trim()).map_err(|error| bad(error.to_string()))?;
    let scheme = match address.scheme() {
        "http" | "ws" => "ws",
        "https" | "wss" => "wss",
        _ => return Err(bad("it should begin with http://, https://, ws:// or wss://".to_owned())),
    };
    // `Url::set_scheme` refuses nothing among these four.
    let _ = address.set_scheme(scheme);
    let path = address.path().trim_end_matches('/');
    let path = if path.ends_with("/ws") { path.to_owned() } else { format!("{path}/ws") };
    address.set_path(&path);
    Ok(address.into())
}

pub(super) async fn open(address: &str) -> Result<WebSocketStream<MaybeTlsStream<TcpStream>>, Error> {
    let unreachable = |why: String| Error::Unreachable { address: address.to_owned(), why };
    let connector = if address.starts_with("wss:") { Some(tls().map_err(unreachable)?) } else { None };
    // The library's own default reserves 128 KiB for each connection.
    let config = WebSocketConfig::default().read_buffer_size(READ_BUFFER);
    // Without Nagle's algorithm: a candidate must not wait for an acknowledgement.
    let opening = connect_async_tls_with_config(address, Some(config), true, connector);
    match timeout(CONNECT_WITHIN, opening).await {
        Ok(Ok((stream, _))) => Ok(stream),
        Ok(Err(SocketError::Http(response))) => {
            let status = StatusCode::from_u16(response.status().as_u16()).unwrap_or_default();
            let text = String::from_utf8_lossy(response.body().as_deref().unwrap_or_default()).into_owned();
            let error = Error::from_answer(address, status, &text);
            let refused = error.body().is_some();
            Err(if refused { error } else { Error::unreadable(address, status, "it did not open a WebSocket", &text) })
        }
        Ok(Err(SocketError::Io(error))) => Err(unreachable(error.to_string())),
        Ok(Err(error)) => Err(unreachable(error.to_string())),
        Err(_) => Err(unreachable(format!("no answer in {} s", CONNECT_WITHIN.as_secs()))),
    }
}

/// The library's own choice of a TLS provider panics where two are compiled in, as the HTTP client's and ours are.
fn tls() -> Result<Connector, String> {
    let mut roots = RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        return Err("this machine has no TLS root certificates (package ca-certificates)".to_owned());
    }
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Connector::Rustls(Arc::new(config)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_the_address_leads_to_the_socket() {
        for (given, address) in [
            ("http://localhost:3000", "ws://localhost:3000/ws"),
            ("http://localhost:3000/", "ws://localhost:3000/ws"),
            ("ws://localhost:3000/ws", "ws://localhost:3000/ws"),
            ("https://example.org/ringback/", "wss://example.org/ringback/ws"),
            ("wss://[2001:db8::1]/ws/", "wss://[2001:db8::1]/ws"),
        ] {
            assert_eq!(socket_address(given).unwrap(), address, "{given}");
        }
        assert!(socket_address("localhost:3000").is_err() && socket_address("").is_err());
    }

    #[test]
    fn tls_has_its_provider() {
        assert!(tls().is_ok() || rustls_native_certs::load_native_certs().certs.is_empty());
    }
}
