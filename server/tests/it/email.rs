//! Alerts by email (R8), against a mail server of the test's own.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use ringfence::{access::Role, sandbox::Fault};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};

use crate::{
    harness::{Settings, TestApp, TestClient},
    keys::test,
};

/// A message as the server got it: who it is for, and its text.
#[derive(Clone, Debug)]
struct Mail {
    to: String,
    text: String,
}

/// A mail server that takes what comes, or refuses each recipient with a reply of its own.
struct MailServer {
    url: String,
    mails: Arc<Mutex<Vec<Mail>>>,
    refusal: Arc<Mutex<Option<&'static str>>>,
}

impl MailServer {
    #[expect(
        clippy::disallowed_methods,
        reason = "the test's own server ends with the test"
    )]
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("smtp://{}", listener.local_addr().unwrap());
        let mails = Arc::new(Mutex::new(Vec::new()));
        let refusal = Arc::new(Mutex::new(None));
        let (kept, refuses) = (Arc::clone(&mails), Arc::clone(&refusal));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let refusal = *refuses.lock().unwrap();
                if let Some(mail) = converse(stream, refusal).await {
                    kept.lock().unwrap().push(mail);
                }
            }
        });
        Self {
            url,
            mails,
            refusal,
        }
    }

    fn mails(&self) -> Vec<Mail> {
        let mut mails = self.mails.lock().unwrap().clone();
        mails.sort_by(|one, other| one.to.cmp(&other.to));
        mails
    }
}

/// One conversation, as RFC 5321 has it.
async fn converse(stream: TcpStream, refusal: Option<&str>) -> Option<Mail> {
    let (read, mut write) = stream.into_split();
    let mut lines = BufReader::new(read).lines();
    write.write_all(b"220 mail.test\r\n").await.ok()?;
    let (mut to, mut text, mut is_data) = (String::new(), String::new(), false);
    let mut mail = None;
    while let Ok(Some(line)) = lines.next_line().await {
        let reply = if is_data {
            if line != "." {
                text.push_str(&line);
                text.push('\n');
                continue;
            }
            is_data = false;
            mail = Some(Mail {
                to: to.clone(),
                text: text.clone(),
            });
            "250 taken".to_owned()
        } else if let Some(address) = line.strip_prefix("RCPT TO:") {
            address.clone_into(&mut to);
            refusal.unwrap_or("250 fine").to_owned()
        } else if line == "DATA" {
            is_data = true;
            "354 go on".to_owned()
        } else if line == "QUIT" {
            write.write_all(b"221 bye\r\n").await.ok();
            return mail;
        } else {
            "250 fine".to_owned()
        };
        write
            .write_all(format!("{reply}\r\n").as_bytes())
            .await
            .ok()?;
    }
    mail
}

async fn app_with(server: &MailServer) -> (TestApp, TestClient) {
    let app = TestApp::with(Settings {
        smtp_url: Some(server.url.clone()),
        ..Settings::default()
    })
    .await;
    let admin = app.user(Role::Admin).await;
    app.user(Role::Owner).await;
    app.user(Role::Staff).await;
    admin.import(&app).await;
    (app, admin)
}

/// Lets the stored key be out of funds, which is an alert at once.
async fn run_dry(app: &TestApp, admin: &TestClient) {
    app.sandbox.control().inject(Fault::status(402));
    let key = admin.key().await;
    test(admin, &key).await.ok();
    app.sandbox.control().clear_faults();
}

/// R8: each owner and admin, and nobody else, gets the alert once, with whose, what, next and the way to the inbox.
#[tokio::test]
async fn an_alert_goes_to_owners_and_admins() {
    let server = MailServer::start().await;
    let (app, admin) = app_with(&server).await;
    run_dry(&app, &admin).await;
    app.settle().await;
    let mails = server.mails();
    assert_eq!(mails.len(), 2, "{mails:#?}");
    assert!(mails[0].to.starts_with("<admin"), "{}", mails[0].to);
    assert!(mails[1].to.starts_with("<owner"), "{}", mails[1].to);
    for mail in &mails {
        let text = mail.text.replace("=\n", "");
        for part in [
            "From: Ringfence <alerts@example.com>",
            "Subject: Northside Voice: The agency's Vapi account is out of funds",
            "Content-Type: text/plain",
            "Its 40 agents cannot call until it is topped up.",
            "2026-01-15T12:00:00.000Z",
            &format!("/a/{}/alerts", app.agency),
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert!(!text.contains("k7Qd"), "{text}");
    }
    run_dry(&app, &admin).await;
    app.settle().await;
    assert_eq!(server.mails().len(), 2, "one trouble, one message");
}

/// R8: a mail server in trouble is tried again; one that refuses for good is not, and the alert stands in the inbox all the
/// same.
#[tokio::test]
async fn a_mail_server_in_trouble_is_tried_again() {
    let server = MailServer::start().await;
    let (app, admin) = app_with(&server).await;
    *server.refusal.lock().unwrap() = Some("451 later");
    run_dry(&app, &admin).await;
    for _ in 0..1500 {
        let sql = "SELECT id FROM jobs WHERE kind = 'send_alert' AND last_error IS NOT NULL AND state = 'queued'";
        if app.sql(sql).await.len() == 2 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(server.mails().len(), 0);
    *server.refusal.lock().unwrap() = None;
    app.advance(Duration::from_mins(1));
    app.settle().await;
    assert_eq!(server.mails().len(), 2);
    let key = admin.key().await;
    test(&admin, &key).await.ok();
    *server.refusal.lock().unwrap() = Some("550 never");
    run_dry(&app, &admin).await;
    app.settle().await;
    assert_eq!(server.mails().len(), 2);
    let open = admin.query("{ alertSummary { openCount } }").await.ok();
    assert_eq!(open["alertSummary"]["openCount"], 1);
}
