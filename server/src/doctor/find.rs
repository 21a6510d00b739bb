//! From a server name to the homeserver and to Ringback, as clients go.

use http::{Method, header};
use serde_json::Value;
use url::Url;

use super::{
    Doctor,
    args::DoctorArgs,
    net::{Answer, ORIGIN, Reach, Trouble, at, base, reach_of},
    report::Check,
};

/// How many redirects of a `.well-known` are followed.
const REDIRECTS: usize = 5;
/// Ringback's own port.
const PORT: u16 = 3000;

/// What was found.
#[derive(Debug, Default)]
pub struct Places {
    /// The homeserver, where it is one.
    pub homeserver: Option<Url>,
    /// Where it should be, by what was said; whatever is wrong with it was noted.
    pub named: Option<Url>,
    /// Ringback, where it is.
    pub backend: Option<Backend>,
}

/// Ringback, and what it says of itself.
#[derive(Debug, Clone)]
pub struct Backend {
    /// Where it was asked.
    pub url: Url,
    /// Its `call-config.json`, where that can be read.
    pub config: Option<Value>,
}

/// What `.well-known/matrix/client` says.
#[derive(Debug, Default)]
struct Known {
    homeserver: Option<Url>,
    backend: Option<Url>,
    /// There is none, and who looks elsewhere may still find everything.
    absent: Option<Url>,
    /// Something is wrong with it that was noted already.
    broken: bool,
}

impl Doctor {
    /// Looks for both.
    pub async fn find(&self, args: &DoctorArgs) -> Places {
        let name = args.server_name.as_deref().map(host_of);
        let known = match name.filter(|name| !is_local(name)) {
            Some(name) => self.well_known(name).await,
            None => Known::default(),
        };
        let guessed = || {
            let name = name?;
            let guess = if is_local(name) { format!("http://{name}:8008") } else { format!("https://{name}") };
            if is_local(name) || known.absent.is_some() { Url::parse(&guess).ok() } else { None }
        };
        let mut homeserver = args.homeserver_url.clone().or_else(|| known.homeserver.clone()).or_else(guessed);
        let nothing_named = args.url.is_none() && args.server_name.is_none() && homeserver.is_none();
        let here = nothing_named.then(|| Url::parse("http://localhost:3000").ok()).flatten();
        let told = args.url.clone().or(here).or_else(|| known.backend.clone());
        let mut backend = None;
        if let Some(url) = &told {
            backend = self.call_config(url).await;
            let says = || Url::parse(backend.as_ref()?.config.as_ref()?["homeserverUrl"].as_str()?).ok();
            // What Ringback says is looked at with the other addresses; here it only stands in.
            homeserver = homeserver.or_else(|| if known.broken { None } else { says() });
        }
        let asked_for = args.homeserver_url.is_some() || name.is_some();
        let only_guessed = known.absent.is_some() && args.homeserver_url.is_none();
        let is_there = match &homeserver {
            Some(url) if only_guessed => self.is_homeserver(url).await.is_ok(),
            Some(url) if asked_for => self.homeserver(url, args.homeserver_url.is_none() && known.homeserver.is_some()).await,
            Some(url) => self.is_homeserver(url).await.is_ok(),
            None => false,
        };
        let named = homeserver.clone().filter(|_| asked_for && !only_guessed);
        let homeserver = homeserver.filter(|_| is_there);
        if told.is_none()
            && let (Some(homeserver), false) = (&homeserver, known.broken)
        {
            backend = self.search(homeserver, name).await;
        } else if let (Some(homeserver), true) = (&homeserver, asked_for) {
            self.homeserver_config(homeserver, backend.as_ref()).await;
        }
        if let Some(url) = known.absent {
            let remedy = missing(homeserver.as_ref(), told.as_ref().or(backend.as_ref().map(|found| &found.url)));
            match (&homeserver, &backend) {
                (None, _) => {
                    let saw = "there is none (404), and the server name itself is no homeserver: clients find nothing";
                    self.notes.fail(Check::WellKnown, url, saw, remedy);
                }
                (Some(_), Some(_)) => {
                    self.notes.warn(
                        Check::WellKnown,
                        url,
                        "there is none (404): clients must be told where everything is",
                        remedy,
                    );
                }
                // That Ringback cannot be found was noted.
                (Some(_), None) => {}
            }
        }
        Places { homeserver, named, backend }
    }

