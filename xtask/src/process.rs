//! Child processes that never outlive this one.
//!
//! Each child leads a process group of its own, and whoever ends it ends the group: on drop, on Ctrl-C, SIGTERM and SIGHUP
//! ([`end_all_on_signal`]), and, by the kernel's parent-death signal where `setpriv` is there to ask for it, even on SIGKILL.
//! That signal is tied to the thread that started the child, so one thread that never ends starts them all.

use std::{
    collections::BTreeSet,
    fs::File,
    io::{self, BufRead as _, BufReader},
    os::unix::process::{CommandExt as _, ExitStatusExt as _},
    path::{Path, PathBuf},
    process::{Child as StdChild, Command, ExitStatus, Stdio},
    sync::{
        LazyLock, Mutex, MutexGuard, PoisonError,
        mpsc::{Sender, channel},
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, anyhow, bail};
pub use nix::sys::signal::Signal;
use nix::{
    errno::Errno,
    sys::{
        signal::killpg,
        wait::{WaitPidFlag, waitpid},
    },
    unistd::Pid,
};

static GROUPS: Mutex<BTreeSet<i32>> = Mutex::new(BTreeSet::new());

type Order = (Command, Sender<io::Result<StdChild>>);

static STARTER: LazyLock<Sender<Order>> = LazyLock::new(|| {
    let (orders, inbox) = channel::<Order>();
    thread::spawn(move || {
        for (mut command, reply) in inbox {
            let _ = reply.send(command.spawn());
        }
    });
    orders
});

/// A running child. Dropping it kills it, and whatever it has started.
#[derive(Debug)]
pub struct Child {
    name: String,
    inner: StdChild,
    ended: Option<ExitStatus>,
}

impl Child {
    /// Starts `program` in a process group of its own, without standard input. What it prints goes to `log`, or to where this
    /// process prints.
    ///
    /// # Errors
    /// Where it cannot be started.
    pub fn start(name: &str, command: Command, log: Option<&Path>) -> Result<Self> {
        match log {
            Some(log) => {
                let file = File::options().create(true).append(true).open(log).with_context(|| log.display().to_string())?;
                let copy = file.try_clone().context("cannot share the log")?;
                Self::spawn(name, command, |command| command.stdout(copy).stderr(file))
            }
            None => Self::spawn(name, command, |command| command),
        }
    }

    fn spawn(name: &str, command: Command, print_to: impl FnOnce(&mut Command) -> &mut Command) -> Result<Self> {
        let mut command = dying_with_us(command);
        print_to(command.stdin(Stdio::null()).process_group(0));
        let program = format!("{}", command.get_program().display());
        let (reply, answer) = channel();
        STARTER.send((command, reply)).ok().context("the starter thread is gone")?;
        let inner = answer.recv().context("the starter thread is gone")?.with_context(|| format!("cannot start {program}"))?;
        let child = Self { name: name.to_owned(), inner, ended: None };
        groups().insert(child.group());
        Ok(child)
    }

    /// Its exit status, once it has ended.
    ///
    /// # Errors
    /// Where the system cannot tell.
    pub fn ended(&mut self) -> Result<Option<ExitStatus>> {
        if self.ended.is_none() {
            self.ended = self.inner.try_wait().with_context(|| format!("cannot wait for {}", self.name))?;
        }
        Ok(self.ended)
    }

    /// Waits until it has ended, at most for `limit`.
    ///
    /// # Errors
    /// Where it goes on for longer.
    pub fn wait(&mut self, limit: Duration) -> Result<ExitStatus> {
        let what = format!("{} should end", self.name);
        crate::wait::until(&what, limit, || self.ended())
    }

    /// Waits until it has succeeded. Every ten seconds `progress` is called with the time that has passed.
    fn end(&mut self, mut progress: impl FnMut(Duration)) -> Result<()> {
        let started = Instant::now();
        let mut told = 0;
        let status = loop {
            if let Some(status) = self.ended()? {
                break status;
            }
            if started.elapsed().as_secs() / 10 > told {
                told += 1;
                progress(started.elapsed());
            }
            thread::sleep(Duration::from_millis(50));
        };
        if status.success() {
            return Ok(());
        }
        let why = status.signal().map_or_else(|| format!("failed ({status})"), |signal| format!("was ended by signal {signal}"));
        bail!("{} {why}", self.name)
    }

    /// Sends a signal to it and all that it has started.
    ///
    /// # Errors
    /// Where it is gone already.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        killpg(Pid::from_raw(self.group()), signal).with_context(|| format!("cannot send {signal} to {}", self.name))
    }

    /// Kills it and all that it has started, and waits for its end.
    pub fn kill(&mut self) {
        let _ = self.signal(Signal::SIGKILL);
        if self.ended.is_none() {
            self.ended = self.inner.wait().ok();
        }
        groups().remove(&self.group());
    }

    /// Asks it to end, and kills it when it has not within five seconds.
    pub fn stop(&mut self) {
        let _ = self.signal(Signal::SIGTERM);
        let _ = self.wait(Duration::from_secs(5));
        self.kill();
    }

    /// Its number, as the system knows it.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.inner.id()
    }

    fn group(&self) -> i32 {
        self.inner.id().cast_signed()
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Runs a command to its end. Every ten seconds `progress` is called with the time that has passed.
///
/// # Errors
/// Where it cannot be started or fails; with the end of its log, where it has one.
pub fn run(name: &str, command: Command, log: Option<&Path>, progress: impl FnMut(Duration)) -> Result<()> {
    let ended = Child::start(name, command, log)?.end(progress);
    ended.map_err(|error| match log {
        Some(log) => anyhow!("{error:#}; {}", crate::wait::tail(log, 20)),
        None => error,
    })
}

/// Runs a command to its end, prints what it prints, and gives each line of that to `read`.
///
/// # Errors
/// Where it cannot be started or fails.
pub fn run_reading(name: &str, command: Command, mut read: impl FnMut(&str) + Send) -> Result<()> {
    let mut child = Child::spawn(name, command, |command| command.stdout(Stdio::piped()))?;
    let printed = child.inner.stdout.take().context("what it prints cannot be read")?;
    thread::scope(|scope| {
        scope.spawn(move || {
            for line in BufReader::new(printed).split(b'\n').map_while(Result::ok) {
                let line = String::from_utf8_lossy(&line);
                crate::say::line(&line);
                read(&line);
            }
        });
        let ended = child.end(|_| ());
        // Whatever it has left behind could go on printing.
        child.kill();
        ended
    })
}

/// What a short command prints; `None` where it is missing or fails.
#[must_use]
pub fn output(program: &str, arguments: &[&str]) -> Option<String> {
    let done = Command::new(program).args(arguments).stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    done.status.success().then(|| String::from_utf8_lossy(&done.stdout).trim().to_owned())
}

/// Where `program` is, by the search path.
#[must_use]
pub fn find(program: &str) -> Option<PathBuf> {
    std::env::split_paths(&std::env::var_os("PATH")?).map(|directory| directory.join(program)).find(|path| path.is_file())
}

/// From now on SIGINT, SIGTERM and SIGHUP end every child, then this process.
///
/// # Errors
/// Where this is called a second time.
pub fn end_all_on_signal() -> Result<()> {
    ctrlc::set_handler(|| {
        end_all();
        std::process::exit(130);
    })
    .context("cannot listen for Ctrl-C")
}

/// Asks every child to end, waits for three seconds, kills those that are left.
fn end_all() {
    let mut groups = groups();
    let _ = groups.iter().try_for_each(|group| ask(*group, Signal::SIGTERM));
    let started = Instant::now();
    while !groups.is_empty() && started.elapsed() < Duration::from_secs(3) {
        groups.retain(|group| !reaped(*group));
        thread::sleep(Duration::from_millis(20));
    }
    let _ = groups.iter().try_for_each(|group| ask(*group, Signal::SIGKILL));
}

fn ask(group: i32, signal: Signal) -> Result<(), Errno> {
    match killpg(Pid::from_raw(group), signal) {
        Ok(()) | Err(Errno::ESRCH) => Ok(()),
        Err(other) => Err(other),
    }
}

fn reaped(group: i32) -> bool {
    let leader = Pid::from_raw(group);
    let _ = waitpid(leader, Some(WaitPidFlag::WNOHANG));
    killpg(leader, None) == Err(Errno::ESRCH)
}

fn groups() -> MutexGuard<'static, BTreeSet<i32>> {
    GROUPS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The same command, started by `setpriv --pdeathsig`, where that is installed.
fn dying_with_us(command: Command) -> Command {
    static SETPRIV: LazyLock<Option<PathBuf>> = LazyLock::new(|| find("setpriv"));
    let Some(setpriv) = &*SETPRIV else { return command };
    if command.get_program() == setpriv.as_os_str() {
        return command;
    }
    let mut wrapped = Command::new(setpriv);
    wrapped.args(["--pdeathsig", "KILL", "--"]).arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => wrapped.env(name, value),
            None => wrapped.env_remove(name),
        };
    }
    if let Some(directory) = command.get_current_dir() {
        wrapped.current_dir(directory);
    }
    wrapped
}
