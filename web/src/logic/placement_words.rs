//! The words of making agents in another account (R5): what does not work yet, what is offered, what the provider cannot take
//! over, and how a run goes and has ended.

use crate::api::enums::PlacementRunState;
use crate::api::placements::{PlacementPlan, PlacementRun, PlannedPlacement};
use crate::logic::number::{counted, grouped};

/// What does not work yet.
pub(crate) fn missing(plan: &PlacementPlan) -> String {
    format!(
        "{} call with this key yet",
        counted(plan.total, "agent cannot", "agents cannot")
    )
}

/// Why, and what is offered.
pub(crate) fn offer(plan: &PlacementPlan, provider: &str) -> String {
    let some = match plan.placeable_count {
        0 => " None of them can be made there as it is.".to_owned(),
        count if count == plan.total => String::new(),
        count => format!(" {} can be made there.", counted(count, "agent", "agents")),
    };
    format!(
        "The {provider} account that it opens does not hold them. Ringfence can make them there from their definitions.{some} {}",
        plan.never_placed
    )
}

/// What the provider cannot take over of an agent; `None` where it takes all of it.
pub(crate) fn limits(agent: &PlannedPlacement) -> Option<String> {
    if agent.is_half_read {
        return Some(
            "Only a part of it has been read so far; the next sync reads the rest.".to_owned(),
        );
    }
    let reasons: Vec<&str> = agent
        .unsupported
        .iter()
        .map(|part| part.reason.as_str())
        .collect();
    match (agent.is_placeable, reasons.is_empty()) {
        (_, false) => Some(reasons.join(" ")),
        (false, true) => Some("It cannot be made there.".to_owned()),
        (true, true) => None,
    }
}

/// How far a run is, from 0 to 1.
#[expect(
    clippy::cast_precision_loss,
    reason = "counts of agents are far below the limit"
)]
pub(crate) fn fraction(run: &PlacementRun) -> Option<f64> {
    (run.total > 0).then(|| done(run) as f64 / run.total as f64)
}

/// How far a run is, in figures.
pub(crate) fn progress(run: &PlacementRun) -> String {
    if run.state == PlacementRunState::Waiting
        && let Some(reason) = &run.waiting_reason
    {
        return format!("{reason} {} of {}", grouped(done(run)), grouped(run.total));
    }
    format!(
        "Agents made {} of {}",
        grouped(done(run)),
        grouped(run.total)
    )
}

fn done(run: &PlacementRun) -> i64 {
    run.created_count + run.failed_count + run.skipped_count + run.unconfirmed_count
}

/// How a run has ended.
pub(crate) fn ended(run: &PlacementRun, provider: &str) -> String {
    let mut sentences = vec![format!(
        "{} made at {provider}.",
        counted(run.created_count, "agent", "agents")
    )];
    if run.failed_count + run.skipped_count > 0 {
        sentences.push(format!(
            "{} not made.",
            counted(run.failed_count + run.skipped_count, "agent", "agents")
        ));
    }
    if run.unconfirmed_count > 0 {
        sentences.push(format!(
            "Of {} {provider} did not say whether it is there; the next sync tells.",
            counted(run.unconfirmed_count, "agent", "agents")
        ));
    }
    if let Some(error) = &run.error {
        sentences.push(error.message.clone());
    }
    sentences.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// R5: what the provider cannot take over is told of each agent, before anything is made.
    #[test]
    fn what_cannot_be_taken_over_is_told() {
        let plan = json!({
            "total": 3, "placeableCount": 2, "reducedCount": 1, "neverPlaced": "Tools are not copied.", "agents": [
                { "name": "Ada", "isPlaceable": true, "isHalfRead": false, "unsupported": [] },
                { "name": "Ben", "isPlaceable": true, "isHalfRead": false, "unsupported": [{ "reason": "Its voice is not there." }] },
                { "name": "Cy", "isPlaceable": false, "isHalfRead": true, "unsupported": [] },
            ],
        });
        let plan: PlacementPlan = serde_json::from_value(plan).expect("the fields of the document");
        assert_eq!(missing(&plan), "3 agents cannot call with this key yet");
        assert!(
            offer(&plan, "Vapi").contains(" 2 agents can be made there. Tools are not copied.")
        );
        let limits: Vec<_> = plan.agents.iter().map(limits).collect();
        assert_eq!(limits[0], None);
        assert_eq!(limits[1].as_deref(), Some("Its voice is not there."));
        assert!(
            limits[2]
                .as_deref()
                .is_some_and(|text| text.starts_with("Only a part"))
        );
    }

    /// R5: a run counts what was made, and says what was not.
    #[test]
    fn a_run_says_what_was_made_and_what_was_not() {
        let run = json!({
            "id": "r", "state": "INCOMPLETE", "total": 4, "createdCount": 2, "failedCount": 1, "skippedCount": 0,
            "unconfirmedCount": 1, "waitingReason": null, "error": null,
        });
        let run: PlacementRun = serde_json::from_value(run).expect("the fields of the document");
        assert_eq!(progress(&run), "Agents made 4 of 4");
        assert_eq!(
            ended(&run, "Vapi"),
            "2 agents made at Vapi. 1 agent not made. Of 1 agent Vapi did not say whether it is there; the next sync tells."
        );
    }
}
