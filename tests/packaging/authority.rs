//! Whoever certifies a server: nobody whom this machine trusts.

use std::fs;
use std::io::Read as _;
use std::sync::Arc;

use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use tempfile::TempDir;

use crate::python;

/// The certificate of an authority of a test, and a server that shows it on a port of
/// `localhost` and answers nothing.
pub(crate) fn authority() -> (String, u16) {
    let signed = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let folder = TempDir::new().unwrap();
    let der = folder.path().join("der");
    fs::write(&der, signed.cert.der()).unwrap();
    let pem = python(
        "import json, ssl, sys\n\
         print(json.dumps(ssl.DER_cert_to_PEM_cert(open(sys.argv[1], 'rb').read())))",
        der.to_str().unwrap(),
    );
    let key = PrivateKeyDer::try_from(signed.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![CertificateDer::from(signed.cert.der().to_vec())], key)
        .unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let tls = Arc::new(tls);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let connection = ServerConnection::new(Arc::clone(&tls)).unwrap();
            // The client goes away if it does not like the certificate.
            let _end = StreamOwned::new(connection, stream).read(&mut [0]);
        }
    });
    (pem.as_str().unwrap().to_owned(), port)
}
