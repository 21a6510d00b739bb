//! `ringback`: a call backend for Matrix.

use std::process::ExitCode;

fn main() -> ExitCode {
    ringback::main()
}
