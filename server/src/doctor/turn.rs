//! Asking STUN and TURN servers: a binding (RFC 8489), an allocation (RFC 8656) that is given back at once.

use std::{net::SocketAddr, time::Duration};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::UdpSocket,
    time::timeout,
};
use turn_types::{
    attribute::{Lifetime, RequestedTransport, XorRelayedAddress},
    message::{ALLOCATE, REFRESH},
    stun::{
        attribute::{ErrorCode, Nonce, Realm, Username, XorMappedAddress},
        message::{
            BINDING, IntegrityAlgorithm, LongTermKeyCredentials, Message, MessageHeader, MessageIntegrityCredentials,
            MessageWrite as _, MessageWriteExt as _, MessageWriteVec, Method, StunParseError, StunWriteError,
        },
    },
};

use super::net::{Io, Net, Trouble};

/// When a request by UDP is sent again, and after the last when it is given up.
const RETRIES: [Duration; 4] =
    [Duration::from_millis(300), Duration::from_millis(600), Duration::from_millis(900), Duration::from_millis(1200)];
/// How long an answer by TCP may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// UDP, as the IP header has it.
const UDP: u8 = 17;
const HEADER: usize = 20;

/// How a server is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// Datagrams.
    Udp,
    /// A stream.
    Tcp,
    /// A stream, with TLS.
    Tls,
}

impl Transport {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Udp => "UDP",
            Self::Tcp => "TCP",
            Self::Tls => "TLS",
        }
    }
}

/// A `stun:`, `turn:` or `turns:` URI (RFC 7064, RFC 7065).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Uri {
    /// The host.
    pub host: String,
    /// The port, which has a default.
    pub port: u16,
    /// The transport, which has a default.
    pub transport: Transport,
    /// Whether it is a relay.
    pub is_turn: bool,
}

impl Uri {
    /// Reads one.
    pub fn parse(text: &str) -> Option<Self> {
        let (scheme, rest) = text.split_once(':')?;
        let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
        let tls = matches!(scheme, "turns" | "stuns");
        let by_tcp = query.split('&').any(|part| part == "transport=tcp");
        let transport = if tls {
            Transport::Tls
        } else if by_tcp {
            Transport::Tcp
        } else {
            Transport::Udp
        };
        let default = if tls { 5349 } else { 3478 };
        let (host, port) = match place.rsplit_once(':') {
            Some((host, port)) if !host.contains(':') || host.ends_with(']') => (host, port.parse().ok()?),
            _ => (place, default),
        };
        let is_turn = matches!(scheme, "turn" | "turns");
        (is_turn || matches!(scheme, "stun" | "stuns")).then(|| Self { host: host.to_owned(), port, transport, is_turn })
    }
}

/// Why a server did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refused {
    /// It cannot be reached.
    NoWay(String),
    /// It is there, and its TLS is no good.
    Tls(Trouble),
    /// It says no.
    Error {
        /// Of RFC 8489 and RFC 8656.
        code: u16,
        /// In its words.
        reason: String,
    },
    /// What comes back is of no use.
    Nonsense(String),
}

impl From<StunWriteError> for Refused {
    fn from(error: StunWriteError) -> Self {
        Self::Nonsense(error.to_string())
    }
}

impl From<StunParseError> for Refused {
    fn from(error: StunParseError) -> Self {
        Self::Nonsense(format!("what answers does not speak STUN ({error})"))
    }
}

impl From<Trouble> for Refused {
    fn from(trouble: Trouble) -> Self {
        let is_tls = matches!(trouble, Trouble::Certificate(_) | Trouble::Tls(_) | Trouble::NotTls);
        if is_tls { Self::Tls(trouble) } else { Self::NoWay(trouble.to_string()) }
    }
}

/// A way to a server.
enum Way {
    Datagrams(UdpSocket),
    Stream(Box<dyn Io>),
}

/// Asks a server which address we come from.
///
/// # Errors
/// Why it did not say.
pub async fn bind(net: &Net, uri: &Uri) -> Result<SocketAddr, Refused> {
    let mut way = open(net, uri).await?.0;
    let answer = way.exchange(&Message::builder_request(BINDING, MessageWriteVec::new()).finish()).await?;
    let answer = Message::from_bytes(&answer)?;
    let mapped = answer
        .attribute::<XorMappedAddress>()
        .map_err(|_| Refused::Nonsense("it does not say which address it sees".to_owned()))?;
    Ok(mapped.addr(answer.transaction_id()))
}

/// Asks a server for a relay, and gives it back: the relay's address, and the server's.
///
/// # Errors
/// Why there is none.
pub async fn allocate(net: &Net, uri: &Uri, username: &str, password: &str) -> Result<(SocketAddr, SocketAddr), Refused> {
    let (mut way, server) = open(net, uri).await?;
    let asked = way.exchange(&allocation(None)?).await?;
    let asked = Message::from_bytes(&asked)?;
    let (code, reason) = error_of(&asked);
    let (Ok(realm), Ok(nonce)) = (asked.attribute::<Realm>(), asked.attribute::<Nonce>()) else {
        return Err(Refused::Error { code, reason });
    };
    let mut login = Login {
        username: username.to_owned(),
        realm: realm.realm().to_owned(),
        nonce: nonce.nonce().to_owned(),
        credentials: LongTermKeyCredentials::new(username.to_owned(), password.to_owned(), realm.realm().to_owned()).into(),
    };
    let mut answer = way.exchange(&allocation(Some(&login))?).await?;
    // 438: the nonce has grown old meanwhile, and a new one comes.
    if error_of(&Message::from_bytes(&answer)?).0 == 438
        && let Ok(nonce) = Message::from_bytes(&answer)?.attribute::<Nonce>()
    {
        nonce.nonce().clone_into(&mut login.nonce);
        answer = way.exchange(&allocation(Some(&login))?).await?;
    }
    let answer = Message::from_bytes(&answer)?;
    let Ok(relayed) = answer.attribute::<XorRelayedAddress>() else {
        let (code, reason) = error_of(&answer);
        return Err(Refused::Error { code, reason });
    };
    // A relay that nobody gives back goes by itself, after ten minutes.
    let _ = way.exchange(&login.sign(REFRESH, &Lifetime::new(0))?).await;
    Ok((relayed.addr(answer.transaction_id()), server))
}

