//! What HTTP refuses: each route, each way to get it wrong, the right status and errcode; and the server goes on.

use anyhow::{Context as _, Result, ensure};
use reqwest::RequestBuilder;
use ringback_e2e::{Login, Server, another_device, at_homeserver, pair, reply, users};
use serde_json::{Value, json};

/// A route that takes a body: its path, a body that is right but for who sends it, and the field that must be there.
struct Route {
    path: &'static str,
    body: fn() -> Value,
    required: Option<&'static str>,
}

const fn plain(path: &'static str) -> Route {
    Route { path, body: || json!({}), required: None }
}

const fn with(path: &'static str, required: &'static str, body: fn() -> Value) -> Route {
    Route { path, body, required: Some(required) }
}

fn description() -> Value {
    json!({"type": "offer", "sdp": "v=0\r\n"})
}

/// Those under `/api/calls/{callId}/`.
const ROUTES: &[Route] = &[
    plain("answer"),
    plain("reject"),
    plain("end"),
    plain("join"),
    plain("leave"),
    with("offer", "offer", || json!({"offer": description()})),
    with("answer-sdp", "answer", || json!({"answer": description()})),
    with("ice-candidate", "candidate", || json!({"candidate": {"candidate": ""}})),
    with("toggle-audio", "enabled", || json!({"enabled": true})),
    with("toggle-video", "enabled", || json!({"enabled": true})),
    with("toggle-screen", "enabled", || json!({"enabled": true})),
];

/// Who is there when something is refused.
struct Stage {
    server: Server,
    alice: Login,
    bob: Login,
    stranger: Login,
    dead: Login,
    room: String,
}

impl Stage {
    async fn new(name: &'static str) -> Result<Self> {
        let (alice, bob, room) = pair().await?;
        let [stranger] = users(["stranger"]).await?;
        let dead = another_device(&alice).await?;
        let gone = dead.clone();
        at_homeserver(move |homeserver| homeserver.logout(&gone)).await?;
        Ok(Self { server: Server::start(name).await?, alice, bob, stranger, dead, room })
    }

    fn post(&self, path: &str, who: Option<&Login>) -> RequestBuilder {
        let request = self.server.request("POST", path);
        match who {
            Some(who) => request.bearer_auth(&who.token),
            None => request,
        }
    }

    async fn refuses(&self, path: &str, who: Option<&Login>, body: &Value, status: u16, errcode: &str) -> Result<()> {
        let context = || format!("POST {path} {body} as {:?}", who.map(|who| &who.user_id));
        let reply = reply(self.post(path, who).json(body)).await.with_context(context)?;
        reply.expect_refusal(status, errcode).with_context(context).map(drop)
    }

    async fn refuses_text(&self, path: &str, text: &str, status: u16, errcode: &str) -> Result<()> {
        let shown: String = text.chars().take(60).collect();
        let request = self.post(path, Some(&self.alice)).header("Content-Type", "application/json").body(text.to_owned());
        let reply = reply(request).await.with_context(|| format!("POST {path} {shown}"))?;
        reply.expect_refusal(status, errcode).with_context(|| format!("POST {path} {shown}")).map(drop)
    }

    /// What every route that takes a body refuses.
    async fn refuses_nonsense(&self, path: &str, body: &Value, required: Option<&str>) -> Result<()> {
        self.refuses(path, None, body, 401, "M_MISSING_TOKEN").await?;
        self.refuses(path, Some(&self.dead), body, 401, "M_UNKNOWN_TOKEN").await?;
        let mut dead = body.clone();
        dead["accessToken"] = json!(self.dead.token);
        self.refuses(path, None, &dead, 401, "M_UNKNOWN_TOKEN").await?;
        let mut mismatched = body.clone();
        mismatched["userId"] = json!(self.bob.user_id);
        self.refuses(path, Some(&self.alice), &mismatched, 403, "M_FORBIDDEN").await?;
        let mut wrong_type = body.clone();
        wrong_type["userId"] = json!(["@a:b"]);
        self.refuses(path, Some(&self.alice), &wrong_type, 400, "M_BAD_JSON").await?;
        self.refuses_text(path, "{\"userId\":", 400, "M_NOT_JSON").await?;
        self.refuses_text(path, "hello", 400, "M_NOT_JSON").await?;
        self.refuses_text(path, "[1, 2]", 400, "M_BAD_JSON").await?;
        let big = format!("{{\"pad\":\"{}\"}}", "x".repeat(2_000_000));
        self.refuses_text(path, &big, 413, "M_TOO_LARGE").await?;
        let Some(required) = required else { return Ok(()) };
        self.refuses(path, Some(&self.alice), &json!({}), 400, "M_MISSING_PARAM").await?;
        let absent = json!({"userId": self.alice.user_id, "accessToken": self.alice.token});
        self.refuses(path, None, &absent, 400, "M_MISSING_PARAM").await?;
        let mut wrong = body.clone();
        wrong[required] = if body[required].is_boolean() { json!("yes") } else { json!(7) };
        // Any JSON is a candidate, as the browser gives it.
        if required == "candidate" { Ok(()) } else { self.refuses(path, Some(&self.alice), &wrong, 400, "M_BAD_JSON").await }
    }

    /// After everything that was refused, a call still rings.
    async fn still_rings(&mut self) -> Result<()> {
        self.server.check()?;
        let mut callee = self.server.connect(&self.bob).await?;
        let call = self.server.initiate(&self.alice, &self.room).await?;
        ensure!(callee.expect("incoming-call").await?["callId"] == call.as_str());
        self.server.act(&self.bob, &call, "answer").await?.expect(200)?;
        self.server.act(&self.alice, &call, "end").await?.expect(200).map(drop)
    }
}

