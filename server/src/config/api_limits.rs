//! The limits of API keys and of calls by plan, as the operator sets them (A5). What is not set is as usual; how requests are
//! counted is the business of `crate::limits`, and calls are counted by their rows.

use std::collections::BTreeMap;

use super::{ConfigError, Options, wrong};
use crate::access::Plan;

/// What API keys may do, and how many calls there may be, by plan (A5).
#[derive(Clone, Debug)]
pub struct ApiLimits(BTreeMap<Plan, ApiLimit>);

/// The limits of one plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ApiLimit {
    /// Requests in any 60 seconds of one key, and of those that come in its place.
    pub per_key: usize,
    /// Requests in any 60 seconds of all keys of an agency together.
    pub per_agency: usize,
    /// Calls under way at once of one key, and of those that come in its place.
    pub calls_per_key: usize,
    /// Calls under way at once of an agency, whoever placed them.
    pub calls_per_agency: usize,
}

impl ApiLimits {
    const USUAL: ApiLimit = ApiLimit {
        per_key: 100,
        per_agency: 500,
        calls_per_key: 10,
        calls_per_agency: 100,
    };

    /// The limits of an agency with this plan.
    pub fn of(&self, plan: Plan) -> ApiLimit {
        self.0.get(&plan).copied().unwrap_or(Self::USUAL)
    }

    pub(super) fn parse(options: &Options) -> Result<Self, ConfigError> {
        let mut limits = Self(BTreeMap::new());
        let mut set = |setting, text: &Option<String>, plans, field: fn(&mut ApiLimit, usize)| {
            for (plan, count) in counts_by_plan(setting, text.as_deref(), plans)? {
                field(limits.0.entry(plan).or_insert(Self::USUAL), count);
            }
            Ok(())
        };
        set(
            "api_requests_per_key",
            &options.api_requests_per_key,
            WITH_API,
            |limit, count| limit.per_key = count,
        )?;
        set(
            "api_requests_per_agency",
            &options.api_requests_per_agency,
            WITH_API,
            |limit, count| limit.per_agency = count,
        )?;
        set(
            "api_calls_per_key",
            &options.api_calls_per_key,
            WITH_API,
            |limit, count| limit.calls_per_key = count,
        )?;
        set(
            "calls_per_agency",
            &options.calls_per_agency,
            |_| true,
            |limit, count| limit.calls_per_agency = count,
        )?;
        Ok(limits)
    }
}

/// Plans that have keys to limit.
const WITH_API: fn(Plan) -> bool = Plan::has_api;

/// Counts such as `agency=100,enterprise=300`.
fn counts_by_plan(
    setting: &str,
    text: Option<&str>,
    plans: fn(Plan) -> bool,
) -> Result<Vec<(Plan, usize)>, ConfigError> {
    text.unwrap_or_default()
        .split(',')
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .map(|part| {
            part.split_once('=')
                .and_then(|(plan, count)| {
                    let plan = Plan::parse(plan.trim()).filter(|plan| plans(*plan))?;
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
        let limits = ApiLimits::parse(&Options {
            api_requests_per_key: Some("enterprise=300, agency=50".to_owned()),
            api_requests_per_agency: Some("enterprise=2000".to_owned()),
            api_calls_per_key: Some("agency=3".to_owned()),
            calls_per_agency: Some("starter=7".to_owned()),
            ..Options::default()
        })
        .expect("limits");
        let of = |plan| {
            let limit = limits.of(plan);
            (
                (limit.per_key, limit.per_agency),
                (limit.calls_per_key, limit.calls_per_agency),
            )
        };
        assert_eq!(of(Plan::Agency), ((50, 500), (3, 100)));
        assert_eq!(of(Plan::Enterprise), ((300, 2000), (10, 100)));
        assert_eq!(of(Plan::Starter), ((100, 500), (10, 7)));
        let usual = ApiLimits::parse(&Options::default()).expect("limits");
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
            let options = Options {
                api_requests_per_key: Some(wrong.to_owned()),
                ..Options::default()
            };
            assert!(ApiLimits::parse(&options).is_err(), "{wrong}");
        }
    }
}
