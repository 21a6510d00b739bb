//! The network as a client sees it: names, connections, TLS, one HTTP request. Whatever goes wrong has a name of its own.

use std::{
    collections::HashMap,
    fmt, io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use rustls::pki_types::ServerName;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    sync::OnceCell,
    time::timeout,
};
use tokio_rustls::TlsConnector;
use url::{Host, Url};

use super::tls::{BadCertificate, Shown, Tls};

/// How long one answer may take, whole.
pub const PATIENCE: Duration = Duration::from_secs(10);
/// How long a connection may take.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);
/// How much of an answer is read.
const MOST: usize = 512 * 1024;

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// The name has no address.
    NoName(String),
    /// Nobody listens at the port.
    Refused(SocketAddr),
    /// Nobody says even that.
    Silent(SocketAddr),
    /// There is no way there.
    NoWay(SocketAddr, String),
    /// What listens there does not speak TLS.
    NotTls,
    /// What listens there speaks TLS, and was asked without.
    OnlyTls,
    /// Its certificate is refused.
    Certificate(BadCertificate),
    /// TLS fails for another reason.
    Tls(String),
    /// It took the request, and did not answer in time.
    Slow,
    /// It took the request, and hung up.
    Broken(String),
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoName(why) => write!(f, "the name has no address ({why})"),
            Self::Refused(at) => write!(f, "nothing listens at {at} (connection refused)"),
            Self::Silent(at) => {
                write!(f, "{at} does not answer within {} s (a firewall, or the wrong address)", CONNECT_WITHIN.as_secs())
            }
            Self::NoWay(at, why) => write!(f, "there is no way to {at} ({why})"),
            Self::NotTls => f.write_str("what listens there does not speak TLS"),
            Self::OnlyTls => f.write_str("what listens there speaks TLS, and was asked by http"),
            Self::Certificate(BadCertificate::Expired) => f.write_str("its certificate has expired"),
            Self::Certificate(BadCertificate::NotYet) => f.write_str("its certificate is not valid yet"),
            Self::Certificate(BadCertificate::OtherName(names)) => {
                write!(f, "its certificate is for another name ({})", names.join(", "))
            }
            Self::Certificate(BadCertificate::SelfSigned) => f.write_str("its certificate is self-signed, and nobody trusts it"),
            Self::Certificate(BadCertificate::UnknownIssuer { issuer, .. }) => {
                write!(f, "its certificate is by somebody who is not trusted ({issuer})")
            }
            Self::Certificate(BadCertificate::Other(why)) => write!(f, "its certificate is refused ({why})"),
            Self::Tls(why) => write!(f, "TLS fails ({why})"),
            Self::Slow => write!(f, "no answer within {} s", PATIENCE.as_secs()),
            Self::Broken(why) => write!(f, "it hung up ({why})"),
        }
    }
}

impl Trouble {
    /// What mends it; `who` is what should be there.
    pub fn remedy(&self, host: &str, who: &str) -> String {
        match self {
            Self::NoName(_) => format!("add a DNS record (A, AAAA) for {host}, or correct the name"),
            Self::Refused(at) => format!("see that {who} runs and listens at port {}, or correct the address", at.port()),
            Self::Silent(at) => format!("open TCP port {} in the firewall of {host}, or correct its DNS record", at.port()),
            Self::NoWay(..) => format!("correct the DNS record of {host}, or the routes of this network"),
            Self::NotTls => format!("give {host} a certificate at this port (nginx: `listen 443 ssl;`), or write http:// and not https://"),
            Self::OnlyTls => "write https:// and not http://".to_owned(),
            Self::Certificate(BadCertificate::Expired) => {
                format!("renew the certificate of {host} (`certbot renew`), then reload the proxy")
            }
            Self::Certificate(BadCertificate::NotYet) => format!("set the clock of the machine that made the certificate of {host}, or of this one"),
            Self::Certificate(BadCertificate::OtherName(_)) => {
                format!("get a certificate for {host}, and name it in the proxy's server block for {host} (nginx: `ssl_certificate`)")
            }
            Self::Certificate(BadCertificate::SelfSigned) => {
                format!("get a certificate for {host} from an authority that devices trust (Let's Encrypt: certbot, Caddy)")
            }
            Self::Certificate(BadCertificate::UnknownIssuer { alone: true, .. }) => {
                "name the whole chain (nginx: `ssl_certificate …/fullchain.pem;`); for an authority of your own, every device must \
                 trust it, and doctor by --ca-file"
                    .to_owned()
            }
            Self::Certificate(BadCertificate::UnknownIssuer { alone: false, .. } | BadCertificate::Other(_)) | Self::Tls(_) => {
                format!("get a certificate for {host} from an authority that devices trust; for one of your own use --ca-file")
            }
            Self::Slow => format!("see the log of {who}, and the proxy's timeouts"),
            Self::Broken(_) => format!("see the log of {who} and of the proxy in front of it"),
        }
    }
}

