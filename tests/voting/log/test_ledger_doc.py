"""docs/ledger.md says the truth: its test vectors are what the platform and the verifier make."""

import base64
import json
import re
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

import concours_verify as verify
from concours.voting import receipts, secrets
from concours.voting.amendments import leaves as amendments
from concours.voting.log import closing, merkle, notes, publication
from concours.voting.log.logbook import handover
from concours.voting.log.notes import COSIGNATURE, ED25519, Head, Verifier

DOC = Path(__file__).parents[3] / "docs" / "ledger.md"


def made() -> dict[str, Any]:
    """The vectors, from the inputs that the document names."""
    log, witness, poll_key = (Ed25519PrivateKey.from_private_bytes(bytes([n]) * 32) for n in (1, 2, 3))
    slug, origin = "demo-1", "concours/polls/demo-1"
    tags = [secrets.tag_of(bytes([4]) * 32, 7, b"voter %d" % n) for n in range(3)]
    nonces = [bytes([n]) * 16 for n in range(3)]
    commitments = [secrets.commitment_of(tag, nonce) for tag, nonce in zip(tags, nonces, strict=True)]
    leaves = [receipts.leaf_of(7, 11 + n, date(2021, 7, 8 + n), c, 1 + n) for n, c in enumerate(commitments)]
    hashes = [merkle.leaf_hash(leaf) for leaf in leaves]
    head = Head(origin, 3, verify.root_of(hashes))
    checkpoint = notes.note(
        head.text,
        notes.sign(head.text, origin, log),
        notes.cosign(head.text, "witness.example/w1", witness, 1_625_702_400),
    )
    receipt = receipts.signed_text(slug, 1, hashes[1], 1_625_702_400_000)
    text = closing.statement(head, {11: 1, 12: 2, 13: 3}, datetime(2021, 7, 10, 10, tzinfo=UTC))
    at = datetime(2021, 7, 9, tzinfo=UTC)
    decided = [
        amendments.leaf_of(7, "void", "刷票 (one person, two “phones”)", [(0, 0), (2, 2)]),
        amendments.leaf_of(7, "restore", "核实为本人", amendments.ranges_of([2])),
    ]
    amended = [*hashes, *(merkle.leaf_hash(leaf) for leaf in decided)]
    later = Head(origin, 5, verify.root_of(amended))
    corrected = closing.statement(later, {11: 0, 12: 2, 13: 3}, datetime(2021, 7, 11, 10, tzinfo=UTC), head)
    grown = [verify.root_of(amended[begin:end]) for begin, end in verify.consistency_path(3, 0, 5)]
    return {
        "tags": [tag.hex() for tag in tags],
        "nonces": [nonce.hex() for nonce in nonces],
        "commitments": [c.hex() for c in commitments],
        "leaves": [leaf.decode() for leaf in leaves],
        "leaf_hashes": [h.hex() for h in hashes],
        "root": head.root.hex(),
        "inclusion_of_leaf_1": [hashes[0].hex(), hashes[2].hex()],
        "log_key": str(Verifier(origin, ED25519, log.public_key().public_bytes_raw())),
        "witness_key": str(Verifier("witness.example/w1", COSIGNATURE, witness.public_key().public_bytes_raw())),
        "checkpoint": checkpoint,
        "receipt_key": poll_key.public_key().public_bytes_raw().hex(),
        "receipt_text": receipt.decode(),
        "receipt_signature": base64.b64encode(poll_key.sign(receipt)).decode(),
        "receipt_id": receipts.id_of("1625702400000-0", commitments[1]),
        "closing_text": text,
        "void_leaf_3": decided[0].decode(),
        "restore_leaf_4": decided[1].decode(),
        "decision_leaf_hashes": [h.hex() for h in amended[3:]],
        "root_after_decisions": later.root.hex(),
        "consistency_of_3_with_5": [h.hex() for h in grown],
        "correction_text": corrected,
        "handover_text": handover(origin, 1, poll_key.public_key().public_bytes_raw(), at),
        "entry_bundle_of_leaf_0": base64.b64encode(len(leaves[0]).to_bytes(2, "big") + leaves[0]).decode(),
        "tile_path_1234067": publication.path_of(1_234_067),
        "tile_path_273_112": publication.path_of(273, 112),
    }


def written() -> dict[str, Any]:
    """The vectors as the document has them."""
    block = re.search(r"```json vectors\n(.*?)```", DOC.read_text(encoding="utf-8"), re.DOTALL)
    assert block is not None
    found: dict[str, Any] = json.loads(block.group(1))
    return found


@pytest.mark.parametrize("name", sorted(made()))
def test_the_document_has_what_the_platform_makes(name: str) -> None:
    assert written()[name] == made()[name]


def test_the_document_has_no_vector_that_nothing_makes() -> None:
    assert set(written()) == set(made())


def test_the_verifier_reads_the_documents_vectors() -> None:
    told = written()
    head = verify.read_head(told["checkpoint"])
    assert verify.signed_by(told["checkpoint"], verify.read_key(told["log_key"]))
    assert verify.signed_by(told["checkpoint"], verify.read_key(told["witness_key"]))
    hashes = [verify.leaf_hash(leaf.encode()) for leaf in told["leaves"]]
    assert [h.hex() for h in hashes] == told["leaf_hashes"]
    path = [bytes.fromhex(h) for h in told["inclusion_of_leaf_1"]]
    assert verify.included(1, 3, hashes[1], path, head.root)
    signature = base64.b64decode(told["receipt_signature"])
    verify.require_signature(bytes.fromhex(told["receipt_key"]), signature, told["receipt_text"].encode(), "it")


def test_the_verifier_counts_the_documents_decisions() -> None:
    told = written()
    decisions = [told["void_leaf_3"].encode(), told["restore_leaf_4"].encode()]
    assert [verify.leaf_hash(leaf).hex() for leaf in decisions] == told["decision_leaf_hashes"]
    hashes = [bytes.fromhex(one) for one in (*told["leaf_hashes"], *told["decision_leaf_hashes"])]
    root = verify.root_of(hashes)
    assert root.hex() == told["root_after_decisions"]
    path = [bytes.fromhex(one) for one in told["consistency_of_3_with_5"]]
    assert verify.consistent(3, 5, bytes.fromhex(told["root"]), root, path)
    closed, corrected = told["closing_text"].splitlines(), told["correction_text"].splitlines()
    assert corrected[5] == f"corrects {closed[2]} {closed[3]}"
    count = verify.Count(7, closed=3)
    shown = []
    for leaf in (*(vote.encode() for vote in told["leaves"]), *decisions):
        count.add(leaf)
        shown.append([f"{candidate} {votes}" for candidate, votes in sorted(count.votes.items())])
    assert shown[2] == closed[5:]
    assert shown[3] == ["11 0", "12 2", "13 0"]
    assert shown[4] == corrected[6:]
    assert count.void == {0: (3, json.loads(told["void_leaf_3"])["reason"])}
