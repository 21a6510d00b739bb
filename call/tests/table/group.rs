//! A call of a larger room: alice calls from A1; bob, carol, dave, erin and frank are rung; zoe is a member of the room with no
//! part in the call.

use ringback_call::call::Call;

use crate::dsl::{after, ringing, table};

/// Nobody has answered: dave has said no, carol cannot be told yet.
fn rings() -> Call {
    after(ringing(&["bob", "carol?", "dave"]), "5 dave/D1 reject")
}

/// bob talks with alice, carol rings, dave cannot be told yet, erin has said no, frank has been in the call.
fn goes_on() -> Call {
    let call = ringing(&["bob", "carol", "dave?", "erin", "frank"]);
    after(call, "10 bob/B1 answer\n 11 erin/E1 reject\n 12 frank/F1 answer\n 13 frank/F1 leave")
}

#[test]
fn while_it_rings() {
    table(
        &rings(),
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
         alice/A1 | leave | ended, alice left, bob missed, carol missed | -alice/A1 to nobody; over by alice, cancelled: bob carol
         alice/A1 | end         | ended, alice left, bob missed, carol missed | over by alice, cancelled: alice bob carol
         alice/A1 | end for all | ended, alice left, bob missed, carol missed | over by alice, cancelled: alice bob carol
         alice/A1 | invite      | 409 ringing
         alice/A1 | toggle      | ringing, alice joined A1 without sound   | alice audio off to alice/A1
         alice/A1 | connect     | same
         alice/A1 | disconnect  | ringing, alice joined A1@30

         alice/A2 | answer      | 409 ringing
         alice/A2 | reject      | 409 ringing
         alice/A2 | join        | ringing, alice joined A1 A2      | +alice/A2 to alice/A1
         alice/A2 | leave | ended, alice left, bob missed, carol missed | -alice/A1 to nobody; over by alice, cancelled: bob carol
         alice/A2 | end         | ended, alice left, bob missed, carol missed | over by alice, cancelled: alice bob carol
         alice/A2 | end for all | ended, alice left, bob missed, carol missed | over by alice, cancelled: alice bob carol
         alice/A2 | invite      | 409 ringing
         alice/A2 | toggle      | ringing, alice joined A1 without sound   | alice audio off to alice/A1
         alice/A2 | connect     | same
         alice/A2 | disconnect  | same

         bob/B1   | answer      | active, bob joined B1            | answered by bob; bob answered elsewhere; +bob/B1 to alice/A1
         bob/B1   | reject      | ringing, bob rejected            | rejected by bob; bob rejected elsewhere
         bob/B1   | join        | 409 ringing
         bob/B1   | leave       | 403 NotJoined
         bob/B1   | end         | ringing, bob rejected            | rejected by bob; bob rejected elsewhere
         bob/B1   | end for all | 403 NotCaller
         bob/B1   | invite      | 409 ringing
         bob/B1   | toggle      | 403 NotJoined
         bob/B1   | connect     | same
         bob/B1   | disconnect  | same

         carol/C1 | answer | active, carol joined C1 | answered by carol; carol answered elsewhere; +carol/C1 to alice/A1
         carol/C1 | reject      | ringing, carol rejected          | rejected by carol; carol rejected elsewhere
         carol/C1 | join        | 409 ringing
         carol/C1 | leave       | 403 NotJoined
         carol/C1 | end         | ringing, carol rejected          | rejected by carol; carol rejected elsewhere
         carol/C1 | end for all | 403 NotCaller
         carol/C1 | invite      | 409 ringing
         carol/C1 | toggle      | 403 NotJoined
         carol/C1 | connect     | same
         carol/C1 | disconnect  | same

         dave/D1  | answer      | active, dave joined D1           | answered by dave; +dave/D1 to alice/A1
         dave/D1  | reject      | same
         dave/D1  | join        | 409 ringing
         dave/D1  | leave       | same
         dave/D1  | end         | same
         dave/D1  | end for all | 403 NotCaller
         dave/D1  | invite      | 409 ringing
         dave/D1  | toggle      | 403 NotJoined
         dave/D1  | connect     | same
         dave/D1  | disconnect  | same",
    );
}

#[test]
fn while_some_talk() {
    table(
        &goes_on(),
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
         alice/A1 | leave       | active, alice left               | -alice/A1 to bob/B1
         alice/A1 | end         | active, alice left               | -alice/A1 to bob/B1
         alice/A1 | end for all | ended, alice left, bob left, carol missed, dave missed | over by alice, hangup: alice bob carol dave
         alice/A1 | invite      | active, yuri ringing@80             | ring yuri@80
         alice/A1 | toggle      | active, alice joined A1 without sound    | alice audio off to alice/A1 bob/B1
         alice/A1 | connect     | same
         alice/A1 | disconnect  | active, alice joined A1@40

         alice/A2 | answer      | 409 active
         alice/A2 | reject      | 409 active
         alice/A2 | join        | active, alice joined A1 A2       | +alice/A2 to alice/A1 bob/B1
         alice/A2 | leave       | active, alice left               | -alice/A1 to bob/B1
         alice/A2 | end         | active, alice left               | -alice/A1 to bob/B1
         alice/A2 | end for all | ended, alice left, bob left, carol missed, dave missed | over by alice, hangup: alice bob carol dave
         alice/A2 | invite      | active, yuri ringing@80             | ring yuri@80
         alice/A2 | toggle      | active, alice joined A1 without sound    | alice audio off to alice/A1 bob/B1
         alice/A2 | connect     | same
         alice/A2 | disconnect  | same

         bob/B1   | answer      | same
         bob/B1   | reject      | 409 active
         bob/B1   | join        | same
         bob/B1   | leave       | active, bob left                 | -bob/B1 to alice/A1
         bob/B1   | end         | active, bob left                 | -bob/B1 to alice/A1
         bob/B1   | end for all | 403 NotCaller
         bob/B1   | invite      | active, yuri ringing@80             | ring yuri@80
         bob/B1   | toggle      | active, bob joined B1 without sound      | bob audio off to alice/A1 bob/B1
         bob/B1   | connect     | same
         bob/B1   | disconnect  | active, bob joined B1@40

         bob/B2   | answer      | 409 active
         bob/B2   | reject      | 409 active
         bob/B2   | join        | active, bob joined B1 B2         | +bob/B2 to alice/A1 bob/B1
         bob/B2   | leave       | active, bob left                 | -bob/B1 to alice/A1
         bob/B2   | end         | active, bob left                 | -bob/B1 to alice/A1
         bob/B2   | end for all | 403 NotCaller
         bob/B2   | invite      | active, yuri ringing@80             | ring yuri@80
         bob/B2   | toggle      | active, bob joined B1 without sound      | bob audio off to alice/A1 bob/B1
         bob/B2   | connect     | same
         bob/B2   | disconnect  | same",
    );
}

