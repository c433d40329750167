//! All SQL lives under this folder: one file per noun, free async functions on `&mut Conn`, the agency first.
//! This file owns the plumbing that lets one SQL text run on SQLite and on PostgreSQL: [`Db`], [`Conn`], [`Tx`] and the
//! `on!` macro. It holds no rule of the product, and no [`Tx`] may wait for a request to a provider.
//!
//! sqlx 0.9's `Pool::begin()` on PostgreSQL is not cancel-safe (launchbadge/sqlx#4385), so every caller of
//! [`Db::begin`] runs in a spawned task that nobody cancels: the HTTP edge spawns each GraphQL request, jobs are tasks.

pub(crate) mod account_keys;
pub(crate) mod accounts;
pub(crate) mod agencies;
pub(crate) mod agent_changes;
pub(crate) mod agents;
pub(crate) mod alerts;
pub(crate) mod api_keys;
pub(crate) mod audit;
pub(crate) mod batch;
pub(crate) mod call_imports;
pub(crate) mod call_parties;
pub(crate) mod call_stats;
pub(crate) mod calls;
pub(crate) mod clients;
pub(crate) mod facts;
pub(crate) mod health;
pub(crate) mod idempotent_requests;
pub(crate) mod jobs;
pub(crate) mod key_hand_ins;
pub(crate) mod keyset;
pub(crate) mod phone_numbers;
pub(crate) mod placed;
pub(crate) mod placement_items;
pub(crate) mod placement_runs;
pub(crate) mod placements;
pub(crate) mod portal_users;
pub(crate) mod provider_keys;
pub(crate) mod sessions;
pub(crate) mod sync_changes;
pub(crate) mod sync_runs;
pub(crate) mod unplaced;
pub(crate) mod users;
pub(crate) mod voices;
pub(crate) mod webhook_deliveries;
pub(crate) mod webhook_endpoints;

