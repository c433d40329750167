//! S5: `kill -9` at random points of a large sync, twenty times.

use std::{
    collections::HashSet,
    hash::{BuildHasher, RandomState},
    time::Duration,
};

use ringfence::sandbox::{Effect, Fault, NewAccount};

use super::{
    newest,
    resume::{assert_whole, end_lease},
    until,
};
use crate::process::{Installation, Server};

const KEY: &str = "key-of-an-unlucky-account-7Hd2";
const KILLS: usize = 20;
const AGENTS: usize = 5000;
const NUMBERS: usize = 1500;

/// Points in time that differ from run to run; a failure tells the seed.
pub(crate) struct Dice {
    pub(crate) seed: u64,
    state: u64,
}

impl Dice {
    pub(crate) fn new() -> Self {
        let seed = RandomState::new().hash_one(0);
        Self { seed, state: seed }
    }

    /// From 0 to `end` - 1: Knuth's linear congruential generator, whose upper bits are good enough for this.
    pub(crate) fn roll(&mut self, end: u64) -> u64 {
        self.state = self
            .state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.state >> 33) % end
    }
}

async fn remote_ids(installation: &Installation, sql: &'static str) -> HashSet<String> {
    let rows = installation.database.sql(sql).await;
    rows.iter().map(|row| row.get::<String>(0)).collect()
}

/// Whatever the point of the kill: nobody twice, nobody half-marked, and nobody inactive who is still there.
async fn assert_sound(installation: &Installation, seed: u64) {
    assert_whole(installation).await;
    let inactive = "SELECT remote_id FROM placements WHERE status = 'inactive'";
    let control = installation.sandbox.control();
    let there: HashSet<String> = control.agent_ids(KEY).unwrap().into_iter().collect();
    let wrong: Vec<String> = remote_ids(installation, inactive)
        .await
        .intersection(&there)
        .cloned()
        .collect();
    assert_eq!(wrong, [] as [&str; 0], "seed {seed}");
}

async fn is_over(installation: &Installation) -> bool {
    let open = "SELECT count(*) FROM sync_runs WHERE finished_at IS NULL";
    installation.number(open).await == 0
}

/// The account changes at the provider, and another sync begins.
async fn begin_another(installation: &Installation, server: &Server, dice: &mut Dice) {
    let control = installation.sandbox.control();
    let ids = control.agent_ids(KEY).unwrap();
    let at = usize::try_from(dice.roll(4000)).unwrap();
    control.remove_agents(KEY, &ids[at..at + 40]).unwrap();
    control.add_agents(KEY, 15, "Later").unwrap();
    control.rename_agent(KEY, &ids[at + 41], "Renamed").unwrap();
    server.log_in().await;
    server.admin.start_sync().await.ok();
}

/// S5, S7: killed at twenty random points of a large first sync and of those that follow it, in which agents have gone,
/// come and changed: it ends, each agent is there once, and nobody is inactive who is still there.
#[tokio::test]
async fn twenty_kills_at_random_points_leave_every_agent_once() {
    let mut dice = Dice::new();
    let seed = dice.seed;
    let installation = Installation::new().await;
    let control = installation.sandbox.control().clone();
    let account = NewAccount::vapi(KEY, AGENTS).phone_numbers(NUMBERS);
    control.add_account(&account).unwrap();
    control.set_page_delay(Duration::from_millis(30));
    control.inject(Fault::new(Effect::Delay { ms: 5 }).on("/vapi/assistant/*"));
    let mut server = installation.start().await;
    server.admin.save_key(KEY, None).await.ok();
    for _ in 0..KILLS {
        tokio::time::sleep(Duration::from_millis(dice.roll(700))).await;
        server.kill_nine().await;
        assert_sound(&installation, seed).await;
        end_lease(&installation).await;
        server = installation.spawn().await;
        if is_over(&installation).await {
            begin_another(&installation, &server, &mut dice).await;
        }
    }
    server.log_in().await;
    until(&server.admin, "SUCCEEDED").await;
    // Whatever had changed before that run began reading is seen by the next one at the latest.
    server.admin.start_sync().await.ok();
    until(&server.admin, "SUCCEEDED").await;
    assert_sound(&installation, seed).await;
    let active = "SELECT remote_id FROM placements WHERE status = 'active'";
    let there: HashSet<String> = control.agent_ids(KEY).unwrap().into_iter().collect();
    assert!(
        remote_ids(&installation, active).await == there,
        "seed {seed}"
    );
    let numbers = "SELECT count(DISTINCT remote_id) FROM phone_numbers WHERE status = 'active'";
    assert_eq!(
        installation.number(numbers).await,
        i64::try_from(NUMBERS).unwrap(),
        "seed {seed}"
    );
    let live = "SELECT count(*) FROM jobs WHERE state IN ('queued', 'running')";
    assert_eq!(installation.number(live).await, 0, "seed {seed}");
    assert!(newest(&server.admin).await["error"].is_null());
}