#[test]
fn while_some_talk_and_others_ring() {
    table(
        &goes_on(),
        20,
        "carol/C1 | answer | active, carol joined C1 | answered by carol; carol answered elsewhere; +carol/C1 to alice/A1 bob/B1
         carol/C1 | reject      | active, carol rejected           | rejected by carol; carol rejected elsewhere
         carol/C1 | join        | active, carol joined C1          | carol answered elsewhere; +carol/C1 to alice/A1 bob/B1
         carol/C1 | leave       | 403 NotJoined
         carol/C1 | end         | active, carol rejected           | rejected by carol; carol rejected elsewhere
         carol/C1 | end for all | 403 NotCaller
         carol/C1 | invite      | 403 NotJoined
         carol/C1 | toggle      | 403 NotJoined
         carol/C1 | connect     | same
         carol/C1 | disconnect  | same

         dave/D1 | answer | active, dave joined D1 | answered by dave; dave answered elsewhere; +dave/D1 to alice/A1 bob/B1
         dave/D1  | reject      | active, dave rejected            | rejected by dave; dave rejected elsewhere
         dave/D1  | join        | active, dave joined D1           | dave answered elsewhere; +dave/D1 to alice/A1 bob/B1
         dave/D1  | leave       | 403 NotJoined
         dave/D1  | end         | active, dave rejected            | rejected by dave; dave rejected elsewhere
         dave/D1  | end for all | 403 NotCaller
         dave/D1  | invite      | 403 NotJoined
         dave/D1  | toggle      | 403 NotJoined
         dave/D1  | connect     | same
         dave/D1  | disconnect  | same",
    );
}

/// Who has said no, has gone or has missed the ring may still come in while the call goes on.
#[test]
fn while_some_talk_and_others_do_not() {
    table(
        &goes_on(),
        20,
        "erin/E1  | answer      | active, erin joined E1           | answered by erin; +erin/E1 to alice/A1 bob/B1
         erin/E1  | reject      | same
         erin/E1  | join        | active, erin joined E1           | +erin/E1 to alice/A1 bob/B1
         erin/E1  | leave       | same
         erin/E1  | end         | same
         erin/E1  | end for all | 403 NotCaller
         erin/E1  | invite      | 403 NotJoined
         erin/E1  | toggle      | 403 NotJoined
         erin/E1  | connect     | same
         erin/E1  | disconnect  | same

         frank/F1 | answer      | active, frank joined F1          | answered by frank; +frank/F1 to alice/A1 bob/B1
         frank/F1 | reject      | 409 active
         frank/F1 | join        | active, frank joined F1          | +frank/F1 to alice/A1 bob/B1
         frank/F1 | leave       | same
         frank/F1 | end         | same
         frank/F1 | end for all | 403 NotCaller
         frank/F1 | invite      | 403 NotJoined
         frank/F1 | toggle      | 403 NotJoined
         frank/F1 | connect     | same
         frank/F1 | disconnect  | same",
    );
    table(
        &after(goes_on(), "60 expire"),
        70,
        "carol/C1 | answer      | active, carol joined C1          | answered by carol; +carol/C1 to alice/A1 bob/B1
         carol/C1 | reject      | 409 active
         carol/C1 | join        | active, carol joined C1          | +carol/C1 to alice/A1 bob/B1
         carol/C1 | leave       | same
         carol/C1 | end         | same
         carol/C1 | end for all | 403 NotCaller
         carol/C1 | invite      | 403 NotJoined
         carol/C1 | toggle      | 403 NotJoined
         carol/C1 | connect     | same
         carol/C1 | disconnect  | same",
    );
}

/// The caller of a group may go and come back, and may end for everyone what goes on without the caller.
#[test]
fn while_others_talk_without_the_caller() {
    table(
        &after(goes_on(), "15 alice/A1 leave"),
        20,
        "alice/A1 | answer      | active, alice joined A1          | +alice/A1 to bob/B1
         alice/A1 | reject      | 409 active
         alice/A1 | join        | active, alice joined A1          | +alice/A1 to bob/B1
         alice/A1 | leave       | same
         alice/A1 | end         | same
         alice/A1 | end for all | ended, bob left, carol missed, dave missed | over by alice, hangup: bob carol dave
         alice/A1 | invite      | 403 NotJoined
         alice/A1 | toggle      | 403 NotJoined
         alice/A1 | connect     | same
         alice/A1 | disconnect  | same",
    );
}
