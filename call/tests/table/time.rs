//! What time does to a call: when something is due, what a restart leaves of it, who was told that it rings.

use ringback_call::call::{Call, Status};

use crate::dsl::{after, at, begun, reach, request, ringing, ringing_without_socket, told, user};

#[track_caller]
fn due(call: &Call, seconds: Option<i64>) {
    assert_eq!(call.deadline(), seconds.map(at));
    let Some(seconds) = seconds else { return };
    assert_eq!(told(call, at(seconds - 1), Ok(call.clone().expire(at(seconds - 1)))), "same", "before the deadline");
    assert_ne!(told(call, at(seconds), Ok(call.clone().expire(at(seconds)))), "same", "at the deadline");
}

#[test]
fn the_deadline_is_the_next_thing_that_falls_due() {
    due(&ringing(&["bob"]), Some(60));
    due(&ringing(&["bob?"]), Some(60));
    due(&ringing_without_socket(&["bob"]), Some(60));
    due(&after(ringing(&["bob"]), "10 alice/A1 disconnect"), Some(30));
    due(&after(ringing(&["bob"]), "50 alice/A1 disconnect"), Some(60));
    due(&after(ringing(&["bob"]), "10 bob/B1 answer"), None);
    due(&after(ringing(&["bob"]), "10 bob/B1 answer without socket"), Some(70));
    due(&after(ringing(&["bob"]), "10 bob/B1 answer\n 20 alice/A1 disconnect\n 22 bob/B1 disconnect"), Some(40));
    due(&after(ringing(&["bob", "carol"]), "10 bob/B1 answer"), Some(60));
    due(&after(ringing(&["bob", "carol"]), "10 bob/B1 answer\n 11 carol/C1 reject"), None);
    due(&after(ringing(&["bob", "carol"]), "10 bob/B1 answer\n 60 expire"), None);
    due(&after(ringing(&["bob", "carol"]), "10 bob/B1 answer\n 60 expire\n 70 bob/B1 disconnect"), Some(90));
    due(&after(ringing(&["bob"]), "10 bob/B1 answer\n 11 bob/B1 disconnect\n 12 alice/A1 end"), None);
    due(&after(ringing(&["bob"]), "10 bob/B1 reject"), None);
    due(&after(ringing(&["bob"]), "60 expire"), None);
}

#[test]
fn a_late_expiry_says_when_it_happened() {
    assert_eq!(told_expiry(&ringing(&["bob"]), 75), "missed, alice left, bob missed | over by system, timeout: alice bob");
    let between_rejections = after(ringing(&["bob", "carol?"]), "5 bob/B1 reject");
    assert_eq!(told_expiry(&between_rejections, 60), "missed, alice left, carol missed | over by system, timeout: alice carol");
}

fn told_expiry(call: &Call, seconds: i64) -> String {
    told(call, at(seconds), Ok(call.clone().expire(at(seconds))))
}

fn told_restart(call: &Call, until: i64) -> String {
    told(call, at(0), Ok((call.clone().restarted(at(until)), Vec::new())))
}

#[test]
fn after_a_restart_everyone_in_the_call_has_a_grace_period_to_come_back() {
    let call = after(ringing(&["bob", "carol"]), "10 bob/B1 answer\n 11 bob/B2 join");
    assert_eq!(told_restart(&call, 50), "active, alice joined A1@50, bob joined B1@50 B2@50");
    assert_eq!(call.clone().restarted(at(50)).deadline(), Some(at(50)));
    assert_eq!(call.clone().restarted(at(50)).restarted(at(70)), Call { version: call.version + 2, ..call.restarted(at(70)) });
}

#[test]
fn a_restart_shortens_nobodys_time() {
    let call = after(ringing(&["bob"]), "10 bob/B1 answer without socket");
    assert_eq!(told_restart(&call, 50), "active, alice joined A1@50");
    assert_eq!(told_restart(&after(call, "11 alice/A1 disconnect"), 50), "active, alice joined A1@50");
}

#[test]
fn a_caller_without_a_socket_rings_on_after_a_restart() {
    let call = ringing_without_socket(&["bob"]);
    let restarted = call.clone().restarted(at(50));
    assert_eq!((restarted.status(), restarted.deadline()), (Status::Ringing, Some(at(60))));
    assert_eq!(restarted.participants, call.participants);
    let lost = ringing(&["bob"]).restarted(at(50)).expire(at(50)).0;
    assert_eq!(lost.status(), Status::Ended);
}

#[test]
fn a_restart_does_nothing_to_a_call_that_is_over() {
    for over in ["10 alice/A1 end", "10 bob/B1 reject", "60 expire"] {
        let call = after(ringing(&["bob"]), over);
        assert_eq!(told_restart(&call, 90), "same", "{over}");
    }
}

