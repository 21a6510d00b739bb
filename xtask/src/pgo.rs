//! The binary that is shipped and measured: compiled, watched under load, and compiled anew for what was seen
//! ([profile-guided optimisation](https://doc.rust-lang.org/rustc/profile-guided-optimization.html)).

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::SystemTime,
};

use anyhow::{Context as _, Result};

use crate::{process, ringback, say, setup, web};

/// What is measured, and by what.
#[derive(Debug)]
pub struct Built {
    /// `ringback`.
    pub ringback: PathBuf,
    /// The load generator.
    pub generator: PathBuf,
}

/// Compiles the load generator, and Ringback twice: to be watched, and for what was seen then. What was seen once serves until
/// there is another program to be watched.
///
/// # Errors
/// Where something does not compile or succeed, or cannot be installed.
pub fn build() -> Result<Built> {
    let merge = setup::llvm_profdata()?;
    web::build()?;
    say::progress("compiling the load generator (release) …");
    let mut cargo = ringback::cargo();
    cargo.args(["build", "--release", "--package", "ringback-bench"]);
    process::run("cargo build", cargo, None, |_| ())?;
    let generator = ringback::target().join("release/ringback-bench");
    say::progress("compiling a Ringback that notes how often it does what (release) …");
    let host = host()?;
    let built = Built { ringback: ringback::target().join(&host).join("release/ringback"), generator };
    let notes = ringback::target().join("pgo-profiles");
    let profile = notes.join("merged.profdata");
    compile(&host, &format!("-Cprofile-generate={}", notes.display()))?;
    if modified(&profile).ok() < Some(modified(&built.ringback)?) {
        let _ = fs::remove_dir_all(&notes);
        watch(&built, &["--at-once", "1,16,64"])?;
        let mut merge = Command::new(merge);
        merge.arg("merge").arg("-o").arg(&profile).arg(&notes);
        process::run("llvm-profdata", merge, None, |_| ())?;
    }
    say::progress("compiling Ringback for what was noted (release) …");
    compile(&host, &format!("-Cprofile-use={}", profile.display()))?;
    Ok(built)
}

/// The target is named, so that build scripts go without the flag.
fn compile(host: &str, flag: &str) -> Result<()> {
    let mut cargo = ringback::cargo();
    cargo.args(["build", "--release", "--package", "ringback", "--target", host]);
    cargo.arg("--config").arg(format!("target.'cfg(all())'.rustflags=['{flag}']"));
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

fn modified(file: &Path) -> Result<SystemTime> {
    fs::metadata(file).and_then(|data| data.modified()).with_context(|| file.display().to_string())
}

/// What `cargo` calls this machine.
fn host() -> Result<String> {
    let version = process::output("rustc", &["-vV"]).context("`rustc -vV` fails")?;
    version.lines().find_map(|line| line.strip_prefix("host: ")).map(str::to_owned).context("`rustc -vV` names no host")
}
