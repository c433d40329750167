//! What would change if a key were put in use (K9): which account it opens, and which agents would go inactive, become
//! unreachable or return. The account is listed in memory, within a deadline; nothing is written but that the key was
//! tried, and the key itself is dropped with the answer.

use std::collections::{HashMap, HashSet};

use secrecy::SecretString;
use tokio::time::{Duration, Instant, timeout_at};

use crate::{
    access::{Permission, Viewer},
    app::App,
    audit::{Action, Actor, Entry},
    config::Region,
    error::{Error, Result},
    id::{AccountId, AgencyId, ClientId, HandInId},
    keys::{
        self,
        account::{self, Account},
        candidate::{self, Candidate, Place},
        secret, versions,
    },
    portal::hand_in,
    providers::{Capability, CapabilityState, ProviderKind, RemoteAccount, VoiceProvider},
    store::{self, agents::AgentRow, placements::LivingRow, provider_keys::KeyRow},
};

/// Listing the candidate's account ends within this time; what was read by then counts, and the preview says so.
const LISTING_TIME: Duration = Duration::from_secs(20);
/// How many agents of each kind a preview names.
const SHOWN_AGENTS: usize = 20;

/// What might be put in use.
pub(crate) struct PreviewKey {
    pub(crate) provider: ProviderKind,
    pub(crate) client: Option<ClientId>,
    pub(crate) offer: Offer,
    pub(crate) region: Option<Region>,
}

/// The key of a preview.
pub(crate) enum Offer {
    /// As it was typed.
    Typed(SecretString),
    /// A stored version.
    Version(i64),
    /// One that was handed in and waits.
    HandIn(HandInId),
}

/// How the candidate's account relates to the one in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, async_graphql::Enum)]
#[graphql(name = "AccountRelation")]
pub(crate) enum Relation {
    /// No key is in use: there is nothing to compare with.
    First,
    /// It is the same account.
    Same,
    /// It is another account.
    Other,
    /// Nothing proves that it is the same, so it counts as another.
    Unknown,
}

/// What would change.
pub(crate) struct Preview {
    pub(crate) candidate: Candidate,
    pub(crate) last_four: String,
    pub(crate) relation: Relation,
    /// The account that the candidate opens, as far as anything names it.
    pub(crate) account: Option<RemoteAccount>,
    /// False when listing was cut, capped or too slow: then agents that were not listed count as being there.
    pub(crate) is_complete: bool,
    pub(crate) listed_count: usize,
    pub(crate) new_count: usize,
    pub(crate) going_inactive: Agents,
    pub(crate) becoming_unreachable: Agents,
    pub(crate) returning: Agents,
    /// Stored keys, in any scope, that are this very key (K11).
    pub(crate) same_keys: Vec<KeyRow>,
}

/// Agents that share a fate.
#[derive(Default)]
pub(crate) struct Agents {
    pub(crate) count: usize,
    /// The first of them by name.
    pub(crate) first: Vec<AgentRow>,
}

/// Tries a key and compares what it opens with what is there.
pub(crate) async fn preview(app: &App, viewer: &Viewer, input: PreviewKey) -> Result<Preview> {
    let agency = viewer.require(Permission::ManageKeys)?;
    let client = keys::client(input.provider)?;
    let place = Place::load(app, agency, input.provider, input.client.as_ref()).await?;
    let (key, region) = match input.offer {
        Offer::Typed(typed) => {
            let region = input.region.or(place.stored_region()?);
            (
                secret::parse("apiKey", &typed)?,
                region.unwrap_or(Region::Default),
            )
        }
        Offer::Version(version) => {
            let all = versions::list(app, agency, input.provider, input.client.as_ref()).await?;
            let row = versions::pick(all, version)?;
            let region = keys::region_of(&row.key.version.region)?;
            (keys::open(app, &row.key)?, region)
        }
        Offer::HandIn(id) => {
            // What a client's people hand in is decided by people.
            if viewer.session().is_none() {
                return Err(Error::NotForApiKeys);
            }
            let (row, key) = hand_in::open(app, agency, &id).await?;
            let is_of_place = row.provider == input.provider.as_str()
                && input.client.as_ref() == Some(&row.client_id);
            if !is_of_place {
                return Err(Error::NotFound);
            }
            (key, keys::region_of(&row.region)?)
        }
    };
    let candidate = candidate::try_key(app, viewer, agency, &place, key, region).await?;
    record(app, viewer, agency, &place, &candidate).await?;
    let listing = list_account(app, client, &candidate).await?;
    compare(app, agency, place, candidate, listing).await
}

