//! The OpenAPI document, from the handlers, and a page to read it.

use std::sync::Arc;

use axum::{Json, Router, response::Redirect, routing::get};
use call::wire::ErrorBody;
use utoipa::{
    IntoResponses, Modify, OpenApi,
    openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
};
use utoipa_swagger_ui::{Config, SwaggerUi};

use crate::app::App;

/// The title page of the document.
pub fn about() -> utoipa::openapi::OpenApi {
    #[derive(OpenApi)]
    #[openapi(
        info(
            title = "Ringback",
            description = "Makes calls ring on every device of every member of a Matrix room. Every error is a Matrix error: \
                           `{errcode, error}`. The sockets are described in the protocol's own page."
        ),
        modifiers(&Token),
        security(("token" = [])),
        components(schemas(ErrorBody))
    )]
    struct About;
    About::openapi()
}

struct Token;

impl Modify for Token {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some("the Matrix access token")).build();
        document.components.get_or_insert_default().add_security_scheme("token", SecurityScheme::Http(scheme));
    }
}

/// The whole document.
pub fn document() -> utoipa::openapi::OpenApi {
    super::described().into_openapi()
}

/// `GET /api/openapi.json` and `GET /docs`.
pub fn pages(document: utoipa::openapi::OpenApi) -> Router<Arc<App>> {
    let page = SwaggerUi::new("/docs/ui").config(Config::from("/api/openapi.json"));
    Router::new()
        .route("/api/openapi.json", get(|| async { Json(document) }))
        .route("/docs", get(|| async { Redirect::temporary("/docs/ui/") }))
        .merge(page)
}

/// What acting on a call may be refused with. Never made: it describes [`crate::error::ApiError`].
#[expect(dead_code, reason = "a description")]
#[derive(IntoResponses)]
pub enum Act {
    /// The body cannot be read, or a field is missing or wrong
    #[response(status = 400)]
    Malformed(ErrorBody),
    /// No token, or one that the homeserver does not know
    #[response(status = 401)]
    Unknown(ErrorBody),
    /// No part in the call, or somebody else's userId
    #[response(status = 403)]
    Forbidden(ErrorBody),
    /// No such call
    #[response(status = 404)]
    NotFound(ErrorBody),
    /// The body took too long
    #[response(status = 408)]
    TimedOut(ErrorBody),
    /// The call is not in a state that allows it
    #[response(status = 409)]
    State(ErrorBody),
    /// A body over 64 KiB
    #[response(status = 413)]
    TooLarge(ErrorBody),
    /// Not JSON by its content type
    #[response(status = 415)]
    MediaType(ErrorBody),
    /// Too much at once
    #[response(status = 429)]
    Limit(ErrorBody),
    /// The homeserver fails
    #[response(status = 502)]
    Homeserver(ErrorBody),
    /// The database is away, or the server goes
    #[response(status = 503)]
    Unavailable(ErrorBody),
    /// The homeserver takes too long
    #[response(status = 504)]
    Slow(ErrorBody),
}

/// What starting a call may be refused with.
pub type Start = Act;

/// What reading may be refused with. Never made: it describes [`crate::error::ApiError`].
#[expect(dead_code, reason = "a description")]
#[derive(IntoResponses)]
pub enum Read {
    /// userId is not one
    #[response(status = 400)]
    Malformed(ErrorBody),
    /// No token, or one that the homeserver does not know
    #[response(status = 401)]
    Unknown(ErrorBody),
    /// No part in the call, or somebody else's userId
    #[response(status = 403)]
    Forbidden(ErrorBody),
    /// No such call
    #[response(status = 404)]
    NotFound(ErrorBody),
    /// The homeserver fails
    #[response(status = 502)]
    Homeserver(ErrorBody),
    /// The database is away, or the server goes
    #[response(status = 503)]
    Unavailable(ErrorBody),
    /// The homeserver takes too long
    #[response(status = 504)]
    Slow(ErrorBody),
}
