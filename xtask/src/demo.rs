//! `cargo xtask demo`: the whole path once, as an operator would go it by hand.

mod hints;
mod window;

use std::{
    fs,
    path::PathBuf,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};

use self::window::Window;
use crate::{
    coturn::Coturn,
    matrix::{self, Homeserver, Login},
    ringback::{self, Ringback},
    say, setup,
    synapse::Synapse,
    wait,
};

const PASSWORD: &str = "ringback";

/// Everything that the demo runs.
struct Stage {
    synapse: Synapse,
    ringback: Ringback,
    turn: Coturn,
    binary: PathBuf,
    /// How clients reach Ringback.
    url: String,
    alice: Login,
    bob: Login,
    room: String,
}

/// Shows the walkthrough; then stays up, unless `exit`.
///
/// # Errors
/// Where any step fails, with the end of the server's log.
pub fn run(exit: bool) -> Result<()> {
    let started = Instant::now();
    say::heading("Setting up");
    let mut stage = Stage::build()?;
    stage.walk().map_err(|error| wait::with_tail(&error, &stage.ringback.log))?;
    say::line(&format!("\nThe walkthrough is done: a call rang, was answered and ended ({}).", say::seconds(started.elapsed())));
    if exit {
        return Ok(());
    }
    hints::print(&stage);
    loop {
        stage.synapse.check()?;
        stage.ringback.check()?;
        stage.turn.check()?;
        thread::sleep(Duration::from_millis(200));
    }
}

impl Stage {
    /// Installs, compiles and starts, side by side where that is possible.
    fn build() -> Result<Self> {
        let homeserver_port = preferred(8008, "Synapse")?;
        let (binary, homeserver, turn) = thread::scope(|scope| {
            let homeserver = scope.spawn(|| start_synapse(homeserver_port));
            let turn = scope.spawn(|| start_turn(homeserver_port));
            say::progress("compiling Ringback …");
            let binary = ringback::build();
            (binary, homeserver.join(), turn.join())
        });
        let (binary, Ok(homeserver), Ok(turn)) = (binary?, homeserver, turn) else {
            bail!("a thread that starts a server panicked")
        };
        let ((synapse, alice, bob, room), turn) = (homeserver?, turn?);
        let ringback = start_ringback(&binary, &synapse.homeserver, &turn)?;
        let url = ringback.url.replace("127.0.0.1", "localhost");
        say::progress(&format!("Ringback answers at {url}; it logs to {}", ringback.log.display()));
        Ok(Self { synapse, ringback, turn, binary, url, alice, bob, room })
    }

    fn walk(&self) -> Result<()> {
        self.show_softphone();
        self.show_accounts();
        self.show_config()?;
        let bob = self.show_registration()?;
        let call = self.show_ring(&bob)?;
        self.show_answer(&call)?;
        self.show_end(&call, &bob)?;
        self.show_timeline()
    }

    fn show_softphone(&self) {
        say::heading("A phone in the browser");
        say::line(&format!("{} is the softphone. To call between two windows on this machine:", self.url));
        say::line(&format!("1. open it, and log in as alice with the password {PASSWORD}"));
        say::line(&format!("2. open it in a private window, and log in as bob with the password {PASSWORD}"));
        say::line("3. as alice, choose Bob and call; answer in the other window");
    }

    fn show_accounts(&self) {
        say::heading("The same by hand: two users who share a room on a real homeserver");
        for (name, login) in [("ALICE_TOKEN", &self.alice), ("BOB_TOKEN", &self.bob)] {
            say::line(&format!("{} (password: {PASSWORD})", login.user_id));
            say::command(&format!("{name}={}", login.token));
        }
        say::command(&format!("ROOM='{}'", self.room));
    }

    fn show_config(&self) -> Result<()> {
        say::heading("A client asks where to go");
        say::command(&format!("curl {}/call-config.json", self.url));
        let config = self.ask("GET", "/call-config.json", None, None, 200)?;
        say::line(&say::shortened(&config));
        Ok(())
    }

    fn show_registration(&self) -> Result<Window> {
        say::heading("Bob's client connects, and says who it is");
        let address = self.url.replacen("http", "ws", 1);
        let bob = &self.bob.user_id;
        say::command(&format!("npx wscat -c {address}"));
        say::line(&format!("> {}", hello(bob, "$BOB_TOKEN")));
        let window = Window::open(&address, &hello(bob, &self.bob.token))?;
        window.expect("registered")?;
        Ok(window)
    }

    fn show_ring(&self, bob: &Window) -> Result<String> {
        say::heading("Alice calls");
        let mut body = json!({"roomId": "'\"$ROOM\"'", "callType": "voice", "userId": self.alice.user_id});
        self.show_post("/api/calls/initiate", "ALICE_TOKEN", Some(&body));
        body["roomId"] = json!(self.room);
        let sent = Instant::now();
        let initiated = self.ask("POST", "/api/calls/initiate", Some(&self.alice), Some(&body), 201)?;
        say::line(&say::shortened(&initiated));
        let call = initiated["callId"].as_str().context("the answer has no callId")?.to_owned();
        say::line("\nand in Bob's window, at once:");
        let (event, arrived) = bob.expect("incoming-call")?;
        if event["callId"] != call.as_str() {
            bail!("another call rings than Alice started: {event}");
        }
        let took = arrived.duration_since(sent).as_secs_f64() * 1000.0;
        say::line(&format!("\nIt rang {took:.0} ms after Alice sent her request."));
        Ok(call)
    }

