//! `cargo xtask bench`: a release build, and the load generator beside it.

use std::{fs, process::Command};

use anyhow::Result;

use crate::{
    pgo::{self, Built},
    postgres::Postgres,
    process, setup,
};

/// Builds what is measured, starts what it needs, and hands over to the load generator with these arguments.
///
/// # Errors
/// Where anything does not compile, start or succeed.
pub fn run(arguments: &[String]) -> Result<()> {
    let programs = setup::postgres()?;
    let built = pgo::build()?;
    let database = crate::test::start_database(&programs)?;
    let mut bench = generator(&built, &database)?;
    bench.arg("--json").arg(crate::dev("run/bench.json")?).args(arguments);
    process::run("ringback-bench", bench, None, |_| ())
}

/// Whether the load generator works, with a small load on what the tests have compiled. What it prints then says nothing about speed.
///
/// # Errors
/// Where a call, a signal or a device is lost, or a server does not come up.
pub fn try_out(database: &Postgres) -> Result<()> {
    let folder = crate::ringback::target().join("debug");
    let built = Built { ringback: folder.join("ringback"), generator: folder.join("ringback-bench") };
    let against = built.ringback.to_string_lossy();
    for what in [&["calls", "first", "relay", "fanout"][..], &["--against", &against]] {
        let mut bench = generator(&built, database)?;
        bench.args(what).args(["--quick", "--runs", "1", "--at-once", "16"]);
        process::run("ringback-bench", bench, Some(&crate::dev("run/logs/bench.log")?), |_| ())?;
    }
    pgo::watch(&built, &["--quick", "--at-once", "16"])
}

fn generator(built: &Built, database: &Postgres) -> Result<Command> {
    setup::node_packages("bench/seed", "the Node.js server that is measured")?;
    let mut bench = Command::new(&built.generator);
    bench.arg("run").arg("--ringback").arg(&built.ringback).args(["--postgres", &database.url()]);
    bench.arg("--seed").arg(crate::root().join("bench/seed/server.mjs"));
    let directory = crate::dev("run/bench")?;
    // The databases of the last run: they come to gigabytes otherwise.
    let _ = fs::remove_dir_all(&directory);
    bench.arg("--directory").arg(directory);
    Ok(bench)
}
