//! The panel of a list's open row, beside the list: it loads what the row stands for, and says where there is no such thing
//! any more. Closing it puts the focus back on the row.

use crate::api::ApiError;
use crate::api::enums::ErrorCode;
use crate::components::error_notice::ErrorNotice;
use crate::components::side_panel::SidePanel;
use crate::components::skeleton::skeleton_lines;
use crate::erased::dynamic;
use crate::loader::Loader;
use crate::logic::outcome::{self, Words};
use crate::pages::listing::Listing;
use leptos::prelude::*;

/// The panel of a kind of row as far as it does not change.
#[derive(Debug)]
pub(crate) struct PanelSpec {
    /// Its title until the thing has a name.
    pub(crate) unnamed: &'static str,
    /// Title and text where there is no such thing.
    pub(crate) absent: (&'static str, &'static str),
    /// How many lines stand in for what comes.
    pub(crate) skeleton_lines: usize,
}

/// The page of a list: its head and rows in a column, and the panel of the open row beside them.
pub(crate) fn with_panel(
    listing: Listing,
    column: AnyView,
    panel: impl Fn(String) -> AnyView + Send + 'static,
) -> AnyView {
    view! {
        <div class="page wide" class:with-panel=move || listing.open.with(Option::is_some)>
            <div class="list-column">{column}</div>
            {dynamic(move || match listing.open.get() {
                Some(id) => panel(id),
                None => ().into_any(),
            })}
        </div>
    }
    .into_any()
}

/// The panel of the thing that `thing` loads; `name` is what it is called, and `listed_name` what its row is called, for which
/// the panel need not wait.
pub(crate) fn row_panel<T: Clone + Send + Sync>(
    listing: Listing,
    spec: &'static PanelSpec,
    listed_name: Option<String>,
    thing: Loader<T>,
    name: fn(&T) -> String,
    details: impl Fn(T) -> AnyView + Send + 'static,
) -> AnyView {
    let title = Signal::derive(move || {
        thing
            .data
            .with(|thing| thing.as_ref().map(name))
            .or_else(|| listed_name.clone())
            .unwrap_or_else(|| spec.unnamed.to_owned())
    });
    let body = Box::new(move || thing.data.get().map(&details));
    let reload = Callback::new(move |()| thing.reload());
    shared_panel(listing, spec, title, (thing.error, reload), body)
}

/// What of the panel knows no type of the thing, so that it is compiled once.
fn shared_panel(
    listing: Listing,
    spec: &'static PanelSpec,
    title: Signal<String>,
    (error, reload): (RwSignal<Option<ApiError>>, Callback<()>),
    body: Box<dyn Fn() -> Option<AnyView> + Send>,
) -> AnyView {
    view! {
        <SidePanel title=title on_close=move |()| listing.open(None)>
            {dynamic(move || match error.get() {
                Some(error) => {
                    let words = if error.is(ErrorCode::NotFound) {
                        Words::new(spec.absent.0, spec.absent.1)
                    } else {
                        outcome::other(&error)
                    };
                    view! { <ErrorNotice error=error words=words on_retry=reload /> }.into_any()
                }
                None => ().into_any(),
            })}
            {dynamic(move || match body() {
                Some(details) => details,
                None if error.with(Option::is_some) => ().into_any(),
                None => skeleton_lines(spec.skeleton_lines),
            })}
        </SidePanel>
    }
    .into_any()
}
