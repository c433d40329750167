//! The limits of API keys by plan, as the operator sets them (A5). What is not set is as usual; how requests are counted is
//! the business of `crate::limits`.

use std::collections::BTreeMap;

use super::{ConfigError, wrong};
use crate::access::Plan;

/// How many requests API keys may make in any 60 seconds, by plan (A5).
#[derive(Clone, Debug)]
pub struct ApiLimits(BTreeMap<Plan, ApiLimit>);

/// The limits of one plan, in requests in any 60 seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ApiLimit {
    /// Of one key, and of those that come in its place.
    pub per_key: usize,
    /// Of all keys of an agency together.
    pub per_agency: usize,
}

impl ApiLimits {
    const USUAL: ApiLimit = ApiLimit {
        per_key: 100,
        per_agency: 500,
    };

    /// The limits of an agency with this plan.
    pub fn of(&self, plan: Plan) -> ApiLimit {
        self.0.get(&plan).copied().unwrap_or(Self::USUAL)
    }

    pub(super) fn parse(
        per_key: Option<&str>,
        per_agency: Option<&str>,
    ) -> Result<Self, ConfigError> {
        let mut limits = Self(BTreeMap::new());
        for (plan, count) in counts_by_plan("api_requests_per_key", per_key)? {
            limits.0.entry(plan).or_insert(Self::USUAL).per_key = count;
        }
        for (plan, count) in counts_by_plan("api_requests_per_agency", per_agency)? {
            limits.0.entry(plan).or_insert(Self::USUAL).per_agency = count;
        }
        Ok(limits)
    }
}

/// Counts such as `agency=100,enterprise=300`.
fn counts_by_plan(setting: &str, text: Option<&str>) -> Result<Vec<(Plan, usize)>, ConfigError> {
    text.unwrap_or_default()
        .split(',')
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .map(|part| {
            part.split_once('=')
                .and_then(|(plan, count)| {
                    let plan = Plan::parse(plan.trim()).filter(|plan| plan.has_api())?;
                    let count = count.trim().parse().ok().filter(|count| *count > 0)?;
                    Some((plan, count))
                })
                .ok_or_else(|| {
                    wrong(
                        setting,
                        format!(
                            "{part} is no plan with its count, such as agency=100 or enterprise=300."
                        ),
                    )
                })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A5: limits are set by plan; a plan that is not named has the usual ones, and what is no limit is refused at start.
    #[test]
    fn api_limits_are_set_by_plan() {
        let limits = ApiLimits::parse(Some("enterprise=300, agency=50"), Some("enterprise=2000"))
            .expect("limits");
        let of = |plan| (limits.of(plan).per_key, limits.of(plan).per_agency);
        assert_eq!(of(Plan::Agency), (50, 500));
        assert_eq!(of(Plan::Enterprise), (300, 2000));
        let usual = ApiLimits::parse(None, None).expect("limits");
        assert_eq!(usual.of(Plan::Agency), ApiLimits::USUAL);
        for wrong in [
            "100",
            "agency",
            "agency=",
            "agency=0",
            "agency=-1",
            "starter=5",
            "gold=5",
        ] {
            assert!(ApiLimits::parse(Some(wrong), None).is_err(), "{wrong}");
        }
    }
}
