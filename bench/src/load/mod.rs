//! What is done to a server.

pub mod calls;
pub mod fanout;
pub mod first;
pub mod idle;
pub mod relay;
pub mod soak;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::Result;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use tokio::{task::JoinHandle, time::sleep};
use tokio_util::sync::CancellationToken;

use crate::{device::Device, figures::Latencies, subject::Subject};

/// How many devices register at once.
const AT_ONCE: usize = 64;

/// Connects and registers these devices, each of a user of its own, some at a time.
pub async fn connect(subject: &Subject, numbers: impl Iterator<Item = usize>) -> Result<Vec<Arc<Device>>> {
    connect_by(subject, numbers.map(|number| (number, 0)), AT_ONCE).await
}

/// The same, as this device of each user.
pub async fn connect_another(subject: &Subject, numbers: impl Iterator<Item = usize>, device: usize) -> Result<Vec<Arc<Device>>> {
    connect_by(subject, numbers.map(|number| (number, device)), AT_ONCE).await
}

/// The same, all at the same moment.
pub async fn connect_at_once(subject: &Subject, numbers: impl Iterator<Item = usize>, device: usize) -> Result<Vec<Arc<Device>>> {
    connect_by(subject, numbers.map(|number| (number, device)), usize::MAX).await
}

/// How many files the server holds open once its connections are closed: no more than `wanted`, or what it holds after 40 s, when
/// whatever it keeps for those who come back is over.
pub async fn settled(subject: &Subject, wanted: usize) -> Result<usize> {
    let patience = Instant::now() + Duration::from_secs(40);
    loop {
        let files = subject.usage()?.files;
        if files <= wanted || Instant::now() > patience {
            return Ok(files);
        }
        sleep(Duration::from_millis(100)).await;
    }
}

/// Asks the homeserver again and again while something is measured: what one round trip takes at that load.
pub struct Probe {
    asking: JoinHandle<Result<Latencies>>,
    end: CancellationToken,
}

impl Probe {
    const EVERY: Duration = Duration::from_millis(10);

    /// Begins.
    pub fn start(subject: &Subject) -> Self {
        let end = CancellationToken::new();
        let (ended, url) = (end.clone(), format!("{}/_matrix/client/v3/account/whoami", subject.homeserver));
        let asking = tokio::spawn(async move {
            let (http, mut latencies) = (reqwest::Client::builder().tcp_nodelay(true).build()?, Latencies::default());
            while !ended.is_cancelled() {
                let asked = Instant::now();
                http.get(&url).bearer_auth("token.0").send().await?.error_for_status()?.bytes().await?;
                latencies.add(asked.elapsed());
                sleep(Self::EVERY).await;
            }
            Ok(latencies)
        });
        Self { asking, end }
    }

    /// What it has learnt.
    pub async fn end(self) -> Result<Latencies> {
        self.end.cancel();
        self.asking.await?
    }
}

async fn connect_by(
    subject: &Subject,
    devices: impl Iterator<Item = (usize, usize)>,
    at_once: usize,
) -> Result<Vec<Arc<Device>>> {
    let http = reqwest::Client::builder().pool_max_idle_per_host(512).tcp_nodelay(true).build()?;
    let connecting = stream::iter(devices).map(|(number, device)| Device::connect(subject, number, device, http.clone()));
    connecting.buffered(at_once).try_collect().await
}
