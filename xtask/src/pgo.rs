//! The binary that is shipped and measured: compiled, watched under load, and compiled anew for what was seen
//! ([profile-guided optimisation](https://doc.rust-lang.org/rustc/profile-guided-optimization.html)); then watched and laid out.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::SystemTime,
};

use anyhow::{Context as _, Result};

use crate::{process, ringback, say, setup, web};

/// What it is watched under.
const LOAD: &[&str] = &["--at-once", "1,16,64"];

/// What is measured, and by what.
#[derive(Debug)]
pub struct Built {
    /// `ringback`.
    pub ringback: PathBuf,
    /// The load generator.
    pub generator: PathBuf,
}

/// Compiles the load generator, and Ringback twice: to be watched, and for what was seen then. What that is made of is put in the
/// order in which it was seen to run. What was seen once serves until there is another program to be watched.
///
/// # Errors
/// Where something does not compile or succeed, or cannot be installed.
pub fn build() -> Result<Built> {
    let (merge, bolt) = (setup::llvm_profdata()?, setup::bolt()?);
    web::build()?;
    say::progress("compiling the load generator (release) …");
    let mut cargo = ringback::cargo();
    cargo.args(["build", "--release", "--package", "ringback-bench"]);
    process::run("cargo build", cargo, None, |_| ())?;
    let generator = ringback::target().join("release/ringback-bench");
    say::progress("compiling a Ringback that notes how often it does what (release) …");
    let host = host()?;
    let compiled = Built { ringback: ringback::target().join(&host).join("release/ringback"), generator };
    let notes = ringback::target().join("pgo-profiles");
    let profile = notes.join("merged.profdata");
    compile(&host, &[&format!("-Cprofile-generate={}", notes.display())])?;
    if is_older(&profile, &compiled.ringback)? {
        let _ = fs::remove_dir_all(&notes);
        watch(&compiled, LOAD)?;
        let mut merge = Command::new(merge);
        merge.arg("merge").arg("-o").arg(&profile).arg(&notes);
        process::run("llvm-profdata", merge, None, |_| ())?;
    }
    say::progress("compiling Ringback for what was noted (release) …");
    compile(&host, &[&format!("-Cprofile-use={}", profile.display()), "-Clink-arg=-Wl,--emit-relocs"])?;
    arrange(compiled, &bolt)
}

/// Lays out anew what was compiled: what was seen to run stands together, in the order in which it ran
/// ([BOLT](https://github.com/llvm/llvm-project/tree/main/bolt)).
fn arrange(compiled: Built, bolt: &Path) -> Result<Built> {
    let directory = ringback::target().join("bolt");
    let (arranged, noting) = (directory.join("ringback"), directory.join("noting/ringback"));
    if is_older(&arranged, &compiled.ringback)? {
        let _ = fs::remove_dir_all(&directory);
        let notes = directory.join("notes");
        for folder in [&notes, &directory.join("noting")] {
            fs::create_dir_all(folder)?;
        }
        say::progress("making a Ringback that notes which way it goes …");
        let mut make = Command::new(bolt.join("llvm-bolt"));
        make.arg(&compiled.ringback).arg("-o").arg(&noting).args(["--instrument", "--instrumentation-file-append-pid"]);
        make.arg(format!("--instrumentation-file={}", notes.join("notes").display()));
        run(make)?;
        watch(&Built { ringback: noting, generator: compiled.generator.clone() }, LOAD)?;
        let all = directory.join("all.fdata");
        let mut merge = Command::new(bolt.join("merge-fdata"));
        let each: Result<Vec<_>, _> = fs::read_dir(notes)?.map(|note| note.map(|note| note.path())).collect();
        merge.arg("-o").arg(&all).args(each?);
        run(merge)?;
        say::progress("laying Ringback out for what was noted …");
        let mut make = Command::new(bolt.join("llvm-bolt"));
        make.arg(&compiled.ringback).arg("-o").arg(&arranged).arg(format!("--data={}", all.display()));
        make.args([
            "--reorder-blocks=ext-tsp",
            "--reorder-functions=cdsort",
            "--split-functions",
            "--split-all-cold",
            "--split-eh",
        ]);
        // The last one: what strips it afterwards would move what must not be moved.
        make.args(["--icf=1", "--use-gnu-stack"]);
        run(make)?;
    }
    Ok(Built { ringback: arranged, ..compiled })
}

fn run(command: Command) -> Result<()> {
    process::run("BOLT", command, Some(&crate::dev("run/logs/bolt.log")?), |_| ())
}

/// The target is named, so that build scripts go without the flags. Names without dots in them: BOLT takes what stands behind one
/// for the part of a function.
fn compile(host: &str, flags: &[&str]) -> Result<()> {
    let flags = [&["-Csymbol-mangling-version=v0"], flags].concat();
    let mut cargo = ringback::cargo();
    cargo.args(["build", "--release", "--package", "ringback", "--target", host]);
    cargo.arg("--config").arg(format!("target.'cfg(all())'.rustflags=['{}']", flags.join("', '")));
    process::run("cargo build", cargo, None, |_| ())
}

/// Runs complete calls, first contact, signals and many phones, with `SQLite`; and with `PostgreSQL` what that takes part in.
///
/// # Errors
/// Where a call, a signal or a device is lost.
pub fn watch(built: &Built, how: &[&str]) -> Result<()> {
    let database = crate::test::start_database(&setup::postgres()?)?;
    let directory = crate::dev("run/pgo")?;
    let _ = fs::remove_dir_all(&directory);
    for more in [&["relay"][..], &["--ringback-database", &database.url()]] {
        let mut command = Command::new(&built.generator);
        command.args(["run", "calls", "first", "fanout"]).args(more).arg("--ringback").arg(&built.ringback);
        command.args(["--only", "ringback", "--runs", "1"]).args(how);
        command.arg("--directory").arg(&directory);
        let log = crate::dev("run/logs/pgo.log")?;
        process::run("ringback-bench", command, Some(&log), |passed| {
            say::progress(&format!("watching it, {} s …", passed.as_secs()));
        })?;
    }
    Ok(())
}

/// Whether a file is not there, or older than what it is made of.
fn is_older(file: &Path, source: &Path) -> Result<bool> {
    Ok(modified(file).ok() < Some(modified(source)?))
}

fn modified(file: &Path) -> Result<SystemTime> {
    fs::metadata(file).and_then(|data| data.modified()).with_context(|| file.display().to_string())
}

/// What `cargo` calls this machine.
fn host() -> Result<String> {
    let version = process::output("rustc", &["-vV"]).context("`rustc -vV` fails")?;
    version.lines().find_map(|line| line.strip_prefix("host: ")).map(str::to_owned).context("`rustc -vV` names no host")
}
