//! What to try while the demo stays up: lines that work when pasted.

use serde_json::json;

use super::{PASSWORD, Stage, hello};
use crate::say;

/// Prints them.
pub fn print(stage: &Stage) {
    let Stage { url, alice, bob, room, .. } = stage;
    let address = url.replacen("http", "ws", 1);
    let binary = stage.binary.display();
    say::heading("Try it: Bob's phone in another terminal");
    say::command(&format!("npx wscat -c {address}"));
    say::line(&hello(&bob.user_id, &bob.token));
    say::line("\nor, to answer and hang up by keys:");
    say::command(&format!("RINGBACK_TOKEN={} {binary} phone --url {url} --as {}", bob.token, bob.user_id));
    say::line("\nor, one that answers by itself:");
    let flags = "--auto answer --after 2s --json";
    say::command(&format!("RINGBACK_TOKEN={} {binary} phone --url {url} --as {} {flags}", bob.token, bob.user_id));
    say::heading("then Alice calls");
    let body = json!({"roomId": room, "callType": "video", "userId": alice.user_id, "accessToken": alice.token});
    say::command(&format!("curl -X POST {url}/api/calls/initiate -H 'Content-Type: application/json' -d '{body}'"));
    say::heading("and more");
    say::command(&format!("curl {url}/call-config.json"));
    say::command(&format!("curl {url}/api/calls/active -H 'Authorization: Bearer {}'", bob.token));
    say::line(&format!("{url}/docs shows the whole interface"));
    let homeserver = &stage.synapse.homeserver.url;
    say::line(&format!("any Matrix client logs in at {homeserver} as alice or bob, with the password {PASSWORD}"));
    say::line(&format!("\nThe softphone: {url}, as alice or bob, with the same password."));
    say::line("Ctrl-C stops all.");
}
