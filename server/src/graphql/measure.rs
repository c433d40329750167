//! Measures a document before anything walks it: how deep its sets are nested, how many selections, arguments and variables
//! it has, and how many root fields and aliases, each with all that its fragments spread. Fragments that spread each other twice double with
//! each step, so each is measured once and the counts saturate: the measuring takes as long as the text, whatever it
//! would expand to. It knows nothing of the schema; depth and complexity of the answer are async-graphql's to limit.

use std::collections::HashMap;

use async_graphql::parser::types::{ExecutableDocument, Selection, SelectionSet};

use crate::error::{Error, Result};

/// Root fields and aliases of one document; async-graphql 7 has no limit of its own.
const MAX_ALIASES: usize = 30;
/// Variables of one operation; the largest of our own pages has eight.
const MAX_VARIABLES: usize = 100;
/// Selections of one document, with their arguments and directives. The largest of our own pages has about a hundred, and a client's introspection about two
/// hundred.
const MAX_SELECTIONS: usize = 2_000;
/// Sets within sets, of fields and of fragments; async-graphql's own limit, which it does not apply to fragments that
/// nothing spreads.
const MAX_NESTING: usize = 32;

/// Refuses a document that is more than it looks.
pub(super) fn check(document: &ExecutableDocument) -> Result<()> {
    let mut measure = Measure {
        document,
        fragments: HashMap::new(),
    };
    let mut total = Size::default();
    for (_, operation) in document.operations.iter() {
        if operation.node.variable_definitions.len() > MAX_VARIABLES {
            return Err(Error::QueryRefused(format!(
                "This document has an operation with more than {MAX_VARIABLES} variables. Send several requests."
            )));
        }
        total.add(measure.set(&operation.node.selection_set.node, 0)?);
    }
    for name in document.fragments.keys() {
        measure.fragment(name, 0)?;
    }
    let aliases = total.fields.saturating_add(total.nested_aliases);
    if aliases > MAX_ALIASES {
        return Err(Error::QueryRefused(format!(
            "This document has more than {MAX_ALIASES} root fields and aliases, those of its fragments counted at each spread. Send several requests."
        )));
    }
    if total.selections > MAX_SELECTIONS {
        return Err(Error::QueryRefused(format!(
            "This document has more than {MAX_SELECTIONS} selections, those of its fragments counted at each spread. Send several requests."
        )));
    }
    Ok(())
}

/// What a set comes to, its fragments included.
#[derive(Clone, Copy, Debug, Default)]
struct Size {
    selections: usize,
    /// Fields of the set itself, which are root fields if the set is an operation's.
    fields: usize,
    /// Those of them that have an alias.
    aliases: usize,
    /// Aliases in the sets of these fields.
    nested_aliases: usize,
    /// Levels of sets below this one.
    height: usize,
}

impl Size {
    fn leaf(is_aliased: bool) -> Size {
        Size {
            selections: 1,
            fields: 1,
            aliases: usize::from(is_aliased),
            ..Size::default()
        }
    }

    /// With so many arguments and directives, each of which is looked at like a selection.
    fn with(self, words: usize) -> Size {
        Size {
            selections: self.selections.saturating_add(words),
            ..self
        }
    }

    fn add(&mut self, other: Size) {
        self.selections = self.selections.saturating_add(other.selections);
        self.fields = self.fields.saturating_add(other.fields);
        self.aliases = self.aliases.saturating_add(other.aliases);
        self.nested_aliases = self.nested_aliases.saturating_add(other.nested_aliases);
        self.height = self.height.max(other.height);
    }

    /// The same as one selection of the set above.
    fn within_field(self, is_aliased: bool) -> Size {
        Size {
            fields: 1,
            aliases: usize::from(is_aliased),
            nested_aliases: self.aliases.saturating_add(self.nested_aliases),
            ..self.within_fragment()
        }
    }

    fn within_fragment(self) -> Size {
        Size {
            selections: self.selections.saturating_add(1),
            height: self.height + 1,
            ..self
        }
    }
}

struct Measure<'a> {
    document: &'a ExecutableDocument,
    fragments: HashMap<&'a str, Size>,
}

impl<'a> Measure<'a> {
    /// The size of a set that lies so many levels deep. The level also ends a circle of fragments.
    fn set(&mut self, set: &'a SelectionSet, level: usize) -> Result<Size> {
        check_nesting(level)?;
        let mut size = Size::default();
        for item in &set.items {
            size.add(match &item.node {
                Selection::Field(field) => {
                    let field = &field.node;
                    let is_aliased = field.alias.is_some();
                    let below = if field.selection_set.node.items.is_empty() {
                        Size::leaf(is_aliased)
                    } else {
                        self.set(&field.selection_set.node, level + 1)?
                            .within_field(is_aliased)
                    };
                    below.with(field.arguments.len() + field.directives.len())
                }
                Selection::InlineFragment(fragment) => self
                    .set(&fragment.node.selection_set.node, level + 1)?
                    .within_fragment(),
                Selection::FragmentSpread(spread) => self
                    .fragment(&spread.node.fragment_name.node, level + 1)?
                    .within_fragment(),
            });
        }
        Ok(size)
    }

    /// The size of a fragment; one that is not there has none, which the validation says.
    fn fragment(&mut self, name: &str, level: usize) -> Result<Size> {
        if let Some(size) = self.fragments.get(name) {
            check_nesting(level + size.height)?;
            return Ok(*size);
        }
        let Some((name, fragment)) = self.document.fragments.get_key_value(name) else {
            return Ok(Size::default());
        };
        let size = self.set(&fragment.node.selection_set.node, level)?;
        self.fragments.insert(name, size);
        Ok(size)
    }
}

fn check_nesting(level: usize) -> Result<()> {
    if level > MAX_NESTING {
        return Err(Error::QueryRefused(format!(
            "This document is nested more than {MAX_NESTING} levels deep, or its fragments spread each other in a circle."
        )));
    }
    Ok(())
}
