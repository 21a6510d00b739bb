//! Files that the pages tell to write are read by the programs that they are for.

use std::{fs, path::Path, process::Command};

use anyhow::{Context as _, Result, bail};
use ringback_e2e::World;

use super::{blocks::Block, check_each};

#[test]
fn every_settings_file_is_accepted() -> Result<()> {
    let directory = World::get().new_directory("every_settings_file_is_accepted")?;
    check_each("toml", |block| settings(block, &directory))
}

/// `ringback config check`, with what the example leaves out.
fn settings(block: &Block, directory: &Path) -> Result<()> {
    let path = directory.join("ringback.toml");
    let database = format!("sqlite://{}", directory.join("ringback.db").display());
    let text = block.text.replace("sqlite:///var/lib/ringback/ringback.db", &database);
    let text = if text.contains("homeserver_url") { text } else { format!("homeserver_url = \"http://localhost:8008\"\n{text}") };
    fs::write(&path, text)?;
    let mut command = Command::new(&World::get().binary);
    succeeds(command.args(["config", "check", "--config"]).arg(&path).env_clear())
}

#[test]
fn every_line_for_synapse_is_accepted() -> Result<()> {
    let directory = World::get().new_directory("every_line_for_synapse_is_accepted")?;
    let registration = directory.join("registration.yaml");
    let mut command = Command::new(&World::get().binary);
    succeeds(command.args(["registration", "--out"]).arg(&registration))?;
    check_each("yaml", |block| homeserver(block, &directory))
}

/// Synapse reads its configuration, and the example as one more file of it.
fn homeserver(block: &Block, directory: &Path) -> Result<()> {
    let (world, path) = (World::get(), directory.join("example.yaml"));
    let here = directory.join("registration.yaml").display().to_string();
    fs::write(&path, block.text.replace("/etc/ringback/registration.yaml", &here))?;
    let whole = world.directory.join("synapse/homeserver.yaml");
    let mut command = Command::new(&world.synapse_python);
    command.args(["-m", "synapse.config", "-c"]).arg(whole).arg("-c").arg(&path);
    succeeds(command.env("PYTHONPATH", xtask::root().join("deploy/synapse-ringback/src")).current_dir(directory))
}

#[test]
fn every_unit_is_accepted() -> Result<()> {
    let directory = World::get().new_directory("every_unit_is_accepted")?;
    check_each("ini", |block| unit(block, &directory))
}

/// With the drop-in beside it that `systemctl edit` would write.
fn unit(block: &Block, directory: &Path) -> Result<()> {
    let (path, edited) = (directory.join("ringback.service"), directory.join("ringback.service.d"));
    fs::create_dir_all(&edited)?;
    fs::write(edited.join("override.conf"), &block.text)?;
    let unit = fs::read_to_string(xtask::root().join("deploy/systemd/ringback.service"))?;
    let binary = World::get().binary.display().to_string();
    fs::write(&path, unit.replace("/usr/bin/ringback", &binary))?;
    succeeds(Command::new("systemd-analyze").args(["verify", "--recursive-errors=no", "--man=no"]).arg(&path))
}

fn succeeds(command: &mut Command) -> Result<()> {
    let output = command.output().with_context(|| format!("cannot run {command:?}"))?;
    if output.status.success() {
        return Ok(());
    }
    bail!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}
