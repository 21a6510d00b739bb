//! Checkpoints: copying what the write-ahead log holds into the file. By itself `SQLite` does that in the middle of a commit, and
//! whoever waits for that commit waits for pages all over the file to reach the disk: the longer the history, the longer. Here a
//! thread of its own copies, and only what was written meanwhile is left to the writer.

use std::{sync::mpsc, thread};

use rusqlite::{Connection, MAIN_DB, hooks::Wal, wal::CheckpointMode};

/// How many pages the log holds when they are copied. Fewer copy the same page again and again; more keep the disk busy for longer
/// at a time, and commits wait for it.
const PAGES: i32 = 500;

/// Starts a thread that copies what `writer` commits, over a connection of its own, until `writer` is closed. Then the thread gives
/// that connection back: of two that are closed at the same moment, each takes the other for open, and leaves the log behind.
///
/// A checkpoint that fails, because the disk is full or another process makes one, loses nothing: the log grows, and the next
/// commit asks for another.
pub fn beside(writer: &mut Connection, own: Connection) -> anyhow::Result<thread::JoinHandle<Connection>> {
    // Whoever copies is not asked again.
    let (ask, asked) = mpsc::sync_channel(0);
    let (tell, copied) = mpsc::channel();
    writer.wal_hook(Some(move |log: &mut Wal, pages| {
        if copied.try_recv().is_ok() {
            // With nothing left to copy, the next commit writes to the beginning of the log again.
            let _ = log.checkpoint();
        } else if pages >= PAGES {
            let _ = ask.try_send(());
        }
        Ok(())
    }))?;
    let thread = thread::Builder::new().name("sqlite-ckpt".to_owned()).spawn(move || {
        for () in asked {
            let _ = own.wal_checkpoint_v2(Some(MAIN_DB), CheckpointMode::PASSIVE);
            let _ = tell.send(());
        }
        own
    })?;
    Ok(thread)
}

#[cfg(test)]
mod tests {
    use std::{
        fs::File,
        os::unix::fs::FileExt as _,
        path::{Path, PathBuf},
        time::{Duration, Instant},
    };

    use super::*;
    use crate::store::sqlite::connect;

    type Done = Result<(), Box<dyn std::error::Error>>;

    /// A file with a table, written to without a pause.
    struct Written {
        writer: Connection,
        checkpoints: thread::JoinHandle<Connection>,
        log: PathBuf,
    }

    impl Written {
        fn begin(folder: &Path) -> Result<Self, Box<dyn std::error::Error>> {
            let path = folder.join("a.db");
            let mut writer = connect(&path)?;
            writer.execute_batch("CREATE TABLE a (b BLOB)")?;
            let checkpoints = beside(&mut writer, connect(&path)?)?;
            Ok(Self { writer, checkpoints, log: folder.join("a.db-wal") })
        }

        /// Writes until the log has begun anew this often. By `SQLite`'s file format its head counts that, in bytes 12 to 15.
        fn until_the_log_begins_anew(&self, times: u32) -> Done {
            let begun = || {
                let mut count = [0; 4];
                File::open(&self.log)?.read_exact_at(&mut count, 12)?;
                std::io::Result::Ok(u32::from_be_bytes(count))
            };
            let (before, since) = (begun()?, Instant::now());
            while begun()? < before + times {
                assert!(since.elapsed() < Duration::from_mins(1), "the log only grows");
                self.write(5)?;
            }
            Ok(())
        }

        fn write(&self, pages: i32) -> rusqlite::Result<usize> {
            self.writer.execute("INSERT INTO a VALUES (zeroblob($1))", [pages * 4096])
        }
    }

    #[test]
    fn a_log_that_is_written_without_a_pause_begins_anew() -> Done {
        let folder = tempfile::tempdir()?;
        Written::begin(folder.path())?.until_the_log_begins_anew(3)
    }

    #[test]
    fn whoever_reads_for_long_holds_up_nobody() -> Done {
        let folder = tempfile::tempdir()?;
        let written = Written::begin(folder.path())?;
        let reader = connect(&folder.path().join("a.db"))?;
        let count = |sql| reader.query_one(sql, [], |row| row.get::<_, i64>(0));
        reader.execute_batch("BEGIN")?;
        assert_eq!(count("SELECT COUNT(*) FROM a")?, 0);
        for _ in 0..10 {
            written.write(2 * PAGES)?;
        }
        assert_eq!(count("SELECT COUNT(*) FROM a")?, 0, "it reads what was there when it began");
        reader.execute_batch("COMMIT")?;
        assert_eq!(count("SELECT COUNT(*) FROM a")?, 10);
        written.until_the_log_begins_anew(1)
    }

    /// So that a copy of the file alone is a copy of all.
    #[test]
    fn nothing_is_left_beside_a_file_that_is_closed() -> Done {
        let folder = tempfile::tempdir()?;
        let written = Written::begin(folder.path())?;
        written.write(2 * PAGES)?;
        let Written { writer, checkpoints, log } = written;
        drop(writer);
        let last = checkpoints.join().map_err(|_| "the thread panicked")?;
        assert!(log.exists(), "the thread's connection was closed while the writer's was");
        drop(last);
        assert!(!log.exists());
        Ok(())
    }
}
