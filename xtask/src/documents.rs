//! What the documents show and where they lead.
#![allow(clippy::unwrap_used, reason = "what does not hold here is a failed test")]

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

fn documents() -> Vec<PathBuf> {
    let root = crate::root();
    let folders =
        [root.clone(), root.join("docs"), root.join("deploy"), root.join("deploy/synapse-ringback"), root.join("web/client")];
    let entries = folders.iter().flat_map(|folder| fs::read_dir(folder).unwrap()).map(|entry| entry.unwrap().path());
    entries.filter(|path| path.extension().is_some_and(|ending| ending == "md")).collect()
}

/// Lines without what sets them off: indentation, and the mark of a comment.
fn bare(text: &str) -> Vec<&str> {
    text.lines().map(|line| line.trim_start_matches(['#', ' ', '\t']).trim_end()).collect()
}

/// A block below `<!-- from FILE -->` stands in that file, line for line: so it has been tested.
#[test]
fn what_is_shown_of_a_file_is_in_it() {
    let mut shown = 0;
    for document in documents() {
        let text = fs::read_to_string(&document).unwrap();
        for part in text.split("<!-- from ").skip(1) {
            let (file, rest) = part.split_once(" -->\n```").unwrap_or_else(|| panic!("{}: no block", document.display()));
            let (_, block) = rest.split_once('\n').unwrap();
            let (block, _) = block.split_once("\n```").unwrap();
            let source = fs::read_to_string(crate::root().join(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
            let (block, source) = (bare(block), bare(&source));
            let found = source.windows(block.len()).any(|lines| lines == block);
            assert!(found, "{}: this is not in {file}:\n{}", document.display(), block.join("\n"));
            shown += 1;
        }
    }
    assert!(shown > 5, "{shown} blocks");
}

#[test]
fn links_lead_somewhere() {
    for document in documents() {
        let text = without_code(&fs::read_to_string(&document).unwrap());
        for part in text.split("](").skip(1) {
            let target: String = part.chars().take_while(|c| *c != ')').filter(|c| !c.is_whitespace()).collect();
            if target.contains("://") {
                continue;
            }
            let (file, anchor) = target.split_once('#').unwrap_or((&target, ""));
            let path = if file.is_empty() { document.clone() } else { document.parent().unwrap().join(file) };
            assert!(path.exists(), "{}: {target} is not there", document.display());
            let found = anchor.is_empty() || anchors(&path).contains(anchor);
            assert!(found, "{}: {target} has no such heading", document.display());
        }
    }
}

/// As the web pages of repositories make them.
fn anchors(path: &Path) -> BTreeSet<String> {
    let text = without_code(&fs::read_to_string(path).unwrap());
    let anchor = |line: &str| {
        let kept = |c: &char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_');
        line.trim_start_matches('#').trim().to_lowercase().chars().filter(kept).collect::<String>().replace(' ', "-")
    };
    text.lines().filter(|line| line.starts_with('#')).map(anchor).collect()
}

fn without_code(text: &str) -> String {
    let mut code = false;
    let prose = text.lines().filter(|line| {
        let fence = line.trim_start().starts_with("```");
        code ^= fence;
        !code && !fence
    });
    prose.collect::<Vec<_>>().join("\n")
}
