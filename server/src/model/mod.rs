//! The whole server under random interleavings: up to four users with three devices each answer, reject, cancel, drop, resume and
//! time out, in virtual time and over sockets that lose what was in flight. Afterwards every device that was rung has been told to
//! stop exactly once, all agree with the database, and no event came twice or out of order.
//!
//! A failing run prints its seed; `RINGBACK_TEST_SEED=N cargo test -p ringback model` replays it.

mod phone;
mod world;

use std::{env, panic::AssertUnwindSafe};

use fastrand::Rng;
use futures_util::FutureExt as _;

use world::World;

/// How many interleavings each of the two tests runs.
const RUNS: u64 = 5_000;
/// How many share a server, whose caches and clean-up are under test too.
const RUNS_A_SERVER: u64 = 250;

#[test]
fn interleavings_agree_part_one() {
    run(0..RUNS);
}

#[test]
fn interleavings_agree_part_two() {
    run(RUNS..2 * RUNS);
}

/// What a device gets that comes back anew is decided after its joining: the call may have ended in between.
#[test]
fn who_comes_back_anew_as_the_call_ends_does_not_show_it() {
    in_virtual_time(async {
        let world = World::new().await;
        for number in 0..20 {
            world.come_back_as_it_ends(number).await;
        }
    });
}

#[test]
fn who_is_let_in_for_a_lost_session_hears_of_the_end() {
    in_virtual_time(async { World::new().await.answer_for_a_lost_session().await });
}

#[test]
fn who_answers_once_more_on_another_connection_hears_of_the_end() {
    in_virtual_time(async { World::new().await.answer_once_more().await });
}

fn run(seeds: std::ops::Range<u64>) {
    let replay = env::var("RINGBACK_TEST_SEED").ok().map(|seed| seed.parse::<u64>().expect("RINGBACK_TEST_SEED is a number"));
    let seeds: Vec<u64> = match replay {
        Some(seed) if seeds.contains(&seed) => vec![seed],
        Some(_) => Vec::new(),
        None => seeds.collect(),
    };
    for seeds in seeds.chunks(usize::try_from(RUNS_A_SERVER).unwrap()) {
        in_virtual_time(async {
            let world = World::new().await;
            for seed in seeds {
                let outcome = AssertUnwindSafe(world.interleave(*seed, Rng::with_seed(*seed))).catch_unwind().await;
                assert!(outcome.is_ok(), "interleaving {seed} failed: RINGBACK_TEST_SEED={seed} replays it");
            }
        });
    }
}

fn in_virtual_time(work: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    runtime.block_on(async {
        // While something is always ready to run, time stands still unless the test moves it.
        let busy = tokio::spawn(async {
            loop {
                tokio::task::yield_now().await;
            }
        });
        work.await;
        busy.abort();
    });
}
