//! From start to end: listening, serving, and going without losing anything.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use anyhow::Context;
use axum::{Router, body::Body, http::Request};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto, graceful::GracefulShutdown},
    service::TowerToHyperService,
};
use sd_notify::NotifyState;
use tokio::{
    net::{TcpListener, TcpSocket, TcpStream},
    signal::unix::{SignalKind, signal},
    time::{sleep, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::ServiceExt;

use crate::{app::App, config::Config, homeserver::Homeserver, http, metrics, public_url::Ends, timers};

/// A client that has not sent its request's head by then is cut off.
const HEAD_WITHIN: Duration = Duration::from_secs(10);
/// How long a server that goes waits for what is under way.
const DRAIN_WITHIN: Duration = Duration::from_secs(8);
/// How often what need not be remembered is forgotten.
const TIDY_EVERY: Duration = Duration::from_hours(1);
/// How long to wait when the system has no more connections to give.
const ACCEPT_AGAIN: Duration = Duration::from_millis(50);
/// How many connections may wait to be accepted: when a proxy was restarted all devices come at once, and one that finds no room
/// tries again only after a second or three. The system's own limit (`net.core.somaxconn`) is usually this.
const BACKLOG: u32 = 4096;

/// Runs the server until it is told to go.
///
/// # Errors
/// Where it cannot start: with what to do about it.
pub async fn serve(config: Config) -> anyhow::Result<()> {
    let clients = bind(config.listen, "listen")?;
    let operator = bind(config.ops_listen, "ops_listen")?;
    let app = App::start(config).await?;
    let (router, socket_io) = http::router(&app);
    let stop = app.stopping.clone();
    let work = TaskTracker::new();
    work.spawn(timers::run(app.calls.clone(), stop.clone()));
    work.spawn(timers::note(app.calls.clone(), stop.clone()));
    work.spawn(tidy(app.clone(), stop.clone()));
    work.spawn(keep_metrics(app.clone(), stop.clone()));
    work.spawn(probe(app.calls.homeserver.clone(), stop.clone()));
    let (clients_at, operator_at) = (clients.local_addr()?, operator.local_addr()?);
    let serving = [accept(clients, router, stop.clone()), accept(operator, http::ops_router(&app, &socket_io), stop.clone())];
    let serving: Vec<_> = serving.into_iter().map(tokio::spawn).collect();
    let database = &app.config.database_url;
    tracing::info!(%clients_at, %operator_at, homeserver = %app.config.homeserver_url, ?database, "ringback is ready");
    tell_service_manager(NotifyState::Ready);

    asked_to_stop().await?;
    tracing::info!("shutting down: sockets are told, what is under way is finished");
    tell_service_manager(NotifyState::Stopping);
    app.stopping.cancel();
    let drain = async {
        app.sockets.close();
        app.sockets.wait().await;
        socket_io.close().await;
        for server in serving {
            let _ = server.await;
        }
        work.close();
        work.wait().await;
        app.calls.close().await;
    };
    tokio::select! {
        drained = timeout(DRAIN_WITHIN, drain) => {
            if drained.is_ok() {
                tracing::info!("shut down");
            } else {
                tracing::warn!("shut down with something still under way");
            }
        }
        again = asked_to_stop() => {
            again?;
            tracing::warn!("told twice: shut down at once");
        }
    }
    Ok(())
}

/// systemd, where it has started us (`Type=notify`); nobody else listens.
fn tell_service_manager(state: NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(&[state]) {
        tracing::warn!(%error, "the service manager cannot be told how far we are");
    }
}

fn bind(address: SocketAddr, setting: &str) -> anyhow::Result<TcpListener> {
    listen(address).with_context(|| {
        let (flag, variable) = (setting.replace('_', "-"), setting.to_ascii_uppercase());
        format!(
            "cannot listen at {address}: stop what listens there, or choose another address with --{flag} or RINGBACK_{variable}"
        )
    })
}

fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

async fn asked_to_stop() -> anyhow::Result<()> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}

/// Says at once, and not at the first call, that the homeserver cannot be reached.
async fn probe(homeserver: Arc<Homeserver>, stop: CancellationToken) {
    if let Some(Err(why)) = stop.run_until_cancelled(homeserver.probe()).await {
        tracing::warn!("the homeserver does not answer, and without it nobody can call: {why}. Check homeserver_url");
    }
}

async fn tidy(app: Arc<App>, stop: CancellationToken) {
    while stop.run_until_cancelled(sleep(TIDY_EVERY)).await.is_some() {
        if let Err(fault) = app.calls.tidy().await {
            tracing::warn!(%fault, "could not tidy up");
        }
    }
}

/// Puts measurements into their buckets, also where no Prometheus asks for them.
async fn keep_metrics(app: Arc<App>, stop: CancellationToken) {
    while stop.run_until_cancelled(sleep(metrics::UPKEEP_EVERY)).await.is_some() {
        app.metrics.run_upkeep();
    }
}

/// Accepts connections until told to stop, then waits for the requests under way.
async fn accept(listener: TcpListener, router: Router, stop: CancellationToken) {
    let graceful = GracefulShutdown::new();
    while let Some(accepted) = stop.run_until_cancelled(listener.accept()).await {
        match accepted {
            Ok((stream, peer)) => serve_connection(stream, peer, &router, &graceful),
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                sleep(ACCEPT_AGAIN).await;
            }
        }
    }
    drop(listener);
    graceful.shutdown().await;
}

fn serve_connection(stream: TcpStream, peer: SocketAddr, router: &Router, graceful: &GracefulShutdown) {
    // Signals are small and must not wait for each other; a socket that refuses this is slower, no worse.
    let _ = stream.set_nodelay(true);
    let Ok(local) = stream.local_addr() else { return };
    let ends = Ends { peer, local };
    let service = router.clone().map_request(move |mut request: Request<hyper::body::Incoming>| {
        request.extensions_mut().insert(ends);
        request.map(Body::new)
    });
    let mut builder = auto::Builder::new(TokioExecutor::new()).http1_only();
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEAD_WITHIN);
    let connection = builder.serve_connection_with_upgrades(TokioIo::new(stream), TowerToHyperService::new(service));
    let connection = graceful.watch(connection.into_owned());
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "a connection ended badly");
        }
    });
}
