//! Watches the softphone's build: its files have other names each time, which the compiler alone would not notice.

use std::path::Path;

fn main() {
    // Where it was never built, the folder that it will appear in: a path that is not there would be news at every build.
    let watched = ["../web/dist", "../web", "build.rs"].into_iter().find(|path| Path::new(path).exists());
    println!("cargo::rerun-if-changed={}", watched.unwrap_or("build.rs"));
}
