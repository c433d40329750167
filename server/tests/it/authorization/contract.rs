//! The schema as the tests read it: the types and fields of `schema.graphql`, and the shortest way from a root to each.

use std::collections::{BTreeMap, HashMap, VecDeque};

use async_graphql::{
    Positioned,
    parser::{
        parse_schema,
        types::{BaseType, InputValueDefinition, Type, TypeKind, TypeSystemDefinition},
    },
};

/// The committed schema.
pub(crate) const TEXT: &str = include_str!("../../../../schema.graphql");

/// A field of an object type, such as `Agent.name`.
pub(crate) type Coordinate = (String, String);

/// A field as the schema declares it.
#[derive(Clone, Debug)]
pub(crate) struct Field {
    pub(crate) name: String,
    /// The type without lists and exclamation marks.
    pub(crate) kind: String,
    pub(crate) arguments: Vec<Argument>,
}

/// An argument, or a field of an input object.
#[derive(Clone, Debug)]
pub(crate) struct Argument {
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) is_required: bool,
}

/// The schema.
pub(crate) struct Contract {
    /// Object types with their fields, in the schema's order.
    pub(crate) objects: BTreeMap<String, Vec<Field>>,
    pub(crate) inputs: BTreeMap<String, Vec<Argument>>,
    pub(crate) enums: BTreeMap<String, Vec<String>>,
    /// Interfaces and unions.
    pub(crate) abstracts: Vec<String>,
    /// Everything that can be described, with its description.
    pub(crate) descriptions: Vec<(String, Option<String>)>,
}

fn base(kind: &Type) -> String {
    match &kind.base {
        BaseType::Named(name) => name.to_string(),
        BaseType::List(inner) => base(inner),
    }
}

fn argument(definition: &Positioned<InputValueDefinition>) -> Argument {
    let definition = &definition.node;
    Argument {
        name: definition.name.to_string(),
        kind: base(&definition.ty.node),
        is_required: !definition.ty.node.nullable && definition.default_value.is_none(),
    }
}

impl Contract {
    pub(crate) fn read() -> Self {
        let mut contract = Self {
            objects: BTreeMap::new(),
            inputs: BTreeMap::new(),
            enums: BTreeMap::new(),
            abstracts: Vec::new(),
            descriptions: Vec::new(),
        };
        for definition in parse_schema(TEXT).unwrap().definitions {
            let TypeSystemDefinition::Type(definition) = definition else {
                continue;
            };
            let definition = definition.node;
            let name = definition.name.to_string();
            let text = |node: &Option<Positioned<String>>| node.as_ref().map(|d| d.node.clone());
            let mut described = vec![(name.clone(), text(&definition.description))];
            match definition.kind {
                TypeKind::Object(object) => {
                    let fields = object.fields.iter().map(|field| {
                        let field = &field.node;
                        let path = format!("{name}.{}", field.name);
                        described.push((path.clone(), text(&field.description)));
                        for argument in &field.arguments {
                            let argument = &argument.node;
                            let description = text(&argument.description);
                            described.push((format!("{path}({})", argument.name), description));
                        }
                        Field {
                            name: field.name.to_string(),
                            kind: base(&field.ty.node),
                            arguments: field.arguments.iter().map(argument).collect(),
                        }
                    });
                    let fields = fields.collect();
                    contract.objects.insert(name, fields);
                }
                TypeKind::InputObject(input) => {
                    for field in &input.fields {
                        let description = text(&field.node.description);
                        described.push((format!("{name}.{}", field.node.name), description));
                    }
                    let fields = input.fields.iter().map(argument).collect();
                    contract.inputs.insert(name, fields);
                }
                TypeKind::Enum(values) => {
                    for value in &values.values {
                        let description = text(&value.node.description);
                        described.push((format!("{name}.{}", value.node.value), description));
                    }
                    let values = values.values.iter().map(|v| v.node.value.to_string());
                    contract.enums.insert(name, values.collect());
                }
                TypeKind::Interface(_) | TypeKind::Union(_) => contract.abstracts.push(name),
                TypeKind::Scalar => {}
            }
            contract.descriptions.extend(described);
        }
        contract
    }

    /// Every field of every object type.
    pub(crate) fn coordinates(&self) -> Vec<Coordinate> {
        self.objects
            .iter()
            .flat_map(|(kind, fields)| {
                fields
                    .iter()
                    .map(move |field| (kind.clone(), field.name.clone()))
            })
            .collect()
    }

    pub(crate) fn field(&self, (kind, name): &Coordinate) -> &Field {
        self.objects[kind]
            .iter()
            .find(|field| field.name == *name)
            .unwrap()
    }

    pub(crate) fn is_object(&self, kind: &str) -> bool {
        self.objects.contains_key(kind)
    }

    /// The shortest way from a root to each type: the fields passed on it. Lists are preferred to single rows, so that
    /// one document meets many rows, and queries to mutations.
    pub(crate) fn ways(&self) -> HashMap<String, Vec<Coordinate>> {
        let mut ways: HashMap<String, Vec<Coordinate>> = HashMap::new();
        let mut queue = VecDeque::new();
        // Through a field that needs arguments only where no other leads: those have to be made up.
        let roots = [
            ("Query", false),
            ("Query", true),
            ("Mutation", true),
            ("Subscription", true),
        ];
        for (root, may_need_arguments) in roots {
            ways.insert(root.to_owned(), Vec::new());
            queue.push_back(root.to_owned());
            while let Some(kind) = queue.pop_front() {
                for field in &self.objects[&kind] {
                    let needs_arguments =
                        field.arguments.iter().any(|argument| argument.is_required);
                    if !self.is_object(&field.kind)
                        || ways.contains_key(&field.kind)
                        || (needs_arguments && !may_need_arguments)
                    {
                        continue;
                    }
                    let mut way = ways[&kind].clone();
                    way.push((kind.clone(), field.name.clone()));
                    ways.insert(field.kind.clone(), way);
                    queue.push_back(field.kind.clone());
                }
            }
        }
        ways
    }

    /// The root fields that take an id, with where the id stands: `agent(id)`, `testProviderKey(input.providerKeyId)`.
    pub(crate) fn id_arguments(&self) -> Vec<String> {
        let mut found = Vec::new();
        for root in ["Query", "Mutation", "Subscription"] {
            for field in &self.objects[root] {
                for argument in &field.arguments {
                    if argument.kind == "ID" {
                        found.push(format!("{}({})", field.name, argument.name));
                    }
                    for inner in self.inputs.get(&argument.kind).into_iter().flatten() {
                        if inner.kind == "ID" {
                            let place = format!("{}.{}", argument.name, inner.name);
                            found.push(format!("{}({place})", field.name));
                        }
                    }
                }
            }
        }
        found
    }
}