#[test]
fn somebody_is_told_once() {
    let call = ringing(&["bob?", "carol", "dave?"]);
    let rung = call.clone().told(&user("bob")).unwrap();
    assert_eq!(told(&call, at(1), Ok((rung.clone(), Vec::new()))), "ringing, bob ringing");
    for who in ["bob", "carol", "alice", "zoe"] {
        assert_eq!(rung.clone().told(&user(who)), None, "{who}");
    }
    let active = after(call, "10 carol/C1 answer");
    let later = active.clone().told(&user("dave")).unwrap();
    assert_eq!(told(&active, at(11), Ok((later.clone(), Vec::new()))), "active, dave ringing");
    assert_eq!(after(later, "12 dave/D1 reject").told(&user("dave")), None);
    assert_eq!(after(active, "60 expire").told(&user("dave")), None);
    assert_eq!(after(ringing(&["bob?"]), "10 alice/A1 end").told(&user("bob")), None);
}

#[test]
fn a_call_rings_for_those_who_have_not_decided() {
    let call = ringing(&["bob?", "carol", "dave", "erin"]);
    let call = after(call, "10 dave/D1 reject\n 11 erin/E1 answer");
    let rung = |call: &Call| {
        let names = ["alice", "bob", "carol", "dave", "erin", "zoe"];
        names.into_iter().filter(|name| call.rings(&user(name))).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(rung(&call), "bob carol");
    assert_eq!(rung(&after(call.clone(), "60 expire")), "");
    assert_eq!(rung(&after(call, "20 alice/A1 end for all")), "");
}

#[test]
fn it_says_when_it_began_and_when_it_was_over() {
    let times = |call: &Call| (call.started_at(), call.ended_at());
    let active = after(ringing(&["bob"]), "10 bob/B1 answer");
    assert_eq!(times(&ringing(&["bob"])), (None, None));
    assert_eq!(times(&active), (Some(at(10)), None));
    assert_eq!(times(&after(active, "30 bob/B1 end")), (Some(at(10)), Some(at(30))));
    assert_eq!(times(&after(ringing(&["bob"]), "30 alice/A1 end")), (None, Some(at(30))));
    assert_eq!(times(&after(ringing(&["bob"]), "30 bob/B1 reject")), (None, Some(at(30))));
    assert_eq!(times(&after(ringing(&["bob"]), "61 expire")), (None, Some(at(61))));
}

#[test]
fn who_leaves_the_room_is_neither_rung_nor_in_the_call() {
    let leaves = |call: &Call, who: &str| told(call, at(30), Ok(call.clone().left_room(at(30), &user(who))));
    let call = ringing(&["bob", "carol?"]);
    assert_eq!(leaves(&call, "bob"), "ringing, bob missed | stop ringing, cancelled: bob");
    assert_eq!(
        leaves(&call, "alice"),
        "ended, alice left, bob missed, carol missed | -alice/A1 to nobody; over by alice, cancelled: bob carol"
    );
    assert_eq!(leaves(&call, "zoe"), "same");
    let last = after(call.clone(), "5 carol/C1 reject");
    assert_eq!(
        leaves(&last, "bob"),
        "missed, alice left, bob missed | stop ringing, cancelled: bob; over by system, timeout: alice"
    );
    assert_eq!(leaves(&last, "carol"), "same");
    let active = after(call, "10 bob/B1 answer");
    assert_eq!(leaves(&active, "bob"), "active, bob left | -bob/B1 to alice/A1");
    let two = after(ringing(&["bob"]), "10 bob/B1 answer");
    assert_eq!(leaves(&two, "bob"), "ended, alice left, bob left | -bob/B1 to alice/A1; over by bob, hangup: alice");
    assert_eq!(leaves(&after(two, "20 bob/B1 end"), "alice"), "same");
}

#[test]
fn who_comes_into_the_room_is_rung_for_the_time_that_is_left() {
    let comes = |call: &Call, who: &str, seconds| {
        let name = user(who.trim_end_matches(['?', '!', '-']));
        told(call, at(seconds), Ok(call.clone().joined_room(at(seconds), &name, reach(who))))
    };
    let call = ringing(&["bob"]);
    assert_eq!(comes(&call, "zoe", 30), "ringing, zoe ringing | ring zoe");
    assert_eq!(comes(&call, "zoe-", 30), "ringing, zoe invited unaware");
    assert_eq!(comes(&call, "zoe", 60), "same");
    assert_eq!(comes(&call, "bob", 30), "same");
    assert_eq!(comes(&after(call.clone(), "5 bob/B1 reject"), "zoe", 30), "same", "it is over");
    let (named, _) = begun(request("alice", Some(&["bob"])), &["bob", "zoe"]);
    assert_eq!(comes(&named, "zoe", 30), "same", "only those who were named are rung");
}
