//! Whether a message is signed by whom it has to be.

use jiff::Timestamp;
use pgp::composed::{Message, SignatureManyReader, SignedPublicKey};
use pgp::crypto::hash::HashAlgorithm;
use pgp::packet::{Signature as Packet, SignatureType};
use pgp::types::{KeyDetails, Tag, VerifyingKey};

use super::message::Stop;
use super::session::{all_keys, shown};
use super::{BadSignature, Material, OpenPgpError, Signature};

/// By whom a feed has to be signed.
pub(super) struct Signers {
    place: String,
    certificates: Vec<SignedPublicKey>,
    now: Option<Timestamp>,
}

impl Signers {
    pub(super) fn read(material: &Material, now: Option<Timestamp>) -> Result<Self, OpenPgpError> {
        let wrong = |what| OpenPgpError::Certificates {
            place: material.place.clone(),
            what,
        };
        let keys = all_keys(material.expose()).filter(|keys| !keys.is_empty());
        let keys = keys.ok_or_else(|| wrong("is not an OpenPGP certificate"))?;
        let certificates = keys.into_iter().map(TryInto::try_into);
        let certificates = certificates.collect::<Result<Vec<SignedPublicKey>, _>>();
        Ok(Self {
            place: material.place.clone(),
            certificates: certificates
                .map_err(|_| wrong("is a private key: only its owner should have it"))?,
            now,
        })
    }

    /// Whether a signature of that digest counts. `None` if it is of another key.
    fn judge(&self, message: &Message<'_>, at: usize, packet: &Packet) -> Option<Verdict> {
        let mut verdict = None;
        for certificate in &self.certificates {
            for key in component_keys(certificate) {
                if !is_by(packet, key.key) {
                    continue;
                }
                let judged = match message.verify_nested_explicit(at, key.key) {
                    Err(_) => Err(BadSignature::Invalid),
                    Ok(_) => self.judge_key(certificate, &key, packet),
                };
                let signer = shown(key.key.legacy_key_id());
                match judged {
                    Ok(()) => return Some(Ok(())),
                    Err(why) => verdict = Some(Err((signer, why))),
                }
            }
        }
        verdict
    }

    /// Whether a valid signature of that key counts.
    fn judge_key(
        &self,
        certificate: &SignedPublicKey,
        key: &Component<'_>,
        packet: &Packet,
    ) -> Result<(), BadSignature> {
        let is_of_content = matches!(
            packet.typ(),
            Some(SignatureType::Binary | SignatureType::Text)
        );
        let Some(signed) = packet.created().filter(|_| is_of_content) else {
            return Err(BadSignature::Invalid);
        };
        if packet.hash_alg() == Some(HashAlgorithm::Md5) {
            return Err(BadSignature::Weak);
        }
        let signed = i64::from(signed.as_secs());
        let lasts = packet
            .signature_expiration_time()
            .map_or(0, |it| i64::from(it.as_secs()));
        if lasts > 0 && self.now.is_some_and(|now| now.as_second() > signed + lasts) {
            return Err(BadSignature::Expired);
        }
        let bindings = Bindings::of(certificate, key)?;
        bindings.judge(signed)
    }
}

/// Whether a signature counts, and if not, which and why.
type Verdict = Result<(), (String, BadSignature)>;

/// Whether a signature says that it is of that key. One that says nothing may be of any.
fn is_by(packet: &Packet, key: &dyn VerifyingKey) -> bool {
    let (ids, fingerprints) = (packet.issuer_key_id(), packet.issuer_fingerprint());
    if ids.is_empty() && fingerprints.is_empty() {
        return true;
    }
    ids.contains(&&key.legacy_key_id()) || fingerprints.contains(&&key.fingerprint())
}

/// A key of a certificate: the primary one, or the subkey with that position.
struct Component<'a> {
    key: &'a dyn VerifyingKey,
    subkey: Option<usize>,
}

fn component_keys(certificate: &SignedPublicKey) -> impl Iterator<Item = Component<'_>> {
    let primary = Component {
        key: &certificate.primary_key,
        subkey: None,
    };
    let subkeys = certificate.public_subkeys.iter().enumerate();
    std::iter::once(primary).chain(subkeys.map(|(position, subkey)| Component {
        key: &subkey.key,
        subkey: Some(position),
    }))
}

/// What a certificate says about one of its keys, as far as it is signed by its owner.
struct Bindings {
    created: i64,
    /// Until when it is valid.
    expires: Option<i64>,
    /// Until when the certificate is.
    certificate_expires: Option<i64>,
    signs: bool,
}