    async fn well_known(&self, name: &str) -> Known {
        let broken = Known { broken: true, ..Known::default() };
        let Ok(mut url) = Url::parse(&format!("https://{name}/.well-known/matrix/client")) else {
            self.notes.fail(Check::WellKnown, name, "is not a server name", "write the part behind the colon of a user id");
            return broken;
        };
        let mut asked = self.ask_well_known(&url).await;
        for _ in 0..REDIRECTS {
            let Some(Ok(answer)) = &asked else { break };
            let to = answer.headers.get(header::LOCATION).filter(|_| answer.status.is_redirection());
            let Some(next) = to.and_then(|to| to.to_str().ok()).and_then(|to| url.join(to).ok()) else { break };
            url = next;
            asked = self.ask_well_known(&url).await;
        }
        match asked {
            Some(Ok(answer)) if answer.status == 404 => Known { absent: Some(url), ..Known::default() },
            Some(Ok(answer)) => self.read_well_known(&url, &answer),
            Some(Err(trouble)) => {
                self.notes.fail(Check::WellKnown, url, &trouble, trouble.remedy(name, "the web server"));
                broken
            }
            None => broken,
        }
    }

    async fn ask_well_known(&self, url: &Url) -> Option<Result<Answer, Trouble>> {
        if !self.reaches(url, "the web server").await {
            return None;
        }
        Some(self.net.get(url).await)
    }

    fn read_well_known(&self, url: &Url, answer: &Answer) -> Known {
        let broken = Known { broken: true, ..Known::default() };
        let file = "serve it as JSON: {\"m.homeserver\": {\"base_url\": \"https://…\"}, \"dev.ringback.call\": {\"base_url\": \"https://…\"}}";
        let Some(body) = answer.json().filter(|_| answer.status.is_success()) else {
            self.notes.fail(Check::WellKnown, url, format!("not JSON: {}", answer.gist()), file);
            return broken;
        };
        let part = |key: &str| body[key]["base_url"].as_str().map(|text| (text.to_owned(), Url::parse(text)));
        let homeserver = match part("m.homeserver") {
            Some((_, Ok(homeserver))) => homeserver,
            Some((text, Err(why))) => {
                let saw = format!("the base_url of m.homeserver is no address ({why}): {text}");
                self.notes.fail(Check::WellKnown, url, saw, "write it like https://matrix.example.org");
                return broken;
            }
            None => {
                self.notes.fail(Check::WellKnown, url, "it has no base_url of m.homeserver", file);
                return broken;
            }
        };
        let judged = |key: &str, place: Url| {
            let (saw, remedy) = if reach_of(&place) < Reach::Public && reach_of(url) == Reach::Public {
                ("which other machines cannot reach", "the public address")
            } else if place.scheme() == "http" && url.scheme() == "https" {
                ("and a page from https cannot talk to http", "an https address")
            } else {
                return Some(place);
            };
            self.notes.fail(
                Check::WellKnown,
                url,
                format!("{key} is {place}, {saw}"),
                format!("write {remedy} into \"{key}\" of this file"),
            );
            None
        };
        let backend = part("dev.ringback.call").and_then(|it| it.1.ok());
        let both = 1 + usize::from(backend.is_some());
        let backend = backend.and_then(|place| judged("dev.ringback.call", place));
        let homeserver = judged("m.homeserver", homeserver);
        if both > usize::from(homeserver.is_some()) + usize::from(backend.is_some()) {
            return Known { homeserver, backend, absent: None, broken: true };
        }
        let Some(homeserver) = homeserver else { return broken };
        if answer.headers.get_all(header::ACCESS_CONTROL_ALLOW_ORIGIN).iter().count() == 1 {
            let and = backend.as_ref().map(|url| format!(", Ringback at {url}")).unwrap_or_default();
            self.notes.ok(Check::WellKnown, url, format!("the homeserver is at {homeserver}{and}"));
        } else {
            let saw = "browsers may not read it: Access-Control-Allow-Origin is not there exactly once";
            self.notes.fail(
                Check::WellKnown,
                url,
                saw,
                "nginx: `add_header Access-Control-Allow-Origin * always;` in the location of this file, once",
            );
        }
        Known { homeserver: Some(homeserver), backend, absent: None, broken: false }
    }

