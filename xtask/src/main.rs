//! `cargo xtask`: shows and proves what this repository builds, on a fresh machine as in CI.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Set-up and checks of Ringback. What is missing is installed, below `.dev`.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Builds the softphone, and the binary that holds it.
    Build {
        /// Optimised: the binary to run.
        #[arg(long)]
        release: bool,
    },
    /// Shows a call ring through a real Synapse, then stays up for you to try.
    Demo {
        /// End after the walkthrough.
        #[arg(long)]
        exit: bool,
    },
    /// Runs every check.
    Test {
        /// Only what needs nothing but cargo and `PostgreSQL`.
        #[arg(long)]
        fast: bool,
        /// Only the tests whose name contains this, without lints and docs.
        name: Option<String>,
    },
    /// Makes the book of docs/.
    Book,
    /// Makes the Debian package, with a binary that is compiled for what it was seen to do: half an hour, the first time.
    Package,
    /// Draws every screen of the softphone into docs/screenshots.
    Screenshots,
    /// Measures what the package holds beside the physical limit and a Node.js server; half an hour to compile, the first time.
    Bench {
        /// What `ringback-bench run` takes: scenarios (`machine`, `calls`, `first`, `relay`, `idle`, `fanout`, `soak`), `--runs N`, `--quick`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Starts what the tests share, and stays up: for running tests by hand.
    World,
}

fn main() -> ExitCode {
    let Arguments { task } = Arguments::parse();
    let done = xtask::process::end_all_on_signal().and_then(|()| match task {
        Task::Build { release } => build(release),
        Task::Demo { exit } => xtask::demo::run(exit),
        Task::Book => xtask::book::build().map(|page| xtask::say::line(&format!("made {}", page.display()))),
        Task::Package => {
            let made = xtask::package::release()?;
            xtask::say::line(&format!("made {}: apt install {0}", made.display()));
            Ok(())
        }
        Task::Screenshots => xtask::test::screenshots(),
        Task::World => xtask::test::world(),
        Task::Bench { arguments } => xtask::bench::run(&arguments),
        Task::Test { fast, name } => xtask::test::run(fast, name.as_deref()),
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            xtask::say::line(&format!("\nFAILED: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn build(release: bool) -> anyhow::Result<()> {
    let binary = if release { xtask::ringback::build_release() } else { xtask::ringback::build() }?;
    xtask::say::line(&format!("built {}", binary.display()));
    Ok(())
}
