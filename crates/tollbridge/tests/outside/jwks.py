"""Verifies a token with PyJWT from a JWKS address and prints its claims.

    jwks.py JWKS_URL ALGORITHM TAMPERED < TOKEN

Exits 1 when the token does not verify, or when the tampered one does.
"""

import json
import sys

import jwt


def main():
    address, algorithm, tampered = sys.argv[1:]
    token = sys.stdin.read().strip()
    key = jwt.PyJWKClient(address).get_signing_key_from_jwt(token).key
    expected = {
        "algorithms": [algorithm],
        "audience": "https://bridge.test",
        "issuer": "https://bridge.test",
        "options": {"require": ["aud", "exp", "iat", "iss", "jti", "nbf", "sub"]},
    }
    print(json.dumps(jwt.decode(token, key, **expected)))
    try:
        jwt.decode(tampered, key, **expected)
    except jwt.InvalidSignatureError:
        return 0
    print("the tampered token was accepted", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