    /// Whether it is a homeserver, and browsers may ask it.
    async fn homeserver(&self, url: &Url, by_well_known: bool) -> bool {
        if !self.reaches(url, "the homeserver").await {
            return false;
        }
        let versions = at(url, "/_matrix/client/versions");
        match self.is_homeserver(url).await {
            Ok(answer) => {
                let newest = answer.json().and_then(|body| body["versions"].as_array()?.last()?.as_str().map(str::to_owned));
                self.notes.ok(
                    Check::Homeserver,
                    versions.as_str(),
                    format!("speaks Matrix, up to {}", newest.unwrap_or_default()),
                );
                if answer.headers.get_all(header::ACCESS_CONTROL_ALLOW_ORIGIN).iter().count() != 1 {
                    let saw = "browsers may not read its answers: Access-Control-Allow-Origin is not there exactly once";
                    self.notes.fail(
                        Check::Cors,
                        versions,
                        saw,
                        "let the proxy pass on the homeserver's own header, and add none",
                    );
                }
                true
            }
            Err(saw) => {
                let remedy = if saw.starts_with('5') {
                    "start the homeserver; where it runs, correct the port in the proxy (nginx: `proxy_pass http://127.0.0.1:8008;`)"
                } else if by_well_known {
                    "correct \"m.homeserver\" in .well-known/matrix/client; or let the proxy there pass on /_matrix to the homeserver"
                } else {
                    "correct the address (--homeserver-url), or let the proxy there pass on /_matrix to the homeserver"
                };
                self.notes.fail(Check::Homeserver, versions, format!("this is no Matrix homeserver: {saw}"), remedy);
                false
            }
        }
    }

    /// Asks a homeserver for its versions; else what came instead.
    ///
    /// # Errors
    /// What came instead.
    pub async fn is_homeserver(&self, url: &Url) -> Result<Answer, String> {
        let answer = self.net.get(&at(url, "/_matrix/client/versions")).await.map_err(|trouble| trouble.to_string())?;
        let speaks = answer.status.is_success() && answer.json().is_some_and(|body| body["versions"].is_array());
        if speaks { Ok(answer) } else { Err(answer.gist()) }
    }

    /// Ringback, where nobody says where it is: at the homeserver's own address, else at its own port there.
    async fn search(&self, homeserver: &Url, name: Option<&str>) -> Option<Backend> {
        let own = at(homeserver, "/call-config.json");
        if let Ok(answer) = self.net.get(&own).await
            && answer.status.is_success()
            && let Some(config) = answer.json()
            && let Some(url) = config["baseUrl"].as_str().and_then(|url| Url::parse(url).ok())
        {
            let found = self.call_config(&url).await;
            self.homeserver_config(homeserver, found.as_ref()).await;
            return found;
        }
        let mut guess = homeserver.clone();
        let _ = (guess.set_scheme("http"), guess.set_port(Some(PORT)));
        guess.set_path("");
        if self.net.ask(Method::GET, &at(&guess, "/call-config.json"), &[("origin", ORIGIN)], None).await.is_ok() {
            let found = self.call_config(&guess).await;
            self.homeserver_config(homeserver, found.as_ref()).await;
            return found;
        }
        let saw = format!(
            "Ringback is nowhere to be found: .well-known names no \"dev.ringback.call\", {own} is not there, and nothing answers at {guess}"
        );
        let file = name
            .map_or_else(|| ".well-known/matrix/client".to_owned(), |name| format!("https://{name}/.well-known/matrix/client"));
        let remedy = format!(
            "add \"dev.ringback.call\": {{\"base_url\": \"https://…\"}} to {file}; or see that Ringback runs at port {PORT}; or say where it is by --url"
        );
        self.notes.fail(Check::CallConfig, own, saw, remedy);
        None
    }

