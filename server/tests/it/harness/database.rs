//! Where a test's data is kept: a SQLite file in the test's folder, or, where `TEST_DATABASE_URL` names a PostgreSQL
//! server, a database of the test's own there, copied from one that was migrated once. Tests look into it and tamper with
//! it through here, with one SQL text for both; what the two spell differently has a function of its own.

use std::{
    collections::BTreeSet,
    fmt::Write as _,
    hash::{DefaultHasher, Hash, Hasher},
    path::Path,
    str::FromStr,
    sync::Mutex,
};

use ringfence::store::{DatabaseLocation, Db};
use sqlx::{
    Connection, Decode, PgConnection, Postgres, Row as _, Sqlite, SqliteConnection, Type,
    postgres::{PgConnectOptions, PgRow},
    sqlite::SqliteRow,
};

/// The server that tests keep their data on; SQLite without one.
#[expect(clippy::disallowed_methods, reason = "a setting of the tests")]
fn server() -> Option<String> {
    std::env::var("TEST_DATABASE_URL").ok()
}

/// Runs something to its end from a place that cannot wait, within a runtime or not.
pub(crate) fn block_on<F>(work: F) -> F::Output
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    let thread = std::thread::spawn(move || {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap()
            .block_on(work)
    });
    thread.join().unwrap()
}

/// A row, of whichever database.
pub(crate) enum Row {
    Sqlite(SqliteRow),
    Postgres(PgRow),
}

impl Row {
    /// The value of a column.
    pub(crate) fn get<'r, T>(&'r self, column: usize) -> T
    where
        T: Decode<'r, Sqlite> + Type<Sqlite> + Decode<'r, Postgres> + Type<Postgres>,
    {
        match self {
            Self::Sqlite(row) => row.get(column),
            Self::Postgres(row) => row.get(column),
        }
    }
}

/// An open transaction of somebody else's.
pub(crate) enum Hold {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

impl Hold {
    /// Lets go; nothing was changed.
    pub(crate) async fn release(self) {
        let rollback = sqlx::raw_sql("ROLLBACK");
        match self {
            Self::Sqlite(mut conn) => {
                rollback.execute(&mut conn).await.unwrap();
                conn.close().await.unwrap();
            }
            Self::Postgres(mut conn) => {
                rollback.execute(&mut conn).await.unwrap();
                conn.close().await.unwrap();
            }
        }
    }
}

/// The database of one test.
#[derive(Clone, Debug)]
pub(crate) enum Database {
    Sqlite(String),
    Postgres { server: String, name: String },
}

impl Database {
    /// The database that belongs to a data folder; made when it is asked for the first time.
    pub(crate) async fn of(folder: &Path) -> Self {
        static MADE: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
        let Some(server) = server() else {
            let path = folder.join("ringfence.db");
            return Self::Sqlite(path.display().to_string());
        };
        let name = format!(
            "test_{}_{:016x}",
            std::process::id(),
            digest(&folder.display().to_string())
        );
        if MADE.lock().unwrap().insert(name.clone()) {
            make(&server, &name).await;
        }
        Self::Postgres { server, name }
    }

    /// An empty database, without a table.
    pub(crate) async fn empty(folder: &Path) -> Self {
        let database = Self::of(folder).await;
        if let Self::Postgres { server, name } = &database {
            let mut conn = connect(server).await;
            run(&mut conn, format!("DROP DATABASE {name}")).await;
            run(&mut conn, format!("CREATE DATABASE {name}")).await;
        }
        database
    }

    /// What the server's setting says; `None` for the usual file in the data folder.
    pub(crate) fn url(&self) -> Option<String> {
        match self {
            Self::Sqlite(_) => None,
            Self::Postgres { server, name } => {
                let mut url = url::Url::parse(server).unwrap();
                url.set_path(name);
                Some(url.into())
            }
        }
    }

    /// Whether this is PostgreSQL.
    pub(crate) fn is_postgres(&self) -> bool {
        matches!(self, Self::Postgres { .. })
    }

    /// Runs SQL behind the product's back: one statement or several.
    pub(crate) async fn sql(&self, sql: &str) -> Vec<Row> {
        let sql = sqlx::raw_sql(sqlx::AssertSqlSafe(sql));
        match self {
            Self::Sqlite(path) => {
                let url = format!("sqlite://{path}");
                let mut conn = SqliteConnection::connect(&url).await.unwrap();
                let rows = sql.fetch_all(&mut conn).await.unwrap();
                conn.close().await.unwrap();
                rows.into_iter().map(Row::Sqlite).collect()
            }
            Self::Postgres { .. } => {
                let mut conn = connect(&self.url().unwrap()).await;
                let rows = sql.fetch_all(&mut conn).await.unwrap();
                conn.close().await.unwrap();
                rows.into_iter().map(Row::Postgres).collect()
            }
        }
    }

