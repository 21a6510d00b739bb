//! The parts of a running server, put together.

use std::sync::Arc;

use metrics_exporter_prometheus::PrometheusHandle;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    calls::Calls,
    config::{Config, DatabaseUrl},
    metrics,
    public_url::PublicUrls,
    store::Store,
};

/// What every request and every connection can reach.
pub struct App {
    /// The settings.
    pub config: Config,
    /// What can be done with calls.
    pub calls: Arc<Calls>,
    /// Where clients find things.
    pub urls: PublicUrls,
    /// Says that the server goes.
    pub stopping: CancellationToken,
    /// The sockets' tasks.
    pub sockets: TaskTracker,
    /// What `/metrics` shows.
    pub metrics: PrometheusHandle,
}

impl App {
    /// Opens the database and restores what was under way.
    ///
    /// # Errors
    /// With what to do about it.
    pub async fn start(config: Config) -> anyhow::Result<Arc<Self>> {
        // Before all that counts: what is looked up earlier counts for nobody.
        let metrics = metrics::install();
        metrics::running(match config.database_url {
            DatabaseUrl::Sqlite(_) => "sqlite",
            DatabaseUrl::Postgres(_) => "postgresql",
        });
        let store = Store::open(&config.database_url).await?;
        let calls = Arc::new(Calls::new(&config, store)?);
        calls.restore().await.map_err(|error| anyhow::anyhow!("cannot take up the calls under way: {}", error.body.error))?;
        Ok(Arc::new(Self {
            urls: PublicUrls::new(&config),
            config,
            calls,
            stopping: CancellationToken::new(),
            sockets: TaskTracker::new(),
            metrics,
        }))
    }
}
