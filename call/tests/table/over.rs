//! A call that is over stays as it is: answering, joining and toggling are refused, ending and leaving are repeated in vain.

use ringback_call::call::Call;

use crate::dsl::{after, ringing, table};

/// Checks that nothing can be done to it by those with a part in it, whatever that part was.
#[track_caller]
fn stays(call: &Call, status: &str, rejecters: &[&str], others: &[&str]) {
    let mut rows = Vec::new();
    for who in rejecters.iter().chain(others).chain([&"alice/A1"]) {
        let refused = format!("409 {status}");
        let reject = if rejecters.contains(who) { "same" } else { &refused };
        let end_for_all = if who.starts_with("alice/") { "same" } else { "403 NotCaller" };
        rows.push(format!(
            "{who} | answer      | 409 {status}
             {who} | reject      | {reject}
             {who} | join        | 409 {status}
             {who} | leave       | same
             {who} | end         | same
             {who} | end for all | {end_for_all}
             {who} | invite      | 409 {status}
             {who} | toggle      | 409 {status}
             {who} | connect     | same
             {who} | disconnect  | same\n"
        ));
    }
    rows.push(format!(
        "zoe/Z1 | answer      | 403 NotParticipant
         zoe/Z1 | reject      | 403 NotParticipant
         zoe/Z1 | join        | 409 {status}
         zoe/Z1 | leave       | 403 NotParticipant
         zoe/Z1 | end         | 403 NotParticipant
         zoe/Z1 | end for all | 403 NotParticipant
         zoe/Z1 | invite      | 403 NotParticipant
         zoe/Z1 | toggle      | 403 NotParticipant
         zoe/Z1 | connect     | same
         zoe/Z1 | disconnect  | same\n"
    ));
    table(call, 500, &rows.concat());
    assert_eq!(call.deadline(), None);
}

#[test]
fn between_two() {
    stays(&after(ringing(&["bob"]), "10 bob/B1 answer\n 20 bob/B1 end"), "ended", &[], &["bob/B1", "bob/B2", "alice/A2"]);
    stays(&after(ringing(&["bob"]), "10 alice/A1 end"), "ended", &[], &["bob/B1"]);
    stays(&after(ringing(&["bob"]), "10 bob/B1 reject"), "rejected", &["bob/B1", "bob/B2"], &[]);
    stays(&after(ringing(&["bob"]), "60 expire"), "missed", &[], &["bob/B1"]);
}

#[test]
fn of_a_group() {
    let call = ringing(&["bob", "carol?", "dave", "erin"]);
    let ended = after(call.clone(), "10 bob/B1 answer\n 11 dave/D1 reject\n 60 expire\n 70 alice/A1 end for all");
    stays(&ended, "ended", &["dave/D1"], &["bob/B1", "carol/C1", "erin/E1"]);
    let rejected = after(call.clone(), "1 bob/B1 reject\n 2 carol/C1 reject\n 3 dave/D1 end\n 4 erin/E1 reject");
    stays(&rejected, "rejected", &["bob/B1", "carol/C1", "dave/D1", "erin/E1"], &[]);
    let missed = after(call, "1 bob/B1 reject\n 60 expire");
    stays(&missed, "missed", &["bob/B1"], &["carol/C1", "dave/D1", "erin/E1"]);
}
