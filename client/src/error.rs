//! What can go wrong between a client and Ringback. Every sentence says what to do; none holds a token.

use std::{error::Error as _, fmt::Write as _, time::Duration};

use call::wire::ErrorBody;
use reqwest::StatusCode;
use serde::Deserialize;

/// How much of an answer that makes no sense is shown.
const SHOWN_CHARS: usize = 200;

/// Why there is no answer, or not the one that was asked for.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// What was given is not an address.
    #[error("`{address}` is not an address ({why}): it should look like http://localhost:3000")]
    Address {
        /// What was given.
        address: String,
        /// What is wrong with it.
        why: String,
    },
    /// The other side cannot be reached, or did not answer in time.
    #[error("cannot reach {address}: {why}. Check the address, and that the server runs there")]
    Unreachable {
        /// Where.
        address: String,
        /// What came back.
        why: String,
    },
    /// A request was refused.
    #[error("{} ({status} {})", body.error, body.errcode)]
    Refused {
        /// The HTTP status.
        status: u16,
        /// The Matrix error.
        body: ErrorBody,
    },
    /// A message was refused.
    #[error("{} ({})", body.error, body.errcode)]
    MessageRefused {
        /// The refused message's name, where the server told it.
        event: Option<String>,
        /// The Matrix error.
        body: ErrorBody,
    },
    /// An answer came, but it is not one of the contract's.
    #[error(
        "{address} answered {status} with something else than Ringback or a Matrix homeserver would ({why}). \
         Check the address, and what a proxy in between does: `{text}`"
    )]
    Unreadable {
        /// What was asked.
        address: String,
        /// The HTTP status.
        status: u16,
        /// What is wrong with it.
        why: String,
        /// How the answer begins.
        text: String,
    },
    /// A message came that is not of the contract. The connection goes on.
    #[error("the server sent a message that makes no sense ({why}). Check that client and server are of one version")]
    BadMessage {
        /// The message's name, where it has one.
        event: Option<String>,
        /// What is wrong with it.
        why: String,
    },
    /// The connection is gone, or has not been made.
    #[error("the connection to {address} is gone ({why}): connect again")]
    Closed {
        /// To where it was.
        address: String,
        /// Why.
        why: String,
    },
    /// A message was sent, and no acknowledgement came.
    #[error("{address} has not acknowledged `{event}` within {} s: connect again", after.as_secs())]
    NotAcknowledged {
        /// Who should have.
        address: String,
        /// The message's name.
        event: &'static str,
        /// How long it was waited for.
        after: Duration,
    },
}

impl Error {
    /// The Matrix error, where that is what came back.
    #[must_use]
    pub fn body(&self) -> Option<&ErrorBody> {
        match self {
            Self::Refused { body, .. } | Self::MessageRefused { body, .. } => Some(body),
            Self::Address { .. }
            | Self::Unreachable { .. }
            | Self::Unreadable { .. }
            | Self::BadMessage { .. }
            | Self::Closed { .. }
            | Self::NotAcknowledged { .. } => None,
        }
    }

    /// The Matrix error code, where that is what came back.
    #[must_use]
    pub fn errcode(&self) -> Option<&str> {
        self.body().map(|body| body.errcode.as_str())
    }

    /// The HTTP status, where one came back.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Refused { status, .. } | Self::Unreadable { status, .. } => Some(*status),
            Self::Address { .. }
            | Self::Unreachable { .. }
            | Self::MessageRefused { .. }
            | Self::BadMessage { .. }
            | Self::Closed { .. }
            | Self::NotAcknowledged { .. } => None,
        }
    }

    /// From an error of the HTTP library; the address never has a query, hence no secret.
    pub(crate) fn unreachable(address: &str, error: reqwest::Error) -> Self {
        let why = if error.is_timeout() { "no answer in time".to_owned() } else { innermost(&error.without_url()) };
        Self::Unreachable { address: address.to_owned(), why }
    }

    /// From an answer that is no success: a Matrix error where it can be read as one.
    pub(crate) fn from_answer(address: &str, status: StatusCode, text: &str) -> Self {
        serde_json::from_str(text).or_else(|_| serde_json::from_str::<Bare>(text).map(ErrorBody::from)).map_or_else(
            |_| Self::unreadable(address, status, "it is not a Matrix error", text),
            |body| Self::Refused { status: status.as_u16(), body },
        )
    }

    pub(crate) fn unreadable(address: &str, status: StatusCode, why: impl Into<String>, text: &str) -> Self {
        Self::Unreadable {
            address: address.to_owned(),
            status: status.as_u16(),
            why: why.into(),
            text: text.trim().chars().take(SHOWN_CHARS).collect::<String>().escape_debug().to_string(),
        }
    }
}

/// What every Matrix error has; a homeserver may mean something else by the other fields.
#[derive(Deserialize)]
struct Bare {
    errcode: String,
    error: String,
}

impl From<Bare> for ErrorBody {
    fn from(Bare { errcode, error }: Bare) -> Self {
        Self { errcode, error, status: None, call_id: None, retry_after_ms: None }
    }
}

/// The causes below the first: those say what happened, the first only that it did.
fn innermost(error: &reqwest::Error) -> String {
    let mut text = String::new();
    let mut cause = error.source();
    while let Some(error) = cause {
        let sentence = error.to_string();
        if !text.contains(&sentence) {
            let _ = write!(text, "{}{sentence}", if text.is_empty() { "" } else { ": " });
        }
        cause = error.source();
    }
    if text.is_empty() { error.to_string() } else { text }
}

#[cfg(test)]
mod tests {
    use call::{call::Status, wire::errcode};

    use super::*;

    #[test]
    fn a_matrix_error_is_read_whole() {
        let text = r#"{"errcode":"RINGBACK_CALL_STATE","error":"this call is over","status":"ended","more":1}"#;
        let error = Error::from_answer("http://x", StatusCode::CONFLICT, text);
        assert_eq!(error.errcode(), Some(errcode::CALL_STATE));
        assert_eq!(error.status(), Some(409));
        assert_eq!(error.body().and_then(|body| body.status), Some(Status::Ended));
        assert_eq!(error.to_string(), "this call is over (409 RINGBACK_CALL_STATE)");
    }

    #[test]
    fn a_homeservers_own_fields_do_not_hide_its_error() {
        let text = r#"{"errcode":"M_FORBIDDEN","error":"Invalid username or password","status":"no such thing"}"#;
        let error = Error::from_answer("http://x", StatusCode::FORBIDDEN, text);
        assert_eq!(error.errcode(), Some(errcode::FORBIDDEN));
    }

    #[test]
    fn what_is_no_matrix_error_is_shown_in_part() {
        let page = format!("<html>\u{1b}[2J{}</html>", "x".repeat(1000));
        let error = Error::from_answer("http://x/health", StatusCode::BAD_GATEWAY, &page);
        let shown = error.to_string();
        assert_eq!(error.errcode(), None);
        assert!(shown.contains("http://x/health answered 502") && shown.contains("<html>"), "{shown}");
        assert!(shown.len() < 500 && !shown.contains('\u{1b}'), "{shown}");
    }
}
