//! What browsers need to be allowed, on every path that they use, errors and preflight included.

use http::{HeaderMap, Method, StatusCode, header};
use url::Url;

use super::{
    Doctor,
    find::Backend,
    net::{ORIGIN, at, base},
    report::Check,
};

/// What may be sent to Ringback besides what every page may send.
const HEADERS: [&str; 3] = ["authorization", "content-type", "idempotency-key"];

const CONFIG: &str = "/call-config.json";
const POLLING: &str = "/socket.io/?EIO=4&transport=polling";
/// Answers, good and bad, as a browser would ask for them.
const PATHS: [&str; 4] = [CONFIG, POLLING, "/api/calls/active", "/api/doctor-asks-for-what-is-not-there"];

/// What is wrong with one answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    Missing,
    Twice,
    Another,
}

impl Doctor {
    /// Asks for each path as a page would.
    pub async fn cors(&self, found: &Backend) {
        let backend = &found.url;
        let mut good = Vec::new();
        let mut bad = Vec::new();
        for path in PATHS {
            let url = at(backend, path);
            // Whatever else is in the way is told by another check.
            let Ok(answer) = self.net.get(&url).await else { continue };
            let is_told = match path {
                CONFIG => found.config.is_none(),
                POLLING => !answer.status.is_success(),
                _ => false,
            };
            if is_told {
                continue;
            }
            let list = if answer.status.is_success() { &mut good } else { &mut bad };
            list.push((url, answer.status, fault(&answer.headers)));
        }
        let found = verdict(&good, &bad);
        let preflight = self.preflight(backend).await;
        match (found, preflight) {
            (None, None) => {
                self.notes.ok(Check::Cors, base(backend), "pages of any origin may ask, errors and preflight included");
            }
            (Some((url, saw, remedy)), None | Some(_)) => self.notes.fail(Check::Cors, url, saw, remedy),
            (None, Some((saw, remedy))) => self.notes.fail(Check::Cors, at(backend, "/api/calls/initiate"), saw, remedy),
        }
    }

    /// What is wrong with the answer to the question that a browser asks before a `POST`.
    async fn preflight(&self, backend: &Url) -> Option<(String, String)> {
        let asks = [
            ("origin", ORIGIN),
            ("access-control-request-method", "POST"),
            ("access-control-request-headers", &HEADERS.join(",")),
        ];
        let answer = self.net.ask(Method::OPTIONS, &at(backend, "/api/calls/initiate"), &asks, None).await.ok()?;
        if !answer.status.is_success() {
            let remedy = "let the proxy pass OPTIONS on to Ringback, which answers it (nginx: no `limit_except`, no `if ($request_method = OPTIONS)`)";
            return Some((format!("the preflight of a browser's POST is refused: {}", answer.gist()), remedy.to_owned()));
        }
        let allows = |name, wanted: &[&str]| {
            let values = answer.headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
            let allowed: Vec<String> = values.flat_map(|value| value.split(',')).map(|item| item.trim().to_lowercase()).collect();
            wanted.iter().all(|item| allowed.iter().any(|allowed| allowed == item))
        };
        let whole = fault(&answer.headers).is_none()
            && allows(header::ACCESS_CONTROL_ALLOW_METHODS, &["post"])
            && allows(header::ACCESS_CONTROL_ALLOW_HEADERS, &HEADERS);
        let remedy = format!(
            "let the proxy pass OPTIONS on to Ringback; or add POST to its Access-Control-Allow-Methods, and {} to -Allow-Headers",
            HEADERS.join(", ")
        );
        (!whole).then(|| ("the preflight of a browser's POST does not allow what Ringback takes".to_owned(), remedy))
    }
}

type Seen = (Url, StatusCode, Option<Fault>);

/// The one thing that is wrong, from all that was seen.
fn verdict(good: &[Seen], bad: &[Seen]) -> Option<(Url, String, String)> {
    let first = |list: &[Seen]| list.iter().find_map(|(url, status, fault)| Some((url.clone(), *status, (*fault)?)));
    let on_errors = first(good).is_none();
    let (url, status, fault) = first(good).or_else(|| first(bad))?;
    let (saw, remedy) = match fault {
        Fault::Twice => (
            "Access-Control-Allow-Origin comes twice, and browsers take neither".to_owned(),
            "take the proxy's own away: Ringback sends it already (nginx: no `add_header Access-Control-Allow-Origin`; Caddy: no `header Access-Control-Allow-Origin`)",
        ),
        Fault::Missing if on_errors => (
            format!("errors ({status}) come without Access-Control-Allow-Origin, so pages cannot read why"),
            "let Ringback's own header through on errors too (nginx: no `proxy_hide_header Access-Control-Allow-Origin`, no `proxy_intercept_errors`; or `add_header … always`)",
        ),
        Fault::Missing => (
            "Access-Control-Allow-Origin is missing, so browsers may not read the answer".to_owned(),
            "let Ringback's own header through (nginx: no `proxy_hide_header Access-Control-Allow-Origin`)",
        ),
        Fault::Another => (
            "Access-Control-Allow-Origin names another page than the one that asks".to_owned(),
            "let Ringback's own header through, which allows every page; or name the pages of all your clients",
        ),
    };
    Some((url, saw, remedy.to_owned()))
}

fn fault(headers: &HeaderMap) -> Option<Fault> {
    let values: Vec<&str> =
        headers.get_all(header::ACCESS_CONTROL_ALLOW_ORIGIN).iter().filter_map(|value| value.to_str().ok()).collect();
    match values[..] {
        [] => Some(Fault::Missing),
        ["*" | ORIGIN] => None,
        [one] if !one.contains(',') => Some(Fault::Another),
        _ => Some(Fault::Twice),
    }
}