impl Bindings {
    fn of(certificate: &SignedPublicKey, key: &Component<'_>) -> Result<Self, BadSignature> {
        let primary = &certificate.primary_key;
        let details = &certificate.details;
        let revoked = details.revocation_signatures.iter();
        if revoked.into_iter().any(|it| it.verify_key(primary).is_ok()) {
            return Err(BadSignature::KeyRevoked);
        }
        let direct = (details.direct_signatures.iter())
            .filter(|it| it.typ() == Some(SignatureType::Key) && it.verify_key(primary).is_ok());
        let by_user = details.users.iter().flat_map(|user| {
            let own = user.signatures.iter().filter(|it| it.is_certification());
            own.filter(|it| {
                it.verify_certification(primary, Tag::UserId, &user.id)
                    .is_ok()
            })
        });
        let own = latest(direct.chain(by_user)).ok_or(BadSignature::NotForSigning)?;
        let created = i64::from(primary.created_at().as_secs());
        let certificate_expires = expiry(created, own);
        let Some(subkey) = key.subkey.and_then(|at| certificate.public_subkeys.get(at)) else {
            // Old certificates say nothing of what their keys do.
            let flags = own.key_flags();
            return Ok(Self {
                created,
                expires: None,
                certificate_expires,
                signs: flags.sign() || flags == pgp::packet::KeyFlags::default(),
            });
        };
        let of_type = |kind| {
            let bindings = subkey.signatures.iter();
            bindings.filter(move |it| {
                it.typ() == Some(kind) && it.verify_subkey_binding(primary, &subkey.key).is_ok()
            })
        };
        if of_type(SignatureType::SubkeyRevocation).next().is_some() {
            return Err(BadSignature::KeyRevoked);
        }
        let binding = latest(of_type(SignatureType::SubkeyBinding));
        let binding = binding.ok_or(BadSignature::NotForSigning)?;
        // The subkey itself has to say that it belongs to the certificate, or somebody could
        // adopt the signatures of others.
        let agrees = binding.embedded_signature().is_some_and(|embedded| {
            embedded
                .verify_primary_key_binding(&subkey.key, primary)
                .is_ok()
        });
        let created = i64::from(subkey.key.created_at().as_secs());
        Ok(Self {
            created,
            expires: expiry(created, binding),
            certificate_expires,
            signs: binding.key_flags().sign() && agrees,
        })
    }

    fn judge(&self, signed: i64) -> Result<(), BadSignature> {
        if !self.signs {
            return Err(BadSignature::NotForSigning);
        }
        let expiries = [self.expires, self.certificate_expires];
        if signed < self.created || expiries.iter().flatten().any(|it| signed > *it) {
            return Err(BadSignature::KeyExpired);
        }
        Ok(())
    }
}

fn latest<'p>(packets: impl Iterator<Item = &'p Packet>) -> Option<&'p Packet> {
    packets.max_by_key(|it| it.created().map(pgp::types::Timestamp::as_secs))
}

fn expiry(created: i64, packet: &Packet) -> Option<i64> {
    let lasts = packet.key_expiration_time()?.as_secs();
    (lasts > 0).then_some(created + i64::from(lasts))
}

/// Judges the signatures of a message that is read to its end.
pub(super) fn verify(message: &Message<'_>, signers: Option<&Signers>) -> Result<Signature, Stop> {
    let Message::Signed { reader, .. } = message else {
        return Err(Stop::Damaged);
    };
    let Some(signers) = signers else {
        return unchecked(reader);
    };
    let (mut others, mut bad) = (Vec::new(), None);
    for at in 0..reader.num_signatures() {
        let Some(packet) = reader.signature(at) else {
            continue;
        };
        match signers.judge(message, at, packet) {
            Some(Ok(())) => return Ok(Signature::Verified),
            Some(Err(why)) => bad = bad.or(Some(why)),
            None => match packet.issuer_key_id().first() {
                Some(id) => others.push(shown(id)),
                None => others.push("somebody who is not named".to_owned()),
            },
        }
    }
    let place = signers.place.clone();
    Err(Stop::Why(match bad {
        Some((signer, why)) => OpenPgpError::BadSignature { signer, why },
        None => OpenPgpError::OtherSigner {
            signers: others,
            place,
        },
    }))
}

/// Without the signer's certificate, two bytes of the digest show damage, not forgery.
fn unchecked(reader: &SignatureManyReader<'_>) -> Result<Signature, Stop> {
    for at in 0..reader.num_signatures() {
        let said = reader.signature(at).and_then(Packet::signed_hash_value);
        if let (Some(said), Some(hash)) = (said, reader.hash(at))
            && hash.get(..2) != Some(&said[..])
        {
            return Err(Stop::Damaged);
        }
    }
    Ok(Signature::Unchecked)
}
