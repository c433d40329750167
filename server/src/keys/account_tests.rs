//! What an import of the stored key writes between the comparison and the save counts for which account it is.

use super::{Account, Proof, settle};
use crate::{
    clock::Timestamp,
    id::{AccountId, AgencyId, PhoneNumberId, SyncRunId},
    providers::{ProviderKind, RemoteAccount},
    store::{
        DatabaseLocation, Db, Tx,
        accounts::{self, AccountRow},
        agencies::{self, AgencyRow},
        phone_numbers::{self, PhoneNumberWrite},
        placements::Seen,
    },
};

const PROVIDER: ProviderKind = ProviderKind::Bland;

fn now() -> Timestamp {
    Timestamp::from_millis(1_768_478_400_000)
}

/// A transaction in which an agency has a stored key's account, empty and without an id.
async fn bench(db: &Db) -> (Tx, AgencyId, AccountId) {
    let agency = AgencyId::new();
    let mut tx = db.begin().await.unwrap();
    let row = AgencyRow {
        id: agency.clone(),
        slug: "northside".to_owned(),
        name: "Northside".to_owned(),
        plan: "agency".to_owned(),
        voice_provider: None,
        created_at: now(),
    };
    assert!(agencies::insert(&mut tx, &row).await.unwrap());
    let stored = insert(&mut tx, &agency, None).await;
    (tx, agency, stored)
}

async fn insert(tx: &mut Tx, agency: &AgencyId, remote_id: Option<&str>) -> AccountId {
    let row = AccountRow {
        id: AccountId::new(),
        provider: PROVIDER.as_str().to_owned(),
        remote_id: remote_id.map(str::to_owned),
        name: None,
    };
    accounts::insert(tx, agency, &row, now()).await.unwrap();
    row.id
}

async fn add_number(tx: &mut Tx, agency: &AgencyId, account: &AccountId) {
    let seen = Seen {
        agency,
        account,
        provider: PROVIDER.as_str(),
        run: &SyncRunId::new(),
        at: now(),
    };
    let number = PhoneNumberWrite {
        id: PhoneNumberId::new(),
        remote_id: "+15035550142",
        number: Some("+15035550142"),
        sip_uri: None,
        name: None,
        carrier: "",
        status: "inactive",
        agent_remote_id: None,
        is_answering: false,
        created_at: now(),
    };
    phone_numbers::upsert_many(tx, seen, &[number])
        .await
        .unwrap();
}

fn stored(id: &AccountId, remote_id: Option<&str>, proof: Proof) -> Account {
    Account::Stored {
        id: id.clone(),
        learned: remote_id.map(|remote_id| RemoteAccount {
            remote_id: remote_id.to_owned(),
            name: None,
        }),
        proof,
    }
}

async fn remote_id(tx: &mut Tx, agency: &AgencyId, account: &AccountId) -> Option<String> {
    let row = accounts::find(tx, agency, account).await.unwrap();
    row.unwrap().remote_id
}

async fn database() -> (tempfile::TempDir, Db) {
    let folder = tempfile::TempDir::new().unwrap();
    let file = folder.path().join("ringfence.db");
    let db = Db::connect(&DatabaseLocation::Sqlite(file)).await.unwrap();
    (folder, db)
}

/// S3: an account that is still empty is the same one, and learns its id; one that an import has filled meanwhile is not.
#[tokio::test]
async fn an_account_that_was_filled_meanwhile_is_another_one() {
    for learned in [None, Some("org-b")] {
        let (_folder, db) = database().await;
        let (mut tx, agency, id) = bench(&db).await;
        let account = stored(&id, learned, Proof::Emptiness);
        add_number(&mut tx, &agency, &id).await;
        let settled = settle(&mut tx, &agency, PROVIDER, &account, now())
            .await
            .unwrap();
        assert_ne!(settled, id);
        assert_eq!(remote_id(&mut tx, &agency, &id).await, None);
        assert_eq!(
            remote_id(&mut tx, &agency, &settled).await.as_deref(),
            learned
        );
    }
    let (_folder, db) = database().await;
    let (mut tx, agency, id) = bench(&db).await;
    let account = stored(&id, Some("org-a"), Proof::Emptiness);
    let settled = settle(&mut tx, &agency, PROVIDER, &account, now())
        .await
        .unwrap();
    assert_eq!(settled, id);
    assert_eq!(
        remote_id(&mut tx, &agency, &id).await.as_deref(),
        Some("org-a")
    );
}

/// S3: an id that another row has got meanwhile leads to that row, and a row that has got another id is another account.
#[tokio::test]
async fn an_id_that_was_learned_meanwhile_decides() {
    for proof in [Proof::Agent, Proof::Emptiness] {
        let (_folder, db) = database().await;
        let (mut tx, agency, id) = bench(&db).await;
        let account = stored(&id, Some("org-b"), proof);
        let taken = insert(&mut tx, &agency, Some("org-b")).await;
        let settled = settle(&mut tx, &agency, PROVIDER, &account, now())
            .await
            .unwrap();
        assert_eq!(settled, taken);
        assert_eq!(remote_id(&mut tx, &agency, &id).await, None);

        assert!(
            accounts::set_remote_id(&mut tx, &agency, &id, "org-a")
                .await
                .unwrap()
        );
        let account = stored(&id, Some("org-c"), proof);
        let settled = settle(&mut tx, &agency, PROVIDER, &account, now())
            .await
            .unwrap();
        assert!(settled != id && settled != taken);
        let told = remote_id(&mut tx, &agency, &settled).await;
        assert_eq!(told.as_deref(), Some("org-c"));
    }
}