    fn show_answer(&self, call: &str) -> Result<()> {
        say::heading("Bob answers");
        let path = format!("/api/calls/{call}/answer");
        self.show_post(&path, "BOB_TOKEN", None);
        let answered = self.ask("POST", &path, Some(&self.bob), Some(&json!({})), 200)?;
        say::line(&say::shortened(&answered));
        expect_status(&answered, "active")
    }

    fn show_end(&self, call: &str, bob: &Window) -> Result<()> {
        say::heading("Alice hangs up");
        let path = format!("/api/calls/{call}/end");
        self.show_post(&path, "ALICE_TOKEN", None);
        let ended = self.ask("POST", &path, Some(&self.alice), Some(&json!({})), 200)?;
        say::line(&say::shortened(&ended));
        expect_status(&ended, "ended")?;
        say::line("\nand in Bob's window:");
        bob.expect("call-ended").map(drop)
    }

    fn show_timeline(&self) -> Result<()> {
        say::heading("What stays in the room, for every Matrix client to show");
        let homeserver = &self.synapse.homeserver;
        let line = wait::until("a line in the room's timeline", Duration::from_secs(10), || {
            let timeline = homeserver.timeline(&self.bob, &self.room)?;
            let notice = timeline.iter().find(|event| event["type"] == "m.room.message");
            Ok(notice.map(|event| event["content"].clone()))
        })?;
        say::line(&say::shortened(&line));
        Ok(())
    }

    fn show_post(&self, path: &str, token: &str, body: Option<&Value>) {
        let body = body.map_or_else(|| " -d '{}'".to_owned(), |body| format!(" \\\n    -d '{}'", unescaped(body)));
        let headers = format!("-H \"Authorization: Bearer ${token}\" -H 'Content-Type: application/json'");
        say::command(&format!("curl -X POST {}{path} \\\n    {headers}{body}", self.url));
    }

    fn ask(&self, method: &str, path: &str, who: Option<&Login>, body: Option<&Value>, expected: u16) -> Result<Value> {
        let url = format!("{}{path}", self.url);
        let (status, answer) = matrix::request(method, &url, who.map(|login| login.token.as_str()), body)?;
        if status != expected {
            bail!("{method} {url} should answer {expected}, but answers {status} {answer}");
        }
        Ok(answer)
    }
}

/// What a client says first, in the order in which one would type it.
fn hello(user: &str, token: &str) -> String {
    format!(r#"{{"type":"register-user","userId":"{user}","accessToken":"{token}"}}"#)
}

/// JSON in which a variable of the shell stands: the quotes around it must reach the shell as they are.
fn unescaped(body: &Value) -> String {
    body.to_string().replace("\\\"", "\"")
}

fn expect_status(answer: &Value, status: &str) -> Result<()> {
    if answer["status"] == status { Ok(()) } else { bail!("the call should be {status}: {answer}") }
}

fn start_synapse(port: u16) -> Result<(Synapse, Login, Login, String)> {
    let python = setup::synapse()?;
    let directory = directory_of("synapse", port)?;
    let synapse = Synapse::start(&python, &directory, port, &[])?;
    let homeserver = &synapse.homeserver;
    let alice = homeserver.register("alice", PASSWORD)?;
    let bob = homeserver.register("bob", PASSWORD)?;
    homeserver.set_display_name(&alice, "Alice")?;
    homeserver.set_display_name(&bob, "Bob")?;
    let room = homeserver.create_room(&alice, &[&bob], false)?;
    say::progress(&format!("Synapse answers at {}; it logs to {}", homeserver.url, synapse.log.display()));
    Ok((synapse, alice, bob, room))
}

/// In a directory named after Synapse's port, which nobody else holds.
fn start_turn(homeserver_port: u16) -> Result<Coturn> {
    let turn = Coturn::start(&setup::coturn()?.join("turnserver"), &directory_of("coturn", homeserver_port)?)?;
    say::progress(&format!("coturn relays on port {}", turn.port));
    Ok(turn)
}

fn start_ringback(binary: &std::path::Path, homeserver: &Homeserver, turn: &Coturn) -> Result<Ringback> {
    let port = preferred(3000, "Ringback")?;
    let directory = directory_of("ringback", port)?;
    let _ = fs::remove_dir_all(&directory);
    fs::create_dir_all(&directory)?;
    let log = directory.join("ringback.log");
    let settings = [
        ("RINGBACK_OPS_LISTEN", format!("127.0.0.1:{}", wait::free_port()?)),
        ("RINGBACK_HOMESERVER_URL", homeserver.url.clone()),
        ("RINGBACK_DATABASE_URL", format!("sqlite://{}", directory.join("ringback.db").display())),
        ("RINGBACK_TURN_URIS", turn.uris()),
        ("RINGBACK_TURN_SECRET", turn.secret.clone()),
        ("RINGBACK_LOG", "info".to_owned()),
    ];
    let settings = settings.map(|(name, value)| (name.to_owned(), value));
    Ringback::start(binary, &format!("127.0.0.1:{port}"), &settings, &directory, &log)
}

/// Whoever holds the port owns the directory, so two demos do not meet in one.
fn directory_of(who: &str, port: u16) -> Result<PathBuf> {
    Ok(crate::dev(format!("run/demo/{who}-{port}"))?)
}

/// The port one expects, or the next free one.
fn preferred(port: u16, who: &str) -> Result<u16> {
    let free = (port..port + 100).find(|port| wait::is_free(*port)).with_context(|| format!("no free port near {port}"))?;
    if free != port {
        say::progress(&format!("port {port} is taken: {who} gets {free}"));
    }
    Ok(free)
}
