//! Asking whoever sits at the terminal, or has piped the answers in.

use std::io::{BufRead as _, IsTerminal as _, Write as _, stdin, stdout};

use anyhow::{Context as _, ensure};

/// Says something.
///
/// # Errors
/// Where nobody reads.
pub fn say(text: &str) -> anyhow::Result<()> {
    Ok(writeln!(stdout(), "{text}")?)
}

/// Asks until `read` takes the answer; Enter means `default`, where there is one.
///
/// # Errors
/// Where the answers end.
pub fn ask<T>(question: &str, default: Option<&str>, read: impl Fn(&str) -> Result<T, String>) -> anyhow::Result<T> {
    say("")?;
    say(question)?;
    loop {
        let typed = line(default)?;
        let answer = if typed.is_empty() { default.unwrap_or_default() } else { &typed };
        match read(answer) {
            Ok(answer) => return Ok(answer),
            Err(why) => say(&format!("   {why}"))?,
        }
    }
}

/// Asks for something that nobody should see; Enter means none.
///
/// # Errors
/// Where the answers end.
pub fn ask_secret(question: &str) -> anyhow::Result<Option<String>> {
    say(question)?;
    let typed = if stdin().is_terminal() { rpassword::prompt_password("> ")? } else { line(None)? };
    Ok(Some(typed.trim().to_owned()).filter(|typed| !typed.is_empty()))
}

/// Asks for yes or no; Enter means no.
///
/// # Errors
/// Where the answers end.
pub fn confirm(question: &str) -> anyhow::Result<bool> {
    ask(question, Some("no"), |answer| match answer.to_ascii_lowercase().as_str() {
        "y" | "yes" => Ok(true),
        "n" | "no" => Ok(false),
        _ => Err("say yes or no".to_owned()),
    })
}

fn line(default: Option<&str>) -> anyhow::Result<String> {
    let shown = default.filter(|default| !default.is_empty()).map(|default| format!("[{default}] ")).unwrap_or_default();
    write!(stdout(), "> {shown}")?;
    stdout().flush()?;
    let mut typed = String::new();
    let read = stdin().lock().read_line(&mut typed).context("cannot read the answer")?;
    ensure!(read > 0, "the answers end here, and nothing was written: answer all, or say them by flags with --yes");
    if !stdin().is_terminal() {
        say("")?;
    }
    Ok(typed.trim().to_owned())
}