const INITIATE: &str = "/api/calls/initiate";

#[tokio::test]
async fn initiate() -> Result<()> {
    let mut stage = Stage::new("refusals_initiate").await?;
    let good = json!({"roomId": stage.room, "callType": "voice"});
    stage.refuses_nonsense(INITIATE, &good, Some("roomId")).await?;
    stage.refuses(INITIATE, Some(&stage.stranger), &good, 403, "M_FORBIDDEN").await?;
    let odd = [
        ("roomId", json!(7), "M_BAD_JSON"),
        ("roomId", json!("#alias:localhost"), "M_INVALID_PARAM"),
        ("callType", json!("smoke"), "M_INVALID_PARAM"),
        ("callType", json!(["voice"]), "M_BAD_JSON"),
        ("invitees", json!("all"), "M_BAD_JSON"),
        ("invitees", json!([]), "M_INVALID_PARAM"),
        ("invitees", json!([stage.stranger.user_id]), "M_INVALID_PARAM"),
        ("ringTimeoutMs", json!(4_999), "M_INVALID_PARAM"),
        ("ringTimeoutMs", json!(300_001), "M_INVALID_PARAM"),
        ("ringTimeoutMs", json!("soon"), "M_BAD_JSON"),
        ("ringTimeoutMs", json!(-1), "M_INVALID_PARAM"),
    ];
    for (field, value, errcode) in odd {
        let mut body = good.clone();
        body[field] = value;
        stage.refuses(INITIATE, Some(&stage.alice), &body, 400, errcode).await?;
    }
    let mut without = good.clone();
    without.as_object_mut().context("an object")?.remove("callType");
    stage.refuses(INITIATE, Some(&stage.alice), &without, 400, "M_MISSING_PARAM").await?;
    let call = stage.server.initiate(&stage.alice, &stage.room).await?;
    let second = stage.server.post(INITIATE, &stage.bob, &good).await?.expect_refusal(409, "RINGBACK_CALL_EXISTS")?;
    ensure!(second["callId"] == call.as_str(), "the refusal names the call: {second}");
    stage.server.act(&stage.alice, &call, "end").await?.expect(200)?;
    stage.still_rings().await
}

#[tokio::test]
async fn in_a_call() -> Result<()> {
    let mut stage = Stage::new("refusals_in_a_call").await?;
    let call = stage.server.initiate(&stage.alice, &stage.room).await?;
    for Route { path, body, required } in ROUTES {
        let body = body();
        let full = format!("/api/calls/{call}/{path}");
        stage.refuses_nonsense(&full, &body, *required).await?;
        stage.refuses(&full, Some(&stage.stranger), &body, 403, "M_FORBIDDEN").await?;
        for unknown in ["0123456789abcdef0123456789abcdef", "nonsense", "..%2F..%2Fetc"] {
            let unknown = format!("/api/calls/{unknown}/{path}");
            stage.refuses(&unknown, Some(&stage.alice), &body, 404, "M_NOT_FOUND").await?;
        }
        let get = stage.server.request("GET", &full).bearer_auth(&stage.alice.token);
        reply(get).await?.expect_refusal(405, "M_UNRECOGNIZED").with_context(|| format!("GET {full}"))?;
    }
    ensure!(stage.server.status(&stage.alice, &call).await? == "ringing", "nothing of that did anything");
    stage.server.act(&stage.alice, &call, "end").await?.expect(200)?;
    stage.server.act(&stage.bob, &call, "answer").await?.expect_refusal(409, "RINGBACK_CALL_STATE")?;
    stage.still_rings().await
}

#[tokio::test]
async fn reading() -> Result<()> {
    let mut stage = Stage::new("refusals_reading").await?;
    let call = stage.server.initiate(&stage.alice, &stage.room).await?;
    let status = format!("/api/calls/{call}/status");
    for path in ["/api/calls/active", "/api/ice-servers", status.as_str()] {
        let get = || stage.server.request("GET", path);
        reply(get()).await?.expect_refusal(401, "M_MISSING_TOKEN").context(path.to_owned())?;
        let dead = get().bearer_auth(&stage.dead.token);
        reply(dead).await?.expect_refusal(401, "M_UNKNOWN_TOKEN").context(path.to_owned())?;
        reply(get().bearer_auth(&stage.alice.token)).await?.expect(200).context(path.to_owned())?;
        let post = stage.server.request("DELETE", path).bearer_auth(&stage.alice.token);
        reply(post).await?.expect_refusal(405, "M_UNRECOGNIZED").context(path.to_owned())?;
    }
    stage.server.get(&status, &stage.stranger).await?.expect_refusal(403, "M_FORBIDDEN")?;
    let unknown = format!("/api/calls/{}/status", "0".repeat(32));
    stage.server.get(&unknown, &stage.alice).await?.expect_refusal(404, "M_NOT_FOUND")?;
    let another = format!("/api/calls/active?userId={}", ringback_e2e::escaped(&stage.bob.user_id));
    stage.server.get(&another, &stage.alice).await?.expect_refusal(403, "M_FORBIDDEN")?;
    for path in ["/nowhere", "/api/calls", "/api/nowhere", "/_matrix/client/versions"] {
        stage.server.get(path, &stage.alice).await?.expect_refusal(404, "M_NOT_FOUND").context(path)?;
    }
    stage.server.act(&stage.alice, &call, "end").await?.expect(200)?;
    stage.still_rings().await
}