/// One answer.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body, as text.
    pub text: String,
}

impl Answer {
    /// Its body as JSON.
    pub fn json(&self) -> Option<serde_json::Value> {
        serde_json::from_str(&self.text).ok()
    }

    /// Whether it is a page for people.
    pub fn is_html(&self) -> bool {
        let kind = self.headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        kind.starts_with("text/html") || self.text.trim_start().starts_with('<')
    }

    /// What it is, in a few words.
    pub fn gist(&self) -> String {
        let what = if self.is_html() { "an HTML page".to_owned() } else { self.text.trim().chars().take(60).collect::<String>() };
        if what.is_empty() { self.status.to_string() } else { format!("{} {what}", self.status) }
    }
}

/// A connection, with TLS or without.
pub trait Io: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Io for T {}

/// The scheme, host and port of an address.
type Origin = (String, String, u16);

/// What is known of an origin: when its certificate ends, or why it cannot be reached.
pub type Reached = Result<Option<Duration>, Trouble>;

/// The network.
pub struct Net {
    tls: Tls,
    connect_to: Vec<ConnectTo>,
    reached: Mutex<HashMap<Origin, Arc<OnceCell<Reached>>>>,
}

/// `HOST:PORT:HOST:PORT`: for the first two, go to the last two.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectTo {
    from: (String, u16),
    to: (String, u16),
}

impl std::str::FromStr for ConnectTo {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let bad = || format!("`{text}` should be HOST:PORT:HOST:PORT, e.g. calls.example.org:443:192.0.2.7:8443");
        let parts: Vec<&str> = text.split(':').collect();
        let [from, from_port, to, to_port] = parts[..] else { return Err(bad()) };
        let port = |port: &str| port.parse().map_err(|_| bad());
        Ok(Self { from: (from.to_owned(), port(from_port)?), to: (to.to_owned(), port(to_port)?) })
    }
}

impl Net {
    /// One that trusts these, and takes these ways.
    pub fn new(tls: Tls, connect_to: Vec<ConnectTo>) -> Self {
        Self { tls, connect_to, reached: Mutex::default() }
    }

    /// Whether an address can be reached at all; tried once for each origin. The second value says that it was tried just now.
    pub async fn reach(&self, url: &Url) -> (Reached, bool) {
        let origin = origin(url);
        let cell = self.reached.lock().entry(origin).or_default().clone();
        let mut first = false;
        let reached = cell
            .get_or_init(|| {
                first = true;
                async { self.open(url).await.map(|(_, shown)| shown.not_after) }
            })
            .await;
        (reached.clone(), first)
    }

    /// A connection to where an address points, with TLS where its scheme says so.
    ///
    /// # Errors
    /// What is in the way.
    pub async fn open(&self, url: &Url) -> Result<(Box<dyn Io>, Shown), Trouble> {
        let (scheme, host, port) = origin(url);
        let stream = self.connect(&host, port).await?;
        if matches!(scheme.as_str(), "https" | "wss" | "turns") {
            self.secure(stream, &host).await
        } else {
            Ok((Box::new(stream), Shown::default()))
        }
    }

