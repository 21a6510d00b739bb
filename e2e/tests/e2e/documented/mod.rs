//! What the pages tell to type is typed here, and what they tell to write into a file is read by the program that it is for.
//!
//! A block is tested as it stands: only the names of its example (hosts, users, tokens, folders) become those of a private world. One
//! that cannot be (it installs a package, or needs a browser) names the test that does the same: ```` ```sh tested-by=NAME ````.

mod blocks;
mod files;
mod messages;
mod shell;

use std::fs;

use anyhow::{Result, bail, ensure};

use self::blocks::Block;

/// Languages that no program reads, and how a client may look in its own.
const FOR_READERS: &[&str] = &["text", "ts"];

/// What cannot be had from the package registries, and so is in no test: a container engine, the Dart SDK.
const NOT_TO_BE_HAD: &[&str] = &["docker ", "import 'dart:", "class CallSocket "];

/// Languages whose blocks are tested as they stand, each by a module here.
const AS_IT_STANDS: &[&str] = &["sh", "toml", "yaml", "ini", "json"];

#[test]
fn every_block_is_tested() -> Result<()> {
    let sources = sources_of_tests()?;
    let mut faults = Vec::new();
    for block in blocks::all()? {
        match &block.tested_by {
            None if block.is_of_a_file || block.is_not_to_be_had() => {}
            Some(name) if is_there(name, &sources) => {}
            Some(name) => faults.push(format!("{block}: there is no test `{name}`")),
            None if FOR_READERS.contains(&block.language.as_str()) => {}
            None if AS_IT_STANDS.contains(&block.language.as_str()) => {}
            None if block.language.is_empty() => faults.push(format!("{block}: say its language; `text` where it has none")),
            None => faults.push(format!("{block}: nothing tests this language; name a test by `tested-by=…`")),
        }
    }
    ensure!(faults.is_empty(), "\n{}", faults.join("\n"));
    Ok(())
}

/// A test function, the title of a browser test, a task of `cargo xtask test` (`section:demo`), or what CI runs (`file:.ci/run`).
fn is_there(name: &str, sources: &str) -> bool {
    match name.split_once(':') {
        Some(("section", section)) => sources.contains(&format!("section(\"{section}\"")),
        Some((_, file)) => xtask::root().join(file).is_file(),
        None => sources.contains(&format!("fn {name}(")) || sources.contains(&format!("test('{}'", name.replace('_', " "))),
    }
}

fn sources_of_tests() -> Result<String> {
    let mut sources = String::new();
    for folder in ["e2e/tests", "e2e/browser", "xtask/src"] {
        let mut folders = vec![xtask::root().join(folder)];
        while let Some(folder) = folders.pop() {
            let Ok(entries) = fs::read_dir(&folder) else { continue };
            for entry in entries {
                let path = entry?.path();
                let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
                if path.is_dir() && !path.ends_with("node_modules") {
                    folders.push(path);
                } else if ["rs", "ts"].contains(&extension) {
                    sources += &fs::read_to_string(&path)?;
                }
            }
        }
    }
    Ok(sources)
}

/// The blocks of a language that name no other test.
fn blocks_of(language: &str) -> Result<Vec<Block>> {
    let mut blocks = blocks::all()?;
    blocks.retain(|block| {
        block.language == language && block.tested_by.is_none() && !block.is_of_a_file && !block.is_not_to_be_had()
    });
    Ok(blocks)
}

/// Checks each block, and tells of all that fail.
fn check_each(language: &str, check: impl Fn(&Block) -> Result<()>) -> Result<()> {
    let failed = |block: &Block| check(block).err().map(|error| format!("{block}: {error:#}\n\n{}", block.text));
    let faults: Vec<String> = blocks_of(language)?.iter().filter_map(failed).collect();
    if faults.is_empty() { Ok(()) } else { bail!("\n{}", faults.join("\n\n")) }
}
