//! `/api/calls/{callId}/…`: the twins of the sockets' signals and toggles.

use std::sync::Arc;

use axum::{Json, extract::State};
use call::{
    call::Media,
    ids::CallId,
    wire::{self, Done, SignalBody},
};

use super::{
    extract::{Asked, InCall},
    openapi::Act,
};
use crate::{app::App, error::ApiError};

type Answer = Result<Json<Done>, ApiError>;

async fn relay(app: &App, id: &CallId, asked: Asked<impl SignalBody>) -> Answer {
    let (signal, _) = asked.body.into_signal()?;
    app.calls.relay(&asked.who, id, &signal, || false).await?;
    Ok(Json(Done { success: true, ..Done::default() }))
}

/// Offer a session description
#[utoipa::path(
    post, path = "/api/calls/{callId}/offer", tag = "signals", request_body = wire::Offer,
    params(("callId" = String, Path)), responses((status = 200, body = Done), Act)
)]
pub async fn offer(State(app): State<Arc<App>>, InCall(id): InCall, asked: Asked<wire::Offer>) -> Answer {
    relay(&app, &id, asked).await
}

/// Answer a session description
#[utoipa::path(
    post, path = "/api/calls/{callId}/answer-sdp", tag = "signals", request_body = wire::AnswerSdp,
    params(("callId" = String, Path)), responses((status = 200, body = Done), Act)
)]
pub async fn answer_sdp(State(app): State<Arc<App>>, InCall(id): InCall, asked: Asked<wire::AnswerSdp>) -> Answer {
    relay(&app, &id, asked).await
}

/// Send a candidate
#[utoipa::path(
    post, path = "/api/calls/{callId}/ice-candidate", tag = "signals", request_body = wire::Candidate,
    params(("callId" = String, Path)), responses((status = 200, body = Done), Act)
)]
pub async fn ice_candidate(State(app): State<Arc<App>>, InCall(id): InCall, asked: Asked<wire::Candidate>) -> Answer {
    relay(&app, &id, asked).await
}

async fn toggle(app: &App, id: CallId, asked: Asked<wire::Toggle>, media: Media) -> Answer {
    let enabled = asked.body.enabled;
    app.calls.toggle(asked.actor(app, None), id, media, enabled).await?;
    let done = Done { success: true, ..Done::default() };
    Ok(Json(match media {
        Media::Audio => Done { audio_enabled: Some(enabled), ..done },
        Media::Video => Done { video_enabled: Some(enabled), ..done },
        Media::Screen => Done { screen_enabled: Some(enabled), ..done },
    }))
}

/// Microphone on or off
#[utoipa::path(
    post, path = "/api/calls/{callId}/toggle-audio", tag = "signals", request_body = wire::Toggle,
    params(("callId" = String, Path)), responses((status = 200, body = Done), Act)
)]
pub async fn toggle_audio(State(app): State<Arc<App>>, InCall(id): InCall, asked: Asked<wire::Toggle>) -> Answer {
    toggle(&app, id, asked, Media::Audio).await
}

/// Camera on or off
#[utoipa::path(
    post, path = "/api/calls/{callId}/toggle-video", tag = "signals", request_body = wire::Toggle,
    params(("callId" = String, Path)), responses((status = 200, body = Done), Act)
)]
pub async fn toggle_video(State(app): State<Arc<App>>, InCall(id): InCall, asked: Asked<wire::Toggle>) -> Answer {
    toggle(&app, id, asked, Media::Video).await
}

/// Screen sharing on or off
#[utoipa::path(
    post, path = "/api/calls/{callId}/toggle-screen", tag = "signals", request_body = wire::Toggle,
    params(("callId" = String, Path)), responses((status = 200, body = Done), Act)
)]
pub async fn toggle_screen(State(app): State<Arc<App>>, InCall(id): InCall, asked: Asked<wire::Toggle>) -> Answer {
    toggle(&app, id, asked, Media::Screen).await
}
