//! A real Prometheus that watches one server, with our own rules.

use std::{fs, path::Path, process::Command, time::Duration};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use xtask::{process::Child, wait};

use crate::{World, free_port};

/// A running Prometheus. Dropping it ends it.
#[derive(Debug)]
pub struct Prometheus {
    url: String,
    http: reqwest::Client,
    _child: Child,
}

impl Prometheus {
    /// Starts one that looks at this address (host and port) every second.
    ///
    /// # Errors
    /// With the end of its log, where it does not come up.
    pub async fn watching(address: &str) -> Result<Self> {
        let directory = World::get().new_directory("prometheus")?;
        let rules = xtask::root().join("deploy/prometheus/alerts.yml");
        // JSON is YAML.
        let config = json!({
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
            "rule_files": [rules],
            "scrape_configs": [{"job_name": "ringback", "static_configs": [{"targets": [address]}]}],
        });
        fs::write(directory.join("prometheus.yml"), config.to_string())?;
        let port = free_port()?;
        let start = move || start(&directory, port);
        let child = tokio::task::spawn_blocking(start).await.context("the start has panicked")??;
        Ok(Self { url: format!("http://127.0.0.1:{port}"), http: reqwest::Client::new(), _child: child })
    }

    /// What an expression gives now.
    ///
    /// # Errors
    /// Where Prometheus refuses it.
    pub async fn query(&self, expression: &str) -> Result<Vec<Value>> {
        let found = self.get("query", &[("query", expression)]).await.context(expression.to_owned())?;
        Ok(found["result"].as_array().cloned().unwrap_or_default())
    }

    /// The labels of every series of this name.
    ///
    /// # Errors
    /// Where Prometheus refuses it.
    pub async fn series(&self, name: &str) -> Result<Vec<Value>> {
        Ok(self.get("series", &[("match[]", name)]).await?.as_array().cloned().unwrap_or_default())
    }

    /// Every rule, with its state and its last mistake.
    ///
    /// # Errors
    /// Where it does not answer.
    pub async fn rules(&self) -> Result<Vec<Value>> {
        let rules = self.get("rules", &[]).await?;
        let groups = rules["groups"].as_array().cloned().unwrap_or_default();
        Ok(groups.iter().filter_map(|group| group["rules"].as_array()).flatten().cloned().collect())
    }

    async fn get(&self, what: &str, query: &[(&str, &str)]) -> Result<Value> {
        let request = self.http.get(format!("{}/api/v1/{what}", self.url)).query(query);
        let answer: Value = request.send().await?.json().await?;
        ensure!(answer["status"] == "success", "{answer}");
        Ok(answer["data"].clone())
    }
}

fn start(directory: &Path, port: u16) -> Result<Child> {
    let mut command = Command::new("prometheus");
    command
        .arg("--config.file=prometheus.yml")
        .arg("--storage.tsdb.path=data")
        .arg(format!("--web.listen-address=127.0.0.1:{port}"))
        .current_dir(directory);
    let log = directory.join("prometheus.log");
    let child = Child::start("Prometheus", command, Some(&log))?;
    let ready = format!("http://127.0.0.1:{port}/-/ready");
    wait::until("Prometheus should answer", Duration::from_secs(20), || Ok(wait::answers(&ready).then_some(())))
        .map_err(|error| wait::with_tail(&error, &log))?;
    Ok(child)
}