use std::{
    borrow::Cow,
    path::PathBuf,
    str::FromStr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use sqlx::{
    PgConnection, PgPool, Postgres, Sqlite, SqliteConnection, SqlitePool, Transaction,
    migrate::Migrator,
    pool::PoolConnection,
    postgres::{PgConnectOptions, PgPoolOptions},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use crate::error::{Error, Result};

static MIGRATOR: Migrator = sqlx::migrate!("../migrations");

/// Runs one sqlx expression on whichever database stands behind a [`Conn`]: the expression is written once and
/// expanded per driver.
macro_rules! on {
    ($conn:expr, $c:ident => $body:expr) => {
        match $conn.backend() {
            $crate::store::Backend::Sqlite($c) => $body,
            $crate::store::Backend::Postgres($c) => $body,
        }
    };
}
pub(crate) use on;

/// Cache of SQLite's one writing connection, 32 MiB; negative means KiB to SQLite.
const WRITE_CACHE_KIB: &str = "-32768";

/// Where the data is kept.
#[derive(Clone, Debug)]
pub enum DatabaseLocation {
    /// A SQLite file; made when it is missing.
    Sqlite(PathBuf),
    /// A PostgreSQL URL.
    Postgres(String),
}

/// The database: a pool per kind. Cloning shares the pools.
#[derive(Clone)]
pub struct Db {
    pools: Pools,
    statements: Arc<AtomicU64>,
    /// Whether SQLite's log may hold bytes that were destroyed.
    is_flush_due: Arc<AtomicBool>,
}

#[derive(Clone)]
enum Pools {
    /// SQLite allows one writer at a time: a pool of one connection makes the others wait in order.
    Sqlite {
        read: SqlitePool,
        write: SqlitePool,
    },
    Postgres(PgPool),
}

/// A connection, in a transaction or not.
pub struct Conn {
    inner: Inner,
    statements: Arc<AtomicU64>,
}

enum Inner {
    Sqlite(PoolConnection<Sqlite>),
    SqliteTx(Transaction<'static, Sqlite>),
    Postgres(PoolConnection<Postgres>),
    PostgresTx(Transaction<'static, Postgres>),
}

/// What `on!` matches on.
pub(crate) enum Backend<'c> {
    Sqlite(&'c mut SqliteConnection),
    Postgres(&'c mut PgConnection),
}

/// A write transaction. Dropped without [`Tx::commit`] it rolls back.
pub struct Tx(Conn);

impl Db {
    /// Connects, with the settings that durability rests on, and applies the migrations.
    pub async fn connect(location: &DatabaseLocation) -> Result<Self> {
        let db = match location {
            DatabaseLocation::Sqlite(path) => {
                let options = SqliteConnectOptions::new()
                    .filename(path)
                    .create_if_missing(true)
                    .journal_mode(SqliteJournalMode::Wal)
                    .synchronous(SqliteSynchronous::Normal)
                    .busy_timeout(Duration::from_secs(5))
                    .foreign_keys(true)
                    .pragma("secure_delete", "ON");
                // A large import touches most pages of its indexes over and over.
                let writing = options.clone().pragma("cache_size", WRITE_CACHE_KIB);
                let write = SqlitePoolOptions::new()
                    .max_connections(1)
                    .connect_with(writing)
                    .await?;
                MIGRATOR.run(&write).await.map_err(migration_error)?;
                let read = SqlitePoolOptions::new()
                    .max_connections(8)
                    .connect_with(options.read_only(true))
                    .await?;
                Self::new(Pools::Sqlite { read, write })
            }
            DatabaseLocation::Postgres(url) => {
                let options = PgConnectOptions::from_str(url)?
                    .options([("idle_in_transaction_session_timeout", "30s")]);
                let pool = PgPoolOptions::new()
                    .max_connections(16)
                    .connect_with(options)
                    .await?;
                MIGRATOR.run(&pool).await.map_err(migration_error)?;
                Self::new(Pools::Postgres(pool))
            }
        };
        Ok(db)
    }

    fn new(pools: Pools) -> Self {
        Self {
            pools,
            statements: Arc::default(),
            // A process before this one may have died between a commit and its flush.
            is_flush_due: Arc::new(AtomicBool::new(true)),
        }
    }

    /// A connection for reading; on SQLite it cannot write.
    pub async fn read(&self) -> Result<Conn> {
        let inner = match &self.pools {
            Pools::Sqlite { read, .. } => Inner::Sqlite(read.acquire().await?),
            Pools::Postgres(pool) => Inner::Postgres(pool.acquire().await?),
        };
        Ok(self.conn(inner))
    }

    /// Opens a write transaction (`BEGIN IMMEDIATE` on SQLite, so that it never fails half-way for want of the lock).
    pub async fn begin(&self) -> Result<Tx> {
        let inner = match &self.pools {
            Pools::Sqlite { write, .. } => {
                Inner::SqliteTx(write.begin_with("BEGIN IMMEDIATE").await?)
            }
            Pools::Postgres(pool) => Inner::PostgresTx(pool.begin().await?),
        };
        Ok(Tx(self.conn(inner)))
    }

    fn conn(&self, inner: Inner) -> Conn {
        Conn {
            inner,
            statements: Arc::clone(&self.statements),
        }
    }

    /// Whether this is SQLite, where exactly one server process owns the file.
    pub fn is_sqlite(&self) -> bool {
        matches!(self.pools, Pools::Sqlite { .. })
    }

    /// How many statements ran so far, for tests that compare two answers' cost (P5).
    pub fn statement_count(&self) -> u64 {
        self.statements.load(Ordering::SeqCst)
    }

    /// Makes sure that what was destroyed stands in no file any more: overwritten pages live on in SQLite's log until it is
    /// written back and cut off (K10). For whoever has committed that sealed bytes are gone; what is done is done, so a
    /// failure is no error, and the housekeeping tries again.
    pub(crate) async fn flush_shredded(&self) {
        self.is_flush_due.store(false, Ordering::SeqCst);
        let is_flushed = self.checkpoint().await;
        if !matches!(is_flushed, Ok(true)) {
            self.is_flush_due.store(true, Ordering::SeqCst);
            tracing::warn!(
                error = is_flushed.err().map(|error| format!("{error:?}")),
                "destroyed secrets stay in the database's log until its next checkpoint, which is tried again in a minute"
            );
        }
    }

    /// The same where an attempt before has failed.
    pub(crate) async fn flush_if_due(&self) {
        if self.is_flush_due.load(Ordering::SeqCst) {
            self.flush_shredded().await;
        }
    }

    /// Makes SQLite write its log back and cut it off; false when a reader kept it from that. On PostgreSQL that is the
    /// vacuum's work.
    async fn checkpoint(&self) -> Result<bool> {
        match &self.pools {
            Pools::Sqlite { write, .. } => {
                let is_busy: bool = sqlx::query_scalar("PRAGMA wal_checkpoint(TRUNCATE)")
                    .fetch_one(write)
                    .await?;
                Ok(!is_busy)
            }
            Pools::Postgres(_) => Ok(true),
        }
    }

    /// Closes the pools, so that SQLite checkpoints its log.
    pub async fn close(&self) {
        match &self.pools {
            Pools::Sqlite { read, write } => {
                read.close().await;
                write.close().await;
            }
            Pools::Postgres(pool) => pool.close().await,
        }
    }
}

impl std::fmt::Debug for Db {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.is_sqlite() {
            "Db::Sqlite"
        } else {
            "Db::Postgres"
        })
    }
}

impl Conn {
    /// The driver's connection; each call counts as one statement.
    pub(crate) fn backend(&mut self) -> Backend<'_> {
        self.statements.fetch_add(1, Ordering::SeqCst);
        match &mut self.inner {
            Inner::Sqlite(c) => Backend::Sqlite(&mut *c),
            Inner::SqliteTx(c) => Backend::Sqlite(&mut *c),
            Inner::Postgres(c) => Backend::Postgres(&mut *c),
            Inner::PostgresTx(c) => Backend::Postgres(&mut *c),
        }
    }
}

impl Tx {
    /// Makes it so.
    pub async fn commit(self) -> Result<()> {
        match self.0.inner {
            Inner::SqliteTx(tx) => tx.commit().await?,
            Inner::PostgresTx(tx) => tx.commit().await?,
            Inner::Sqlite(_) | Inner::Postgres(_) => {}
        }
        Ok(())
    }
}

impl std::ops::Deref for Tx {
    type Target = Conn;

    fn deref(&self) -> &Conn {
        &self.0
    }
}

impl std::ops::DerefMut for Tx {
    fn deref_mut(&mut self) -> &mut Conn {
        &mut self.0
    }
}

fn migration_error(error: sqlx::migrate::MigrateError) -> Error {
    Error::internal(error)
}

/// Turns a unique violation into `None`, by kind and never by constraint name: SQLite gives none.
pub(crate) fn unless_taken<T>(result: std::result::Result<T, sqlx::Error>) -> Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(sqlx::Error::Database(error)) if error.is_unique_violation() => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// A text from outside as both databases keep it: PostgreSQL takes no zero character.
pub(crate) fn storable(text: &str) -> Cow<'_, str> {
    if text.contains('\0') {
        Cow::Owned(text.replace('\0', "\u{fffd}"))
    } else {
        Cow::Borrowed(text)
    }
}

/// Longest name that is kept of what a provider tells, in characters: more is no name, and each answer would carry it.
const NAME_LENGTH: usize = 1_000;
/// Longest text that a list is sorted by, in characters. Every cursor carries it; where two rows have the same beginning,
/// their ids put them in order.
const SORT_KEY_LENGTH: usize = 200;

/// A name from outside as it is kept: storable, and cut with `…` where it is longer than any name.
pub(crate) fn kept_name(text: &str) -> Cow<'_, str> {
    let text = storable(text);
    if text.chars().nth(NAME_LENGTH).is_none() {
        return text;
    }
    let mut cut: String = text.chars().take(NAME_LENGTH - 1).collect();
    cut.push('…');
    Cow::Owned(cut)
}

/// What a list is sorted by and searched in: the beginning of a text from outside, in lower case.
pub(crate) fn sort_key(text: &str) -> String {
    let beginning: String = storable(text).chars().take(SORT_KEY_LENGTH).collect();
    // One capital can become two letters.
    beginning
        .to_lowercase()
        .chars()
        .take(SORT_KEY_LENGTH)
        .collect()
}

#[cfg(test)]
mod tests;
