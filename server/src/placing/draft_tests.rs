use super::*;

fn definition() -> AgentDefinition {
    AgentDefinition {
        name: "Reception".to_owned(),
        prompt: Some("Be brief.".to_owned()),
        first_message: Some("Hello.".to_owned()),
        voice: Some(Voice {
            engine: "11labs".to_owned(),
            voice_id: "maya".to_owned(),
        }),
        language: Some("en-US".to_owned()),
        model: Some(Model {
            vendor: "openai".to_owned(),
            name: "gpt-4.1".to_owned(),
        }),
    }
}

fn set(text: &str) -> Change<String> {
    Change::Set(text.to_owned())
}

/// The field and the words of a refusal.
fn told(result: Result<()>) -> (&'static str, String) {
    let error = result.expect_err("a refusal");
    (error.field().expect("a field"), error.to_string())
}

/// K6, R5: what is absent stays, what is null goes, what is set is written; and only what is named counts as named.
#[test]
fn absent_null_and_set_are_three_things() {
    let before = definition();
    let nothing = write(&before, &Draft::default()).expect("a draft");
    assert_eq!(
        (nothing.definition, nothing.named),
        (before.clone(), vec![])
    );
    let draft = Draft {
        first_message: Change::Clear,
        language: set("  de "),
        ..Draft::default()
    };
    let drafted = write(&before, &draft).expect("a draft");
    let expected = AgentDefinition {
        first_message: None,
        language: Some("de".to_owned()),
        ..before
    };
    assert_eq!(drafted.definition, expected);
    assert_eq!(
        drafted.named,
        [DefinitionPart::FirstMessage, DefinitionPart::Language]
    );
}

/// R5: what an agent cannot be without, or cannot hold, is refused by its field, with what to do.
#[test]
fn what_a_part_cannot_hold_is_refused_by_its_field() {
    let voice = |engine: &str, voice_id: &str| {
        Change::Set(Voice {
            engine: engine.to_owned(),
            voice_id: voice_id.to_owned(),
        })
    };
    for (draft, field) in [
        (
            Draft {
                name: Change::Clear,
                ..Draft::default()
            },
            "name",
        ),
        (
            Draft {
                name: set(" \t "),
                ..Draft::default()
            },
            "name",
        ),
        (
            Draft {
                name: set("a\u{7}b"),
                ..Draft::default()
            },
            "name",
        ),
        (
            Draft {
                name: set(&"x".repeat(201)),
                ..Draft::default()
            },
            "name",
        ),
        (
            Draft {
                prompt: Change::Clear,
                ..Draft::default()
            },
            "prompt",
        ),
        (
            Draft {
                prompt: set(" \n "),
                ..Draft::default()
            },
            "prompt",
        ),
        (
            Draft {
                prompt: set("a\0b"),
                ..Draft::default()
            },
            "prompt",
        ),
        (
            Draft {
                prompt: set(&"x".repeat(100_001)),
                ..Draft::default()
            },
            "prompt",
        ),
        (
            Draft {
                voice: voice("", "maya"),
                ..Draft::default()
            },
            "voice",
        ),
        (
            Draft {
                voice: voice("11labs", " "),
                ..Draft::default()
            },
            "voice",
        ),
        (
            Draft {
                language: set(""),
                ..Draft::default()
            },
            "language",
        ),
    ] {
        let (named, message) = told(write(&definition(), &draft).map(|_| ()));
        assert_eq!(named, field, "{draft:?}");
        assert!(message.ends_with('.'), "{message}");
    }
}

/// R5: of a new agent every part that its provider cannot express is refused before anything is sent, by its field.
#[test]
fn a_new_agent_is_refused_by_what_its_provider_cannot_express() {
    let fits = AgentDefinition {
        voice: Some(Voice {
            engine: "11labs".to_owned(),
            voice_id: "11labs-Adrian".to_owned(),
        }),
        ..definition()
    };
    assert!(refuse_unfit_new(ProviderKind::Retell, &fits).is_ok());
    assert!(refuse_unfit_new(ProviderKind::Vapi, &definition()).is_ok());
    let long = AgentDefinition {
        name: "x".repeat(41),
        ..definition()
    };
    let voiceless = AgentDefinition {
        voice: None,
        ..definition()
    };
    let modelless = AgentDefinition {
        model: None,
        ..definition()
    };
    let wordless = AgentDefinition {
        prompt: None,
        ..definition()
    };
    let babbling = AgentDefinition {
        model: None,
        voice: None,
        first_message: Some("x".repeat(200)),
        ..definition()
    };
    for (kind, definition, field, mend) in [
        (ProviderKind::Vapi, &long, "name", "Shorten it."),
        (ProviderKind::Vapi, &modelless, "model", "Name one."),
        (ProviderKind::Retell, &voiceless, "voice", "Name one."),
        (
            ProviderKind::Retell,
            &definition(),
            "voice",
            "Choose another one.",
        ),
        (
            ProviderKind::Bland,
            &modelless,
            "voice",
            "Choose another one, or leave it out.",
        ),
        (
            ProviderKind::Bland,
            &babbling,
            "firstMessage",
            "Shorten it.",
        ),
        (
            ProviderKind::Bland,
            &wordless,
            "prompt",
            "Write what it is told to do.",
        ),
    ] {
        let (named, message) = told(refuse_unfit_new(kind, definition));
        assert_eq!(named, field, "{kind} {message}");
        assert!(message.ends_with(mend), "{kind} {message}");
    }
}

/// R5: of a change only what somebody named is refused; a prompt is refused where its model cannot be written.
#[test]
fn a_change_is_refused_by_what_was_named_alone() {
    let own = AgentDefinition {
        model: Some(Model {
            vendor: "custom-llm".to_owned(),
            name: "ours".to_owned(),
        }),
        ..definition()
    };
    let renamed = Draft {
        name: set("Front desk"),
        ..Draft::default()
    };
    let drafted = write(&own, &renamed).expect("a draft");
    assert!(refuse_unfit_change(ProviderKind::Vapi, &drafted).is_ok());
    let reworded = Draft {
        prompt: set("Be long."),
        ..Draft::default()
    };
    let drafted = write(&own, &reworded).expect("a draft");
    let (field, message) = told(refuse_unfit_change(ProviderKind::Vapi, &drafted));
    assert_eq!(field, "model");
    assert!(message.contains("custom-llm"), "{message}");
    let foreign = Draft {
        language: set("tlh"),
        ..Draft::default()
    };
    let drafted = write(&definition(), &foreign).expect("a draft");
    assert_eq!(
        told(refuse_unfit_change(ProviderKind::Vapi, &drafted)).0,
        "language"
    );
}

/// R5: nobody is told that a voice was cleared which the provider keeps.
#[test]
fn what_a_provider_keeps_is_not_cleared() {
    for (draft, field) in [
        (
            Draft {
                voice: Change::Clear,
                ..Draft::default()
            },
            "voice",
        ),
        (
            Draft {
                language: Change::Clear,
                ..Draft::default()
            },
            "language",
        ),
        (
            Draft {
                model: Change::Clear,
                ..Draft::default()
            },
            "model",
        ),
    ] {
        let drafted = write(&definition(), &draft).expect("a draft");
        let refused = refuse_clearing(ProviderKind::Vapi, &definition(), &drafted);
        assert_eq!(told(refused).0, field);
        let without = AgentDefinition {
            voice: None,
            language: None,
            model: None,
            ..definition()
        };
        let drafted = write(&without, &draft).expect("a draft");
        assert!(refuse_clearing(ProviderKind::Vapi, &without, &drafted).is_ok());
    }
}
