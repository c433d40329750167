//! What the operator does from the command line: make agencies and people, set a plan. The same functions make the demo's
//! agency and the tests' people.

use secrecy::SecretString;

pub use crate::access::Plan;
use crate::{
    access::{Role, password},
    accounts::{check_email, check_name, slug_of},
    app::App,
    audit::{Action, Actor, Entry},
    error::{Error, Result},
    id::{AgencyId, UserId},
    store::{self, Conn, agencies::AgencyRow, users::UserRow},
};

/// Makes an agency in the caller's transaction; a taken slug gets a number behind it.
pub(crate) async fn insert_agency(
    app: &App,
    conn: &mut Conn,
    name: &str,
    plan: Plan,
) -> Result<AgencyRow> {
    let name = check_name("agencyName", name)?;
    let now = app.clock.now();
    let base = slug_of(&name);
    for number in 1..1000 {
        let slug = if number == 1 {
            base.clone()
        } else {
            format!("{base}-{number}")
        };
        // Asked before inserting: on PostgreSQL a refused INSERT would end the transaction.
        if store::agencies::find_by_slug(conn, &slug).await?.is_some() {
            continue;
        }
        let row = AgencyRow {
            id: AgencyId::new(),
            slug,
            name,
            plan: plan.as_str().to_owned(),
            voice_provider: None,
            created_at: now,
        };
        if !store::agencies::insert(conn, &row).await? {
            return Err(Error::Conflict(
                "Another agency of this name is just being made. Try again.".to_owned(),
            ));
        }
        let entry = Entry {
            agency: Some(&row.id),
            actor: Actor::System,
            action: Action::AgencyCreated,
            subject: row.id.as_str(),
            provider: None,
            summary: format!("Agency {} was made.", row.name),
        };
        app.audit.append(conn, entry, now).await?;
        return Ok(row);
    }
    Err(Error::invalid(
        "agencyName",
        "Too many agencies have this name.",
    ))
}

/// A person to be made.
pub struct NewUser {
    /// Log-in name.
    pub email: String,
    /// Shown to others.
    pub name: String,
    /// Hashed at once.
    pub password: SecretString,
    /// Role in the agency.
    pub role: Role,
}

/// Makes a person in the caller's transaction; the hash was made before, outside of it.
pub(crate) async fn insert_user(
    app: &App,
    conn: &mut Conn,
    agency: &AgencyId,
    user: &NewUser,
    password_hash: &str,
) -> Result<UserId> {
    let now = app.clock.now();
    let row = UserRow {
        id: UserId::new(),
        email: check_email("email", &user.email)?,
        name: check_name("name", &user.name)?,
    };
    if store::users::find_credentials(conn, &row.email)
        .await?
        .is_some()
        || !store::users::insert(conn, &row, password_hash, now).await?
    {
        return Err(Error::invalid(
            "email",
            "Somebody with this email address is here already.",
        ));
    }
    store::agencies::upsert_membership(conn, agency, &row.id, user.role.as_str(), now).await?;
    let entry = Entry {
        agency: Some(agency),
        actor: Actor::System,
        action: Action::UserCreated,
        subject: row.id.as_str(),
        provider: None,
        summary: format!("{} was added as {}.", row.name, user.role.as_str()),
    };
    app.audit.append(conn, entry, now).await?;
    Ok(row.id)
}

/// `admin create-agency`.
pub async fn create_agency(app: &App, name: &str, plan: Plan) -> Result<String> {
    let mut tx = app.db.begin().await?;
    let row = insert_agency(app, &mut tx, name, plan).await?;
    tx.commit().await?;
    Ok(row.slug)
}

/// `admin create-user`.
pub async fn create_user(app: &App, agency_slug: &str, user: NewUser) -> Result<UserId> {
    password::check("password", &user.password)?;
    let hash = password::hash(user.password.clone()).await?;
    let mut tx = app.db.begin().await?;
    let agency = store::agencies::find_by_slug(&mut tx, agency_slug)
        .await?
        .ok_or_else(|| Error::invalid("agency", format!("There is no agency {agency_slug:?}.")))?;
    let id = insert_user(app, &mut tx, &agency.id, &user, &hash).await?;
    tx.commit().await?;
    Ok(id)
}

/// `admin reset-password`: for somebody who has lost theirs, or whose address somebody else has made a log-in for. Every
/// session of theirs ends. Answers with how many did.
pub async fn reset_password(app: &App, email: &str, password: SecretString) -> Result<u64> {
    password::check("password", &password)?;
    let hash = password::hash(password).await?;
    let mut tx = app.db.begin().await?;
    let unknown = || Error::invalid("email", "Nobody has this email address here.");
    let user = store::users::find_credentials(&mut tx, email)
        .await?
        .ok_or_else(unknown)?;
    store::users::lock(&mut tx, &user.id).await?;
    store::users::update_password(&mut tx, &user.id, &hash).await?;
    let ended = store::sessions::delete_all(&mut tx, &user.id).await?;
    for membership in store::agencies::list_memberships(&mut tx, &user.id).await? {
        let entry = Entry {
            agency: Some(&membership.agency.id),
            actor: Actor::System,
            action: Action::PasswordReset,
            subject: user.id.as_str(),
            provider: None,
            summary: format!(
                "The operator gave {} another password; they were logged out everywhere.",
                user.name
            ),
        };
        app.audit.append(&mut tx, entry, app.clock.now()).await?;
    }
    tx.commit().await?;
    Ok(ended)
}

/// `admin set-plan`.
pub async fn set_plan(app: &App, agency_slug: &str, plan: Plan) -> Result<()> {
    let mut tx = app.db.begin().await?;
    let agency = store::agencies::find_by_slug(&mut tx, agency_slug)
        .await?
        .ok_or_else(|| Error::invalid("agency", format!("There is no agency {agency_slug:?}.")))?;
    store::agencies::update_plan(&mut tx, &agency.id, plan.as_str()).await?;
    let entry = Entry {
        agency: Some(&agency.id),
        actor: Actor::System,
        action: Action::PlanChanged,
        subject: agency.id.as_str(),
        provider: None,
        summary: format!("The plan is now {}.", plan.as_str()),
    };
    app.audit.append(&mut tx, entry, app.clock.now()).await?;
    tx.commit().await
}

/// Suspends a person, or lets them in again; it holds at their next request (H2).
pub async fn set_suspended(app: &App, user: &UserId, is_suspended: bool) -> Result<()> {
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    let is_known =
        store::users::update_suspension(&mut tx, user, is_suspended.then_some(now)).await?;
    tx.commit().await?;
    if is_known {
        Ok(())
    } else {
        Err(Error::NotFound)
    }
}

/// Gives a member of the agency another role; it holds at their next request.
pub async fn set_role(app: &App, agency_slug: &str, user: &UserId, role: Role) -> Result<()> {
    let mut tx = app.db.begin().await?;
    let agency = store::agencies::find_by_slug(&mut tx, agency_slug)
        .await?
        .ok_or(Error::NotFound)?;
    store::agencies::upsert_membership(&mut tx, &agency.id, user, role.as_str(), app.clock.now())
        .await?;
    tx.commit().await
}