    /// Adds TLS to a connection.
    ///
    /// # Errors
    /// What is wrong with it.
    pub async fn secure(&self, stream: TcpStream, host: &str) -> Result<(Box<dyn Io>, Shown), Trouble> {
        let (config, shown) = self.tls.config().map_err(|error| Trouble::Tls(error.to_string()))?;
        let name =
            ServerName::try_from(host.trim_matches(['[', ']']).to_owned()).map_err(|error| Trouble::Tls(error.to_string()))?;
        let done = timeout(PATIENCE, TlsConnector::from(config).connect(name, stream)).await;
        let shown = shown.lock().clone();
        match done {
            Ok(Ok(stream)) => Ok((Box::new(stream), shown)),
            Ok(Err(error)) => Err(shown.bad.map_or_else(|| not_tls(&error), Trouble::Certificate)),
            Err(_) => Err(Trouble::Slow),
        }
    }

    /// A TCP connection.
    ///
    /// # Errors
    /// What is in the way.
    pub async fn connect(&self, host: &str, port: u16) -> Result<TcpStream, Trouble> {
        let mut trouble = Trouble::NoName("no address".to_owned());
        for address in self.addresses(host, port).await? {
            match timeout(CONNECT_WITHIN, TcpStream::connect(address)).await {
                Ok(Ok(stream)) => {
                    let _ = stream.set_nodelay(true);
                    return Ok(stream);
                }
                Ok(Err(error)) if error.kind() == io::ErrorKind::ConnectionRefused => trouble = Trouble::Refused(address),
                Ok(Err(error)) => trouble = Trouble::NoWay(address, error.to_string()),
                Err(_) => trouble = Trouble::Silent(address),
            }
        }
        Err(trouble)
    }

    /// Where a name points to.
    ///
    /// # Errors
    /// Where it has no address.
    pub async fn addresses(&self, host: &str, port: u16) -> Result<Vec<SocketAddr>, Trouble> {
        let told = self.connect_to.iter().find(|told| told.from.0 == host && told.from.1 == port);
        let (host, port) = told.map_or((host, port), |told| (told.to.0.as_str(), told.to.1));
        let host = host.trim_matches(['[', ']']);
        if let Ok(address) = host.parse::<IpAddr>() {
            return Ok(vec![(address, port).into()]);
        }
        match timeout(CONNECT_WITHIN, tokio::net::lookup_host((host, port))).await {
            Ok(Ok(found)) => {
                let mut found: Vec<SocketAddr> = found.collect();
                found.dedup();
                if found.is_empty() { Err(Trouble::NoName("no record".to_owned())) } else { Ok(found) }
            }
            Ok(Err(error)) => Err(Trouble::NoName(error.to_string())),
            Err(_) => Err(Trouble::NoName("no answer from DNS".to_owned())),
        }
    }

    /// One request, on a connection of its own. No redirect is followed.
    ///
    /// # Errors
    /// What is in the way.
    pub async fn ask(
        &self,
        method: Method,
        url: &Url,
        headers: &[(&str, &str)],
        body: Option<String>,
    ) -> Result<Answer, Trouble> {
        self.ask_within(PATIENCE, method, url, headers, body).await
    }

    /// The same with another deadline.
    ///
    /// # Errors
    /// What is in the way.
    pub async fn ask_within(
        &self,
        patience: Duration,
        method: Method,
        url: &Url,
        headers: &[(&str, &str)],
        body: Option<String>,
    ) -> Result<Answer, Trouble> {
        let (stream, _) = self.open(url).await?;
        timeout(patience, exchange(stream, method, url, headers, body)).await.unwrap_or(Err(Trouble::Slow))
    }

    /// A GET without anything.
    ///
    /// # Errors
    /// What is in the way.
    pub async fn get(&self, url: &Url) -> Result<Answer, Trouble> {
        self.ask(Method::GET, url, &[("origin", ORIGIN)], None).await
    }
}

/// As which page's script we ask.
pub const ORIGIN: &str = "https://doctor.ringback.invalid";

