//! Who the phone is: a token that it is given, or one that it gets for a password and gives back when it goes.

use std::{env, time::Duration};

use anyhow::{Context as _, bail};
use call::ids::{AccessToken, UserId};
use client::{Client, matrix};

use super::PhoneArgs;

/// How long to wait for the homeserver when the phone goes.
const LOGOUT_WITHIN: Duration = Duration::from_secs(3);

/// A token, and what is to become of it.
pub struct Identity {
    /// The token.
    pub token: AccessToken,
    /// The homeserver at which the phone has logged in itself.
    logged_in_at: Option<String>,
}

/// Finds a token.
///
/// # Errors
/// Where Ringback or the homeserver cannot be reached, the password cannot be read or is refused, or is another user's.
pub async fn identify(args: &PhoneArgs, client: &Client) -> anyhow::Result<Identity> {
    if let Some(token) = from_env("RINGBACK_TOKEN")? {
        return Ok(Identity { token: AccessToken::from(token), logged_in_at: None });
    }
    let homeserver = match &args.homeserver_url {
        Some(url) => url.clone(),
        None => client.call_config().await.context("cannot ask Ringback where the homeserver is")?.homeserver_url,
    };
    let password = match from_env("RINGBACK_PASSWORD")? {
        Some(password) => password,
        None => ask(&args.user, &homeserver).await?,
    };
    let login = matrix::login(&homeserver, args.user.as_str(), &password)
        .await
        .with_context(|| format!("cannot log in as {} at {homeserver} (--homeserver-url names another)", args.user))?;
    let identity = Identity { token: login.access_token, logged_in_at: Some(homeserver) };
    if login.user_id != args.user {
        identity.forget().await;
        bail!("this password is that of {}: say `--as {}`", login.user_id, login.user_id);
    }
    Ok(identity)
}

impl Identity {
    /// Logs out where the phone had logged in, so that no device is left behind for each start.
    pub async fn forget(&self) {
        let Some(homeserver) = &self.logged_in_at else { return };
        // It goes in any case; a device that stays behind does no harm.
        let _ = tokio::time::timeout(LOGOUT_WITHIN, matrix::logout(homeserver, self.token.clone())).await;
    }
}

fn from_env(name: &str) -> anyhow::Result<Option<String>> {
    match env::var(name) {
        Ok(text) => Ok(Some(text.trim().to_owned()).filter(|text| !text.is_empty())),
        Err(env::VarError::NotPresent) => Ok(None),
        Err(env::VarError::NotUnicode(_)) => bail!("{name} is not readable text"),
    }
}

async fn ask(user: &UserId, homeserver: &str) -> anyhow::Result<String> {
    let prompt = format!("Password of {user} at {homeserver}: ");
    tokio::task::spawn_blocking(move || rpassword::prompt_password(prompt))
        .await?
        .context("no password can be asked for here: set RINGBACK_TOKEN, or RINGBACK_PASSWORD")
}
