//! Frozen texts and records of format 1: what the first release wrote, every later one reads. They were also opened by an
//! independent implementation (Python's `cryptography` and libsodium), so that the format is what the documentation says. A
//! test that fails here means that stored keys would no longer open; the cure is a new format version beside the old one,
//! never a new expectation.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::super::{Cipher, MasterKey, Sealed, SessionSecret, Vault};
use super::{BINDING, text};

/// The key 00 01 02 … 1f, as a file and as recovery rows.
const MASTER_KEY_FILE: &str = "ringfence-master-key:v1:mk-4ba084f9d67c:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8:0249503d\n";
const SESSION_SECRET_FILE: &str = "ringfence-session-secret:v1:ss-99adbb955978:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8:bbd69449\n";
const RECOVERY_ROWS: &str =
    "000G-40V4 0G2G-C1YH 104G-M2TK 1G6G-W3VG 208H-44SH 2GAH-C5V3 30CH-M6R1 3GEH-W7ZT JP5X-T5DT";

/// One record of each kind under each cipher: wrapped key and sealed secret, in hexadecimal.
struct Frozen {
    cipher: &'static str,
    provider_key: [&'static str; 2],
    canary: [&'static str; 2],
    sub_key: [&'static str; 2],
    /// HMAC of the parts "ab" and "c" under the sub key.
    mac: &'static str,
}

const FROZEN: [Frozen; 2] = [
    Frozen {
        cipher: "xchacha20-poly1305",
        provider_key: [
            "015b3b23bcf4910f01af8a5b370bec0245ac136c209cfc8225ae9f820b4781d6eaa3c309a72aa6fca917c5d9e7673d0549ca\
         ca494f10d57c438e15c117165c2738f7e2e8630a7fb0a3473de4faff338bff7544c259ad081d4cfd4320c54f19fe823cfd07\
         f90c7145ce",
            "018009e4602246fc464e1e2293e441c9a9238578770329fb549fa7b45a767880e3558980d135c4d9af00c914b11c37f87769\
         f9e3617edc0f55b0855580",
        ],
        canary: [
            "01a5b3151a06a49378f2db9aaae68d435a95aace325bd0aa46c93c8ac9491dc8650e53d94a0ed56fa49f369959921d4fa8b5\
         a480ab0a33feca2bb8a58bd46dc6fd715b8dd3dc28ed63301510d9d4425b41e0c97ed11f88234d0c5a715d227e185fb27c62\
         84134d1219",
            "012b2a0aebb3dc3588c19d952683d7bb05553a94b06ce0d1dc825c8bce412a68dbd875f3076b42f7b4706cb0945d7d213c0e\
         ea60f42f01f950ab997dd18afe0027cbe4e0a6c8c96bcd87e484a2f8948cd0447d12e23499638b07",
        ],
        sub_key: [
            "0173071628c17ce28352a5376ba2423fd5debd1e323ed1467b9fd0727a9e129974c0b29f2dfb9d07025241fdcf59c2ecdee0\
         45fc5acba9c0c6e5e6fa63e4c5ea09c912d0f1e7b477ed524adf856267e33e29766b981005f7b298cef02805c1c57481d091\
         c40d21b839",
            "0165576085254d0a0a40bc5fdcb647d02d942c6e324debbebcf0c9f83d3df5f28177152dc3859278dc8ef27d87f7ac167015\
         979f0425cae30c82dbbc9460fba35560f8aafb76c2c689",
        ],
        mac: "51d0ca2d974ee5dbea5f6aa9334401ea238047287e5af6607dae2733d7bf7f61",
    },
    Frozen {
        cipher: "aes-256-gcm",
        provider_key: [
            "01f85efa19d854fc2b106e3fc166eb169951855b5987ba354a0603d0416acb3867d4574ef5dae0346bb1787fb1de85b52449\
         b8491778e17214cb6b751a37c62873a5ab41d020b391f488440b3dc4d60db4681cf45e9cfba21d3d77cd75",
            "01f7d157aec3cbd25a169c60b1de1c58b2387f022c3017e252df176e9d9696e1cb2ca84f1fb6eae67d7ba969d00c77c186",
        ],
        canary: [
            "01928d728cf303b9184ad3ec7910be8595d25778f4d818dd582c9ccdf0350b96ad7b424f21cdd541d36c5c62260105c707f1\
         727555ff2baa32f327da175ddbb44d3f2a7acaef32bcf8f9ba80c0785c92b73c60687714500bcc420010a2",
            "013feaacb7512190f4269992278282cbd0d0f5a0d8781cb5c25478b965721e76560f4b91a272d6830c78f40598bf693628aa\
         8210ac8cd136e9058a3a3a2653440978ad2e301089ecfa292577043e",
        ],
        sub_key: [
            "018181ba141e3477df6b40bf9b03d1dccc5ff7316e96946e2c85d2f03ff7cd46202ff97d686a1261a326d85b83042cb6a8bd\
         e0f2e04852c4cb0ea930177b8b73def829bfeb58ffbe2218d1ce20600bcfe81c6b30d89b075845cf82d167",
            "01182f877bf4fc8ab5fb3ccdeb661eba98783fff568d410a7185978cab328d543f8c23c27ec9f5cd035176d9047e4e93aca6\
         ceb2fff24cf95cbed9e809",
        ],
        mac: "9daac81042c06442be8b89f8373e04b5b45c60bf3986d2fda9125099f9196574",
    },
];

fn bytes(hexadecimal: &str) -> Vec<u8> {
    (0..hexadecimal.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&hexadecimal[at..at + 2], 16).unwrap())
        .collect()
}

fn record(cipher: Cipher, [wrapped_key, sealed]: [&str; 2]) -> Sealed {
    Sealed {
        cipher,
        master_key_id: "mk-4ba084f9d67c".to_owned(),
        wrapped_key: bytes(wrapped_key),
        sealed: bytes(sealed),
    }
}

/// E1, E3, E4: records of format 1 open, of both ciphers and every kind.
#[test]
fn records_of_the_first_format_open() {
    for frozen in FROZEN {
        let cipher = Cipher::parse(frozen.cipher).unwrap();
        let vault = Vault::new(MasterKey::from_recovery(RECOVERY_ROWS).unwrap(), cipher);
        let opened = vault
            .open(&BINDING, &record(cipher, frozen.provider_key))
            .unwrap();
        assert_eq!(text(&opened), "sk-frozen-0123456789");
        vault.check_canary(&record(cipher, frozen.canary)).unwrap();
        let sub_key = vault
            .open_sub_key("audit", &record(cipher, frozen.sub_key))
            .unwrap();
        assert!(sub_key.verify(&[b"ab", b"c"], &bytes(frozen.mac)));
    }
}

/// E6: files and recovery rows of format 1 are read, and give the same key with the same id.
#[test]
fn files_and_rows_of_the_first_format_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let expected: Vec<u8> = (0..32).collect();
    let write = |name: &str, content: &str| {
        let path = folder.path().join(name);
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        path
    };
    for content in [MASTER_KEY_FILE, MASTER_KEY_FILE.trim_end(), RECOVERY_ROWS] {
        let key = MasterKey::read(&write("master.key", content)).unwrap();
        assert_eq!(key.expose(), expected);
        assert_eq!(key.id(), "mk-4ba084f9d67c");
    }
    let secret = SessionSecret::read(&write("session.key", SESSION_SECRET_FILE)).unwrap();
    assert_eq!(secret.expose(), expected);
    assert_eq!(secret.id(), "ss-99adbb955978");
    let rewritten = folder.path().join("rewritten.key");
    let key = MasterKey::from_recovery(RECOVERY_ROWS).unwrap();
    key.write_new(&rewritten).unwrap();
    assert_eq!(fs::read_to_string(&rewritten).unwrap(), MASTER_KEY_FILE);
}
