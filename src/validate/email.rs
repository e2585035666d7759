//! E-mail addresses, as LMSs take them.

/// Whether a message could be sent to `text`: the plain form of RFC 5321, a
/// domain with a dot in it, ASCII only. Quoted local parts, comments, address
/// literals and internationalised local parts are legal on paper and are, in
/// an HR export, a flaw.
pub(super) fn is_valid(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else {
        return false;
    };
    is_local(local) && is_domain(domain)
}

fn is_local(local: &str) -> bool {
    (1..=64).contains(&local.len())
        && local.split('.').all(|atom| {
            !atom.is_empty()
                && atom.bytes().all(|byte| {
                    byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&byte)
                })
        })
}

fn is_domain(domain: &str) -> bool {
    let mut labels = 0;
    let mut last = "";
    for label in domain.split('.') {
        let bytes = label.as_bytes();
        let sound = (1..=63).contains(&bytes.len())
            && bytes
                .iter()
                .all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-')
            && bytes.first() != Some(&b'-')
            && bytes.last() != Some(&b'-');
        if !sound {
            return false;
        }
        labels += 1;
        last = label;
    }
    labels >= 2 && last.len() >= 2 && !last.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::is_valid;

    #[test]
    fn addresses_that_a_message_can_be_sent_to_pass() {
        for text in [
            "jane@example.com",
            "jane.o'neil+hr@mail.example.co.uk",
            "a@b.museum",
            "x_y-z@xn--bcher-kva.example",
            "JANE@EXAMPLE.COM",
        ] {
            assert!(is_valid(text), "{text}");
        }
    }

    #[test]
    fn what_feeds_hold_instead_of_an_address_does_not() {
        for text in [
            "",
            "jane",
            "dwizardexample.com",
            "jane@",
            "@example.com",
            "jane@example",
            "jane@@example.com",
            "jane doe@example.com",
            "jane.@example.com",
            ".jane@example.com",
            "ja..ne@example.com",
            "jane@-example.com",
            "jane@example..com",
            "jane@example.com.",
            "jane@example.c",
            "jane@127.0.0.1",
            "Kılıc@example.com",
            "jane@exämple.com",
            "jane@example.com;john@example.com",
            "Jane <jane@example.com>",
            "n/a",
            "jane@example.com\n",
        ] {
            assert!(!is_valid(text), "{text:?}");
        }
    }
}
