//! The walk itself: each field's sample is sent as somebody, and what comes back is held against what is expected. It
//! returns violations, so that one test can insist that there are none, and another that there are some.

use std::collections::{BTreeMap, HashMap};

use axum::Router;

use super::{
    contract::{Contract, Coordinate},
    expected::{Expected, Who, expected},
    world::{Reply, Sample, World},
};

/// What was seen: for each field what each person got, and where that is not what was expected.
#[derive(Default)]
pub(crate) struct Report {
    pub(crate) seen: BTreeMap<Coordinate, Vec<(Who, String)>>,
    pub(crate) violations: Vec<String>,
}

/// Walks over a world.
pub(crate) struct Walk<'a> {
    pub(crate) world: &'a World,
    pub(crate) contract: &'a Contract,
    ways: HashMap<String, Vec<Coordinate>>,
}

impl<'a> Walk<'a> {
    pub(crate) fn new(world: &'a World, contract: &'a Contract) -> Self {
        let ways = contract.ways();
        Self {
            world,
            contract,
            ways,
        }
    }

    /// The fields from the root to this one. Panics when there is no way: such a field would have no sample.
    pub(crate) fn way(&self, coordinate: &Coordinate) -> Vec<Coordinate> {
        let above = self.ways.get(&coordinate.0);
        let mut way = above
            .unwrap_or_else(|| panic!("no document reaches {}: write a sample", coordinate.0))
            .clone();
        way.push(coordinate.clone());
        way
    }

    /// A document that asks for the field and nothing beside it.
    pub(crate) async fn sample(&self, who: Who, coordinate: &Coordinate) -> Sample {
        let way = self.way(coordinate);
        let (declared, used, variables) = self.world.arguments(who, &way[0].1).await;
        let root = way[0].0.to_lowercase();
        let mut query = if self
            .contract
            .is_object(&self.contract.field(coordinate).kind)
        {
            "{ __typename }".to_owned()
        } else {
            String::new()
        };
        for (depth, (_, name)) in way.iter().enumerate().rev() {
            let arguments = if depth == 0 { used.as_str() } else { "" };
            query = format!("{{ {name}{arguments} {query} }}");
        }
        Sample {
            query: format!("{root}{declared} {query}"),
            variables,
            path: way.into_iter().map(|(_, name)| name).collect(),
        }
    }

    /// Asks for each field as each of these people, and expects what the table of P1 says.
    pub(crate) async fn go(
        &self,
        router: &Router,
        coordinates: &[Coordinate],
        people: &[Who],
    ) -> Report {
        let mut report = Report::default();
        for coordinate in coordinates {
            for who in people {
                let wanted = expected(*who, &self.way(coordinate));
                self.step(router, coordinate, *who, &wanted, &mut report)
                    .await;
            }
        }
        report
    }

    /// Asks for one field as one person. A use case that was reached without its guard is a violation too.
    pub(crate) async fn step(
        &self,
        router: &Router,
        coordinate: &Coordinate,
        who: Who,
        wanted: &Expected,
        report: &mut Report,
    ) {
        let sample = self.sample(who, coordinate).await;
        let alarms = self.world.app.app.guard_alarm.count();
        let reply = self.world.ask(router, who, &sample).await;
        let name = format!("{}.{}", coordinate.0, coordinate.1);
        if self.world.app.app.guard_alarm.count() != alarms {
            let message = format!("{name} as {who:?}: a use case was reached without its guard");
            report.violations.push(message);
        }
        let (seen, complaint) = judge(self.world, &sample, &reply, wanted);
        if let Some(complaint) = complaint {
            let message = format!("{name} as {who:?}: {complaint}; {}", reply.text);
            report.violations.push(message);
        }
        let row = report.seen.entry(coordinate.clone()).or_default();
        row.push((who, seen));
        let is_insider = matches!(who, Who::Owner | Who::Admin | Who::Staff | Who::Portal);
        if is_insider && USING_UP.contains(&sample.path[0].as_str()) {
            self.world.mend().await;
        }
    }
}

/// Root fields whose samples change rows that other samples need.
const USING_UP: &[&str] = &[
    "saveProviderKey",
    "clearProviderKey",
    "testProviderKey",
    "startSync",
    "confirmSync",
    "startPlacementRun",
    "createAgent",
    "createWebhookEndpoint",
    "rotateWebhookSecret",
    "deleteWebhookEndpoint",
    "testWebhookEndpoint",
    "redeliverWebhook",
    "previewProviderKey",
    "rollBackProviderKey",
    "assignAgents",
    "handInProviderKey",
    "acceptKeyHandIn",
    "declineKeyHandIn",
    "triggerCall",
];

/// What was seen in a word, and what is wrong with it.
fn judge(
    world: &World,
    sample: &Sample,
    reply: &Reply,
    wanted: &Expected,
) -> (String, Option<String>) {
    let codes = reply.codes();
    let values = reply.values(&sample.path);
    let seen = match (values.is_empty(), codes.first()) {
        (false, _) => "data".to_owned(),
        (true, Some(code)) => code.clone(),
        (true, None) => "nothing".to_owned(),
    };
    let complaint = match wanted {
        Expected::Data if values.is_empty() => Some("no data"),
        Expected::Data | Expected::Null if !codes.is_empty() => Some("an error"),
        Expected::Null | Expected::Code(_) if !values.is_empty() => Some("data"),
        Expected::Code(_) if codes.is_empty() => Some("no error"),
        Expected::Code(code) if codes.iter().any(|seen| seen != code) => Some("another code"),
        Expected::NothingOfOurs if world.ours.iter().any(|text| reply.text.contains(text)) => {
            Some("the first agency's data")
        }
        _ => None,
    };
    (
        seen,
        complaint.map(|what| format!("{what} where {wanted:?} is due")),
    )
}
