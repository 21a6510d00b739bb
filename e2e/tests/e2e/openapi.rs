//! The `OpenAPI` document holds what the server does: a fuzzer looks for what it does not say.

use std::time::Duration;

use anyhow::Result;
use ringback_e2e::{Server, finish, pair, tool};
use tokio::process::Command;

const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance";

#[tokio::test]
async fn the_document_is_the_truth() -> Result<()> {
    let (alice, _, _) = pair().await?;
    let server = Server::start("openapi").await?;
    let mut command = Command::new(tool("schemathesis"));
    command.current_dir(&server.directory).args(["run", &format!("{}/api/openapi.json", server.url)]);
    command.args(["--header", &format!("Authorization: Bearer {}", alice.token), "--checks", CHECKS]);
    command.args(["--max-examples", "30", "--seed", "4711", "--generation-deterministic", "--no-color"]);
    command.env("HYPOTHESIS_STORAGE_DIRECTORY", server.directory.join("hypothesis"));
    let printed = finish("schemathesis", command, Duration::from_mins(5)).await?;
    anyhow::ensure!(printed.contains("No issues found") || printed.contains("passed"), "schemathesis ran nothing: {printed}");
    Ok(())
}
