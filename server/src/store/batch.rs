//! Reading up to a hundred rows by their ids in one statement, for the dataloaders. A list of values has no portable
//! spelling (`ANY($1)` is PostgreSQL's, `json_each` SQLite's), so the text names a hundred parameters and unused ones are
//! bound to the empty text, which is no id.
//!
//! Where rows are found by `id IN (…)`, the agency is compared as `agency_id || ''`: without statistics SQLite takes an index
//! that begins with the agency for better than a hundred ids, and walks through all of its rows.

/// How many ids one statement takes; the dataloaders' batch size.
pub(crate) const BATCH: usize = 100;

/// `$2` to `$101`.
macro_rules! hundred {
    () => {
        "$2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, \
         $22, $23, $24, $25, $26, $27, $28, $29, $30, $31, $32, $33, $34, $35, $36, $37, $38, $39, $40, \
         $41, $42, $43, $44, $45, $46, $47, $48, $49, $50, $51, $52, $53, $54, $55, $56, $57, $58, $59, \
         $60, $61, $62, $63, $64, $65, $66, $67, $68, $69, $70, $71, $72, $73, $74, $75, $76, $77, $78, \
         $79, $80, $81, $82, $83, $84, $85, $86, $87, $88, $89, $90, $91, $92, $93, $94, $95, $96, $97, \
         $98, $99, $100, $101"
    };
}
pub(crate) use hundred;

/// The ids, filled up to a hundred.
pub(crate) fn padded(ids: &[String]) -> impl Iterator<Item = &str> {
    debug_assert!(
        ids.len() <= BATCH,
        "a loader's batch is larger than a statement takes"
    );
    ids.iter()
        .map(String::as_str)
        .chain(std::iter::repeat(""))
        .take(BATCH)
}

/// Binds them all; a macro because the statement's type names the driver.
macro_rules! bind_hundred {
    ($statement:expr, $ids:expr) => {{
        let mut statement = $statement;
        for id in $crate::store::batch::padded($ids) {
            statement = statement.bind(id);
        }
        statement
    }};
}
pub(crate) use bind_hundred;
