//! Phone numbers: the list, a page at a time, and one number with everything that its panel shows.

use crate::api::enums::{
    AgentStatus, PhoneNumberSortField, PhoneNumberStatus, Provider, SortDirection,
};
use crate::api::{ApiError, DateTime, Window, operation, send};
use crate::logic::list_state::ListState;
use crate::logic::provider_name;

operation!(
    ListPhoneNumbers,
    "src/api/phone_numbers/list_phone_numbers.graphql"
);

operation!(
    GetPhoneNumber,
    "src/api/phone_numbers/get_phone_number.graphql"
);

pub(crate) use get_phone_number::GetPhoneNumberPhoneNumber as PhoneNumber;
pub(crate) use list_phone_numbers::{
    ListPhoneNumbersPhoneNumbers as PhoneNumberPage,
    ListPhoneNumbersPhoneNumbersNodes as PhoneNumberRow,
};

/// One page of the list as its state in the URL describes it.
pub(crate) async fn list(agency: &str, state: ListState) -> Result<PhoneNumberPage, ApiError> {
    let window = Window::of_page(&state.position);
    let filter = list_phone_numbers::PhoneNumberFilter {
        provider: provider_name::filtered(&state),
        status: state.value("status").map(|status| {
            vec![match status {
                "active" => PhoneNumberStatus::Active,
                "activating" => PhoneNumberStatus::Activating,
                "blocked" => PhoneNumberStatus::Blocked,
                _ => PhoneNumberStatus::Inactive,
            }]
        }),
        agent_id: state.value("agent").map(str::to_owned),
        has_agent: state.value("answered").map(|answered| answered == "yes"),
    };
    let variables = list_phone_numbers::Variables {
        filter: Some(filter),
        search: Some(state.search.trim().to_owned()).filter(|text| !text.is_empty()),
        sort: Some(list_phone_numbers::PhoneNumberSort {
            field: if state.sort.field == "created" {
                PhoneNumberSortField::CreatedAt
            } else {
                PhoneNumberSortField::Number
            },
            direction: SortDirection::of(state.sort.is_descending),
        }),
        first: window.first,
        after: window.after,
        last: window.last,
        before: window.before,
    };
    Ok(send::<ListPhoneNumbers>(agency, variables)
        .await?
        .phone_numbers)
}

/// One number.
pub(crate) async fn get(agency: &str, id: String) -> Result<PhoneNumber, ApiError> {
    Ok(
        send::<GetPhoneNumber>(agency, get_phone_number::Variables { id })
            .await?
            .phone_number,
    )
}
