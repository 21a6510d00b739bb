//! Complete calls: initiate, ring, answer, join, offer, answer, ten candidates each way, end.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use anyhow::Result;
use futures_util::future::try_join_all;
use tokio::{sync::Mutex, time::interval};

use super::Probe;
use crate::{
    device::{Device, Events},
    figures::{Latencies, Run},
    subject::{Kind, Subject},
};

/// How many devices call each other.
pub const DEVICES: usize = 200;
/// How many candidates each side sends.
const CANDIDATES: usize = 10;

/// A session description of usual length, as the text in a JSON string.
pub const SDP: &str = concat!(
    r"v=0\r\no=- 4611731400430051336 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\na=extmap-allow-mixed\r\na=msid-semantic: WMS stream\r\n",
    r"m=audio 9 UDP/TLS/RTP/SAVPF 111 63 9 0 8 13 110 126\r\nc=IN IP4 0.0.0.0\r\na=rtcp:9 IN IP4 0.0.0.0\r\na=ice-ufrag:EsAw\r\na=ice-pwd:bP+XJMM09aR8AiX1jdukzR6Y\r\na=ice-options:trickle\r\n",
    r"a=fingerprint:sha-256 DA:7B:57:DC:28:CE:04:4F:31:79:85:C4:31:67:EB:27:58:29:ED:77:2A:0D:24:AE:ED:AD:30:BC:BD:F1:9C:02\r\na=setup:actpass\r\na=mid:0\r\na=sendrecv\r\na=rtcp-mux\r\n",
    r"a=rtpmap:111 opus/48000/2\r\na=rtcp-fb:111 transport-cc\r\na=fmtp:111 minptime=10;useinbandfec=1\r\na=rtpmap:63 red/48000/2\r\na=fmtp:63 111/111\r\na=rtpmap:9 G722/8000\r\na=rtpmap:0 PCMU/8000\r\n",
    r"a=rtpmap:8 PCMA/8000\r\na=rtpmap:13 CN/8000\r\na=rtpmap:110 telephone-event/48000\r\na=rtpmap:126 telephone-event/8000\r\na=ssrc:2231627014 cname:kT3x\r\na=ssrc:2231627014 msid:stream track\r\n",
);

/// A candidate of usual length.
pub const CANDIDATE: &str = r#""candidate":{"candidate":"candidate:842163049 1 udp 1677729535 203.0.113.17 46154 typ srflx raddr 192.168.1.22 rport 46154 generation 0 ufrag EsAw network-cost 999","sdpMid":"0","sdpMLineIndex":0}"#;

/// What is learnt from calls.
#[derive(Default)]
pub struct Learnt {
    pub ring: Latencies,
    pub answer: Latencies,
    pub relay: Latencies,
}

/// Makes `count` calls, `at_once` of them at a time, after some to warm up. The Node.js server gets a fifth of them: it is that
/// much slower, and what is measured is the same for each call.
pub async fn run(subject: &Subject, at_once: usize, count: usize) -> Result<Run> {
    let count = if subject.kind == Kind::Seed { count / 5 } else { count };
    let devices = super::connect(subject, 0..DEVICES).await?;
    many(&devices, at_once, count / 10 + 8, 0, None).await?;
    let probe = Probe::start(subject);
    let (before, database_before) = (subject.usage()?, subject.database_cpu()?);
    let started = Instant::now();
    let learnt = many(&devices, at_once, count, 1, None).await?;
    let took = started.elapsed();
    let after = subject.usage()?;
    let mut run = Run::default();
    let calls = count as f64;
    run.set("calls a second", calls / took.as_secs_f64());
    let cpu = after.cpu_since(&before);
    let databases = subject.database_cpu()?.saturating_sub(database_before).as_secs_f64();
    run.set("CPU ms a call", cpu * 1000.0 / calls);
    run.set("CPU ms a call, with its database", (cpu + databases) * 1000.0 / calls);
    probe.end().await?.note("homeserver round trip", &mut run);
    learnt.ring.note("ring", &mut run);
    learnt.answer.note("answer", &mut run);
    learnt.relay.note("relay", &mut run);
    Ok(run)
}

