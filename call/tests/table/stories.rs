//! Calls from their ring to their end, as scripts.

use crate::dsl::{after, ringing, ringing_without_socket, story};

#[test]
fn of_several_devices_that_answer_one_wins() {
    story(
        ringing(&["bob"]),
        "10 bob/B1 answer    | active, bob joined B1 | answered by bob; bob answered elsewhere; +bob/B1 to alice/A1
         10 bob/B2 answer    | 409 active
         11 bob/B1 answer    | same
         12 bob/B1 end       | ended, alice left, bob left | over by bob, hangup: alice bob
         13 bob/B1 answer    | 409 ended
         13 bob/B2 answer    | 409 ended
         14 alice/A1 end     | same",
    );
}

#[test]
fn a_second_device_takes_the_call_over() {
    story(
        after(ringing(&["bob"]), "10 bob/B1 answer"),
        "20 bob/B2 join      | active, bob joined B1 B2 | +bob/B2 to alice/A1 bob/B1
         21 bob/B1 leave     | active, bob joined B2    | -bob/B1 to alice/A1 bob/B2
         22 bob/B1 leave     | ended, alice left, bob left | -bob/B2 to alice/A1; over by bob, hangup: alice",
    );
    // The one that had answered may change its mind, and is in the call again then.
    story(
        after(ringing(&["bob"]), "10 bob/B1 answer\n 20 bob/B2 join\n 21 bob/B1 leave"),
        "22 bob/B1 answer    | active, bob joined B1 B2 | +bob/B1 to alice/A1 bob/B2
         23 bob/B1 answer    | same",
    );
    // The caller's can even before anyone has answered.
    story(
        ringing(&["bob"]),
        "5 alice/A2 join     | ringing, alice joined A1 A2 | +alice/A2 to alice/A1
         6 alice/A1 leave    | ringing, alice joined A2    | -alice/A1 to alice/A2
         7 bob/B1 answer     | active, bob joined B1 | answered by bob; bob answered elsewhere; +bob/B1 to alice/A2",
    );
}

#[test]
fn hanging_up_takes_every_device_of_the_user_out() {
    story(
        after(ringing(&["bob", "carol"]), "10 bob/B1 answer\n 11 bob/B2 join"),
        "20 bob/B1 end       | active, bob left | -bob/B1 to alice/A1 bob/B2; -bob/B2 to alice/A1",
    );
}

#[test]
fn a_group_goes_on_until_nobody_is_left() {
    story(
        ringing(&["bob", "carol", "dave"]),
        "10 bob/B1 answer    | active, bob joined B1 | answered by bob; bob answered elsewhere; +bob/B1 to alice/A1
         20 carol/C1 answer  | active, carol joined C1 | answered by carol; carol answered elsewhere; +carol/C1 to alice/A1 bob/B1
         59 expire           | same
         60 expire           | active, dave missed | stop ringing, timeout: dave
         61 alice/A1 end     | active, alice left | -alice/A1 to bob/B1 carol/C1
         62 dave/D1 join     | active, dave joined D1 | +dave/D1 to bob/B1 carol/C1
         63 bob/B1 leave     | active, bob left | -bob/B1 to carol/C1 dave/D1
         64 carol/C1 leave   | active, carol left | -carol/C1 to dave/D1
         65 dave/D1 end      | ended, dave left | -dave/D1 to nobody; over by dave, hangup:",
    );
}

#[test]
fn who_still_rings_hears_that_everyone_has_gone() {
    story(
        after(ringing(&["bob", "carol?"]), "10 bob/B1 answer\n 20 alice/A1 end"),
        "30 bob/B1 end       | ended, bob left, carol missed | -bob/B1 to nobody; over by bob, hangup: carol",
    );
}

#[test]
fn a_group_that_everyone_rejects_is_rejected() {
    story(
        ringing(&["bob", "carol?"]),
        "1 bob/B1 reject: busy | ringing, bob rejected | rejected by bob: busy; bob rejected elsewhere
         1 bob/B2 reject       | same
         2 carol/C1 reject | rejected, alice left, carol rejected | rejected by carol; carol rejected elsewhere; over by carol, rejected: alice
         3 bob/B1 reject       | same",
    );
}

/// What counts is how many have had a part in it, not how large the room is.
#[test]
fn a_call_between_two_grows_into_a_group() {
    story(
        after(ringing(&["bob"]), "10 bob/B1 answer\n 20 zoe/Z1 join"),
        "30 bob/B1 end       | active, bob left | -bob/B1 to alice/A1 zoe/Z1
         31 alice/A1 end     | active, alice left | -alice/A1 to zoe/Z1
         32 zoe/Z1 leave     | ended, zoe left | -zoe/Z1 to nobody; over by zoe, hangup:",
    );
}

#[test]
fn the_first_reject_counts_though_others_ring_on_and_the_rejecter_may_come_in_later() {
    story(
        ringing(&["bob", "carol"]),
        "10 bob/B1 reject    | ringing, bob rejected | rejected by bob; bob rejected elsewhere
         11 bob/B2 join      | 409 ringing
         12 carol/C1 answer  | active, carol joined C1 | answered by carol; carol answered elsewhere; +carol/C1 to alice/A1
         13 bob/B2 join      | active, bob joined B2 | +bob/B2 to alice/A1 carol/C1",
    );
}

