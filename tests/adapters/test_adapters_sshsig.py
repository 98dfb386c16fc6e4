import base64
import shutil
import struct
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compass.adapters import sshsig
from compass.adapters.git import GitRepository
from compass.errors import UsageError

KEY = sshsig.generate(bytes(range(32)))
OTHER = sshsig.generate(bytes(reversed(range(32))))
SSH_KEYGEN = shutil.which("ssh-keygen")
COMMIT = b"tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\nauthor A <a@example.com> 1 +0000\ncommitter A <a@example.com> 1 +0000\n\nm\n"


def armored(packed: bytes) -> str:
    return (
        f"-----BEGIN SSH SIGNATURE-----\n{base64.b64encode(packed).decode()}\n-----END SSH SIGNATURE-----\n"
    )


def packed(
    public=KEY.public, namespace=b"git", algorithm=b"sha512", kind=b"ssh-ed25519", value=bytes(64), version=1
) -> bytes:
    def string(part):
        return struct.pack(">I", len(part)) + part

    inner = string(kind) + string(value)
    return (
        b"SSHSIG"
        + struct.pack(">I", version)
        + b"".join(map(string, (public, namespace, b"", algorithm, inner)))
    )


@given(st.binary(max_size=200))
def test_whatever_is_signed_is_attributed_to_its_signer_and_signing_is_deterministic(data):
    armor = KEY.sign(data)
    assert sshsig.signer(armor, data) == KEY.public
    assert armor == KEY.sign(data)


def test_a_signature_over_other_data_or_for_another_purpose_does_not_hold():
    with pytest.raises(sshsig.SignatureError, match="does not fit"):
        sshsig.signer(KEY.sign(b"one"), b"two")
    with pytest.raises(sshsig.SignatureError, match="another purpose"):
        sshsig.signer(KEY.sign(b"one", "file"), b"one")


@pytest.mark.parametrize(
    ("armor", "message"),
    [
        ("hello", "not an armoured"),
        ("-----BEGIN SSH SIGNATURE-----\nA\n-----END SSH SIGNATURE-----\n", "not base64"),
        (armored(b"SSHSIX" + packed()[6:]), "unknown version"),
        (armored(packed(version=2)), "unknown version"),
        (armored(packed(algorithm=b"md5")), "unknown hash"),
        (armored(packed(kind=b"ssh-rsa")), "another sort"),
        (armored(packed(public=b"short")), "cut short"),
        (armored(packed(public=OTHER.public)), "does not fit"),
        (armored(packed()[:-1]), "cut short"),
        (armored(packed()[:20]), "cut short"),
        (armored(packed() + b"x"), "left over"),
    ],
)
def test_a_malformed_signature_is_refused_with_its_reason(armor, message):
    with pytest.raises(sshsig.SignatureError, match=message):
        sshsig.signer(armor, b"data")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("ssh-rsa AAAA", "starts with"),
        ("", "starts with"),
        ("ssh-ed25519 !!!", "not base64"),
        ("ssh-ed25519 AAAA", "cut short"),
        ("ssh-ed25519 " + base64.b64encode(b"\0\0\0\1x\0\0\0\1y").decode(), "not an Ed25519"),
    ],
)
def test_a_line_that_is_no_ed25519_public_key_is_refused(line, message):
    with pytest.raises(sshsig.SignatureError, match=message):
        sshsig.parse_public_key(line)


def test_a_public_key_is_read_as_in_authorized_keys_with_or_without_a_comment():
    assert sshsig.parse_public_key(KEY.authorized) == KEY.public
    assert sshsig.parse_public_key(f"{KEY.authorized} somebody@example.com\n") == KEY.public


def test_a_key_file_is_written_and_read_back(tmp_path):
    (tmp_path / "key").write_bytes(KEY.openssh())
    assert sshsig.load_key(tmp_path / "key").public == KEY.public


def test_key_files_that_cannot_sign_are_refused_with_what_to_do(tmp_path):
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    ecdsa = ec.generate_private_key(ec.SECP256R1())
    (tmp_path / "ecdsa").write_bytes(
        ecdsa.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
        )
    )
    (tmp_path / "public").write_text(KEY.authorized)
    (tmp_path / "junk").write_text("junk")
    for name, message in [
        ("absent", "cannot read"),
        ("public", "is a public key"),
        ("junk", "not an OpenSSH"),
        ("ecdsa", "not an Ed25519"),
    ]:
        with pytest.raises(UsageError, match=message):
            sshsig.load_key(tmp_path / name)


PROTECTED = """\
-----BEGIN OPENSSH PRIVATE KEY-----
b3BlbnNzaC1rZXktdjEAAAAACmFlczI1Ni1jdHIAAAAGYmNyeXB0AAAAGAAAABDFe2y8FK
SwqU7BnMz6YyzKAAAAEAAAAAEAAAAzAAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkK
CwwNDg8QERITFBUWFxgZGhscHR4fAAAAEAAAAAAAAAAAAAAAAAAAAAA=
-----END OPENSSH PRIVATE KEY-----
"""


def test_a_key_with_a_passphrase_is_named_as_such(tmp_path):
    (tmp_path / "key").write_text(PROTECTED)
    with pytest.raises(UsageError, match="passphrase"):
        sshsig.load_key(tmp_path / "key")


def sign_commit(repository: GitRepository) -> str:
    head, _, message = COMMIT.partition(b"\n\n")
    armor = KEY.sign(COMMIT).rstrip("\n").replace("\n", "\n ")
    repository.write_tree(None, {})
    return repository.write_object("commit", head + b"\ngpgsig " + armor.encode() + b"\n\n" + message)


@pytest.mark.skipif(SSH_KEYGEN is None, reason="compares with OpenSSH, where it is installed")
def test_openssh_and_git_accept_our_signatures(tmp_path):
    (tmp_path / "allowed").write_text(f"a@example.com {KEY.authorized}\n")
    (tmp_path / "sig").write_text(KEY.sign(b"hello"))
    verify = ["ssh-keygen", "-Y", "verify", "-f", "allowed", "-I", "a@example.com", "-n", "git", "-s", "sig"]
    subprocess.run(verify, input=b"hello", check=True, capture_output=True, cwd=tmp_path)
    repository = GitRepository.init(tmp_path / "repo")
    oid = sign_commit(repository)
    settings = ("-c", "gpg.format=ssh", "-c", f"gpg.ssh.allowedSignersFile={tmp_path / 'allowed'}")
    assert repository.attempt(*settings, "verify-commit", oid)[0] == 0


@pytest.mark.skipif(SSH_KEYGEN is None, reason="compares with OpenSSH, where it is installed")
def test_we_accept_openssh_keys_and_signatures_byte_for_byte(tmp_path):
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "key"], check=True, cwd=tmp_path)
    made = subprocess.run(
        ["ssh-keygen", "-Y", "sign", "-f", "key", "-n", "git"],
        input=b"hello",
        check=True,
        capture_output=True,
        cwd=tmp_path,
    )
    key = sshsig.load_key(tmp_path / "key")
    assert sshsig.signer(made.stdout.decode(), b"hello") == key.public
    assert sshsig.parse_public_key((tmp_path / "key.pub").read_text()) == key.public
    assert key.sign(b"hello") == made.stdout.decode()
