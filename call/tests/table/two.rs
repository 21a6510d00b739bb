//! A call between two: alice calls bob from A1. zoe is a member of the room with no part in the call; where the call is
//! between two in a larger room, she may come in.

use crate::dsl::{after, ringing, table};

#[test]
fn while_it_rings() {
    table(
        &ringing(&["bob"]),
        10,
        "zoe/Z1   | answer      | 403 NotParticipant
         zoe/Z1   | reject      | 403 NotParticipant
         zoe/Z1   | join        | 409 ringing
         zoe/Z1   | leave       | 403 NotParticipant
         zoe/Z1   | end         | 403 NotParticipant
         zoe/Z1   | end for all | 403 NotParticipant
         zoe/Z1   | invite      | 403 NotParticipant
         zoe/Z1   | toggle      | 403 NotParticipant
         zoe/Z1   | connect     | same
         zoe/Z1   | disconnect  | same

         alice/A1 | answer      | 409 ringing
         alice/A1 | reject      | 409 ringing
         alice/A1 | join        | same
         alice/A1 | leave       | ended, alice left, bob missed    | -alice/A1 to nobody; over by alice, cancelled: bob
         alice/A1 | end         | ended, alice left, bob missed    | over by alice, cancelled: alice bob
         alice/A1 | end for all | ended, alice left, bob missed    | over by alice, cancelled: alice bob
         alice/A1 | invite      | 409 ringing
         alice/A1 | toggle      | ringing, alice joined A1 without sound   | alice audio off to alice/A1
         alice/A1 | connect     | same
         alice/A1 | disconnect  | ringing, alice joined A1@30

         alice/A2 | answer      | 409 ringing
         alice/A2 | reject      | 409 ringing
         alice/A2 | join        | ringing, alice joined A1 A2      | +alice/A2 to alice/A1
         alice/A2 | leave       | ended, alice left, bob missed    | -alice/A1 to nobody; over by alice, cancelled: bob
         alice/A2 | end         | ended, alice left, bob missed    | over by alice, cancelled: alice bob
         alice/A2 | end for all | ended, alice left, bob missed    | over by alice, cancelled: alice bob
         alice/A2 | invite      | 409 ringing
         alice/A2 | toggle      | ringing, alice joined A1 without sound   | alice audio off to alice/A1
         alice/A2 | connect     | same
         alice/A2 | disconnect  | same",
    );
}

/// What bob may do does not depend on whether a device of his was told already.
#[test]
fn whoever_is_rung_answers_or_rejects() {
    for call in [ringing(&["bob"]), ringing(&["bob?"])] {
        table(
            &call,
            10,
            "bob/B1 | answer | active, bob joined B1 | answered by bob; bob answered elsewhere; +bob/B1 to alice/A1
             bob/B1 | reject | rejected, alice left, bob rejected | rejected by bob; bob rejected elsewhere; over by bob, rejected: alice
             bob/B1 | join        | 409 ringing
             bob/B1 | leave       | 403 NotJoined
             bob/B1 | end | rejected, alice left, bob rejected | rejected by bob; bob rejected elsewhere; over by bob, rejected: alice
             bob/B1 | end for all | 403 NotCaller
             bob/B1 | invite      | 409 ringing
             bob/B1 | toggle      | 403 NotJoined
             bob/B1 | connect     | same
             bob/B1 | disconnect  | same",
        );
    }
}

#[test]
fn while_they_talk() {
    table(
        &after(ringing(&["bob"]), "10 bob/B1 answer"),
        20,
        "zoe/Z1   | answer      | 403 NotParticipant
         zoe/Z1   | reject      | 403 NotParticipant
         zoe/Z1   | join        | active, zoe joined Z1            | +zoe/Z1 to alice/A1 bob/B1
         zoe/Z1   | leave       | 403 NotParticipant
         zoe/Z1   | end         | 403 NotParticipant
         zoe/Z1   | end for all | 403 NotParticipant
         zoe/Z1   | invite      | 403 NotParticipant
         zoe/Z1   | toggle      | 403 NotParticipant
         zoe/Z1   | connect     | same
         zoe/Z1   | disconnect  | same

         alice/A1 | answer      | 409 active
         alice/A1 | reject      | 409 active
         alice/A1 | join        | same
         alice/A1 | leave       | ended, alice left, bob left      | -alice/A1 to bob/B1; over by alice, hangup: bob
         alice/A1 | end         | ended, alice left, bob left      | over by alice, hangup: alice bob
         alice/A1 | end for all | ended, alice left, bob left      | over by alice, hangup: alice bob
         alice/A1 | invite      | active, yuri ringing@80             | ring yuri@80
         alice/A1 | toggle      | active, alice joined A1 without sound    | alice audio off to alice/A1 bob/B1
         alice/A1 | connect     | same
         alice/A1 | disconnect  | active, alice joined A1@40

         bob/B1   | answer      | same
         bob/B1   | reject      | 409 active
         bob/B1   | join        | same
         bob/B1   | leave       | ended, alice left, bob left      | -bob/B1 to alice/A1; over by bob, hangup: alice
         bob/B1   | end         | ended, alice left, bob left      | over by bob, hangup: alice bob
         bob/B1   | end for all | 403 NotCaller
         bob/B1   | invite      | active, yuri ringing@80             | ring yuri@80
         bob/B1   | toggle      | active, bob joined B1 without sound      | bob audio off to alice/A1 bob/B1
         bob/B1   | connect     | same
         bob/B1   | disconnect  | active, bob joined B1@40",
    );
}

/// Another device of somebody in the call may come in; whatever else it does, it does for its user.
#[test]
fn while_they_talk_from_another_device() {
    table(
        &after(ringing(&["bob"]), "10 bob/B1 answer"),
        20,
        "alice/A2 | answer      | 409 active
         alice/A2 | reject      | 409 active
         alice/A2 | join        | active, alice joined A1 A2       | +alice/A2 to alice/A1 bob/B1
         alice/A2 | leave       | ended, alice left, bob left      | -alice/A1 to bob/B1; over by alice, hangup: bob
         alice/A2 | end         | ended, alice left, bob left      | over by alice, hangup: alice bob
         alice/A2 | end for all | ended, alice left, bob left      | over by alice, hangup: alice bob
         alice/A2 | invite      | active, yuri ringing@80             | ring yuri@80
         alice/A2 | toggle      | active, alice joined A1 without sound    | alice audio off to alice/A1 bob/B1
         alice/A2 | connect     | same
         alice/A2 | disconnect  | same

         bob/B2   | answer      | 409 active
         bob/B2   | reject      | 409 active
         bob/B2   | join        | active, bob joined B1 B2         | +bob/B2 to alice/A1 bob/B1
         bob/B2   | leave       | ended, alice left, bob left      | -bob/B1 to alice/A1; over by bob, hangup: alice
         bob/B2   | end         | ended, alice left, bob left      | over by bob, hangup: alice bob
         bob/B2   | end for all | 403 NotCaller
         bob/B2   | invite      | active, yuri ringing@80             | ring yuri@80
         bob/B2   | toggle      | active, bob joined B1 without sound      | bob audio off to alice/A1 bob/B1
         bob/B2   | connect     | same
         bob/B2   | disconnect  | same",
    );
}