/// Who asks, as TURN wants to know it.
struct Login {
    username: String,
    realm: String,
    nonce: String,
    credentials: MessageIntegrityCredentials,
}

impl Login {
    fn sign(&self, method: Method, attribute: &dyn turn_types::stun::attribute::AttributeWrite) -> Result<Vec<u8>, Refused> {
        let mut request = Message::builder_request(method, MessageWriteVec::new());
        request.add_attribute(attribute)?;
        request.add_attribute(&Username::new(&self.username)?)?;
        request.add_attribute(&Realm::new(&self.realm)?)?;
        request.add_attribute(&Nonce::new(&self.nonce)?)?;
        request.add_message_integrity(&self.credentials, IntegrityAlgorithm::Sha1)?;
        Ok(request.finish())
    }
}

fn allocation(login: Option<&Login>) -> Result<Vec<u8>, Refused> {
    let transport = RequestedTransport::new(UDP);
    if let Some(login) = login {
        return login.sign(ALLOCATE, &transport);
    }
    let mut request = Message::builder_request(ALLOCATE, MessageWriteVec::new());
    request.add_attribute(&transport)?;
    Ok(request.finish())
}

fn error_of(answer: &Message<'_>) -> (u16, String) {
    answer
        .attribute::<ErrorCode>()
        .map_or((0, "an answer that makes no sense".to_owned()), |error| (error.code(), error.reason().to_owned()))
}

async fn open(net: &Net, uri: &Uri) -> Result<(Way, SocketAddr), Refused> {
    if uri.transport != Transport::Udp {
        let stream = net.connect(&uri.host, uri.port).await?;
        let server = stream.peer_addr().map_err(|error| Refused::NoWay(error.to_string()))?;
        let stream: Box<dyn Io> =
            if uri.transport == Transport::Tls { net.secure(stream, &uri.host).await?.0 } else { Box::new(stream) };
        return Ok((Way::Stream(stream), server));
    }
    let found = net.addresses(&uri.host, uri.port).await?;
    let no_way = |error: std::io::Error| Refused::NoWay(error.to_string());
    let Some(server) = found.iter().find(|address| address.is_ipv4()).or(found.first()).copied() else {
        return Err(Refused::NoWay("the name has no address".to_owned()));
    };
    let socket = UdpSocket::bind(if server.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" }).await.map_err(no_way)?;
    socket.connect(server).await.map_err(no_way)?;
    Ok((Way::Datagrams(socket), server))
}

impl Way {
    async fn exchange(&mut self, request: &[u8]) -> Result<Vec<u8>, Refused> {
        match self {
            Self::Datagrams(socket) => by_datagrams(socket, request).await,
            Self::Stream(stream) => timeout(PATIENCE, by_stream(stream, request))
                .await
                .unwrap_or_else(|_| Err(Refused::NoWay(format!("no answer within {} s", PATIENCE.as_secs())))),
        }
    }
}

async fn by_datagrams(socket: &UdpSocket, request: &[u8]) -> Result<Vec<u8>, Refused> {
    let refused = |error: std::io::Error| {
        let is_closed = error.kind() == std::io::ErrorKind::ConnectionRefused;
        Refused::NoWay(if is_closed { "nothing listens there".to_owned() } else { error.to_string() })
    };
    let mut answer = vec![0; 2048];
    for patience in RETRIES {
        socket.send(request).await.map_err(refused)?;
        if let Ok(read) = timeout(patience, socket.recv(&mut answer)).await {
            answer.truncate(read.map_err(refused)?);
            return Ok(answer);
        }
    }
    Err(Refused::NoWay(format!("no answer within {} s", RETRIES.iter().sum::<Duration>().as_secs())))
}

async fn by_stream(stream: &mut Box<dyn Io>, request: &[u8]) -> Result<Vec<u8>, Refused> {
    let broken = |error: std::io::Error| Refused::NoWay(format!("it hung up ({error})"));
    stream.write_all(request).await.map_err(broken)?;
    let mut answer = vec![0; HEADER];
    stream.read_exact(&mut answer).await.map_err(broken)?;
    let length: usize = MessageHeader::from_bytes(&answer)?.data_length().into();
    answer.resize(HEADER + length, 0);
    stream.read_exact(&mut answer[HEADER..]).await.map_err(broken)?;
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uris_have_defaults() {
        let uri = |host: &str, port, transport, is_turn| Some(Uri { host: host.to_owned(), port, transport, is_turn });
        assert_eq!(Uri::parse("stun:stun.example.org"), uri("stun.example.org", 3478, Transport::Udp, false));
        assert_eq!(Uri::parse("turn:t:3479?transport=tcp"), uri("t", 3479, Transport::Tcp, true));
        assert_eq!(Uri::parse("turns:t"), uri("t", 5349, Transport::Tls, true));
        assert_eq!(Uri::parse("turn:[2001:db8::1]:1"), uri("[2001:db8::1]", 1, Transport::Udp, true));
        assert_eq!(Uri::parse("http://t"), None);
    }
}
