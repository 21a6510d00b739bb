//! `ringback-bench`: the load generator. `cargo xtask bench` builds what it needs and runs it.
//!
//! Each figure is measured on servers that are processes of their own, in turns, in the same run: Ringback, the physical limit
//! ([`floor`]), and the way it is commonly done (`bench/seed`). What counts is the ratio.
#![allow(clippy::print_stdout, reason = "it prints what it has measured")]
#![allow(clippy::cast_precision_loss, reason = "what is counted here stays far below 2^52")]
#![allow(clippy::similar_names, reason = "caller and callee are the words of the field")]

mod device;
mod figures;
mod floor;
mod homeserver;
mod load;
mod machine;
mod subject;
mod usage;
mod wire;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::PathBuf,
    process::Command,
    time::Duration,
};

use anyhow::{Context as _, Result};
use clap::{Parser, Subcommand, ValueEnum};
use figures::{Column, Run, Runs};
use load::relay::Relay;
use serde_json::{Map, Value, json};
use subject::{Kind, Place, Subject};
use wire::Transport;
use xtask::{process::Child, wait};

/// Measures Ringback beside the physical limit and a Node.js server.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Measures.
    Run(RunArguments),
    /// Serves as the floor does.
    #[command(hide = true)]
    Floor {
        #[arg(long)]
        sockets: String,
        #[arg(long)]
        requests: String,
        #[arg(long)]
        database: PathBuf,
    },
    /// Serves as a homeserver does.
    #[command(hide = true)]
    Homeserver {
        #[arg(long)]
        address: String,
        #[arg(long)]
        latency_ms: u64,
    },
}

#[derive(clap::Args)]
struct RunArguments {
    /// What to measure; all of it where nothing is named, but for the soak, which takes ten minutes.
    scenarios: Vec<Scenario>,
    /// The release build of `ringback`.
    #[arg(long)]
    ringback: PathBuf,
    /// The Node.js server, `bench/seed/server.mjs` where its packages are; left out without it.
    #[arg(long, requires = "postgres")]
    seed: Option<PathBuf>,
    /// A PostgreSQL for the Node.js server.
    #[arg(long)]
    postgres: Option<String>,
    /// A PostgreSQL for Ringback, in place of a new SQLite file each time. Only for scenarios in which it runs once at a time.
    #[arg(long)]
    ringback_database: Option<String>,
    /// Another build of Ringback. Calls are made with both at the same time, and how many times its figures ours are is printed; in
    /// place of all else.
    #[arg(long, conflicts_with_all = ["scenarios", "ringback_database"])]
    against: Option<PathBuf>,
    /// How many calls are made at a time.
    #[arg(long, value_delimiter = ',', default_values_t = [1, 16, 64, 256])]
    at_once: Vec<usize>,
    /// Which servers are measured; all of them where none is named.
    #[arg(long, value_delimiter = ',')]
    only: Vec<Kind>,
    /// How often each is measured.
    #[arg(long, default_value_t = 5)]
    runs: usize,
    /// How long the homeserver takes for an answer.
    #[arg(long, default_value_t = 5)]
    homeserver_ms: u64,
    /// A tenth of the load: to see whether it works.
    #[arg(long)]
    quick: bool,
    /// Where databases and logs are, on a real disk.
    #[arg(long)]
    directory: PathBuf,
    /// Where the JSON goes.
    #[arg(long)]
    json: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Scenario {
    Calls,
    Relay,
    Idle,
    Fanout,
    First,
    Soak,
    Machine,
}

fn main() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    match Arguments::parse().task {
        Task::Run(arguments) => runtime.block_on(Bench::start(arguments)?.run()),
        Task::Floor { sockets, requests, database } => runtime.block_on(floor::serve(&sockets, &requests, &database)),
        Task::Homeserver { address, latency_ms } => {
            runtime.block_on(homeserver::serve(&address, Duration::from_millis(latency_ms)))
        }
    }
}

/// One way of speaking to one server.
type Contestant = (Kind, Transport);

const ALL: [Contestant; 4] = [
    (Kind::Ringback, Transport::Plain),
    (Kind::Ringback, Transport::SocketIo),
    (Kind::Floor, Transport::Bare),
    (Kind::Seed, Transport::SocketIo),
];

/// The same, and the library for Socket.IO by itself: for what its sockets cost.
const WITH_LIBRARY: [Contestant; 5] = [ALL[0], ALL[1], ALL[2], (Kind::Floor, Transport::BareSocketIo), ALL[3]];

/// What stands above its figures.
fn name((kind, transport): Contestant) -> &'static str {
    match (kind, transport) {
        (Kind::Ringback, Transport::SocketIo) => "Ringback, Socket.IO",
        (Kind::Ringback, _) => "Ringback",
        (Kind::Floor, Transport::BareSocketIo) => "bare Socket.IO",
        (Kind::Floor, _) => "floor",
        (Kind::Seed, _) => "Node.js",
    }
}