/// That a key was tried and accepted is written down like any other try (K16).
async fn record(
    app: &App,
    viewer: &Viewer,
    agency: &AgencyId,
    place: &Place,
    candidate: &Candidate,
) -> Result<()> {
    let mut tx = app.db.begin().await?;
    let entry = Entry {
        agency: Some(agency),
        actor: Actor::Person(viewer),
        action: Action::KeyPreviewed,
        subject: agency.as_str(),
        provider: Some(place.provider),
        summary: format!(
            "A {} was previewed and not stored; check: {}.",
            place.label(),
            candidate.health().as_str()
        ),
    };
    app.audit.append(&mut tx, entry, app.clock.now()).await?;
    tx.commit().await
}

/// The agents that the candidate lists.
#[derive(Default)]
struct Listing {
    remote_ids: HashSet<String>,
    is_complete: bool,
}

async fn list_account(
    app: &App,
    client: &dyn VoiceProvider,
    candidate: &Candidate,
) -> Result<Listing> {
    let mut listing = Listing::default();
    let states = &candidate.validation.capabilities;
    if states.contains(&(Capability::ListAgents, CapabilityState::No)) {
        return Ok(listing);
    }
    let base_url = keys::host(app, client.info().kind, candidate.region)?;
    let deadline = Instant::now() + LISTING_TIME;
    let mut cursor: Option<String> = None;
    loop {
        let target = keys::target(app, base_url, &candidate.key, LISTING_TIME);
        let page = timeout_at(deadline, client.list_agents(&target, cursor.as_deref())).await;
        let Ok(Ok(page)) = page else {
            // Too slow, or cut short by the provider: what was read so far is what there is to say.
            return Ok(listing);
        };
        listing
            .remote_ids
            .extend(page.items.into_iter().map(|agent| agent.remote_id));
        cursor = page.next;
        if cursor.is_none() {
            listing.is_complete = page.is_complete;
            return Ok(listing);
        }
    }
}

async fn compare(
    app: &App,
    agency: &AgencyId,
    place: Place,
    candidate: Candidate,
    listing: Listing,
) -> Result<Preview> {
    let mut conn = app.db.read().await?;
    let new_account = match &candidate.account {
        Account::Named(id) | Account::Stored { id, .. } => Some(id.clone()),
        Account::New(_) | Account::Unknown => None,
    };
    let account = match &candidate.account {
        Account::New(remote) => Some(remote.clone()),
        Account::Named(id) | Account::Stored { id, .. } => {
            let row = store::accounts::find(&mut conn, agency, id).await?;
            let named = row.and_then(|row| {
                let name = row.name;
                row.remote_id
                    .map(|remote_id| RemoteAccount { remote_id, name })
            });
            named.or_else(|| candidate.validation.account.clone())
        }
        Account::Unknown => None,
    };
    let in_use = place.effective().map(|row| row.version.account_id.clone());
    let relation = match (&in_use, &candidate.account) {
        (None, _) => Relation::First,
        (Some(_), Account::New(_)) => Relation::Other,
        (Some(before), account) => match account.proven_id() {
            Some(after) if after == before => Relation::Same,
            Some(_) => Relation::Other,
            None => Relation::Unknown,
        },
    };
    let client = place.client.as_ref().map(|row| &row.id);
    let provider = place.provider.as_str();
    let living = store::placements::list_living(&mut conn, agency, provider, client).await?;
    let fates = fates(&living, in_use.as_ref(), new_account.as_ref(), &listing);
    let known = match &new_account {
        Some(account) => store::placements::list_remote_ids(&mut conn, agency, account).await?,
        None => HashSet::new(),
    };
    let new_count = listing.remote_ids.difference(&known).count();
    let fingerprint = account::fingerprint(app, place.provider, &candidate.key);
    let mut same_keys =
        store::provider_keys::list_by_fingerprint(&mut conn, agency, &fingerprint).await?;
    same_keys.retain(|row| {
        place
            .current
            .as_ref()
            .is_none_or(|current| current.id != row.id)
    });
    let mut groups: HashMap<Fate, Agents> = HashMap::new();
    for fate in [Fate::GoesInactive, Fate::BecomesUnreachable, Fate::Returns] {
        let ids: Vec<String> = fates
            .iter()
            .filter(|(_, it)| *it == fate)
            .map(|(id, _)| (*id).to_owned())
            .collect();
        let shown = &ids[..ids.len().min(SHOWN_AGENTS)];
        let mut first = store::agents::list_by_ids(&mut conn, agency, shown).await?;
        first.sort_by(|a, b| a.name_key.cmp(&b.name_key));
        groups.insert(
            fate,
            Agents {
                count: ids.len(),
                first,
            },
        );
    }
    let mut take = |fate| groups.remove(&fate).unwrap_or_default();
    Ok(Preview {
        last_four: secret::last_four(&candidate.key),
        relation,
        account,
        is_complete: listing.is_complete,
        listed_count: listing.remote_ids.len(),
        new_count,
        going_inactive: take(Fate::GoesInactive),
        becoming_unreachable: take(Fate::BecomesUnreachable),
        returning: take(Fate::Returns),
        same_keys,
        candidate,
    })
}

