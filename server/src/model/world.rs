//! A server, its phones, and what happens to them.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use axum::{Json, Router, extract::Path, routing::get};
use call::{
    call::{CallType, Media, Part, Request},
    ids::{CallId, RoomId, SessionId, UserId},
};
use fastrand::Rng;
use jiff::SignedDuration;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    net::TcpListener,
    task::{JoinHandle, yield_now},
    time::advance,
};

use super::phone::Phone;
use crate::{
    app::App,
    auth::Identity,
    calls::{Actor, Begun},
    config::Config,
    error::ApiError,
    timers,
};

/// How often the test looks before it gives up on things coming to rest.
const PATIENCE: usize = 20_000;
const GRACE: Duration = Duration::from_secs(20);
const RING: SignedDuration = SignedDuration::from_secs(30);

/// A server.
pub struct World {
    app: Arc<App>,
    _directory: TempDir,
}

/// One run's phones and call.
struct Scene {
    phones: Vec<Phone>,
    users: Vec<UserId>,
    room: RoomId,
    call: Option<CallId>,
    under_way: Vec<JoinHandle<()>>,
}

impl World {
    pub async fn new() -> Self {
        let memory = std::path::Path::new("/dev/shm");
        let directory = if memory.is_dir() { TempDir::new_in(memory) } else { TempDir::new() }.unwrap();
        let database = format!("sqlite://{}", directory.path().join("model.db").display());
        let homeserver = homeserver().await;
        let settings = [
            ("homeserver_url", homeserver.as_str()),
            ("database_url", database.as_str()),
            ("turn_uris", "turn:127.0.0.1"),
            ("turn_secret", "secret"),
            ("room_notices", "false"),
            ("calls_per_minute", "0"),
            ("grace_period", "20s"),
        ];
        let settings = settings.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned()));
        let app = App::start(Config::read(settings, [], None).unwrap()).await.unwrap();
        tokio::spawn(timers::run(app.calls.clone(), app.stopping.clone()));
        Self { app, _directory: directory }
    }

    /// One run: things happen, then everyone comes back, and all must agree.
    pub async fn interleave(&self, seed: u64, mut rng: Rng) {
        let mut scene = self.scene(seed, &mut rng).await;
        for _ in 0..rng.usize(8..32) {
            self.happen(&mut scene, &mut rng).await;
            for _ in 0..rng.usize(0..40) {
                yield_now().await;
            }
        }
        self.settle(&mut scene).await;
        for phone in &scene.phones {
            phone.connect(&self.app);
        }
        self.rest(&scene).await;
        let Some(id) = scene.call.clone() else { return };
        self.end(&scene, &id).await;
        self.check(&scene, &id).await;
        for phone in &scene.phones {
            phone.hang_up_socket();
        }
        advance(GRACE).await;
    }

    /// The caller's device loses its session, and joins with a new one just as the other user ends the call.
    pub async fn come_back_as_it_ends(&self, number: u64) {
        let (scene, id) = self.ringing(number).await;
        let [calls, called] = &scene.phones[..] else { unreachable!() };
        self.app.calls.answer(called.actor(None), id.clone()).await.unwrap();
        let (_, session) = self.connects_anew(&scene, calls).await;
        let joins = self.app.calls.join(calls.actor(Some(session)), id.clone());
        let ends = self.app.calls.end(called.actor(None), id.clone(), false);
        let (joined, ended) = tokio::join!(joins, ends);
        assert!(joined.is_ok() && ended.is_ok(), "{joined:?}, {ended:?}");
        for session in scene.users.iter().flat_map(|user| self.app.calls.hub.sessions(user)) {
            assert!(!session.shows(&id), "the hub thinks that {} shows a call that is over", session.user);
        }
    }

    /// An answer arrives late, when the session that it came from is lost for good and the device has another.
    pub async fn answer_for_a_lost_session(&self) {
        let (scene, id) = self.ringing(0).await;
        let [calls, called] = &scene.phones[..] else { unreachable!() };
        called.hang_up_socket();
        self.settled_without(&called.user).await;
        let (lost, _) = self.connects_anew(&scene, called).await;
        self.app.calls.answer(called.actor(Some(lost)), id.clone()).await.unwrap();
        self.app.calls.end(calls.actor(None), id, false).await.unwrap();
        self.rest(&scene).await;
        assert_eq!(called.stopped_by(), ["call-ended"], "by this device's own answer it was not handled elsewhere");
    }

    /// An answer arrives late, when the device has a new session beside that which it came from; then it answers on the new one.
    pub async fn answer_once_more(&self) {
        let (scene, id) = self.ringing(0).await;
        let [calls, called] = &scene.phones[..] else { unreachable!() };
        let (before, now) = self.connects_anew(&scene, called).await;
        for session in [before, now] {
            self.app.calls.answer(called.actor(Some(session)), id.clone()).await.unwrap();
        }
        self.app.calls.end(calls.actor(None), id, false).await.unwrap();
        self.rest(&scene).await;
        assert_eq!(called.stopped_by(), ["call-handled-elsewhere", "call-ended"]);
    }

    /// Two users with a phone each, of whom one calls the other.
    async fn ringing(&self, number: u64) -> (Scene, CallId) {
        let users = ["caller", "callee"].map(|name| UserId::parse(&format!("@{name}-{number}:x")).unwrap()).to_vec();
        let phones: Vec<Phone> = users.iter().map(|user| Phone::new(user, "A")).collect();
        let room = RoomId::parse(&format!("!two-{number}:x")).unwrap();
        let mut scene = Scene { phones, users, room, call: None, under_way: Vec::new() };
        for phone in &scene.phones {
            self.trust(phone).await;
            phone.connect(&self.app);
        }
        self.rest(&scene).await;
        self.start(&mut scene, &mut Rng::with_seed(number)).await;
        self.rest(&scene).await;
        let id = scene.call.clone().unwrap();
        (scene, id)
    }

    /// A phone loses its connection, and has forgotten its session when it is back: the one before, and the new one.
    async fn connects_anew(&self, scene: &Scene, phone: &Phone) -> (SessionId, SessionId) {
        phone.hang_up_socket();
        let before = phone.state.lock().session.take().unwrap();
        phone.connect(&self.app);
        self.rest(scene).await;
        let now = phone.state.lock().session.clone().unwrap();
        (before, now)
    }

    /// Until the user's sessions are lost for good.
    async fn settled_without(&self, user: &UserId) {
        for _ in 0..PATIENCE {
            if self.app.calls.hub.sessions(user).is_empty() {
                return;
            }
            advance(GRACE / 100).await;
            self.app.calls.hub.sweep();
        }
        panic!("{user} has a session still");
    }

    async fn trust(&self, phone: &Phone) {
        let token = Some(phone.token.clone());
        let identity = Identity { user: phone.user.clone(), device: phone.device.clone(), token };
        self.app.calls.auth.trust(&phone.token, identity).await;
    }

    async fn scene(&self, seed: u64, rng: &mut Rng) -> Scene {
        let users: Vec<UserId> = (0..rng.usize(2..=4)).map(|n| UserId::parse(&format!("@u{n}-{seed}:x")).unwrap()).collect();
        let mut phones = Vec::new();
        for user in &users {
            for device in &["A", "B", "C"][..rng.usize(1..=3)] {
                let phone = Phone::new(user, device);
                self.trust(&phone).await;
                if rng.u8(0..4) > 0 {
                    phone.connect(&self.app);
                }
                phones.push(phone);
            }
        }
        let room = RoomId::parse(&format!("!room-{seed}:x")).unwrap();
        let mut scene = Scene { phones, users, room, call: None, under_way: Vec::new() };
        self.start(&mut scene, rng).await;
        scene
    }

    async fn start(&self, scene: &mut Scene, rng: &mut Rng) {
        let callers: Vec<&Phone> = scene.phones.iter().filter(|phone| phone.user == scene.users[0]).collect();
        let phone = callers[rng.usize(..callers.len())].clone();
        let request = Request {
            room: scene.room.clone(),
            kind: CallType::Video,
            caller: phone.user.clone(),
            caller_name: "Caller".to_owned(),
            device: phone.device.clone(),
            connected: self.app.calls.hub.is_connected(&phone.user, &phone.device),
            invitees: None,
            ring_for: RING,
        };
        let actor = phone.actor(None);
        let members: BTreeSet<UserId> = scene.users.iter().cloned().collect();
        let begun = self.app.calls.begin(crate::clock::call_id(), actor, request, members, BTreeSet::new(), None).await;
        let Ok(Begun::Ringing(call, _)) = begun else { panic!("a call in a fresh room begins") };
        for phone in &callers {
            phone.state.lock().calls_of_its_own.insert(call.id.clone());
        }
        let session = phone.state.lock().session.clone();
        phone.came_in(&call.id, session.as_ref(), 0, true);
        scene.call = Some(call.id.clone());
    }

    async fn happen(&self, scene: &mut Scene, rng: &mut Rng) {
        let phone = scene.phones[rng.usize(..scene.phones.len())].clone();
        match rng.u8(0..20) {
            0..=3 => phone.connect(&self.app),
            4..=5 => phone.lose(),
            6..=7 => phone.hang_up_socket(),
            8 => advance(Duration::from_millis(rng.u64(0..25_000))).await,
            9 => self.settle(scene).await,
            _ => self.act(scene, &phone, rng),
        }
    }

    /// Something that a phone does, by HTTP or on its socket; others go on meanwhile.
    fn act(&self, scene: &mut Scene, phone: &Phone, rng: &mut Rng) {
        let Some(id) = scene.call.clone() else { return };
        let (app, phone, choice) = (self.app.clone(), phone.clone(), rng.u8(0..10));
        let calls = app.calls.clone();
        let session = phone.state.lock().session.clone();
        let names_session = rng.bool();
        // Its user does one thing at a time.
        if phone.state.lock().acting {
            return;
        }
        phone.state.lock().acting = choice != 9;
        if choice == 9 {
            phone.send("join-call", &json!({ "callId": id }));
            phone.may_come_in(&id);
            return;
        }
        scene.under_way.push(tokio::spawn(async move {
            let actor = phone.actor(session.clone().filter(|_| names_session));
            let stops = phone.stops(&id);
            match choice {
                0..=3 => {
                    if calls.answer(actor, id.clone()).await.is_ok() {
                        phone.came_in(&id, session.as_ref(), stops, is_at_rest(&app, &phone));
                    }
                }
                4 => {
                    if calls.reject(actor, id.clone(), None).await.is_ok() {
                        phone.went(&id);
                    }
                }
                5 => {
                    if calls.join(actor, id.clone()).await.is_ok() {
                        phone.came_in(&id, session.as_ref(), stops, is_at_rest(&app, &phone));
                    }
                }
                6 => {
                    let left: Result<_, ApiError> = calls.leave(actor, id.clone()).await;
                    if left.is_ok() {
                        phone.went(&id);
                    }
                }
                7 => {
                    if calls.end(actor, id.clone(), false).await.is_ok() {
                        phone.went(&id);
                    }
                }
                _ => drop(calls.toggle(actor, id, Media::Audio, false).await),
            }
            phone.state.lock().acting = false;
        }));
    }

    /// What was asked is answered.
    async fn settle(&self, scene: &mut Scene) {
        for task in scene.under_way.drain(..) {
            task.await.unwrap();
        }
    }

    /// What was sent has arrived, and what is due is done.
    async fn rest(&self, scene: &Scene) {
        let is_quiet = async || {
            let due = self.app.calls.store.due(crate::clock::now()).await.unwrap();
            due.is_empty() && scene.phones.iter().all(|phone| is_at_rest(&self.app, phone))
        };
        for _ in 0..PATIENCE {
            if is_quiet().await {
                self.hear_of_what_is_stored().await;
                if is_quiet().await {
                    return;
                }
            }
            yield_now().await;
        }
        panic!("things do not come to rest");
    }

    /// The reading thread may see what is stored before whoever has stored it hears of that: a write of nothing waits its turn behind
    /// it, and those who are woken by then are let go on.
    async fn hear_of_what_is_stored(&self) {
        self.app.calls.store.note(Vec::new()).await.unwrap();
        for _ in 0..16 {
            yield_now().await;
        }
    }

    /// Whoever is still in the call ends it.
    async fn end(&self, scene: &Scene, id: &CallId) {
        for _ in 0..4 {
            let call = self.app.calls.store.load(id).await.unwrap().unwrap();
            let Some(user) = call.participants.iter().find(|(_, p)| matches!(p.part, Part::Joined { .. })).map(|(u, _)| u) else {
                break;
            };
            if call.is_over() {
                break;
            }
            let phone = scene.phones.iter().find(|phone| phone.user == *user).unwrap();
            self.app.calls.end(phone.actor(None), id.clone(), false).await.unwrap();
            phone.went(id);
        }
        advance(Duration::from_secs(61)).await;
        self.rest(scene).await;
    }

    async fn check(&self, scene: &Scene, id: &CallId) {
        let call = self.app.calls.store.load(id).await.unwrap().unwrap();
        assert!(call.is_over(), "the call never ends: {call:?}");
        for (user, participant) in &call.participants {
            let is_final = matches!(participant.part, Part::Left { .. } | Part::Rejected { .. } | Part::Missed { .. });
            assert!(is_final, "{user} is {:?} in a call that is over", participant.part);
        }
        for phone in &scene.phones {
            let state = phone.state.lock();
            let whose = format!("{}/{}", phone.user, phone.device);
            assert!(state.complaints.is_empty(), "{whose} {:?}: {:#?}", state.complaints, state.story);
            assert!(!state.shows.contains(id), "{whose} rings for ever: {:#?}", state.story);
            assert!(!state.in_call.contains(id), "{whose} is in the call for ever: {:#?}", state.story);
            for session in self.app.calls.hub.sessions(&phone.user) {
                assert!(!session.shows(id), "the hub thinks that {}/{} shows the call", phone.user, phone.device);
            }
        }
    }
}

impl Phone {
    fn actor(&self, session: Option<SessionId>) -> Actor {
        let token = Some(self.token.clone());
        Actor { who: Arc::new(Identity { user: self.user.clone(), device: self.device.clone(), token }), session }
    }
}

/// A homeserver that knows who is in which room, for whoever comes back into a call.
async fn homeserver() -> String {
    let members = async |Path(room): Path<String>| {
        let seed = room.trim_start_matches("!room-").trim_end_matches(":x");
        let joined: BTreeMap<String, Value> = (0..4).map(|n| (format!("@u{n}-{seed}:x"), json!({}))).collect();
        Json(json!({ "joined": joined }))
    };
    let router = Router::new().route("/_matrix/client/v3/rooms/{room}/joined_members", get(members));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}")
}

/// Whether it is connected, and what was sent to it has arrived.
fn is_at_rest(app: &App, phone: &Phone) -> bool {
    let state = phone.state.lock();
    let session = app.calls.hub.sessions(&phone.user).into_iter().find(|s| Some(&s.id) == state.session.as_ref());
    state.connected && session.is_some_and(|session| session.last_event() == state.last_event)
}