#[test]
fn who_answers_without_a_socket_has_a_minute_to_connect() {
    let call = story(
        ringing(&["bob"]),
        "10 bob/B1 answer without socket | active, bob joined B1@70 | answered by bob; bob answered elsewhere; +bob/B1 to alice/A1",
    );
    story(
        call.clone(),
        "69 expire | same\n 70 expire | ended, alice left, bob left | -bob/B1 to alice/A1; over by system, disconnected: alice",
    );
    story(call, "69 bob/B1 connect | active, bob joined B1\n 70 expire | same\n 700 expire | same");
    story(
        after(ringing(&["bob", "carol"]), "10 bob/B1 answer"),
        "20 carol/C1 join without socket | active, carol joined C1@80 | carol answered elsewhere; +carol/C1 to alice/A1 bob/B1
         21 carol/C1 join without socket | same
         22 carol/C1 join                | active, carol joined C1",
    );
}

#[test]
fn a_caller_without_any_socket_rings_until_the_ring_timeout() {
    let call = ringing_without_socket(&["bob"]);
    assert_eq!(call.deadline(), Some(crate::dsl::at(60)));
    story(call.clone(), "59 expire | same\n 60 expire | missed, alice left, bob missed | over by system, timeout: alice bob");
    story(call.clone(), "30 alice/A1 end | ended, alice left, bob missed | over by alice, cancelled: alice bob");
    // Once somebody has answered there is a minute to connect, as there is for whoever answers.
    story(
        call,
        "10 bob/B1 answer | active, alice joined A1@70, bob joined B1 | answered by bob; bob answered elsewhere; +bob/B1 to alice/A1
         69 expire           | same
         70 expire           | ended, alice left, bob left | -alice/A1 to bob/B1; over by system, disconnected: bob",
    );
    // A caller who had a socket once is lost like anyone else.
    story(
        ringing_without_socket(&["bob"]),
        "10 alice/A1 connect    | ringing, alice joined A1
         20 alice/A1 disconnect | ringing, alice joined A1@40
         40 expire              | ended, alice left, bob missed | -alice/A1 to nobody; over by system, disconnected: bob",
    );
}

#[test]
fn a_caller_who_is_lost_while_it_rings_cancels_the_call() {
    let lost = after(ringing(&["bob", "carol?"]), "5 alice/A1 disconnect");
    story(
        lost.clone(),
        "25 expire | ended, alice left, bob missed, carol missed | -alice/A1 to nobody; over by system, disconnected: bob carol",
    );
    story(lost.clone(), "24 alice/A1 connect | ringing, alice joined A1\n 25 expire | same");
    story(
        lost.clone(),
        "24 alice/A2 join | ringing, alice joined A1@25 A2 | +alice/A2 to alice/A1\n 25 expire | ringing, alice joined A2 | -alice/A1 to alice/A2",
    );
    story(lost, "10 bob/B1 answer | active, bob joined B1 | answered by bob; bob answered elsewhere; +bob/B1 to alice/A1");
}

#[test]
fn who_is_lost_for_the_grace_period_has_left() {
    story(
        after(ringing(&["bob"]), "10 bob/B1 answer"),
        "20 bob/B1 disconnect | active, bob joined B1@40
         39 expire            | same
         40 expire            | ended, alice left, bob left | -bob/B1 to alice/A1; over by system, disconnected: alice",
    );
    story(
        after(ringing(&["bob", "carol"]), "10 bob/B1 answer\n 11 bob/B2 join\n 12 carol/C1 reject"),
        "20 bob/B1 disconnect   | active, bob joined B1@40 B2
         25 bob/B2 disconnect   | active, bob joined B1@40 B2@45
         40 expire              | active, bob joined B2@45 | -bob/B1 to alice/A1 bob/B2
         45 expire              | active, bob left | -bob/B2 to alice/A1
         50 alice/A1 disconnect | active, alice joined A1@70
         70 expire              | ended, alice left | -alice/A1 to nobody; over by system, disconnected:",
    );
}

/// Late by however much: what fell due together is done together.
#[test]
fn one_look_does_all_that_is_due() {
    story(
        after(ringing(&["bob", "carol"]), "10 bob/B1 answer\n 30 bob/B1 disconnect"),
        "100 expire           | active, bob left, carol missed | -bob/B1 to alice/A1; stop ringing, timeout: carol
         101 expire           | same",
    );
    story(
        after(ringing(&["bob", "carol"]), "10 bob/B1 answer\n 30 bob/B1 disconnect\n 31 alice/A1 disconnect"),
        "100 expire | ended, alice left, bob left, carol missed | -alice/A1 to bob/B1; -bob/B1 to nobody; over by system, disconnected: carol",
    );
    story(
        after(ringing(&["bob"]), "45 alice/A1 disconnect"),
        "100 expire           | ended, alice left, bob missed | -alice/A1 to nobody; over by system, disconnected: bob",
    );
}

#[test]
fn microphone_camera_and_screen() {
    story(
        after(ringing(&["bob", "carol"]), "10 bob/B1 answer\n 11 bob/B2 join"),
        "20 bob/B1 audio on   | same
         21 bob/B1 toggle     | active, bob joined B1 B2 without sound | bob audio off to alice/A1 bob/B1 bob/B2
         22 bob/B2 video on   | active, bob joined B1 B2 without sound with picture | bob video on to alice/A1 bob/B1 bob/B2
         23 bob/B2 screen on | active, bob joined B1 B2 without sound with picture with screen | bob screen on to alice/A1 bob/B1 bob/B2
         24 bob/B2 screen on  | same
         25 bob/B2 end        | active, bob left without sound with picture | -bob/B1 to alice/A1 bob/B2; -bob/B2 to alice/A1",
    );
}
