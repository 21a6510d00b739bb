//! A collector of traces: OTLP as protobuf over HTTP, and no more of it than the server under test uses.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::{Context as _, Result};
use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest,
    common::v1::{KeyValue, any_value::Value},
    trace::v1 as otlp,
};
use prost::Message as _;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// A span, as far as tests look at it.
#[derive(Debug, Clone)]
pub struct Span {
    /// In hex.
    pub trace: String,
    /// In hex.
    pub id: String,
    /// The span that it belongs to, in hex; empty where there is none.
    pub parent: String,
    /// Its name.
    pub name: String,
    /// Its attributes.
    pub attributes: BTreeMap<String, String>,
    /// The traces that it is linked to, in hex.
    pub links: Vec<String>,
    /// The attributes of what has sent it.
    pub resource: BTreeMap<String, String>,
}

/// What the collector has got.
#[derive(Debug, Default)]
struct Got {
    spans: Vec<Span>,
    bytes: Vec<u8>,
}

/// A running collector. Dropping it ends it.
#[derive(Debug)]
pub struct Collector {
    /// What to set as `RINGBACK_OTLP_ENDPOINT`.
    pub url: String,
    got: Arc<Mutex<Got>>,
    task: JoinHandle<()>,
}

impl Collector {
    /// Starts one.
    ///
    /// # Errors
    /// Where no port is free.
    pub async fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.context("no port")?;
        let url = format!("http://{}", listener.local_addr().context("no address")?);
        let got = Arc::new(Mutex::new(Got::default()));
        let kept = got.clone();
        let task = tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                let kept = kept.clone();
                tokio::spawn(async move { while_there(connection, &kept).await });
            }
        });
        Ok(Self { url, got, task })
    }

    /// Every span so far.
    #[must_use]
    pub fn spans(&self) -> Vec<Span> {
        self.got.lock().unwrap_or_else(PoisonError::into_inner).spans.clone()
    }

    /// Every byte so far.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        self.got.lock().unwrap_or_else(PoisonError::into_inner).bytes.clone()
    }

    /// Waits until there are spans that `find` finds.
    ///
    /// # Errors
    /// With the names of those that there are, where they do not come soon.
    pub async fn wait_for<T>(&self, what: &str, find: impl Fn(&[Span]) -> Option<T>) -> Result<T> {
        let found = crate::until(what, Duration::from_secs(20), async || Ok(find(&self.spans()))).await;
        found.with_context(|| format!("{:#?}", self.spans()))
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn while_there(connection: TcpStream, got: &Mutex<Got>) {
    let mut connection = BufReader::new(connection);
    while let Ok(Some(body)) = request(&mut connection).await {
        {
            let mut got = got.lock().unwrap_or_else(PoisonError::into_inner);
            match ExportTraceServiceRequest::decode(body.as_slice()) {
                Ok(request) => got.spans.extend(spans(request)),
                Err(error) => panic!("no OTLP: {error}"),
            }
            got.bytes.extend(body);
        }
        let answer = b"HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\nContent-Length: 0\r\n\r\n";
        if connection.get_mut().write_all(answer).await.is_err() {
            return;
        }
    }
}

/// The next request's body, which must be for traces.
async fn request(connection: &mut BufReader<TcpStream>) -> Result<Option<Vec<u8>>> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if connection.read_line(&mut head).await.context("it broke off")? == 0 {
            return Ok(None);
        }
    }
    assert!(head.starts_with("POST /v1/traces "), "{head}");
    let length = head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length:")?.trim().parse().ok());
    let mut body = vec![0; length.context("no length")?];
    connection.read_exact(&mut body).await.context("it broke off")?;
    Ok(Some(body))
}

fn spans(request: ExportTraceServiceRequest) -> Vec<Span> {
    let mut spans = Vec::new();
    for of_resource in request.resource_spans {
        let resource = of_resource.resource.map(|resource| texts(&resource.attributes)).unwrap_or_default();
        for span in of_resource.scope_spans.into_iter().flat_map(|of_scope| of_scope.spans) {
            spans.push(read(&span, &resource));
        }
    }
    spans
}

fn read(span: &otlp::Span, resource: &BTreeMap<String, String>) -> Span {
    Span {
        trace: xtask::hex(&span.trace_id),
        id: xtask::hex(&span.span_id),
        parent: xtask::hex(&span.parent_span_id),
        name: span.name.clone(),
        attributes: texts(&span.attributes),
        links: span.links.iter().map(|link| xtask::hex(&link.trace_id)).collect(),
        resource: resource.clone(),
    }
}

fn texts(attributes: &[KeyValue]) -> BTreeMap<String, String> {
    let text = |value: &Value| if let Value::StringValue(text) = value { text.clone() } else { format!("{value:?}") };
    let value = |attribute: &KeyValue| attribute.value.as_ref()?.value.as_ref().map(text);
    attributes.iter().map(|attribute| (attribute.key.clone(), value(attribute).unwrap_or_default())).collect()
}
