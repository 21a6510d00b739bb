//! What a process has used, from the kernel's accounts in `/proc`.

use std::{fs, ops::RangeInclusive, time::Duration};

use anyhow::{Context as _, Result};
use nix::unistd::{SysconfVar, sysconf};

/// What a process has used since it began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    /// User and system time of all its threads.
    pub cpu: Duration,
    /// Its resident memory now, in bytes.
    pub memory: u64,
    /// What of that is its own, and not read from files such as the program itself: those pages are there once, however much it does.
    pub anonymous: u64,
    /// How many files it holds open.
    pub files: usize,
}

impl Usage {
    /// Seconds of CPU time since an earlier look.
    pub fn cpu_since(&self, earlier: &Self) -> f64 {
        self.cpu.saturating_sub(earlier.cpu).as_secs_f64()
    }

    /// That of a running process.
    ///
    /// # Errors
    /// Where it is gone.
    pub fn of(pid: u32) -> Result<Self> {
        let read = |what: &str| {
            let path = format!("/proc/{pid}/{what}");
            fs::read_to_string(&path).context(path)
        };
        // The 14th and 15th field: its own.
        let cpu = cpu(&read("stat")?, 14..=15)?;
        let status = read("status")?;
        let files = fs::read_dir(format!("/proc/{pid}/fd"))?.count();
        Ok(Self { cpu, memory: bytes(&status, "VmRSS:")?, anonymous: bytes(&status, "RssAnon:")?, files })
    }
}

/// A size in a `status` (`proc_pid_status`(5)).
fn bytes(status: &str, field: &str) -> Result<u64> {
    let size = status.lines().find_map(|line| line.strip_prefix(field)).with_context(|| format!("no {field}"))?;
    Ok(size.trim().trim_end_matches("kB").trim().parse::<u64>()? * 1024)
}

/// The CPU time of every PostgreSQL of this machine, with that of the backends that have ended.
///
/// # Errors
/// Where the kernel does not tell.
pub fn of_postgres() -> Result<Duration> {
    let processes = fs::read_dir("/proc")?.filter_map(Result::ok);
    // A process that ends meanwhile is counted with its parent the next time.
    let stats = processes.filter_map(|process| fs::read_to_string(process.path().join("stat")).ok());
    stats.filter(|stat| stat.contains("(postgres)")).map(|stat| cpu(&stat, 14..=17)).sum()
}

/// The sum of these fields of a `stat` (`proc_pid_stat`(5)): user and system time, its own and its children's.
fn cpu(stat: &str, fields: RangeInclusive<usize>) -> Result<Duration> {
    // After the name in brackets comes the third field.
    let after: Vec<&str> = stat.rsplit_once(')').context("no name")?.1.split_whitespace().collect();
    let ticks = |field: usize| after.get(field - 3).and_then(|ticks| ticks.parse::<u64>().ok()).context("no time");
    let ticks: u64 = fields.map(ticks).sum::<Result<u64>>()?;
    let in_second = u64::try_from(sysconf(SysconfVar::CLK_TCK)?.context("no clock ticks")?)?;
    Ok(Duration::from_millis(ticks * 1000 / in_second))
}
