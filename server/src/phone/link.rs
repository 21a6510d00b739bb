//! A connection to Ringback that comes back by itself, and goes on where it was.

use std::{pin::Pin, time::Duration};

use backon::{BackoffBuilder as _, ExponentialBackoff, ExponentialBuilder};
use call::{
    ids::{AccessToken, SessionId, UserId},
    wire::{Ack, Register, ServerEvent, errcode},
};
use client::{Error, Event, Outgoing, Received, Registered, Socket};
use tokio::time::sleep;

const FIRST_DELAY: Duration = Duration::from_millis(500);
const LONGEST_DELAY: Duration = Duration::from_secs(30);

/// What the connection has to say.
pub enum Tiding {
    /// It is there again.
    Up(Registered),
    /// It is lost, and will be tried again.
    Down {
        /// Why.
        why: String,
        /// When it will be tried.
        again_in: Duration,
    },
    /// An event.
    Event(Box<Received>),
    /// Something that cannot be read; the connection goes on.
    Nonsense(Error),
}

type Attempt = Pin<Box<dyn Future<Output = Result<(Socket, Registered), Error>> + Send>>;

enum State {
    Up(Box<Socket>),
    Trying(Attempt),
}

/// A device's connection, and what it takes to make it again.
pub struct Link {
    url: String,
    register: Register,
    state: State,
    delays: ExponentialBackoff,
    /// The server's own word on when to come back.
    told_delay: Option<Duration>,
}

impl Link {
    /// Connects and registers, once.
    ///
    /// # Errors
    /// As [`Socket::connect`] and [`Socket::register`] have them.
    pub async fn connect(url: &str, user: &UserId, token: &AccessToken) -> Result<(Self, Registered), Error> {
        let register = Register { user_id: Some(user.clone()), access_token: Some(token.clone()), ..Register::default() };
        let (socket, registered) = attempt(url, &register).await?;
        let state = State::Up(Box::new(socket));
        Ok((Self { url: url.to_owned(), register, state, delays: delays(), told_delay: None }, registered))
    }

    /// The session, while there is a connection.
    pub fn session(&self) -> Option<SessionId> {
        match &self.state {
            State::Up(socket) => socket.resume().session_id,
            State::Trying(_) => None,
        }
    }

    /// What happens next. May be cancelled without losing anything.
    ///
    /// # Errors
    /// Where trying again is no use: the token is refused.
    pub async fn next(&mut self) -> Result<Tiding, Error> {
        match &mut self.state {
            State::Up(socket) => match socket.next().await {
                Ok(Some(received)) => {
                    if let Event::Known(ServerEvent::ServerShutdown { reconnect_after_ms }) = received.event {
                        self.told_delay = Some(Duration::from_millis(reconnect_after_ms));
                    }
                    Ok(Tiding::Event(Box::new(received)))
                }
                Ok(None) => {
                    let why = socket.closed().map_or_else(String::new, ToString::to_string);
                    let resume = socket.resume();
                    self.register = Register {
                        user_id: self.register.user_id.take(),
                        access_token: self.register.access_token.take(),
                        ..resume
                    };
                    Ok(self.try_again(why))
                }
                Err(error) => Ok(Tiding::Nonsense(error)),
            },
            State::Trying(attempt) => match attempt.await {
                Ok((socket, registered)) => {
                    self.delays = delays();
                    self.state = State::Up(Box::new(socket));
                    Ok(Tiding::Up(registered))
                }
                Err(error) if is_final(&error) => Err(error),
                Err(error) => Ok(self.try_again(error.to_string())),
            },
        }
    }

    /// Sends a message and waits for its acknowledgement.
    ///
    /// # Errors
    /// As [`Socket::request`] has them; [`Error::Closed`] while there is no connection.
    pub async fn request(&mut self, outgoing: &Outgoing) -> Result<Ack, Error> {
        match &mut self.state {
            State::Up(socket) => socket.request(outgoing).await,
            State::Trying(_) => Err(Error::Closed { address: self.url.clone(), why: "it is being made again".to_owned() }),
        }
    }

    /// Says goodbye.
    pub async fn close(self) {
        if let State::Up(socket) = self.state {
            socket.close().await;
        }
    }

    fn try_again(&mut self, why: String) -> Tiding {
        let again_in = self.told_delay.take().or_else(|| self.delays.next()).unwrap_or(LONGEST_DELAY);
        let (url, register) = (self.url.clone(), self.register.clone());
        self.state = State::Trying(Box::pin(async move {
            sleep(again_in).await;
            attempt(&url, &register).await
        }));
        Tiding::Down { why, again_in }
    }
}

async fn attempt(url: &str, register: &Register) -> Result<(Socket, Registered), Error> {
    let mut socket = Socket::connect(url).await?;
    let registered = socket.register(register).await?;
    Ok((socket, registered))
}

fn delays() -> ExponentialBackoff {
    ExponentialBuilder::new().with_min_delay(FIRST_DELAY).with_max_delay(LONGEST_DELAY).without_max_times().with_jitter().build()
}

fn is_final(error: &Error) -> bool {
    matches!(error.errcode(), Some(errcode::UNKNOWN_TOKEN | errcode::MISSING_TOKEN | errcode::FORBIDDEN))
}