async fn exchange(
    stream: Box<dyn Io>,
    method: Method,
    url: &Url,
    headers: &[(&str, &str)],
    body: Option<String>,
) -> Result<Answer, Trouble> {
    let broken = |error: hyper::Error| {
        if url.scheme() == "http" && error.is_parse() { Trouble::OnlyTls } else { Trouble::Broken(crate::causes::causes(&error)) }
    };
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(broken)?;
    let connection = tokio::spawn(connection);
    let path = &url[url::Position::BeforePath..url::Position::AfterQuery];
    let mut request = Request::builder()
        .method(method)
        .uri(path)
        .header(header::HOST, host_header(url))
        .header(header::USER_AGENT, concat!("ringback-doctor/", env!("CARGO_PKG_VERSION")))
        .header(header::CONNECTION, "close");
    if body.is_some() {
        request = request
            .header(header::CONTENT_TYPE, if url.path().starts_with("/socket.io") { "text/plain" } else { "application/json" });
    }
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request =
        request.body(Full::new(Bytes::from(body.unwrap_or_default()))).map_err(|error| Trouble::Broken(error.to_string()))?;
    let answer = sender.send_request(request).await.map_err(broken)?;
    let (head, body) = answer.into_parts();
    let body = Limited::new(body, MOST).collect().await.map_err(|error| Trouble::Broken(error.to_string()))?.to_bytes();
    connection.abort();
    // nginx answers in plain text to who forgets TLS.
    if head.status == StatusCode::BAD_REQUEST && body.windows(28).any(|text| text == b"plain HTTP request was sent ") {
        return Err(Trouble::OnlyTls);
    }
    Ok(Answer { status: head.status, headers: head.headers, text: String::from_utf8_lossy(&body).into_owned() })
}

/// The host, with the port where it is not the scheme's own.
pub fn host_header(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// How an address begins, up to its port.
pub fn base(url: &Url) -> String {
    format!("{}://{}", url.scheme(), host_header(url))
}

/// The same host with another path.
pub fn at(url: &Url, path: &str) -> Url {
    let mut url = url.clone();
    let base = url.path().trim_end_matches('/').to_owned();
    let (path, query) = path.split_once('?').map_or((path, None), |(path, query)| (path, Some(query)));
    url.set_path(&format!("{base}{path}"));
    url.set_query(query);
    url
}

fn origin(url: &Url) -> Origin {
    let scheme = url.scheme().to_owned();
    let default = if scheme == "wss" { 443 } else { 80 };
    (scheme, url.host_str().unwrap_or_default().to_owned(), url.port_or_known_default().unwrap_or(default))
}

fn not_tls(error: &io::Error) -> Trouble {
    let library = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    if matches!(library, Some(rustls::Error::InvalidMessage(_))) { Trouble::NotTls } else { Trouble::Tls(error.to_string()) }
}

/// How far an address reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reach {
    /// This machine alone.
    Loopback,
    /// A network of its own.
    Private,
    /// Everywhere; a name is taken to.
    Public,
}

/// How far an address reaches, by how it is written.
pub fn reach_of(url: &Url) -> Reach {
    match url.host() {
        Some(Host::Domain(name)) if name == "localhost" || name.ends_with(".localhost") => Reach::Loopback,
        Some(Host::Domain(_)) | None => Reach::Public,
        Some(Host::Ipv4(address)) => reach_of_ip(address.into()),
        Some(Host::Ipv6(address)) => reach_of_ip(address.into()),
    }
}

/// How far an IP address reaches (RFC 1918, 4193, 3927, 6598).
pub fn reach_of_ip(address: IpAddr) -> Reach {
    match address.to_canonical() {
        address if address.is_loopback() || address.is_unspecified() => Reach::Loopback,
        IpAddr::V4(v4) if v4.is_private() || v4.is_link_local() || (v4.octets()[0] == 100 && v4.octets()[1] & 0xC0 == 64) => {
            Reach::Private
        }
        IpAddr::V6(v6) if v6.is_unique_local() || v6.is_unicast_link_local() => Reach::Private,
        IpAddr::V4(_) | IpAddr::V6(_) => Reach::Public,
    }
}
