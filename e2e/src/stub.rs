//! A homeserver that does not behave.

use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context as _, Result};
use serde_json::{Map, Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
    task::JoinHandle,
};

/// A TCP server that answers every connection in one way. Dropping it ends it.
#[derive(Debug)]
pub struct Stub {
    /// Its URL.
    pub url: String,
    requests: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

impl Stub {
    /// It takes connections and requests, and never answers.
    ///
    /// # Errors
    /// Where no port is free.
    pub async fn hanging() -> Result<Self> {
        Self::start(|_| None).await
    }

    /// It answers every request with these bytes, and closes.
    ///
    /// # Errors
    /// Where no port is free.
    pub async fn answering(bytes: &'static str) -> Result<Self> {
        Self::start(move |_| Some(bytes.to_owned())).await
    }

    /// It knows one user, whatever the token, and one room of so many members, that user among them; and one more, whose id no
    /// specification allows any more, as old rooms have them.
    ///
    /// # Errors
    /// Where no port is free.
    pub async fn homeserver(user: &str, members: usize) -> Result<Self> {
        let whoami = json!({"user_id": user, "device_id": "D"});
        let others = (1..members).map(|n| (format!("@member-{n}:localhost"), json!({})));
        let joined: Map<String, Value> = others
            .chain([(user.to_owned(), json!({"display_name": "Me"})), ("@an odd one:localhost".to_owned(), json!({}))])
            .collect();
        let members = json!({"joined": joined});
        Self::start(move |request| {
            let path = request.split(' ').nth(1).unwrap_or_default();
            let (status, body) = match path.rsplit('/').next() {
                Some("whoami") => ("200 OK", whoami.to_string()),
                Some("joined_members") => ("200 OK", members.to_string()),
                _ => ("404 Not Found", json!({"errcode": "M_NOT_FOUND", "error": "not here"}).to_string()),
            };
            let head = format!("HTTP/1.1 {status}\r\nContent-Type: application/json\r\nConnection: close\r\n");
            Some(format!("{head}Content-Length: {}\r\n\r\n{body}", body.len()))
        })
        .await
    }

    /// What has come, as it came.
    #[must_use]
    pub fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn start(answer: impl Fn(&str) -> Option<String> + Send + Sync + 'static) -> Result<Self> {
        let answer = Arc::new(answer);
        let requests = Arc::new(Mutex::new(Vec::new()));
        let noted = requests.clone();
        let listener = TcpListener::bind("127.0.0.1:0").await.context("no port")?;
        let url = format!("http://{}", listener.local_addr().context("no address")?);
        let task = tokio::spawn(async move {
            while let Ok((mut connection, _)) = listener.accept().await {
                let (answer, noted) = (answer.clone(), noted.clone());
                tokio::spawn(async move {
                    let mut request = [0; 4096];
                    while let Ok(read @ 1..) = connection.read(&mut request).await {
                        let request = String::from_utf8_lossy(&request[..read]).into_owned();
                        noted.lock().unwrap_or_else(PoisonError::into_inner).push(request.clone());
                        let Some(answer) = answer(&request) else { continue };
                        let _ = connection.write_all(answer.as_bytes()).await;
                        let _ = connection.shutdown().await;
                    }
                });
            }
        });
        Ok(Self { url, requests, task })
    }
}

impl Drop for Stub {
    fn drop(&mut self) {
        self.task.abort();
    }
}
