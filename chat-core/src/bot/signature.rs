//! Signatures of what a tool posts, as Standard Webhooks has them (<https://www.standardwebhooks.com>, "Verifying"):
//! HMAC-SHA-256 of `id.timestamp.body`, base64, in a list of `v1,…`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::api::{Answer, ApiError, Class};
use crate::limits::SIGNATURE_SKEW_MS;
use crate::secret::{Key, mac, same};

/// The headers of a signed request, as they came.
#[derive(Clone, Copy, Debug, Default)]
pub struct Signed<'a> {
    /// `webhook-id`.
    pub id: Option<&'a str>,
    /// `webhook-timestamp`: seconds since the epoch.
    pub timestamp: Option<&'a str>,
    /// `webhook-signature`: `v1,<base64>`, several with spaces between.
    pub signature: Option<&'a str>,
}

/// What the tool with this token signs with. Derived, so that it is stored nowhere.
pub fn secret(server: &[u8], token: &Key) -> Key {
    mac(server, &[b"bot-signature", token])
}

/// As it is shown.
pub fn shown(secret: &Key) -> String {
    format!("whsec_{}", STANDARD.encode(secret))
}

/// Looks whether `body` was signed with `secret` just now.
///
/// # Errors
/// `unauthenticated` (`signature_missing`, `signature_old`, `signature_wrong`).
pub fn check(secret: &Key, signed: Signed<'_>, body: &[u8], now_ms: i64) -> Answer<()> {
    let (Some(id), Some(timestamp), Some(signature)) =
        (signed.id, signed.timestamp, signed.signature)
    else {
        return Err(refused(
            "signature_missing",
            "缺少签名：webhook-id、webhook-timestamp、webhook-signature",
            "The headers webhook-id, webhook-timestamp and webhook-signature are needed",
        ));
    };
    let at_ms = timestamp.parse::<i64>().ok();
    let at_ms = at_ms.and_then(|seconds| seconds.checked_mul(1_000));
    let fresh = at_ms.is_some_and(|at_ms| now_ms.abs_diff(at_ms) <= SIGNATURE_SKEW_MS);
    if !fresh {
        return Err(refused(
            "signature_old",
            "签名时间与服务器相差超过 5 分钟",
            "The signature's time is more than 5 minutes from the server's",
        ));
    }
    let wanted = sign(secret, id, timestamp, body);
    let matches = |given: &str| {
        let given = given.strip_prefix("v1,").map(|text| STANDARD.decode(text));
        given.is_some_and(|given| given.is_ok_and(|given| same(&given, &wanted)))
    };
    if signature.split(' ').any(matches) {
        Ok(())
    } else {
        Err(refused(
            "signature_wrong",
            "签名不正确",
            "The signature is wrong",
        ))
    }
}

fn sign(secret: &Key, id: &str, timestamp: &str, body: &[u8]) -> Key {
    let mut mac =
        <Hmac<Sha256> as KeyInit>::new_from_slice(secret).expect("HMAC takes a key of any length");
    for part in [id.as_bytes(), b".", timestamp.as_bytes(), b".", body] {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

fn refused(code: &str, zh: &str, en: &str) -> ApiError {
    ApiError::new(Class::Unauthenticated, code, zh, en)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification's own libraries: secret, id, time, body and what comes of it.
    const EXAMPLE: (&str, &str, &str, &str, &str) = (
        "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "1614265330",
        r#"{"test": 2432232314}"#,
        "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    );

    fn key() -> Vec<u8> {
        STANDARD.decode(EXAMPLE.0).unwrap()
    }

    fn check_with(signed: Signed<'_>, body: &[u8], now_ms: i64) -> String {
        // The example's key is shorter than ours.
        let secret = [7; 32];
        let outcome = check(&secret, signed, body, now_ms);
        outcome.map_or_else(|error| error.code.clone(), |()| "ok".into())
    }

    #[test]
    fn plat_i10_the_signature_is_that_of_the_specification() {
        let (_, id, timestamp, body, signature) = EXAMPLE;
        let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(&key()).unwrap();
        mac.update(format!("{id}.{timestamp}.{body}").as_bytes());
        let ours = STANDARD.encode(mac.finalize().into_bytes());
        assert_eq!(format!("v1,{ours}"), signature);
        let mut long = [0; 32];
        long[..24].copy_from_slice(&key());
        // A key that ends in zeros is the same key to HMAC.
        assert_eq!(
            STANDARD.encode(sign(&long, id, timestamp, body.as_bytes())),
            signature[3..]
        );
    }

    #[test]
    fn plat_i10_a_signature_is_of_this_body_at_this_time() {
        let now_ms = 1_700_000_000_000;
        let signature = STANDARD.encode(sign(&[7; 32], "m1", "1700000000", b"{}"));
        let several = format!("v1a,zzz v1,{} v1,{signature}", STANDARD.encode([0; 32]));
        let signed = Signed {
            id: Some("m1"),
            timestamp: Some("1700000000"),
            signature: Some(&several),
        };
        assert_eq!(check_with(signed, b"{}", now_ms), "ok");
        assert_eq!(check_with(signed, b"{}", now_ms + 300_000), "ok");
        assert_eq!(check_with(signed, b"{}", now_ms + 300_001), "signature_old");
        assert_eq!(check_with(signed, b"{}", now_ms - 300_001), "signature_old");
        assert_eq!(check_with(signed, b"{} ", now_ms), "signature_wrong");
        let other = Signed {
            id: Some("m2"),
            ..signed
        };
        assert_eq!(check_with(other, b"{}", now_ms), "signature_wrong");
        let never = Signed {
            timestamp: Some("9223372036854775807"),
            ..signed
        };
        assert_eq!(check_with(never, b"{}", now_ms), "signature_old");
        let none = Signed {
            signature: None,
            ..signed
        };
        assert_eq!(check_with(none, b"{}", now_ms), "signature_missing");
    }
}
