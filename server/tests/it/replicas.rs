//! Several servers on one PostgreSQL database (X1): they start at once, share the work and its news, and agree on who is
//! logged in.

mod postgres {
    use std::time::Duration;

    use futures_util::future::join_all;
    use ringfence::{
        access::Role,
        accounts::{
            admin::{self, Plan},
            set_up,
        },
        app::App,
        audit::Verdict,
        clock::Clock,
        config::{Config, Options},
        vault::{MasterKey, SessionSecret},
    };
    use serde_json::{Value, json};

    use crate::{
        harness::{Database, Frame, Settings, TestApp, TestClient, TestSocket, keys},
        sync::{newest, until},
    };

    /// X1, E4: replicas that start at the same moment on a database without a table migrate it once, agree on one canary
    /// and one audit key, and write one chain.
    #[tokio::test]
    async fn replicas_that_start_at_once_agree() {
        let folder = tempfile::TempDir::new().unwrap();
        let database = Database::empty(folder.path()).await;
        let key = folder.path().join("master.key");
        let secret = folder.path().join("session.secret");
        MasterKey::create(&key).unwrap();
        let secret = SessionSecret::create(&secret).unwrap();
        let apps = join_all((0..4).map(|_| {
            let options = Options {
                data_dir: Some(folder.path().to_owned()),
                database_url: database.url(),
                ..Options::default()
            };
            let config = Config::load(&options).unwrap();
            App::build(
                config,
                Clock::System,
                MasterKey::read(&key).unwrap(),
                &secret,
                None,
            )
        }))
        .await;
        let apps: Vec<App> = apps.into_iter().map(Result::unwrap).collect();
        let rows = database
            .sql("SELECT name FROM vault_rows ORDER BY name")
            .await;
        let names: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
        assert_eq!(names, ["audit", "call_webhooks", "canary", "fingerprint"]);
        let made = join_all(apps.iter().map(set_up::open)).await;
        assert!(made.iter().all(|token| matches!(token, Ok(Some(_)))));
        for (number, app) in apps.iter().enumerate() {
            admin::create_agency(app, &format!("Agency {number}"), Plan::Agency)
                .await
                .unwrap();
        }
        for app in &apps {
            let verdict = app.audit.verify(&app.db, None).await.unwrap();
            assert!(
                matches!(&verdict, Verdict::Whole { head } if head.sequence == 4),
                "{verdict:?}"
            );
        }
        for app in &apps {
            app.db.close().await;
        }
        database.remove().await;
    }

    /// X1, S5: the workers of two replicas share the jobs, and none of them runs twice.
    #[tokio::test]
    async fn two_replicas_run_each_job_once() {
        let first = TestApp::with(Settings {
            is_without_jobs: true,
            ..Settings::default()
        })
        .await;
        let control = first.sandbox.control().clone();
        control.set_page_delay(Duration::from_millis(30));
        for number in 0..8 {
            let name = format!("Agency number {number}");
            let slug = admin::create_agency(&first.app, &name, Plan::Agency)
                .await
                .unwrap();
            let admin = first.user_of(&slug, Role::Admin).await;
            admin.save_key(keys::GOOD, None).await.ok();
        }
        let (second, third) = tokio::join!(first.replica(false), first.replica(false));
        second.settle().await;
        third.settle().await;
        let rows = first
            .sql("SELECT count(*), max(attempts), min(attempts) FROM jobs WHERE state = 'done'")
            .await;
        let counts: [i64; 3] = std::array::from_fn(|column| rows[0].get(column));
        assert_eq!(counts, [8, 1, 1]);
        let added = "SELECT count(*) FROM sync_runs WHERE state = 'succeeded' AND added_count = 40";
        assert_eq!(first.sql(added).await[0].get::<i64>(0), 8);
    }

    /// X1, K12: of two replacements at the same moment, each at another replica, one is saved and the other refused.
    #[tokio::test]
    async fn of_two_replacements_at_two_replicas_one_is_refused() {
        let first = TestApp::new().await;
        let second = first.replica(true).await;
        let here = first.user(Role::Admin).await;
        here.import(&first).await;
        let there = TestClient::new(&second, Some(&first.agency));
        there.set_cookie(here.cookie());
        let (one, other) = tokio::join!(
            here.save_key(keys::SECOND, Some(1)),
            there.save_key(keys::LIMITED, Some(1))
        );
        let refused: Vec<_> = [one, other]
            .into_iter()
            .filter(|answer| !answer.errors.is_empty())
            .collect();
        assert_eq!(refused.len(), 1);
        assert_eq!(refused[0].code(), "CONFLICT");
        first.settle().await;
        assert_eq!(here.key().await["version"], 2);
        assert_eq!(
            first.sql("SELECT 1 FROM provider_key_versions").await.len(),
            2
        );
    }

