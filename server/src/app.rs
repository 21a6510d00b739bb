//! The parts of a running server, put together.

use std::sync::Arc;

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    appservice::AppService,
    auth::Auth,
    calls::{Calls, Parts},
    config::Config,
    homeserver::Homeserver,
    hub::Hub,
    ice::Ice,
    ignored::Ignored,
    public_url::PublicUrls,
    store::Store,
    timers::Alarm,
};

/// What every request and every connection can reach.
pub struct App {
    /// The settings.
    pub config: Config,
    /// What can be done with calls.
    pub calls: Arc<Calls>,
    /// Who is who.
    pub auth: Arc<Auth>,
    /// The devices.
    pub hub: Arc<Hub>,
    /// STUN and TURN.
    pub ice: Arc<Ice>,
    /// Where clients find things.
    pub urls: PublicUrls,
    /// The registration with the homeserver.
    pub appservice: Option<Arc<AppService>>,
    /// Wakes the sleeper.
    pub alarm: Arc<Alarm>,
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
        let store = Store::open(&config.database_url).await?;
        let homeserver = Arc::new(Homeserver::new(config.homeserver_url.clone())?);
        let auth = Arc::new(Auth::new(homeserver.clone(), config.allow_unverified));
        let ice = Arc::new(Ice::new(&config, homeserver.clone()));
        let hub = Arc::new(Hub::new(config.grace_period));
        let alarm = Arc::new(Alarm::default());
        let appservice = config.appservice.clone().map(Arc::new);
        let ignored = Ignored::new(homeserver.clone(), hub.clone(), appservice.clone());
        let parts =
            Parts { store, homeserver, auth: auth.clone(), hub: hub.clone(), ice: ice.clone(), ignored, alarm: alarm.clone() };
        let calls = Arc::new(Calls::new(&config, parts));
        calls.restore().await.map_err(|error| anyhow::anyhow!("cannot take up the calls under way: {}", error.body.error))?;
        let recorder = PrometheusBuilder::new().build_recorder();
        let metrics = recorder.handle();
        // A second server in one process (tests) goes on counting with the first one's.
        let _ = metrics::set_global_recorder(recorder);
        Ok(Arc::new(Self {
            urls: PublicUrls::new(&config),
            config,
            calls,
            auth,
            hub,
            ice,
            appservice,
            alarm,
            stopping: CancellationToken::new(),
            sockets: TaskTracker::new(),
            metrics,
        }))
    }
}