    /// Runs a statement after each row that `event` (`INSERT`, `UPDATE`) touches in a table, or before it.
    pub(crate) async fn trigger(&self, name: &str, event: &str, table: &str, statement: &str) {
        let sql = if self.is_postgres() {
            format!(
                "CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {statement}; RETURN NEW; END $$;
                 CREATE TRIGGER {name} {event} ON {table} FOR EACH ROW EXECUTE FUNCTION {name}()"
            )
        } else {
            format!("CREATE TRIGGER {name} {event} ON {table} BEGIN {statement}; END")
        };
        self.sql(&sql).await;
    }

    /// Makes the database refuse new rows in a table.
    pub(crate) async fn refuse_rows(&self, table: &str) {
        let refuse = if self.is_postgres() {
            "RAISE EXCEPTION 'the test says no'"
        } else {
            "SELECT RAISE(ABORT, 'the test says no')"
        };
        self.trigger("no_rows", "BEFORE INSERT", table, refuse)
            .await;
    }

    /// Makes the database take rows again that it was made to refuse.
    pub(crate) async fn accept_rows(&self, table: &str) {
        let of_table = if self.is_postgres() {
            format!(" ON {table}; DROP FUNCTION no_rows()")
        } else {
            String::new()
        };
        self.sql(&format!("DROP TRIGGER no_rows{of_table}")).await;
    }

    /// Every row of every table as text, bytes in hex: what a copy of the database would hold. Only PostgreSQL needs it;
    /// a SQLite file is read as it is.
    pub(crate) async fn dump(&self) -> Vec<(String, String)> {
        if !self.is_postgres() {
            return Vec::new();
        }
        let tables = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1";
        let mut dump = Vec::new();
        for table in self.sql(tables).await {
            let table: String = table.get(0);
            let rows = self.sql(&format!("SELECT t::text FROM {table} t")).await;
            let text = rows.iter().fold(String::new(), |mut text, row| {
                let _ = writeln!(text, "{}", row.get::<String>(0));
                text
            });
            dump.push((table, text));
        }
        dump
    }

    /// Makes whoever is about to write to an agency's row wait, until the hold is let go.
    pub(crate) async fn hold(&self) -> Hold {
        let begin = sqlx::raw_sql("BEGIN IMMEDIATE");
        match self {
            Self::Sqlite(path) => {
                let url = format!("sqlite://{path}");
                let mut conn = SqliteConnection::connect(&url).await.unwrap();
                begin.execute(&mut conn).await.unwrap();
                Hold::Sqlite(conn)
            }
            Self::Postgres { .. } => {
                let mut conn = connect(&self.url().unwrap()).await;
                run(&mut conn, "BEGIN".to_owned()).await;
                run(&mut conn, "UPDATE agencies SET slug = slug".to_owned()).await;
                Hold::Postgres(conn)
            }
        }
    }

    /// Removes a database of a server; a file goes with its folder.
    pub(crate) async fn remove(&self) {
        if let Self::Postgres { server, name } = self {
            let mut conn = connect(server).await;
            run(
                &mut conn,
                format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"),
            )
            .await;
        }
    }
}

fn digest(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

async fn connect(url: &str) -> PgConnection {
    let options = PgConnectOptions::from_str(url).unwrap();
    PgConnection::connect_with(&options).await.unwrap()
}

async fn run(conn: &mut PgConnection, sql: String) {
    sqlx::raw_sql(sqlx::AssertSqlSafe(sql))
        .execute(conn)
        .await
        .unwrap();
}

/// Makes a database as a copy of the template, which the first test to come makes: named after the migrations, so that a
/// server that is kept has none of yesterday's.
async fn make(server: &str, name: &str) {
    const LOCK: i64 = 0x5249_4e47_4645_4e43;
    let mut migrations = String::new();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../migrations");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    for file in files {
        migrations.push_str(&std::fs::read_to_string(file).unwrap());
    }
    let template = format!("template_{:016x}", digest(&migrations));
    let mut conn = connect(server).await;
    run(&mut conn, format!("SELECT pg_advisory_lock({LOCK})")).await;
    let found = format!("SELECT 1 FROM pg_database WHERE datname = '{template}'");
    let found = sqlx::raw_sql(sqlx::AssertSqlSafe(found))
        .fetch_all(&mut conn)
        .await
        .unwrap();
    if found.is_empty() {
        // Under another name until it is whole.
        let half = format!("{template}_half");
        run(&mut conn, format!("DROP DATABASE IF EXISTS {half}")).await;
        run(&mut conn, format!("CREATE DATABASE {half}")).await;
        let place = Database::Postgres {
            server: server.to_owned(),
            name: half.clone(),
        };
        let location = DatabaseLocation::Postgres(place.url().unwrap());
        Db::connect(&location).await.unwrap().close().await;
        run(
            &mut conn,
            format!("ALTER DATABASE {half} RENAME TO {template}"),
        )
        .await;
    }
    run(&mut conn, format!("SELECT pg_advisory_unlock({LOCK})")).await;
    run(
        &mut conn,
        format!("CREATE DATABASE {name} TEMPLATE {template}"),
    )
    .await;
    conn.close().await.unwrap();
}