    /// X1, S6: of requests at two replicas at the same moment one begins a sync, and the others join it.
    #[tokio::test]
    async fn requests_at_two_replicas_join_one_sync() {
        let first = TestApp::new().await;
        let second = first.replica(true).await;
        let here = first.user(Role::Admin).await;
        here.import(&first).await;
        let there = TestClient::new(&second, Some(&first.agency));
        there.set_cookie(here.cookie());
        first
            .sandbox
            .control()
            .set_page_delay(Duration::from_millis(200));
        let answers = join_all(
            (0..8).map(|number| if number % 2 == 0 { &here } else { &there }.start_sync()),
        );
        let began: Vec<Value> = answers
            .await
            .into_iter()
            .map(|answer| answer.ok()["startSync"].clone())
            .filter(|answer| answer["hasJoined"] == false)
            .collect();
        assert_eq!(began.len(), 1);
        first.settle().await;
    }

    /// X1, S2: whoever watches a sync at one replica sees it move and end while another one does the work.
    #[tokio::test]
    async fn progress_shows_at_the_other_replica() {
        let worker = TestApp::new().await;
        let watched = worker.replica(true).await;
        let admin = worker.user(Role::Admin).await;
        worker
            .sandbox
            .control()
            .set_page_delay(Duration::from_millis(700));
        let viewer = TestClient::new(&watched, Some(&worker.agency));
        viewer.set_cookie(admin.cookie());
        let saved = viewer.save_key(keys::GOOD, None).await.ok();
        let run = saved["saveProviderKey"]["syncRun"]["id"].as_str().unwrap();
        let mut socket = TestSocket::connected(&watched, &viewer).await;
        let query = format!(
            "subscription {{ syncProgress(syncRunId: \"{run}\") {{ state phase agentCount }} }}"
        );
        socket.subscribe("1", &query).await;
        let mut seen = Vec::new();
        loop {
            match socket.next().await {
                Frame::Json(message) if message["type"] == "next" => {
                    seen.push(message["payload"]["data"]["syncProgress"].clone());
                }
                Frame::Json(message) if message["type"] == "complete" => break,
                Frame::Json(_) => {}
                Frame::Closed(code) => panic!("closed with {code}"),
            }
        }
        assert!(seen.iter().any(|run| run["state"] == "RUNNING"), "{seen:?}");
        let last = seen.last().unwrap();
        assert_eq!(
            (&last["state"], &last["agentCount"]),
            (&json!("SUCCEEDED"), &json!(40))
        );
        worker.settle().await;
    }

    /// X1, H2, H3: a log-out at one replica holds at the next request to another, and closes the sockets there.
    #[tokio::test]
    async fn a_log_out_holds_at_the_other_replica() {
        let first = TestApp::new().await;
        let second = first.replica(true).await;
        let here = first.user(Role::Admin).await;
        let there = TestClient::new(&second, Some(&first.agency));
        there.set_cookie(here.cookie());
        let mut socket = TestSocket::connected(&second, &there).await;
        let asked = "{ viewer { person { email } } }";
        assert!(!there.query(asked).await.ok()["viewer"].is_null());
        here.query("mutation { logOutEverywhere { endedCount } }")
            .await
            .ok();
        assert!(there.query(asked).await.ok()["viewer"].is_null());
        loop {
            match socket.next().await {
                Frame::Closed(code) => break assert_eq!(code, 4401),
                Frame::Json(_) => {}
            }
        }
    }

    /// X1, S5: the job of a replica that died goes on at another one once its lease is over.
    #[tokio::test]
    async fn the_job_of_a_dead_replica_goes_on_after_its_lease() {
        let first = TestApp::with(Settings {
            is_without_jobs: true,
            ..Settings::default()
        })
        .await;
        let admin = first.user(Role::Admin).await;
        admin.save_key(keys::GOOD, None).await.ok();
        first
            .sql("UPDATE jobs SET state = 'running', locked_by = 'a dead replica', attempts = 1, lock_until = run_at + 30000")
            .await;
        let second = first.replica(false).await;
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert_eq!(newest(&admin).await["state"], "QUEUED", "it may live");
        second.advance(Duration::from_secs(31));
        ringfence::jobs::tidy(&second.app).await.unwrap();
        let run = until(&admin, "SUCCEEDED").await;
        assert_eq!(run["agentCount"], 40);
        second.settle().await;
    }
}
