//! What the pages show as crossing the wire is what the protocol says.

use anyhow::{Context as _, Result, ensure};
use call::wire::{ClientMessage, ServerEvent};
use serde_json::Value;

use super::blocks::{self, Block};

#[test]
fn every_message_shown_is_of_the_protocol() -> Result<()> {
    let mut faults = Vec::new();
    let mut checked = 0;
    for block in blocks::all()?.iter().filter(|block| matches!(block.language.as_str(), "json" | "console")) {
        for (place, json) in objects(block) {
            checked += 1;
            if let Err(error) = check(&json) {
                faults.push(format!("{place}: {error:#}\n{json}"));
            }
        }
    }
    ensure!(faults.is_empty(), "\n{}", faults.join("\n"));
    ensure!(checked > 5, "only {checked} messages were found: the pages are read wrongly");
    Ok(())
}

/// The JSON in a block: one object over all of it, or one in a line, after the `<` or `>` of wscat.
fn objects(block: &Block) -> Vec<(String, String)> {
    if block.language == "json" && serde_json::from_str::<Value>(&block.text).is_ok() {
        return vec![(block.place(0), block.text.clone())];
    }
    let lines = block.text.lines().enumerate();
    let json = lines.map(|(number, line)| (number, line.trim_start_matches(['<', '>', ' '])));
    json.filter(|(_, line)| line.starts_with('{')).map(|(number, line)| (block.place(number), line.to_owned())).collect()
}

fn check(json: &str) -> Result<()> {
    let value: Value = serde_json::from_str(json).context("no JSON")?;
    let Some(kind) = value["type"].as_str() else { return Ok(()) };
    if kind == "register-user" || kind == "join-call" || kind == "leave-call" {
        ClientMessage::parse(kind, json).map_err(|error| anyhow::anyhow!("{error:?}"))?;
        return Ok(());
    }
    let as_event = serde_json::from_str::<ServerEvent>(json);
    let as_message = ClientMessage::parse(kind, json);
    ensure!(as_event.is_ok() || as_message.is_ok(), "`{kind}` is neither an event ({:?}) nor a message", as_event.err());
    Ok(())
}
