"""The file with the addresses is read only if nobody else can, and no message about it has a secret."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from support.mail import address_file
from xomflow.core.errors import ConfigurationError
from xomflow.notify.addresses import Recipient, read_addresses

SECRET = "s3cret"


def test_a_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    path = address_file(tmp_path, addresses=[])
    path.chmod(0o640)
    with pytest.raises(ConfigurationError, match=rf"^notify.addresses: {path} can be read by others; run: chmod 600 "):
        read_addresses(path)


def test_each_recipient_of_a_mail_address_is_one_by_itself(tmp_path: Path) -> None:
    url = "mailtos://xom:pw@mail.example.org:587/?from=XOM%20%3Cxom@example.org%3E&to=a@b.org,c@d.org&mode=starttls"
    found = read_addresses(address_file(tmp_path, addresses=[url, "mmosts://chat.example.org/token"]))
    assert [one.name for one in found.recipients] == ["a@b.org", "c@d.org", "2 (mmosts)"]
    first, second, _ = (one.url for one in found.recipients)
    assert first.endswith("mode=starttls&to=a%40b.org") and second.endswith("to=c%40d.org")
    assert first.startswith("mailtos://xom:pw@mail.example.org:587/?from=XOM%20%3Cxom%40example.org%3E")


def test_a_contact_has_the_address_of_the_server_with_its_own_name(tmp_path: Path) -> None:
    found = read_addresses(address_file(tmp_path, contacts="mailtos://xom:pw@mail.example.org?to=x@y.org"))
    contact = found.contact("jane@example.org")
    assert contact and contact.url == "mailtos://xom:pw@mail.example.org/?to=jane%40example.org"
    assert read_addresses(address_file(tmp_path, addresses=[])).contact("jane@example.org") is None
    blank = read_addresses(address_file(tmp_path, contacts="mailto://x.org?cc=&to=x@y.org&name=a+b"))
    assert blank.contact("a+b@c.org") == Recipient(
        "a+b@c.org", "mailto://x.org/?cc=&name=a%20b&to=a+b%40c.org", contact=True
    )


def test_only_mail_addresses_have_several_recipients(tmp_path: Path) -> None:
    urls = [
        "slack://token/?to=a@b.org,c@d.org",
        "mailto://xom:pw@x.org",
        "mailto://xom:pw@x.org/a%40b.org/?to=a@b.org,no",
    ]
    found = read_addresses(address_file(tmp_path, addresses=urls, heartbeat="https://x.org/{code}")).recipients
    assert [(one.name, one.url) for one in found] == [
        ("1 (slack)", urls[0]),
        ("2 (mailto)", urls[1]),
        ("a@b.org", urls[2]),
    ]


WRONG: dict[str, tuple[Any, str]] = {
    "no JSON": (SECRET, "is not JSON of the form"),
    "a list": ([f"mailto://xom:{SECRET}@x"], "is not JSON of the form"),
    "another key": ({"adresses": [SECRET]}, "has a key that is not known: it may have addresses, contacts, heartbeat"),
    "no list": ({"addresses": f"mailto://xom:{SECRET}@x"}, "'addresses' in .* is not a list"),
    "no address": (
        {"addresses": ["mailto://x", SECRET]},
        "entry 2 of 'addresses' .* no address, such as mailtos://...",
    ),
    "nothing": ({"addresses": [""]}, "entry 1 of 'addresses' in .* is no address"),
    "no text": ({"addresses": [7]}, "entry 1 of 'addresses' in .* is not a text"),
    "an odd host": ({"addresses": [f"mailto://xom:{SECRET}@[x"]}, "entry 1 of 'addresses' in .* is no address"),
    "contacts by chat": ({"contacts": f"slack://{SECRET}"}, "'contacts' in .* such as mailto://... or mailtos://..."),
    "no web address": ({"heartbeat": SECRET}, "'heartbeat' in .* such as http://... or https://..."),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_named_without_its_value(tmp_path: Path, name: str) -> None:
    content, sentence = WRONG[name]
    path = address_file(tmp_path)
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    with pytest.raises(ConfigurationError, match=sentence) as raised:
        read_addresses(path)
    assert SECRET not in str(raised.value)
    assert "\n" not in str(raised.value)
