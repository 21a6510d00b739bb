//! The blocks of code in the pages.

use std::{
    fmt, fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};
use pulldown_cmark::{CodeBlockKind, Event, Parser, Tag, TagEnd};

/// A block of code in a page.
#[derive(Debug)]
pub struct Block {
    /// From the root of the repository.
    pub page: PathBuf,
    pub line: usize,
    /// The first word after the backticks: `sh`, `toml`, …
    pub language: String,
    /// What follows `tested-by=` there: the test that runs what cannot be run as it stands.
    pub tested_by: Option<String>,
    /// Whether it is an excerpt of a file, which is tested whole; that it is one, the tests of `xtask` see.
    pub is_of_a_file: bool,
    pub text: String,
}

impl fmt::Display for Block {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{} ({})", self.page.display(), self.line, self.language)
    }
}

impl Block {
    /// Whether what runs it cannot be had.
    pub fn is_not_to_be_had(&self) -> bool {
        super::NOT_TO_BE_HAD.iter().any(|begin| self.text.trim_start().starts_with(begin))
    }

    /// The line of the page that holds this line of the block, counted from 0.
    pub fn place(&self, offset: usize) -> String {
        format!("{}:{}", self.page.display(), self.line + 1 + offset)
    }
}

/// Every page for those who use it.
fn pages() -> Result<Vec<PathBuf>> {
    let root = xtask::root();
    let mut pages = vec![PathBuf::from("README.md"), PathBuf::from("SECURITY.md")];
    for folder in ["docs", "deploy", "web/client"] {
        add_pages(&root, Path::new(folder), &mut pages)?;
    }
    pages.sort();
    Ok(pages)
}

fn add_pages(root: &Path, folder: &Path, pages: &mut Vec<PathBuf>) -> Result<()> {
    let Ok(entries) = fs::read_dir(root.join(folder)) else { return Ok(()) };
    for entry in entries {
        let entry = entry?;
        let (path, name) = (folder.join(entry.file_name()), entry.file_name());
        if entry.file_type()?.is_dir() {
            if name != "node_modules" && name != "dist" {
                add_pages(root, &path, pages)?;
            }
        } else if path.extension().is_some_and(|extension| extension == "md") {
            pages.push(path);
        }
    }
    Ok(())
}

/// Every block of every page, in order.
pub fn all() -> Result<Vec<Block>> {
    let mut blocks = Vec::new();
    for page in pages()? {
        let text = read(&page)?;
        blocks.extend(blocks_of(&page, &text));
    }
    Ok(blocks)
}

/// The text of a page, with the files that it includes (`{{#include PATH}}`) put in.
fn read(page: &Path) -> Result<String> {
    let path = xtask::root().join(page);
    let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    let mut whole = String::new();
    for line in text.lines() {
        if let Some(included) = line.trim().strip_prefix("{{#include ").and_then(|rest| rest.strip_suffix("}}")) {
            let path = path.parent().context("a page in no folder")?.join(included.trim());
            whole += &fs::read_to_string(&path).with_context(|| format!("{} includes {}", page.display(), path.display()))?;
        } else {
            whole += line;
            whole.push('\n');
        }
    }
    Ok(whole)
}

fn blocks_of(page: &Path, text: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut inside = false;
    for (event, range) in Parser::new_ext(text, pulldown_cmark::Options::ENABLE_TABLES).into_offset_iter() {
        #[allow(clippy::wildcard_enum_match_arm, reason = "the events of a library")]
        match event {
            Event::Start(Tag::CodeBlock(kind)) => {
                inside = true;
                let CodeBlockKind::Fenced(info) = kind else { continue };
                let mut words = info.split([' ', ',']);
                blocks.push(Block {
                    page: page.to_owned(),
                    line: text[..range.start].lines().count() + 1,
                    language: words.next().unwrap_or_default().to_owned(),
                    tested_by: words.find_map(|word| word.strip_prefix("tested-by=")).map(str::to_owned),
                    is_of_a_file: text[..range.start].trim_end().ends_with("-->")
                        && text[..range.start].trim_end().rsplit_once("<!-- from ").is_some_and(|(_, file)| !file.contains('\n')),
                    text: String::new(),
                });
            }
            Event::Text(text) if inside => {
                if let Some(block) = blocks.last_mut() {
                    block.text += &text;
                }
            }
            Event::End(TagEnd::CodeBlock) => inside = false,
            _ => {}
        }
    }
    blocks
}