    /// Some clients ask the homeserver's own address for `call-config.json`, and nowhere else.
    async fn homeserver_config(&self, homeserver: &Url, backend: Option<&Backend>) {
        let url = at(homeserver, "/call-config.json");
        let Some(backend) = backend else { return };
        let Ok(answer) = self.net.get(&url).await else { return };
        let serve = format!(
            "hand this one path on to Ringback, in the proxy in front of the homeserver:\n\
             nginx: `location = /call-config.json {{ proxy_pass http://127.0.0.1:3000; }}`\n\
             Caddy: `reverse_proxy /call-config.json 127.0.0.1:3000`\n\
             and set `public_url = \"{}\"` for Ringback",
            base(&backend.url)
        );
        let config = answer.json().filter(|body| answer.status.is_success() && body["baseUrl"].is_string());
        let Some(config) = config else {
            let saw = format!("clients that look here find no calls: {}", answer.gist());
            return self.notes.warn(Check::HomeserverConfig, url, saw, serve);
        };
        let (here, there) = (config["baseUrl"].as_str(), backend.config.as_ref().and_then(|config| config["baseUrl"].as_str()));
        if there.is_some() && here != there {
            let saw = format!(
                "it names another Ringback than {} does: {} and {}",
                base(&backend.url),
                here.unwrap_or_default(),
                there.unwrap_or_default()
            );
            let remedy = format!(
                "let both lead to one Ringback, and set `public_url = \"{}\"` for it: two do not know of each other's calls",
                base(&backend.url)
            );
            return self.notes.fail(Check::HomeserverConfig, url, saw, remedy);
        }
        if answer.headers.get_all(header::ACCESS_CONTROL_ALLOW_ORIGIN).iter().count() != 1 {
            let saw = "browsers may not read it: Access-Control-Allow-Origin is not there exactly once";
            return self.notes.fail(
                Check::Cors,
                url,
                saw,
                "let the proxy pass on Ringback's own header, and add none (nginx: no `add_header Access-Control-…`)",
            );
        }
        self.notes.ok(Check::HomeserverConfig, url, "clients that look here find Ringback");
    }
}

/// What to put into a `.well-known` that is not there.
fn missing(homeserver: Option<&Url>, backend: Option<&Url>) -> String {
    let text =
        |url: Option<&Url>| url.map_or_else(|| "https://…".to_owned(), |url| url.as_str().trim_end_matches('/').to_owned());
    format!(
        "serve there, with `Access-Control-Allow-Origin: *`: {{\"m.homeserver\": {{\"base_url\": \"{}\"}}, \"dev.ringback.call\": {{\"base_url\": \"{}\"}}}}",
        text(homeserver),
        text(backend)
    )
}

/// The host of a server name (Matrix specification, appendix on server names).
fn host_of(name: &str) -> &str {
    let name = name.trim();
    match name.rsplit_once(':') {
        Some((host, port))
            if port.bytes().all(|byte| byte.is_ascii_digit())
                && !host.is_empty()
                && (!host.contains(':') || host.ends_with(']')) =>
        {
            host
        }
        _ => name,
    }
}

/// Whether a server name is one that needs no `.well-known`: this machine, or an address.
fn is_local(name: &str) -> bool {
    name == "localhost" || name.trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_ok()
}
