//! Of all devices that answer at once, one wins.

use anyhow::{Context as _, Result, ensure};
use futures_util::future::try_join_all;
use ringback_e2e::{Login, Options, Server, another_device, pair};

const DEVICES: usize = 20;
const ROUNDS: usize = 100;

async fn exactly_one_wins(options: Options) -> Result<()> {
    let (alice, bob, room) = pair().await?;
    let server = options.start().await?;
    let mut devices = try_join_all((1..DEVICES).map(|_| another_device(&bob))).await?;
    devices.push(bob);
    for round in 0..ROUNDS {
        one_round(&server, &alice, &devices, &room).await.with_context(|| format!("round {round}"))?;
    }
    Ok(())
}

async fn one_round(server: &Server, alice: &Login, devices: &[Login], room: &str) -> Result<()> {
    let call = server.initiate(alice, room).await?;
    let replies = try_join_all(devices.iter().map(|device| server.act(device, &call, "answer"))).await?;
    let (won, lost): (Vec<_>, Vec<_>) = replies.into_iter().partition(|reply| reply.status == 200);
    ensure!(won.len() == 1, "{} devices were told that they won", won.len());
    for reply in lost {
        let body = reply.expect_refusal(409, "RINGBACK_CALL_STATE")?;
        ensure!(body["status"] == "active", "the refusal says where the call stands: {body}");
    }
    server.act(alice, &call, "end").await?.expect(200).map(drop)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_twenty_devices_on_sqlite() -> Result<()> {
    exactly_one_wins(Options::new("of_twenty_devices_on_sqlite")).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_twenty_devices_on_postgres() -> Result<()> {
    exactly_one_wins(Options::new("of_twenty_devices_on_postgres").on_postgres()?).await
}
