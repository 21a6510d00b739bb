//! `ringback doctor`: of each set-up that is broken in one way it names that, with the remedy, and nothing else.

mod browsers;
mod finding;
mod media;
mod stage;
mod talking;
mod why;
