"""Writes a certificate for NAME, else `localhost`, and its key, valid for a day.

    certificate.py CERT.PEM KEY.PEM [NAME]
"""

import datetime
import sys

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


def certificate(key, host):
    """Its own issuer, so that a client may trust it as an authority."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    usage = dict.fromkeys(
        ["content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "crl_sign", "encipher_only", "decipher_only"],
        False,
    )
    now = datetime.datetime.now(datetime.timezone.utc)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - datetime.timedelta(hours=1)).not_valid_after(now + datetime.timedelta(days=1))
    for extension, critical in [
        (x509.SubjectAlternativeName([x509.DNSName(host)]), False),
        (x509.BasicConstraints(ca=True, path_length=None), True),
        (x509.KeyUsage(digital_signature=True, key_cert_sign=True, **usage), True),
        (identifier, False),
        (x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier), False),
    ]:
        builder = builder.add_extension(extension, critical)
    return builder.sign(key, hashes.SHA256())


def main():
    cert_path, key_path, host = (sys.argv[1:] + ["localhost"])[:3]
    key = ec.generate_private_key(ec.SECP256R1())
    with open(cert_path, "wb") as file:
        file.write(certificate(key, host).public_bytes(serialization.Encoding.PEM))
    with open(key_path, "wb") as file:
        file.write(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))


if __name__ == "__main__":
    main()
