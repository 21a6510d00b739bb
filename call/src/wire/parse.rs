//! From text to a message, with the error that the contract has for each way to get it wrong.

use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::error::Category;

use super::errcode;

/// Why a text is not the message that it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{error}")]
pub struct Malformed {
    /// One of the four `400`s.
    pub errcode: &'static str,
    /// What to mend.
    pub error: String,
}

impl Malformed {
    /// A field has a value that makes no sense here.
    #[must_use]
    pub fn invalid(error: impl Into<String>) -> Self {
        Self { errcode: errcode::INVALID_PARAM, error: error.into() }
    }
}

/// Reads one JSON object.
///
/// # Errors
/// [`Malformed`]: `M_NOT_JSON` where it is not JSON, `M_BAD_JSON` where it is not an object or a field has another type,
/// `M_MISSING_PARAM` where a field is missing, `M_INVALID_PARAM` where a field's value is none of those allowed.
pub fn parse_object<T: DeserializeOwned>(text: &str) -> Result<T, Malformed> {
    let is_object = text.trim_start().starts_with('{');
    let error = match serde_json::from_str(text) {
        Ok(message) if is_object => return Ok(message),
        Ok(_) => None,
        Err(error) => Some(error),
    };
    // serde_json takes an array where a word should be for a mistake in the JSON itself: whether it is, it must be asked again.
    if let Err(error) = serde_json::from_str::<IgnoredAny>(text) {
        return Err(Malformed { errcode: errcode::NOT_JSON, error: format!("this is not JSON: {error}") });
    }
    match error {
        Some(error) if is_object => {
            let malformed = from_shape(&error.to_string(), error.classify() == Category::Data);
            Err(Malformed { error: format!("{}{}", place::<T>(text), malformed.error), ..malformed })
        }
        _ => Err(Malformed { errcode: errcode::BAD_JSON, error: "send one JSON object".to_owned() }),
    }
}

/// Which field it is about, where it is about one.
fn place<T: DeserializeOwned>(text: &str) -> String {
    let result: Result<T, _> = serde_path_to_error::deserialize(&mut serde_json::Deserializer::from_str(text));
    let path = result.err().map(|error| error.path().to_string()).filter(|path| path != "." && path != "?");
    path.map(|path| format!("{path}: ")).unwrap_or_default()
}

/// serde tells the kinds of shape error apart in its sentences alone.
fn from_shape(sentence: &str, is_about_data: bool) -> Malformed {
    let sentence = sentence.split(" at line ").next().unwrap_or(sentence);
    let errcode = if sentence.starts_with("missing field") {
        errcode::MISSING_PARAM
    } else if !is_about_data || sentence.starts_with("invalid type") || sentence.starts_with("duplicate field") {
        errcode::BAD_JSON
    } else {
        errcode::INVALID_PARAM
    };
    Malformed { errcode, error: sentence.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Initiate;

    fn code(text: &str) -> &'static str {
        parse_object::<Initiate>(text).map_or_else(|malformed| malformed.errcode, |_| "ok")
    }

    #[test]
    fn each_way_to_get_it_wrong_has_its_code() {
        assert_eq!(code(r#"{"roomId":"!r:x","callType":"voice"}"#), "ok");
        assert_eq!(code(""), errcode::NOT_JSON);
        assert_eq!(code("hello"), errcode::NOT_JSON);
        assert_eq!(code(r#"{"roomId":"#), errcode::NOT_JSON);
        assert_eq!(code("{\"roomId\":\"!r:x\",\"callType\":\"voice\"} {"), errcode::NOT_JSON);
        assert_eq!(code("[1]"), errcode::BAD_JSON);
        assert_eq!(code("null"), errcode::BAD_JSON);
        assert_eq!(code(r#"["!r:x","voice"]"#), errcode::BAD_JSON);
        assert_eq!(code(r#"{"roomId":7,"callType":"voice"}"#), errcode::BAD_JSON);
        assert_eq!(code(r#"{"roomId":"!r:x","callType":["voice"]}"#), errcode::BAD_JSON);
        assert_eq!(code(r#"{"callType":"voice"}"#), errcode::MISSING_PARAM);
        assert_eq!(code(r#"{"roomId":"!r:x","callType":"smoke"}"#), errcode::INVALID_PARAM);
        assert_eq!(code(r##"{"roomId":"#r:x","callType":"voice"}"##), errcode::INVALID_PARAM);
    }

    #[test]
    fn an_error_never_repeats_a_token() {
        let error = parse_object::<Initiate>(r#"{"roomId":"!r:x","callType":"voice","accessToken":["syt_secret"]}"#);
        assert!(!error.unwrap_err().error.contains("secret"));
    }
}