/// Makes `count` calls, `at_once` of them at a time; one begins at each tick, where there is a pace.
pub async fn many(devices: &[Arc<Device>], at_once: usize, count: usize, round: usize, pace: Option<Duration>) -> Result<Learnt> {
    let next = Arc::new(AtomicUsize::new(0));
    let ticks = pace.map(|pace| Arc::new(Mutex::new(interval(pace))));
    let lanes = (0..at_once).map(|lane| {
        let (next, devices, ticks) = (next.clone(), devices.to_vec(), ticks.clone());
        tokio::spawn(async move {
            let mut learnt = Learnt::default();
            while next.fetch_add(1, Relaxed) < count {
                if let Some(ticks) = &ticks {
                    ticks.lock().await.tick().await;
                }
                // Each lane has a pair of its own, as far as there are pairs, and always a room of its own.
                let first = (lane * 2) % devices.len();
                let room = format!("!{first}.2.{lane}-{round}:bench");
                one(&devices[first], &devices[first + 1], &room, &mut learnt).await?;
            }
            anyhow::Ok(learnt)
        })
    });
    let mut all = Learnt::default();
    for learnt in try_join_all(lanes).await? {
        let Learnt { ring, answer, relay } = learnt?;
        all.ring.merge(&ring);
        all.answer.merge(&answer);
        all.relay.merge(&relay);
    }
    Ok(all)
}

async fn one(caller: &Device, callee: &Device, room: &str, learnt: &mut Learnt) -> Result<()> {
    let post = async |who: &Device, path: &str, body: String| who.post(path, body, caller.number, callee.number).await;
    let asked = Instant::now();
    let call = post(caller, "/api/calls/initiate", format!(r#"{{"roomId":"{room}","callType":"voice"}}"#)).await?;
    let (mut at_caller, mut at_callee) = (caller.events(&call), callee.events(&call));
    learnt.ring.add(at_callee.expect("incoming-call").await?.at - asked);
    let answered = Instant::now();
    post(callee, &format!("/api/calls/{call}/answer"), "{}".to_owned()).await?;
    learnt.answer.add(at_caller.expect("call-answered").await?.at - answered);
    callee.send(caller, "join-call", format!(r#""callId":"{call}""#)).await?;
    let description = |kind: &str, field: &str| format!(r#""callId":"{call}","{field}":{{"type":"{kind}","sdp":"{SDP}"}}"#);
    relay(caller, callee, &mut at_callee, "webrtc-offer", description("offer", "offer"), learnt).await?;
    relay(callee, caller, &mut at_caller, "webrtc-answer", description("answer", "answer"), learnt).await?;
    let (mut there, mut back) = (Latencies::default(), Latencies::default());
    tokio::try_join!(
        candidates(caller, callee, &mut at_callee, &call, &mut there),
        candidates(callee, caller, &mut at_caller, &call, &mut back),
    )?;
    learnt.relay.merge(&there);
    learnt.relay.merge(&back);
    post(caller, &format!("/api/calls/{call}/end"), "{}".to_owned()).await?;
    at_callee.expect("call-ended").await?;
    Ok(())
}

async fn relay(
    from: &Device,
    to: &Device,
    at: &mut Events<'_>,
    event: &'static str,
    fields: String,
    learnt: &mut Learnt,
) -> Result<()> {
    let sent = Instant::now();
    from.send(to, event, fields).await?;
    learnt.relay.add(at.expect(event).await?.at - sent);
    Ok(())
}

async fn candidates(from: &Device, to: &Device, at: &mut Events<'_>, call: &str, relay: &mut Latencies) -> Result<()> {
    let mut sent = Vec::with_capacity(CANDIDATES);
    for _ in 0..CANDIDATES {
        sent.push(Instant::now());
        from.send(to, "ice-candidate", format!(r#""callId":"{call}",{CANDIDATE}"#)).await?;
    }
    for sent in sent {
        relay.add(at.expect("ice-candidate").await?.at - sent);
    }
    Ok(())
}