struct Bench {
    arguments: RunArguments,
    place: Place,
    report: Map<String, Value>,
    _homeserver: Child,
}

impl Bench {
    fn start(arguments: RunArguments) -> Result<Self> {
        fs::create_dir_all(&arguments.directory)?;
        let address = format!("127.0.0.1:{}", wait::free_port()?);
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["homeserver", "--address", &address, "--latency-ms", &arguments.homeserver_ms.to_string()]);
        let homeserver = Child::start("homeserver", command, None)?;
        let url = format!("http://{address}");
        let versions = format!("{url}/_matrix/client/versions");
        wait::until("the homeserver should answer", Duration::from_secs(10), || Ok(wait::answers(&versions).then_some(())))?;
        let place = Place {
            ringback: arguments.ringback.clone(),
            ringback_database: arguments.ringback_database.clone(),
            seed: arguments.seed.clone().zip(arguments.postgres.clone()),
            homeserver: url,
            directory: arguments.directory.clone(),
        };
        Ok(Self { arguments, place, report: Map::new(), _homeserver: homeserver })
    }

    async fn run(mut self) -> Result<()> {
        if let Some(other) = self.arguments.against.clone() {
            self.against(other).await?;
            return self.write_json();
        }
        let all = [Scenario::Machine, Scenario::Calls, Scenario::First, Scenario::Relay, Scenario::Idle, Scenario::Fanout];
        let scenarios = if self.arguments.scenarios.is_empty() { all.to_vec() } else { self.arguments.scenarios.clone() };
        for scenario in scenarios {
            match scenario {
                Scenario::Calls => self.calls().await?,
                Scenario::Relay => self.relay().await?,
                Scenario::Idle => self.idle().await?,
                Scenario::Fanout => self.fanout().await?,
                Scenario::First => self.first().await?,
                Scenario::Soak => self.soak().await?,
                Scenario::Machine => self.machine()?,
            }
        }
        self.write_json()
    }

    fn write_json(&self) -> Result<()> {
        if let Some(path) = &self.arguments.json {
            fs::write(path, serde_json::to_string_pretty(&self.report)?).with_context(|| path.display().to_string())?;
        }
        Ok(())
    }

    /// With nothing else running.
    fn machine(&mut self) -> Result<()> {
        let lasts = Duration::from_secs(u64::try_from(self.scaled(10))?);
        let runs = (0..self.arguments.runs).map(|_| machine::cores(lasts)).collect::<Result<Vec<_>>>()?;
        let machine = Column { name: "a core", is_ours: true, runs: &Runs(runs.concat()) };
        self.print("a thread that looks at the clock", &[machine]);
        Ok(())
    }

    async fn calls(&mut self) -> Result<()> {
        for at_once in self.arguments.at_once.clone() {
            let count = self.calls_of(at_once);
            let title = format!("calls, {at_once} at a time");
            self.measure(&title, &ALL, async move |subject| load::calls::run(subject, at_once, count).await).await?;
        }
        Ok(())
    }

    /// Two builds in the same minute have the same share of whatever else the machine does: so a change of 1 % can be told from none.
    async fn against(&mut self, other: PathBuf) -> Result<()> {
        let other = Place { ringback: other, ..self.place.clone() };
        let ours = ALL.into_iter().filter(|(kind, _)| *kind == Kind::Ringback);
        for at_once in self.arguments.at_once.clone() {
            let count = self.calls_of(at_once);
            let mut ratios: BTreeMap<Contestant, Runs> = BTreeMap::new();
            for _ in 0..self.arguments.runs {
                for contestant in ours.clone() {
                    let start = |place| Subject::start(contestant.0, contestant.1, place);
                    let (this, that) = (start(&self.place)?, start(&other)?);
                    let (this, that) =
                        tokio::try_join!(load::calls::run(&this, at_once, count), load::calls::run(&that, at_once, count))?;
                    ratios.entry(contestant).or_default().0.push(this.divided_by(&that));
                }
            }
            self.report(&format!("{at_once} calls at a time ÷ the other build"), &ALL, &ratios);
        }
        Ok(())
    }

    /// Side by side, each for a moment in turn: what a signal costs here changes from one second to the next, for all of them.
    async fn relay(&mut self) -> Result<()> {
        const SLICES: usize = 12;
        let slice = Duration::from_millis(u64::try_from(self.scaled(250))?);
        let mut runs: BTreeMap<Contestant, Runs> = BTreeMap::new();
        for _ in 0..self.arguments.runs {
            let mut relays = Vec::new();
            for contestant in WITH_LIBRARY.into_iter().filter(|one| self.takes_part(*one)) {
                let subject = Subject::start(contestant.0, contestant.1, &self.place)?;
                relays.push((contestant, Relay::start(subject, slice).await?));
            }
            for at_full_speed in [true, false] {
                for _ in 0..SLICES {
                    for (_, relay) in &mut relays {
                        if at_full_speed { relay.at_full_speed(slice).await? } else { relay.at_half_speed(slice).await? }
                    }
                    relays.reverse();
                }
            }
            for (contestant, relay) in relays {
                runs.entry(contestant).or_default().0.push(relay.figures());
            }
        }
        self.report("signals between 50 active calls", &WITH_LIBRARY, &runs);
        Ok(())
    }

    async fn idle(&mut self) -> Result<()> {
        for devices in [1000, 5000, 15_000] {
            let devices = self.scaled(devices);
            let title = format!("{devices} devices that wait");
            self.measure(&title, &WITH_LIBRARY, async move |subject| load::idle::run(subject, devices).await).await?;
        }
        Ok(())
    }

    async fn fanout(&mut self) -> Result<()> {
        for members in [2, 20, 100] {
            let title = format!("a room of {members} members with 3 devices each");
            self.measure(&title, &[ALL[0], ALL[1], ALL[3]], async move |subject| load::fanout::run(subject, members).await)
                .await?;
        }
        Ok(())
    }

    async fn first(&mut self) -> Result<()> {
        for at_once in [1, 16] {
            let (title, count) = (format!("first contact, {at_once} at a time"), self.scaled(500));
            self.measure(&title, &[ALL[0], ALL[3]], async move |subject| load::first::run(subject, at_once, count).await).await?;
        }
        Ok(())
    }

    /// Once only, for it takes long, and the others are measured elsewhere.
    async fn soak(&mut self) -> Result<()> {
        let lasts = Duration::from_secs(u64::try_from(self.scaled(600))?);
        let title = format!("half load for {} s", lasts.as_secs());
        self.arguments.runs = 1;
        self.measure(&title, &[ALL[0]], async move |subject| load::soak::run(subject, lasts).await).await
    }

    /// Measures each in turn, there and back again, so that none always comes after the same other; each time with a new process and
    /// an empty database.
    async fn measure(
        &mut self,
        title: &str,
        contestants: &[Contestant],
        measure: impl AsyncFn(&Subject) -> Result<Run>,
    ) -> Result<()> {
        let (mut runs, mut beaten): (BTreeMap<Contestant, Runs>, BTreeSet<Contestant>) = Default::default();
        let mut turns = contestants.to_vec();
        for _ in 0..self.arguments.runs {
            for contestant in &turns {
                let (kind, transport) = *contestant;
                if !self.takes_part(*contestant) || beaten.contains(contestant) {
                    continue;
                }
                let subject = Subject::start(kind, transport, &self.place)?;
                match measure(&subject).await.with_context(|| format!("{title}: {}", kind.name())) {
                    Ok(run) => runs.entry(*contestant).or_default().0.push(run),
                    // What the others cannot do is a result too.
                    Err(error) if kind != Kind::Ringback => {
                        println!("\n{error:#}");
                        runs.remove(contestant);
                        beaten.insert(*contestant);
                    }
                    Err(error) => return Err(error),
                }
            }
            turns.reverse();
        }
        self.report(title, contestants, &runs);
        Ok(())
    }

    fn takes_part(&self, (kind, _): Contestant) -> bool {
        let is_named = self.arguments.only.is_empty() || self.arguments.only.contains(&kind);
        is_named && (kind != Kind::Seed || self.place.seed.is_some())
    }

    /// Prints what was measured of these servers.
    fn report(&mut self, title: &str, contestants: &[Contestant], runs: &BTreeMap<Contestant, Runs>) {
        let column = |one: &Contestant| {
            let runs = runs.get(one)?;
            Some(Column { name: name(*one), is_ours: one.0 == Kind::Ringback, runs })
        };
        self.print(title, &contestants.iter().filter_map(column).collect::<Vec<_>>());
    }

    /// Prints the table, and notes it for the JSON.
    fn print(&mut self, title: &str, columns: &[Column]) {
        println!("{}", figures::table(title, columns));
        let json = columns.iter().map(|column| (column.name.to_owned(), column.runs.to_json())).collect::<Map<_, _>>();
        self.report.insert(title.to_owned(), json!(json));
    }

    fn calls_of(&self, at_once: usize) -> usize {
        self.scaled(if at_once == 1 { 300 } else { 2000 })
    }

    fn scaled(&self, load: usize) -> usize {
        if self.arguments.quick { load / 10 } else { load }
    }
}