/// What the candidate would do to an agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Fate {
    /// It is in the account and the candidate does not list it.
    GoesInactive,
    /// It is not in the candidate's account.
    BecomesUnreachable,
    /// It has no route now, or its placement is inactive, and the candidate lists it.
    Returns,
}

/// The agents whose fate changes, in the order of their names.
fn fates<'a>(
    living: &'a [LivingRow],
    before: Option<&AccountId>,
    after: Option<&AccountId>,
    listing: &Listing,
) -> Vec<(&'a str, Fate)> {
    let mut agents: Vec<(&str, Vec<&LivingRow>)> = Vec::new();
    for row in living {
        match agents.last_mut() {
            Some((id, rows)) if *id == row.agent_id.as_str() => rows.push(row),
            _ => agents.push((row.agent_id.as_str(), vec![row])),
        }
    }
    let fate = |rows: &[&LivingRow]| {
        let in_account = |account: Option<&AccountId>| {
            let mut rows = rows.iter();
            rows.find(|row| Some(&row.account_id) == account).copied()
        };
        let is_reachable = in_account(before).is_some_and(|row| row.is_active);
        match in_account(after) {
            Some(row) if listing.remote_ids.contains(&row.remote_id) => {
                (!is_reachable).then_some(Fate::Returns)
            }
            // A list that is not whole proves nothing about what it does not hold.
            Some(row) if !listing.is_complete && row.is_active => None,
            Some(_) => is_reachable.then_some(Fate::GoesInactive),
            None => is_reachable.then_some(Fate::BecomesUnreachable),
        }
    };
    agents
        .into_iter()
        .filter_map(|(id, rows)| fate(&rows).map(|fate| (id, fate)))
        .collect()
}

impl Preview {
    /// Whether anything that works now would stop.
    pub(crate) fn stops_anything(&self) -> bool {
        self.going_inactive.count + self.becoming_unreachable.count > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::AgentId;

    fn row(agent: &str, account: &str, is_active: bool) -> LivingRow {
        LivingRow {
            agent_id: AgentId::from(agent),
            account_id: AccountId::from(account),
            remote_id: format!("{agent}@{account}"),
            is_active,
        }
    }

    fn listing(ids: &[&str], is_complete: bool) -> Listing {
        Listing {
            remote_ids: ids.iter().map(|id| (*id).to_owned()).collect(),
            is_complete,
        }
    }

    fn fates_of(
        living: &[LivingRow],
        after: Option<&str>,
        listing: &Listing,
    ) -> Vec<(String, Fate)> {
        let after = after.map(AccountId::from);
        super::fates(
            living,
            Some(&AccountId::from("old")),
            after.as_ref(),
            listing,
        )
        .into_iter()
        .map(|(id, fate)| (id.to_owned(), fate))
        .collect()
    }

    /// K9: in the same account, what the candidate does not list goes inactive and what it lists again returns.
    #[test]
    fn in_the_same_account_the_list_decides() {
        let living = [
            row("a", "old", true),
            row("b", "old", true),
            row("c", "old", false),
            row("d", "old", false),
        ];
        let listed = listing(&["a@old", "c@old"], true);
        assert_eq!(
            fates_of(&living, Some("old"), &listed),
            [
                ("b".to_owned(), Fate::GoesInactive),
                ("c".to_owned(), Fate::Returns)
            ]
        );
    }

    /// K9: a list that is not whole says of nothing that it would go.
    #[test]
    fn a_partial_list_lets_nothing_go() {
        let living = [row("a", "old", true), row("b", "old", false)];
        assert_eq!(fates_of(&living, Some("old"), &listing(&[], false)), []);
    }

    /// K9: in another account, agents without a placement there become unreachable, whatever the list.
    #[test]
    fn in_another_account_only_placed_agents_stay() {
        let living = [
            row("a", "old", true),
            row("b", "old", true),
            row("b", "new", true),
            row("c", "new", true),
        ];
        let listed = listing(&["b@new", "c@new"], true);
        assert_eq!(
            fates_of(&living, Some("new"), &listed),
            [
                ("a".to_owned(), Fate::BecomesUnreachable),
                ("c".to_owned(), Fate::Returns)
            ]
        );
        assert_eq!(
            fates_of(&living, None, &listed),
            [
                ("a".to_owned(), Fate::BecomesUnreachable),
                ("b".to_owned(), Fate::BecomesUnreachable)
            ]
        );
    }
}
